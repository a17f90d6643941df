import Foundation
import Tessera
import Testing

@Suite struct AugmentationTests {
    private static func data(_ images: HostTensor) throws -> TensorDataset {
        try TensorDataset(["input": images, "label": HostTensor(zeros: TensorType([images.shape[0]], .int32))])
    }

    /// Images `[count, 2, height, width]` whose pixels are all different and above 0.
    private static func images(_ count: Int, _ height: Int, _ width: Int) throws -> HostTensor {
        let total = count * 2 * height * width
        return try HostTensor([count, 2, height, width], (1...total).map { Float($0) })
    }

    /// The first epoch's images, in order, changed.
    private static func changed(
        _ images: HostTensor, _ augmentations: Augmentation..., seed: UInt64 = 1
    ) throws -> [[Float]] {
        let data = try AugmentedDataset(data(images), augmentations, seed: seed)
        let result = try data.batch(Array(0..<images.shape[0])[...]).input
        let size = result.shape.elementCount / max(result.shape[0], 1)
        let elements = try result.elements(Float.self)
        return (0..<result.shape[0]).map { Array(elements[($0 * size)..<(($0 + 1) * size)]) }
    }

    private static func originals(_ images: HostTensor) throws -> [[Float]] {
        try changed(images)
    }

    /// Rows of one image, from both channels.
    private static func rows(_ image: [Float], _ width: Int) -> [[Float]] {
        stride(from: 0, to: image.count, by: width).map { Array(image[$0..<($0 + width)]) }
    }

    @Test func flipsTurnRowsAndColumns() throws {
        let images = try Self.images(200, 3, 4)
        let before = try Self.originals(images)
        let mirrored = try Self.changed(images, .horizontalFlip(probability: 1))
        let upsideDown = try Self.changed(images, .verticalFlip(probability: 1))
        for (index, image) in before.enumerated() {
            let rows = Self.rows(image, 4)
            #expect(mirrored[index] == rows.flatMap { $0.reversed() })
            #expect(upsideDown[index] == [2, 1, 0, 5, 4, 3].flatMap { rows[$0] })
        }
        #expect(try Self.changed(images, .horizontalFlip(probability: 0)) == before)
        // Half of them, to five standard deviations.
        let some = zip(try Self.changed(images, .horizontalFlip()), before).count { $0 != $1 }
        #expect(abs(some - 100) < 36)
    }

