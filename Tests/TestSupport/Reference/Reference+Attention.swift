import Foundation
import TensorGraph

extension Reference {
    package func attention(_ attributes: Attention) throws -> [[Double]] {
        switch attributes.pass {
        case .forward: try attentionForward(attributes)
        case .gradient: try attentionGradient(attributes)
        }
    }

    private func attentionForward(_ attributes: Attention) throws -> [[Double]] {
        let (q, k, v) = (elements(0), elements(1), elements(2))
        let (queries, keys, width) = (shape(0)[2], shape(1)[2], shape(0)[3])
        var y = [Double](repeating: 0, count: q.count)
        var statistics: [Double] = []
        for head in 0..<(shape(0)[0] * shape(0)[1]) {
            for i in 0..<queries {
                let query = (head * queries + i) * width
                let visible = attributes.isCausal ? min(i + 1, keys) : keys
                let products = (0..<visible).map { j in
                    (0..<width).reduce(0) { $0 + q[query + $1] * k[(head * keys + j) * width + $1] }
                }
                let (greatest, sum) = Self.exponentialSum(products, scale: attributes.scale)
                statistics += [greatest, 1 / sum]
                for (j, product) in products.enumerated() {
                    let probability = Foundation.exp(attributes.scale * (product - greatest)) / sum
                    for d in 0..<width { y[query + d] += probability * v[(head * keys + j) * width + d] }
                }
            }
        }
        return [y, statistics]
    }

    private func attentionGradient(_ attributes: Attention) throws -> [[Double]] {
        let (q, k, v) = (elements(0), elements(1), elements(2))
        let (y, statistics, dy) = (elements(3), elements(4), elements(5))
        let (queries, keys, width) = (shape(0)[2], shape(1)[2], shape(0)[3])
        var dq = [Double](repeating: 0, count: q.count)
        var (dk, dv) = ([Double](repeating: 0, count: k.count), [Double](repeating: 0, count: k.count))
        func dot(_ a: [Double], _ aStart: Int, _ b: [Double], _ bStart: Int) -> Double {
            (0..<width).reduce(0) { $0 + a[aStart + $1] * b[bStart + $1] }
        }
        for head in 0..<(shape(0)[0] * shape(0)[1]) {
            for i in 0..<queries {
                let query = (head * queries + i) * width
                let delta = dot(y, query, dy, query)
                for j in 0..<(attributes.isCausal ? min(i + 1, keys) : keys) {
                    let key = (head * keys + j) * width
                    let row = 2 * (head * queries + i)
                    let difference = dot(q, query, k, key) - statistics[row]
                    let probability = Foundation.exp(attributes.scale * difference) * statistics[row + 1]
                    let ds = probability * (dot(dy, query, v, key) - delta)
                    for d in 0..<width {
                        dv[key + d] += probability * dy[query + d]
                        dq[query + d] += attributes.scale * ds * k[key + d]
                        dk[key + d] += attributes.scale * ds * q[query + d]
                    }
                }
            }
        }
        return [dq, dk, dv]
    }
}
