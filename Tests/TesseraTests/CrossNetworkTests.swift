import Tessera
import Testing

/// Cross networks, embeddings of columns and bags, and factorisation machines beside the papers' formulas:
/// `Tests/References/cross.py`.
@Suite struct CrossNetworkTests {
    private static var random: RandomSource { RandomSource(seed: 1) }

    private static var layers: [String: any Layer] {
        func deepCross(_ arrangement: DeepCrossNetwork.Arrangement) -> DeepCrossNetwork {
            DeepCrossNetwork(
                4, cross: CrossNetworkV2(4, depth: 2, random), hidden: [6, 3], arrangement: arrangement, outputs: 2,
                random)
        }
        func bag(_ mode: EmbeddingBag.Mode, _ paddingIndex: Int? = nil) -> EmbeddingBag {
            EmbeddingBag(5, 3, mode: mode, paddingIndex: paddingIndex, random)
        }
        return [
            "cross": CrossNetwork(4, depth: 3, random), "cross v2": CrossNetworkV2(4, depth: 2, random),
            "mixture": CrossNetworkMixture(4, depth: 2, rank: 2, experts: 3, random),
            "mixture relu": CrossNetworkMixture(4, depth: 2, rank: 2, experts: 3, activation: ReLU(), random),
            "stacked": deepCross(.stacked), "parallel": deepCross(.parallel),
            "categories": CategoricalEmbedding([3, 5, 2], 2, random),
            "columns": ColumnEmbeddings([(3, 2), (5, 1), (2, 3)], random),
            "machine": FactorizationMachine([3, 5, 2], 2, random),
            "deep fm": DeepFM([3, 5, 2], 2, hidden: [5, 3], random),
            "bag sum": bag(.sum), "bag mean": bag(.mean), "bag maximum": bag(.maximum), "bag sum padded": bag(.sum, 0),
            "bag mean padded": bag(.mean, 0), "bag maximum padded": bag(.maximum, 0), "bag empty": bag(.maximum, 0),
        ]
    }

