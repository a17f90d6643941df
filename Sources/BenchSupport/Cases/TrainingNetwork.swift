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

    let graph: Graph
    let dtype: DType
    let model: BenchCase.Model
    let pass: ForwardPass
    private let step: Tensor
    private let stepVariable = Variable("step", HostTensor(Int32(0)), isTrainable: false)
    let random = RandomSource(seed: 1)
    /// What a network keeps beside its parameters and each step follows, running statistics say, in the case's type.
    private var kept: [Variable: Variable] = [:]
    /// The losses with the places of the parameters that each moves, where there are several.
    var objectives: [(loss: Tensor, parameters: Range<Int>)] = []

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
        case .charLSTM:
            return try textModel(prepared(CharacterLSTM(random)), [CharacterLSTM.context, batch])
        case .tinyTransformer:
            return try textModel(prepared(CharacterTransformer(random)), [batch, CharacterTransformer.context])
        case .deepCross:
            return try deepCross(batch)
        case .detect:
            return try detector(batch)
        case .movingItems:
            return try movingItems(batch)
        case .fashionGAN:
            return try fashionGAN(batch)
        }
    }

    /// The new values of all parameters and of Adam's state after one step down the gradient of `loss`.
    func adamStep(_ loss: Tensor) throws -> [(Variable, Tensor)] {
        let tensors = try parameters.map { try pass.read($0) }
        let parts = objectives.isEmpty ? [(loss, 0..<tensors.count)] : objectives
        let gradients = try parts.flatMap { loss, range in
            try graph.gradients(of: loss, withRespectTo: Array(tensors[range]))
        }
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
    mutating func prepared<Network: Module>(_ layer: Network, name: String? = nil) throws -> Network {
        for (inner, variable) in layer.namedVariables {
            let twin = Variable(
                name.map { "\($0).\(inner)" } ?? inner, try variable.initialValue.converted(to: dtype),
                isTrainable: variable.isTrainable)
            if variable.isTrainable { parameters.append(twin) } else { kept[variable] = twin }
            pass.bind(variable, to: try pass.read(twin))
        }
        return layer
    }

    mutating func data(_ name: String, _ shape: Shape, _ distribution: Distribution) throws -> Tensor {
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
