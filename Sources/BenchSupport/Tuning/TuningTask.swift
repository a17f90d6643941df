import Execution
import OpenCLBackend
import TensorGraph

/// A problem to find the best tuning values for: one node of a case's graph, whose kernels belong to a family.
package struct TuningTask: Hashable, Sendable, Codable {
    package var benchCase: String
    /// The node's place in the graph of the case's forward and backward pass.
    package var node: Int
    package var family: String
    package var problem: TuningProblem

    package init(benchCase: String, node: Int, family: String, problem: TuningProblem) {
        self.benchCase = benchCase
        self.node = node
        self.family = family
        self.problem = problem
    }

    /// The node itself, from the case's graph.
    package func graphNode() throws -> Node {
        let graph = try CaseProgram(try BenchCase(benchCase), .fwdbwd).graph
        guard graph.nodes.indices.contains(node) else { throw BenchError("\(benchCase) has no node \(node)") }
        return graph.nodes[node]
    }

    /// Octaves within which two problems of a family count as the same.
    private static let sameness = 1.0

    /// A node of a case's graph that is more than a name for what is there.
    package struct CaseNode: Sendable {
        var benchCase: String
        var index: Int
        var node: Node
    }

    /// The nodes of cases, forward and backward.
    package static func nodes(of cases: [BenchCase]) throws -> [CaseNode] {
        try cases.flatMap { benchCase in
            try CaseProgram(benchCase, .fwdbwd).graph.nodes.enumerated()
                .filter { !$0.element.op.isLeaf && !$0.element.op.isAlias }
                .map { CaseNode(benchCase: benchCase.text, index: $0.offset, node: $0.element) }
        }
    }

    /// The problems that nodes come to on a device, one of those that are much alike: first one of each family, then the
    /// second of each, so that whoever stops early has something of every family.
    ///
    /// - Parameter families: only these; all where it is empty.
    package static func tasks(
        of nodes: [CaseNode], families: Set<String>, on profile: DeviceProfile
    ) throws -> [TuningTask] {
        var byFamily: [String: [TuningTask]] = [:]
        for node in nodes {
            guard case .accepted(let lowered) = try profile.lower(node.node), let lowered = lowered as? OpenCLNode
            else { continue }
            for lookUp in lowered.tuning where families.isEmpty || families.contains(lookUp.family) {
                let isKnown = byFamily[lookUp.family, default: []].contains {
                    $0.problem.octaves(to: lookUp.problem).map { $0.largest <= sameness } ?? false
                }
                guard !isKnown else { continue }
                byFamily[lookUp.family, default: []].append(
                    TuningTask(
                        benchCase: node.benchCase, node: node.index, family: lookUp.family, problem: lookUp.problem))
            }
        }
        let ordered = TuningSpace.all.compactMap { byFamily[$0.name] }
        return (0..<(ordered.map(\.count).max() ?? 0)).flatMap { place in
            ordered.compactMap { place < $0.count ? $0[place] : nil }
        }
    }
}
