import Execution
import TensorGraph

extension OpenCLLowering {
    package func crossEntropy(_ pass: Pass) throws -> Lowering {
        switch pass {
        case .forward: losses("cross_entropy", [.operand(0), .operand(1), .result(0), .result(1)])
        case .gradient: losses("cross_entropy_gradient", (0..<4).map { .operand($0) } + [.result(0)])
        }
    }

    private func losses(_ name: String, _ tensors: [KernelArgument]) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        guard operands[1].dtype == .int32 else { return .declined("labels are int32 on OpenCL") }
        let (rows, classes) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: classes)
        let launch = teams.launch(
            name, files: ["softmax/row_logarithm.cl", "softmax/cross_entropy.cl"], tensors + .int32s(rows, classes),
            storage: operands[0].dtype)
        return launches([launch], "cross-entropy, \(teams.summary)")
    }
}
