import Execution
import TensorGraph

// A team of work-items a row; on CPU-like devices one work-item a run of rows.
extension OpenCLLowering {
    package func softmax(_ attributes: SoftmaxFunction) throws -> Lowering {
        switch (attributes.isLogarithmic, attributes.pass) {
        case (false, .forward): rowwise("softmax", [.operand(0), .result(0)], source: 0)
        case (false, .gradient): rowwise("softmax_gradient", [.operand(0), .operand(1), .result(0)], source: 1)
        case (true, .forward): rowwise("log_softmax", [.operand(0), .result(0)], source: 0)
        case (true, .gradient): rowwise("log_softmax_gradient", [.operand(0), .operand(1), .result(0)], source: 1)
        }
    }

    private func rowwise(_ name: String, _ tensors: [KernelArgument], source place: Int) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let (rows, columns) = rowsAndColumns(operands[0].shape)
        let teams = RowTeams(profile, rows: rows, columns: columns)
        let launch = teams.launch(
            name, files: ["common/source.cl", "softmax/row_logarithm.cl", "softmax/softmax.cl"],
            tensors + .int32s(rows, columns), storage: operands[0].dtype, source: source(at: place))
        return launches([launch], "softmax, \(teams.summary)")
    }
}
