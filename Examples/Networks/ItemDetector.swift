import Tessera

/// A detector of Fashion-MNIST's ten kinds of clothing that has one stage and no anchors (FCOS: Tian et al., 2019): pictures
/// `[n, 1, h, w]` → `[n, places, 14]`, for each place of a grid 8 pixels apart ten logits and, before a softplus, the distances to
/// the left, top, right and bottom of the box there, in units of 8 pixels.
public struct ItemDetector: Layer {
    public static let classes = 10
    /// Pixels between two places of the grid, of which the first lies half of that from the edges.
    public static let stride = 8
    /// What is added to the logits, so that at first every place says of every class that it is there with a probability of
    /// 0.01: nearly all places show nothing, and would outweigh the others (Lin et al., 2017).
    public static let prior = -4.595

    let backbone: Sequential
    let classTower: Sequential
    let boxTower: Sequential

    public init(width: Int = 96, _ random: RandomSource) {
        func convolution(_ inputs: Int, _ outputs: Int, stride: PerAxis = 1) -> [any Layer] {
            [
                Conv2D(inputs, outputs, kernel: 3, stride: stride, padding: 1, hasBias: false, random),
                BatchNorm2D(outputs), ReLU(),
            ]
        }
        func tower(_ outputs: Int) -> Sequential {
            Sequential(convolution(width, width) + [Conv2D(width, outputs, kernel: 3, padding: 1, random)])
        }
        backbone = Sequential(
            convolution(1, 16, stride: 2) + convolution(16, 32, stride: 2) + convolution(32, 64)
                + convolution(64, width, stride: 2) + [Block(width, random), Block(width, random)])
        classTower = tower(Self.classes)
        boxTower = tower(4)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let features = try backbone(input, pass)
        let found = try Tensor.concatenated(
            [classTower(features, pass) + Self.prior, boxTower(features, pass)], axis: 1)
        let shape = found.shape
        return try found.reshaped(to: [shape[0], shape[1], shape[2] * shape[3]]).transposed([0, 2, 1])
    }

    /// Two convolutions beside a way around them (He et al., 2016).
    struct Block: Layer {
        let conv1: Conv2D
        let norm1: BatchNorm2D
        let conv2: Conv2D
        let norm2: BatchNorm2D

        init(_ width: Int, _ random: RandomSource) {
            conv1 = Conv2D(width, width, kernel: 3, padding: 1, hasBias: false, random)
            norm1 = BatchNorm2D(width)
            conv2 = Conv2D(width, width, kernel: 3, padding: 1, hasBias: false, random)
            norm2 = BatchNorm2D(width)
        }

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            let hidden = try norm1(conv1(input, pass), pass).relu()
            return try (input + norm2(conv2(hidden, pass), pass)).relu()
        }
    }
}

extension ItemDetector {
    /// What the output says: logits `[n, places, 10]`, and boxes `[n, places, 4]` of left, top, right and bottom in pixels.
    ///
    /// - Parameter extent: the height and width of the pictures.
    public static func decoded(_ output: Tensor, extent: Int) throws -> (logits: Tensor, boxes: Tensor) {
        let places = ItemScenes.places(extent: extent)
        let centers = try output.graph.constant(
            HostTensor([places.count, 4], places.flatMap { [$0.x, $0.y, $0.x, $0.y] })
        ).cast(to: output.dtype)
        let signs = try output.graph.constant(HostTensor([4], [-1, -1, 1, 1] as [Float])).cast(to: output.dtype)
        let distances = try output.sliced(axis: 2, classes..<(classes + 4)).softplus() * Double(stride)
        return (try output.sliced(axis: 2, 0..<classes), try centers + signs * distances)
    }

    /// The focal loss of the classes and the generalized IoU of the boxes, each by the number of places that show an item.
    ///
    /// - Parameters:
    ///   - labels: int32 `[n, places]`, the class of what is there, -1 where nothing is.
    ///   - boxes: `[n, places, 4]`.
    public static func losses(
        _ output: Tensor, labels: Tensor, boxes: Tensor
    ) throws -> (classes: Tensor, boxes: Tensor) {
        let graph = output.graph
        let (logits, found) = try decoded(output, extent: ItemScenes.extent)
        let isItem = try labels.greater(than: -1).cast(to: output.dtype)
        let count = try isItem.sum().maximum(graph.fill(1, [], output.dtype))
        let numbers = try graph.constant(HostTensor([1, 1, classes], (0..<Int32(classes)).map { $0 }))
        let wanted = try labels.reshaped(to: [labels.shape[0], labels.shape[1], 1]).equal(to: numbers)
            .cast(to: output.dtype)
        let overlaps = try Loss.intersectionOverUnion()(found, boxes, reduction: .none)
        return (
            try Loss.focal()(logits, wanted, reduction: .sum) / count, try (overlaps * isItem).sum() / count
        )
    }

