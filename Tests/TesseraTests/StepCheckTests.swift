import Execution
import Tessera
import Testing

/// Labels, indices and losses that make no sense are said at the step, and the step does not happen.
@Suite struct StepCheckTests {
    private static func error(_ body: () throws -> Void) -> GraphError? {
        #expect(throws: GraphError.self) { try body() }
    }

    @Test("Labels out of range are said, and nothing changes", arguments: Place.available)
    func labels(on place: Place) throws {
        let layer = Dense(2, 3, RandomSource(seed: 1))
        let executor = try place.executor()
        let line: UInt = #line + 1
        let trainer = Trainer(layer, loss: .crossEntropy, optimizer: Adam(), metrics: [.accuracy], on: executor)
        func batch(_ labels: [Int32]) throws -> Batch {
            Batch(
                input: try RandomSource(seed: 2).uniform([labels.count, 2], bound: 1),
                target: try HostTensor([labels.count], labels), count: labels.count)
        }
        _ = try trainer.train(batch([0, 1, 2, 0]))
        let before = try trainer.executor.values(of: layer.parameters)
        for (labels, says) in [
            ([0, 3, 1, 2], "1 of 4 labels in the input “target” is outside 0..<3: the first is 3, element 1"),
            ([0, -1, 9, 2], "2 of 4 labels in the input “target” are outside 0..<3: the first is -1, element 1"),
            ([.max, 1, 1, .min], "the first is 2147483647, element 0"),
        ] as [([Int32], String)] {
            let data = try TensorDataset(inputs: batch(labels).input, targets: batch(labels).target)
            for (index, error) in [
                Self.error { _ = try trainer.train(batch(labels)) },
                Self.error { _ = try trainer.evaluate(data) },
                Self.error { try trainer.fit(data, batchSize: 4, epochs: 1, progress: nil) },
            ].enumerated() {
                // The last has them in another order.
                #expect(error?.description.contains(index < 2 ? says : "0..<3") == true, "\(error as Any)")
                #expect(error?.location?.line == line && error?.location?.file.hasPrefix("TesseraTests/") == true)
            }
        }
        #expect(trainer.step == 1)
        #expect(try trainer.executor.values(of: layer.parameters) == before)
        #expect(try trainer.train(batch([0, 1, 2, 0])).loss.isFinite)

        let ignoring = Trainer(
            layer, loss: .crossEntropyIgnoringNegativeLabels, optimizer: Adam(), metrics: [.accuracy],
            on: try place.executor())
        #expect(try ignoring.train(batch([0, -1, -100, 2])).lossWeight == 2)
        let large = Self.error { _ = try ignoring.train(batch([0, -1, 3, 2])) }
        #expect(large?.description.contains("1 of 4 labels in the input “target” is not below 3") == true)
    }

    /// Where indices can come from.
    private enum Source: String, CaseIterable {
        case input, reshaped, sliced, sum, variable
    }

