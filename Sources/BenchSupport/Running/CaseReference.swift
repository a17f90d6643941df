import Execution
import TensorGraph

/// What a case should give: the same graph in float64 on the CPU path.
package struct CaseReference {
    /// By the names of outputs, and of inputs for their gradients.
    package private(set) var outputs: [String: [Double]] = [:]
    package private(set) var gradients: [String: [Double]] = [:]
    /// Of a training case, the loss of the first step and after so many.
    package private(set) var losses: (first: Double, last: Double)?

    /// - Parameters:
    ///   - pass: with ``BenchPass/fwdbwd`` the gradients are there too.
    ///   - steps: how many training steps the loss is that of.
    package init(_ benchCase: BenchCase, _ pass: BenchPass, steps: Int) throws {
        let program = try CaseProgram(benchCase, pass, isReference: true)
        let executor = try BenchDevice.cpu().makeExecutor()
        let plan = try executor.compile(program.graph, outputs: [], updates: program.updates)
        _ = try executor.run(plan)
        if let loss = program.loss {
            let first: [Double] = try executor.value(of: loss).elements()
            for _ in 1..<max(steps, 1) { _ = try executor.run(plan) }
            let last: [Double] = try executor.value(of: loss).elements()
            losses = (first[0], last[0])
        }
        for slot in program.outputs { outputs[slot.name] = try executor.value(of: slot.variable).elements() }
        for slot in program.gradients { gradients[slot.name] = try executor.value(of: slot.variable).elements() }
    }

    /// The error of what a program left in its variables.
    ///
    /// A training step is judged by its loss alone, as a share of the first step's: the last may be near nothing.
    func error(of program: CaseProgram, in executor: Executor) throws -> ResultError {
        var errors: [ResultError] = []
        func compare(_ slot: CaseProgram.Slot, _ expected: [Double]?) throws {
            let result = try executor.value(of: slot.variable).floats()
            errors.append(ResultError(result, expected ?? []))
        }
        for slot in program.outputs { try compare(slot, outputs[slot.name]) }
        for slot in program.gradients { try compare(slot, gradients[slot.name]) }
        if let variable = program.loss, let losses {
            let value: [Float] = try executor.value(of: variable).elements()
            let share = abs(Double(value[0]) - losses.last) / abs(losses.first)
            errors.append(share.isFinite ? ResultError(normwise: share, peak: share) : ResultError([.nan], [0]))
        }
        return .worst(errors)
    }
}

extension HostTensor {
    /// The elements of a floating-point tensor of at most 32 bits.
    func floats() throws -> [Float] {
        guard dtype.isHalf else { return try elements() }
        return withUnsafeBytes { raw in
            raw.bindMemory(to: UInt16.self).map {
                dtype == .float16 ? Float(float16Bits: $0) : Float(bfloat16Bits: $0)
            }
        }
    }
}
