import Execution
import OpenCLBackend
import TensorGraph

/// A problem to find the best numbers for: one node of a case's graph, whose kernels belong to a family.
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

    /// The problems that cases come to on a device, one of those that are much alike: first one of each family, then the
    /// second of each, so that whoever stops early has something of every family.
    ///
    /// - Parameter families: only these; all where it is empty.
    package static func tasks(
        of cases: [BenchCase], families: Set<String>, on profile: DeviceProfile
    ) throws -> [TuningTask] {
        var byFamily: [String: [TuningTask]] = [:]
        for benchCase in cases {
            let graph = try CaseProgram(benchCase, .fwdbwd).graph
            for (index, node) in graph.nodes.enumerated() where !node.op.isLeaf && !node.op.isAlias {
                guard case .accepted(let lowered) = try profile.lower(node), let lowered = lowered as? OpenCLNode
                else { continue }
                for lookUp in lowered.tuning where families.isEmpty || families.contains(lookUp.family) {
                    let known = byFamily[lookUp.family, default: []]
                    let isKnown = known.contains {
                        $0.problem.octaves(to: lookUp.problem).map { $0.largest <= sameness } ?? false
                    }
                    guard !isKnown else { continue }
                    byFamily[lookUp.family] =
                        known + [
                            TuningTask(
                                benchCase: benchCase.text, node: index, family: lookUp.family, problem: lookUp.problem)
                        ]
                }
            }
        }
        let ordered = TuningSpace.all.compactMap { byFamily[$0.name] }
        return (0..<(ordered.map(\.count).max() ?? 0)).flatMap { place in
            ordered.compactMap { place < $0.count ? $0[place] : nil }
        }
    }
}
