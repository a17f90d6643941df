import Foundation
import TensorGraph

extension RandomNumbers {
    /// A standard normal number from two uniform ones (Box and Muller).
    static func normal(_ u: Double, _ v: Double) -> Double { (-2 * log(u)).squareRoot() * cos(2 * .pi * v) }
}

/// The networks of the `train` cases, as `torch_bench.py` has them, on random data.
struct TrainingNetwork {
    let graph: Graph
    let dtype: DType
    var random: RandomNumbers
    private var parameters: [(Variable, Tensor)] = []

    init(graph: Graph, dtype: DType, random: RandomNumbers) {
        self.graph = graph
        self.dtype = dtype
        self.random = random
    }

    /// The network's output and its loss.
    mutating func build(_ model: BenchmarkCase.Model, batch: Int) throws -> (output: Tensor, loss: Tensor) {
        switch model {
        case .fashionCNN: try fashionCNN(batch)
        case .charLSTM: try charLSTM(batch)
        case .tinyTransformer: try tinyTransformer(batch)
        case .deepCross: try deepCross(batch)
        }
    }

    /// The optimizer's part of a step.
    func adamUpdates(_ loss: Tensor) throws -> [(Variable, Tensor)] {
        let gradients = try graph.gradients(of: loss, withRespectTo: parameters.map(\.1))
        let count = Variable("step", HostTensor(Int32(0)), isTrainable: false)
        let step = try graph.read(count) + 1
        let rate = try graph.fill(1e-3, [], dtype)
        var updates: [(Variable, Tensor)] = [(count, step)]
        for ((variable, value), gradient) in zip(parameters, gradients) {
            let moments = ["m", "v"].map { Variable(variable.name + "." + $0, HostTensor(zeros: variable.type)) }
            let slots = try moments.map { try graph.read($0) }
            let results = try graph.add(.adam(Adam()), [value, gradient] + slots + [step, rate])
            updates += [(variable, results[0]), (moments[0], results[1]), (moments[1], results[2])]
        }
        return updates
    }

    // MARK: Networks

    private mutating func fashionCNN(_ batch: Int) throws -> (Tensor, Tensor) {
        var x = try data([batch, 1, 28, 28])
        x = try convolution(x, "0", 32, 1).maxPool2D(window: 2)
        x = try convolution(x, "3", 64, 32).maxPool2D(window: 2).reshaped(to: [batch, 3136])
        x = try dense(x, "7", 3136, 128).relu()
        x = try dense(x, "9", 128, 10)
        return (x, try x.crossEntropy(labels: labels([batch], 10)).mean())
    }

    private mutating func charLSTM(_ batch: Int) throws -> (Tensor, Tensor) {
        let (vocabulary, width, context) = (96, 256, 64)
        let table = try parameter("e", [vocabulary, width], bound: 1)
        let x = try table.embedding(labels([context, batch], vocabulary))
        let bound = 1 / Double(width).squareRoot()
        let sequence = try x.lstm(
            inputWeight: parameter("r.weight_ih", [4 * width, width], bound: bound),
            hiddenWeight: parameter("r.weight_hh", [4 * width, width], bound: bound),
            inputBias: parameter("r.bias_ih", [4 * width], bound: bound),
            hiddenBias: parameter("r.bias_hh", [4 * width], bound: bound)
        ).outputs
        let logits = try dense(sequence, "o", width, vocabulary).reshaped(to: [context * batch, vocabulary])
        return (logits, try logits.crossEntropy(labels: labels([context * batch], vocabulary)).mean())
    }

    private mutating func tinyTransformer(_ batch: Int) throws -> (Tensor, Tensor) {
        let (vocabulary, width, heads, context) = (96, 256, 8, 256)
        let table = try parameter("e", [vocabulary, width], bound: 1)
        var x = try table.embedding(labels([batch, context], vocabulary)) + parameter("p", [context, width], bound: 0)
        for block in 0..<4 {
            let name = "b.\(block)."
            let qkv = try dense(norm(x, name + "n1", width), name + "qkv", width, 3 * width)
                .reshaped(to: [batch, context, 3, heads, width / heads]).transposed([2, 0, 3, 1, 4])
            let parts = try (0..<3).map {
                try qkv.sliced(axis: 0, $0..<($0 + 1)).reshaped(to: [batch, heads, context, width / heads])
            }
            let attended = try parts[0].attention(keys: parts[1], values: parts[2], isCausal: true)
                .transposed([0, 2, 1, 3]).reshaped(to: [batch, context, width])
            x = try x + dense(attended, name + "o", width, width)
            let hidden = try dense(norm(x, name + "n2", width), name + "f1", width, 4 * width).gelu()
            x = try x + dense(hidden, name + "f2", 4 * width, width)
        }
        let logits = try dense(norm(x, "n", width), "o", width, vocabulary)
            .reshaped(to: [batch * context, vocabulary])
        return (logits, try logits.crossEntropy(labels: labels([batch * context], vocabulary)).mean())
    }