    @Test("Indices out of range are said wherever they come from", arguments: Place.available, Source.allCases)
    private func indices(on place: Place, _ source: Source) throws {
        let executor = try place.executor()
        let graph = Graph()
        let table = Variable("table", try HostTensor([4, 2], (0..<8).map(Float.init)))
        let stored = Variable("stored", try HostTensor([3], [0, 1, 2] as [Int32]), isTrainable: false)
        let given = try graph.input("given", [3], .int32)
        let indices =
            switch source {
            case .input: given
            case .reshaped: try given.reshaped(to: [1, 3]).stoppingGradient().reshaped(to: [3, 1])
            case .sliced: try Tensor.concatenated([given, given], axis: 0).sliced(axis: 0, 1..<4)
            case .sum: try given + graph.constant(HostTensor([3], [0, 0, 0] as [Int32]))
            case .variable: try graph.read(stored)
            }
        let read = try graph.read(table)
        let line: UInt = #line + 1
        let rows = try read.embedding(indices)
        let gradient = try graph.gradients(of: rows.sum(), withRespectTo: [read])[0]
        let location = SourceLocation(file: #fileID, line: line)
        // The rows are no output of the second, nor does it need them; the third has nothing to do with them.
        let plans = [
            try executor.compile(graph, outputs: [rows.sum()], updates: [(table, read - gradient)]),
            try executor.compile(graph, outputs: [gradient]),
            try executor.compile(graph, outputs: [read.sum()]),
        ]
        func run(_ plan: Plan, _ numbers: [Int32]) throws -> [Float] {
            let value = try HostTensor([3], numbers)
            if source == .variable { try executor.set([stored: value]) }
            return try executor.run(plan, inputs: source == .variable ? [:] : ["given": value])[0].elements()
        }
        for wrong in [[0, 4, 2], [-1, 0, 7], [1, .min, .max]] as [[Int32]] {
            for plan in plans.prefix(2) {
                let error = Self.error { _ = try run(plan, wrong) }
                let count = wrong[1] == 0 || wrong[1] == .min ? "2 of 3 indices" : "1 of 3 indices"
                #expect(error?.message.contains(count) == true, "\(error as Any)")
                #expect(error?.message.contains("outside 0..<4") == true)
                #expect(error?.location == location)
                #expect(error?.message.contains(source == .variable ? "“stored”" : "“given”") == true)
                guard source == .input || source == .reshaped else { continue }
                let first = wrong.firstIndex { !(0..<4).contains($0) } ?? 0
                let says = "outside 0..<4: the first is \(wrong[first]), element \(first)"
                #expect(error?.message.hasSuffix(says) == true, "\(error as Any)")
            }
            #expect(try run(plans[2], wrong) == [28])
        }
        #expect(try executor.value(of: table) == table.initialValue)
        #expect(try run(plans[1], [3, 0, 3]) == [1, 1, 0, 0, 0, 0, 2, 2] || source == .sliced)
        #expect(try run(plans[0], [3, 3, 3]) == [39])
        #expect(executor.failures.isEmpty)
    }

    @Test func constantsAreCheckedWhenCompiled() throws {
        let graph = Graph()
        let indices = try graph.constant(HostTensor([2], [1, 5] as [Int32]))
        let rows = try graph.fill(0, [3, 2]).embedding(indices)
        let executor = try Place.cpu.executor()
        let error = Self.error { _ = try executor.compile(graph, outputs: [rows]) }
        #expect(error?.message.contains("in a constant is outside 0..<3: the first is 5, element 1") == true)
        #expect(try executor.run(executor.compile(graph, outputs: [rows], checksIndices: false))[0].shape == [2, 2])
    }

    @Test("A loss that is not finite is said, skipped or taken", arguments: Place.available)
    func nonFiniteLosses(on place: Place) throws {
        func batch(_ number: Float) throws -> Batch {
            Batch(
                input: try HostTensor([2, 2], [1, 2, number, 1]), target: try HostTensor(zeros: TensorType([2, 1])),
                count: 2)
        }
        func trainer() throws -> (Trainer, Dense) {
            let layer = Dense(2, 1, RandomSource(seed: 1))
            return (
                Trainer(layer, loss: .meanSquaredError, optimizer: SGD(learningRate: 0.1), on: try place.executor()),
                layer
            )
        }
        for number in [Float.nan, .infinity, 1e30] {
            let (trainer, layer) = try trainer()
            _ = try trainer.train(batch(1))
            let before = try trainer.executor.values(of: layer.parameters)
            let error = #expect(throws: NonFiniteLoss.self) { try trainer.train(batch(number)) }
            #expect(error?.step == 1 && error?.loss.isFinite == false && trainer.step == 1)
            let says = number.isFinite ? "try a lower learning rate" : "1 of 4 numbers of the batch's input"
            #expect("\(error as Any)".contains(says), "\(error as Any)")
            #expect(try trainer.executor.values(of: layer.parameters) == before)

            trainer.onNonFiniteLoss = .skip
            #expect(try !trainer.train(batch(number)).loss.isFinite)
            #expect(try trainer.executor.values(of: layer.parameters) == before)
            #expect(trainer.step == 2)
            #expect(try trainer.train(batch(1)).loss.isFinite)
            // An epoch's mean is that of the steps that were taken.
            let inputs = try HostTensor([3, 2], [1, 2, number, 1, 3, 1])
            let data = try TensorDataset(inputs: inputs, targets: try HostTensor(zeros: TensorType([3, 1])))
            let result = try trainer.fit(data, batchSize: 1, epochs: 2, progress: nil)
            #expect(trainer.step == 9 && result.count == 2 && result.loss.isFinite)

            trainer.onNonFiniteLoss = .proceed
            _ = try trainer.train(batch(number))
            let weight = try trainer.executor.value(of: layer.weight).elements(Float.self)
            #expect(trainer.step == 10 && weight.contains { !$0.isFinite })
            #expect(trainer.executor.failures.isEmpty)
        }
    }

    /// A batch of which nothing counts is no reason to take NaN over.
    @Test(arguments: Place.available) func nothingThatCountsAndNotFinite(on place: Place) throws {
        let layer = Dense(2, 1, RandomSource(seed: 1))
        let masked = Loss.weighted("masked") { try WeightedMean(sum: ($0 * $1).sum(), over: $1.sum()) }
        let trainer = Trainer(layer, loss: masked, optimizer: Adam(), on: try place.executor())
        func batch(_ number: Float, _ weight: Float) throws -> Batch {
            Batch(
                input: try HostTensor([2, 2], [1, number, 1, 1]),
                target: try HostTensor(filledWith: Double(weight), TensorType([2, 1])), count: 2)
        }
        #expect(throws: NonFiniteLoss.self) { try trainer.train(batch(.nan, 0)) }
        #expect(try trainer.executor.values(of: layer.parameters)[layer.weight] == layer.weight.initialValue)
        #expect(try trainer.train(batch(1, 0)).lossWeight == 0 && trainer.step == 1)
        trainer.onNonFiniteLoss = .skip
        #expect(try trainer.train(batch(.infinity, 0)).lossWeight == 0 && trainer.step == 2)
        #expect(try trainer.train(batch(1, 1)).loss.isFinite)
        // What counts for nothing is not skipped, and counts among the examples.
        let data = try TensorDataset(inputs: batch(1, 0).input, targets: batch(1, 0).target)
        #expect(try trainer.fit(data, batchSize: 1, epochs: 1, progress: nil).count == 2)
    }

    /// Numbers of which no step can be made, each with what is said of it.
    @Test func numbersThatNothingCanBeMadeOf() throws {
        func refusal(
            _ optimizer: any Optimizer, _ loss: Loss = .meanSquaredError, factor: Double = 1,
            regularizers: [Regularizer] = []
        ) throws -> String {
            let layer = Dense(2, 1, RandomSource(seed: 1))
            let executor = try Place.cpu.executor()
            let line: UInt = #line + 1
            let trainer = Trainer(
                layer, loss: loss, optimizer: optimizer, schedule: LearningRateSchedule { _ in factor },
                regularizers: regularizers, on: executor)
            let batch = Batch(
                input: try HostTensor(zeros: TensorType([2, 2])), target: try HostTensor(zeros: TensorType([2, 1])),
                count: 2)
            let error = Self.error { _ = try trainer.train(batch) }
            #expect(error?.location == SourceLocation(file: #fileID, line: line), "\(error as Any)")
            #expect(try trainer.step == 0 && executor.value(of: layer.weight) == layer.weight.initialValue)
            return error?.message ?? ""
        }
        for wrong in [-0.1, 1, .nan, .infinity] as [Double] {
            #expect(try refusal(Adam(beta1: wrong)).contains("beta1"))
            #expect(try refusal(Adam(beta2: wrong)).contains("beta2"))
        }
        for wrong in [-1e-9, .nan, .infinity] as [Double] {
            #expect(try refusal(Adam(epsilon: wrong)).contains("epsilon"))
            #expect(try refusal(Adam(weightDecay: wrong)).contains("weight decay"))
            #expect(try refusal(SGD(learningRate: 1, momentum: wrong)).contains("momentum"))
            #expect(try refusal(SGD(learningRate: 1, weightDecay: wrong)).contains("weight decay"))
            #expect(try refusal(Adam(), .huber(delta: min(wrong, 0))).contains("delta"))
        }
        #expect(try refusal(SGD(learningRate: 1, isNesterov: true)).contains("momentum"))
        for wrong in [.nan, .infinity, -.infinity, 1e39] as [Double] {
            #expect(try refusal(SGD(learningRate: wrong)).contains("learning rate at step 0"))
            #expect(try refusal(Adam(learningRate: 1), factor: wrong).contains("learning rate at step 0"))
            guard !wrong.isFinite else { continue }
            #expect(try refusal(Adam(), regularizers: [.l1(wrong)]).contains("factor"))
            #expect(try refusal(Adam(), regularizers: [.l2(wrong)]).contains("factor"))
        }
    }

    @Test func inputsThatThePlanHasNotAreNamed() throws {
        let executor = try Place.cpu.executor()
        let graph = Graph()
        let (x, unused) = (try graph.input("x", [2]), try graph.input("unused", [1]))
        let plan = try executor.compile(graph, outputs: [x.exp()])
        let inputs = ["x": try HostTensor(zeros: TensorType([2])), "unused": try HostTensor(zeros: unused.type)]
        // One that the graph has is no mistake, though this plan does not need it.
        #expect(try executor.run(plan, inputs: inputs)[0].elements(Float.self) == [1, 1])
        let line: UInt = #line + 2
        let error = Self.error {
            _ = try executor.run(plan, inputs: inputs.merging(["X": HostTensor(Float(0))]) { first, _ in first })
        }
        #expect(error?.message == "no input is named “X”; the plan takes “x” (float32[2])")
        #expect(error?.location == SourceLocation(file: #fileID, line: line))
        let none = try executor.compile(graph, outputs: [graph.fill(1, [])])
        let stranger = Self.error { _ = try executor.run(none, inputs: ["y": HostTensor(Float(0))]) }
        #expect(stranger?.message.hasSuffix("the plan takes none") == true)
    }
}
