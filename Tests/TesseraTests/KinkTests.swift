import Execution
import Tessera
import TestSupport
import Testing

/// Slopes at ties, kinks and NaN on the devices themselves, PyTorch's in each case.
@Suite struct KinkTests {
    static let devices = Place.available

    private func slopes(
        _ inputs: [[Float]], on place: Place, _ function: ([Tensor]) throws -> Tensor
    ) throws -> [[Double]] {
        let executor = try place.executor()
        let graph = Graph()
        let tensors = try inputs.indices.map { try graph.input("x\($0)", [inputs[$0].count]) }
        let outputs = try graph.gradients(of: function(tensors).sum(), withRespectTo: tensors)
        let values = try inputs.enumerated().map { ("x\($0)", try HostTensor([$1.count], $1)) }
        return try executor.run(
            executor.compile(graph, outputs: outputs), inputs: Dictionary(uniqueKeysWithValues: values)
        ).map { $0.doubles() }
    }

    @Test(arguments: devices) func kinks(_ place: Place) throws {
        typealias Kink = (inputs: [[Float]], slopes: [[Double]], function: ([Tensor]) throws -> Tensor)
        let one: [Float] = [.nan, 0, -0.0, 2, -2], ends: [Float] = [.nan, -1, 1, 0, 2]
        let a: [Float] = [.nan, 1, 2, 1, 3, .nan], b: [Float] = [1, .nan, 2, 3, 1, .nan]
        let lesser: [Double] = [1, 1, 0.5, 1, 0, 1], greater: [Double] = [1, 1, 0.5, 0, 1, 1]
        let kinks: [Kink] = [
            ([one], [[1, 0, 0, 1, 0]], { try $0[0].relu() }),
            ([one], [[6, 0, 0, 6, 0]], { try ($0[0] * 3 + 0).relu() * 2 }),
            ([one], [[0, 0, 0, 1, -1]], { try $0[0].absolute() }),
            ([ends], [[0, 1, 1, 1, 0]], { try $0[0].clamped(to: -1...1) }),
            ([a, b], [greater, lesser], { try $0[0].maximum($0[1]) }),
            ([a, b], [lesser, greater], { try $0[0].minimum($0[1]) }),
        ]
        for (index, kink) in kinks.enumerated() {
            let found = try slopes(kink.inputs, on: place, kink.function)
            #expect(found == kink.slopes, "kink \(index)")
        }
    }

    @Test(arguments: devices) func extremesOfAxes(_ place: Place) throws {
        let shared = try slopes([[5, 5, 5, 0]], on: place) { try $0[0].reshaped(to: [2, 1, 2]).maximum(axes: [0, 2]) }
        let thirds: [Double] = [1, 1, 1, 0]
        #expect(shared[0].map { ($0 * 3e6).rounded() / 1e6 } == thirds)
        let least = try slopes([[5, -5, 1, -5, 7, 7, 2, 3]], on: place) {
            try $0[0].reshaped(to: [2, 2, 2]).minimum(axes: [0, 2])
        }
        let first: [[Double]] = [[0, 1, 0, 1, 0, 0, 0, 0]]
        #expect(least == first)
    }

    /// The first of equals, and NaN before all numbers, have the gradient of a window; argMax picks the same.
    @Test(arguments: devices) func poolingAndArgMax(_ place: Place) throws {
        let x: [Float] = [1, 1, 0, .nan, 1, 1, .nan, 5, -.infinity, -.infinity, 3, 2, -.infinity, -.infinity, 3, 3]
        let pooled = try slopes([x], on: place) { try $0[0].reshaped(to: [1, 1, 4, 4]).maxPool2D(window: 2) }
        let firsts: [[Double]] = [[1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]]
        #expect(pooled == firsts)
        let executor = try place.executor()
        let graph = Graph()
        let rows = try graph.constant(HostTensor([4, 4], x))
        let found = try executor.run(
            executor.compile(graph, outputs: [rows.argMax(), rows.maximum(axes: [1]), rows.equal(to: rows)]))
        #expect(found[0].doubles() == [3, 2, 2, 2])
        #expect(found[1].doubles().map(\.isNaN) == [true, true, false, false])
        let isNumber: [Double] = x.map { $0.isNaN ? 0 : 1 }
        #expect(found[2].doubles() == isNumber)
    }

    /// A gradient that is not finite stays out of the branch that was not taken.
    @Test(arguments: devices) func select(_ place: Place) throws {
        let executor = try place.executor()
        let graph = Graph()
        let x = try graph.input("x", [4]), dy = try graph.constant(HostTensor([4], [.nan, .infinity, 1, 2] as [Float]))
        let y = try Tensor.select(x.greater(than: 0), x * 2, x.stoppingGradient() / 0)
        let slope = try graph.gradients(of: y, withRespectTo: [x], cotangent: dy)[0]
        let found = try executor.run(
            executor.compile(graph, outputs: [slope]), inputs: ["x": HostTensor([4], [-1, -2, 3, .nan] as [Float])])
        #expect(found[0].doubles() == [0, 0, 2, 0])
    }
}
