/// Gradients averaged over several batches before parameters move, so that a batch may be larger than memory.
///
/// With one batch there is nothing to keep, and no node is added.
struct GradientAccumulation {
    let batches: Int
    private let sums = OptimizerState("accumulated", [.wideZeros("gradient")])
    /// How many gradients have been added up: a step that is skipped for its loss adds none.
    private let countVariable = Variable("accumulated.count", HostTensor(Float(0)), isTrainable: false)

    init(over batches: Int) { self.batches = batches }

    private var isNeeded: Bool { batches > 1 }

    /// Whether parameters move at a step, counted from 0.
    func moves(at step: Int) -> Bool { (step % batches).plus(1) == batches }

    /// The number of a move, from 1, of the number of its step, from 1.
    func move(at step: Tensor) throws -> Tensor { isNeeded ? try step / Double(batches) : step }

    /// Adds the gradients of one batch to those before.
    ///
    /// - Returns: where parameters move, the means over all batches; and what becomes of the sums.
    func add(
        _ gradients: [Tensor], of parameters: [Variable], moves: Bool
    ) throws -> (means: [Tensor], updates: [(Variable, Tensor)]) {
        guard isNeeded else { return (gradients, []) }
        var means: [Tensor] = []
        var updates: [(Variable, Tensor)] = []
        for (gradient, parameter) in zip(gradients, parameters) {
            let graph = gradient.graph
            let variable = sums.variables(of: parameter)[0]
            let before = try graph.read(variable)
            let sum = try before + gradient.cast(to: before.dtype)
            let count = try graph.read(countVariable) + 1
            means.append(try (sum / count.cast(to: sum.dtype)).cast(to: gradient.dtype))
            updates.append((variable, moves ? try graph.fill(0, sum.shape, sum.dtype) : sum))
        }
        return (means, updates)
    }

    /// What becomes of the count.
    func counted(in graph: Graph, moves: Bool) throws -> [(Variable, Tensor)] {
        guard isNeeded else { return [] }
        return [(countVariable, moves ? try graph.fill(0) : try graph.read(countVariable) + 1)]
    }

    /// What a checkpoint holds for a parameter, so that training goes on in the midst of a few batches.
    func state(of parameter: Variable) -> [(name: String, variable: Variable)] {
        isNeeded ? sums.variables(of: parameter).map { ($0.name, $0) } : []
    }

    /// What it holds beside that.
    var state: [(name: String, variable: Variable)] {
        isNeeded ? [(countVariable.name, countVariable)] : []
    }
}
