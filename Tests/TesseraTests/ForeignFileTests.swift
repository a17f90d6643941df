import Foundation
import Tessera
import Testing

/// Safetensors files as other programs write them.
@Suite struct ForeignFileTests {
    /// A file of a header and as many bytes: 1, 2, 3 and so on.
    private static func file(_ header: String, _ byteCount: Int, in folder: TemporaryFolder) throws -> String {
        let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        let data = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 + 1) }
        return try folder.write(length + Array(header.utf8) + data, to: "foreign-\(UUID().uuidString).safetensors")
    }

    private static func entry(_ dtype: String, _ shape: String, _ range: Range<Int>) -> String {
        #"{"dtype":"\#(dtype)","shape":[\#(shape)],"data_offsets":[\#(range.lowerBound),\#(range.upperBound)]}"#
    }

    @Test(
        arguments: [
            ("F4", "4", 2), ("F6_E2M3", "4", 3), ("F6_E3M2", "2,2", 3), ("F8_E5M2", "2", 2), ("F8_E4M3", "2", 2),
            ("F8_E8M0", "2", 2), ("F8_E4M3FNUZ", "1", 1), ("F8_E5M2FNUZ", "1", 1), ("C64", "1", 8),
            ("NEW_99", "5", 7),
        ])
    func aTypeThatCannotBeReadIsPassedOver(_ dtype: String, _ shape: String, _ size: Int) throws {
        let folder = try TemporaryFolder()
        let path = try Self.file(
            #"{"strange":\#(Self.entry(dtype, shape, 0..<size)),"known":\#(Self.entry("U8", "2", size..<(size + 2)))}"#,
            size + 2, in: folder)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["known", "strange"])
        #expect(try file.tensor("known").elements() == [UInt8(size + 1), UInt8(size + 2)])
        let error = #expect(throws: FileError.self) { try file.tensor("strange") }
        #expect(error?.reason.contains("of type \(dtype)") ?? false && error?.reason.contains("BF16") ?? false)
        // Nor does a model that has no use for it read it; but it is told.
        let refusal = #expect(throws: FileError.self) {
            try Holder([("known", Variable("known", HostTensor(zeros: TensorType([2], .uint8))))])
                .load(from: path, on: Place.reference.executor())
        }
        #expect(refusal?.reason == "holds tensors that the model has not: strange")
    }

    /// Bytes of 1 and more, and what they are as numbers.
    @Test func everyTypeOfIntegersIsRead() throws {
        let folder = try TemporaryFolder()
        func read<Element: TensorElement & Equatable>(_ dtype: String, _ expected: [Element]) throws {
            let size = expected.count * MemoryLayout<Element>.size
            let header = #"{"x":\#(Self.entry(dtype, "\(expected.count)", 0..<size))}"#
            let found = try SafetensorsFile(path: Self.file(header, size, in: folder)).tensor("x")
            #expect(try found.elements(Element.self) == expected)
        }
        try read("BOOL", [true, true, true])
        try read("I8", [1, 2] as [Int8])
        try read("I16", [0x0201, 0x0403] as [Int16])
        try read("U16", [0x0201] as [UInt16])
        try read("U32", [0x0403_0201] as [UInt32])
        try read("U64", [0x0807_0605_0403_0201] as [UInt64])
    }

    /// What else may stand in a header, each with the names of the tensors: data in another order than the header,
    /// empty tensors anywhere, scalars, spaces at the end, escapes, fields and metadata of later versions.
    static let headers: [(header: String, bytes: Int, names: [String])] = [
        ("{}", 0, []), (#"{"__metadata__":null}"#, 0, []),
        (#"{"a":\#(entry("F32", "", 0..<4))}   "# + "\n\t", 4, ["a"]),
        (#"{"b":\#(entry("F32", "1", 4..<8)),"a":\#(entry("I32", "1", 0..<4))}"#, 8, ["a", "b"]),
        (#"{"a":\#(entry("F32", "0,3", 4..<4)),"b":\#(entry("F32", "1", 0..<4))}"#, 4, ["a", "b"]),
        (#"{"a":\#(entry("F32", "3,0", 0..<0)),"b":\#(entry("F32", "1", 0..<4))}"#, 4, ["a", "b"]),
        (#"{"\ud83d\ude00":\#(entry("U8", "1", 0..<1))}"#, 1, ["😀"]),
        (#"{"caf\u00e9":\#(entry("U8", "1", 0..<1))}"#, 1, ["caf\u{e9}"]),
        (#"{"":\#(entry("U8", "1", 0..<1)),"a\/\u0000\"\\":\#(entry("U8", "1", 1..<2))}"#, 2, ["", "a/\0\"\\"]),
        (
            #"{"a":{"d\u0074ype":"\u0055\u0038","dtype2":1,"x":[-1.5e-3,true,false,null,{"y":{}},99999999999999999999],"#
                + #""shape":[2],"data_offsets":[0,2]}}"#, 2, ["a"]
        ),
    ]

    @Test(arguments: headers.indices) func headersOfOthersAreRead(_ index: Int) throws {
        let (header, byteCount, names) = Self.headers[index]
        let folder = try TemporaryFolder()
        let file = try SafetensorsFile(path: try Self.file(header, byteCount, in: folder))
        #expect(file.names == names)
        for name in names { #expect(try file.tensor(name).bytes.count == file.tensor(name).type.byteCount) }
    }

    /// Names that are one text to Swift, and two by their bytes: `é` in one scalar and in two, the ångström sign, Hangul.
    @Test(arguments: [("caf\u{e9}", "cafe\u{301}"), ("\u{212b}", "\u{c5}"), ("\u{ac00}", "\u{1100}\u{1161}")])
    func bytesOfNamesDecide(_ first: String, _ second: String) throws {
        #expect(first == second)
        let folder = try TemporaryFolder()
        let path = try Self.file(
            #"{"\#(first)":\#(Self.entry("U8", "1", 0..<1)),"\#(second)":\#(Self.entry("U8", "2", 1..<3))}"#, 3,
            in: folder)
        let file = try SafetensorsFile(path: path)
        let names = [first, second].sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        #expect(file.names.map { Array($0.utf8) } == names.map { Array($0.utf8) })
        #expect(try file.tensor(first).elements() == [1] as [UInt8])
        #expect(try file.tensor(second).elements() == [2, 3] as [UInt8])

        // Names of files are bytes too.
        for (number, name) in [first, second].enumerated() {
            try SafetensorsFile.write(["x": HostTensor(UInt8(number))], to: folder.path(name))
        }
        #expect(try SafetensorsFile(path: folder.path(first)).tensor("x") == HostTensor(UInt8(0)))
        #expect(try SafetensorsFile(path: folder.path(second)).tensor("x") == HostTensor(UInt8(1)))

        // Written as a list, and as a model's variables.
        let pairs: KeyValuePairs = [first: HostTensor(UInt8(7)), second: HostTensor(UInt8(8))]
        try SafetensorsFile.write(pairs, to: path)
        #expect(try SafetensorsFile(path: path).tensor(first) == HostTensor(UInt8(7)))
        #expect(try SafetensorsFile(path: path).tensor(second) == HostTensor(UInt8(8)))
        let executor = try Place.reference.executor()
        let variables = (0..<2).map { Variable("v\($0)", HostTensor(Float($0)), isTrainable: false) }
        let model = Holder([(first, variables[0]), (second, variables[1])])
        try model.save(to: path, on: executor)
        try executor.set([variables[0]: HostTensor(Float(5)), variables[1]: HostTensor(Float(6))])
        try model.load(from: path, on: executor)
        #expect(try executor.value(of: variables[0]) == HostTensor(Float(0)))
        #expect(try executor.value(of: variables[1]) == HostTensor(Float(1)))
        // A name in the other form is another name.
        try SafetensorsFile.write([first: HostTensor(UInt8(7))], to: path)
        #expect(throws: FileError.self) { try SafetensorsFile(path: path).tensor(second) }
        let twice: KeyValuePairs = [first: HostTensor(UInt8(7)), first: HostTensor(UInt8(8))]
        let error = #expect(throws: FileError.self) { try SafetensorsFile.write(twice, to: path) }
        #expect(error?.reason.contains("two tensors") ?? false)
    }

    /// Variables under any names.
    struct Holder: Layer {
        let variables: [(String, Variable)]
        init(_ variables: [(String, Variable)]) { self.variables = variables }
        var members: [LayerMember] { variables.map { .variable($0, $1) } }
        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { input }
    }

    private static func tied(_ executor: Executor) throws -> (model: Holder, weight: Variable) {
        let weight = Variable("weight", try HostTensor(zeros: TensorType([2, 2])))
        return (Holder([("embed.weight", weight), ("head.weight", weight)]), weight)
    }

    /// Tied weights under either name, with and without word of it in the metadata, through several names, and twice.
    @Test(
        arguments: [
            (#""head.weight":"embed.weight""#, ["embed.weight"]), (#""embed.weight":"head.weight""#, ["head.weight"]),
            ("", ["embed.weight"]), ("", ["head.weight"]), ("", ["embed.weight", "head.weight"]),
            (#""embed.weight":"x","x":"y","y":"z""#, ["z"]),
            (#""head.weight":"head.weight","a":"b","b":"a""#, ["embed.weight"]),
        ])
    func tiedWeightsAreStoredOnce(_ aliases: String, _ stored: [String]) throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        let (model, weight) = try Self.tied(executor)
        let entries = stored.enumerated().map { #""\#($1)":\#(Self.entry("F32", "2,2", ($0 * 16)..<($0 * 16 + 16)))"# }
        let metadata = #""__metadata__":{"format":"pt"\#(aliases.isEmpty ? "" : "," + aliases)}"#
        let header = "{\(([metadata] + entries).joined(separator: ","))}"
        let path = try Self.file(header, 16, in: folder)
        guard stored.count == 1 else {
            // Bytes that go on counting: the two differ.
            let path = try Self.file(header, 32, in: folder)
            let error = #expect(throws: FileError.self) { try model.load(from: path, on: executor) }
            #expect(error?.reason.contains("differ, but are one variable") ?? false, "\(error as Any)")
            return
        }
        try model.load(from: path, on: executor)
        #expect(try executor.value(of: weight).bytes == (1...16).map { UInt8($0) })
        #expect(try SafetensorsFile(path: path).tensor(stored[0]).bytes.count == 16)
    }

    @Test func anotherNameServesAModelThatTiesNothing() throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        let variables = try ["a", "b"].map { Variable($0, try HostTensor(zeros: TensorType([2]))) }
        let model = Holder([("embed.weight", variables[0]), ("head.weight", variables[1])])
        let header =
            #"{"__metadata__":{"head.weight":"embed.weight"},"embed.weight":\#(Self.entry("F32", "2", 0..<8))}"#
        try model.load(from: try Self.file(header, 8, in: folder), on: executor)
        #expect(try executor.value(of: variables[1]).bytes == [1, 2, 3, 4, 5, 6, 7, 8])
        // A shape that does not fit, and a name that leads nowhere.
        let narrow = try Holder([("head.weight", Variable("c", HostTensor(zeros: TensorType([3]))))])
        let error = #expect(throws: FileError.self) {
            try narrow.load(from: try Self.file(header, 8, in: folder), on: executor)
        }
        #expect(error?.reason.contains("“head.weight” is float32[2], but the model's is float32[3]") ?? false)
        let broken = #"{"__metadata__":{"head.weight":"gone"},"embed.weight":\#(Self.entry("F32", "2", 0..<8))}"#
        let file = try SafetensorsFile(path: try Self.file(broken, 8, in: folder))
        let nowhere = #expect(throws: FileError.self) { try file.tensor("head.weight") }
        #expect(nowhere?.reason.contains("has no tensor “head.weight”, nor “gone”") ?? false)
    }

    @Test func tiedWeightsAreWrittenOnce() throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        let (model, weight) = try Self.tied(executor)
        let path = folder.path("tied.safetensors")
        try model.save(to: path, on: executor)
        let file = try SafetensorsFile(path: path)
        #expect(file.names == ["embed.weight"])
        #expect(file.metadata == ["format": "pt", "head.weight": "embed.weight"])
        #expect(try file.tensor("head.weight") == weight.initialValue)
        let twins = Holder([("a", weight), ("a", Variable("other", HostTensor(Float(1))))])
        #expect(throws: FileError.self) { try twins.save(to: path, on: executor) }
    }

    /// Training goes on from a checkpoint of tied weights, also from one that has them twice, as earlier versions wrote.
    @Test func tiedWeightsTrainOn() throws {
        struct Tied: Layer {
            let weight: Variable
            var members: [LayerMember] { [.variable("head.weight", weight), .variable("embed.weight", weight)] }
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try input.matMul(pass.read(weight)).matMul(pass.read(weight))
            }
        }
        let folder = try TemporaryFolder()
        let path = folder.path("trained")
        func trainer() throws -> Trainer {
            let weight = Variable("weight", try HostTensor([2, 2], [1, 2, 3, 4] as [Float]))
            return Trainer(Tied(weight: weight), loss: .meanSquaredError, optimizer: Adam(), on: try Executor(on: .cpu))
        }
        let data = try TensorDataset(
            inputs: HostTensor([4, 2], (0..<8).map { Float($0) }), targets: HostTensor(zeros: TensorType([4, 2])))
        let first = try trainer()
        try first.fit(data, batchSize: 2, epochs: 1)
        try first.save(to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.names.filter { !$0.hasPrefix("tessera.") } == ["embed.weight"])
        let second = try trainer()
        try second.load(from: path)
        let input = try HostTensor([1, 2], [1, 1] as [Float])
        #expect(try second.step == 2 && second.predict(input) == first.predict(input))
        var tensors = try Dictionary(uniqueKeysWithValues: file.names.map { ($0, try file.tensor($0)) })
        tensors["head.weight"] = tensors["embed.weight"]
        try SafetensorsFile.write(tensors, to: path)
        let third = try trainer()
        try third.load(from: path)
        #expect(try third.predict(input) == first.predict(input))
    }

    @Test func everythingWrongIsInOneError() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("wrong")
        try SafetensorsFile.write(
            [
                "shape": HostTensor(zeros: TensorType([3])), "extra.1": HostTensor(Float(0)),
                "extra.2": HostTensor(Float(0)), "bn.num_batches_tracked": HostTensor(Int64(9)),
                "kind": HostTensor(zeros: TensorType([2], .float32)),
            ], to: path)
        let model = try Holder([
            ("shape", Variable("", HostTensor(zeros: TensorType([2])))),
            ("kind", Variable("", HostTensor(zeros: TensorType([2], .int32)))),
            ("missing.1", Variable("", HostTensor(Float(0)))), ("missing.2", Variable("", HostTensor(Float(0)))),
        ])
        let error = #expect(throws: FileError.self) { try model.load(from: path, on: Place.reference.executor()) }
        #expect(
            error?.reason
                == "has no tensors “missing.1”, “missing.2”; tensor “shape” is float32[3], but the model's is "
                + "float32[2]; tensor “kind” is float32[2], but the model's is int32[2]; holds tensors that the model has "
                + "not: extra.1, extra.2")
    }

    /// Numbers become the variable's type where that loses nothing but digits.
    /// A model cannot take the names of what training keeps in the same file.
    @Test func namesOfTrainingAreItsOwn() throws {
        struct Counter: Layer {
            var step: Variable
            var members: [LayerMember] { [.variable("tessera.step", step)] }
            func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
                try input * pass.read(step)
            }
        }
        let folder = try TemporaryFolder()
        let executor = try Executor(on: .cpu)
        let model = Counter(step: Variable("step", try HostTensor(filledWith: 1, TensorType([2]))))
        let error = #expect(throws: FileError.self) { try model.save(to: folder.path("model"), on: executor) }
        #expect(error?.reason.contains("“tessera.step”") == true)
        let trainer = Trainer(model, loss: .meanSquaredError, optimizer: SGD(learningRate: 0.1), on: executor)
        let ones = try HostTensor(filledWith: 1, TensorType([3, 2]))
        let failure = #expect(throws: GraphError.self) { try trainer.train(Batch(input: ones, target: ones, count: 3)) }
        #expect(failure?.message.contains("“tessera.step”") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path("model")))
    }

    @Test func numbersAreConverted() throws {
        let folder = try TemporaryFolder()
        let executor = try Place.reference.executor()
        func loaded(_ tensor: HostTensor, as dtype: DType) throws -> HostTensor {
            let path = folder.path("converted")
            try SafetensorsFile.write(["x": tensor], to: path)
            let variable = Variable("x", try HostTensor(zeros: TensorType(tensor.shape, dtype)), isTrainable: false)
            try Holder([("x", variable)]).load(from: path, on: executor)
            return try executor.value(of: variable)
        }
        // Halfway between two numbers of 11 bits but for 2⁻⁴⁰: rounding by way of float32 would go to the even one.
        let doubles = try HostTensor([3], [1.5, -0.1, 1 + 0x1p-11 + 0x1p-40])
        #expect(try loaded(doubles, as: .float32).elements() == [1.5, -0.1, 1 + 0x1p-11] as [Float])
        #expect(try loaded(doubles, as: .float16).bytes == [0x00, 0x3e, 0x66, 0xae, 0x01, 0x3c])
        #expect(try loaded(doubles, as: .bfloat16).bytes == [0xc0, 0x3f, 0xcd, 0xbd, 0x80, 0x3f])
        let half = try HostTensor(TensorType([2], .float16)) { $0.copyBytes(from: [0x00, 0x3e, 0x00, 0xc0]) }
        #expect(try loaded(half, as: .bfloat16).bytes == [0xc0, 0x3f, 0x00, 0xc0])
        #expect(try loaded(half, as: .float64).elements() == [1.5, -2] as [Double])
        #expect(try loaded(HostTensor([2], [3, -4] as [Int64]), as: .int32).elements() == [3, -4] as [Int32])
        #expect(try loaded(HostTensor(UInt8(200)), as: .int64).elements() == [200] as [Int64])
        #expect(throws: FileError.self) { try loaded(HostTensor(Int64(1) << 40), as: .int32) }
        #expect(throws: FileError.self) { try loaded(HostTensor(Int32(-1)), as: .uint8) }
        #expect(throws: FileError.self) { try loaded(HostTensor(Int32(1)), as: .float32) }
        #expect(throws: FileError.self) { try loaded(HostTensor(Float(1)), as: .int32) }
    }
}
