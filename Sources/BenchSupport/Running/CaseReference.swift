import Execution
import TensorGraph

/// What a case should give: the same graph in float64 on the CPU path.
package struct CaseReference {
    /// By the names of outputs, and of inputs for their gradients.
    package private(set) var outputs: [String: [Double]] = [:]
    package private(set) var gradients: [String: [Double]] = [:]
    /// Of a training case, the loss after so many steps.
    package private(set) var loss: Double?

    /// - Parameters:
    ///   - pass: with ``BenchPass/fwdbwd`` the gradients are there too.
    ///   - steps: how many training steps the loss is that of.
    package init(_ benchCase: BenchCase, _ pass: BenchPass, steps: Int) throws {
        let program = try CaseProgram(benchCase, pass, dtype: .float64)
        let executor = try BenchDevice.cpu().makeExecutor()
        let plan = try executor.compile(program.graph, outputs: [], updates: program.updates)
        for _ in 0..<(program.loss == nil ? 1 : steps) { _ = try executor.run(plan) }
        for slot in program.outputs { outputs[slot.name] = try executor.value(of: slot.variable).elements() }
        for slot in program.gradients { gradients[slot.name] = try executor.value(of: slot.variable).elements() }
        if let loss = program.loss { self.loss = try executor.value(of: loss).elements(Double.self)[0] }
    }

    /// The error of what a program left in its variables.
    ///
    /// A training step is judged by its loss alone; there the norm-wise error is the relative one.
    func error(of program: CaseProgram, in executor: Executor) throws -> ResultError {
        var errors: [ResultError] = []
        func compare(_ slot: CaseProgram.Slot, _ expected: [Double]?) throws {
            let result: [Float] = try executor.value(of: slot.variable).elements()
            errors.append(ResultError(result, expected ?? []))
        }
        for slot in program.outputs { try compare(slot, outputs[slot.name]) }
        for slot in program.gradients { try compare(slot, gradients[slot.name]) }
        if let variable = program.loss {
            let value: [Float] = try executor.value(of: variable).elements()
            errors.append(ResultError(value, loss.map { [$0] } ?? []))
        }
        return .worst(errors)
    }
}
