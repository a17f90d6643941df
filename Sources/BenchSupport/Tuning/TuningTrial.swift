import CPUBackend
import Execution
import Foundation
import OpenCL
import OpenCLBackend
import TensorGraph

/// Builds, checks and times the kernels of one task with different tuning values on a device.
///
/// The node stands alone, with the operands that it has in its case. Its results are compared with the CPU path in
/// float64 from the same operands.
final class TuningTrial {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let task: TuningTask
    private let backend: OpenCLBackend
    private let executor: Executor
    private let graph: Graph
    private let results: [(variable: Variable, tensor: Tensor)]
    private let expected: [[Double]]
    /// Fills the results' memories with NaN, so that nothing of an earlier candidate can pass for another's.
    private let spoil: Plan
    private var incumbent: (values: TuningValues, plan: Plan)?

    /// - Parameter table: the tuning values of the other families.
    init(_ task: TuningTask, on device: Device, style: DeviceProfile.KernelStyle?, table: TuningTable) throws {
        self.task = task
        let program = try CaseProgram(try BenchCase(task.benchCase), .fwdbwd)
        guard program.graph.nodes.indices.contains(task.node) else {
            throw Failure(description: "\(task.benchCase) has no node \(task.node)")
        }
        let node = program.graph.nodes[task.node]
        let operands = try Self.operands(of: node, in: program.graph)
        expected = try Self.reference(node, operands)

        backend = try OpenCLBackend(device, style: style, timesKernels: false, tuning: table, keepsPrograms: false)
        executor = Executor(cpu: CPUBackend(), device: backend, policy: .report)
        let graph = Graph()
        let tensors = try operands.enumerated().map { try graph.read(Variable("operand \($0.offset)", $0.element)) }
        let results = try graph.add(node.op, tensors).map { (Variable("result", try HostTensor(zeros: $0.type)), $0) }
        (self.graph, self.results) = (graph, results)
        let spoiled = Graph()
        let nan = try results.filter { $0.1.dtype == .float32 }.map { ($0.0, try spoiled.read($0.0) * Double.nan) }
        spoil = try executor.compile(spoiled, outputs: [], updates: nan)
    }

    /// What a node's operands are in its graph, by the CPU path.
    private static func operands(of node: Node, in graph: Graph) throws -> [HostTensor] {
        let executor = Executor(cpu: CPUBackend(), device: nil, policy: .report)
        let plan = try executor.compile(graph, outputs: node.operands.map { graph.tensor($0) })
        return try executor.run(plan)
    }

    /// What a node computes from operands, in float64.
    private static func reference(_ node: Node, _ operands: [HostTensor]) throws -> [[Double]] {
        let graph = Graph()
        let tensors = try operands.enumerated().map { index, operand -> Tensor in
            guard operand.dtype == .float32 else { return try graph.read(Variable("\(index)", operand)) }
            let wide = try operand.elements(Float.self).map(Double.init)
            return try graph.read(Variable("\(index)", try HostTensor(operand.shape, wide)))
        }
        let executor = Executor(cpu: CPUBackend(), device: nil, policy: .report)
        let plan = try executor.compile(graph, outputs: try graph.add(node.op, tensors))
        return try executor.run(plan).map { result in
            result.dtype == .float64
                ? try result.elements(Double.self) : try result.elements(Int32.self).map(Double.init)
        }
    }

    /// A candidate beside the incumbent, timed by turns.
    struct Duel {
        /// Milliseconds, the medians.
        var candidate: Double
        var incumbent: Double?
        /// The median of the ratios of neighbours in time, candidate over incumbent.
        var ratio: Double?
    }

    /// - Parameters:
    ///   - values: what the candidate must not be slower than; nil where nothing is known to be right yet.
    ///   - rounds: how often each is timed.
    /// - Throws: where the candidate cannot be built, does not run, or gives a wrong result.
    func duel(_ candidate: TuningValues, against values: TuningValues?, rounds: Int) throws -> Duel {
        if let values, incumbent?.values != values { incumbent = (values, try checkedPlan(values)) }
        let plan = try checkedPlan(candidate)
        let once = try Stopwatch.milliseconds { _ = try executor.run(plan) }
        // So often that a clock's grain and one interruption matter little.
        let repeats = max(1, min(200, Int(2 / max(once, 0.001))))
        func time(_ plan: Plan) throws -> Double {
            try Stopwatch.milliseconds { for _ in 0..<repeats { _ = try executor.run(plan) } } / Double(repeats)
        }
        var (own, other, ratios): ([Double], [Double], [Double]) = ([], [], [])
        for round in 0..<rounds {
            own.append(try time(plan))
            guard let incumbent else { continue }
            other.append(try time(incumbent.plan))
            ratios.append(own[round] / other[round])
            // Far behind twice: no need to know how far.
            if round == 1, (ratios.min() ?? 0) > 1.25 { break }
        }
        return Duel(
            candidate: Timing(own).median, incumbent: other.isEmpty ? nil : Timing(other).median,
            ratio: ratios.isEmpty ? nil : Timing(ratios).median)
    }

    /// A plan with these values, built, run, and found right twice with the same bits.
    private func checkedPlan(_ values: TuningValues) throws -> Plan {
        backend.force(values, for: task.family)
        defer { backend.force(nil, for: task.family) }
        // What is timed is all of the node's work.
        let plan = try executor.compile(
            graph, outputs: [], updates: results.map { ($0.variable, $0.tensor) }, packsWeightsOnce: false)
        let elsewhere = plan.nodesElsewhere
        guard elsewhere.isEmpty else {
            throw Failure(description: "not done on the device: \(elsewhere.joined(separator: "; "))")
        }
        // Each variable has two memories.
        for _ in 0..<2 { _ = try executor.run(spoil) }
        _ = try executor.run(plan)
        let first = try resultValues()
        let errors = try zip(first, expected).map { ResultError(try Self.floats($0), $1) }
        let error = ResultError.worst(errors)
        guard error.isSmall else {
            throw Failure(description: "wrong: off by \(Figure.scientific(error.normwise))")
        }
        _ = try executor.run(plan)
        guard try resultValues() == first else { throw Failure(description: "wrong: another result each time") }
        return plan

        func resultValues() throws -> [HostTensor] { try results.map { try executor.value(of: $0.variable) } }
    }

    private static func floats(_ tensor: HostTensor) throws -> [Float] {
        tensor.dtype == .float32 ? try tensor.elements() : try tensor.elements(Int32.self).map(Float.init)
    }
}
