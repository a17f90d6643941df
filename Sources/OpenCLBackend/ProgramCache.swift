import Foundation
import OpenCL
import Synchronization

/// Built programs of one context, kept in memory and, from process to process, in files.
///
/// A file's name is a hash of everything that the binary depends on: source, options, device, driver and platform.
/// The file holds that text too, and a checksum, so that neither a collision nor a damaged file is ever loaded. Files
/// appear by renaming, so that several processes may share the folder. Nothing about the folder is an error: one that
/// can't be read or written only costs time.
///
/// Files are written by ``storePending()``, not when a program is built, because of PoCL: it compiles a kernel for a
/// work-group size at its first launch, and only a binary taken after that holds the result. Taking one is slow there
/// (about 0.25 s a kernel, since it compiles a version for any size too) but done once.
package final class ProgramCache: Sendable {
    package let context: Context
    /// Where the files are; nil keeps programs in memory only.
    package let directory: String?
    private let deviceKey: String
    private let state = Mutex(State())

    private struct Key: Hashable {
        var source: String
        var options: String
    }

    private struct State {
        var programs: [Key: Program] = [:]
        /// Built from source here and not yet in a file.
        var pending: [Key] = []
        var statistics = Statistics()
    }

    /// What the cache has done so far.
    package struct Statistics: Hashable, Sendable {
        package var foundInMemory = 0
        package var foundInFile = 0
        package var built = 0
        package var stored = 0
        /// Files that were there but could not be used.
        package var rejected = 0
    }

    package init(_ context: Context, directory: String? = ProgramCache.defaultDirectory()) {
        self.context = context
        self.directory = directory
        let device = context.device
        let capabilities = device.capabilities
        // Vector width and compute units stand for what drivers leave out of their names: the same name on two
        // machines with different instruction sets.
        deviceKey = [
            "tessera program 1", device.platform.name, device.platform.version, device.platform.vendor,
            capabilities.name, capabilities.vendor, capabilities.version, capabilities.driverVersion,
            "\(capabilities.vendorID) \(capabilities.computeUnits) \(capabilities.vectorWidths.nativeFloat)",
        ].joined(separator: "\n")
    }

    /// `$TESSERA_CACHE_DIR`, else `$XDG_CACHE_HOME/tessera`, else `~/.cache/tessera`. Nil, for no files, where
    /// `TESSERA_CACHE_DIR` is set but empty.
    package static func defaultDirectory(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        if let chosen = environment["TESSERA_CACHE_DIR"] { return chosen.isEmpty ? nil : chosen }
        // The standard says to ignore a relative path.
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/tessera" }
        guard let home = environment["HOME"], !home.isEmpty else { return nil }
        return home + "/.cache/tessera"
    }

    package var statistics: Statistics { state.withLock { $0.statistics } }

    /// The program of this source and these options: from memory, from a file, or built now.
    ///
    /// - Parameter name: What errors call the program by.
    package func program(source: String, options: String = "", name: String = "program") throws(OpenCLError) -> Program
    {
        let key = Key(source: source, options: options)
        let known = state.withLock { state -> Program? in
            guard let program = state.programs[key] else { return nil }
            state.statistics.foundInMemory += 1
            return program
        }
        if let known { return known }
        // Outside the lock: two threads that want the same program at once may both build it, and the first stays.
        if let stored = load(key, name: name) { return keep(stored, key, built: false) }
        return keep(try Program(context, source: source, options: options, name: name), key, built: true)
    }

    private func keep(_ program: Program, _ key: Key, built: Bool) -> Program {
        state.withLock { state in
            if built { state.statistics.built += 1 } else { state.statistics.foundInFile += 1 }
            if let first = state.programs[key] { return first }
            state.programs[key] = program
            if built, directory != nil { state.pending.append(key) }
            return program
        }
    }

    // MARK: - Files

    /// Writes the programs built since the last call to files. To be called after they have run at least once, at a
    /// moment when time matters little and no command is under way.
    package func storePending() {
        guard let directory else { return }
        let pending = state.withLock { state in
            let pending = state.pending.compactMap { key in state.programs[key].map { (key, $0) } }
            state.pending = []
            return pending
        }
        guard !pending.isEmpty else { return }
        // For the user only: others could plant code in a folder that they may write to.
        guard
            (try? FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])) != nil
        else { return }
        for (key, program) in pending {
            guard let binary = try? program.binary() else { continue }
            let text = keyText(key)
            let file = ProgramFile(key: text, binary: binary).bytes
            // `.atomic` writes another file and renames it.
            guard (try? Data(file).write(to: URL(fileURLWithPath: path(text, in: directory)), options: .atomic)) != nil
            else { return }
            state.withLock { $0.statistics.stored += 1 }
        }
    }

    private func load(_ key: Key, name: String) -> Program? {
        guard let directory else { return nil }
        let text = keyText(key)
        let path = path(text, in: directory)
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        if let file = ProgramFile(bytes: [UInt8](data)), file.key == text,
            let program = try? Program(context, binary: file.binary, options: key.options, name: name)
        {
            return program
        }
        // Damaged, another program's, or refused by the driver: `storePending` replaces it.
        state.withLock { $0.statistics.rejected += 1 }
        return nil
    }

    private func keyText(_ key: Key) -> [UInt8] {
        // Lengths first, so that no two keys join to the same text.
        Array("\(deviceKey.utf8.count) \(key.options.utf8.count)\n\(deviceKey)\n\(key.options)\n\(key.source)".utf8)
    }

    private func path(_ keyText: [UInt8], in directory: String) -> String {
        directory + "/" + SipHash128.hexadecimal(of: keyText) + ".clbin"
    }
}

/// A cache file: a magic word, both lengths, a checksum of all that follows it, the key and the binary.
struct ProgramFile: Equatable {
    var key: [UInt8]
    var binary: [UInt8]

    private static let magic = Array("TSRCLB01".utf8)
    private static let headerLength = 8 + 8 + 8 + 16

    init(key: [UInt8], binary: [UInt8]) {
        self.key = key
        self.binary = binary
    }

    /// Nil unless every byte is as it was written.
    init?(bytes: [UInt8]) {
        guard bytes.count >= Self.headerLength, bytes.starts(with: Self.magic) else { return nil }
        let words = bytes.withUnsafeBytes { raw in
            (1..<5).map { UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
        }
        let content = bytes.count - Self.headerLength
        guard let keyLength = Int(exactly: words[0]), let binaryLength = Int(exactly: words[1]),
            keyLength <= content, binaryLength == content - keyLength
        else { return nil }
        let digest = Self.digest(of: bytes[Self.headerLength...])
        guard digest == (words[2], words[3]) else { return nil }
        key = Array(bytes[Self.headerLength..<Self.headerLength + keyLength])
        binary = Array(bytes[(Self.headerLength + keyLength)...])
    }

    var bytes: [UInt8] {
        let content = key + binary
        let digest = Self.digest(of: content[...])
        var bytes = Self.magic
        for word in [UInt64(key.count), UInt64(binary.count), digest.0, digest.1] {
            withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
        }
        return bytes + content
    }

    private static func digest(of bytes: ArraySlice<UInt8>) -> (UInt64, UInt64) {
        bytes.withUnsafeBytes { SipHash128.digest(of: $0) }
    }
}
