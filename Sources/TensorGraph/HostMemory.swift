import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How much memory this process may still take.
///
/// Linux promises more memory than there is and ends a process that uses it, and Swift's arrays end it where none is given.
/// So whoever wants much asks here first. Where the system has no `/proc`, everything is said to be there.
package enum HostMemory {
    /// What can be had, and what sets that limit.
    package struct Limit: Hashable, Sendable {
        package var byteCount: Int
        package var reason: String

        package init(byteCount: Int, reason: String) {
            self.byteCount = byteCount
            self.reason = reason
        }
    }

    /// Allocations below this are not asked for.
    package static let threshold = 1 << 20

    /// Each allocation from here on asks the system, which takes a millisecond at worst, a small part of writing so much.
    /// Smaller ones may together take a sixteenth of what was free before it is asked again.
    private static let large = 1 << 28
    private static let credit = Atomic<Int>(0)

    /// The least of what is free on the machine, in the process's control groups, and of the limits of its address space.
    package static func available() -> Limit? {
        var limits: [Limit] = []
        let free = ["MemAvailable", "SwapFree"].compactMap { number(after: $0, in: text(of: "/proc/meminfo")) }
        if let first = free.first {
            limits.append(
                Limit(byteCount: free.dropFirst().reduce(first) { $0 + $1 } * 1024, reason: "of memory is free"))
        }
        limits += controlGroups + resourceLimits
        return limits.min { $0.byteCount < $1.byteCount }
    }

    /// - Throws: ``GraphError`` where so many bytes cannot be had now.
    package static func require(
        _ byteCount: Int, for what: @autoclosure () -> String, at location: SourceLocation? = nil
    ) throws(GraphError) {
        guard byteCount >= threshold else { return }
        if byteCount < large, credit.subtract(byteCount, ordering: .relaxed).newValue >= 0 { return }
        guard let limit = available() else { return }
        credit.store(limit.byteCount / 16, ordering: .relaxed)
        guard byteCount > limit.byteCount else { return }
        throw GraphError(
            operation: "memory",
            message: "\(what()) takes \(text(of: byteCount)), and only \(text(of: limit.byteCount)) \(limit.reason)",
            location: location)
    }

    /// A number of bytes for people: `37.3 GiB`.
    package static func text(of byteCount: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var (value, unit) = (Double(byteCount), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        guard unit > 0 else { return "\(byteCount) bytes" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }

    // MARK: What the system says

    /// What is left of the limits that hold for the process's control group and those around it.
    private static var controlGroups: [Limit] {
        var limits: [Limit] = []
        func group(_ folder: String, _ limit: String, _ usage: String, _ cache: String) {
            guard let most = number(text(of: "\(folder)/\(limit)")), most < 1 << 60 else { return }
            let used = number(text(of: "\(folder)/\(usage)")) ?? 0
            // The system drops such pages of files where memory runs short.
            let cached = number(after: cache, in: text(of: "\(folder)/memory.stat")) ?? 0
            limits.append(Limit(byteCount: max(most - used + cached, 0), reason: "is left to its control group"))
        }
        for line in lines(of: text(of: "/proc/self/cgroup")) {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            var folders = parts[2].split(separator: "/")
            while true {
                let path = folders.map { "/\($0)" }.joined()
                if parts[1].isEmpty {
                    group("/sys/fs/cgroup\(path)", "memory.max", "memory.current", "inactive_file")
                } else if parts[1].split(separator: ",").contains("memory") {
                    group(
                        "/sys/fs/cgroup/memory\(path)", "memory.limit_in_bytes", "memory.usage_in_bytes",
                        "total_inactive_file")
                }
                guard folders.popLast() != nil else { break }
            }
        }
        return limits
    }

    /// What `ulimit -v` and `ulimit -d` leave.
    private static var resourceLimits: [Limit] {
        let pages = text(of: "/proc/self/statm").split(separator: " ").compactMap { number($0) }
        guard pages.count >= 6 else { return [] }
        let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
        let used = ["Max address space": pages[0], "Max data size": pages[5]]
        return lines(of: text(of: "/proc/self/limits")).compactMap { line in
            guard let (name, used) = used.first(where: { line.hasPrefix($0.key) }),
                let most = number(line.dropFirst(name.count).drop { $0 == " " })
            else { return nil }
            return Limit(byteCount: max(most - used * pageSize, 0), reason: "is left to the process (see ulimit)")
        }
    }

    private static func lines(of text: String) -> [Substring] { text.split(separator: "\n") }

    /// The number that a text begins with.
    private static func number(_ text: some StringProtocol) -> Int? {
        Int(text.prefix { ("0"..."9").contains($0) })
    }

    /// The number in the line that begins with a name.
    private static func number(after name: String, in text: String) -> Int? {
        lines(of: text).first { $0.hasPrefix(name) && !($0.dropFirst(name.count).first?.isLetter ?? true) }.flatMap {
            number($0.dropFirst(name.count).drop { $0 == ":" || $0 == " " })
        }
    }

    /// The text of one of the system's small files; empty where there is none.
    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count < 1 << 16 {
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 13) { buffer, count in
                count = max(read(file, buffer.baseAddress, buffer.count), 0)
            }
            guard !chunk.isEmpty else { break }
            bytes += chunk
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
