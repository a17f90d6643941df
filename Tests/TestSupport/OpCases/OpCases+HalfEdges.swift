import TensorGraph

extension OpCase {
    /// Row kernels at the edges of the 16-bit types: the largest float16 and what is beyond it, its denormal numbers and what is
    /// below them, numbers that only bfloat16 has, infinities and NaN.
    static let halfEdges: [OpCase] = {
        let near = Tolerance.elementwise(2e-6, floor: 1e-30)
        let edges: [(name: String, data: [Double])] = [
            ("the largest float16", [65504, -65504, 65472, 1, 65504, 0]),
            ("denormals of float16", [6e-8, -6e-8, 3e-5, 6.1e-5, 0, -0.0, 1e-7]),
            ("what only bfloat16 holds", [1e30, -3e29, 7e4, 3e-30, 1e-38, 2]),
            ("rows all alike", [0.3330078125]),
            ("infinities and NaN", [.infinity, 1, .nan, -.infinity, 2, 3, 4, 5, 6, 7, .infinity]),
        ]
        var cases: [OpCase] = []
        for (name, data) in edges {
            let rows = Input.tensor([5, 19], .values(data))
            let isFinite = data.allSatisfy(\.isFinite)
            func of(_ what: String, _ op: Op, _ inputs: [Input], _ tolerance: Tolerance = near) {
                cases.append(OpCase("\(what) of \(name)", op, inputs, tolerance).inHalf(roundings: 1))
            }
            of("softmax", .softmax(.plain), [rows])
            of("logSoftmax", .softmax(.logarithmic), [rows], .elementwise(2e-6, floor: 1))
            of("softmaxGradient", .softmax(SoftmaxFunction(.gradient)), [.tensor([5, 19], .uniform(0...0.125)), rows])
            cases.append(
                OpCase(
                    "crossEntropy of \(name)", [rows, .int32([5], .integers(0...18))], .elementwise(2e-6, floor: 1)
                ) { _, x in [try x[0].crossEntropy(labels: x[1])] }.inHalf(roundings: 1))
            of("argMax", .argMax, [rows], .exact)
            for function in Reduce.Function.allCases where function != .product {
                // What a sum of both signs leaves is a matter of order.
                let limit: Tolerance = .elementwise(2e-6, floor: isFinite ? data.map(abs).max() ?? 0 : 1)
                of("\(function) along rows", .reduce(Reduce(function, first: 1, count: 1)), [rows], limit)
                of("\(function) along columns", .reduce(Reduce(function, first: 0, count: 1)), [rows], limit)
            }
            of(
                "cumsum", .scan(Scan(.sum, axis: 1)), [rows],
                .elementwise(2e-6, floor: data.map(abs).filter(\.isFinite).max() ?? 1))
            let parameters = [Input.tensor([19], .uniform(0.5...2)), .tensor([19])]
            of("layerNorm", .normalization(Normalization(.layer)), [rows] + parameters, .normwise(2e-6, floor: 1))
            of(
                "rmsNorm", .normalization(Normalization(.rootMeanSquare)), [rows, parameters[0]],
                .normwise(2e-6, floor: 1))
            let images = Input.tensor([5, 3, 3, 2], .values(data))
            let channels = [Input.tensor([3], .uniform(0.5...2)), .tensor([3])]
            of("batchNorm", .normalization(Normalization(.batch)), [images] + channels, .normwise(2e-6, floor: 1))
            of(
                "groupNorm", .normalization(Normalization(.group(count: 1))), [images] + channels,
                .normwise(2e-6, floor: 1))
            of(
                "embedding", .embedding, [.tensor([7, 9], .values(data)), .int32([5], .values([0, 6, 2, -1, 3]))],
                .exact)
            of(
                "scatter add", .scatter(Scatter(axis: 0, extent: 3, form: .slices, mode: .add)),
                [.int32([6], .values([0, 2, 0, 2, 0, 2])), .tensor([6, 5], .values(data))],
                .elementwise(2e-6, floor: isFinite ? data.map(abs).max() ?? 0 : 1))
        }
        return cases
    }()
}
