import TensorGraph

extension OpCase {
    /// Operations by rows that evaluate an elementwise program as they read it, and those that must not.
    static let producedRows: [OpCase] = {
        typealias Body = @Sendable ([Tensor]) throws -> [Tensor]
        var cases: [OpCase] = []
        func add(
            _ name: String, _ inputs: [Input], gradient: GradientCheck = .full(.normwise(1e-5)), _ body: @escaping Body
        ) {
            let shapes = inputs.map(\.shape.description).joined(separator: ", ")
            cases.append(
                OpCase("produced \(name), \(shapes)", inputs, .normwise(4e-6), gradient: gradient) { _, x in
                    try body(x)
                }.inHalf(roundings: 6, backward: 8))
        }
        let broadcasting: [[Shape]] = [
            [[7], [], [7]], [[5, 17], [], [17]], [[35, 9], [35, 1], [9]], [[2, 3, 5, 33], [3, 1, 1], [2, 1, 1, 33]],
            [[3, 1031], [1], [3, 1031]], [[4, 1], [1, 6], [4, 6]], [[5, 3], [5, 1], [3]],
        ]
        for shapes in broadcasting {
            let inputs = shapes.map { Input.tensor($0) }
            add("softmax", inputs) { [try ($0[0] * $0[1] + $0[2]).softmax()] }
            add("logSoftmax", inputs) { [try ($0[0] * $0[1] + $0[2]).logSoftmax()] }
        }
        let special = Input.tensor(
            [5, 3], .values([1, .nan, 2, -.infinity, 1, 2, .infinity, 0, 1, 100, -100, 0, 3, 3, 3]))
        let hidden = Input.tensor([3], .values([0, -.infinity, 0]))
        add("softmax of a mask with NaN and infinities", [special, hidden], gradient: .none) {
            [try ($0[0] + $0[1]).softmax(), try ($0[0] * 2 + $0[1]).logSoftmax()]
        }
        // The gradient of what follows is the program.
        add("softmax before a product and a logarithm", [.tensor([6, 19]), .tensor([19])]) {
            [try $0[0].softmax() * $0[1] + ($0[0] + 1).logSoftmax().sigmoid()]
        }
        func parameters(_ count: Int) -> [Input] { [.tensor([count], .uniform(0.5...2)), .tensor([count])] }
        for (shape, residual) in [(Shape([9, 17]), Shape([9, 17])), ([2, 3, 33], [33]), ([6, 5], [6, 1])] {
            // What all of a row is shifted by has a gradient of nothing but rounding.
            let shift = Input.tensor(residual, isDifferentiable: residual[residual.rank - 1] != 1)
            let inputs = [.tensor(shape), shift] + parameters(shape[shape.rank - 1])
            add("layerNorm between a sum and tanh", inputs) {
                [try ($0[0] + $0[1]).layerNorm(scale: $0[2], bias: $0[3], epsilon: 1e-2).tanh()]
            }
            add("rmsNorm between a sum and SiLU", inputs) {
                [try ($0[0] + $0[1]).rmsNorm(scale: $0[2], epsilon: 1e-2).silu() * $0[3]]
            }
        }
        for (residual, groups) in [
            (Shape([2, 6, 5, 7]), 3), ([2, 1, 1, 1], 2), ([6, 1, 1], 6), ([6, 1, 1], 3), ([5, 7], 2),
        ] {
            let shift = Input.tensor(residual, isDifferentiable: residual.elementCount >= 35)
            add(
                "groupNorm of \(groups) between a sum and tanh", [.tensor([2, 6, 5, 7]), shift] + parameters(6)
            ) { [try ($0[0] + $0[1]).groupNorm(groups: groups, scale: $0[2], bias: $0[3], epsilon: 1e-2).tanh()] }
        }
        add("softmax of what is read twice", [.tensor([5, 17])]) {
            let chain = try $0[0] * 2 + 1
            return [try chain.softmax() + chain.tanh()]
        }
        // Few rows that are long have a kernel for the program.
        add("softmax of long rows", [.tensor([3, 2011])]) { [try ($0[0] * 0.5).exp().softmax()] }
        add(
            "large softmax and layerNorm", [.tensor([257, 1025]), .tensor([1025])] + parameters(1025),
            gradient: .parity(.normwise(1e-5))
        ) {
            [try ($0[0] * $0[1]).softmax().layerNorm(scale: $0[2], bias: $0[3], epsilon: 1e-2).tanh()]
        }
        cases[cases.count - 1].isLarge = true
        return cases
    }()
}
