import TensorGraph

/// The extents of a row of matrix products.
private struct ProductRow {
    var m: Int, n: Int, k: Int
    var batch: [Int] = []
    var sharesB = false
    var transposeA = false
    var transposeB = false
    var hasBias = false
    var activation: UnaryFunction?
    var data = TestData.normal

    var name: String {
        var words = ["matMul"]
        if !batch.isEmpty { words.append("batch \(batch)") }
        words.append("\(m)×\(n)×\(k)")
        if sharesB { words.append("shared b") }
        if transposeA { words.append("aᵀ") }
        if transposeB { words.append("bᵀ") }
        if hasBias { words.append("bias") }
        if let activation { words.append(activation.rawValue) }
        if case .integers = data { words.append("integers") }
        return words.joined(separator: " ")
    }

    func opCase(checksDifferences: Bool = true) -> OpCase {
        let a = Shape(batch + (transposeA ? [k, m] : [m, k]))
        let b = Shape((sharesB ? [] : batch) + (transposeB ? [n, k] : [k, n]))
        var inputs: [OpCase.Input] = [.tensor(a, data), .tensor(b, data)]
        if hasBias { inputs.append(.tensor([n], data)) }
        let isExact = if case .integers = data { true } else { false }
        let forward: Tolerance =
            switch activation {
            case nil, .relu: isExact ? .exact : .product(k)
            default: .normwise(max(4e-6, 1e-7 * Double(k).squareRoot()))
            }
        // The longest sum of the gradients: over n, or over m and the batch where b or the bias is shared.
        let backward = Tolerance.product(max(n, m * batch.reduce(1, *)))
        return OpCase(
            name, .matMul(MatMul(transposeA: transposeA, transposeB: transposeB, activation: activation)), inputs,
            forward,
            gradient: activation != nil ? .none : checksDifferences ? .full(backward) : .parity(backward)
        ).inHalf(roundings: 1, backward: 1, onMatrixUnits: true)
    }

    /// With operands of 16 bits and a result, and bias, of float32: nothing is rounded on the way forward, the cotangent
    /// and each gradient on the way back.
    func widening(_ dtype: DType) -> OpCase {
        let plain = opCase(checksDifferences: false)
        let attributes = MatMul(
            transposeA: transposeA, transposeB: transposeB, resultType: .float32, activation: activation)
        var inputs = plain.inputs
        for index in 0..<2 { inputs[index].dtype = dtype }
        let backward = Tolerance.product(max(n, m * batch.reduce(1, *))).rounded(to: dtype, times: 2)
        return OpCase(
            "\(plain.name) of \(dtype) to float32", .matMul(attributes), inputs, plain.tolerance,
            gradient: activation == nil ? .parity(backward) : .none
        ).float32Only.with { $0.runsOnMatrixUnits = true }
    }
}

