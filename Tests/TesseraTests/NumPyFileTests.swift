import Foundation
import Tessera
import Testing

/// Files of arrays, beside those that NumPy has written (`Tests/References/arrays.py`).
@Suite struct NumPyFileTests {
    private static func reference(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("References/arrays/\(name)").path
    }

    private static let types: [(name: String, dtype: DType)] = [
        ("b1", .bool), ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("u1", .uint8), ("u2", .uint16),
        ("u4", .uint32), ("u8", .uint64), ("f2", .float16), ("f4", .float32), ("f8", .float64),
    ]

    /// The script's numbers of a type: `[2, 3, 4]`.
    private static func numbers(_ dtype: DType) throws -> HostTensor {
        let shape: Shape = [2, 3, 4]
        let counts = Array(0..<24)
        func signed<Element: FixedWidthInteger & TensorElement>(_: Element.Type) throws -> HostTensor {
            try HostTensor(shape, counts.map { Element($0 - 3) })
        }
        func unsigned<Element: FixedWidthInteger & TensorElement>(_: Element.Type) throws -> HostTensor {
            try HostTensor(shape, counts.map { Element($0) })
        }
        switch dtype {
        case .bool: return try HostTensor(shape, counts.map { $0 % 3 == 0 })
        case .int8: return try signed(Int8.self)
        case .int16: return try signed(Int16.self)
        case .int32: return try signed(Int32.self)
        case .int64: return try signed(Int64.self)
        case .uint8: return try unsigned(UInt8.self)
        case .uint16: return try unsigned(UInt16.self)
        case .uint32: return try unsigned(UInt32.self)
        case .uint64: return try unsigned(UInt64.self)
        case .float32: return try HostTensor(shape, counts.map { Float($0 - 3) / 2 })
        case .float64: return try HostTensor(shape, counts.map { Double($0 - 3) / 2 })
        case .float16, .bfloat16:
            // Sign, exponent and mantissa of (n - 3) / 2.
            let bits = counts.map { count -> UInt16 in
                let value = Float(count - 3) / 2
                guard value != 0 else { return 0 }
                let mantissa = UInt16(value.significandBitPattern >> 13)
                return (value < 0 ? 0x8000 : 0) | UInt16(Int(value.exponent) + 15) << 10 | mantissa
            }
            return try HostTensor(TensorType(shape, dtype), bytes: bits.withUnsafeBytes { Array($0) })
        }
    }

    /// Every type, in both orders of bytes and of axes.
    @Test(arguments: ["stored.npz", "deflated.npz"]) func arraysOfNumPyAreRead(_ name: String) throws {
        let file = try NPZFile(path: Self.reference(name))
        var held: Set = ["scalar", "empty", "ü"]
        for (name, dtype) in Self.types {
            let expected = try Self.numbers(dtype)
            for order in dtype.byteCount == 1 ? ["|"] : ["<", ">"] {
                for axes in ["C", "F"] {
                    #expect(try file.tensor("\(order)\(name)/\(axes)") == expected, "\(order)\(name)/\(axes)")
                    held.insert("\(order)\(name)/\(axes)")
                }
            }
        }
        #expect(file.names == held.sorted())
        #expect(try file.tensor("scalar") == HostTensor(Float(1.5)))
        #expect(try file.tensor("empty") == HostTensor(zeros: TensorType([0, 4])))
        #expect(try file.tensor("ü") == HostTensor([3], [0, 1, 2] as [Int32]))
        let error = #expect(throws: FileError.self) { try file.tensor("other") }
        #expect(error?.reason.hasPrefix("has no array “other”; it has “<f2/C”, ") ?? false, "\(error as Any)")
    }

    @Test(arguments: [1, 2, 3]) func everyVersionIsRead(_ version: Int) throws {
        #expect(try NPY.read(Self.reference("version\(version).npy")) == Self.numbers(.int64))
    }

