import TensorGraph
import TestSupport
import Testing

@Suite struct SlopeTests {
    /// The graph's own rule in float64, against calculus: no rule may cancel or overflow where the slope does not.
    @Test(
        "Slopes are those of calculus over all exponents",
        arguments: UnaryFunction.ofFloats.filter { $0.result(.float32) != .bool })
    func slopes(of function: UnaryFunction) throws {
        let values = Sweep.values.filter { $0.isFinite && !function.isNearRoot($0) }
        let graph = Graph()
        let x = try graph.input("x", [values.count], .float64)
        let y = try graph.add(.unary(function), [x])[0]
        let slope = try graph.gradients(of: y.sum(), withRespectTo: [x])
        let found = try Reference.evaluate(slope, inputs: ["x": values])[0]
        let expected = values.map { function.slope($0) ?? 0 }
        let complaint = Tolerance.elementwise(1e-11, floor: 1e-290).complaint(found, expected)
        #expect(complaint == nil)
    }

    /// PyTorch's slopes where there is none in the strict sense: at kinks, ties, ends and NaN.
    @Test func slopesAtKinksAndNaN() throws {
        let nan = Double.nan, infinity = Double.infinity
        func slopes(_ inputs: [[Double]], _ function: ([Tensor]) throws -> Tensor) throws -> [[Double]] {
            let graph = Graph()
            let tensors = try inputs.indices.map { try graph.input("x\($0)", [inputs[$0].count], .float64) }
            let gradients = try graph.gradients(of: function(tensors).sum(), withRespectTo: tensors)
            let data = Dictionary(uniqueKeysWithValues: inputs.enumerated().map { ("x\($0)", $1) })
            return try Reference.evaluate(gradients, inputs: data)
        }
        #expect(try slopes([[nan, 0, -0.0, 2, -2, infinity]]) { try $0[0].relu() } == [[1, 0, 0, 1, 0, 1]])
        #expect(try slopes([[nan, 0, -0.0, 2, -2]]) { try $0[0].absolute() } == [[0, 0, 0, 1, -1]])
        #expect(try slopes([[nan, -1, 1, 0, 2, -2]]) { try $0[0].clamped(to: -1...1) } == [[0, 1, 1, 1, 0, 0]])
        let (a, b) = ([nan, 1, 2, 1, 3, nan], [1, nan, 2, 3, 1, nan])
        #expect(try slopes([a, b]) { try $0[0].maximum($0[1]) } == [[1, 1, 0.5, 0, 1, 1], [1, 1, 0.5, 1, 0, 1]])
        #expect(try slopes([a, b]) { try $0[0].minimum($0[1]) } == [[1, 1, 0.5, 1, 0, 1], [1, 1, 0.5, 0, 1, 1]])
        // Of 0ᵇ with respect to b, and of negative numbers.
        let powers = try slopes([[0, 0, 0, -2, 2], [0, 2, -1, 2, 0]]) { try $0[0].power($0[1]) }
        #expect(powers[1][0] == 0 && powers[1][1] == 0 && powers[1][2] == -infinity && powers[1][3].isNaN)
        #expect(powers[0][0] == 0 && powers[0][1] == 0 && powers[0][2] == -infinity && powers[0][3] == -4)
        // What a branch that is not taken comes to stays there.
        let masked = try slopes([[-1, 4]]) { x in
            try .select(x[0].greater(than: 0), x[0].sqrt(), x[0].graph.fill(7, [2], .float64))
        }
        #expect(masked[0][1] == 0.25)
    }

    /// Equal extremes share the cotangent alike, whether their axes adjoin or not.
    @Test(arguments: [[0, 2], [0], [1, 3], [0, 2, 3], [0, 1, 2, 3]]) func tiesShareAlike(_ axes: [Int]) throws {
        let shape = Shape([2, 3, 2, 2])
        let values = [0, 5, 5, 1, 5, 5, 2, 2, 5, 5, 5, 5, 1, 1, 5, 0, 5, 5, 3, 5, 5, 0, 0, 0].map(Double.init)
        for isMaximum in [true, false] {
            let data = isMaximum ? values : values.map { -$0 }
            let graph = Graph()
            let x = try graph.input("x", shape, .float64)
            let y = try isMaximum ? x.maximum(axes: axes) : x.minimum(axes: axes)
            let gradient = try graph.gradients(of: y.sum(), withRespectTo: [x])
            let found = try Reference.evaluate(gradient, inputs: ["x": data])[0]
            let groups = Dictionary(grouping: shape.indices.indices) { element in
                (0..<4).filter { !axes.contains($0) }.map { shape.indices[element][$0] }
            }
            var expected = [Double](repeating: 0, count: data.count)
            for members in groups.values {
                let values = members.map { data[$0] }
                let extreme = isMaximum ? values.max() : values.min()
                let winners = members.filter { data[$0] == extreme }
                for winner in winners { expected[winner] = 1 / Double(winners.count) }
            }
            #expect(found == expected)
            #expect(y.shape == Shape((0..<4).filter { !axes.contains($0) }.map { shape[$0] }))
        }
    }
}
