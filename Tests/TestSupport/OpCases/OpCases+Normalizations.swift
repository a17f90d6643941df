import TensorGraph

extension OpCase {
    static let normalizations: [OpCase] = {
        var cases: [OpCase] = []
        func layerNorm(_ shape: Shape, epsilon: Double = 1e-5, data: TestData = .normal, isLarge: Bool = false) {
            let width = shape[shape.rank - 1]
            let check: GradientCheck = isLarge ? .parity(.normalizationGradient) : .full(.normalizationGradient)
            cases.append(
                OpCase(
                    "layerNorm \(shape) epsilon \(epsilon)", .normalization(Normalization(.layer, epsilon: epsilon)),
                    [.tensor(shape, data), .tensor([width], .uniform(0.5...2)), .tensor([width])],
                    // A mean of few numbers can cancel to nearly nothing.
                    .normwise(6e-7, floor: 0.5), gradient: check
                ).with { $0.isLarge = isLarge })
        }
        func batchNorm(_ shape: Shape, epsilon: Double = 1e-5, data: TestData = .normal, isLarge: Bool = false) {
            let check: GradientCheck = isLarge ? .parity(.normalizationGradient) : .full(.normalizationGradient)
            cases.append(
                OpCase(
                    "batchNorm \(shape) epsilon \(epsilon)", .normalization(Normalization(.batch, epsilon: epsilon)),
                    [.tensor(shape, data), .tensor([shape[1]], .uniform(0.5...2)), .tensor([shape[1]])], .normalization,
                    gradient: check
                ).with { $0.isLarge = isLarge })
        }
        func rmsNorm(_ shape: Shape, epsilon: Double = 1e-5, data: TestData = .normal, isLarge: Bool = false) {
            let width = shape[shape.rank - 1]
            let check: GradientCheck = isLarge ? .parity(.normalizationGradient) : .full(.normalizationGradient)
            cases.append(
                OpCase(
                    "rmsNorm \(shape) epsilon \(epsilon)",
                    .normalization(Normalization(.rootMeanSquare, epsilon: epsilon)),
                    [.tensor(shape, data), .tensor([width], .uniform(0.5...2))], .normalization, gradient: check
                ).with { $0.isLarge = isLarge })
        }
        func groupNorm(
            _ shape: Shape, groups: Int, epsilon: Double = 1e-5, data: TestData = .normal, isLarge: Bool = false
        ) {
            let check: GradientCheck = isLarge ? .parity(.normalizationGradient) : .full(.normalizationGradient)
            cases.append(
                OpCase(
                    "groupNorm \(shape) groups \(groups) epsilon \(epsilon)",
                    .normalization(Normalization(.group(count: groups), epsilon: epsilon)),
                    [.tensor(shape, data), .tensor([shape[1]], .uniform(0.5...2)), .tensor([shape[1]])],
                    .normwise(6e-7, floor: 0.5), gradient: check
                ).with { $0.isLarge = isLarge })
        }
        rmsNorm([7])
        rmsNorm([17, 31])
        rmsNorm([2, 3, 5], epsilon: 1e-3)
        rmsNorm([33, 2], epsilon: 0.1)
        // One column: without an epsilon that counts, the gradient cancels to nothing.
        rmsNorm([7, 1], epsilon: 0.1)
        rmsNorm([3, 129])
        rmsNorm([0, 5])
        rmsNorm([257, 1025], isLarge: true)
        rmsNorm([2050, 33], isLarge: true)
        rmsNorm([3, 10_007], isLarge: true)
        groupNorm([2, 6, 5, 7], groups: 3)
        groupNorm([3, 4], groups: 2, epsilon: 0.1)
        groupNorm([2, 3, 17], groups: 1)
        // Instance normalisation, over one axis to three.
        groupNorm([2, 5, 11], groups: 5)
        groupNorm([1, 2, 3, 4, 5], groups: 2, epsilon: 1e-3)
        groupNorm([2, 2, 1, 1], groups: 1, epsilon: 0.1)
        groupNorm([2, 9, 2, 17], groups: 3)
        groupNorm([0, 4, 3], groups: 2)
        groupNorm([2, 4, 0], groups: 2)
        groupNorm([5, 64, 15, 14], groups: 32, isLarge: true)
        groupNorm([2, 6, 57, 59], groups: 2, isLarge: true)
        groupNorm([300, 2, 3], groups: 2, epsilon: 1e-3, isLarge: true)
        layerNorm([7])
        layerNorm([17, 31])
        layerNorm([2, 3, 5], epsilon: 1e-3)
        layerNorm([33, 2], epsilon: 0.1)
        layerNorm([3, 129])
        layerNorm([2, 1031])
        layerNorm([0, 5])
        layerNorm([257, 1025], isLarge: true)
        layerNorm([2050, 33], isLarge: true)
        layerNorm([3, 10_007], isLarge: true)
        batchNorm([2, 3, 5, 7])
        batchNorm([5, 1, 3, 1])
        batchNorm([1, 17, 2, 2], epsilon: 1e-3)
        batchNorm([17, 5, 1, 1], epsilon: 0.1)
        batchNorm([3, 2, 11, 13])
        batchNorm([2, 0, 3, 3])
        batchNorm([9, 65, 15, 14], isLarge: true)
        batchNorm([4, 3, 57, 59], isLarge: true)
        // A mean far from zero, where E[x²] - E[x]² would lose everything.
        let shifted = TestData.uniform(100...102)
        cases += [
            OpCase(
                "layerNorm far from zero", .normalization(Normalization(.layer)),
                [.tensor([5, 67], shifted), .tensor([67], .uniform(0.5...2)), .tensor([67])], .normwise(1e-4)),
            OpCase(
                "batchNorm far from zero", .normalization(Normalization(.batch)),
                [.tensor([3, 2, 5, 7], shifted), .tensor([2], .uniform(0.5...2)), .tensor([2])], .normwise(1e-4)),
            // Squares of these are no float32.
            OpCase(
                "layerNorm of huge numbers", .normalization(Normalization(.layer)),
                [.tensor([5, 67], .scaled(1e20)), .tensor([67], .uniform(0.5...2)), .tensor([67])], .normalization,
                gradient: .parity(.normalizationGradient)),
            OpCase(
                "batchNorm of huge numbers", .normalization(Normalization(.batch)),
                [.tensor([3, 2, 5, 7], .scaled(1e20)), .tensor([2], .uniform(0.5...2)), .tensor([2])], .normalization,
                gradient: .parity(.normalizationGradient)),
            OpCase(
                "groupNorm far from zero", .normalization(Normalization(.group(count: 2))),
                [.tensor([3, 4, 5, 7], shifted), .tensor([4], .uniform(0.5...2)), .tensor([4])], .normwise(1e-4)),
            OpCase(
                "rmsNorm of huge numbers", .normalization(Normalization(.rootMeanSquare)),
                [.tensor([5, 67], .scaled(1e20)), .tensor([67], .uniform(0.5...2))], .normalization,
                gradient: .parity(.normalizationGradient)),
            OpCase(
                "groupNorm of huge numbers", .normalization(Normalization(.group(count: 2))),
                [.tensor([3, 4, 5, 7], .scaled(1e20)), .tensor([4], .uniform(0.5...2)), .tensor([4])], .normalization,
                gradient: .parity(.normalizationGradient)),
            OpCase(
                "rmsNorm of zeros, tiny numbers and NaN", .normalization(Normalization(.rootMeanSquare)),
                [.tensor([3, 4], .values([0, 0, 0, 0, 1, .nan, 2, 3, 1e-30, -1e-30, 0, 1e-38])), .tensor([4])],
                .normwise(1e-6)),
            OpCase(
                "groupNorm of constant groups and NaN", .normalization(Normalization(.group(count: 2))),
                [
                    .tensor([2, 4, 2], .values([2, 2, 2, 2, 1, .nan, 2, 3, 0, 0, 0, 0, 1, 2, 3, .infinity])),
                    .tensor([4]), .tensor([4]),
                ], .normwise(1e-6)),
            OpCase(
                "layerNorm of one column", .normalization(Normalization(.layer)),
                [.tensor([7, 1]), .tensor([1]), .tensor([1])], .normalization),
            OpCase(
                "layerNorm of constant rows and NaN", .normalization(Normalization(.layer)),
                [.tensor([3, 4], .values([2, 2, 2, 2, 1, .nan, 2, 3, 0, 0, 0, 0])), .tensor([4]), .tensor([4])],
                .normwise(1e-6)),
        ]
        return cases.map { $0.inHalf(roundings: 1, backward: 1) }
            + cases.filter { $0.name.hasPrefix("batchNorm") && !$0.isLarge }.prefix(4).flatMap { each in
                [DType.float16, .bfloat16].map { each.withWideScale($0) }
            }
    }()
}

extension OpCase {
    /// A batch normalisation of an input of 16 bits with a scale and a bias of 32.
    fileprivate func withWideScale(_ dtype: DType) -> OpCase {
        let build = build
        var mixed = OpCase(
            "\(name), \(dtype) beside float32", inputs, .normwise(0x1p-7), gradient: .parity(.normwise(0x1p-6))
        ) { graph, operands in
            try build(graph, [operands[0].cast(to: dtype)] + operands.dropFirst())
        }
        mixed.differentiableOutputs = differentiableOutputs
        return mixed.float32Only
    }
}
