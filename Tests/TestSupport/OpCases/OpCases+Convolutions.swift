import TensorGraph

/// The extents of a row of convolutions.
private struct ConvolutionRow {
    var n = 1, c = 1, h: Int, w: Int, k = 1, r: Int, s: Int
    var stride = [1, 1]
    var padding = [0, 0, 0, 0]
    var dilation = [1, 1]
    var groups = 1
    var hasBias = false
    var activation: UnaryFunction?
    var data = TestData.normal

    var name: String {
        var words = ["\(n)×\(c)×\(h)×\(w) by \(k)×\(r)×\(s)"]
        if stride != [1, 1] { words.append("stride \(stride)") }
        if padding != [0, 0, 0, 0] { words.append("padding \(padding)") }
        if dilation != [1, 1] { words.append("dilation \(dilation)") }
        if groups > 1 { words.append("groups \(groups)") }
        if hasBias { words.append("bias") }
        if let activation { words.append(activation.rawValue) }
        if isExact { words.append("integers") }
        return words.joined(separator: " ")
    }

    var isExact: Bool { if case .integers = data { true } else { false } }

    func cases(checksDifferences: Bool = true) throws -> [OpCase] {
        let attributes = Convolution(
            stride: stride, padding: padding, dilation: dilation, groups: groups, activation: activation)
        let input: Shape = [n, c, h, w]
        let weight: Shape = [k, c / groups, r, s]
        var inputs: [OpCase.Input] = [.tensor(input, data), .tensor(weight, data)]
        if hasBias { inputs.append(.tensor([k], data)) }
        let output = try ShapeRule(operands: [TensorType(input), TensorType(weight)]).convolution(attributes)[0].shape
        let terms = max(c / groups * r * s, k / groups * r * s, n * output[2] * output[3])
        func limit(_ terms: Int) -> Tolerance {
            if let activation, activation != .relu { return .normwise(max(4e-6, 1e-7 * Double(terms).squareRoot())) }
            return isExact ? .exact : .product(terms)
        }
        let gradient = Tolerance.product(terms)
        var cases = [
            OpCase(
                "conv2D \(name)", .convolution(attributes), inputs, limit(c / groups * r * s),
                gradient: activation != nil ? .none : checksDifferences ? .full(gradient) : .parity(gradient))
        ]
        if activation == nil, !hasBias, isExact {
            cases.append(
                OpCase(
                    "conv2DInputGradient \(name)",
                    .convolution(attributes.with(.inputGradient(input))),
                    [.tensor(weight, data), .tensor(output, data)], limit(terms), gradient: .full(gradient)))
            cases.append(
                OpCase(
                    "conv2DWeightGradient \(name)",
                    .convolution(attributes.with(.weightGradient(weight))),
                    [.tensor(input, data), .tensor(output, data)], limit(terms), gradient: .full(gradient)))
        }
        // The gradient of a bias is a sum over one axis after the other.
        return cases.map { $0.inHalf(roundings: 1, backward: hasBias ? 3 : 1) }
    }
}

