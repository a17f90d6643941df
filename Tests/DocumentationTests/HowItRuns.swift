import Tessera
import Testing

// The code of the article HowItRuns.

@Suite struct HowItRunsTests {
    @Test func aPlanIsReplayed() throws {
        let graph = Graph()
        let x = try graph.input("x", [64, 256])
        let w = try graph.input("w", [256, 256])
        let y = try (x.matMul(w).gelu() * 2 + 1).mean()

        let executor = try Executor()
        let plan = try executor.compile(graph, outputs: [y])
        print(plan.explain())

        let random = RandomSource(seed: 1)
        let inputs = try ["x": random.normal([64, 256]), "w": random.normal([256, 256])]
        let trace = Trace()
        let first = try executor.run(plan, inputs: inputs)
        let second = try executor.run(plan, inputs: inputs, trace: trace)
        print(trace.events.map(\.name))

        #expect(first == second && !trace.events.isEmpty)
    }
}
