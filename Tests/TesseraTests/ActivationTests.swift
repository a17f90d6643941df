import Tessera
import Testing

private struct ActivationCase: Sendable {
    var name: String
    var make: @Sendable () -> any Layer

    init(_ name: String, _ make: @escaping @Sendable () -> any Layer) {
        self.name = name
        self.make = make
    }
}

/// Activation layers beside PyTorch's, with slopes at their kinks: `Tests/References/activations.py`.
@Suite struct ActivationTests {
    private static let elementwise: [ActivationCase] = [
        ActivationCase("relu") { ReLU() }, ActivationCase("relu6") { ReLU6() }, ActivationCase("leaky") { LeakyReLU() },
        ActivationCase("leaky 0.2") { LeakyReLU(slope: 0.2) },
        ActivationCase("elu") { ELU() }, ActivationCase("elu 0.7") { ELU(alpha: 0.7) },
        ActivationCase("selu") { SELU() }, ActivationCase("celu") { CELU() },
        ActivationCase("celu 0.5") { CELU(alpha: 0.5) }, ActivationCase("gelu") { GELU() },
        ActivationCase("gelu tanh") { GELU(byTanh: true) },
        ActivationCase("silu") { SiLU() }, ActivationCase("mish") { Mish() }, ActivationCase("softplus") { Softplus() },
        ActivationCase("softplus 2") { Softplus(beta: 2) },
        ActivationCase("softsign") { Softsign() }, ActivationCase("sigmoid") { Sigmoid() },
        ActivationCase("tanh") { Tanh() },
        ActivationCase("hardsigmoid") { HardSigmoid() }, ActivationCase("hardswish") { HardSwish() },
        ActivationCase("hardtanh") { HardTanh() },
        ActivationCase("hardtanh 0.5") { HardTanh(minimum: -3, maximum: 0.5) },
        ActivationCase("logsigmoid") { LogSigmoid() },
        ActivationCase("softshrink") { Softshrink() }, ActivationCase("softshrink 1") { Softshrink(lambda: 1) },
        ActivationCase("hardshrink") { Hardshrink() },
        ActivationCase("hardshrink 1") { Hardshrink(lambda: 1) }, ActivationCase("tanhshrink") { Tanhshrink() },
        ActivationCase("threshold") { Threshold(0.5, value: -2) }, ActivationCase("prelu") { PReLU() },
        ActivationCase("prelu 3") { PReLU(3) },
        ActivationCase("prelu flat") { PReLU() },
    ]

    private static let others: [ActivationCase] = [
        ActivationCase("softmax") { Softmax() }, ActivationCase("softmax 1") { Softmax(axis: 1) },
        ActivationCase("log softmax") { LogSoftmax() },
        ActivationCase("log softmax 0") { LogSoftmax(axis: 0) }, ActivationCase("glu") { GLU() },
        ActivationCase("glu 1") { GLU(axis: 1) },
        ActivationCase("swiglu") { GLU(gate: .silu) }, ActivationCase("geglu") { GLU(axis: 1, gate: .gelu) },
        ActivationCase("reglu") { GLU(gate: .relu) },
        ActivationCase("bilinear") { GLU(gate: .identity) },
    ]

    @Test func eachIsThatOfPyTorch() throws {
        let reference = try PyTorchReference("activations")
        #expect(reference.names == (Self.elementwise + Self.others).map(\.name).sorted())
        for activation in Self.elementwise + Self.others {
            let (name, layer) = (activation.name, activation.make())
            try reference.check(name, module: layer) { inputs, pass in
                ["y": try layer(#require(inputs["x"]), pass)]
            }
        }
    }

    /// What is made of several functions is one program all the same.
    @Test func eachIsOneKernel() throws {
        for activation in Self.elementwise {
            let graph = Graph()
            let layer = activation.make()
            let y = try layer(graph.input("x", [2, 3, 4]), ForwardPass(graph, .inference))
            let plan = try Executor(on: .cpu).compile(graph, outputs: [y])
            let kernels = plan.explain().split(separator: "\n").count { $0.hasPrefix("%") && $0.contains("cpu") }
            #expect(kernels == 1, "\(activation.name)")
        }
    }

    /// Far from 0 nothing overflows that the result doesn't, and NaN stays NaN.
    @Test(arguments: Place.available) func largeNumbersAndNaN(_ place: Place) throws {
        let x = try HostTensor([5], [.nan, 1e18, -1e18, 300, -300] as [Float])
        for activation in Self.elementwise where activation.name != "prelu 3" {
            let graph = Graph()
            let input = try graph.input("x", [5])
            let layer = activation.make()
            let y = try layer(input, ForwardPass(graph, .inference))
            let slopes = try graph.gradients(of: y.sum(), withRespectTo: [input])
            let executor = try place.executor()
            let results = try executor.run(executor.compile(graph, outputs: [y] + slopes), inputs: ["x": x])
            let (values, slopesFound) = (results[0].doubles(), results[1].doubles())
            #expect(values[0].isNaN, "\(activation.name)")
            #expect(values[1...].allSatisfy { $0.isFinite }, "\(activation.name): \(values)")
            #expect(slopesFound[1...].allSatisfy { $0.isFinite }, "\(activation.name): \(slopesFound)")
        }
    }

    @Test func emptyInputsStayEmpty() throws {
        for activation in Self.elementwise where activation.name != "prelu 3" {
            let graph = Graph()
            let layer = activation.make()
            let y = try layer(graph.input("x", [0, 4]), ForwardPass(graph, .inference))
            #expect(y.shape == [0, 4], "\(activation.name)")
        }
    }

    @Test func badNumbersNameTheLine() throws {
        let layers: [(layer: any Layer, line: UInt)] = [
            (LeakyReLU(slope: .nan), #line), (ELU(alpha: .infinity), #line), (CELU(alpha: 0), #line),
            (Softplus(beta: 0), #line), (HardTanh(minimum: 1, maximum: 1), #line), (HardTanh(minimum: .nan), #line),
            (Softshrink(lambda: -1), #line), (Hardshrink(lambda: .nan), #line), (Threshold(.nan, value: 0), #line),
            (LeakyReLU(slope: 1e300), #line), (Softmax(axis: 5), #line), (LogSoftmax(axis: -3), #line),
            (GLU(), #line), (GLU(axis: .min), #line), (PReLU(2), #line), (PReLU(-1), #line),
        ]
        for (layer, line) in layers {
            let graph = Graph()
            let error = #expect(throws: GraphError.self, "\(layer)") {
                try layer(graph.input("x", [2, 3]), ForwardPass(graph, .inference))
            }
            #expect(error?.location?.line == line && error?.location?.file.hasPrefix("TesseraTests/") == true)
        }
        for activation in Self.elementwise + Self.others {
            let graph = Graph()
            let layer = activation.make()
            #expect(throws: GraphError.self) {
                try layer(graph.input("x", [2, 4], .int32), ForwardPass(graph, .inference))
            }
        }
    }
}
