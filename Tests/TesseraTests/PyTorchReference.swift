import Execution
import Foundation
import Tessera
import TestSupport
import Testing

/// What PyTorch made of a few inputs, as a script in `Tests/References` kept it (`recorder.py` says how).
struct PyTorchReference {
    private let file: SafetensorsFile
    private let cases: Set<String>

    /// - Parameter name: of the script, without its ending.
    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try SafetensorsFile(path: folder.appendingPathComponent("References/\(name).safetensors").path)
        cases = Set(file.names.compactMap { $0.split(separator: "/").first.map(String.init) })
    }

    /// The names of all cases, sorted: a test compares them with those that it has held.
    var names: [String] { cases.sorted() }

    /// The tensors of a case: its inputs, say, by name.
    func tensors(_ kind: String, of name: String) throws -> [String: HostTensor] {
        let prefix = "\(name)/\(kind)/"
        var found: [String: HostTensor] = [:]
        for key in file.names where key.hasPrefix(prefix) {
            found[String(key.dropFirst(prefix.count))] = try file.tensor(key)
        }
        return found
    }

    /// Holds one case to PyTorch, with gradients, on the CPU path and on OpenCL.
    ///
    /// - Parameters:
    ///   - tolerance: the normwise error of each result and gradient.
    ///   - module: what has the case's parameters, under PyTorch's names.
    ///   - build: the outputs by PyTorch's names, “y” where there is one, of the inputs by theirs.
    func check(
        _ name: String, tolerance: Double = 1e-5, module: (any Module)? = nil, mode: ForwardPass.Mode = .inference,
        sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ build: ([String: Tensor], ForwardPass) throws -> [String: Tensor]
    ) throws {
        try #require(cases.contains(name), "there is no case \(name)", sourceLocation: sourceLocation)
        let inputs = try tensors("input", of: name)
        let parameters = try tensors("parameter", of: name)
        let expected = try tensors("output", of: name).sorted { $0.key < $1.key }
        let cotangents = try tensors("cotangent", of: name)
        let expectedGradients = try tensors("gradient", of: name).sorted { $0.key < $1.key }
        for place in Place.available where place != .reference {
            let graph = Graph()
            let pass = ForwardPass(graph, mode)
            let executor = try place.executor()
            var leaves: [String: Tensor] = [:]
            var variables: [Variable: HostTensor] = [:]
            for (name, variable) in module?.namedVariables ?? [] {
                guard let value = parameters[name] else { continue }
                variables[variable] = value
                leaves[name] = try pass.read(variable)
            }
            let unknown = parameters.keys.filter { leaves[$0] == nil }.sorted()
            try #require(unknown.isEmpty, "the module has no \(unknown)", sourceLocation: sourceLocation)
            try executor.set(variables)
            var tensors: [String: Tensor] = [:]
            for (name, value) in inputs { tensors[name] = try graph.input(name, value.shape, value.type.dtype) }
            let built = try build(tensors, pass)
            leaves.merge(tensors) { parameter, _ in parameter }
            let names = expected.map(\.key)
            try #require(built.keys.sorted() == names, "the outputs are \(names)", sourceLocation: sourceLocation)
            let outputs = names.compactMap { built[$0] }
            var total = try graph.fill(0, [])
            for (name, output) in zip(names, outputs) {
                guard let cotangent = cotangents[name] else { continue }
                total = try total + (output * graph.constant(cotangent)).sum()
            }
            let asked = expectedGradients.compactMap { leaves[$0.key] }
            let gradients =
                try asked.isEmpty ? [] : graph.gradients(of: total, withRespectTo: asked, allowsUnused: true)
            let plan = try executor.compile(graph, outputs: outputs + gradients)
            let results = try executor.run(plan, inputs: inputs)
            let all =
                expected.map { ("output \($0.key)", $0.value) }
                + expectedGradients.map { ("gradient of \($0.key)", $0.value) }
            #expect(results.count == all.count, sourceLocation: sourceLocation)
            for (result, (label, reference)) in zip(results, all) {
                #expect(
                    result.shape == reference.shape, "\(name), \(label) on \(place)", sourceLocation: sourceLocation)
                let complaint = Tolerance.normwise(tolerance, floor: 1).complaint(
                    result.doubles(), reference.doubles())
                #expect(
                    complaint == nil, "\(name), \(label) on \(place): \(complaint ?? "")",
                    sourceLocation: sourceLocation)
            }
        }
    }
}
