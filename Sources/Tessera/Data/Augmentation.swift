import Foundation

/// A change of an image before it is learned from. What is drawn depends on a seed, the epoch and the example alone, so that
/// neither the order of examples nor that of threads changes anything.
public enum Augmentation: Hashable, Sendable {
    /// Left and right change places, with a probability from 0 to 1. torchvision.transforms.v2.RandomHorizontalFlip.
    case horizontalFlip(probability: Double = 0.5)
    /// Top and bottom change places, with a probability from 0 to 1. torchvision.transforms.v2.RandomVerticalFlip.
    case verticalFlip(probability: Double = 0.5)
    /// A part of `height` by `width` pixels, anywhere in the image with `padding` pixels of 0 around it.
    /// torchvision.transforms.v2.RandomCrop.
    case crop(height: Int, width: Int, padding: Int = 0)
    /// Moved by up to a share of its height and width, from 0 to 1, in whole pixels; 0 where nothing was.
    case shift(share: Double)
    /// Turned around its centre by up to so many degrees, from 0 to 360, by bilinear sampling; 0 where nothing was.
    /// torchvision.transforms.v2.RandomRotation.
    case rotation(degrees: Double)
    /// A rectangle becomes 0, with a probability from 0 to 1: of an area from a fiftieth to a third of the image's, and sides
    /// of a ratio from 0.3 to 3.3 (Zhong et al., 2020). torchvision.transforms.v2.RandomErasing.
    case erasing(probability: Double = 0.5)
    /// Each channel less its mean, by its deviation, which is above 0. torchvision.transforms.v2.Normalize.
    case normalization(mean: [Float], deviation: [Float])
}

/// A dataset whose images are changed anew in each epoch: those of one name, float32 `[count, channels, height, width]`.
///
/// Example `index` of an epoch has the number `index + epoch · count` in this dataset's batches, which is what its change is
/// drawn from. So this goes around datasets that choose examples, and only batches made ahead go around it.
public struct AugmentedDataset: Dataset, Sendable {
    /// The dataset whose images are changed.
    public let base: any Dataset & Sendable
    /// The changes, in their order.
    public let augmentations: [Augmentation]
    /// The name of the tensor with the images.
    public let name: String
    /// What all that is drawn depends on.
    public let seed: UInt64
    private let location: SourceLocation

    public var count: Int { base.count }

    /// - Parameter augmentations: are done one after the other.
    /// - Throws: ``GraphError`` for a number that makes no sense.
    public init(
        _ base: any Dataset & Sendable, _ augmentations: [Augmentation], of name: String = "input", seed: UInt64,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        location = SourceLocation(file: file, line: line)
        for augmentation in augmentations {
            guard let complaint = augmentation.complaint else { continue }
            throw GraphError(operation: "AugmentedDataset", message: complaint, location: location)
        }
        (self.base, self.augmentations, self.name, self.seed) = (base, augmentations, name, seed)
    }

    public func batches(_ order: BatchOrder, epoch: Int) throws -> [ArraySlice<Int>] {
        let first = epoch.times(count)
        guard epoch >= 0, first.plus(count) < .max else { throw failure("there is no epoch \(epoch)") }
        return try base.batches(order, epoch: epoch).map { indices in indices.map { first + $0 }[...] }
    }

    /// - Parameter indices: of any epoch.
    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        guard count > 0, indices.allSatisfy({ $0 >= 0 }) else {
            throw failure("there is no example \(indices.min() ?? 0) among \(count)")
        }
        var batch = try base.batch(indices.map { $0 % count }[...])
        let images = try batch.tensors.named(name, in: "batch", at: location)
        guard images.shape.rank == 4, images.dtype == .float32, images.shape[0] == indices.count else {
            throw failure("“\(name)” must be float32 [count, channels, height, width], not \(images.type)")
        }
        let changed = try zip(images.images(), indices).map { image, number in
            var image = image
            let random = RandomSource(seed: RandomSource(seed: seed).next() ^ (UInt64(number) &* 0xd134_2543_de82_ef95))
            for augmentation in augmentations { try augmentation.change(&image, random, failure) }
            return image
        }
        guard let first = changed.first else { return batch }
        batch.tensors[name] = try HostTensor(
            [changed.count, first.channels, first.height, first.width], changed.flatMap(\.pixels))
        return batch
    }

    private func failure(_ message: String) -> GraphError {
        GraphError(operation: "AugmentedDataset", message: message, location: location)
    }
}

extension Augmentation {
    /// What is wrong with its numbers.
    fileprivate var complaint: String? {
        switch self {
        case .horizontalFlip(let probability), .verticalFlip(let probability), .erasing(let probability):
            (0...1).contains(probability) ? nil : "a probability must be from 0 to 1, not \(probability)"
        case .crop(let height, let width, let padding):
            height >= 1 && width >= 1 && (0...(1 << 24)).contains(padding)
                ? nil : "a part of \(height) by \(width) pixels with \(padding) around makes no sense"
        case .shift(let share): (0...1).contains(share) ? nil : "a share must be from 0 to 1, not \(share)"
        case .rotation(let degrees):
            (0...360).contains(degrees) ? nil : "degrees must be from 0 to 360, not \(degrees)"
        case .normalization(let mean, let deviation):
            mean.count == deviation.count && mean.allSatisfy(\.isFinite)
                && deviation.allSatisfy { $0 > 0 && $0.isFinite }
                ? nil : "normalization needs a finite mean and a deviation above 0 for each channel"
        }
    }

