import CVector
import Foundation
import TensorGraph

extension CPULowering {
    private func rate(_ pointer: UnsafeRawPointer, _ dtype: DType) -> Double {
        dtype == .float64 ? pointer.load(as: Double.self) : Double(pointer.load(as: Float.self))
    }

    func adam(_ attributes: Adam) throws -> CPUKernel {
        let (type, step) = (type, node.operandTypes.count - 2)
        let rateType = node.operandTypes[step + 1].dtype
        return parameters(operands: 4) { places, run in
            let time = Double(places.operands[step].load(as: Int32.self))
            let learningRate = rate(places.operands[step + 1], rateType)
            var settings = cv_adam(
                beta1: attributes.beta1, beta2: attributes.beta2, epsilon: attributes.epsilon,
                weight_decay: attributes.isDecoupled ? 0 : attributes.weightDecay,
                keep: attributes.isDecoupled ? 1 - learningRate * attributes.weightDecay : 1,
                correction1: 1 - pow(attributes.beta1, time), correction2: 1 - pow(attributes.beta2, time),
                learning_rate: learningRate)
            withUnsafePointer(to: &settings) { settings in
                run { x, y, start, count in
                    cv_run_adam(
                        type, settings, x[0] + start, x[1] + start, x[2] + start, x[3] + start, y[0] + start,
                        y[1] + start, y[2] + start, Int64(count))
                }
            }
        }
    }

    func sgd(_ attributes: SGD) throws -> CPUKernel {
        let (type, rateIndex) = (type, node.operandTypes.count - 1)
        let hasVelocity = attributes.momentum != 0
        let rateType = node.operandTypes[rateIndex].dtype
        return parameters(operands: hasVelocity ? 3 : 2) { places, run in
            var settings = cv_sgd(
                momentum: attributes.momentum, weight_decay: attributes.weightDecay,
                learning_rate: rate(places.operands[rateIndex], rateType), is_nesterov: attributes.isNesterov ? 1 : 0)
            withUnsafePointer(to: &settings) { settings in
                run { x, y, start, count in
                    cv_run_sgd(
                        type, settings, x[0] + start, x[1] + start, hasVelocity ? x[2] + start : nil, y[0] + start,
                        hasVelocity ? y[1] + start : nil, Int64(count))
                }
            }
        }
    }

    /// `count` elements of one parameter, `start` bytes into each of its tensors.
    private typealias Update = (
        _ operands: [UnsafeRawPointer], _ results: [UnsafeMutableRawPointer], _ start: Int,
        _ count: Int
    ) -> Void

    /// The update of each parameter, `operands` of the node's operands each, shared out among the cores: of one by
    /// elements, of several whole.
    private func parameters(
        operands: Int, _ body: @escaping (Places, (Update) -> Void) -> Void
    ) -> CPUKernel {
        let results = operands - 1
        let counts = stride(from: 0, to: node.resultTypes.count, by: results).map {
            node.resultTypes[$0].shape.elementCount
        }
        let size = size
        return CPUKernel(counts.count == 1 ? "one pass" : "\(counts.count) parameters, one pass each") { places in
            func tensors<Pointer>(_ pointers: [Pointer], _ parameter: Int, _ width: Int) -> [Pointer] {
                Array(pointers[parameter * width..<(parameter + 1) * width])
            }
            body(places) { update in
                if counts.count == 1 {
                    Parallel.run(counts[0], grain: memoryGrain / 2) { range in
                        update(
                            tensors(places.operands, 0, operands), tensors(places.results, 0, results),
                            range.lowerBound * size, range.count)
                    }
                    return
                }
                let average = counts.reduce(0, +) / counts.count
                Parallel.run(counts.count, grain: max(1, memoryGrain / 2 / max(average, 1))) { range in
                    for parameter in range {
                        update(
                            tensors(places.operands, parameter, operands), tensors(places.results, parameter, results),
                            0, counts[parameter])
                    }
                }
            }
        }
    }
}
