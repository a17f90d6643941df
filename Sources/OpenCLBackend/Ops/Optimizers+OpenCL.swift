import Execution
import Foundation
import TensorGraph

// `Kernels/optimizer/optimizer.cl`: one pass over a parameter and its slots.
extension OpenCLLowering {
    package func adam(_ attributes: Adam) throws -> Lowering {
        if let reason = unsupportedType { return .declined(reason) }
        let launch = vectorLaunch(
            "adam", file: "optimizer/optimizer.cl", defines: ["IS_DECOUPLED": attributes.isDecoupled ? "1" : "0"],
            tensors: (0..<6).map(KernelArgument.operand) + (0..<3).map(KernelArgument.result),
            scalars: [
                .float(attributes.beta1), .float(1 - attributes.beta1), .float(log(attributes.beta1)),
                .float(attributes.beta2), .float(1 - attributes.beta2), .float(log(attributes.beta2)),
                .float(attributes.epsilon), .float(attributes.weightDecay),
            ])
        return launches([launch], "adam, one pass")
    }

    package func sgd(_ attributes: SGD) throws -> Lowering {
        if let reason = unsupportedType { return .declined(reason) }
        let hasMomentum = attributes.momentum != 0
        let launch = vectorLaunch(
            "sgd", file: "optimizer/optimizer.cl",
            defines: ["HAS_MOMENTUM": hasMomentum ? "1" : "0", "IS_NESTEROV": attributes.isNesterov ? "1" : "0"],
            tensors: operands.indices.map(KernelArgument.operand) + results.indices.map(KernelArgument.result),
            scalars: [.float(attributes.momentum), .float(attributes.weightDecay)])
        return launches([launch], "sgd, one pass")
    }
}
