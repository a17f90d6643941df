import Foundation
import TensorGraph

extension Reference {
    package func attention(_ attributes: Attention) throws -> [[Double]] {
        switch attributes.pass {
        case .forward: attentionForward(attributes)
        case .gradient: attentionGradient(attributes)
        case .biasGradient: attentionBiasGradient(attributes)
        }
    }

    /// Where a query's numbers stand: it and the keys that it sees.
    private struct Query {
        /// The number of the query among those of all heads, and of the first key of its head.
        var index: Int
        var firstKey: Int
        /// Batch entry, head and query.
        var place: [Int]
        /// By key; nil for what is not seen, or has a bias of -∞.
        var scores: [Double?]
    }

    /// With a bias, the scores proper; else the products that `scale` multiplies.
    private func queries(_ attributes: Attention) -> [Query] {
        let (q, k) = (shape(0), shape(1))
        let width = q[3]
        var result: [Query] = []
        for place in Shape([q[0], q[1], q[2]]).indices {
            let (n, h, i) = (place[0], place[1], place[2])
            let index = (n * q[1] + h) * q[2] + i
            let firstKey = (n * k[1] + h / (q[1] / k[1])) * k[2]
            let length = attributes.hasKeyLengths ? Int(elements(attributes.keyLengthsOperand)[n]) : k[2]
            let scores = (0..<k[2]).map { j -> Double? in
                if j >= length || attributes.isCausal && j > i { return nil }
                let product = dot(0, index, 1, firstKey + j, width)
                guard attributes.hasBias else { return product }
                let bias = shape(attributes.biasOperand)
                let at = zip([n, h, i, j], bias.dimensions).reduce(0) { $0 * $1.1 + min($1.0, $1.1 - 1) }
                let added = elements(attributes.biasOperand)[at]
                return added == -.infinity ? nil : attributes.scale * product + added
            }
            result.append(Query(index: index, firstKey: firstKey, place: place, scores: scores))
        }
        return result
    }

    private func dot(_ a: Int, _ aRow: Int, _ b: Int, _ bRow: Int, _ width: Int) -> Double {
        (0..<width).reduce(0) { $0 + elements(a)[aRow * width + $1] * elements(b)[bRow * width + $1] }
    }

    private func attentionForward(_ attributes: Attention) -> [[Double]] {
        let (v, width) = (elements(2), shape(0)[3])
        let scale = attributes.hasBias ? 1 : attributes.scale
        var y = [Double](repeating: 0, count: elements(0).count)
        var statistics: [Double] = []
        for query in queries(attributes) {
            let (greatest, sum) = Self.exponentialSum(query.scores.compactMap { $0 }, scale: scale)
            if greatest == -.infinity {
                statistics += [0, 0]
                continue
            }
            statistics += [greatest, 1 / sum]
            for (j, score) in query.scores.enumerated() {
                guard let score else { continue }
                let probability = Foundation.exp(scale * (score - greatest)) / sum
                for d in 0..<width { y[query.index * width + d] += probability * v[(query.firstKey + j) * width + d] }
            }
        }
        return [y, statistics]
    }

    /// For each query and key that it sees: the numbers of both, p, and ds.
    private func slopes(_ attributes: Attention, _ body: (Query, Int, Double, Double) -> Void) {
        let (width, statistics) = (shape(0)[3], elements(attributes.statisticsOperand))
        let (y, dy) = (attributes.yOperand, attributes.cotangentOperand)
        let scale = attributes.hasBias ? 1 : attributes.scale
        for query in queries(attributes) where statistics[2 * query.index + 1] != 0 {
            let delta = dot(y, query.index, dy, query.index, width)
            for (j, score) in query.scores.enumerated() {
                guard let score else { continue }
                let difference = score - statistics[2 * query.index]
                let probability = Foundation.exp(scale * difference) * statistics[2 * query.index + 1]
                body(query, j, probability, probability * (dot(dy, query.index, 2, query.firstKey + j, width) - delta))
            }
        }
    }

    private func attentionGradient(_ attributes: Attention) -> [[Double]] {
        let (q, k, dy, width) = (elements(0), elements(1), elements(attributes.cotangentOperand), shape(0)[3])
        var dq = [Double](repeating: 0, count: q.count)
        var (dk, dv) = ([Double](repeating: 0, count: k.count), [Double](repeating: 0, count: k.count))
        slopes(attributes) { query, j, probability, slope in
            let (row, key) = (query.index * width, (query.firstKey + j) * width)
            for d in 0..<width {
                dv[key + d] += probability * dy[row + d]
                dq[row + d] += attributes.scale * slope * k[key + d]
                dk[key + d] += attributes.scale * slope * q[row + d]
            }
        }
        return [dq, dk, dv]
    }

    private func attentionBiasGradient(_ attributes: Attention) -> [[Double]] {
        let (bias, keys, queries) = (shape(attributes.biasOperand), shape(1)[2], shape(0)[2])
        var sums = [Double](repeating: 0, count: bias[0] * bias[1] * queries * keys)
        slopes(attributes) { query, j, _, slope in
            let (n, h) = (min(query.place[0], bias[0] - 1), min(query.place[1], bias[1] - 1))
            sums[((n * bias[1] + h) * queries + query.place[2]) * keys + j] += slope
        }
        return [sums]
    }
}
