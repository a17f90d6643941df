import CKernels
import Foundation

/// What a program is built from. Equal texts and options are one program, whatever it is called.
package struct ProgramText: Hashable, Sendable {
    package let source: String
    package let options: String
    /// What errors call the program by.
    package let name: String

    package init(source: String, options: String = "", name: String = "program") {
        (self.source, self.options, self.name) = (source, options, name)
    }

    /// The text of a kernel's files and generated lines, and its macros as options.
    ///
    /// - Throws: ``KernelSource/MissingFile``.
    package init(_ kernel: KernelSpecification) throws {
        func texts(_ files: [String]) throws -> String {
            try files.map { try KernelSource.text(of: $0) }.joined(separator: "\n")
        }
        source = try texts(kernel.files) + kernel.generated + texts(kernel.lastFiles)
        options = OpenCLBackend.options(kernel.defines)
        name = (kernel.files + kernel.lastFiles).last ?? kernel.name
    }

    func adding(_ options: String) -> ProgramText {
        options.isEmpty ? self : ProgramText(source: source, options: self.options + " " + options, name: name)
    }

    package static func == (a: ProgramText, b: ProgramText) -> Bool { a.options == b.options && a.source == b.source }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(options)
        hasher.combine(source)
    }
}

/// The text of the files in `Kernels/`, embedded in the binary.
///
/// While tuning a kernel, set `TESSERA_KERNELS` to a folder to read them from there instead.
package enum KernelSource {
    package struct MissingFile: Error, CustomStringConvertible {
        package let path: String
        package var description: String { "there is no kernel file \(path)" }
    }

    /// The paths of all embedded files.
    package static let paths: [String] = Array(embedded.keys).sorted()

    private static let embedded: [String: String] = {
        var files: [String: String] = [:]
        var index = 0
        while let file = entry(index) {
            files[file.path] = file.text
            index += 1
        }
        return files
    }()

    private static func entry(_ index: Int) -> (path: String, text: String)? {
        guard let file = ckernels_file(Int32(index)) else { return nil }
        guard let path = file.pointee.path, let text = file.pointee.text else { return nil }
        let bytes = UnsafeRawBufferPointer(start: text, count: file.pointee.length)
        return (String(cString: path), String(decoding: bytes, as: UTF8.self))
    }

    /// The text of a file, by its path from `Kernels/`.
    package static func text(of path: String) throws -> String {
        if let folder = ProcessInfo.processInfo.environment["TESSERA_KERNELS"] {
            return try String(contentsOfFile: folder + "/" + path, encoding: .utf8)
        }
        guard let text = embedded[path] else { throw MissingFile(path: path) }
        return text
    }
}
