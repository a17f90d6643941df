import AtomicFiles
import ExampleSupport
import Foundation
import Tessera
import Testing

@Suite struct ExampleDataTests {
    private func write(_ files: [String: Data], into folder: borrowing TestFolder) throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        for (name, data) in files { try data.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)")) }
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch {
            return "\(error)"
        }
    }

    /// By hand: FNV-1a of the empty text is its offset, 0xcbf29ce484222325; of “a” 0xaf63dc4c8601ec8c.
    @Test func partsFollowFromTheHashAlone() {
        let parts = ["", "a"].map { DataPart(of: $0) }
        #expect(
            parts
                == [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c].map { (hash: UInt64) in
                    hash % 10 == 0 ? .test : hash % 10 == 1 ? .validation : .train
                })
        let many = (0..<10_000).map { DataPart(of: "source \($0)") }
        for (part, share) in [(DataPart.test, 0.1), (.validation, 0.1), (.train, 0.8)] {
            #expect(abs(Double(many.filter { $0 == part }.count) / 10_000 - share) < 0.02)
        }
    }

    // MARK: Packages

    private let packages = """
        Package: zebra
        Source: animals (1.0-2)
        Section: non-free/games
        Description: a game of stripes: many
         and a line that belongs to it
        Depends: x,
         Package: no field

        Package: ant
        Description:   small
        Section: science

        Package: bee
        Description: small
        Section: text

        Package: no-section
        Description: nowhere

        Package: empty
        Section: text
        Description:

        Package: last
        Section: text
        Description-en: without an empty line behind
        """

    @Test func packagesAreReadFromStanzas() throws {
        let folder = TestFolder()
        try write(["Packages": Data(packages.utf8)], into: folder)
        let read = try PackageDescriptions(path: "\(folder.path)/Packages", leastCount: 1).packages
        #expect(
            read == [
                .init(name: "ant", source: "ant", section: "science", description: "small"),
                .init(name: "last", source: "last", section: "text", description: "without an empty line behind"),
                .init(
                    name: "zebra", source: "animals", section: "games", description: "a game of stripes: many"),
            ])
    }

    @Test func tooFewPackagesAreAnError() throws {
        let folder = TestFolder()
        try write(["Packages": Data(packages.utf8), "none": Data()], into: folder)
        for (name, count) in [("Packages", 3), ("none", 0)] {
            let message = failure { _ = try PackageDescriptions(path: "\(folder.path)/\(name)") }
            #expect(message.contains("describes \(count) packages") && message.contains("apt-get update"), "\(message)")
        }
        let absent = failure { _ = try PackageDescriptions(path: "\(folder.path)/absent") }
        #expect(absent.contains("absent"), "\(absent)")
    }

    // MARK: Words

    private let languages: [WordLists.Language] = [
        .init(name: "One", file: "one", package: "wone"), .init(name: "Two", file: "two", package: "wtwo"),
    ]

    @Test func wordsBelongToOneLanguage() throws {
        let folder = TestFolder()
        // Both have “arm”; “it's”, “be” and “x-ray” are no words of letters alone or too short. Two is in Latin-1.
        try write(
            [
                "one": Data("Haus\narm\nit's\nbe\nx-ray\nGRÜN\nhaus\n\n".utf8),
                "two": Data("gr\u{e5}ben\r\narm\nfyra\nfem\n".unicodeScalars.map { UInt8($0.value) }),
            ], into: folder)
        let words = try WordLists(folder: folder.path, languages: languages, limit: 10, leastCount: 1).words
        // As many of each: the first has two.
        #expect(words.filter { $0.language == 0 }.map(\.text).sorted() == ["grün", "haus"])
        let second = words.filter { $0.language == 1 }.map(\.text)
        #expect(second.count == 2 && Set(second).isSubset(of: ["gråben", "fyra", "fem"]))
        let one = try WordLists(folder: folder.path, languages: languages, limit: 1).words
        #expect(one.count == 2 && Set(one).isSubset(of: Set(words)))
    }

    @Test func missingAndShortWordListsAreErrors() throws {
        let folder = TestFolder()
        try write(["one": Data("haus\n".utf8)], into: folder)
        let missing = failure { _ = try WordLists(folder: folder.path, languages: languages, limit: 10) }
        #expect(missing.contains("two") && missing.contains("apt-get install wone wtwo"), "\(missing)")
        try write(["two": Data()], into: folder)
        let short = failure { _ = try WordLists(folder: folder.path, languages: languages, limit: 10) }
        #expect(short.contains("only 0 words"), "\(short)")
    }

    // MARK: Ratings

    @Test func ratingsAreCategoriesAndStars() throws {
        let folder = TestFolder()
        let header = "movieId,title,year,genres,userId,rating,timestamp\n"
        let rows = (0..<6).map { "\($0 / 3),\"Film, the\",199\($0 % 2),Drama,7,\(Double($0) / 2 + 1.5),1\n" }
        let lone = "99,NA,NA,Comedy,8,5,1\n"
        try write(["ratings.csv": Data((header + rows.joined() + lone).utf8)], into: folder)
        let ratings = try MovieRatings(path: "\(folder.path)/ratings.csv")
        let tensors = ratings.dataset.tensors
        // People, films, years and genres that come three times, and what is missing (0) or rare (1).
        #expect(ratings.counts == [3, 4, 4, 3])
        let categories = try #require(tensors["categories"]).elements(Int32.self)
        #expect(categories.prefix(4) == [2, 2, 2, 2] && categories.suffix(4) == [1, 1, 0, 1])
        #expect(try #require(tensors["liked"]).elements(Int32.self) == [0, 0, 0, 0, 0, 1, 1])
        #expect(try #require(tensors["rating"]).elements(Float.self) == [1.5, 2, 2.5, 3, 3.5, 4, 5])
        #expect(ratings.titles.words.contains("Film, the"))
        let parts = try [DataPart.train, .validation, .test].map { try ratings.part($0).indices }
        #expect(parts.flatMap { $0 }.sorted() == Array(0..<7))
    }

    @Test func missingRatingsNameTheScript() {
        let message = failure { _ = try MovieRatings(path: "/nowhere/movielens.csv") }
        #expect(message.contains("Examples/Data/movielens.sh /nowhere/movielens.csv"), "\(message)")
    }
}