    fileprivate func change(
        _ image: inout Image, _ random: RandomSource, _ failure: (String) -> GraphError
    ) throws {
        var random = random
        func happens(_ probability: Double) -> Bool { Double(random.unit()) < probability }
        switch self {
        case .horizontalFlip(let probability):
            if happens(probability) { image = image.sampled { [width = image.width] in ($0, width - 1 - $1) } }
        case .verticalFlip(let probability):
            if happens(probability) { image = image.sampled { [height = image.height] in (height - 1 - $0, $1) } }
        case .crop(let height, let width, let padding):
            let (rows, columns) = (image.height + 2 * padding, image.width + 2 * padding)
            guard height <= rows, width <= columns else {
                throw failure(
                    "no part of \(height) by \(width) is in an image of \(image.height) by \(image.width) with "
                        + "\(padding) around")
            }
            try HostMemory.require(
                image.channels.times(height).times(width).times(4), for: "a part of \(height) by \(width)")
            let row = Int.random(in: 0...(rows - height), using: &random) - padding
            let column = Int.random(in: 0...(columns - width), using: &random) - padding
            image = image.sampled(height: height, width: width) { ($0 + row, $1 + column) }
        case .shift(let share):
            let (rows, columns) = (Int(share * Double(image.height)), Int(share * Double(image.width)))
            let row = Int.random(in: (-rows)...rows, using: &random)
            let column = Int.random(in: (-columns)...columns, using: &random)
            image = image.sampled { ($0 + row, $1 + column) }
        case .rotation(let degrees):
            image = image.rotated(by: (2 * Double(random.unit()) - 1) * degrees * .pi / 180)
        case .erasing(let probability):
            if happens(probability) { image.erase(random) }
        case .normalization(let mean, let deviation):
            guard mean.count == image.channels else {
                throw failure("\(mean.count) means are not those of \(image.channels) channels")
            }
            let area = image.height * image.width
            for place in image.pixels.indices {
                let channel = place / area
                image.pixels[place] = (image.pixels[place] - mean[channel]) / deviation[channel]
            }
        }
    }
}

/// One image, channel by channel.
private struct Image {
    var channels: Int
    var height: Int
    var width: Int
    var pixels: [Float]

    /// An image whose pixel in each place is this one's at another; 0 outside.
    func sampled(
        height newHeight: Int? = nil, width newWidth: Int? = nil, _ place: (_ row: Int, _ column: Int) -> (Int, Int)
    ) -> Image {
        var result = Image(channels: channels, height: newHeight ?? height, width: newWidth ?? width, pixels: [])
        result.pixels.reserveCapacity(channels * result.height * result.width)
        for channel in 0..<channels {
            for row in 0..<result.height {
                for column in 0..<result.width {
                    let (y, x) = place(row, column)
                    result.pixels.append(pixel(channel, y, x))
                }
            }
        }
        return result
    }

    private func pixel(_ channel: Int, _ row: Int, _ column: Int) -> Float {
        guard row >= 0, row < height, column >= 0, column < width else { return 0 }
        return pixels[(channel * height + row) * width + column]
    }

    /// Turned counterclockwise around the centre, each pixel made of the four around the place that it comes from.
    func rotated(by angle: Double) -> Image {
        let (sine, cosine) = (Foundation.sin(angle), Foundation.cos(angle))
        let (middleRow, middleColumn) = (Double(height - 1) / 2, Double(width - 1) / 2)
        var result = self
        for row in 0..<height {
            for column in 0..<width {
                let (dy, dx) = (Double(row) - middleRow, Double(column) - middleColumn)
                let (y, x) = (middleRow + sine * dx + cosine * dy, middleColumn + cosine * dx - sine * dy)
                let (top, left) = (Int(y.rounded(.down)), Int(x.rounded(.down)))
                let (low, right) = (Float(y - Double(top)), Float(x - Double(left)))
                for channel in 0..<channels {
                    let above =
                        (1 - right) * pixel(channel, top, left) + right * pixel(channel, top, left + 1)
                    let below =
                        (1 - right) * pixel(channel, top + 1, left) + right * pixel(channel, top + 1, left + 1)
                    result.pixels[(channel * height + row) * width + column] = (1 - low) * above + low * below
                }
            }
        }
        return result
    }

    /// Sets a rectangle to 0, where one of ten tries fits.
    mutating func erase(_ random: RandomSource) {
        var random = random
        for _ in 0..<10 {
            let area = Double(height * width) * Double.random(in: 0.02...0.33, using: &random)
            let ratio = Foundation.exp(Double.random(in: Foundation.log(0.3)...Foundation.log(3.3), using: &random))
            let (rows, columns) = (
                Int((area * ratio).squareRoot().rounded()), Int((area / ratio).squareRoot().rounded())
            )
            guard rows < height, columns < width else { continue }
            let top = Int.random(in: 0...(height - rows), using: &random)
            let left = Int.random(in: 0...(width - columns), using: &random)
            for channel in 0..<channels {
                for row in top..<(top + rows) {
                    let start = (channel * height + row) * width + left
                    for place in start..<(start + columns) { pixels[place] = 0 }
                }
            }
            return
        }
    }
}

extension HostTensor {
    /// The images of `[count, channels, height, width]`.
    fileprivate func images() throws -> [Image] {
        let elements = try elements(Float.self)
        let (channels, height, width) = (shape[1], shape[2], shape[3])
        let size = channels * height * width
        return (0..<shape[0]).map { number in
            Image(
                channels: channels, height: height, width: width,
                pixels: Array(elements[(number * size)..<((number + 1) * size)]))
        }
    }
}
