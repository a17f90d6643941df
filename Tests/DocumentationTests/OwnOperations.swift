import Tessera
import Testing

// The code of the article OwnOperations.

extension Tensor {
    /// `x · tanh(log(1 + eˣ))`, as Mish (Misra, 2019).
    func ownMish() throws -> Tensor {
        try self * softplus().tanh()
    }

    /// Rounds to whole numbers; the gradient passes as if nothing had happened.
    func roundedStraightThrough() throws -> Tensor {
        try self + (round() - self).stoppingGradient()
    }
}

/// A layer with a parameter: a learned scale for each channel of `[n, channels]`.
struct ChannelScale: Layer {
    let scale: Variable

    init(_ channels: Int) {
        scale = Variable("scale", try HostTensor([channels], [Float](repeating: 1, count: channels)))
    }

    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try input * pass.read(scale)
    }
}

@Suite struct OwnOperationTests {
    @Test func composedOperationsHaveGradients() throws {
        let graph = Graph()
        let x = try graph.input("x", [4])
        let y = try x.ownMish()
        let slope = try graph.gradients(of: y.sum(), withRespectTo: [x])[0]
        let executor = try Executor()
        let plan = try executor.compile(graph, outputs: [y, slope])
        print(plan.explain())  // the whole slope is one kernel, of 7 instructions
        let values = try executor.run(plan, inputs: ["x": HostTensor([4], [-1, 0, 1, 2] as [Float])])

        let mish = try values[0].elements(Float.self)
        #expect(zip(mish, [-0.30340147, 0, 0.86509836, 1.9439589]).allSatisfy { abs($0 - $1) < 1e-5 })
        let slopes = try values[1].elements(Float.self)
        #expect(zip(slopes, [0.05921, 0.6, 1.04904, 1.06932]).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test func aLayerOfOnesOwnTrains() throws {
        let model = Sequential(ChannelScale(3), Lambda { try $0.roundedStraightThrough() })
        let trainer = Trainer(
            model, loss: .meanSquaredError, optimizer: SGD(learningRate: 0.05), on: try Executor(on: .cpu))
        let inputs = try HostTensor([2, 3], [1, 2, 3, 4, 5, 6] as [Float])
        let targets = try HostTensor([2, 3], [2, 4, 6, 8, 10, 12] as [Float])
        let data = try TensorDataset(inputs: inputs, targets: targets)
        try trainer.fit(data, batchSize: 2, epochs: 100, progress: nil)
        #expect(try trainer.predict(inputs) == targets)
    }
}
