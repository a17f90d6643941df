/// One use of a model in a graph: whether it trains, what it has read and what it wants updated.
///
/// Every layer reads its variables through the pass, so that each is one tensor of the graph, with one gradient.
public final class ForwardPass {
    /// What a pass is for.
    public enum Mode {
        /// Dropout drops and batch norm uses and follows the batch's statistics. `step` is an int32 scalar that is
        /// another at each step.
        case training(step: Tensor)
        /// Nothing is dropped, and normalisation takes running statistics.
        case inference
    }

    /// The graph that layers add nodes to.
    public let graph: Graph
    /// What the pass is for.
    public let mode: Mode
    /// Where the pass goes on from what layers have kept of earlier runs, if it does.
    public let decoding: Decoding?
    /// How many of the cache's variables layers have used so far.
    var cachedVariables = 0
    /// What stands for variables in place of themselves.
    private var bound: [Variable: Tensor] = [:]
    /// What variables become when the step succeeds, besides what an optimizer does.
    public private(set) var updates: [(Variable, Tensor)] = []

    /// A pass over a graph.
    public init(_ graph: Graph, _ mode: Mode) {
        self.graph = graph
        self.mode = mode
        decoding = nil
    }

    /// A pass of inference over what comes after the positions that a cache holds. What it asks to be updated is the cache's
    /// next content.
    public init(_ graph: Graph, decoding: Decoding) {
        self.graph = graph
        mode = .inference
        self.decoding = decoding
    }

    /// A variable's value as a tensor of the graph: the same tensor at each call, in each pass.
    public func read(_ variable: Variable, file: StaticString = #fileID, line: UInt = #line) throws -> Tensor {
        try bound[variable] ?? graph.read(variable, file: file, line: line)
    }

    /// Lets a tensor stand for a variable, before anything has read it: a parameter in another type, say.
    package func bind(_ variable: Variable, to tensor: Tensor) { bound[variable] = tensor }

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
    /// In the order in which they are called.
    public var layers: [any Layer]

    /// Layers one behind the other.
    public init(_ layers: any Layer...) { self.layers = layers }
    /// Layers one behind the other.
    public init(_ layers: [any Layer]) { self.layers = layers }

    public var members: [LayerMember] { layers.enumerated().map { .layer("\($0)", $1) } }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try layers.reduce(input) { try $1($0, pass) }
    }
}

/// A layer without parameters made of a function.
public struct Lambda: Layer {
    private let body: (Tensor) throws -> Tensor

    /// A layer without parameters that does what a closure says.
    public init(_ body: @escaping (Tensor) throws -> Tensor) { self.body = body }
    public var members: [LayerMember] { [] }
    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor { try body(input) }
}
