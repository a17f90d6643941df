import Foundation
import TensorGraph

extension Reference {
    /// ln Σ eˣ, without overflow.
    static func logSumExp(_ row: [Double]) -> Double {
        let greatest = row.reduce(-Double.infinity) { BinaryFunction.maximum($0, $1) }
        return greatest + Foundation.log(row.reduce(0) { $0 + Foundation.exp($1 - greatest) })
    }

    package func softmax() throws -> [[Double]] {
        [
            rows(0).flatMap { row in
                let greatest = row.reduce(-Double.infinity) { BinaryFunction.maximum($0, $1) }
                let exponentials = row.map { Foundation.exp($0 - greatest) }
                let sum = exponentials.reduce(0, +)
                return exponentials.map { $0 / sum }
            }
        ]
    }

    package func softmaxGradient() throws -> [[Double]] {
        [
            zip(rows(0), rows(1)).flatMap { y, dy in
                let dot = zip(y, dy).reduce(0) { $0 + $1.0 * $1.1 }
                return zip(y, dy).map { $0 * ($1 - dot) }
            }
        ]
    }

    package func logSoftmax() throws -> [[Double]] {
        [
            rows(0).flatMap { row in
                let logSumExp = Self.logSumExp(row)
                return row.map { $0 - logSumExp }
            }
        ]
    }

    package func logSoftmaxGradient() throws -> [[Double]] {
        [
            zip(rows(0), rows(1)).flatMap { y, dy in
                let sum = dy.reduce(0, +)
                return zip(y, dy).map { $1 - Foundation.exp($0) * sum }
            }
        ]
    }

    package func crossEntropy() throws -> [[Double]] {
        let logSumExps = rows(0).map(Self.logSumExp)
        let losses = zip(rows(0), elements(1)).enumerated().map { index, row in
            let (logits, label) = (row.0, Int(row.1))
            if label < 0 { return 0.0 }
            return label < logits.count ? logSumExps[index] - logits[label] : .nan
        }
        return [losses, logSumExps]
    }

    package func crossEntropyGradient() throws -> [[Double]] {
        [
            rows(0).enumerated().flatMap { index, logits in
                let (label, logSumExp, dloss) = (Int(elements(1)[index]), elements(2)[index], elements(3)[index])
                return logits.enumerated().map { column, logit -> Double in
                    if label < 0 { return 0 }
                    if label >= logits.count { return .nan }
                    return (Foundation.exp(logit - logSumExp) - (column == label ? 1 : 0)) * dloss
                }
            }
        ]
    }
}