extension OpCase {
    static let products: [OpCase] = {
        var rows: [ProductRow] = []
        let extents = [
            (1, 1, 1), (1, 7, 5), (7, 1, 5), (5, 7, 1), (17, 31, 5), (33, 17, 29), (8, 16, 32), (6, 16, 3),
            (31, 67, 19), (1, 129, 67),
            (129, 1, 67), (2, 3, 515),
        ]
        for (m, n, k) in extents {
            for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
                rows.append(ProductRow(m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB))
            }
        }
        for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
            rows.append(ProductRow(m: 5, n: 7, k: 3, batch: [4], transposeA: transposeA, transposeB: transposeB))
            rows.append(ProductRow(m: 5, n: 7, k: 3, batch: [2, 3], transposeA: transposeA, transposeB: transposeB))
            rows.append(
                ProductRow(
                    m: 5, n: 7, k: 3, batch: [2, 3], sharesB: true, transposeA: transposeA, transposeB: transposeB))
            rows.append(
                ProductRow(
                    m: 17, n: 19, k: 33, batch: [3], transposeA: transposeA, transposeB: transposeB, hasBias: true))
            rows.append(
                ProductRow(
                    m: 9, n: 17, k: 5, batch: [3], sharesB: true, transposeA: transposeA, transposeB: transposeB,
                    hasBias: true))
            rows.append(
                ProductRow(
                    m: 19, n: 37, k: 23, transposeA: transposeA, transposeB: transposeB, data: .integers(-4...4)))
            rows.append(ProductRow(m: 13, n: 11, k: 6, transposeA: transposeA, transposeB: transposeB, hasBias: true))
        }
        rows.append(ProductRow(m: 1, n: 5, k: 4, batch: [7], sharesB: true, hasBias: true))
        rows.append(ProductRow(m: 1, n: 1, k: 9, batch: [5]))
        for activation in UnaryFunction.epilogues {
            rows.append(ProductRow(m: 17, n: 33, k: 9, hasBias: true, activation: activation))
        }
        rows.append(ProductRow(m: 1, n: 33, k: 19, hasBias: true, activation: .relu))
        rows.append(ProductRow(m: 5, n: 9, k: 7, batch: [3], hasBias: true, activation: .relu))
        rows.append(ProductRow(m: 17, n: 9, k: 7, transposeA: true, activation: .relu, data: .integers(-4...4)))
        var cases = rows.map { $0.opCase() }
        for dtype in [DType.float16, .bfloat16] {
            cases += [
                ProductRow(m: 17, n: 33, k: 9, data: .integers(-4...4)),
                ProductRow(m: 19, n: 6, k: 40, batch: [3], transposeA: true, data: .integers(-4...4)),
                ProductRow(
                    m: 5, n: 7, k: 70, transposeB: true, hasBias: true, activation: .relu, data: .integers(-4...4)),
            ].map { $0.widening(dtype) }
        }
        // Empty products: no rows, no columns, nothing to sum.
        cases += [
            ProductRow(m: 0, n: 5, k: 3), ProductRow(m: 4, n: 0, k: 3), ProductRow(m: 4, n: 5, k: 0),
            ProductRow(m: 4, n: 5, k: 0, hasBias: true),
            ProductRow(m: 4, n: 5, k: 0, hasBias: true, activation: .sigmoid),
            ProductRow(m: 4, n: 5, k: 3, batch: [0]), ProductRow(m: 0, n: 5, k: 3, batch: [2], sharesB: true),
        ].map { $0.opCase() }
        cases.append(
            OpCase(
                "matMul with NaN and infinities", .matMul(MatMul()),
                [
                    .tensor([3, 4], .values([1, .nan, 0, 2, .infinity, 1, 1, 1, 0, 0, 0, 0])),
                    .tensor([4, 5], .values([1, 0, 2, 3])),
                ], .product(4)))
        var large: [ProductRow] = [
            ProductRow(m: 193, n: 259, k: 131), ProductRow(m: 256, n: 256, k: 256), ProductRow(m: 65, n: 129, k: 1025),
            ProductRow(m: 1, n: 1031, k: 515), ProductRow(m: 1029, n: 1, k: 257), ProductRow(m: 3, n: 301, k: 1030),
            ProductRow(m: 16, n: 517, k: 300),
            ProductRow(m: 129, n: 127, k: 65, batch: [6]),
            ProductRow(m: 67, n: 130, k: 64, batch: [2, 3], sharesB: true),
            ProductRow(m: 130, n: 200, k: 100, hasBias: true, activation: .gelu), ProductRow(m: 300, n: 2, k: 300),
            ProductRow(m: 2, n: 2, k: 3000),
            // Few rows in place, over several blocks of k; a transposed one in place, packed in blocks, packed as a whole.
            ProductRow(m: 9, n: 35, k: 801), ProductRow(m: 127, n: 33, k: 401, transposeA: true),
            ProductRow(m: 131, n: 47, k: 809, transposeA: true, transposeB: true),
            ProductRow(m: 517, n: 65, k: 390, batch: [3], transposeA: true, hasBias: true, activation: .relu),
            ProductRow(m: 133, n: 523, k: 390, transposeA: true),
        ]
        for (transposeA, transposeB) in [(true, false), (false, true), (true, true)] {
            large.append(ProductRow(m: 193, n: 259, k: 131, transposeA: transposeA, transposeB: transposeB))
            large.append(ProductRow(m: 65, n: 131, k: 67, batch: [5], transposeA: transposeA, transposeB: transposeB))
            large.append(ProductRow(m: 1, n: 517, k: 260, transposeA: transposeA, transposeB: transposeB))
            large.append(
                ProductRow(
                    m: 131, n: 257, k: 300, transposeA: transposeA, transposeB: transposeB, hasBias: true,
                    data: .integers(-4...4)))
        }
        return cases + large.map { $0.opCase(checksDifferences: false).large }
    }()
}

extension UnaryFunction {
    /// What the fusion pass may put into an epilogue.
    static let epilogues: [UnaryFunction] = [
        .relu, .sigmoid, .tanh, .gelu, .silu, .softplus, .square, .negate, .exponential,
    ]
}
