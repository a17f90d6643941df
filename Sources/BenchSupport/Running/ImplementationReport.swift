import Execution
import OpenCL
import OpenCLBackend
import Tessera

/// Which implementation a device uses for a family of operations, found by lowering a typical case of each.
package struct ImplementationReport: Encodable, Sendable {
    package struct Step: Hashable, Encodable, Sendable {
        /// The operation, as the graph names it.
        package var operation: String
        /// What the device does it with; nil where it leaves it to the CPU path.
        package var implementation: String?
        /// Why it leaves it to the CPU path.
        package var reason: String?
        /// What the driver said where it could not build the kernel: a fault, not a choice.
        package var failure: String?
    }

    package var family: String
    /// The sizes, in the language of `gpu-bench`.
    package var benchCase: String
    package var forward: [Step]
    /// What the gradient needs beyond the forward pass.
    package var backward: [Step]

    enum CodingKeys: String, CodingKey {
        case family
        case benchCase = "case"
        case forward, backward
    }

    /// What cannot be built, each told once.
    package var failures: [String] {
        (forward + backward).compactMap { step in
            step.failure.map { "\(family): \(step.operation): \($0.prefix { $0 != "\n" })" }
        }
    }

    /// A typical size of every family; small enough to be set up in no time.
    static let cases: [(family: String, benchCase: String)] = [
        ("matrix product", "matmul:m=512,n=512,k=512"),
        ("vector × matrix", "matmul:m=1,n=1024,k=1024"),
        ("convolution 3×3", "conv2d:n=4,c=64,h=28,w=28,k=64,r=3,s=3,pad=1"),
        ("convolution 1×1", "conv2d:n=4,c=64,h=28,w=28,k=64,r=1,s=1"),
        ("depthwise convolution", "conv2d:n=4,c=64,h=28,w=28,k=64,r=3,s=3,pad=1,groups=64"),
        ("attention", "attention:b=1,h=4,sq=256,sk=256,d=64,causal=1"),
        ("attention, one query", "attention:b=1,h=4,sq=1,sk=256,d=64"),
        ("LSTM", "lstm:t=16,b=16,i=128,h=128"),
        ("GRU", "gru:t=16,b=16,i=128,h=128"),
        ("softmax", "softmax:rows=256,cols=1024"),
        ("layer norm", "layernorm:rows=256,cols=1024"),
        ("batch norm", "batchnorm2d:n=8,c=32,h=28,w=28"),
        ("max pooling", "maxpool2d:n=8,c=32,h=28,w=28,r=2,stride=2"),
    ]

    package static func all(on device: Device) throws -> [ImplementationReport] {
        let backend = try OpenCLBackend(device)
        return try cases.map { try ImplementationReport($0.family, $0.benchCase, backend) }
    }

    private init(_ family: String, _ text: String, _ backend: OpenCLBackend) throws {
        self.family = family
        benchCase = text
        let forward = try Self.steps(text, .fwd, backend)
        let both = try Self.steps(text, .fwdbwd, backend)
        self.forward = forward
        backward = both.filter { !forward.contains($0) }
    }

    /// Each different one of what a case comes to, in order.
    private static func steps(_ text: String, _ pass: BenchPass, _ backend: OpenCLBackend) throws -> [Step] {
        let program = try CaseProgram(BenchCase(text), pass)
        let computation = try Computation(program.graph, outputs: [], updates: program.updates).optimized()
        var steps: [Step] = []
        for node in computation.nodes where !node.op.isLeaf && !node.op.isAlias {
            var step = Step(operation: node.op.name)
            do {
                switch try backend.lower(node) {
                case .accepted(let lowered): step.implementation = lowered.summary
                case .declined(let reason): step.reason = reason
                }
            } catch {
                step.failure = "\(error)"
                step.reason = "its kernel cannot be built"
            }
            if !steps.contains(step) { steps.append(step) }
        }
        return steps
    }
}
