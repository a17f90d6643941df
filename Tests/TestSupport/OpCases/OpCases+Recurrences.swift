import TensorGraph

extension OpCase {
    static let recurrences: [OpCase] = {
        func lstm(_ t: Int, _ b: Int, _ h: Int, isLarge: Bool = false) -> OpCase {
            let backward = Tolerance.recurrenceGradient(4 * h * max(t, 1) * max(b, 1))
            return OpCase(
                "lstm t\(t) b\(b) h\(h)", .recurrence(Recurrence(.lstm)),
                [
                    .tensor([t, b, 4 * h]), .tensor([4 * h, h], .scaled(1 / Double(max(h, 1)).squareRoot())),
                    .tensor([b, h]),
                    .tensor([b, h]),
                ], .recurrence(h * max(t, 1)), gradient: isLarge ? .parity(backward) : .full(backward),
                differentiableOutputs: 2
            ).with { $0.isLarge = isLarge }
        }
        func gru(_ t: Int, _ b: Int, _ h: Int, isLarge: Bool = false) -> OpCase {
            let backward = Tolerance.recurrenceGradient(4 * h * max(t, 1) * max(b, 1))
            return OpCase(
                "gru t\(t) b\(b) h\(h)", .recurrence(Recurrence(.gru)),
                [
                    .tensor([t, b, 3 * h]), .tensor([3 * h, h], .scaled(1 / Double(max(h, 1)).squareRoot())),
                    .tensor([3 * h]),
                    .tensor([b, h]),
                ], .recurrence(h * max(t, 1)), gradient: isLarge ? .parity(backward) : .full(backward)
            ).with { $0.isLarge = isLarge }
        }
        func rnn(_ t: Int, _ b: Int, _ h: Int, _ activation: RecurrentActivation, isLarge: Bool = false) -> OpCase {
            let backward = Tolerance.recurrenceGradient(4 * h * max(t, 1) * max(b, 1))
            return OpCase(
                "rnn \(activation) t\(t) b\(b) h\(h)", .recurrence(Recurrence(.rnn(activation))),
                [
                    .tensor([t, b, h]), .tensor([h, h], .scaled(1 / Double(max(h, 1)).squareRoot())), .tensor([b, h]),
                ], .recurrence(h * max(t, 1)), gradient: isLarge ? .parity(backward) : .full(backward)
            ).with { $0.isLarge = isLarge }
        }
        var cases: [OpCase] = []
        for (t, b, h) in [
            (1, 1, 1), (1, 1, 5), (3, 1, 7), (5, 2, 3), (7, 3, 17), (2, 17, 9), (4, 5, 16), (2, 1, 33), (3, 33, 4),
            (2, 6, 31), (3, 0, 5),
        ] {
            cases += [lstm(t, b, h), gru(t, b, h), rnn(t, b, h, .tanh), rnn(t, b, h, .relu)]
        }
        for (t, b, h) in [(9, 33, 65), (17, 1, 128), (6, 16, 130), (5, 7, 256), (3, 4, 47), (3, 11, 20), (2, 61, 33)] {
            cases += [lstm(t, b, h, isLarge: true), gru(t, b, h, isLarge: true)]
            cases += [rnn(t, b, h, .tanh, isLarge: true), rnn(t, b, h, .relu, isLarge: true)]
        }
        cases += [
            // Only the outputs, only the cells.
            OpCase(
                "lstm whose cells no gradient comes from",
                [.tensor([4, 2, 12]), .tensor([12, 3]), .tensor([2, 3]), .tensor([2, 3])], .recurrence(12),
                gradient: .full(.recurrenceGradient(100))
            ) { graph, x in try Array(graph.add(.recurrence(Recurrence(.lstm)), x)[..<1]) },
            OpCase(
                "lstm whose outputs no gradient comes from",
                [.tensor([4, 2, 12]), .tensor([12, 3]), .tensor([2, 3]), .tensor([2, 3])], .recurrence(12),
                gradient: .full(.recurrenceGradient(100))
            ) { graph, x in try Array(graph.add(.recurrence(Recurrence(.lstm)), x)[1..<2]) },
            OpCase(
                "lstm layer",
                [.tensor([5, 3, 7]), .tensor([20, 7]), .tensor([20, 5]), .tensor([20]), .tensor([20])], .recurrence(60),
                gradient: .full(.recurrenceGradient(300))
            ) { _, x in
                let layer = try x[0].lstm(inputWeight: x[1], hiddenWeight: x[2], inputBias: x[3], hiddenBias: x[4])
                return [layer.outputs, layer.hidden, layer.cell]
            }.with { $0.differentiableOutputs = 3 },
            OpCase(
                "rnn layer of reversed rows of different lengths",
                [
                    .tensor([5, 3, 7]), .tensor([6, 7]), .tensor([6, 6]), .tensor([6]), .tensor([6]),
                    .tensor([3, 6]), .int32([3], .values([5, 0, 2])),
                ], .recurrence(60), gradient: .full(.recurrenceGradient(300))
            ) { _, x in
                let layer = try x[0].rnn(
                    inputWeight: x[1], hiddenWeight: x[2], inputBias: x[3], hiddenBias: x[4], hidden: x[5],
                    lengths: x[6], isReversed: true)
                return [layer.outputs, layer.hidden]
            }.with { $0.differentiableOutputs = 2 },
            OpCase(
                "gru layer",
                [.tensor([5, 3, 7]), .tensor([15, 7]), .tensor([15, 5]), .tensor([15]), .tensor([15])], .recurrence(60),
                gradient: .full(.recurrenceGradient(300))
            ) { _, x in
                let layer = try x[0].gru(inputWeight: x[1], hiddenWeight: x[2], inputBias: x[3], hiddenBias: x[4])
                return [layer.outputs, layer.hidden]
            }.with { $0.differentiableOutputs = 2 },
        ]
        return cases
    }()
}
