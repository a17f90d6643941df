import Foundation
import TensorGraph

extension Reference {
    /// The greatest number of a row, m, and Σ e^(scale · (x - m)).
    static func exponentialSum(_ row: [Double], scale: Double = 1) -> (greatest: Double, sum: Double) {
        let greatest = row.reduce(-Double.infinity) { BinaryFunction.maximum($0, $1) }
        return (greatest, row.reduce(0) { $0 + Foundation.exp(scale * ($1 - greatest)) })
    }

    package func softmax(_ attributes: SoftmaxFunction) throws -> [[Double]] {
        switch (attributes.isLogarithmic, attributes.pass) {
        case (false, .forward): softmax()
        case (false, .gradient): softmaxGradient()
        case (true, .forward): logSoftmax()
        case (true, .gradient): logSoftmaxGradient()
        }
    }

    package func crossEntropy(_ pass: Pass) throws -> [[Double]] {
        switch pass {
        case .forward: crossEntropy()
        case .gradient: crossEntropyGradient()
        }
    }

    private func softmax() -> [[Double]] {
        [
            rows(0).flatMap { row in
                let (greatest, sum) = Self.exponentialSum(row)
                return row.map { Foundation.exp($0 - greatest) / sum }
            }
        ]
    }

    private func softmaxGradient() -> [[Double]] {
        [
            zip(rows(0), rows(1)).flatMap { y, dy in
                let dot = zip(y, dy).reduce(0) { $0 + $1.0 * $1.1 }
                return zip(y, dy).map { $0 * ($1 - dot) }
            }
        ]
    }

    private func logSoftmax() -> [[Double]] {
        [
            rows(0).flatMap { row in
                let (greatest, sum) = Self.exponentialSum(row)
                return row.map { $0 - greatest - Foundation.log(sum) }
            }
        ]
    }

    private func logSoftmaxGradient() -> [[Double]] {
        [
            zip(rows(0), rows(1)).flatMap { y, dy in
                let sum = dy.reduce(0, +)
                return zip(y, dy).map { $1 - Foundation.exp($0) * sum }
            }
        ]
    }

    private func crossEntropy() -> [[Double]] {
        let sums = rows(0).map { Self.exponentialSum($0) }
        let losses = zip(rows(0), elements(1)).enumerated().map { index, row in
            let (logits, label) = (row.0, Int(row.1))
            if label < 0 { return 0.0 }
            return label < logits.count ? sums[index].greatest - logits[label] + Foundation.log(sums[index].sum) : .nan
        }
        return [losses, sums.flatMap { [$0.greatest, 1 / $0.sum] }]
    }

    private func crossEntropyGradient() -> [[Double]] {
        [
            rows(0).enumerated().flatMap { index, logits in
                let (label, dloss) = (Int(elements(1)[index]), elements(3)[index])
                let (greatest, inverse) = (elements(2)[2 * index], elements(2)[2 * index + 1])
                return logits.enumerated().map { column, logit -> Double in
                    if label < 0 { return 0 }
                    if label >= logits.count { return .nan }
                    return (Foundation.exp(logit - greatest) * inverse - (column == label ? 1 : 0)) * dloss
                }
            }
        ]
    }
}
