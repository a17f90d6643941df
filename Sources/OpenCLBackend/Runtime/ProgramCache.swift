internal import AtomicFiles
import Foundation
import OpenCL
import Synchronization

/// Built programs of one context, kept in memory and, from process to process, in files.
///
/// A file's name is a hash of everything that the binary depends on: source, options, device, driver and platform.
/// The file holds that text too, and a checksum, so that neither a collision nor a damaged file is ever loaded. Files
/// appear by renaming, so that several processes may share the folder. Nothing about the folder is an error: one that
/// can't be read or written only costs time. But a program is run: a folder or a file that somebody else can have written is
/// not used, and that is said once. The folder grows up to ``folderLimit``.
///
/// A program's file is written as soon as it is built, so that it does not matter how the process ends. Where a driver
/// ``Device/compilesAtLaunch``, the file holds the compiled object before linking, which takes that driver no time; the
/// machine code of each kernel is in the driver's own files from its first launch on.
package final class ProgramCache: Sendable {
    package let context: Context
    /// Where the files are; nil keeps programs in memory only.
    package let directory: String?
    /// The most bytes of programs in the folder: beyond it, those that were not used for longest are removed.
    package let folderLimit: Int
    /// What every program is built with beside its own options.
    private let options: String
    private let deviceKey: String
    private let state = Mutex(State())

    private struct State {
        var programs: [ProgramText: Program] = [:]
        var statistics = Statistics()
        /// Whether every program so far that compiles does so with the declarations in `driver/pocl.cl`.
        var declarationsDo = true
        /// Nil until the folder was looked at.
        var folderIsSafe: Bool?
        /// What was found wrong first with the folder or a file in it, and whether it was told.
        var warning: String?
        var hasWarned = false
        var notice: (@Sendable (String) -> Void)?
    }

    /// What the cache has done so far.
    package struct Statistics: Hashable, Sendable {
        package var foundInMemory = 0
        package var foundInFile = 0
        package var built = 0
        /// Those of them that need more of OpenCL C than is declared here.
        package var builtWithDriversHeader = 0
        package var stored = 0
        /// Files that were there but could not be used.
        package var rejected = 0
    }

    package init(
        _ context: Context, directory: String? = ProgramCache.defaultDirectory(), options: String = "",
        folderLimit: Int = ProgramFolder.defaultLimit
    ) {
        self.context = context
        self.directory = directory
        self.folderLimit = folderLimit
        self.options = options
        let device = context.device
        let capabilities = device.capabilities
        // Vector width and compute units stand for what drivers leave out of their names: the same name on two
        // machines with different instruction sets.
        deviceKey = [
            "tessera program 2", device.platform.name, device.platform.version, device.platform.vendor,
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

    /// The program of a text: from memory, from a file, or built now.
    package func program(_ text: ProgramText) throws(OpenCLError) -> Program {
        if let program = found(text) { return program }
        return try build(text)
    }

    /// The program of a text if it is in memory or in a file.
    package func found(_ text: ProgramText) -> Program? {
        let text = text.adding(options)
        let known = state.withLock { state -> Program? in
            guard let program = state.programs[text] else { return nil }
            state.statistics.foundInMemory += 1
            return program
        }
        if let known { return known }
        guard let stored = load(text) else { return nil }
        state.withLock { $0.statistics.foundInFile += 1 }
        return keep(stored, text)
    }

    /// Builds a program and puts it into memory and its file. Two threads that want the same one at once may both build it,
    /// and the first stays.
    package func build(_ text: ProgramText) throws(OpenCLError) -> Program {
        let text = text.adding(options)
        let program: Program
        if context.device.compilesAtLaunch {
            let object = try compile(text)
            program = try Program(linking: object)
            store(text) { () throws(OpenCLError) in try object.binary() }
        } else {
            program = try Program(context, source: text.source, options: text.options, name: text.name)
            store(text) { () throws(OpenCLError) in try program.binary() }
        }
        state.withLock { $0.statistics.built += 1 }
        return keep(program, text)
    }

    /// Compiles with the declarations in `driver/pocl.cl`, or, where these do not do, with the driver's own, which take it
    /// five times as long to read.
    private func compile(_ text: ProgramText) throws(OpenCLError) -> ProgramObject {
        if state.withLock({ $0.declarationsDo }), let declarations = try? KernelSource.text(of: "driver/pocl.cl"),
            let object = try? ProgramObject(
                context, source: declarations + "#line 1\n" + text.source, options: text.options + " -D_OPENCL_H_",
                name: text.name)
        {
            return object
        }
        let object = try ProgramObject(context, source: text.source, options: text.options, name: text.name)
        state.withLock { state in
            state.statistics.builtWithDriversHeader += 1
            // Another version of the driver, it may be: not tried again.
            state.declarationsDo = false
        }
        return object
    }

    private func keep(_ program: Program, _ key: ProgramText) -> Program {
        state.withLock { state in
            if let first = state.programs[key] { return first }
            state.programs[key] = program
            return program
        }
    }

    // MARK: - Files

    /// The folder, unless somebody else may put files into it.
    private var safeDirectory: String? {
        guard let directory else { return nil }
        if let isSafe = state.withLock({ $0.folderIsSafe }) { return isSafe ? directory : nil }
        do {
            try RegularFile.checkOwner(ofFolder: directory)
        } catch {
            state.withLock { $0.folderIsSafe = false }
            warnOnce("\(error); built programs are not kept")
            return nil
        }
        // One that is not there yet is looked at again.
        if FileManager.default.fileExists(atPath: directory) { state.withLock { $0.folderIsSafe = true } }
        return directory
    }

    /// Has somebody told, once, where the folder or a file in it is not used because somebody else can have written it.
    package func warn(_ notice: (@Sendable (String) -> Void)?) {
        state.withLock { $0.notice = notice }
        tellWarning()
    }

    private func warnOnce(_ message: String) {
        state.withLock { $0.warning = $0.warning ?? message }
        tellWarning()
    }

    private func tellWarning() {
        let told = state.withLock { state -> (@Sendable () -> Void)? in
            guard let warning = state.warning, let notice = state.notice, !state.hasWarned else { return nil }
            state.hasWarned = true
            return { notice(warning) }
        }
        told?()
    }

    private func store(_ key: ProgramText, _ binary: () throws(OpenCLError) -> [UInt8]) {
        // For the user only: others could plant code in a folder that they may write to.
        guard let directory = safeDirectory, (try? AtomicFile.makeFolder(directory, mode: 0o700)) != nil,
            let binary = try? binary()
        else { return }
        let text = keyText(key)
        let file = ProgramFile(key: text, binary: binary).bytes
        guard file.count <= folderLimit else { return }
        // What a power cut spoils, the checksum finds.
        guard (try? AtomicFile.write(file, to: path(text, in: directory), isDurable: false, isPrivate: true)) != nil
        else { return }
        let stored = state.withLock { state in
            state.statistics.stored += 1
            return state.statistics.stored
        }
        // Seldom, as it looks at every file; and at a process's first program, as most store few.
        if stored % 64 == 1 { ProgramFolder(directory).trim(to: folderLimit) }
    }

    private func load(_ key: ProgramText) -> Program? {
        guard let directory = safeDirectory else { return nil }
        let text = keyText(key)
        let path = path(text, in: directory)
        do {
            guard let bytes = try RegularFile.read(path, limit: folderLimit, writers: .owner) else { return nil }
            if let file = ProgramFile(bytes: bytes), file.key == text, let program = try? program(of: file.binary, key)
            {
                ProgramFolder.markUsed(path)
                return program
            }
        } catch {
            warnOnce("\(error); it is built anew")
        }
        // Damaged, another program's, somebody else's, or refused by the driver: it is built, which replaces the file.
        state.withLock { $0.statistics.rejected += 1 }
        return nil
    }

    private func program(of binary: [UInt8], _ key: ProgramText) throws(OpenCLError) -> Program {
        guard context.device.compilesAtLaunch else {
            return try Program(context, binary: binary, options: key.options, name: key.name)
        }
        return try Program(linking: try ProgramObject(context, binary: binary, name: key.name))
    }

    private func keyText(_ key: ProgramText) -> [UInt8] {
        // Lengths first, so that no two keys join to the same text.
        Array("\(deviceKey.utf8.count) \(key.options.utf8.count)\n\(deviceKey)\n\(key.options)\n\(key.source)".utf8)
    }

    private func path(_ keyText: [UInt8], in directory: String) -> String {
        directory + "/" + SipHash128.hexadecimal(of: keyText) + ProgramFolder.suffix
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
