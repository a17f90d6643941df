import Foundation
import Tessera
import Testing

@testable import TesseraVision

@Suite struct ImageFolderTests {
    /// Folders with pictures: each file's first pixel says its number.
    private func pets(_ folder: TemporaryFolder) throws -> [String] {
        let names = ["dog/2.png", "dog/10.PNG", "cat/b/1.png", "cat/a.png", "cat/b-c/1.png", "Zebra/é.png"]
        for (number, name) in names.enumerated() {
            let path = folder.path(name)
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Picture(
                height: 4 + number, width: 6, color: Color(red: UInt8(number), green: 100, blue: 200)
            ).write(to: path)
        }
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder.path("dog/readme.txt")))
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder.path("stray.png")))
        return names
    }

    @Test func classesAreTheFoldersInOrder() throws {
        let folder = try TemporaryFolder()
        _ = try pets(folder)
        // A link around in a circle is gone through once.
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("cat/b/loop"), withDestinationPath: folder.path("cat"))
        let data = try ImageFolder(folder.url.path, transforms: [.resize(height: 2, width: 3)])
        #expect(data.classes == ["Zebra", "cat", "dog"])
        #expect(
            data.files
                == ["Zebra/é.png", "cat/a.png", "cat/b/1.png", "cat/b-c/1.png", "dog/10.PNG", "dog/2.png"].sorted {
                    // Of a class: the order of folders, then of files.
                    let (a, b) = ($0 as NSString, $1 as NSString)
                    return (a.deletingLastPathComponent, a.lastPathComponent) < (
                        b.deletingLastPathComponent, b.lastPathComponent
                    )
                })
        #expect(data.labels == [0, 1, 1, 1, 2, 2] && data.count == 6 && data.unreadable().isEmpty)
        let batch = try data.batch([1, 4, 0])
        #expect(try batch.input.shape == [3, 3, 2, 3] && batch.target.elements() == [1, 2, 0] as [Int32])
        let numbers = try batch.input.elements(Float.self)
        #expect(numbers[0] == 3 / 255 && numbers[6] == 100 / 255 && numbers[17] == 200 / 255)
        #expect(numbers[18] == 1 / 255 && numbers[36] == 5 / 255)
        let grey = try ImageFolder(folder.url.path, transforms: [.centerCrop(height: 4, width: 4)], channels: .gray)
        #expect(try grey.batch([0]).input.shape == [1, 1, 4, 4])
    }

    @Test func itGoesWithSplitsAugmentationAndPrefetching() throws {
        let folder = try TemporaryFolder()
        _ = try pets(folder)
        let data = try ImageFolder(
            folder.url.path, transforms: [.resizeShorterSide(8), .centerCrop(height: 8, width: 8)])
        let part = try data.split([0.5], seed: 1, stratifiedBy: data.labels)[0]
        let augmented = try AugmentedDataset(
            part, [.horizontalFlip(), .normalization(mean: [0.5, 0.5, 0.5], deviation: [1, 1, 1])], seed: 2)
        let order = try BatchOrder(count: augmented.count, batchSize: 2)
        let ahead = try augmented.prefetched(ahead: 2, threads: 2)
        for batch in try ahead.batches(order, epoch: 1) {
            #expect(try ahead.batch(batch).tensors == augmented.batch(batch).tensors)
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        let folder = try TemporaryFolder()
        _ = try pets(folder)
        let data = try ImageFolder(folder.url.path)
        let error = #expect(throws: GraphError.self) { try data.batch([0, 1]) }
        #expect(
            error?.message.contains("cat/a.png has 7 by 6 pixels, and Zebra/é.png 9 by 6") ?? false,
            "\(error.map(String.init(describing:)) ?? "")")
        #expect(throws: GraphError.self) { try data.batch([6]) }
        #expect(throws: GraphError.self) { try data.batch([-1]) }
        #expect(throws: GraphError.self) { try data.batch([]) }
        try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder.path("dog/2.png")))
        try FileManager.default.removeItem(atPath: folder.path("cat/a.png"))
        let unreadable = data.unreadable()
        #expect(unreadable.map(\.path) == [folder.path("cat/a.png"), folder.path("dog/2.png")])
        #expect(unreadable.last?.reason.contains("neither PNG nor JPEG") ?? false)
        #expect(throws: FileError.self) { try data.batch([5]) }
        let impossible = try ImageFolder(folder.url.path, transforms: [.resize(height: 0, width: 1)])
        let refusal = #expect(throws: GraphError.self) { try impossible.batch([0]) }
        #expect(refusal?.message.hasPrefix("Zebra/é.png: ") ?? false)

        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
        let empty = #expect(throws: FileError.self) { try ImageFolder(folder.url.path) }
        #expect(empty?.path == folder.path("empty"))
        #expect(throws: FileError.self) { try ImageFolder(folder.path("empty")) }
        #expect(throws: FileError.self) { try ImageFolder(folder.path("missing")) }
        #expect(throws: FileError.self) { try ImageFolder(folder.path("stray.png")) }
    }

    @Test func aNetworkLearnsFromAFolder() throws {
        let folder = try TemporaryFolder()
        let random = RandomSource(seed: 4)
        for number in 0..<24 {
            let name = number % 2 == 0 ? "bright" : "dark"
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
            let level = UInt8(number % 2 == 0 ? 150 : 40) + UInt8(random.next() % 60)
            try Picture(height: 9, width: 9, color: Color(red: level, green: level, blue: level))
                .write(to: folder.path("\(name)/\(number).png"))
        }
        let data = try ImageFolder(folder.url.path, transforms: [.resize(height: 4, width: 4)], channels: .gray)
        let trainer = Trainer(
            Sequential(Flatten(), Dense(16, 2, random)), loss: .crossEntropy, optimizer: Adam(learningRate: 0.1),
            metrics: [.accuracy], on: try Executor(on: .cpu))
        try trainer.fit(data, batchSize: 8, epochs: 30, progress: nil)
        #expect(try trainer.evaluate(data).metric == 1)
    }
}