    private mutating func deepCross(_ batch: Int) throws -> (Tensor, Tensor) {
        let (fields, vocabulary, width, denseFields) = (26, 1000, 16, 13)
        let features = fields * width + denseFields
        let table = try parameter("e", [fields * vocabulary, width], bound: 1)
        // Each field has its own part of the table.
        let indices = (0..<batch * fields).map { Int32($0 % fields * vocabulary + random.below(vocabulary)) }
        let embedded = try table.embedding(data(HostTensor([batch, fields], indices)))
            .reshaped(to: [batch, fields * width])
        let x0 = try Tensor.concatenated([embedded, data([batch, denseFields])], axis: 1)
        var x = x0
        for layer in 0..<3 { x = try x0 * dense(x, "cross.\(layer)", features, features) + x }
        let deep = try dense(dense(x0, "deep.0", features, 256).relu(), "deep.2", 256, 128).relu()
        let logits = try dense(Tensor.concatenated([x, deep], axis: 1), "o", features + 128, 1).reshaped(to: [batch])
        let targets = try data(values([batch]) { $0.next() % 2 == 0 ? 0 : 1 })
        // Binary cross-entropy with logits: softplus(x) - x·t.
        return (logits, try (logits.softplus() - logits * targets).mean())
    }

    // MARK: Parts

    private mutating func convolution(_ x: Tensor, _ name: String, _ filters: Int, _ channels: Int) throws -> Tensor {
        let bound = 1 / Double(9 * channels).squareRoot()
        return try x.conv2D(
            parameter(name + ".weight", [filters, channels, 3, 3], bound: bound),
            bias: parameter(name + ".bias", [filters], bound: bound), padding: 1
        ).relu()
    }

    private mutating func dense(_ x: Tensor, _ name: String, _ inputs: Int, _ outputs: Int) throws -> Tensor {
        let bound = 1 / Double(inputs).squareRoot()
        let weight = try parameter(name + ".weight", [outputs, inputs], bound: bound)
        return try x.matmul(weight, transposeOther: true) + parameter(name + ".bias", [outputs], bound: bound)
    }

    private mutating func norm(_ x: Tensor, _ name: String, _ width: Int) throws -> Tensor {
        let scale = Variable(name + ".weight", try values([width]) { _ in 1 })
        let tensor = try graph.read(scale)
        parameters.append((scale, tensor))
        return try x.layerNorm(scale: tensor, bias: parameter(name + ".bias", [width], bound: 0))
    }

    private mutating func parameter(_ name: String, _ shape: Shape, bound: Double) throws -> Tensor {
        let variable = Variable(name, try values(shape) { ($0.uniform() * 2 - 1) * bound })
        let tensor = try graph.read(variable)
        parameters.append((variable, tensor))
        return tensor
    }

    private mutating func values(
        _ shape: Shape, _ number: (inout RandomNumbers) -> Double
    ) throws -> HostTensor {
        let numbers = (0..<shape.elementCount).map { _ in Float(number(&random)) }
        return dtype == .float64 ? try HostTensor(shape, numbers.map(Double.init)) : try HostTensor(shape, numbers)
    }

    private mutating func data(_ shape: Shape) throws -> Tensor { try data(values(shape) { $0.normal() }) }

    private func data(_ value: HostTensor) throws -> Tensor {
        try graph.read(Variable("data", value, isTrainable: false))
    }

    private mutating func labels(_ shape: Shape, _ classes: Int) throws -> Tensor {
        try data(HostTensor(shape, (0..<shape.elementCount).map { _ in Int32(random.below(classes)) }))
    }
}
