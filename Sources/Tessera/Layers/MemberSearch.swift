/// The modules and variables that a module's stored properties hold, by name: what `Mirror` shows of them, through
/// containers and values that are no modules themselves.
struct MemberSearch {
    private(set) var members: [LayerMember] = []
    /// For each member the objects that are no modules between the module and it.
    private(set) var ways: [[ObjectIdentifier]] = []
    /// All such objects, each of which is looked into once.
    private var seen: Set<ObjectIdentifier> = []
    private var way: [ObjectIdentifier] = []

    init(in module: any Module) { search(Mirror(reflecting: module), "") }

    /// Goes through the properties of a value, those of superclasses first.
    private mutating func search(_ mirror: Mirror, _ prefix: String) {
        if let superclass = mirror.superclassMirror { search(superclass, prefix) }
        for child in mirror.children {
            guard let label = child.label else { continue }
            if let wrapped = Self.wrappedName(label, child.value) {
                // The wrapper's other properties may hold something too.
                for inner in Mirror(reflecting: child.value).children {
                    let name = inner.label == "wrappedValue" ? wrapped : "\(wrapped).\(inner.label ?? "")"
                    visit(inner.value, prefix + name)
                }
            } else {
                visit(child.value, prefix + Self.name(label))
            }
        }
    }

    private mutating func visit(_ value: Any, _ name: String) {
        if (type(of: value) as? any Elements.Type)?.areTrivial == true { return }
        if let module = value as? any Module { return add(.layer(name, module)) }
        let mirror = Mirror(reflecting: value)
        // Not by the mirror's style, which a type may choose. Nothing else is tried to be an object of some class: with
        // arrays that takes long.
        if type(of: value) is AnyClass { return visit(object: value as AnyObject, mirror, name) }
        switch mirror.displayStyle {
        case .optional: if let some = mirror.children.first { visit(some.value, name) }
        case .collection:
            for (index, element) in mirror.children.enumerated() { visit(element.value, "\(name).\(index)") }
        case .dictionary:
            let pairs = mirror.children.compactMap { entry -> (key: String, value: Any)? in
                let pair = Array(Mirror(reflecting: entry.value).children)
                return pair.count == 2 ? ("\(pair[0].value)", pair[1].value) : nil
            }
            for (key, value) in pairs.sorted(by: { $0.key < $1.key }) { visit(value, "\(name).\(key)") }
        // A set has no order that would be the same next time.
        case .set: return
        default: if !(value is Tensor), !(value is any Dataset) { search(mirror, "\(name).") }
        }
    }

    private mutating func visit(object: AnyObject, _ mirror: Mirror, _ name: String) {
        switch object {
        case let variable as Variable: add(.variable(name, variable))
        // These hold variables that are not the model's.
        case is Graph, is ForwardPass, is DecodingCache, is Executor, is Plan, is Trainer, is any Optimizer,
            is any Dataset:
            return
        default:
            guard seen.insert(ObjectIdentifier(object)).inserted else { return }
            way.append(ObjectIdentifier(object))
            search(mirror, "\(name).")
            way.removeLast()
        }
    }

    private mutating func add(_ member: LayerMember) {
        members.append(member)
        ways.append(way)
    }

    /// The name of the property that the compiler stores under this label: tuples' elements have a dot before their numbers,
    /// lazy properties a long prefix.
    private static func name(_ label: String) -> String {
        let lazyPrefix = "$__lazy_storage_$_"
        if label.hasPrefix(lazyPrefix) { return String(label.dropFirst(lazyPrefix.count)) }
        return label.hasPrefix(".") ? String(label.dropFirst()) : label
    }

    /// The name of a wrapped property, where a value is a property wrapper.
    private static func wrappedName(_ label: String, _ value: Any) -> String? {
        guard label.hasPrefix("_"), !(value is any Module) else { return nil }
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .struct || mirror.displayStyle == .class,
            mirror.children.contains(where: { $0.label == "wrappedValue" })
        else { return nil }
        return String(label.dropFirst())
    }
}

/// A collection, as far as is needed to leave out millions of numbers and words.
private protocol Elements {
    /// Whether no element can hold an object.
    static var areTrivial: Bool { get }
}

extension Elements {
    fileprivate static func isTrivial<Element>(_ type: Element.Type) -> Bool {
        _isPOD(type) || type == String.self || (type as? any Elements.Type)?.areTrivial == true
    }
}

extension Array: Elements { fileprivate static var areTrivial: Bool { isTrivial(Element.self) } }
extension ArraySlice: Elements { fileprivate static var areTrivial: Bool { isTrivial(Element.self) } }
extension ContiguousArray: Elements { fileprivate static var areTrivial: Bool { isTrivial(Element.self) } }
extension Dictionary: Elements { fileprivate static var areTrivial: Bool { isTrivial(Value.self) } }
