import Execution
import TensorGraph
import Tessera
import Testing

/// What attention needs grows with the number of queries and keys, not with their product. Nothing is run here: a plan
/// knows its memory.
@Suite struct AttentionMemoryTests {
    private static let (heads, width) = (8, 64)

    /// Bytes in arenas on all backends: inputs, results and whatever the kernels want besides.
    private func arenas(_ length: Int, withGradient: Bool, on place: Place) throws -> Int {
        let shape: Shape = [1, Self.heads, length, Self.width]
        let graph = Graph()
        let (q, k, v) = (try graph.input("q", shape), try graph.input("k", shape), try graph.input("v", shape))
        let y = try q.attention(keys: k, values: v)
        var outputs = [y]
        if withGradient {
            let dy = try graph.input("dy", shape)
            outputs += try graph.gradients(of: y, withRespectTo: [q, k, v], cotangent: dy)
        }
        let plan = try place.executor().compile(graph, outputs: outputs)
        let schedule = try #require(plan.deviceSchedule ?? plan.cpuSchedule)
        return schedule.memory.map(\.arenas).reduce(0, +)
    }

    @Test(arguments: Place.available.filter { $0 != .reference }, [false, true])
    func memoryIsLinear(on place: Place, withGradient: Bool) throws {
        let (short, long) = (
            try arenas(2048, withGradient: withGradient, on: place),
            try arenas(8192, withGradient: withGradient, on: place)
        )
        let tensor = Self.heads * 8192 * Self.width * 4
        #expect(long <= 4 * short)
        // q, k, v, y and, with gradients, dy, dq, dk, dv; as much again for the kernels. The scores alone would be 128.
        #expect(long <= (withGradient ? 16 : 8) * tensor)
    }
}
