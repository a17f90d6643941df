/// What a layer is made of, as a table: for each layer that it calls, or operation outside of any, the shape of what comes out,
/// parameters, floating-point operations and the memory of what comes out. Below it, the sums. The columns of torchinfo.
///
/// Nothing runs: shapes and operations are those of the graph of one inference, before anything is fused. A row has the
/// parameters that it reads first, and the name and kind of the layer that holds them; one without parameters is named by its
/// last operation.
///
/// - Parameters:
///   - input: the shape and type of the input, with its batch.
/// - Throws: ``GraphError`` where the input does not fit, with the line of the layer, as in training.
public func summary(
    of layer: any Layer, input: TensorType, file: StaticString = #fileID, line: UInt = #line
) throws -> String {
    try summary(of: layer, file: file, line: line) { pass in
        try layer(pass.graph.input("input", input.shape, input.dtype, file: file, line: line), pass)
    }
}

/// The same of a model that takes and gives what its own methods say.
///
/// - Parameter forward: adds one use of the model to the pass's graph and gives its result.
public func summary(
    of module: any Module, file: StaticString = #fileID, line: UInt = #line,
    _ forward: (ForwardPass) throws -> Tensor
) throws -> String {
    let graph = Graph()
    let output = try forward(ForwardPass(graph, .inference))
    var names = ModuleNames()
    names.collect(module, "", [])
    return ModelTable(graph, output, names).text
}

/// Where each variable is in a model.
private struct ModuleNames {
    /// The modules by their dotted names, with their kinds.
    private(set) var kinds: [String: String] = [:]
    /// For each variable the name of the module that holds it.
    private(set) var holders: [Variable: String] = [:]

    mutating func collect(_ module: any Module, _ name: String, _ path: Set<ObjectIdentifier>) {
        var path = path
        if type(of: module as Any) is AnyClass, !path.insert(ObjectIdentifier(module as AnyObject)).inserted { return }
        kinds[name] = Self.kind(of: module)
        for member in module.members {
            switch member {
            case .variable(_, let variable): holders[variable] = holders[variable] ?? name
            case .layer(let inner, let module): collect(module, name.isEmpty ? inner : "\(name).\(inner)", path)
            }
        }
    }

    /// The innermost module that holds all of these variables.
    func module(of variables: [Variable]) -> (name: String, kind: String)? {
        let paths = variables.compactMap { holders[$0]?.split(separator: ".") }
        guard var common = paths.first else { return nil }
        for path in paths { common = Array(zip(common, path).prefix { $0 == $1 }.map(\.0)) }
        while kinds[common.joined(separator: ".")] == nil, !common.isEmpty { common.removeLast() }
        let name = common.joined(separator: ".")
        return (name, kinds[name] ?? "")
    }

    /// A type's name as users write it: `Conv2D` of `Conv<TwoAxes>`.
    private static func kind(of module: any Module) -> String {
        let axes = ["<OneAxis>": "1D", "<TwoAxes>": "2D", "<ThreeAxes>": "3D"]
        return axes.reduce("\(type(of: module))") { name, pair in
            name.split(separator: pair.key, omittingEmptySubsequences: false).joined(separator: pair.value)
        }
    }
}

/// The rows of ``summary(of:input:file:line:)``.
private struct ModelTable {
    private struct Row {
        var name: String
        var kind: String
        var output: TensorType
        var parameters: Int
        var flops: Double
    }

    private var rows: [Row] = []
    private var trained = 0
    private var others = 0
    private var parameterBytes = 0

    init(_ graph: Graph, _ output: Tensor, _ names: ModuleNames) {
        let isLive = graph.nodesNeeded(for: output)
        var counted: Set<Variable> = []
        for nodes in graph.calls {
            let live = nodes.filter { isLive[$0] && !graph.nodes[$0].op.isLeaf }
            guard let last = live.last else { continue }
            let read = live.flatMap { index in
                graph.nodes[index].operands.compactMap { graph.nodes[$0.node].op.variable }
            }
            var row = Row(
                name: "", kind: graph.nodes[last].op.name, output: graph.nodes[last].resultTypes[0], parameters: 0,
                flops: live.reduce(0) { $0 + graph.nodes[$1].flops })
            if let module = names.module(of: read) { (row.name, row.kind) = module }
            for variable in read where counted.insert(variable).inserted {
                let count = variable.type.shape.elementCount
                if variable.isTrainable { trained += count } else { others += count }
                row.parameters += variable.isTrainable ? count : 0
                parameterBytes += variable.type.byteCount
            }
            rows.append(row)
        }
    }

    var text: String {
        let header = ["layer", "kind", "output", "parameters", "flops", "memory"]
        let outputBytes = rows.reduce(0) { $0.plus($1.output.byteCount) }
        var cells = rows.map { row in
            [
                row.name, row.kind, "\(row.output.shape)", grouped(Double(row.parameters)), grouped(row.flops),
                HostMemory.text(of: row.output.byteCount),
            ]
        }
        let flops = rows.reduce(0) { $0 + $1.flops }
        cells.append(["total", "", "", grouped(Double(trained)), grouped(flops), HostMemory.text(of: outputBytes)])
        let lines = aligned([header] + cells, isRight: header.indices.map { $0 >= 3 })
        let state = others > 0 ? ", and \(grouped(Double(others))) numbers that are not trained" : ""
        return lines.joined(separator: "\n")
            + "\n\(grouped(Double(trained))) parameters\(state): \(HostMemory.text(of: parameterBytes))\n"
    }

    /// A count with commas between thousands.
    private func grouped(_ count: Double) -> String {
        guard count < 1e15 else { return "\(count)" }
        var digits = "\(Int(count))"
        var groups: [String] = []
        while digits.count > 3 {
            groups.append(String(digits.suffix(3)))
            digits.removeLast(3)
        }
        return ([digits] + groups.reversed()).joined(separator: ",")
    }
}

extension Op {
    fileprivate var variable: Variable? { if case .variable(let variable) = leaf { variable } else { nil } }
}

extension Graph {
    /// For each node whether a tensor depends on it.
    fileprivate func nodesNeeded(for tensor: Tensor) -> [Bool] {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        isNeeded[tensor.value.node] = true
        for index in nodes.indices.reversed() where isNeeded[index] {
            for operand in nodes[index].operands { isNeeded[operand.node] = true }
        }
        return isNeeded
    }
}
