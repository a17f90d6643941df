import TensorGraph

/// A case as a graph whose inputs and results stay on the device: inputs are variables, and results become variables, so
/// that what is timed is the work alone.
package struct CaseGraph {
    package struct Result {
        package var name: String
        package var tensor: Tensor
        /// Holds the result on the device.
        package var variable: Variable
    }

    package let graph = Graph()
    /// By name, as the files of a dump are called.
    package private(set) var inputs: [(name: String, variable: Variable)] = []
    package private(set) var outputs: [Result] = []
    package private(set) var gradients: [Result] = []
    /// The cotangent of y, for a backward pass.
    package private(set) var cotangent: Variable?
    /// The loss of a training step.
    package private(set) var loss: Tensor?
    private var trainingUpdates: [(Variable, Tensor)] = []

    /// What a run makes of the variables.
    package var updates: [(Variable, Tensor)] {
        (outputs + gradients).map { ($0.variable, $0.tensor) } + trainingUpdates
    }

    private let dtype: DType
    private var random: RandomNumbers

    /// - Parameter dtype: float32, or float64 for the reference, which starts from the same numbers.
    package init(_ benchmark: BenchmarkCase, _ pass: Pass, dtype: DType = .float32, seed: UInt64 = 1) throws {
        self.dtype = dtype
        random = RandomNumbers(seed: seed)
        if let model = benchmark.model {
            try train(model, batch: benchmark["b"], pass)
            return
        }
        let named = try build(benchmark)
        outputs = named.map { Result(name: $0.0, tensor: $0.1, variable: Self.variable(for: $0.1, $0.0)) }
        guard pass == .forwardAndBackward else { return }
        let y = named[0].1
        let dy = try Variable("dy", values(y.shape), isTrainable: false)
        cotangent = dy
        let wanted = try inputs.map { try graph.read($0.variable) }
        let found = try graph.gradients(of: y, withRespectTo: wanted, cotangent: try graph.read(dy))
        gradients = zip(inputs, found).map { input, gradient in
            Result(name: input.name, tensor: gradient, variable: Self.variable(for: gradient, "grad_" + input.name))
        }
    }

    private static func variable(for tensor: Tensor, _ name: String) -> Variable {
        Variable(name, HostTensor(zeros: tensor.type), isTrainable: false)
    }

    /// Standard normal numbers, rounded to float32 so that the reference starts from the same.
    private mutating func values(_ shape: Shape, scale: Double = 1) throws -> HostTensor {
        let numbers = (0..<shape.elementCount).map { _ in Float(random.normal() * scale) }
        return dtype == .float64
            ? try HostTensor(shape, numbers.map(Double.init)) : try HostTensor(shape, numbers)
    }

    private mutating func input(_ name: String, _ shape: Shape) throws -> Tensor {
        let variable = Variable(name, try values(shape))
        inputs.append((name, variable))
        return try graph.read(variable)
    }

    /// The results of a case, y first.
    private mutating func build(_ benchmark: BenchmarkCase) throws -> [(String, Tensor)] {
        let p = benchmark
        switch p.family {
        case .matmul:
            let batch = p["batch"] == 1 ? [] : [p["batch"]]
            let (ta, tb) = (p["ta"] != 0, p["tb"] != 0)
            let a = try input("a", Shape(batch + (ta ? [p["k"], p["m"]] : [p["m"], p["k"]])))
            let b = try input("b", Shape(batch + (tb ? [p["n"], p["k"]] : [p["k"], p["n"]])))
            return [("y", try a.matmul(b, transposeSelf: ta, transposeOther: tb))]
        case .conv2d:
            guard p["groups"] > 0 else { throw BenchmarkError("case \(p): groups must be at least 1") }
            let x = try input("x", [p["n"], p["c"], p["h"], p["w"]])
            let w = try input("w", [p["k"], p["c"] / p["groups"], p["r"], p["s"]])
            return [
                (
                    "y",
                    try x.conv2D(
                        w, stride: p["stride"], padding: p["pad"], dilation: p["dilation"], groups: p["groups"])
                )
            ]
        case .attention:
            let q = try input("q", [p["b"], p["h"], p["sq"], p["d"]])
            let k = try input("k", [p["b"], p["h"], p["sk"], p["d"]])
            let v = try input("v", [p["b"], p["h"], p["sk"], p["d"]])
            return [("y", try q.attention(keys: k, values: v, isCausal: p["causal"] != 0))]
        case .lstm:
            let weights = try recurrentInputs(p, gates: 4)
            let result = try weights[0].lstm(
                inputWeight: weights[1], hiddenWeight: weights[2], inputBias: weights[3], hiddenBias: weights[4])
            return [("y", result.outputs), ("h", result.hidden), ("c", result.cell)]
        case .gru:
            let weights = try recurrentInputs(p, gates: 3)
            let result = try weights[0].gru(
                inputWeight: weights[1], hiddenWeight: weights[2], inputBias: weights[3], hiddenBias: weights[4])
            return [("y", result.outputs), ("h", result.hidden)]
        case .softmax:
            return [("y", try input("x", [p["rows"], p["cols"]]).softmax())]
        case .layernorm:
            let x = try input("x", [p["rows"], p["cols"]])
            let (scale, bias) = (try input("scale", [p["cols"]]), try input("bias", [p["cols"]]))
            return [("y", try x.layerNorm(scale: scale, bias: bias))]
        case .batchnorm2d:
            let x = try input("x", [p["n"], p["c"], p["h"], p["w"]])
            let (scale, bias) = (try input("scale", [p["c"]]), try input("bias", [p["c"]]))
            return [("y", try x.batchNorm(scale: scale, bias: bias).normalized)]
        case .maxpool2d:
            let x = try input("x", [p["n"], p["c"], p["h"], p["w"]])
            return [("y", try x.maxPool2D(window: p["r"], stride: p["stride"]))]
        case .train:
            return []
        }
    }

    private mutating func recurrentInputs(_ p: BenchmarkCase, gates: Int) throws -> [Tensor] {
        // As an initialised layer's, so that the gates do not saturate: normal numbers of that size.
        let x = try input("x", [p["t"], p["b"], p["i"]])
        let scale = 1 / Double(p["h"]).squareRoot()
        let shapes: [(String, Shape)] = [
            ("w_ih", [gates * p["h"], p["i"]]), ("w_hh", [gates * p["h"], p["h"]]), ("b_ih", [gates * p["h"]]),
            ("b_hh", [gates * p["h"]]),
        ]
        return try [x] + shapes.map { name, shape in
            let variable = Variable(name, try values(shape, scale: scale))
            inputs.append((name, variable))
            return try graph.read(variable)
        }
    }

    // MARK: Training

    private mutating func train(_ model: BenchmarkCase.Model, batch: Int, _ pass: Pass) throws {
        var network = TrainingNetwork(graph: graph, dtype: dtype, random: random)
        let (output, loss) = try network.build(model, batch: batch)
        if pass == .forward {
            outputs = [Result(name: "y", tensor: output, variable: Self.variable(for: output, "y"))]
        } else {
            trainingUpdates = try network.adamUpdates(loss)
        }
        self.loss = loss
    }

    // MARK: Work

    /// Forward floating-point operations, by the formulas of PyTorch's side of the comparison; 0 where none is usual.
    package static func flops(_ p: BenchmarkCase) -> Double {
        func product(_ keys: String...) -> Double { keys.reduce(1) { $0 * Double(p[$1]) } }
        switch p.family {
        case .matmul: return 2 * product("batch", "m", "n", "k")
        case .conv2d:
            func extent(_ size: String, _ kernel: String) -> Double {
                Double((p[size] + 2 * p["pad"] - p["dilation"] * (p[kernel] - 1) - 1) / max(p["stride"], 1) + 1)
            }
            return 2 * product("n", "k", "c", "r", "s") / Double(max(p["groups"], 1)) * extent("h", "r") * extent("w", "s")
        case .attention: return 4 * product("b", "h", "sq", "sk", "d") / (p["causal"] != 0 ? 2 : 1)
        case .lstm: return 8 * product("t", "b", "h") * Double(p["i"] + p["h"])
        case .gru: return 6 * product("t", "b", "h") * Double(p["i"] + p["h"])
        case .softmax: return 5 * product("rows", "cols")
        case .layernorm: return 8 * product("rows", "cols")
        case .batchnorm2d: return 8 * product("n", "c", "h", "w")
        case .maxpool2d: return product("n", "c", "h", "w")
        case .train: return 0
        }
    }

    /// The least bytes a pass moves: every input, result, cotangent and gradient once.
    package var bytes: Double {
        let tensors = inputs.map(\.variable.type) + (outputs + gradients).map(\.variable.type) + (cotangent.map { [$0.type] } ?? [])
        return Double(tensors.reduce(0) { $0 + $1.byteCount })
    }
}

/// SplitMix64, for data that is the same everywhere.
package struct RandomNumbers: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// In (0, 1].
    package mutating func uniform() -> Double { (Double(next() >> 11) + 1) * 0x1p-53 }

    package mutating func normal() -> Double { Self.normal(uniform(), uniform()) }

    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
