import ExampleNetworks
import Tessera

/// The network of a `train` case, with a batch of random data that stays on the device like the parameters.
///
/// The networks are those of the examples. For the reference their float32 parameters are turned into the same numbers
/// in float64.
struct TrainingNetwork {
    /// In order of the layers.
    private(set) var parameters: [Variable] = []
    /// The batch.
    private(set) var data: [Variable] = []
    /// What a network keeps beside its parameters and each step follows, running statistics say, in the case's type.
    private var kept: [Variable: Variable] = [:]

    private let graph: Graph
    private let dtype: DType
    private let model: BenchCase.Model
    private let pass: ForwardPass
    private let step: Tensor
    private let stepVariable = Variable("step", HostTensor(Int32(0)), isTrainable: false)
    private let random = RandomSource(seed: 1)

    init(_ model: BenchCase.Model, graph: Graph, dtype: DType) throws {
        self.model = model
        self.graph = graph
        self.dtype = dtype
        step = try graph.read(stepVariable) + 1
        pass = ForwardPass(graph, .training(step: step))
    }

    /// The network's output for a batch of random data, and its loss.
    mutating func build(batch: Int) throws -> (y: Tensor, loss: Tensor) {
        switch model {
        case .fashionCNN:
            let pictures = try data("pictures", [batch, 1, 28, 28], .normal)
            return try classifier(prepared(Sequential.fashionCNN(random)), pictures, labels: [batch], classes: 10)
        case .fashionResNet:
            let pictures = try data("pictures", [batch, 1, 28, 28], .normal)
            return try classifier(prepared(FashionResNet(random)), pictures, labels: [batch], classes: 10)
        case .charLSTM:
            return try textModel(prepared(CharacterLSTM(random)), [CharacterLSTM.context, batch])
        case .tinyTransformer:
            return try textModel(prepared(CharacterTransformer(random)), [batch, CharacterTransformer.context])
        case .deepCross:
            return try deepCross(batch)
        case .packageSections:
            return try sequenceClassifier(
                .gru, vocabulary: 11_592, classes: 58, width: 128, hidden: 128, isBidirectional: true,
                pooling: .maximum,
                steps: 12, batch)
        case .wordLanguage:
            return try sequenceClassifier(.lstm, vocabulary: 51, classes: 7, width: 64, hidden: 128, steps: 12, batch)
        case .movieRatings:
            return try movieRatings(batch)
        case .translate:
            return try sequences(prepared(SequenceTransformer.translation(random)), [batch, 12], vocabulary: 4000)
        case .stemming:
            return try sequences(prepared(SequenceTransformer.stemming(random)), [batch, 12], vocabulary: 30)
        }
    }

    /// The new values of all parameters, of Adam's state and of running statistics after one step down the gradient of
    /// `loss`.
    func adamStep(_ loss: Tensor) throws -> [(Variable, Tensor)] {
        let tensors = try parameters.map { try pass.read($0) }
        let gradients = try graph.gradients(of: loss, withRespectTo: tensors)
        let optimizer = Tessera.Adam()
        let rate = try graph.fill(optimizer.learningRate, [], dtype)
        return try [(stepVariable, step)]
            + parameters.indices.flatMap { index in
                try optimizer.update(
                    parameters[index], tensors[index], gradient: gradients[index], step: step, learningRate: rate)
            }
            + pass.updates.compactMap { variable, tensor in kept[variable].map { ($0, tensor) } }
    }

    // MARK: Parts

    /// The layer with its parameters in the case's type, named by their place in the network.
    private mutating func prepared<Network: Module>(_ layer: Network, name: String? = nil) throws -> Network {
        for (inner, variable) in layer.namedVariables {
            let twin = Variable(
                name.map { "\($0).\(inner)" } ?? inner, try variable.initialValue.converted(to: dtype),
                isTrainable: variable.isTrainable)
            if variable.isTrainable { parameters.append(twin) } else { kept[variable] = twin }
            pass.bind(variable, to: try pass.read(twin))
        }
        return layer
    }

    private mutating func data(_ name: String, _ shape: Shape, _ distribution: Distribution) throws -> Tensor {
        let value = try distribution.tensor(shape, dtype, name: "\(model.rawValue) \(name)")
        data.append(Variable(name, value, isTrainable: false))
        return try graph.read(data[data.count - 1])
    }

