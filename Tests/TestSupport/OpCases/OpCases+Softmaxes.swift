import TensorGraph

extension OpCase {
    static let softmaxes: [OpCase] = {
        var cases: [OpCase] = []
        for shape in [Shape([1]), [7], [17, 31], [2, 3, 5], [33, 1], [3, 129], [2, 1031], [0, 5], [3, 0]] {
            cases.append(
                OpCase(
                    "softmax \(shape)", .softmax(.plain), [.tensor(shape)], .softmax, gradient: .full(.softmaxGradient))
            )
            cases.append(
                OpCase(
                    "logSoftmax \(shape)", .softmax(.logarithmic), [.tensor(shape)], .logSoftmax,
                    gradient: .full(.logSoftmax)))
        }
        for (op, limit) in [(Op.softmax(.plain), Tolerance.softmax), (.softmax(.logarithmic), .logSoftmax)] {
            cases += [
                OpCase("\(op.name) of large numbers", op, [.tensor([5, 17], .scaled(100))], limit),
                OpCase(
                    "\(op.name) with NaN and infinities", op,
                    [
                        .tensor(
                            [5, 3], .values([1, .nan, 2, -.infinity, 1, 2, .infinity, 0, 1, 1000, -1000, 0, 3, 3, 3]))
                    ], limit),
                OpCase(
                    "\(op.name) of rows all at minus infinity", op, [.tensor([2, 3], .values([-.infinity]))], limit),
                OpCase(
                    "\(op.name) [257, 1025]", op, [.tensor([257, 1025])], limit, gradient: .parity(.logSoftmax)
                ).large,
                OpCase("\(op.name) [4099, 10]", op, [.tensor([4099, 10])], limit, gradient: .parity(.logSoftmax)).large,
                OpCase("\(op.name) [3, 20011]", op, [.tensor([3, 20_011])], limit, gradient: .parity(.logSoftmax))
                    .large,
            ]
        }
        cases.append(
            OpCase("softmax along the first axis", [.tensor([5, 7, 3])], .softmax, gradient: .full(.softmaxGradient)) {
                _, x in [try x[0].softmax(axis: 0)]
            })
        let labels: [(Int, Int, TestData)] = [
            (1, 1, .integers(0...0)), (7, 5, .integers(0...4)), (17, 31, .integers(0...30)), (33, 10, .integers(0...9)),
            (3, 1031, .integers(0...1030)), (0, 5, .integers(0...4)),
            // Ignored rows.
            (9, 5, .values([-1, 2, 4, -100, 0])),
        ]
        for (rows, classes, data) in labels {
            cases.append(
                OpCase(
                    "crossEntropy \(rows)×\(classes)", .crossEntropy(.forward),
                    [.tensor([rows, classes]), .int32([rows], data)],
                    .normwise(50 * Tolerance.epsilon), gradient: .full(.softmaxGradient)))
        }
        cases += [
            OpCase(
                "crossEntropy with labels too large", .crossEntropy(.forward),
                [.tensor([5, 3]), .int32([5], .values([0, 3, -1, 2_000_000_000, 2]))], .logSoftmax,
                gradient: .parity(.softmaxGradient)),
            OpCase(
                "crossEntropy of large numbers", .crossEntropy(.forward),
                [.tensor([5, 17], .scaled(200)), .int32([5], .integers(0...16))], .logSoftmax,
                gradient: .parity(.softmaxGradient)),
            OpCase(
                "crossEntropy 513×1000", .crossEntropy(.forward),
                [.tensor([513, 1000]), .int32([513], .integers(0...999))],
                .logSoftmax, gradient: .parity(.softmaxGradient)
            ).large,
            OpCase(
                "crossEntropy averaged", [.tensor([13, 7]), .int32([13], .integers(-1...6))], .logSoftmax,
                gradient: .full(.softmaxGradient)
            ) { _, x in [try x[0].crossEntropy(labels: x[1]).mean()] },
        ]
        return cases.map { $0.inHalf(roundings: 1, backward: 3) }
    }()
}
