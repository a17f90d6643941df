import TensorGraph

extension Metric {
    /// The mean average precision of boxes: over classes that are there, and over how much a box must overlap with a true one
    /// to count (Lin et al., 2014). pycocotools' AP, without its limit of 100 boxes an image.
    ///
    /// Predictions are `[images, boxes, 6]`: left, top, right, bottom, class, score; targets `[images, boxes, 5]`: the same
    /// without a score, both of one floating-point type. A row with a negative class is no box.
    ///
    /// - Parameter overlaps: the least areas of intersection by those of unions.
    public static func meanAveragePrecision(overlaps: [Double] = [0.5]) -> Metric {
        let name = overlaps.count == 1 ? "mAP@\(overlaps[0])" : "mAP"
        return builtIn(name, into: DetectionPrecision(overlaps: overlaps)) { prediction, target in
            try requireOption(
                !overlaps.isEmpty && overlaps.allSatisfy { $0 > 0 && $0 <= 1 },
                "overlaps must be numbers above 0 and up to 1, not \(overlaps)", of: name)
            let (found, wanted) = (prediction.shape, target.shape)
            guard found.rank == 3, wanted.rank == 3, found[0] == wanted[0], found[2] == 6, wanted[2] == 5,
                prediction.dtype.isFloatingPoint, target.dtype.isFloatingPoint
            else {
                throw GraphError(
                    operation: name, message: "needs predictions [images, boxes, 6] and targets [images, boxes, 5]",
                    operands: [prediction.type, target.type])
            }
            return [try prediction.widened(), try target.widened()]
        }
    }
}

/// Which boxes of images were right, by their scores: what average precisions are computed from.
public struct DetectionPrecision: MetricState {
    /// A rectangle of an image with what it shows.
    public struct Box: Hashable, Sendable {
        /// The left edge, in any unit that all boxes have.
        public var left: Double
        /// The upper edge.
        public var top: Double
        /// The right edge, not less than the left one.
        public var right: Double
        /// The lower edge, not less than the upper one.
        public var bottom: Double
        /// The class of what it shows.
        public var label: Int

        /// A box of these edges and this class.
        public init(left: Double, top: Double, right: Double, bottom: Double, label: Int) {
            (self.left, self.top, self.right, self.bottom, self.label) = (left, top, right, bottom, label)
        }

        private var area: Double { max(right - left, 0) * max(bottom - top, 0) }

        /// The area of the intersection by that of the union: 0 where there is none.
        public func overlap(with other: Box) -> Double {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(bottom, other.bottom) - max(top, other.top)
            guard width > 0, height > 0 else { return 0 }
            return width * height / (area + other.area - width * height)
        }
    }

    /// What is known of one class.
    private struct Findings {
        /// The score of each box, and at which overlaps it is right.
        var boxes: [(score: Double, isRight: [Bool])] = []
        var wanted = 0
    }

    private let overlaps: [Double]
    private var findings: [Int: Findings] = [:]

    /// Nothing yet; overlaps are above 0 and up to 1.
    public init(overlaps: [Double] = [0.5]) { self.overlaps = overlaps }

    /// Compares the boxes of one image: each, from the highest score on, takes the true box that it overlaps with most of
    /// those that are left.
    public mutating func add(_ boxes: [(box: Box, score: Double)], wanted: [Box]) {
        for label in Set(boxes.map(\.box.label) + wanted.map(\.label)) where label >= 0 {
            let truths = wanted.filter { $0.label == label }
            // In a stable order, whatever the standard library's sort is.
            let ranked = boxes.filter { $0.box.label == label }.enumerated().sorted {
                ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
            }.map(\.element)
            var entries = ranked.map { (score: $0.score, isRight: overlaps.map { _ in false }) }
            for (place, least) in overlaps.enumerated() {
                var isTaken = Array(repeating: false, count: truths.count)
                for (number, found) in ranked.enumerated() {
                    var best: (truth: Int, overlap: Double)?
                    for (truth, box) in truths.enumerated() where !isTaken[truth] {
                        let overlap = found.box.overlap(with: box)
                        if overlap >= max(best?.overlap ?? 0, least) { best = (truth, overlap) }
                    }
                    guard let best else { continue }
                    isTaken[best.truth] = true
                    entries[number].isRight[place] = true
                }
            }
            findings[label, default: Findings()].boxes += entries
            findings[label, default: Findings()].wanted += truths.count
        }
    }

    /// Takes predictions and targets.
    public mutating func add(_ tensors: [HostTensor]) throws {
        guard tensors.count == 2, let images = tensors[0].shape.dimensions.first, images > 0 else { return }
        func rows(_ numbers: ArraySlice<Double>, _ width: Int) -> [(box: Box, score: Double)] {
            stride(from: numbers.startIndex, to: numbers.endIndex, by: width).compactMap { first in
                guard let label = Int(exactly: numbers[first + 4].rounded()), label >= 0 else { return nil }
                let box = Box(
                    left: numbers[first], top: numbers[first + 1], right: numbers[first + 2],
                    bottom: numbers[first + 3], label: label)
                return (box, width > 5 ? numbers[first + 5] : 1)
            }
        }
        let (found, wanted) = (try tensors[0].doubles(), try tensors[1].doubles())
        let (foundEach, wantedEach) = (found.count / images, wanted.count / images)
        for image in 0..<images {
            add(
                rows(found[image * foundEach..<(image + 1) * foundEach], 6),
                wanted: rows(wanted[image * wantedEach..<(image + 1) * wantedEach], 5).map(\.box))
        }
    }

    public mutating func merge(_ later: DetectionPrecision) {
        findings.merge(later.findings) { Findings(boxes: $0.boxes + $1.boxes, wanted: $0.wanted + $1.wanted) }
    }

    /// NaN where no box was wanted, or a score is NaN.
    public var value: Double {
        let present = findings.values.filter { $0.wanted > 0 }
        guard !findings.values.contains(where: { $0.boxes.contains { $0.score.isNaN } }) else { return .nan }
        let sum = present.reduce(0.0) { sum, findings in
            let ranked = findings.boxes.enumerated().sorted {
                ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
            }.map(\.element)
            return overlaps.indices.reduce(sum) {
                $0 + Self.precision(ranked.map(\.isRight), at: $1, wanted: findings.wanted)
            }
        }
        return sum / Double(present.count * overlaps.count)
    }

    /// The mean over 101 recalls of the best precision at that recall or a greater one.
    private static func precision(_ ranked: [[Bool]], at place: Int, wanted: Int) -> Double {
        var (hits, curve) = (0, [(recall: Double, precision: Double)]())
        for (number, isRight) in ranked.enumerated() {
            if isRight[place] { hits += 1 }
            curve.append((Double(hits) / Double(wanted), Double(hits) / Double(number + 1)))
        }
        var best = 0.0
        var sum = 0.0
        var rest = curve[...]
        for step in (0...100).reversed() {
            while let last = rest.last, last.recall >= Double(step) / 100 {
                best = max(best, last.precision)
                rest.removeLast()
            }
            // Where the curve has not come to this recall, nothing is found there.
            sum += best
        }
        return sum / 101
    }
}