    @Test func eachIsTheFormula() throws {
        let reference = try PyTorchReference("cross")
        #expect(reference.names == (Self.layers.keys + ["bag weighted", "hash", "hash wide"]).sorted())
        for (name, layer) in Self.layers.sorted(by: { $0.key < $1.key }) {
            try reference.check(name, module: layer) { inputs, pass in
                ["y": try layer(#require(inputs["x"]), pass)]
            }
        }
        let bag = EmbeddingBag(5, 3, mode: .sum, Self.random)
        try reference.check("bag weighted", module: bag) { inputs, pass in
            let (x, weights) = try (#require(inputs["x"]), #require(inputs["w"]))
            return try ["y": bag(x, weights: weights, pass)]
        }
        for name in ["hash", "hash wide"] {
            try reference.check(name) { inputs, _ in
                let x = try #require(inputs["x"])
                return ["plain": try x.hashed(into: 7), "rare": try x.hashed(beyond: 10, into: 1000)]
            }
        }
    }

    /// A category that its column has not is an error, though the table has such a row.
    @Test(arguments: Place.available) func columnsKeepToTheirPart(_ place: Place) throws {
        let layer = CategoricalEmbedding([2, 3], 2, Self.random)
        let executor = try place.executor()
        let graph = Graph()
        let y = try layer(graph.input("x", [1, 2], .int32), ForwardPass(graph, .inference))
        let plan = try executor.compile(graph, outputs: [y])
        #expect(try executor.run(plan, inputs: ["x": HostTensor([1, 2], [1, 2] as [Int32])])[0].shape == [1, 2, 2])
        for wrong in [[2, 0], [0, 3], [-1, 0]] as [[Int32]] {
            let error = #expect(throws: GraphError.self) {
                try executor.run(plan, inputs: ["x": HostTensor([1, 2], wrong)])
            }
            #expect(error?.message.contains("categories of column") == true, "\(error as Any)")
        }
    }

    @Test func emptyInputsStayEmpty() throws {
        for (layer, input, output) in [
            (CrossNetworkMixture(4, depth: 1, rank: 2, experts: 2, Self.random), TensorType([0, 4]), [0, 4]),
            (CategoricalEmbedding([2, 3], 2, Self.random), TensorType([0, 2], .int32), [0, 2, 2]),
            (EmbeddingBag(2, 3, Self.random), TensorType([4, 0], .int32), [4, 3]),
            (DeepFM([2, 3], 2, hidden: [], Self.random), TensorType([0, 2], .int32), [0, 1]),
            (CrossNetwork(4, depth: 0, Self.random), TensorType([2, 4]), [2, 4]),
        ] as [(any Layer, TensorType, [Int])] {
            for place in Place.available {
                let executor = try place.executor()
                let graph = Graph()
                let y = try layer(graph.input("x", input.shape, input.dtype), ForwardPass(graph, .inference))
                let x = try HostTensor(zeros: input)
                #expect(
                    try executor.run(executor.compile(graph, outputs: [y]), inputs: ["x": x])[0].shape == Shape(output))
            }
        }
    }

    @Test func whatDoesNotFitNamesTheLine() throws {
        let random = Self.random
        let cases: [(layer: any Layer, input: TensorType, line: UInt)] = [
            (CrossNetwork(4, depth: 1, random), TensorType([2, 3]), #line),
            (CrossNetwork(4, depth: 1, random), TensorType([4]), #line),
            (CrossNetwork(-4, depth: 1, random), TensorType([2, 4]), #line),
            (CrossNetworkV2(4, depth: 1, random), TensorType([2, 2, 4]), #line),
            (CrossNetworkMixture(4, depth: 1, rank: -1, experts: 2, random), TensorType([2, 4]), #line),
            (CrossNetworkMixture(4, depth: 1, rank: 2, experts: .max, random), TensorType([2, 4]), #line),
            (CategoricalEmbedding([2, 3], 2, random), TensorType([2, 3], .int32), #line),
            (CategoricalEmbedding([2, 3], 2, random), TensorType([2, 2]), #line),
            (CategoricalEmbedding([2, -3], 2, random), TensorType([2, 2], .int32), #line),
            (CategoricalEmbedding([.max, .max], 2, random), TensorType([2, 2], .int32), #line),
            (ColumnEmbeddings([(2, 2)], random), TensorType([2, 2], .int32), #line),
            (ColumnEmbeddings([], random), TensorType([2, 0], .int32), #line),
            (EmbeddingBag(4, 2, random), TensorType([2], .int32), #line),
            (EmbeddingBag(4, 2, paddingIndex: 4, random), TensorType([2, 2], .int32), #line),
            (FactorizationMachine([2], -1, random), TensorType([2, 1], .int32), #line),
            (DeepFM([2, 3], 2, hidden: [0, -1], random), TensorType([2, 2], .int32), #line),
        ]
        for (layer, input, line) in cases {
            let graph = Graph()
            let error = #expect(throws: GraphError.self, "\(layer)") {
                try layer(graph.input("x", input.shape, input.dtype), ForwardPass(graph, .inference))
            }
            #expect(error?.location?.line == line, "\(error as Any)")
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true)
        }
        let graph = Graph()
        let x = try graph.input("x", [2], .int32)
        #expect(throws: GraphError.self) { try x.hashed(into: 0) }
        #expect(throws: GraphError.self) { try x.hashed(beyond: -1, into: 3) }
        #expect(throws: GraphError.self) { try x.hashed(beyond: .max, into: .max) }
        #expect(throws: GraphError.self) { try graph.input("y", [2]).hashed(into: 3) }
        #expect(throws: GraphError.self) { try graph.input("y", [2]).pairwiseInteractions() }
    }
}