    /// A trainer on ``ItemScenes``, whose evaluations give the mean average precision of ``ItemKind``s and of the ten classes,
    /// and that predicts “output” from “input”, and “found”, what ``FoundItems`` takes.
    public func trainer(
        learningRate: Double = 2e-3, schedule: LearningRateSchedule = .constant, on executor: Executor
    ) -> Trainer {
        Trainer(
            self,
            groups: [ParameterGroup("all", self, Adam(learningRate: learningRate))],
            schedule: schedule, gradientNorm: 10, on: executor
        ) { pass, batch in
            let output = try self(batch["input"], pass)
            let losses = try Self.losses(output, labels: batch["labels"], boxes: batch["boxes"])
            let outputs: [StepOutput] = [.loss("classes", losses.classes), .loss("boxes", losses.boxes)]
            guard case .inference = pass.mode else { return outputs }
            let found = try Self.found(output)
            return try outputs
                + [("mAP@0.5", ItemKind.ofClasses), ("mAP@0.5 of ten classes", Array(0..<Self.classes))].map {
                    name, kinds in
                    let metric = Metric.streamed(name, isFraction: true, into: FoundItems(kinds: kinds)) { [$0, $1] }
                    return try .metric(metric, found, batch["truth"])
                }
        } predicting: { pass, inputs in
            let output = try self(inputs["input"], pass)
            return ["output": output, "found": try Self.found(output)]
        }
    }

    /// Probabilities of the classes and boxes in pixels, `[n, places, 14]`.
    private static func found(_ output: Tensor) throws -> Tensor {
        let (logits, boxes) = try decoded(output, extent: ItemScenes.extent)
        return try .concatenated([logits.sigmoid(), boxes], axis: 2)
    }
}

/// What scenes are searched for: items that a picture of some 30 pixels shows apart. Shirts, T-shirts, pullovers and coats are
/// tops here, as people too mistake every sixth of them for another (Xiao et al., 2017, have 83.5 % of people's labels right).
public enum ItemKind: Int, CaseIterable, Sendable {
    case top, trouser, dress, bag, shoe

    /// The kind of each of the ten classes.
    public static let ofClasses = [
        Self.top, .trouser, .top, .dress, .top, .shoe, .top, .shoe, .bag, .shoe,
    ].map(\.rawValue)

    public var name: String { "\(self)" }
}

/// The average precision of what a detector's output comes to: the boxes that are left of those at all places.
public struct FoundItems: MetricState {
    /// The number of the kind of each class.
    private let kinds: [Int]
    private var precision = DetectionPrecision()

    public init(kinds: [Int]) { self.kinds = kinds }

    /// Takes probabilities and boxes `[n, places, 14]`, and what is there, `[n, items, 5]`.
    public mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2 else { return }
        let (found, truth) = (tensors[0], try tensors[1].elements(Float.self).map(Double.init))
        let (images, each) = (found.shape[0], 5 * tensors[1].shape[1])
        for image in 0..<images {
            let rows = stride(from: image * each, to: (image + 1) * each, by: 5).filter { truth[$0 + 4] >= 0 }
            precision.add(
                try Self.boxes(in: found, of: image, kinds: kinds),
                wanted: rows.map { row in
                    DetectionPrecision.Box(
                        left: truth[row], top: truth[row + 1], right: truth[row + 2], bottom: truth[row + 3],
                        label: kinds[Int(truth[row + 4])])
                })
        }
    }

    public mutating func merge(_ later: FoundItems) { precision.merge(later.precision) }

    public var value: Double { precision.value }

    /// What is found in one picture: at each place each kind whose classes come to 0.05 together, less what overlaps by half
    /// with the same kind of a higher score.
    ///
    /// - Parameters:
    ///   - found: probabilities of classes and boxes, `[n, places, 14]`.
    ///   - comparesKinds: whether boxes of different kinds may overlap.
    public static func boxes(
        in found: HostTensor, of image: Int, kinds: [Int], comparesKinds: Bool = true
    ) throws -> [(box: DetectionPrecision.Box, score: Double)] {
        let numbers = try found.rows([image]).elements(Float.self).map(Double.init)
        let width = found.shape[2]
        var boxes: [(box: DetectionPrecision.Box, score: Double)] = []
        for row in stride(from: 0, to: numbers.count, by: width) {
            var scores = [Double](repeating: 0, count: (kinds.max() ?? 0) + 1)
            for (label, kind) in kinds.enumerated() { scores[kind] += numbers[row + label] }
            let sides = numbers[(row + kinds.count)..<(row + width)].map { $0 }
            for (kind, score) in scores.enumerated() where score >= 0.05 {
                let box = DetectionPrecision.Box(
                    left: sides[0], top: sides[1], right: sides[2], bottom: sides[3], label: kind)
                boxes.append((box, min(score, 1)))
            }
        }
        return try nonMaximumSuppression(boxes, comparesLabels: comparesKinds).map { boxes[$0] }
    }
}