    private mutating func classifier(
        _ network: any Layer, _ input: Tensor, labels: Shape, classes: Int
    ) throws -> (Tensor, Tensor) {
        let y = try network(input, pass)
        return (y, try Loss.crossEntropy(y, data("labels", labels, .indices(count: classes))))
    }

    private mutating func textModel(_ network: any Layer, _ shape: Shape) throws -> (Tensor, Tensor) {
        let vocabulary = CharacterDataset.vocabularySize
        let characters = try data("characters", shape, .indices(count: vocabulary))
        return try classifier(network, characters, labels: shape, classes: vocabulary)
    }

    /// Sequences of 1 to `steps` tokens.
    private mutating func sequenceClassifier(
        _ cell: RecurrentClassifier.Cell, vocabulary: Int, classes: Int, width: Int, hidden: Int,
        isBidirectional: Bool = false, pooling: RecurrentClassifier.Pooling = .last, steps: Int, _ batch: Int
    ) throws -> (Tensor, Tensor) {
        let network = try prepared(
            RecurrentClassifier(
                cell, vocabulary: vocabulary, classes: classes, width: width, hidden: hidden,
                isBidirectional: isBidirectional, pooling: pooling, random))
        let text = try data("text", [steps, batch], .indices(count: vocabulary))
        let lengths = try data("lengths", [batch], .indices(count: steps)) + 1
        let y = try network(text, lengths: lengths, pass)
        return (y, try Loss.crossEntropy(y, data("labels", [batch], .indices(count: classes))))
    }

    /// Cross layers before dense ones over the four columns of MovieLens.
    private mutating func movieRatings(_ batch: Int) throws -> (Tensor, Tensor) {
        let counts = [673, 4803, 100, 716]
        let network = try prepared(RatingNetwork(.stacked, counts: counts, dropout: 0, random))
        let columns = try counts.enumerated().map { column, count in
            try data("column \(column)", [batch, 1], .indices(count: count))
        }
        let y = try network(.concatenated(columns, axis: 1), pass)
        return (y, try Loss.meanSquaredError(y, data("stars", [batch], .normal)))
    }

    /// Sequences of one length to others of the same.
    private mutating func sequences(
        _ network: SequenceTransformer, _ shape: Shape, vocabulary: Int
    ) throws -> (Tensor, Tensor) {
        let tokens = Distribution.indices(count: vocabulary)
        let memory = try network.encode(data("source", shape, tokens), lengths: nil, pass)
        let y = try network.decode(data("input", shape, tokens), memory: memory, lengths: nil, pass)
        return (y, try Loss.crossEntropy(y, data("target", shape, tokens)))
    }

    /// 26 categorical fields of 1000 values each, embedded in 16 numbers, beside 13 numbers; three cross layers beside two dense
    /// ones.
    private mutating func deepCross(_ batch: Int) throws -> (Tensor, Tensor) {
        let (fields, values, width, numbers) = (26, 1000, 16, 13)
        let table = try prepared(Tessera.Embedding(fields * values, width, random), name: "e")
        let joined = fields * width + numbers
        let network = try prepared(
            DeepCrossNetwork(
                joined, cross: CrossNetworkV2(joined, depth: 3, random), hidden: [256, 128], arrangement: .parallel,
                random))
        let categories = try data("categories", [batch, fields], .indices(count: values))
        let offsets = try graph.constant(HostTensor([fields], (0..<fields).map { Int32($0 * values) }))
        let embedded = try table(categories + offsets, pass).reshaped(to: [batch, fields * width])
        let y = try network(
            Tensor.concatenated([embedded, data("numbers", [batch, numbers], .normal)], axis: 1), pass
        ).reshaped(to: [batch])
        let labels = try data("labels", [batch], .indices(count: 2)).cast(to: dtype)
        return (y, try Loss.binaryCrossEntropyWithLogits(y, labels))
    }
}

extension HostTensor {
    /// A float32 tensor's numbers as float32 or float64.
    fileprivate func converted(to dtype: DType) throws -> HostTensor {
        dtype == .float64 ? try HostTensor(shape, elements(Float.self).map(Double.init)) : self
    }
}
