import Foundation
import Tessera
import Testing

@Suite struct TableTests {
    private static func records(_ text: String, separator: Unicode.Scalar = ",") throws -> [[String]] {
        let folder = try TemporaryFolder()
        var records: [[String]] = []
        try CSV.forEachRecord(of: folder.write(Array(text.utf8), to: "x.csv"), separator: separator) { fields, _ in
            records.append(fields)
        }
        return records
    }

    @Test func recordsAreReadAsTheStandardSays() throws {
        #expect(try Self.records("a,b\n1,2\n") == [["a", "b"], ["1", "2"]])
        #expect(try Self.records("\u{feff}a,b\r\n1,2") == [["a", "b"], ["1", "2"]])
        #expect(try Self.records("a,b\r1,2\r\r\n\n") == [["a", "b"], ["1", "2"]])
        #expect(try Self.records("\"a,\"\"x\"\"\r\nb\",\"\"\n") == [["a,\"x\"\r\nb", ""]])
        #expect(try Self.records("a,,\n,\n") == [["a", "", ""], ["", ""]])
        #expect(try Self.records("\"\"\nx\"y\n") == [[""], ["x\"y"]])
        #expect(try Self.records("a\tb,c", separator: "\t") == [["a", "b,c"]])
        #expect(try Self.records("") == [])
        #expect(try Self.records("ü,\"日\"") == [["ü", "日"]])
    }

