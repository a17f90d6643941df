import TensorGraph

/// The networks of the `train` cases, with PyTorch's initialisations, on a batch of random data.
struct TrainingNetwork {
    let graph: Graph
    let dtype: DType
    let seed: String
    private(set) var parameters: [Variable] = []
    private var tensors: [Tensor] = []

    init(graph: Graph, dtype: DType, seed: String) {
        self.graph = graph
        self.dtype = dtype
        self.seed = seed
    }

    /// The network's output for the batch, and its loss.
    mutating func build(_ model: BenchCase.Model, batch: Int) throws -> (y: Tensor, loss: Tensor) {
        switch model {
        case .fashionCNN: try fashionCNN(batch)
        case .charLSTM: try charLSTM(batch)
        case .tinyTransformer: try tinyTransformer(batch)
        case .deepCross: try deepCross(batch)
        }
    }

    /// The new values of all parameters and of Adam's state after one step down the gradient of `loss`.
    func adamStep(_ loss: Tensor) throws -> [(Variable, Tensor)] {
        let gradients = try graph.gradients(of: loss, withRespectTo: tensors)
        let count = Variable("step", HostTensor(Int32(0)), isTrainable: false)
        let step = try graph.read(count) + 1
        let rate = try graph.fill(0.001, [], dtype)
        var updates: [(Variable, Tensor)] = [(count, step)]
        for (index, parameter) in parameters.enumerated() {
            let slots = ["m", "v"].map {
                Variable("\(parameter.name).\($0)", HostTensor(zeros: parameter.type), isTrainable: false)
            }
            let results = try graph.add(
                .adam(Adam()), [tensors[index], gradients[index]] + slots.map { try graph.read($0) } + [step, rate])
            updates += zip([parameter] + slots, results)
        }
        return updates
    }

    // MARK: Parts

    private mutating func parameter(_ name: String, _ shape: Shape, _ distribution: Distribution) throws -> Tensor {
        let variable = Variable(name, try distribution.tensor(shape, dtype, name: "\(seed) \(name)"))
        parameters.append(variable)
        let tensor = try graph.read(variable)
        tensors.append(tensor)
        return tensor
    }

    /// A part of the batch: not a parameter, yet resident like one.
    private func data(_ name: String, _ shape: Shape, _ distribution: Distribution) throws -> Tensor {
        let value = try distribution.tensor(shape, dtype, name: "\(seed) \(name)")
        return try graph.read(Variable(name, value, isTrainable: false))
    }

    private mutating func linear(_ name: String, _ x: Tensor, _ width: Int) throws -> Tensor {
        let inner = x.shape[x.shape.rank - 1]
        let bound = 1 / Float(inner).squareRoot()
        let weight = try parameter(name + ".weight", [width, inner], .uniform(bound: bound))
        let bias = try parameter(name + ".bias", [width], .uniform(bound: bound))
        return try x.matmul(weight, transposeOther: true) + bias
    }

    private mutating func convolution(_ name: String, _ x: Tensor, _ channels: Int) throws -> Tensor {
        let bound = 1 / Float(x.shape[1] * 9).squareRoot()
        let weight = try parameter(name + ".weight", [channels, x.shape[1], 3, 3], .uniform(bound: bound))
        let bias = try parameter(name + ".bias", [channels], .uniform(bound: bound))
        return try x.conv2D(weight, bias: bias, padding: 1)
    }

    private mutating func layerNorm(_ name: String, _ x: Tensor) throws -> Tensor {
        let features: Shape = [x.shape[x.shape.rank - 1]]
        return try x.layerNorm(
            scale: parameter(name + ".weight", features, .ones), bias: parameter(name + ".bias", features, .zeros))
    }

    private func classLoss(_ logits: Tensor, classes: Int) throws -> Tensor {
        let rows = logits.shape.elementCount / classes
        let labels = try data("labels", [rows], .indices(count: classes))
        return try logits.reshaped(to: [rows, classes]).crossEntropy(labels: labels).mean()
    }

    // MARK: Networks

