import Execution
import Foundation
import TensorGraph

// `Kernels/optimizer/optimizer.cl`: one pass over each parameter and its slots, several small parameters in one launch.
extension OpenCLLowering {
    package func adam(_ attributes: Adam) throws -> Lowering {
        update(
            "adam", results: 3, defines: ["IS_DECOUPLED": attributes.isDecoupled ? "1" : "0"],
            scalars: [
                .float(attributes.beta1), .float(1 - attributes.beta1), .float(log(attributes.beta1)),
                .float(attributes.beta2), .float(1 - attributes.beta2), .float(log(attributes.beta2)),
                .float(attributes.epsilon), .float(attributes.weightDecay),
            ])
    }

    package func sgd(_ attributes: SGD) throws -> Lowering {
        let hasMomentum = attributes.momentum != 0
        return update(
            "sgd", results: hasMomentum ? 2 : 1,
            defines: ["HAS_MOMENTUM": hasMomentum ? "1" : "0", "IS_NESTEROV": attributes.isNesterov ? "1" : "0"],
            scalars: [.float(attributes.momentum), .float(attributes.weightDecay)])
    }

    /// - Parameter count: the results of each parameter.
    private func update(
        _ name: String, results count: Int, defines: [String: String], scalars: [KernelArgument]
    ) -> Lowering {
        if let unsupportedType { return .declined(unsupportedType) }
        let counts = stride(from: 0, to: results.count, by: count).map { results[$0].shape.elementCount }
        guard counts.count <= 7 else { return .declined("\(counts.count) parameters are more than a launch takes") }
        let (globalSize, localSize) = vectorItems(counts)
        let extents: [KernelArgument] = counts.flatMap { count -> [KernelArgument] in
            let partition = RowPartition(rows: 1, length: count, computeUnits: profile.computeUnits)
            return [.uint64(UInt64(count)), .uint64(UInt64(partition.segment))]
        }
        let kernel = KernelSpecification(
            name, files: ["common/math.cl", "optimizer/optimizer.cl"],
            defines: defines.merging([
                "PARAMETERS": "\(counts.count)",
                "VECTOR_WIDTH": profile.shape == .cpu ? "\(profile.vectorWidth)" : "1",
            ]) { $1 })
        let launch = KernelLaunch(
            kernel,
            operands.indices.map(KernelArgument.operand) + results.indices.map(KernelArgument.result) + extents
                + scalars,
            globalSize: globalSize, localSize: localSize)
        return launches([launch], counts.count == 1 ? "\(name), one pass" : "\(name) of \(counts.count) parameters")
    }
}
