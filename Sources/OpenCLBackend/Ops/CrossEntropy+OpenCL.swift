import Execution
import TensorGraph

extension OpenCLLowering {
    package func crossEntropy() throws -> Lowering {
        losses("crossEntropy", [.operand(0), .operand(1), .result(0), .result(1)])
    }

    package func crossEntropyGradient() throws -> Lowering {
        losses("crossEntropyGradient", [.operand(0), .operand(1), .operand(2), .operand(3), .result(0)])
    }

    private func losses(_ name: String, _ tensors: [KernelArgument]) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        guard operands[1].dtype == .int32 else { return .declined("labels are int32 on OpenCL") }
        let (rows, classes) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: classes)
        let launch = teams.launch(
            name, files: ["softmax/row_logarithm.cl", "softmax/cross_entropy.cl"], tensors + .int32s(rows, classes))
        return launches([launch], "cross-entropy, \(teams.summary)")
    }
}
