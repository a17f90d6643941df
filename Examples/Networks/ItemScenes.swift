import Tessera

/// Grey scenes of 96×96 pixels with one to six of Fashion-MNIST's items at random places, sizes and brightness, turned to either
/// side, on cluttered ground; and the exact box and the class of each.
public struct ItemScenes: Dataset, Sendable {
    /// The height and width in pixels.
    public static let extent = 96
    public static let mostItems = 6

    /// `[count, 96, 96]`, uint8.
    public let images: HostTensor
    /// `[count, 6, 5]`, float32: left, top, right, bottom in pixels and the class; -1 where there is no further item.
    public let items: HostTensor
    public var count: Int { images.shape[0] }

    /// - Parameters:
    ///   - pictures: what the items are taken from.
    ///   - seed: the same numbers give the same scenes.
    public init(_ count: Int, of pictures: ImageDataset, seed: UInt64) throws {
        let cutter = ItemCutter(pictures)
        var items: [Float] = []
        images = try HostTensor(TensorType([count, Self.extent, Self.extent], .uint8)) { bytes in
            for index in 0..<count {
                var canvas = ItemCanvas(Self.extent, RandomSource(seed: seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(index)))
                canvas.clutter(from: cutter)
                let placed = canvas.placeItems(1...Self.mostItems, from: cutter)
                for place in 0..<Self.mostItems {
                    items += place < placed.count ? placed[place].row : [0, 0, 0, 0, -1]
                }
                canvas.write(to: bytes, at: index * Self.extent * Self.extent)
            }
        }
        self.items = try HostTensor([count, Self.mostItems, 5], items)
    }

    /// The middles of the places of a detector's grid, row by row.
    static func places(extent: Int) -> [(x: Float, y: Float)] {
        let each = extent / ItemDetector.stride
        let middles = (0..<each).map { (Float($0) + 0.5) * Float(ItemDetector.stride) }
        return middles.flatMap { y in middles.map { (x: $0, y: y) } }
    }

    /// “input” `[n, 1, 96, 96]` in 0...1; what a detector should say at each place, “labels” int32 `[n, places]` and “boxes”
    /// `[n, places, 4]`; and “truth”, the rows of ``items``.
    ///
    /// Places are of an item where they lie in its box and within 8 pixels of its middle, of the smaller of two.
    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        let (pixels, truth) = (try images.rows(indices), try items.rows(indices))
        let shape: Shape = [indices.count, 1, Self.extent, Self.extent]
        let input = try pixels.withUnsafeBytes { source in
            try HostTensor(TensorType(shape)) { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                for index in source.indices { floats[index] = Float(source[index]) * (1 / 255) }
            }
        }
        let places = Self.places(extent: Self.extent)
        let rows = try truth.elements(Float.self)
        var labels = [Int32](repeating: -1, count: indices.count * places.count)
        var boxes = [Float](repeating: 0, count: 4 * labels.count)
        for image in 0..<indices.count {
            var areas = [Float](repeating: .infinity, count: places.count)
            for item in 0..<Self.mostItems {
                let row = Array(rows[(5 * (image * Self.mostItems + item))...].prefix(5))
                guard row[4] >= 0 else { continue }
                let (x, y) = ((row[0] + row[2]) / 2, (row[1] + row[3]) / 2)
                let area = (row[2] - row[0]) * (row[3] - row[1])
                for (number, place) in places.enumerated() {
                    let reach = Float(ItemDetector.stride)
                    guard abs(place.x - x) <= reach, abs(place.y - y) <= reach, place.x > row[0], place.x < row[2],
                        place.y > row[1], place.y < row[3], area < areas[number]
                    else { continue }
                    areas[number] = area
                    let index = image * places.count + number
                    labels[index] = Int32(row[4])
                    for side in 0..<4 { boxes[4 * index + side] = row[side] }
                }
            }
        }
        return Batch(
            [
                "input": input, "labels": try HostTensor([indices.count, places.count], labels),
                "boxes": try HostTensor([indices.count, places.count, 4], boxes), "truth": truth,
            ], count: indices.count)
    }
}