extension OpCase {
    static let convolutions: [OpCase] = {
        var rows = [
            ConvolutionRow(h: 1, w: 1, r: 1, s: 1), ConvolutionRow(h: 5, w: 7, r: 3, s: 3),
            ConvolutionRow(h: 3, w: 3, r: 3, s: 3),
            ConvolutionRow(n: 2, c: 3, h: 7, w: 5, k: 4, r: 3, s: 3, padding: [1, 1, 1, 1]),
            ConvolutionRow(n: 2, c: 5, h: 9, w: 11, k: 7, r: 3, s: 3, padding: [1, 1, 1, 1], hasBias: true),
            ConvolutionRow(n: 1, c: 17, h: 6, w: 5, k: 19, r: 3, s: 3, padding: [1, 1, 1, 1]),
            ConvolutionRow(n: 2, c: 3, h: 8, w: 9, k: 5, r: 3, s: 3, stride: [2, 2], padding: [1, 1, 1, 1]),
            ConvolutionRow(n: 1, c: 2, h: 9, w: 13, k: 3, r: 3, s: 3, stride: [2, 3], padding: [0, 1, 2, 0]),
            ConvolutionRow(n: 1, c: 2, h: 6, w: 7, k: 3, r: 3, s: 3, padding: [2, 0, 1, 3]),
            ConvolutionRow(n: 1, c: 2, h: 9, w: 9, k: 3, r: 3, s: 3, dilation: [2, 2]),
            ConvolutionRow(n: 1, c: 2, h: 9, w: 11, k: 3, r: 3, s: 2, padding: [2, 1, 0, 2], dilation: [2, 3]),
            ConvolutionRow(
                n: 2, c: 3, h: 11, w: 9, k: 2, r: 5, s: 3, stride: [3, 2], padding: [2, 2, 1, 1], dilation: [1, 2]),
            ConvolutionRow(n: 2, c: 9, h: 5, w: 7, k: 11, r: 1, s: 1),
            ConvolutionRow(n: 2, c: 9, h: 5, w: 7, k: 11, r: 1, s: 1, stride: [2, 2], hasBias: true),
            ConvolutionRow(n: 1, c: 4, h: 5, w: 5, k: 3, r: 1, s: 1, padding: [1, 1, 1, 1]),
            ConvolutionRow(n: 1, c: 3, h: 4, w: 6, k: 2, r: 4, s: 6),
            ConvolutionRow(n: 1, c: 2, h: 6, w: 6, k: 3, r: 2, s: 2, stride: [3, 3]),
            ConvolutionRow(n: 1, c: 3, h: 15, w: 14, k: 4, r: 7, s: 7, stride: [2, 2], padding: [3, 3, 3, 3]),
            ConvolutionRow(n: 1, c: 1, h: 1, w: 17, k: 2, r: 1, s: 5, padding: [0, 0, 2, 2]),
            ConvolutionRow(n: 2, c: 2, h: 17, w: 1, k: 1, r: 5, s: 1, padding: [4, 0, 0, 0]),
            ConvolutionRow(n: 2, c: 6, h: 7, w: 6, k: 4, r: 3, s: 3, padding: [1, 1, 1, 1], groups: 2),
            ConvolutionRow(n: 1, c: 6, h: 6, w: 7, k: 9, r: 2, s: 3, stride: [2, 1], groups: 3, hasBias: true),
            ConvolutionRow(n: 1, c: 4, h: 5, w: 6, k: 8, r: 1, s: 1, groups: 4),
            ConvolutionRow(n: 2, c: 5, h: 7, w: 9, k: 5, r: 3, s: 3, padding: [1, 1, 1, 1], groups: 5),
            ConvolutionRow(
                n: 2, c: 5, h: 7, w: 9, k: 5, r: 3, s: 3, stride: [2, 2], padding: [1, 1, 1, 1], groups: 5,
                hasBias: true),
            ConvolutionRow(n: 1, c: 3, h: 6, w: 6, k: 6, r: 3, s: 3, padding: [1, 1, 1, 1], groups: 3),
            ConvolutionRow(
                n: 1, c: 3, h: 9, w: 9, k: 3, r: 5, s: 5, padding: [2, 2, 2, 2], dilation: [2, 1], groups: 3),
            // Tiles of Winograd's that hang over the edge, fewer pixels than a vector, padding beyond the kernel.
            ConvolutionRow(n: 1, c: 2, h: 4, w: 3, k: 2, r: 3, s: 3, padding: [3, 0, 4, 1]),
            ConvolutionRow(n: 3, c: 33, h: 5, w: 3, k: 35, r: 3, s: 3, padding: [0, 2, 1, 1]),
            // Few input channels, many taps.
            ConvolutionRow(n: 2, c: 3, h: 13, w: 11, k: 17, r: 7, s: 7, stride: [2, 2], padding: [3, 3, 3, 3]),
            ConvolutionRow(n: 1, c: 4, h: 9, w: 50, k: 34, r: 2, s: 3, stride: [3, 2], dilation: [1, 3], groups: 2),
            ConvolutionRow(
                n: 1, c: 1, h: 33, w: 37, k: 16, r: 3, s: 2, padding: [2, 0, 3, 1], data: .integers(-3...3)),
        ]
        for (stride, dilation, groups) in [
            ([1, 1], [1, 1], 1), ([2, 2], [1, 1], 1), ([1, 2], [2, 1], 2), ([1, 1], [1, 1], 6),
        ] {
            for (r, s) in [(2, 2), (3, 3), (1, 1), (5, 4)] {
                rows.append(
                    ConvolutionRow(
                        n: 2, c: 6, h: 11, w: 10, k: 6, r: r, s: s, stride: stride, padding: [1, 0, 0, 1],
                        dilation: dilation,
                        groups: groups, data: .integers(-3...3)))
            }
        }
        for activation in UnaryFunction.epilogues {
            rows.append(ConvolutionRow(n: 1, c: 3, h: 6, w: 7, k: 5, r: 2, s: 3, hasBias: true, activation: activation))
        }
        rows += [
            ConvolutionRow(
                n: 1, c: 3, h: 6, w: 7, k: 5, r: 3, s: 3, padding: [1, 1, 1, 1], hasBias: true, activation: .relu),
            ConvolutionRow(
                n: 1, c: 4, h: 6, w: 7, k: 4, r: 3, s: 3, padding: [1, 1, 1, 1], groups: 4, hasBias: true,
                activation: .relu),
            ConvolutionRow(n: 2, c: 4, h: 6, w: 7, k: 5, r: 1, s: 1, hasBias: true, activation: .gelu),
            // An empty batch, no input channels, no output channels.
            ConvolutionRow(n: 0, c: 3, h: 5, w: 5, k: 2, r: 3, s: 3),
            ConvolutionRow(n: 2, c: 0, h: 5, w: 5, k: 2, r: 2, s: 3, hasBias: true),
            ConvolutionRow(n: 2, c: 3, h: 5, w: 5, k: 0, r: 3, s: 3),
        ]
        let large = [
            ConvolutionRow(n: 2, c: 32, h: 29, w: 31, k: 48, r: 3, s: 3, padding: [1, 1, 1, 1], hasBias: true),
            ConvolutionRow(n: 3, c: 65, h: 14, w: 14, k: 67, r: 3, s: 3, padding: [1, 1, 1, 1]),
            ConvolutionRow(n: 2, c: 3, h: 65, w: 63, k: 33, r: 7, s: 7, stride: [2, 2], padding: [3, 3, 3, 3]),
            ConvolutionRow(n: 2, c: 64, h: 28, w: 28, k: 100, r: 1, s: 1),
            ConvolutionRow(n: 2, c: 48, h: 29, w: 29, k: 48, r: 3, s: 3, padding: [1, 1, 1, 1], groups: 48),
            ConvolutionRow(n: 2, c: 32, h: 28, w: 27, k: 40, r: 3, s: 3, stride: [2, 2], padding: [1, 1, 1, 1]),
            ConvolutionRow(
                n: 2, c: 32, h: 28, w: 27, k: 40, r: 3, s: 3, padding: [2, 2, 2, 2], dilation: [2, 2], groups: 2),
            ConvolutionRow(
                n: 2, c: 40, h: 31, w: 30, k: 40, r: 3, s: 3, stride: [2, 2], padding: [1, 1, 1, 1], groups: 40),
            ConvolutionRow(
                n: 1, c: 20, h: 40, w: 41, k: 36, r: 5, s: 5, padding: [2, 2, 2, 2], hasBias: true, activation: .relu),
            ConvolutionRow(n: 1, c: 3, h: 70, w: 71, k: 390, r: 3, s: 3, stride: [2, 2], padding: [1, 0, 0, 1]),
            ConvolutionRow(n: 2, c: 24, h: 57, w: 130, k: 40, r: 3, s: 3, padding: [1, 1, 1, 1], activation: .gelu),
            ConvolutionRow(n: 4, c: 128, h: 7, w: 7, k: 129, r: 3, s: 3, padding: [1, 1, 1, 1]),
        ]
        // Pixels, weights and cotangents that outweigh all others, and windows of zeros: what Winograd's filtering leaves to
        // the sum itself. No finite differences are to be had of them, nor 16-bit types.
        let uneven = (0..<41).map { index -> Double in
            if index == 7 || index == 19 { return 1e5 }
            return index.isMultiple(of: 3) ? 0 : Double(index % 11) / 8 - 0.5
        }
        let outliers = [
            ConvolutionRow(
                n: 2, c: 5, h: 7, w: 9, k: 9, r: 3, s: 3, padding: [1, 1, 1, 1], hasBias: true, data: .values(uneven)),
            ConvolutionRow(n: 1, c: 9, h: 6, w: 3, k: 5, r: 3, s: 3, padding: [2, 3, 1, 0], data: .values(uneven)),
        ]
        let unevenCases: [OpCase] = outliers.flatMap { row -> [OpCase] in
            let cases = (try? row.cases(checksDifferences: false)) ?? []
            return cases.map { each in each.with { $0.halfRoundings = nil } }
        }
        // A row that does not fit is a mistake in this table, which the test of the table's size shows.
        return rows.flatMap { (try? $0.cases()) ?? [] }
            + unevenCases
            + large.flatMap { ((try? $0.cases(checksDifferences: false)) ?? []).map(\.large) }
            + [
                OpCase(
                    "conv2DTransposed", [.tensor([2, 3, 4, 5]), .tensor([3, 2, 3, 3])], .product(27),
                    gradient: .full(.product(80))
                ) {
                    _, x in [try x[0].conv2DTransposed(x[1], stride: 2, padding: 1, outputPadding: 1)]
                },
                OpCase(
                    "conv2DTransposed large", [.tensor([2, 33, 15, 14]), .tensor([33, 24, 4, 4])], .product(33 * 16),
                    gradient: .parity(.product(800))
                ) { _, x in [try x[0].conv2DTransposed(x[1], stride: 2, padding: 1)] }.large,
            ]
    }()
}
