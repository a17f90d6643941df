import Foundation
import Tessera

/// MovieLens: who gave which film how many stars (Harper and Konstan, 2015), from the CSV file that
/// `Examples/Data/movielens.sh` makes.
public struct MovieRatings: Sendable {
    /// The columns that a network reads, all as categories.
    public static let columns = ["userId", "movieId", "year", "genres"]

    /// “categories” int32 `[n, 4]`, “liked” int32 `[n]`, 1 for four stars and more, “rating” float32 `[n, 1]`, “title” int32
    /// `[n, 1]`.
    public let dataset: TensorDataset
    /// The number of categories of each column, what is rare counting as one.
    public let counts: [Int]
    public let titles: Vocabulary

    /// - Parameter path: the file.
    /// - Throws: ``ExampleFailure`` where there is no file, ``FileError`` where it is no such table.
    public init(path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw ExampleFailure(
                "there is no file \(path): Examples/Data/movielens.sh \(path) makes it on Debian and Ubuntu")
        }
        let table = try Table(
            csv: path,
            tensors: [
                "categories": .categories(Self.columns, minimumCount: 3), "rating": .numbers(["rating"]),
                "title": .categories(["title"]),
            ])
        let ratings = try table.dataset.tensors["rating"]?.elements(Float.self) ?? []
        var tensors = table.dataset.tensors
        tensors["liked"] = try HostTensor([ratings.count], ratings.map { Int32($0 >= 4 ? 1 : 0) })
        dataset = try TensorDataset(tensors)
        counts = Self.columns.map { table.vocabularies[$0]?.count ?? 0 }
        guard let titles = table.vocabularies["title"] else { throw ExampleFailure("\(path) has no titles") }
        self.titles = titles
    }

    /// The ratings of a part, set apart by their numbers in the file.
    public func part(_ part: DataPart) throws -> Subset {
        try Subset(of: dataset, (0..<dataset.count).filter { DataPart(of: "\($0)") == part })
    }
}