    /// Two convolutions with pooling and two dense layers, on 28 × 28 pictures.
    private mutating func fashionCNN(_ batch: Int) throws -> (Tensor, Tensor) {
        let x = try data("pictures", [batch, 1, 28, 28], .normal)
        var h = try convolution("0", x, 32).relu().maxPool2D(window: 2)
        h = try convolution("3", h, 64).relu().maxPool2D(window: 2)
        h = try linear("7", h.reshaped(to: [batch, 3136]), 128).relu()
        let y = try linear("9", h, 10)
        return (y, try classLoss(y, classes: 10))
    }

    /// An LSTM of width 256 over 64 characters of 96.
    private mutating func charLSTM(_ batch: Int) throws -> (Tensor, Tensor) {
        let (width, vocabulary, steps) = (256, 96, 64)
        let characters = try data("characters", [steps, batch], .indices(count: vocabulary))
        let table = try parameter("e.weight", [vocabulary, width], .normal)
        let weights = Distribution.uniform(bound: 1 / Float(width).squareRoot())
        let h = try table.embedding(characters).lstm(
            inputWeight: parameter("r.weight_ih_l0", [4 * width, width], weights),
            hiddenWeight: parameter("r.weight_hh_l0", [4 * width, width], weights),
            inputBias: parameter("r.bias_ih_l0", [4 * width], weights),
            hiddenBias: parameter("r.bias_hh_l0", [4 * width], weights)
        ).outputs
        let y = try linear("o", h, vocabulary)
        return (y, try classLoss(y, classes: vocabulary))
    }

    /// Four blocks of width 256 with 8 heads over 256 characters of 96.
    private mutating func tinyTransformer(_ batch: Int) throws -> (Tensor, Tensor) {
        let (width, vocabulary, context) = (256, 96, 256)
        let characters = try data("characters", [batch, context], .indices(count: vocabulary))
        let table = try parameter("e.weight", [vocabulary, width], .normal)
        var x = try table.embedding(characters) + parameter("p", [context, width], .zeros)
        for block in 0..<4 { x = try transformerBlock("b.\(block)", x, heads: 8) }
        let y = try linear("o", layerNorm("n", x), vocabulary)
        return (y, try classLoss(y, classes: vocabulary))
    }

    private mutating func transformerBlock(_ name: String, _ x: Tensor, heads: Int) throws -> Tensor {
        let (batch, steps, width) = (x.shape[0], x.shape[1], x.shape[2])
        let normal = try layerNorm(name + ".n1", x)
        // The three projections of PyTorch's one `qkv` layer apart: the same numbers without a copy to split them.
        let parts = try ["q", "k", "v"].map { part in
            try linear("\(name).\(part)", normal, width)
                .reshaped(to: [batch, steps, heads, width / heads]).transposed([0, 2, 1, 3])
        }
        let attended = try parts[0].attention(keys: parts[1], values: parts[2], isCausal: true)
            .transposed([0, 2, 1, 3]).reshaped(to: [batch, steps, width])
        let x = try x + linear(name + ".o", attended, width)
        return try x + linear(name + ".f2", linear(name + ".f1", layerNorm(name + ".n2", x), 4 * width).gelu(), width)
    }

    /// DCN-v2 (Wang et al., 2021): 26 categorical fields embedded beside 13 numbers, three cross layers beside two dense.
    private mutating func deepCross(_ batch: Int) throws -> (Tensor, Tensor) {
        let (fields, values, embedding, numbers) = (26, 1000, 16, 13)
        let categories = try data("categories", [batch, fields], .indices(count: values))
        let offsets = try graph.constant(HostTensor([fields], (0..<fields).map { Int32($0 * values) }))
        let table = try parameter("e.weight", [fields * values, embedding], .normal)
        let embedded = try table.embedding(categories + offsets).reshaped(to: [batch, fields * embedding])
        let x0 = try Tensor.concatenated([embedded, data("numbers", [batch, numbers], .normal)], axis: 1)
        var x = x0
        for layer in 0..<3 { x = try x0 * linear("cross.\(layer)", x, x0.shape[1]) + x }
        let deep = try linear("deep.2", linear("deep.0", x0, 256).relu(), 128).relu()
        let y = try linear("o", Tensor.concatenated([x, deep], axis: 1), 1).reshaped(to: [batch])
        let labels = try data("labels", [batch], .indices(count: 2)).cast(to: dtype)
        // Binary cross-entropy of the sigmoid: softplus(y) - label · y.
        return (y, try (y.softplus() - labels * y).mean())
    }
}
