import Execution
import ParityRunner
import Tessera
import Testing

/// What a test of the library runs on.
enum Place: String, CaseIterable, CustomTestStringConvertible {
    case reference
    case cpu
    case opencl

    var testDescription: String { rawValue }

    func executor() throws -> Executor {
        switch self {
        case .reference: Executor(cpu: ReferenceBackend(), device: nil)
        case .cpu: try Executor(on: .cpu)
        case .opencl: try Executor(on: .opencl, policy: .report)
        }
    }

    /// The reference, the CPU path, and OpenCL where this machine has a device.
    static let available: [Place] = {
        do {
            _ = try Executor(on: .opencl)
            return allCases
        } catch {
            print("TesseraTests: skipped on OpenCL: \(error)")
            return [.reference, .cpu]
        }
    }()
}

/// Runs a layer on an input.
func output(_ layer: any Layer, _ input: HostTensor, on place: Place) throws -> [Float] {
    let graph = Graph()
    let result = try layer(graph.input("x", input.shape, input.dtype), ForwardPass(graph, .inference))
    let executor = try place.executor()
    return try executor.run(executor.compile(graph, outputs: [result]), inputs: ["x": input])[0].elements()
}

/// Sets every variable of a layer by its dotted name; a name that it has not is an error.
func set(_ layer: any Layer, _ values: [String: [Float]], on executor: Executor) throws {
    var rest = values
    var tensors: [Variable: HostTensor] = [:]
    for (name, variable) in layer.namedVariables {
        guard let value = rest.removeValue(forKey: name) else { continue }
        tensors[variable] = try HostTensor(variable.type.shape, value)
    }
    try #require(rest.isEmpty, "no variable is named \(rest.keys.sorted())")
    try executor.set(tensors)
}

func isClose(_ a: [Float], _ b: [Float], _ tolerance: Float = 1e-5) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { ($0 - $1).magnitude <= tolerance * max(1, $1.magnitude) }
}
