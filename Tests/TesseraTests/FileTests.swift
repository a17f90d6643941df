import Foundation
import Tessera
import Testing

/// A folder that goes away with the test.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: url.appendingPathComponent(name))
        return path(name)
    }
}

@Suite struct SafetensorsTests {
    @Test func everyTypeComesBack() throws {
        let folder = try TemporaryFolder()
        var tensors: [String: HostTensor] = [:]
        for dtype in DType.allCases {
            let type = TensorType([2, 3], dtype)
            tensors["\(dtype)"] = try HostTensor(type, bytes: (0..<type.byteCount).map { UInt8($0 * 7 % 256) })
        }
        tensors["scalar"] = HostTensor(Float(1.5))
        tensors["empty"] = try HostTensor(zeros: TensorType([0, 4]))
        tensors["na\"me\\ \n ü 🙂"] = HostTensor(Int64(-1))
        let path = folder.path("all.safetensors")
        try SafetensorsFile.write(tensors, metadata: ["format": "pt", "ä\"": "\t"], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == tensors.keys.sorted())
        for (name, tensor) in tensors { #expect(try file.tensor(name) == tensor, "\(name)") }
        #expect(file.metadata == ["format": "pt", "ä\"": "\t"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["all.safetensors"])
    }

    @Test func whatCannotBeWrittenLeavesTheOldFile() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: FileError.self) {
            try SafetensorsFile.write(["a": HostTensor(Float(1))], to: folder.path("missing/a.safetensors"))
        }
        #expect("\(error as Any)".contains("there is no folder"))
        let path = folder.path("kept")
        try SafetensorsFile.write(["a": HostTensor(Float(1))], to: path)
        #expect(throws: FileError.self) {
            try SafetensorsFile.write(["__metadata__": HostTensor(Float(2))], to: path)
        }
        #expect(try SafetensorsFile(path: path).tensor("a") == HostTensor(Float(1)))
    }

    /// Headers that are not right, each with a part of the message that says so.
    static let corrupt: [(header: String, bytes: Int, message: String)] = [
        ("", 0, "does not begin with {"),
        ("[]", 0, "does not begin with {"),
        ("{", 0, "a text is missing"),
        ("{} x", 0, "something follows"),
        (#"{"a":1}"#, 0, "“a” is no object"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "cut short or has more"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "cut short or has more"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "takes 8 bytes, but its offsets hold 4"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "begins at 4, not at 0"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "two rising data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "two rising data_offsets"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "a shape of whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "a shape of whole numbers"),
        (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4, "begins with 0"),
        (#"{"a":{"dtype":"F32","shape":[1.],"data_offsets":[0,4]}}"#, 4, "a digit is missing"),
        (#"{"a":{"dtype":"F32","shape":[tru],"data_offsets":[0,4]}}"#, 4, "“true” is missing"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#, 4,
            "takes 4 bytes, but its offsets hold 9223372036854775807"
        ),
        (#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, 2, "takes 12 bits, but its offsets hold 2"),
        (#"{"a":{"dtype":"X9","shape":[3],"data_offsets":[0,2]}}"#, 3, "cut short or has more"),
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            2, "“a” comes twice"
        ),
        (#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, 4, "needs a dtype"),
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            2, "“a” comes twice"
        ),
        (
            #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
            3, "begins at 1, not at 2"
        ),
        (#"{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}"#, 1, "a shape of whole numbers"),
        (#"{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0, "“a” is too large"),
        (#"{"__metadata__":{"a":1}}"#, 0, "is no text"),
        (#"{"__metadata__":[]}"#, 0, "“__metadata__” is no object"),
        (
            "{\"a\":{\"x\":" + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}}", 0,
            "nested too deeply"
        ),
        (#"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, 1, "“dtype” comes twice"),
        (#"{"__metadata__":{"a":"b","a":"b"}}"#, 0, "“a” comes twice"),
        (#"{"__metadata__":{},"__metadata__":{}}"#, 0, "“__metadata__” comes twice"),
        // What would take many times the memory of its text.
        (
            "{\"a\":{\"shape\":[" + String(repeating: "1,", count: 1_000_000) + "1]}}", 0, "more than 64 numbers"
        ),
        (
            "{\"a\":{" + (0..<100).map { "\"\($0)\":0" }.joined(separator: ",") + "}}", 0, "more than 64 fields"
        ),
        (
            "{\"__metadata__\":{" + (0..<70_000).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}", 0,
            "more than 65536 texts"
        ),
        ("{\"a\":" + String(repeating: "[", count: 1_000_000), 0, "“a” is no object"),
        (#"{"\ud83d \ude00":1}"#, 0, "half a character"),
        ("{\"a\u{1}\":1}", 0, "control character"),
        (#"{"\ud800":1}"#, 0, "half a character"),
    ]

    @Test(arguments: corrupt.indices) func corruptFilesAreRefused(_ index: Int) throws {
        let (header, byteCount, message) = Self.corrupt[index]
        let folder = try TemporaryFolder()
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        let path = try folder.write(
            length + Array(header.utf8) + [UInt8](repeating: 0, count: byteCount), to: "corrupt.safetensors")
        let error = #expect(throws: FileError.self) { try SafetensorsFile(path: path) }
        #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
    }

    @Test(
        arguments: [
            ([], "too few"), ([1, 2, 3], "too few"), ([255, 0, 0, 0, 0, 0, 0, 0, 123], "cut short"),
            ([255, 255, 255, 255, 255, 255, 255, 255], "more than 100000000"),
        ] as [([UInt8], String)])
    func filesThatAreNoneAreRefused(_ bytes: [UInt8], _ message: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "none.safetensors")
        let error = #expect(throws: FileError.self) { try SafetensorsFile(path: path) }
        #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
    }

    /// A whole file cut at every length is refused at every length.
    @Test func cutFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("whole")
        try SafetensorsFile.write(["a": HostTensor([3], [1, 2, 3] as [Float]), "b": HostTensor(UInt8(1))], to: path)
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        for length in 0..<whole.count {
            let cut = try folder.write(Array(whole[..<length]), to: "cut")
            #expect(throws: FileError.self, "\(length)") { try SafetensorsFile(path: cut) }
        }
    }

    @Test func checkpointsThatDoNotFitAreRefusedAndChangeNothing() throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        let layer = Dense(2, 3, RandomSource(seed: 1))
        let weight = try HostTensor(zeros: TensorType([3, 2])), bias = try HostTensor(zeros: TensorType([3]))
        let cases: [(tensors: [String: HostTensor], message: String)] = try [
            (["weight": weight], "has no tensor “bias”"),
            (["weight": weight, "bias": HostTensor(zeros: TensorType([4]))], "“bias” is float32[4], but the model's"),
            (["weight": weight, "bias": bias, "more": bias], "has not: more"),
            (["weight": weight, "bias": HostTensor(zeros: TensorType([3], .int32))], "“bias” is int32[3]"),
        ]
        for (tensors, message) in cases {
            let path = folder.path("wrong")
            try SafetensorsFile.write(tensors, to: path)
            let error = #expect(throws: FileError.self) { try layer.load(from: path, on: executor) }
            #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
            #expect(try executor.value(of: layer.weight) == layer.weight.initialValue)
        }
    }

    @Test func narrowTypesAreWidened() throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        let layer = LayerNorm(2)
        let path = folder.path("half")
        // 1.5 and -2 as binary16 and as bfloat16.
        try SafetensorsFile.write(
            [
                "weight": HostTensor(TensorType([2], .float16), bytes: [0x00, 0x3e, 0x00, 0xc0]),
                "bias": HostTensor(TensorType([2], .bfloat16), bytes: [0xc0, 0x3f, 0x00, 0xc0]),
            ], to: path)
        try layer.load(from: path, on: executor)
        #expect(try executor.value(of: layer.weight).elements() == [1.5, -2] as [Float])
        #expect(try executor.value(of: layer.bias).elements() == [1.5, -2] as [Float])
    }
}

@Suite struct DataTests {
    static let header: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 3]

    @Test(
        arguments: [
            ([], "too few"), ([1, 0, 8, 1, 0, 0, 0, 0], "two zeros"), ([0, 0, 13, 1, 0, 0, 0, 0], "of type 13"),
            ([0, 0, 8, 3, 0, 0, 0, 1], "has 3 axes, not 1"), ([0, 0, 8, 1, 0, 0], "ends in the header"),
            (header + [1, 2], "takes 3 bytes, but 2"), (header + [1, 2, 3, 4], "takes 3 bytes, but 4 or more"),
            ([0, 0, 8, 1, 255, 255, 255, 255], "takes 4294967295 bytes, but 0"),
        ] as [([UInt8], String)])
    func corruptIDXIsRefused(_ bytes: [UInt8], _ message: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "corrupt")
        let error = #expect(throws: FileError.self) { try IDX.read(path, rank: 1) }
        #expect(error?.reason.contains(message) ?? false, "\(error as Any)")
    }

    /// A file of a terabyte whose header speaks of three bytes is not read to its end.
    @Test func noMoreIsReadThanTheHeaderSays() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.header, to: "endless")
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: 1 << 40)
        try file.close()
        let error = #expect(throws: FileError.self) { try IDX.read(path, rank: 1) }
        #expect(error?.reason.contains("takes 3 bytes") == true, "\(error as Any)")
    }

    /// `gzip -c` of the header and 1, 2, 3; then cut short, and with a byte changed.
    @Test func packedIDX() throws {
        let packed: [UInt8] = [
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x63, 0x60, 0xe0, 0x60, 0x64, 0x60, 0x60, 0x60,
            0x66, 0x64, 0x62, 0x06, 0x00, 0x8b, 0xe5, 0xbd, 0xa4, 0x0b, 0x00, 0x00, 0x00,
        ]
        let folder = try TemporaryFolder()
        let whole = try folder.write(packed, to: "whole.gz")
        #expect(try IDX.read(whole, rank: 1).elements() == [1, 2, 3] as [UInt8])
        let cut = try folder.write(Array(packed.dropLast(6)), to: "cut.gz")
        #expect(throws: FileError.self) { try IDX.read(cut, rank: 1) }
        var changed = packed
        changed[changed.count - 6] ^= 1
        let corrupt = try folder.write(changed, to: "corrupt.gz")
        #expect(throws: FileError.self) { try IDX.read(corrupt, rank: 1) }
        #expect(throws: FileError.self) { try IDX.read(folder.path("missing.gz"), rank: 1) }
    }

    @Test func imagesAndLabels() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 51, 255, 102], to: "images")
        let labels = try folder.write([0, 0, 8, 1, 0, 0, 0, 2, 7, 9], to: "labels")
        let batch = try ImageDataset(images: images, labels: labels).batch([1, 0][...])
        #expect(try batch.input.shape == [2, 1, 1, 2])
        #expect(isClose(try batch.input.elements(), [1, 0.4, 0, 0.2]))
        #expect(try batch.target.elements() == [9, 7] as [Int32])
        let few = try folder.write([0, 0, 8, 1, 0, 0, 0, 1, 7], to: "few")
        #expect(throws: FileError.self) { try ImageDataset(images: images, labels: few) }
    }

    @Test func characters() throws {
        let tokens = CharacterDataset.tokens(of: "Hi ~\n\tü".utf8)
        #expect(tokens == [41, 74, 1, 95, 0, 1])
        #expect(CharacterDataset.text(of: tokens) == "Hi ~\n ")
        let data = try CharacterDataset(tokens: [0, 1, 2, 3, 4, 5, 6], context: 3, layout: .timeFirst)
        #expect(data.count == 2)
        let batch = try data.batch([0, 1][...])
        #expect(try batch.input.shape == [3, 2])
        #expect(try batch.input.elements() == [0, 3, 1, 4, 2, 5] as [Int32])
        #expect(try batch.target.elements() == [1, 4, 2, 5, 3, 6] as [Int32])
        let rows = try CharacterDataset(tokens: [0, 1, 2, 3], context: 2, stride: 1, layout: .batchFirst)
        #expect(rows.count == 2)
        #expect(try rows.batch([1][...]).input.elements() == [1, 2] as [Int32])
    }
}
