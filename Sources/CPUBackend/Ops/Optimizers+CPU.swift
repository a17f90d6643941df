import CVector
import Foundation
import TensorGraph

extension CPULowering {
    private func rate(_ pointer: UnsafeRawPointer, _ dtype: DType) -> Double {
        dtype == .float64 ? pointer.load(as: Double.self) : Double(pointer.load(as: Float.self))
    }

    func adam(_ attributes: Adam) throws -> CPUKernel {
        let (type, size, count) = (type, size, shape(0).elementCount)
        let rateType = node.operandTypes[5].dtype
        return CPUKernel("one pass") { places in
            let step = Double(places.operands[4].load(as: Int32.self))
            let learningRate = rate(places.operands[5], rateType)
            var settings = cv_adam(
                beta1: attributes.beta1, beta2: attributes.beta2, epsilon: attributes.epsilon,
                weight_decay: attributes.isDecoupled ? 0 : attributes.weightDecay,
                keep: attributes.isDecoupled ? 1 - learningRate * attributes.weightDecay : 1,
                correction1: 1 - pow(attributes.beta1, step), correction2: 1 - pow(attributes.beta2, step),
                learning_rate: learningRate)
            withUnsafePointer(to: &settings) { settings in
                Parallel.run(count, grain: memoryGrain / 2) { range in
                    let start = range.lowerBound * size
                    cv_run_adam(
                        type, settings, places.operands[0] + start, places.operands[1] + start,
                        places.operands[2] + start, places.operands[3] + start, places.results[0] + start,
                        places.results[1] + start, places.results[2] + start, Int64(range.count))
                }
            }
        }
    }

    func sgd(_ attributes: SGD) throws -> CPUKernel {
        let (type, size, count) = (type, size, shape(0).elementCount)
        let hasVelocity = attributes.momentum != 0
        let rateIndex = node.operandTypes.count - 1
        let rateType = node.operandTypes[rateIndex].dtype
        return CPUKernel("one pass") { places in
            var settings = cv_sgd(
                momentum: attributes.momentum, weight_decay: attributes.weightDecay,
                learning_rate: rate(places.operands[rateIndex], rateType), is_nesterov: attributes.isNesterov ? 1 : 0)
            withUnsafePointer(to: &settings) { settings in
                Parallel.run(count, grain: memoryGrain / 2) { range in
                    let start = range.lowerBound * size
                    cv_run_sgd(
                        type, settings, places.operands[0] + start, places.operands[1] + start,
                        hasVelocity ? places.operands[2] + start : nil, places.results[0] + start,
                        hasVelocity ? places.results[1] + start : nil, Int64(range.count))
                }
            }
        }
    }
}
