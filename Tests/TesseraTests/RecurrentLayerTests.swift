import Tessera
import Testing

/// Recurrent layers and cells beside PyTorch's, and what PyTorch refuses: sequences of no steps, rows of no length.
@Suite struct RecurrentLayerTests {
    private static let (steps, batch, inputs, hidden) = (5, 3, 4, 3)

    private static var random: RandomSource { RandomSource(seed: 1) }

    /// The layers of the cases, by what the names of these end with.
    private static let options: [String: (layers: Int, isBidirectional: Bool, hasBias: Bool, isBatchFirst: Bool)] = [
        "plain": (1, false, true, false), "without bias": (1, false, false, false),
        "batch first": (2, false, true, true),
        "both directions": (1, true, true, false), "packed": (2, true, true, false),
    ]

    @Test func layersAreAsInPyTorch() throws {
        let reference = try PyTorchReference("recurrent")
        for (ending, option) in Self.options {
            let lstm = LSTM(
                Self.inputs, Self.hidden, layers: option.layers, isBidirectional: option.isBidirectional,
                hasBias: option.hasBias, isBatchFirst: option.isBatchFirst, Self.random)
            try reference.check("lstm \(ending)", module: lstm) { x, pass in
                let input = try #require(x["x"])
                let y = try lstm(input, hidden: x["hidden"], cell: x["cell"], lengths: x["lengths"], pass)
                return ["y": y.outputs, "hidden": y.hidden, "cell": y.cell]
            }
            let gru = GRU(
                Self.inputs, Self.hidden, layers: option.layers, isBidirectional: option.isBidirectional,
                hasBias: option.hasBias, isBatchFirst: option.isBatchFirst, Self.random)
            try reference.check("gru \(ending)", module: gru) { x, pass in
                let y = try gru(#require(x["x"]), hidden: x["hidden"], lengths: x["lengths"], pass)
                return ["y": y.outputs, "hidden": y.hidden]
            }
            for (name, activation) in [("rnn", RecurrentActivation.tanh), ("rnn relu", .relu)] {
                let rnn = RNN(
                    Self.inputs, Self.hidden, activation: activation, layers: option.layers,
                    isBidirectional: option.isBidirectional, hasBias: option.hasBias,
                    isBatchFirst: option.isBatchFirst, Self.random)
                try reference.check("\(name) \(ending)", module: rnn) { x, pass in
                    let y = try rnn(#require(x["x"]), hidden: x["hidden"], lengths: x["lengths"], pass)
                    return ["y": y.outputs, "hidden": y.hidden]
                }
            }
        }
    }

    @Test func cellsAreAsInPyTorch() throws {
        let reference = try PyTorchReference("recurrent")
        for (ending, hasBias) in [("", true), (" without bias", false)] {
            let lstm = LSTMCell(Self.inputs, Self.hidden, hasBias: hasBias, Self.random)
            try reference.check("lstm cell\(ending)", module: lstm) { x, pass in
                let y = try lstm(#require(x["x"]), hidden: x["hidden"], cell: x["cell"], pass)
                return ["hidden": y.hidden, "cell": y.cell]
            }
            let gru = GRUCell(Self.inputs, Self.hidden, hasBias: hasBias, Self.random)
            try reference.check("gru cell\(ending)", module: gru) { x, pass in
                ["hidden": try gru(#require(x["x"]), hidden: x["hidden"], pass)]
            }
            for (name, activation) in [("rnn", RecurrentActivation.tanh), ("rnn relu", .relu)] {
                let rnn = RNNCell(Self.inputs, Self.hidden, activation: activation, hasBias: hasBias, Self.random)
                try reference.check("\(name) cell\(ending)", module: rnn) { x, pass in
                    ["hidden": try rnn(#require(x["x"]), hidden: x["hidden"], pass)]
                }
            }
        }
    }

    @Test func everyCaseIsHeld() throws {
        let kinds = ["rnn", "rnn relu", "lstm", "gru"]
        let layers = kinds.flatMap { kind in Self.options.keys.map { "\(kind) \($0)" } }
        let cells = kinds.flatMap { ["\($0) cell", "\($0) cell without bias"] }
        #expect(try PyTorchReference("recurrent").names == (layers + cells).sorted())
    }

    /// Rows of a batch come to what each comes to alone, cut to its length, whatever is after that; one of no length keeps
    /// its initial states.
    @Test(arguments: Place.available) func lengthsCutRows(on place: Place) throws {
        let layer = LSTM(2, 3, layers: 2, isBidirectional: true, Self.random)
        let (steps, lengths) = (4, [4, 0, 2, 1])
        var x = try Self.random.uniform([steps, lengths.count, 2], bound: 1).elements() as [Float]
        let initial = try Self.random.uniform([4, lengths.count, 3], bound: 1)
        for (row, length) in lengths.enumerated() {
            for step in length..<steps { x[(step * lengths.count + row) * 2] = .nan }
        }
        let executor = try place.executor()
        let graph = Graph()
        let pass = ForwardPass(graph, .inference)
        let whole = try layer(
            graph.input("x", [steps, 4, 2]), hidden: graph.input("h", [4, 4, 3]), cell: graph.input("h", [4, 4, 3]),
            lengths: graph.input("lengths", [4], .int32), pass)
        let results = try executor.run(
            executor.compile(graph, outputs: [whole.outputs, whole.hidden, whole.cell]),
            inputs: [
                "x": HostTensor([steps, 4, 2], x), "h": initial, "lengths": HostTensor([4], lengths.map { Int32($0) }),
            ]
        ).map { try $0.elements() as [Float] }
        let h = try initial.elements() as [Float]
        for (row, length) in lengths.enumerated() {
            /// The row's numbers of `[count, 4, width]`, by the first axis.
            func own(_ all: [Float], _ count: Int, _ width: Int) -> [[Float]] {
                (0..<count).map { step -> [Float] in
                    let start = (step * 4 + row) * width
                    return Array(all[start..<(start + width)])
                }
            }
            func states(_ all: [Float]) -> [Float] { Array(own(all, 4, 3).joined()) }
            let outputs = own(results[0], steps, 6)
            let numbers = Array(own(x, length, 2).joined())
            #expect(outputs[length...].allSatisfy { $0.allSatisfy { $0 == 0 } })
            guard length > 0 else {
                #expect(states(results[1]) == states(h) && states(results[2]) == states(h))
                continue
            }
            let graph = Graph()
            let alone = try layer(
                graph.input("x", [length, 1, 2]), hidden: graph.input("h", [4, 1, 3]),
                cell: graph.input("h", [4, 1, 3]), ForwardPass(graph, .inference))
            let plan = try executor.compile(graph, outputs: [alone.outputs, alone.hidden, alone.cell])
            let expected = try executor.run(
                plan, inputs: ["x": HostTensor([length, 1, 2], numbers), "h": HostTensor([4, 1, 3], states(h))]
            ).map { try $0.elements() as [Float] }
            #expect(isClose(Array(outputs[..<length].joined()), expected[0]))
            #expect(isClose(states(results[1]), expected[1]) && isClose(states(results[2]), expected[2]))
        }
    }

    /// A length that is none is an error, and never a read of other memory.
    @Test(arguments: Place.available.filter { $0 != .reference }, [[-1, 3], [3, 6], [.max, .min]] as [[Int32]])
    func lengthsAreChecked(on place: Place, lengths: [Int32]) throws {
        let graph = Graph()
        let layer = GRU(3, 2, isBidirectional: true, Self.random)
        let y = try layer(
            graph.input("x", [5, 2, 3]), hidden: nil, lengths: graph.input("lengths", [2], .int32),
            ForwardPass(graph, .inference))
        let executor = try place.executor()
        let plan = try executor.compile(graph, outputs: [y.outputs, y.hidden])
        let error = #expect(throws: GraphError.self) {
            try executor.run(
                plan,
                inputs: ["x": HostTensor(zeros: TensorType([5, 2, 3])), "lengths": HostTensor([2], lengths)])
        }
        #expect(error?.description.contains("lengths") == true)
    }

    /// Between layers, and nowhere else, outputs are dropped while training.
    @Test func dropoutIsBetweenLayers() throws {
        func run(_ layer: LSTM, isTraining: Bool) throws -> [Float] {
            let graph = Graph()
            let step = try graph.fill(1, [], .int32)
            let y = try layer(
                graph.input("x", [3, 2, 4]), ForwardPass(graph, isTraining ? .training(step: step) : .inference))
            let executor = try Place.cpu.executor()
            return try executor.run(
                executor.compile(graph, outputs: [y]), inputs: ["x": Self.random.uniform([3, 2, 4], bound: 1)]
            )[0].elements()
        }
        for (layers, changes) in [(1, false), (2, true)] {
            let layer = LSTM(4, 8, layers: layers, dropout: 0.5, Self.random)
            #expect(try (run(layer, isTraining: true) != run(layer, isTraining: false)) == changes)
        }
    }

    @Test func whatDoesNotFitIsSaid() throws {
        let graph = Graph()
        let pass = ForwardPass(graph, .inference)
        let x = try graph.input("x", [5, 2, 3]), lengths = try graph.input("lengths", [3], .int32)
        let states = try graph.input("states", [2, 2, 4])
        let line: UInt = #line + 1
        let lstm = LSTM(3, 4, Self.random)
        let calls: [(String, () throws -> Any)] = [
            ("int32[2]", { try lstm(x, hidden: nil, cell: nil, lengths: lengths, pass) }),
            ("int32[2]", { try lstm(x, hidden: nil, cell: nil, lengths: states, pass) }),
            ("[1, 2, 4]", { try lstm(x, hidden: states, cell: nil, pass) }),
            ("[t, b, features]", { try lstm(lengths, hidden: nil, cell: nil, pass) }),
        ]
        for (message, call) in calls {
            let error = #expect(throws: GraphError.self) { _ = try call() }
            #expect(error?.message.contains(message) == true && error?.location?.line == line, "\(error as Any)")
        }
        for layers in [0, -1, 1 << 40] {
            let error = #expect(throws: GraphError.self) { try GRU(3, 4, layers: layers, Self.random)(x, pass) }
            #expect(error?.message.contains("the number of layers") == true)
        }
        for rate in [-0.5, 1, .nan] {
            let error = #expect(throws: GraphError.self) { try GRU(3, 4, dropout: rate, Self.random)(x, pass) }
            #expect(error?.message.contains("dropout") == true)
        }
        let error = #expect(throws: GraphError.self) { try LSTMCell(3, 4, Self.random)(x, pass) }
        #expect(error?.operation == "LSTMCell" && error?.location?.file.hasPrefix("TesseraTests/") == true)
    }

    @Test func namesArePyTorchs() {
        let names = LSTM(3, 4, layers: 2, isBidirectional: true, Self.random).namedVariables.map(\.name)
        let kinds = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
        let places = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"]
        #expect(names == places.flatMap { place in kinds.map { $0 + place } })
        #expect(GRUCell(3, 4, hasBias: false, Self.random).namedVariables.map(\.name) == ["weight_ih", "weight_hh"])
    }
}
