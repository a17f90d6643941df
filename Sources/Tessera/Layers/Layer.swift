/// Something that turns one tensor into another with parameters of its own.
///
/// A model of one's own is a struct or class whose stored properties are layers, arrays of layers and variables; its
/// parameters then take their dotted names from the properties: `blocks.0.norm1.weight`.
public protocol Layer {
    /// Adds the layer's computation to the pass's graph.
    ///
    /// - Throws: ``GraphError`` where the input doesn't fit.
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor

    /// The layers and variables directly inside, by name. By default those among the stored properties.
    var members: [LayerMember] { get }
}

/// A layer or variable inside a layer, with its name there.
public enum LayerMember {
    case variable(String, Variable)
    case layer(String, any Layer)
}

extension Layer {
    public var members: [LayerMember] {
        Mirror(reflecting: self).children.flatMap { child -> [LayerMember] in
            guard let label = child.label else { return [] }
            switch child.value {
            case let variable as Variable: return [.variable(label, variable)]
            case let layer as any Layer: return [.layer(label, layer)]
            case let layers as [any Layer]: return layers.enumerated().map { .layer("\(label).\($0)", $1) }
            default: return []
            }
        }
    }

    /// Every variable inside by its dotted name, in PyTorch's naming, in order of the layers.
    public var namedVariables: [(name: String, variable: Variable)] {
        members.flatMap { member -> [(name: String, variable: Variable)] in
            switch member {
            case .variable(let name, let variable): [(name, variable)]
            case .layer(let name, let layer): layer.namedVariables.map { ("\(name).\($0.name)", $0.variable) }
            }
        }
    }

    /// The variables that an optimizer updates, each once.
    public var parameters: [Variable] {
        var seen: Set<Variable> = []
        return namedVariables.map(\.variable).filter { $0.isTrainable && seen.insert($0).inserted }
    }

    /// The number of trained numbers.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.type.shape.elementCount } }
}

/// One use of a model in a graph: whether it trains, what it has read and what it wants updated.
///
/// Every layer reads its variables through the pass, so that each is one tensor of the graph, with one gradient.
public final class ForwardPass {
    public enum Mode {
        /// Dropout drops and batch norm uses and follows the batch's statistics. `step` is an int32 scalar that is
        /// another at each step.
        case training(step: Tensor)
        case inference
    }

    public let graph: Graph
    public let mode: Mode
    private var tensors: [Variable: Tensor] = [:]
    /// What variables become when the step succeeds, besides what an optimizer does.
    public private(set) var updates: [(Variable, Tensor)] = []

    public init(_ graph: Graph, _ mode: Mode) {
        self.graph = graph
        self.mode = mode
    }

    /// A variable's value as a tensor of the graph: the same tensor at each call.
    public func read(_ variable: Variable, file: StaticString = #fileID, line: UInt = #line) throws -> Tensor {
        if let tensor = tensors[variable] { return tensor }
        let tensor = try graph.read(variable, file: file, line: line)
        tensors[variable] = tensor
        return tensor
    }

    /// Lets a tensor stand for a variable, before anything has read it: a parameter in another type, say.
    package func bind(_ variable: Variable, to tensor: Tensor) { tensors[variable] = tensor }

    /// A variable's value with the updates asked for so far.
    func latest(_ variable: Variable) throws -> Tensor {
        try updates.last { $0.0 == variable }?.1 ?? read(variable)
    }

    /// Asks for a variable to become a tensor; a later call replaces an earlier one.
    public func update(_ variable: Variable, to tensor: Tensor) {
        updates.removeAll { $0.0 == variable }
        updates.append((variable, tensor))
    }
}

/// Layers one after the other. Their names are their numbers from 0, as in PyTorch.
public struct Sequential: Layer {
    public var layers: [any Layer]

    public init(_ layers: any Layer...) { self.layers = layers }
    public init(_ layers: [any Layer]) { self.layers = layers }

    public var members: [LayerMember] { layers.enumerated().map { .layer("\($0)", $1) } }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try layers.reduce(input) { try $1($0, pass) }
    }
}

/// A layer without parameters made of a function.
public struct Lambda: Layer {
    private let body: (Tensor) throws -> Tensor

    public init(_ body: @escaping (Tensor) throws -> Tensor) { self.body = body }
    public var members: [LayerMember] { [] }
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try body(input) }
}
