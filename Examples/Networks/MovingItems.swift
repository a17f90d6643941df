import Foundation
import Tessera

/// Clips of eight grey frames of 32×32 pixels in which one of Fashion-MNIST's items moves in one of eight directions, noisy and
/// partly hidden: what it is, and where it goes.
///
/// Items are of five classes that few pixels tell apart: trousers, pullovers, dresses, bags and ankle boots.
public struct MovingItems: Dataset, Sendable {
    public static let frames = 8
    /// The height and width in pixels.
    public static let extent = 32
    /// The classes by their numbers in Fashion-MNIST, in order of the labels here.
    public static let classes = [1, 2, 3, 8, 9]
    public static let classNames = ["trouser", "pullover", "dress", "bag", "ankle boot"]
    /// To the right, then on with the clock in steps of 45°.
    public static let directions = 8

    /// `[count, 8, 32, 32]`, uint8.
    public let clips: HostTensor
    /// int32 `[count]`: the place in ``classes``, and the direction.
    public let classes: HostTensor
    public let directions: HostTensor
    public var count: Int { clips.shape[0] }

    /// - Parameters:
    ///   - pictures: what the items are taken from.
    ///   - seed: the same numbers give the same clips.
    public init(_ count: Int, of pictures: ImageDataset, seed: UInt64) throws {
        let cutter = ItemCutter(pictures)
        let usable = (0..<cutter.count).filter { Self.classes.contains(cutter.label(of: $0)) }
        guard !usable.isEmpty else {
            throw GraphError(operation: "MovingItems", message: "the pictures have none of the classes \(Self.classes)")
        }
        var (labels, directions) = ([Int32](), [Int32]())
        let area = Self.extent * Self.extent
        clips = try HostTensor(TensorType([count, Self.frames, Self.extent, Self.extent], .uint8)) { bytes in
            for index in 0..<count {
                var canvas = ItemCanvas(Self.extent, RandomSource(seed: seed &* 0x9e37_79b9_7f4a_7c15 &+ UInt64(index)))
                var item: CutItem?
                while item == nil {
                    item = cutter.item(
                        usable[canvas.number(0...(usable.count - 1))], extent: canvas.number(16...20),
                        brightness: canvas.number(0.6...1), isMirrored: Bool.random(using: &canvas.random))
                }
                guard let item else { continue }
                let direction = canvas.number(0...(Self.directions - 1))
                let angle = Float(direction) * .pi / 4
                let speed = canvas.number(0.7...1.5)
                // The middle of its way, which says nothing of where it goes.
                let (x, y) = (canvas.number(12...20), canvas.number(12...20))
                let middle = Float(Self.frames - 1) / 2
                for frame in 0..<Self.frames {
                    let way = speed * (Float(frame) - middle)
                    canvas.drawFrame(
                        item, top: Float(y) + way * sin(angle) - Float(item.height) / 2,
                        left: Float(x) + way * cos(angle) - Float(item.width) / 2)
                    canvas.write(to: bytes, at: (index * Self.frames + frame) * area, noise: 0.3)
                }
                labels.append(Int32(Self.classes.firstIndex(of: item.label) ?? 0))
                directions.append(Int32(direction))
            }
        }
        classes = try HostTensor([count], labels)
        self.directions = try HostTensor([count], directions)
    }

    /// “input” `[n, 1, 8, 32, 32]` in 0...1, “class” and “direction” int32 `[n]`.
    public func batch(_ indices: ArraySlice<Int>) throws -> Batch {
        let pixels = try clips.rows(indices)
        let shape: Shape = [indices.count, 1, Self.frames, Self.extent, Self.extent]
        let input = try pixels.withUnsafeBytes { source in
            try HostTensor(TensorType(shape)) { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                for index in source.indices { floats[index] = Float(source[index]) * (1 / 255) }
            }
        }
        return Batch(
            ["input": input, "class": try classes.rows(indices), "direction": try directions.rows(indices)],
            count: indices.count)
    }
}