    /// Byte for byte.
    @Test func arraysAreWrittenAsNumPyWritesThem() throws {
        let folder = try TemporaryFolder()
        let vector = try HostTensor([24], Self.numbers(.uint8).elements(UInt8.self))
        for (name, tensor) in [("saved.npy", try Self.numbers(.float32)), ("vector.npy", vector)] {
            try NPY.write(tensor, to: folder.path(name))
            let written = try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
            #expect(written == (try Data(contentsOf: URL(fileURLWithPath: Self.reference(name)))))
        }
        let error = #expect(throws: FileError.self) {
            try NPY.write(HostTensor(zeros: TensorType([1], .bfloat16)), to: folder.path("b.npy"))
        }
        #expect(error?.reason == "bfloat16 cannot be written: NumPy has no such type")
    }

    /// Where TESSERA_KEPT_ARRAYS names a folder, the files stay there for `arrays.py` to check them.
    @Test(arguments: [false, true]) func everyTypeComesBack(_ isCompressed: Bool) throws {
        let folder = try TemporaryFolder()
        var tensors = ["scalar": HostTensor(Float(1.5)), "ü": try HostTensor([3], [0, 1, 2] as [Int32])]
        tensors["empty"] = try HostTensor(zeros: TensorType([0, 4]))
        for (_, dtype) in Self.types { tensors["\(dtype)"] = try Self.numbers(dtype) }
        let kept = ProcessInfo.processInfo.environment["TESSERA_KEPT_ARRAYS"]
        let path = kept.map { "\($0)/\(isCompressed).npz" } ?? folder.path("all.npz")
        try NPZFile.write(tensors, isCompressed: isCompressed, to: path)
        let file = try NPZFile(path: path)
        #expect(file.names == tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        for (name, tensor) in tensors { #expect(try file.tensor(name) == tensor, "\(name)") }
        let twice: KeyValuePairs = ["a": HostTensor(Float(1)), "a": HostTensor(Float(2))]
        #expect(throws: FileError.self) { try NPZFile.write(twice, to: path) }
        #expect(try NPZFile(path: path).names == file.names)
    }

    /// More than zlib takes at once, and than it packs into one chunk.
    @Test func largeArraysComeBack() throws {
        let folder = try TemporaryFolder()
        let random = try RandomSource(seed: 1).uniform([300, 1000], bound: 1)
        let zeros = try HostTensor(zeros: TensorType([3_000_000]))
        let path = folder.path("large.npz")
        try NPZFile.write(["random": random, "zeros": zeros], isCompressed: true, to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count < 1_300_000)
        #expect(try NPZFile(path: path).tensor("random") == random)
        #expect(try NPZFile(path: path).tensor("zeros") == zeros)
    }

    /// Headers that are not right, each with a part of the message that says so.
    static let corrupt: [(header: String, bytes: Int, message: String)] = [
        ("", 0, "a value is missing"), ("[]", 0, "no dictionary"), ("{'descr': '<f4'}", 0, "needs a descr"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 7, "takes 8 bytes, but 7"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, "takes 8 bytes, but 9"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "negative extent"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8, "a shape of whole numbers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296)}", 8, "more elements than memory"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, "a number too large"),
        ("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "needs a descr"),
        ("{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", 8, "of type “|f4”"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, "these can: f2, f4"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8, "of type “|O”"),
        ("{'descr': '', 'fortran_order': False, 'shape': (1,)}", 8, "of type “”"),
        ("{'descr': '<f4', 'descr': '<f4'}", 8, "comes twice"),
        ("{'descr': '<f4' 'x': 1}", 8, "“,” is missing"), ("{'descr: 1}", 0, "a text has no end"),
        ("{'a\\\\': 1}", 0, "an escape"), ("{'a': True} 1", 0, "something follows"), ("{'a': Maybe}", 0, "unknown"),
        (String(repeating: "(", count: 100), 0, "nested too deeply"),
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1,", count: 65)))}", 4,
            "65 axes"
        ),
    ]

    private static func file(_ header: String, _ byteCount: Int) -> [UInt8] {
        let count = header.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(count & 255), UInt8(count >> 8)] + Array(header.utf8)
            + [UInt8](repeating: 0, count: byteCount)
    }

    @Test(arguments: corrupt.indices) func corruptHeadersAreRefused(_ index: Int) throws {
        let (header, byteCount, message) = Self.corrupt[index]
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.file(header, byteCount), to: "corrupt.npy")
        let error = #expect(throws: FileError.self) { try NPY.read(path) }
        #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
    }

    @Test func whatIsNoArrayOfNumbersIsRefused() throws {
        for (name, message) in [("text.npy", "of type “<U2”"), ("records.npy", "records of several fields")] {
            let error = #expect(throws: FileError.self) { try NPY.read(Self.reference(name)) }
            #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
        }
        let error = #expect(throws: FileError.self) { try NPZFile(path: Self.reference("saved.npy")) }
        #expect(error?.reason.contains("no ZIP archive") ?? false)
        // Python 2 wrote numbers so.
        let folder = try TemporaryFolder()
        let old = Self.file("{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }", 8)
        #expect(try NPY.read(folder.write(old, to: "old.npy")).shape == [2, 1])
    }

    /// Any bytes are an array or an error.
    @Test(arguments: ["saved.npy", "version3.npy", "records.npy", "stored.npz", "deflated.npz"])
    func changedFilesAreReadOrRefused(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.reference(name))))
        var random = RandomSource(seed: 7)
        var refused = 0
        let isArchive = name.hasSuffix("z")
        for round in 0..<(isArchive ? 150 : 400) {
            var bytes = original
            // The header, the directory, or anywhere.
            let places = [0..<min(128, bytes.count), max(bytes.count - 4000, 0)..<bytes.count, 0..<bytes.count]
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: places[round % 3], using: &random)] =
                    [
                        0, 255, 127, 128, UInt8.random(in: 0...255, using: &random),
                    ][Int.random(in: 0..<5, using: &random)]
            }
            if round % 5 == 4 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            let path = try folder.write(bytes, to: "changed")
            do {
                if isArchive {
                    let file = try NPZFile(path: path)
                    for name in file.names { _ = try file.tensor(name) }
                } else {
                    _ = try NPY.read(path)
                }
            } catch is FileError {
                refused += 1
            }
        }
        #expect(refused > 30)
    }
}
