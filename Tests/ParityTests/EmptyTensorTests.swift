import ParityRunner
import TensorGraph
import TestSupport
import Testing

/// Every operation with extents of 0, alone and beside operands that have elements.
@Suite struct EmptyTensorTests {
    /// One for each set of operations and of axes that are emptied.
    private static let cases: [OpCase] = {
        struct Kind: Hashable {
            var operations: Set<String>
            var emptied: [[Int]]
        }
        var seen: Set<Kind> = []
        return OpCase.all.filter { !$0.isLarge }.flatMap(\.emptied).filter { opCase in
            guard let built = try? opCase.built() else { return false }
            let kind = Kind(
                operations: Set(built.graph.nodes.map(\.op.name)),
                emptied: opCase.inputs.map(\.shape).map { shape in
                    shape.dimensions.indices.filter { shape[$0] == 0 }.map { $0 - shape.rank }
                })
            return seen.insert(kind).inserted
        }
    }()

    /// What is left of a case for a backend, as sets of operations.
    private static func work(_ opCase: OpCase) throws -> [Node] {
        let built = try opCase.built(withGradients: opCase.gradient.tolerance != nil)
        let computation = try Computation(built.graph, outputs: built.outputs + built.gradients, updates: [])
        return computation.optimized().nodes.filter { node in
            !node.operands.isEmpty && !node.isWithoutWork
        }
    }

    @Test func everyOperationTakesEmptyTensors() throws {
        var kinds: Set<OpKind> = []
        for opCase in Self.cases {
            let nodes = try opCase.built(withGradients: opCase.gradient.tolerance != nil).graph.nodes
            for node in nodes where (node.operandTypes + node.resultTypes).contains(where: { $0.byteCount == 0 }) {
                kinds.insert(node.op.kind)
            }
        }
        // What a case's shape has nothing to do with.
        let without = Set(OpKind.allCases).subtracting(kinds)
        #expect(without.isSubset(of: [.variable, .constant, .fill, .random]), "\(without)")
    }

    @Test func noBackendMeetsAnEmptyTensor() throws {
        for opCase in Self.cases {
            for node in try Self.work(opCase) {
                let types = node.operandTypes + node.resultTypes
                #expect(types.allSatisfy { $0.shape.elementCount > 0 }, "\(opCase): \(node.op.name) of \(types)")
            }
        }
    }

    @Test func theCPUPathAgreesWithTheReference() throws {
        try check(Self.cases, on: [.cpu])
    }

    /// On OpenCL one case of each kind of operation that leaves something to compute.
    @Test func kernelsAgreeWithTheReference() throws {
        let devices = try ParityDevice.all(.both, optimization: .ofItsOwnStyle).filter { $0.name != "cpu" }
        guard !devices.isEmpty else { return }
        var seen: Set<Set<OpKind>> = []
        let cases = try Self.cases.filter { opCase in
            let work = try Self.work(opCase)
            guard !work.isEmpty else { return false }
            let kinds = work.map { $0.op.kind }
            let sources = try opCase.built().outputs.map { $0.node.op.kind }
            return seen.insert(Set(kinds + sources)).inserted
        }
        #expect(cases.count > 10)
        try check(cases, on: devices)
    }

    private func check(_ cases: [OpCase], on devices: [ParityDevice]) throws {
        let parity = try Parity(devices: devices, types: [.float32], runsTwice: false)
        for opCase in cases {
            for outcome in parity.check(opCase) where !outcome.complaints.isEmpty {
                Issue.record("\(outcome.opCase) on \(outcome.device): \(outcome.complaints.joined(separator: "; "))")
            }
        }
    }
}
