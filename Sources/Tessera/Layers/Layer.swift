/// Something that turns one tensor into another with parameters of its own.
///
/// A model of one's own is a struct or class whose stored properties hold layers and variables: themselves, or in arrays,
/// dictionaries with names for keys, tuples, optionals, enums, other structs and classes, and property wrappers, nested as
/// one likes, and those of superclasses too. The parameters take their dotted names from the properties:
/// `blocks.0.norm1.weight`. What a closure captures, a set holds or another thing computes is not found: such a layer must
/// say its ``members`` itself, or ``Trainer`` refuses to train it.
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

    var name: String {
        switch self {
        case .variable(let name, _), .layer(let name, _): name
        }
    }
}

extension Layer {
    public var members: [LayerMember] { MemberSearch(in: self).members }

    /// Every variable inside by its dotted name, in PyTorch's naming, in order of the layers. A variable that several layers
    /// share has a name in each.
    public var namedVariables: [(name: String, variable: Variable)] {
        var all: [(name: String, variable: Variable)] = []
        collect(into: &all, prefix: "", path: [])
        return all
    }

    /// - Parameter path: the objects around this layer, so that one which is also inside ends the search.
    private func collect(
        into all: inout [(name: String, variable: Variable)], prefix: String, path: Set<ObjectIdentifier>
    ) {
        var path = path
        if type(of: self as Any) is AnyClass, !path.insert(ObjectIdentifier(self as AnyObject)).inserted { return }
        let members = members
        let search = MemberSearch(in: self)
        // Where a layer says its members itself, what lies between is not known.
        let ways = members.map(\.name) == search.members.map(\.name) ? search.ways : members.map { _ in [] }
        for (member, way) in zip(members, ways) where path.isDisjoint(with: way) {
            switch member {
            case .variable(let name, let variable): all.append((prefix + name, variable))
            case .layer(let name, let layer):
                layer.collect(into: &all, prefix: "\(prefix)\(name).", path: path.union(way))
            }
        }
    }

    /// The same, where no two variables have one name.
    ///
    /// - Throws: ``GraphError`` where two do, as one of them would be lost in a file.
    func uniquelyNamedVariables() throws(GraphError) -> [(name: String, variable: Variable)] {
        var known: [String: Variable] = [:]
        let all = namedVariables
        for (name, variable) in all {
            if let other = known.updateValue(variable, forKey: name), other != variable {
                throw GraphError(
                    operation: "namedVariables",
                    message:
                        "two variables of \(type(of: self)) are named “\(name)”: rename a property, or say the members",
                    operands: [other.type, variable.type])
            }
        }
        return all
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
    /// What stands for variables in place of themselves.
    private var bound: [Variable: Tensor] = [:]
    /// What variables become when the step succeeds, besides what an optimizer does.
    public private(set) var updates: [(Variable, Tensor)] = []

    public init(_ graph: Graph, _ mode: Mode) {
        self.graph = graph
        self.mode = mode
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
