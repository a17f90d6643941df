import Foundation
import TensorGraph

extension Reference {
    package func adam(_ attributes: Adam) throws -> [[Double]] {
        stride(from: 0, to: operands.count - 2, by: 4).flatMap { adam(attributes, parameterAt: $0) }
    }

    private func adam(_ attributes: Adam, parameterAt first: Int) -> [[Double]] {
        let (beta1, beta2) = (attributes.beta1, attributes.beta2)
        let (step, rate) = (elements(operands.count - 2)[0], elements(operands.count - 1)[0])
        let decay = attributes.weightDecay
        var (ps, ms, vs) = (elements(first), elements(first + 2), elements(first + 3))
        for (index, p) in ps.enumerated() {
            let g = elements(first + 1)[index] + (attributes.isDecoupled ? 0 : decay * p)
            ms[index] = beta1 * ms[index] + (1 - beta1) * g
            vs[index] = beta2 * vs[index] + (1 - beta2) * g * g
            let mean = ms[index] / (1 - Foundation.pow(beta1, step))
            let variance = vs[index] / (1 - Foundation.pow(beta2, step))
            ps[index] =
                p * (1 - (attributes.isDecoupled ? rate * decay : 0))
                - rate * mean / (variance.squareRoot() + attributes.epsilon)
        }
        return [ps, ms, vs]
    }

    package func sgd(_ attributes: SGD) throws -> [[Double]] {
        let width = attributes.momentum != 0 ? 3 : 2
        return stride(from: 0, to: operands.count - 1, by: width).flatMap { sgd(attributes, parameterAt: $0) }
    }

    private func sgd(_ attributes: SGD, parameterAt first: Int) -> [[Double]] {
        let (p, momentum, rate) = (elements(first), attributes.momentum, elements(operands.count - 1)[0])
        let g = zip(elements(first + 1), p).map { $0 + attributes.weightDecay * $1 }
        guard momentum != 0 else { return [zip(p, g).map { $0 - rate * $1 }] }
        let velocity = zip(elements(first + 2), g).map { momentum * $0 + $1 }
        let steps = attributes.isNesterov ? zip(g, velocity).map { $0 + momentum * $1 } : velocity
        return [zip(p, steps).map { $0 - rate * $1 }, velocity]
    }
}
