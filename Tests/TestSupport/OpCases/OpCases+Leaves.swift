import TensorGraph

extension OpCase {
    static let leaves: [OpCase] = {
        var cases: [OpCase] = [
            OpCase("input returned as it is", [.tensor([3, 5])], .exact, gradient: .full(.exact)) { _, x in x },
            OpCase("fill", [], .exact) { graph, _ in
                [
                    try graph.fill(-2.5, [3, 7]), try graph.fill(0), try graph.fill(7, [5], .int32),
                    try graph.fill(1, [0, 3]),
                ]
            },
            OpCase("constant", [.tensor([4])], .arithmetic, gradient: .full(.elementwiseGradient)) { graph, x in
                let values = try graph.constant(try HostTensor([4], [1, -2, 0.5, 3] as [Float])).cast(to: x[0].dtype)
                return [try x[0] * values]
            },
            OpCase("variable", [.tensor([2, 3])], .arithmetic, gradient: .full(.elementwiseGradient)) { graph, x in
                let variable = Variable("v", try HostTensor([3], [0.25, -1, 2] as [Float]))
                return [try x[0] + graph.read(variable).cast(to: x[0].dtype)]
            },
        ]
        let draws: [(Shape, Double, UInt64)] = [
            ([1], 0, 0), ([7], 1, 42), ([33, 31], 3, 0x1234_5678_9ABC_DEF0), ([0, 3], 1, 1), ([], -1, 7),
        ]
        for (shape, counter, seed) in draws {
            let input = Input.int32([], .values([counter]))
            cases.append(
                OpCase("random uniform \(shape) counter \(Int(counter))", [input], .exact) { graph, x in
                    [try graph.random(shape, normal: false, seed: seed, counter: x[0])]
                })
            cases.append(
                OpCase("random normal \(shape) counter \(Int(counter))", [input], .looseTranscendental) { graph, x in
                    [try graph.random(shape, normal: true, seed: seed, counter: x[0])]
                })
        }
        let dropouts: [(Shape, Double, Double)] = [
            ([1], 0, 0), ([7], 0.5, 1), ([1031], 0.3, 2), ([3, 5, 7], 0.9, -5), ([0], 0.5, 1), ([], 0.25, 9),
        ]
        for (shape, rate, counter) in dropouts {
            cases.append(
                OpCase(
                    "dropout \(shape) rate \(rate)", .dropout(DropoutMask(rate: rate, seed: 0xFEED_0000_BEEF)),
                    [.tensor(shape), .int32([], .values([counter]))], .arithmetic, gradient: .full(.elementwiseGradient)
                ).inHalf(roundings: 1, backward: 1))
        }
        cases.append(
            OpCase(
                "dropout [257, 513] rate 0.1", .dropout(DropoutMask(rate: 0.1, seed: 3)),
                [.tensor([257, 513]), .int32([], .values([5]))], .arithmetic, gradient: .parity(.elementwiseGradient)
            ).inHalf(roundings: 1, backward: 1).large)
        return cases
    }()
}