    @Test func linesAreThoseThatRecordsBeginOn() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("a\r\n\"x\r\ny\"\r\n\nb\rc".utf8), to: "x.csv")
        var lines: [Int] = []
        try CSV.forEachRecord(of: path) { lines.append($1) }
        #expect(lines == [1, 2, 5, 6])
    }

    @Test(
        arguments: [
            ("a\n\"b\n\nc", "line 2: a quoted field has no end"),
            ("a\n\"b\"c\n", "line 2: something follows the end of a quoted field"),
        ])
    func brokenQuotesAreRefused(_ text: String, _ message: String) throws {
        let error = #expect(throws: FileError.self) { try Self.records(text) }
        #expect(error?.reason == message)
    }

    @Test func bytesThatAreNoTextAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([97, 10, 0xff], to: "x.csv")
        let error = #expect(throws: FileError.self) { try CSV.forEachRecord(of: path) { _, _ in } }
        #expect(error?.reason == "line 2: a field is not UTF-8")
        #expect(throws: GraphError.self) { try CSV.forEachRecord(of: path, separator: "\"") { _, _ in } }
        #expect(throws: GraphError.self) { try CSV.forEachRecord(of: path, separator: "→") { _, _ in } }
        #expect(throws: FileError.self) { try CSV.forEachRecord(of: folder.path("missing")) { _, _ in } }
    }

    private static let text = """
        age, city ,size,bought
        31,Oslo,1.5,yes
        , Rome,-2e3,no
        40,Oslo,NA,yes
        7,,0.25,no
        8,Lima,1,no

        """

    @Test func columnsBecomeTensors() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(Self.text.utf8), to: "train.csv")
        let train = try Table(
            csv: path,
            tensors: [
                "numbers": .numbers(["size", "age"], missing: -1), "city": .categories(["city"], minimumCount: 2),
                "both": .categories(["bought", "city"]), "target": .label("bought"),
            ])
        let batch = try train.dataset.batch(Array(0..<5)[...])
        #expect(try batch["numbers"] == HostTensor([5, 2], [1.5, 31, -2000, -1, -1, 40, 0.25, 7, 1, 8] as [Float]))
        #expect(train.dataset.count == 5)
        // The first of the tensors by name that needs a column's vocabulary makes it: “both” here, of all texts.
        #expect(train.vocabularies["city"]?.words == ["Oslo", "Lima", "Rome"])
        #expect(try batch["city"] == HostTensor([5, 1], [2, 4, 2, 0, 3] as [Int32]))
        #expect(train.vocabularies["bought"]?.words == ["no", "yes"])
    }

    @Test func vocabulariesOfTrainingSayWhatIsUnknown() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(Self.text.utf8), to: "train.csv")
        let tensors: [String: Table.Content] = [
            "city": .categories(["city"], minimumCount: 2), "target": .label("bought"),
        ]
        let train = try Table(csv: path, tensors: tensors)
        #expect(train.vocabularies["city"]?.words == ["Oslo"])
        #expect(train.vocabularies["city"]?.count == 3)
        #expect(try train.dataset.tensors["city"] == HostTensor([5, 1], [2, 1, 2, 0, 1] as [Int32]))
        #expect(try train.dataset.tensors["target"] == HostTensor([5], [1, 0, 1, 0, 0] as [Int32]))
        let second = try folder.write(Array("yes;Paris\nyes;Oslo".utf8), to: "test.csv")
        let test = try Table(
            csv: second, tensors: tensors, separator: ";", names: ["bought", "city"], vocabularies: train.vocabularies)
        #expect(try test.dataset.tensors["city"] == HostTensor([2, 1], [1, 2] as [Int32]))
        #expect(try test.dataset.tensors["target"] == HostTensor([2], [1, 1] as [Int32]))
        let third = try folder.write(Array("bought,city\nno,Oslo\nmaybe,Oslo".utf8), to: "odd.csv")
        let error = #expect(throws: FileError.self) {
            try Table(csv: third, tensors: tensors, vocabularies: train.vocabularies)
        }
        #expect(error?.reason == "line 3, column “bought”: “maybe” is none of 2 labels: “no”, “yes”")
    }

    static let mistakes: [(text: String, content: Table.Content, message: String)] = [
        ("a,b\n1\n", .numbers(["a"]), "line 2: 1 fields are not the 2 of the columns"),
        ("a,b\n1,2\n", .numbers(["c"]), "has no column “c”; it has “a”, “b”"),
        ("a,a\n1,2\n", .numbers(["a"]), "has 2 columns “a”; it has “a”, “a”"),
        ("a\n1\nx\n", .numbers(["a"]), "line 3, column “a”: “x” is no number"),
        ("a\n1e39\n", .numbers(["a"]), "line 2, column “a”: float32 cannot hold 1e39"),
        ("a\nNA\n", .numbers(["a"]), "line 2, column “a”: the number is missing"),
        ("a\nNA\n", .label("a"), "line 2, column “a”: the label is missing"),
        ("", .label("a"), "has no record that names the columns"),
    ]

    @Test(arguments: mistakes.indices) func mistakesAreSaidByLineAndColumn(_ index: Int) throws {
        let (text, content, message) = Self.mistakes[index]
        let folder = try TemporaryFolder()
        let path = try folder.write(Array(text.utf8), to: "x.csv")
        let error = #expect(throws: FileError.self) { try Table(csv: path, tensors: ["x": content]) }
        #expect(error?.reason == message)
    }

    @Test func tensorsOfNoColumnAreTheCallersMistake() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Array("a\n1".utf8), to: "x.csv")
        #expect(throws: GraphError.self) { try Table(csv: path, tensors: ["x": .numbers([])]) }
        #expect(throws: GraphError.self) { try Table(csv: path, tensors: [:]) }
    }

    @Test func labelsAreInTheOrderOfTheirNumbers() throws {
        #expect(Vocabulary(labels: ["10", "9", "9", "-1"]).words == ["-1", "9", "10"])
        #expect(Vocabulary(labels: ["10", "9", "x"]).words == ["10", "9", "x"])
        let closed = Vocabulary(labels: ["b", "a"])
        #expect(closed.count == 2 && closed.number(of: "b") == 1 && closed.number(of: "c") == nil)
        #expect(closed.word(0) == "a" && closed.word(2) == nil && closed.word(-1) == nil)
    }

    @Test func frequentTextsComeFirst() throws {
        let texts = ["c", "b", "b", "a", "c", "d"]
        #expect(Vocabulary(of: texts).words == ["b", "c", "a", "d"])
        #expect(Vocabulary(of: texts, minimumCount: 2).words == ["b", "c"])
        let small = Vocabulary(of: texts, limit: 1)
        #expect(small.count == 3 && small.number(of: "b") == 2 && small.number(of: "a") == Vocabulary.unknown)
        #expect(small.word(2) == "b" && small.word(1) == nil)
        #expect(Vocabulary(of: texts, limit: -5).words.isEmpty)
        #expect(throws: GraphError.self) { try Vocabulary(["a", "a"]) }
        #expect(try Vocabulary(["caf\u{e9}", "cafe\u{301}"]).number(of: "cafe\u{301}") == 3)
    }

    /// More than is read at once.
    @Test func largeFilesAreReadInParts() throws {
        let folder = try TemporaryFolder()
        var text = "a,b\n"
        for row in 0..<150_000 { text += "\(row),x\(row % 3)\n" }
        let path = try folder.write(Array(text.utf8), to: "x.csv")
        let table = try Table(csv: path, tensors: ["a": .numbers(["a"]), "b": .label("b")])
        #expect(table.dataset.count == 150_000)
        #expect(try table.dataset.batch([149_999]).tensors["a"] == HostTensor([1, 1], [149_999] as [Float]))
        #expect(try table.dataset.batch([149_999]).tensors["b"] == HostTensor([1], [2] as [Int32]))
    }
}
