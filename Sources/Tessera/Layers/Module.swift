/// Something with parameters: a layer, or a model of any shape, which takes and gives what its own methods say.
///
/// A model of one's own is a struct or class whose stored properties hold layers and variables: themselves, or in arrays,
/// dictionaries with names for keys, tuples, optionals, enums, other structs and classes, and property wrappers, nested as
/// one likes, and those of superclasses too. The parameters take their dotted names from the properties:
/// `blocks.0.norm1.weight`. What a closure captures, a set holds or another thing computes is not found: such a module must
/// say its ``members`` itself, or ``Trainer`` refuses to train it.
public protocol Module {
    /// The modules and variables directly inside, by name. By default those among the stored properties.
    var members: [LayerMember] { get }
}

/// Something that turns one tensor into another with parameters of its own.
public protocol Layer: Module {
    /// Adds the layer's computation to the pass's graph.
    ///
    /// - Throws: ``GraphError`` where the input doesn't fit.
    func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor
}

/// A module or variable inside a module, with its name there.
public enum LayerMember {
    /// A variable under a name.
    case variable(String, Variable)
    /// A module under a name, which stands before those of its members.
    case layer(String, any Module)

    var name: String {
        switch self {
        case .variable(let name, _), .layer(let name, _): name
        }
    }
}

extension Module {
    public var members: [LayerMember] { MemberSearch(in: self).members }

    /// Every variable inside by its dotted name, in PyTorch's naming, in order of the modules. A variable that several
    /// share has a name in each.
    public var namedVariables: [(name: String, variable: Variable)] {
        var all: [(name: String, variable: Variable)] = []
        collect(into: &all, prefix: "", path: [])
        return all
    }

    /// - Parameter path: the objects around this module, so that one which is also inside ends the search.
    private func collect(
        into all: inout [(name: String, variable: Variable)], prefix: String, path: Set<ObjectIdentifier>
    ) {
        var path = path
        if type(of: self as Any) is AnyClass, !path.insert(ObjectIdentifier(self as AnyObject)).inserted { return }
        let members = members
        let search = MemberSearch(in: self)
        // Where a module says its members itself, what lies between is not known.
        let ways = members.map(\.name) == search.members.map(\.name) ? search.ways : members.map { _ in [] }
        for (member, way) in zip(members, ways) where path.isDisjoint(with: way) {
            switch member {
            case .variable(let name, let variable): all.append((prefix + name, variable))
            case .layer(let name, let module):
                module.collect(into: &all, prefix: "\(prefix)\(name).", path: path.union(way))
            }
        }
    }

    /// The same, where no two variables have one name, and none a name of what a checkpoint keeps beside the model.
    ///
    /// - Throws: ``GraphError`` where two do, as one of them would be lost in a file; or where one has.
    func uniquelyNamedVariables() throws(GraphError) -> [(name: String, variable: Variable)] {
        var known: [String: Variable] = [:]
        let all = namedVariables
        for (name, variable) in all {
            guard !Checkpoint.isReserved(name) else {
                throw GraphError(
                    operation: "namedVariables", message: Checkpoint.reserved(name, of: self), operands: [variable.type]
                )
            }
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