    @Test func partsAreOfTheImageAndWhatIsAround() throws {
        let images = try Self.images(100, 4, 4)
        var seen: Set<[Float]> = []
        for (image, before) in zip(
            try Self.changed(images, .crop(height: 3, width: 4, padding: 1)), try Self.originals(images))
        {
            #expect(image.count == 24)
            // Any pixel that is left says where the part was.
            let place = try #require(image.firstIndex { $0 > 0 })
            let old = try #require(before.firstIndex(of: image[place]))
            let (row, column) = (old % 16 / 4 - place % 12 / 4, old % 4 - place % 4)
            #expect((-1...2).contains(row) && (-1...1).contains(column))
            seen.insert([Float(row), Float(column)])
            for (number, pixel) in image.enumerated() {
                let (y, x) = (number % 12 / 4 + row, number % 4 + column)
                let isInside = (0..<4).contains(y) && (0..<4).contains(x)
                #expect(pixel == (isInside ? before[number / 12 * 16 + y * 4 + x] : 0))
            }
        }
        #expect(seen.count == 12)
        let error = #expect(throws: GraphError.self) {
            try Self.changed(images, .crop(height: 7, width: 1, padding: 1))
        }
        #expect(error?.message == "no part of 7 by 1 is in an image of 4 by 4 with 1 around")
    }

    @Test func shiftsMoveByWholePixels() throws {
        let images = try Self.images(150, 4, 5)
        var seen: Set<[Int]> = []
        for (image, before) in zip(try Self.changed(images, .shift(share: 0.3)), try Self.originals(images)) {
            let place = try #require(image.firstIndex { $0 > 0 })
            let old = try #require(before.firstIndex(of: image[place]))
            seen.insert([old % 20 / 5 - place % 20 / 5, old % 5 - place % 5])
        }
        #expect(seen == Set((-1...1).flatMap { row in (-1...1).map { [row, $0] } }))
        #expect(try Self.changed(images, .shift(share: 0)) == Self.originals(images))
    }

    /// A slope stays one under bilinear sampling: from what it has become, the angle can be told.
    @Test func rotationsTurnASlope() throws {
        let side = 9
        let slope = (0..<(side * side)).map { Float($0 % side - 4) }
        let images = try HostTensor([60, 1, side, side], (0..<60).flatMap { _ in slope })
        var angles: [Double] = []
        for image in try Self.changed(images, .rotation(degrees: 40)) {
            // The middle pixel, the one to the right of it and the one below.
            let (middle, right, below) = (image[40], image[41], image[49])
            #expect(abs(middle) < 1e-5)
            angles.append(atan2(Double(-below), Double(right)) * 180 / .pi)
            #expect(abs((right * right + below * below).squareRoot() - 1) < 1e-5)
            for (dy, dx) in [(-2, 1), (3, 0), (2, 2), (-1, -2)] {
                #expect(abs(image[40 + dy * side + dx] - Float(dx) * right - Float(dy) * below) < 1e-4)
            }
        }
        #expect(angles.allSatisfy { abs($0) <= 40 })
        #expect((angles.max() ?? 0) > 25 && (angles.min() ?? 0) < -25)
        let still = try Self.images(3, 4, 5)
        #expect(try Self.changed(still, .rotation(degrees: 0)) == Self.originals(still))
    }

    @Test func rectanglesAreErased() throws {
        let images = try Self.images(100, 12, 10)
        for (image, before) in zip(try Self.changed(images, .erasing(probability: 1)), try Self.originals(images)) {
            let gone = image.indices.filter { image[$0] == 0 }
            #expect(image.indices.allSatisfy { image[$0] == 0 || image[$0] == before[$0] })
            let (rows, columns) = (Set(gone.map { $0 % 120 / 10 }), Set(gone.map { $0 % 10 }))
            // A rectangle, of both channels, of no more than a third, rounded.
            #expect(gone.count == 2 * rows.count * columns.count)
            #expect((1...45).contains(rows.count * columns.count))
        }
    }

    @Test func channelsAreNormalized() throws {
        let images = try HostTensor([1, 2, 1, 2], [1, 2, 3, 4] as [Float])
        #expect(try Self.changed(images, .normalization(mean: [1, 2], deviation: [2, 0.5])) == [[0, 0.5, 2, 4]])
        #expect(throws: GraphError.self) { try Self.changed(images, .normalization(mean: [1], deviation: [1])) }
    }

    /// The same whatever batch an example is in and whichever thread makes it; another in another epoch.
    @Test func whatIsDrawnDependsOnSeedEpochAndExample() throws {
        let images = try Self.images(20, 6, 6)
        let all: [Augmentation] = [
            .horizontalFlip(), .crop(height: 6, width: 6, padding: 2), .rotation(degrees: 15), .erasing(),
        ]
        let data = try AugmentedDataset(Self.data(images), all, seed: 4)
        func epoch(_ epoch: Int, _ data: any Dataset, batchSize: Int, seed: UInt64) throws -> [Int: HostTensor] {
            let order = try BatchOrder(count: 20, batchSize: batchSize, seed: seed)
            var found: [Int: HostTensor] = [:]
            for indices in try data.batches(order, epoch: epoch) {
                let input = try data.batch(indices).input
                for (row, index) in indices.enumerated() { found[index % 20] = try input.rows([row]) }
            }
            return found
        }
        let first = try epoch(2, data, batchSize: 6, seed: 1)
        #expect(first.count == 20)
        #expect(try epoch(2, data, batchSize: 1, seed: 9) == first)
        #expect(try epoch(2, data.prefetched(ahead: 4, threads: 3), batchSize: 6, seed: 1) == first)
        let second = try epoch(3, data, batchSize: 6, seed: 1)
        #expect((0..<20).count { first[$0] != second[$0] } > 15)
        let other = try AugmentedDataset(Self.data(images), all, seed: 5)
        #expect(try epoch(2, other, batchSize: 6, seed: 1) != first)
    }

    @Test func whatMakesNoSenseIsRefused() throws {
        let data = try Self.data(Self.images(2, 2, 2))
        let wrong: [Augmentation] = [
            .horizontalFlip(probability: .nan), .verticalFlip(probability: -0.1), .erasing(probability: 1.1),
            .crop(height: 0, width: 1), .crop(height: 1, width: .min), .crop(height: 1, width: 1, padding: -1),
            .crop(height: .max, width: .max, padding: .max), .shift(share: 2), .shift(share: .infinity),
            .rotation(degrees: .nan), .rotation(degrees: -1), .normalization(mean: [0], deviation: [0]),
            .normalization(mean: [0], deviation: []), .normalization(mean: [.nan], deviation: [1]),
        ]
        for augmentation in wrong {
            let error = #expect(throws: GraphError.self, "\(augmentation)") {
                try AugmentedDataset(data, [augmentation], seed: 1)
            }
            #expect(error?.location?.file.contains("AugmentationTests") ?? false)
        }
        #expect(throws: GraphError.self) {
            try AugmentedDataset(data, [.crop(height: 30_000_000, width: 30_000_000, padding: 1 << 24)], seed: 1).batch(
                [0])
        }
        #expect(throws: GraphError.self) { try AugmentedDataset(data, [], of: "label", seed: 1).batch([0]) }
        #expect(throws: GraphError.self) { try AugmentedDataset(data, [], of: "other", seed: 1).batch([0]) }
        #expect(throws: GraphError.self) { try AugmentedDataset(data, [], seed: 1).batch([-1]) }
        let order = try BatchOrder(count: 2, batchSize: 1)
        for epoch in [-1, .max, .min] {
            #expect(throws: GraphError.self) { try AugmentedDataset(data, [], seed: 1).batches(order, epoch: epoch) }
        }
    }
}
