import TensorGraph

/// A convolution over one or three axes.
private struct SpatialRow {
    let input: Shape
    /// Output channels and the kernel's extents.
    let kernel: [Int]
    var stride: [Int]?
    var padding: [Int]?
    var dilation: [Int]?
    var groups = 1
    var hasBias = false
    var activation: UnaryFunction?
    var data = TestData.normal

    func cases(checksDifferences: Bool = true) throws -> [OpCase] {
        let axes = input.rank - 2
        let attributes = Convolution(
            axes: axes, stride: stride, padding: padding, dilation: dilation, groups: groups, activation: activation)
        let weight = Shape([kernel[0], input[1] / groups] + kernel.dropFirst())
        let output = try ShapeRule(operands: [TensorType(input), TensorType(weight)]).convolution(attributes)[0].shape
        var words = ["\(input) by \(weight)"]
        if let stride { words.append("stride \(stride)") }
        if let padding { words.append("padding \(padding)") }
        if let dilation { words.append("dilation \(dilation)") }
        if groups > 1 { words.append("groups \(groups)") }
        if hasBias { words.append("bias") }
        if let activation { words.append(activation.rawValue) }
        let isExact = if case .integers = data { true } else { false }
        if isExact { words.append("integers") }
        let name = words.joined(separator: " ")

        let taps = kernel.dropFirst().reduce(1, *)
        let terms = [weight[1], kernel[0] / groups].map { $0 * taps } + [output.elementCount / max(output[1], 1)]
        let gradient = Tolerance.product(terms.max() ?? 1)
        let limit = isExact ? Tolerance.exact : .product(weight[1] * taps)
        var cases = [
            OpCase(
                "conv\(axes)D \(name)", .convolution(attributes),
                [.tensor(input, data), .tensor(weight, data)] + (hasBias ? [.tensor([kernel[0]], data)] : []), limit,
                gradient: activation != nil ? .none : checksDifferences ? .full(gradient) : .parity(gradient))
        ]
        if isExact, !hasBias, activation == nil {
            cases.append(
                OpCase(
                    "conv\(axes)DInputGradient \(name)", .convolution(attributes.with(.inputGradient(input))),
                    [.tensor(weight, data), .tensor(output, data)], .exact, gradient: .full(gradient)))
            cases.append(
                OpCase(
                    "conv\(axes)DWeightGradient \(name)", .convolution(attributes.with(.weightGradient(weight))),
                    [.tensor(input, data), .tensor(output, data)], .exact, gradient: .full(gradient)))
        }
        return cases.map { $0.inHalf(roundings: 1, backward: hasBias ? 3 : 1) }
    }
}

extension OpCase {
    /// Convolutions over one and three axes.
    static let spatialConvolutions: [OpCase] = {
        let integers = TestData.integers(-3...3)
        let rows = [
            SpatialRow(input: [1, 1, 1], kernel: [1, 1]), SpatialRow(input: [2, 3, 7], kernel: [4, 3], hasBias: true),
            SpatialRow(input: [1, 5, 17], kernel: [7, 5], stride: [2], padding: [2, 1], data: integers),
            SpatialRow(input: [2, 4, 19], kernel: [6, 3], padding: [0, 4], dilation: [3], groups: 2, data: integers),
            SpatialRow(input: [2, 5, 23], kernel: [5, 4], stride: [3], padding: [3, 0], groups: 5, data: integers),
            SpatialRow(input: [2, 9, 13], kernel: [11, 1], hasBias: true, activation: .relu),
            SpatialRow(input: [0, 3, 5], kernel: [2, 3]), SpatialRow(input: [2, 0, 5], kernel: [2, 3], hasBias: true),
            // Nothing to fold: one tap along all axes, along two, extents of 1.
            SpatialRow(input: [2, 3, 2, 3, 5], kernel: [4, 1, 1, 1], data: integers),
            SpatialRow(input: [1, 1, 1, 1, 1], kernel: [1, 1, 1, 1]),
            SpatialRow(input: [1, 2, 5, 3, 2], kernel: [3, 3, 1, 1], padding: [1, 1, 0, 0, 0, 0], data: integers),
            SpatialRow(input: [2, 2, 3, 4, 5], kernel: [3, 1, 2, 3], data: integers),
            SpatialRow(input: [1, 3, 1, 4, 5], kernel: [2, 1, 3, 3], padding: [0, 0, 1, 1, 1, 1], hasBias: true),
            SpatialRow(input: [1, 2, 1, 4, 5], kernel: [2, 2, 3, 3], padding: [1, 0, 1, 1, 1, 1], data: integers),
            SpatialRow(input: [2, 3, 4, 5, 6], kernel: [4, 3, 3, 3], padding: [1, 1, 1, 1, 1, 1], hasBias: true),
            SpatialRow(input: [1, 2, 3, 3, 3], kernel: [3, 3, 3, 3], data: integers),
            SpatialRow(
                input: [1, 3, 5, 6, 7], kernel: [2, 3, 2, 3], stride: [2, 1, 2], padding: [1, 0, 0, 2, 2, 1],
                data: integers),
            SpatialRow(
                input: [1, 2, 7, 5, 6], kernel: [3, 2, 3, 2], stride: [2, 1, 1], padding: [2, 3, 1, 0, 0, 1],
                dilation: [3, 1, 2], data: integers),
            SpatialRow(
                input: [1, 2, 6, 5, 4], kernel: [2, 3, 2, 2], stride: [3, 2, 1], dilation: [2, 2, 1], data: integers),
            SpatialRow(
                input: [2, 4, 4, 3, 5], kernel: [6, 2, 3, 2], padding: [1, 0, 1, 1, 0, 1], groups: 2, data: integers),
            SpatialRow(
                input: [1, 3, 4, 5, 4], kernel: [3, 3, 3, 3], padding: [1, 1, 1, 1, 1, 1], groups: 3, data: integers),
            SpatialRow(input: [1, 2, 3, 4, 5], kernel: [3, 2, 2, 2], hasBias: true, activation: .relu),
            SpatialRow(input: [0, 3, 3, 3, 3], kernel: [2, 3, 3, 3]),
            SpatialRow(input: [2, 0, 3, 3, 3], kernel: [2, 3, 3, 3], hasBias: true),
            SpatialRow(input: [1, 3, 3, 3, 3], kernel: [0, 3, 3, 3]),
        ]
        let large = [
            SpatialRow(input: [3, 33, 130], kernel: [40, 5], padding: [2, 2], hasBias: true),
            SpatialRow(input: [2, 20, 6, 15, 17], kernel: [33, 3, 3, 3], padding: [1, 1, 1, 1, 1, 1], hasBias: true),
            SpatialRow(
                input: [1, 17, 7, 14, 13], kernel: [24, 3, 3, 3], stride: [2, 2, 2], padding: [1, 1, 1, 1, 1, 1]),
        ]
        return rows.flatMap { (try? $0.cases()) ?? [] }
            + large.flatMap { ((try? $0.cases(checksDifferences: false)) ?? []).map(\.large) }
    }()
}
