import Execution
import Tessera
import Testing

/// Plans that take more memory than there is throw before they take it.
@Suite struct MemoryTests {
    private static let plans: [(name: String, make: @Sendable (Graph) throws -> Tensor)] = [
        (
            "outer difference",
            { graph in
                let a = try graph.input("a", [2_000_000, 1]), b = try graph.input("b", [2_000_000])
                return try (a - b).transposed([1, 0]).softmax().sum()
            }
        ),
        (
            "product",
            { graph in
                let a = try graph.input("a", [2_000_000, 1])
                return try (a.matMul(a, transposeOther: true).exp().softmax() * 2).sum()
            }
        ),
        (
            "concatenation",
            { graph in
                let a = try graph.input("a", [2_000_000]).broadcast(to: [1_000_000, 2_000_000])
                return try Tensor.concatenated([a, a.exp()], axis: 0).sum(axes: [0])
            }
        ),
        (
            "padding",
            { graph in
                try graph.input("a", [2_000_000]).reshaped(to: [1, 2_000_000]).padded(
                    before: [0, 0], after: [1_000_000, 0]
                )
                .softmax().argMax()
            }
        ),
        ("output", { graph in try graph.input("a", [2_000_000]).broadcast(to: [1_000_000, 2_000_000]) + 1 }),
        (
            "gradient",
            { graph in
                let a = try graph.input("a", [2_000_000, 1])
                let square = try a.matMul(a, transposeOther: true)
                return try graph.gradients(of: square.softmax().square().sum(), withRespectTo: [a])[0]
            }
        ),
        ("constant", { graph in try graph.fill(2, [1_000_000, 2_000_000]).softmax() }),
    ]

    @Test(arguments: Place.available.filter { $0 != .reference }, plans.indices)
    func isSaid(on place: Place, _ index: Int) throws {
        let graph = Graph()
        let output = try Self.plans[index].make(graph)
        // Where the CPU stands in for a device, it must see to it too.
        do {
            let executor = try Executor(on: place == .cpu ? .cpu : .opencl)
            let plan = try executor.compile(graph, outputs: [output])
            let inputs = try plan.inputs.mapValues { try HostTensor(zeros: $0) }
            // A second run says the same.
            for _ in 0..<3 {
                do {
                    _ = try executor.run(plan, inputs: inputs)
                    Issue.record("\(Self.plans[index].name) ran")
                } catch {
                    #expect("\(error)".contains("iB") && "\(error)".contains("memory"), "\(error)")
                    #expect("\(error)".contains("MemoryTests.swift"), "\(error)")
                }
            }
            // And the device is still in use.
            #expect(!executor.hasAbandonedDevice)
            let small = Graph()
            let x = try small.input("x", [2])
            let sum = try executor.run(
                executor.compile(small, outputs: [x + 1]), inputs: ["x": HostTensor([2], [1, 2] as [Float])])
            #expect(try sum[0].elements() == [2, 3] as [Float])
        }
    }
}