extension ItemCanvas {
    /// A frame of a clip: grey ground, the item, and two bars that hide some of it, elsewhere in each frame.
    fileprivate mutating func drawFrame(_ item: CutItem, top: Float, left: Float) {
        clear(to: 0.15)
        draw(item, top: top, left: left)
        for isUpright in [true, false] {
            let (place, width, value) = (number(4...(extent - 8)), number(2...4), number(0...0.6))
            for along in 0..<extent {
                for across in place..<(place + width) {
                    mix(value, 1, atRow: isUpright ? along : across, column: isUpright ? across : along)
                }
            }
        }
    }
}

/// A classifier with two answers: what moves, five classes, and where to, eight directions, as logits `[n, 13]` of both one after
/// the other.
public struct MovingItemsNetwork: Layer {
    /// What it sees of a clip.
    public enum View: String, CaseIterable, Sendable {
        /// All frames, by convolutions over time, height and width.
        case clip
        /// The frame in the middle, by convolutions of as many channels over height and width.
        case frame
    }

    public let view: View
    let features: Sequential
    let classes: Dense
    let directions: Dense

    public init(_ view: View = .clip, _ random: RandomSource) {
        self.view = view
        switch view {
        case .clip:
            features = Sequential(
                Conv3D(1, 16, kernel: 3, stride: [1, 2, 2], padding: 1, hasBias: false, random), BatchNorm3D(16),
                ReLU(),
                Conv3D(16, 32, kernel: 3, padding: 1, hasBias: false, random), BatchNorm3D(32), ReLU(), MaxPool3D(2),
                Conv3D(32, 64, kernel: 3, padding: 1, hasBias: false, random), BatchNorm3D(64), ReLU(), MaxPool3D(2),
                Flatten(), Dense(2 * 4 * 4 * 64, 128, random), ReLU())
        case .frame:
            features = Sequential(
                Conv2D(1, 16, kernel: 3, stride: 2, padding: 1, hasBias: false, random), BatchNorm2D(16), ReLU(),
                Conv2D(16, 32, kernel: 3, padding: 1, hasBias: false, random), BatchNorm2D(32), ReLU(), MaxPool2D(2),
                Conv2D(32, 64, kernel: 3, padding: 1, hasBias: false, random), BatchNorm2D(64), ReLU(), MaxPool2D(2),
                Flatten(), Dense(4 * 4 * 64, 128, random), ReLU())
        }
        classes = Dense(128, MovingItems.classes.count, random)
        directions = Dense(128, MovingItems.directions, random)
    }

    public var members: [LayerMember] {
        [.layer("features", features), .layer("classes", classes), .layer("directions", directions)]
    }

    /// - Parameter input: clips `[n, 1, 8, 32, 32]`.
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let seen: Tensor
        switch view {
        case .clip: seen = input
        case .frame:
            let shape = input.shape
            seen = try input.sliced(axis: 2, (shape[2] / 2)..<(shape[2] / 2 + 1))
                .reshaped(to: [shape[0], shape[1], shape[3], shape[4]])
        }
        let found = try features(seen, pass)
        return try .concatenated([classes(found, pass), directions(found, pass)], axis: 1)
    }

    /// The two answers of an output.
    public static func answers(_ output: Tensor) throws -> (classes: Tensor, directions: Tensor) {
        let classes = MovingItems.classes.count
        return (
            try output.sliced(axis: 1, 0..<classes),
            try output.sliced(axis: 1, classes..<(classes + MovingItems.directions))
        )
    }

    /// A trainer on ``MovingItems`` that predicts “output” from “input”.
    public func trainer(
        learningRate: Double = 1e-3, schedule: LearningRateSchedule = .constant, on executor: Executor
    ) -> Trainer {
        Trainer(
            self, groups: [ParameterGroup("all", self, Adam(learningRate: learningRate))], schedule: schedule,
            on: executor
        ) { pass, batch in
            let (classes, directions) = try Self.answers(self(batch["input"], pass))
            let outputs: [StepOutput] = [
                try .loss("class", .crossEntropy, classes, batch["class"]),
                try .loss("direction", .crossEntropy, directions, batch["direction"]),
            ]
            return try outputs + [
                .metric("class accuracy", Metric.accuracy(classes, batch["class"]), isFraction: true),
                .metric("direction accuracy", Metric.accuracy(directions, batch["direction"]), isFraction: true),
            ]
        } predicting: { pass, inputs in
            ["output": try self(inputs["input"], pass)]
        }
    }
}
