import TensorGraph

/// Which values of a computation stay the same from run to run as long as no variable gets another value, and which
/// variables they depend on: constants, variables that the computation does not itself update, and what is kept of the
/// nodes that read nothing else.
struct SteadyValues {
    private let computation: Computation
    /// For each node that is steady the variables it depends on, in order of the nodes that read them.
    private var dependencies: [Int: [Variable]] = [:]
    /// Nodes whose results go into a variable's next memory: that is another one at every run.
    private var written: Set<Int> = []

    /// - Parameter changing: variables that are not steady; nil where nothing is.
    init(_ computation: Computation, changing: Set<Variable>?) {
        self.computation = computation
        guard let changing else { return }
        let unsteady = changing.union(computation.updates.map(\.variable))
        written = Set(computation.updates.map { computation.root($0.value).node })
        for (index, node) in computation.nodes.enumerated() {
            switch node.op.leaf {
            case .constant, .fill: dependencies[index] = []
            case .variable(let variable) where !unsteady.contains(variable): dependencies[index] = [variable]
            case .variable, .input, nil: break
            }
        }
    }

    /// Whether a node that is no leaf could be kept: it reads steady values alone, and gives the same for the same.
    func canBeKept(_ index: Int) -> Bool {
        let node = computation.nodes[index]
        guard !written.contains(index), !node.operands.isEmpty, !node.op.isRandom else { return false }
        return node.operands.allSatisfy { dependencies[computation.root($0).node] != nil }
    }

    /// Notes that a node's results are kept between runs.
    mutating func keep(_ index: Int) {
        dependencies[index] = variables(of: computation.nodes[index].operands)
    }

    /// What steady values depend on.
    func variables(of values: [Value]) -> [Variable] {
        var all: [Variable] = []
        for value in values {
            let variables = dependencies[computation.root(value).node] ?? []
            all += variables.filter { !all.contains($0) }
        }
        return all
    }

    /// The operands of a node on which work may be done once. A fill has nothing that is worth it.
    func steadyOperands(of index: Int) -> Set<Int> {
        let operands = computation.nodes[index].operands
        return Set(
            operands.indices.filter { operand in
                let node = computation.root(operands[operand]).node
                if case .fill = computation.nodes[node].op.leaf { return false }
                return dependencies[node] != nil
            })
    }
}

extension Op {
    /// Whether it draws numbers at random: those are never kept.
    fileprivate var isRandom: Bool { kind == .random || kind == .dropout }
}
