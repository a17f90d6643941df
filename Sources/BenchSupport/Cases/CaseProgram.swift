import Foundation
import TensorGraph

/// A case and pass as a graph over variables, so that a run of its plan copies nothing between host and device: inputs are
/// read from variables and results are the new values of others.
///
/// | family | inputs → outputs |
/// | --- | --- |
/// | matmul | a `[batch, m, k]`, b `[batch, k, n]`, each with its last two axes exchanged if `ta`, `tb` → y; no batch axis for 1 |
/// | conv1d | x `[n, c, w]`, w `[k, c/groups, s]` → y |
/// | conv2d | x `[n, c, h, w]`, w `[k, c/groups, r, s]` → y |
/// | conv3d | x `[n, c, d, h, w]`, w `[k, c/groups, t, r, s]` → y |
/// | attention | q `[b, h, sq, d]`, k and v `[b, h, sk, d]` → y, scale 1/√d |
/// | lstm, gru | x `[t, b, i]`, w_ih, w_hh, b_ih, b_hh as PyTorch's, zero initial state → y `[t, b, h]`, h, c (lstm) |
/// | softmax | x `[rows, cols]` → y |
/// | layernorm | x `[rows, cols]`, scale, bias → y |
/// | rmsnorm | x `[rows, cols]`, scale → y, epsilon 2⁻²³ |
/// | groupnorm | x `[n, c, h, w]`, scale, bias → y with statistics of each of `groups` groups of channels |
/// | batchnorm2d | x `[n, c, h, w]`, scale, bias → y with the batch's own statistics |
/// | maxpool2d | x `[n, c, h, w]` → y |
/// | interpolate | x `[n, c, h, w]` → y `[n, c, p, q]` by the nearest elements (`order` 0), linear (1) or cubic (3) filters |
/// | gather | x `[rows, cols]`, indices → y with `count` elements along `axis` 0 or 1: by an index each, or of slices |
/// | cumsum | x `[rows, cols]` → y, summed up along `axis` 0 or 1 |
/// | topk | x `[rows, cols]` → y `[rows, k]`, the greatest of each row in order |
/// | pool | x `[n, c, w]`, with `h` `[n, c, h, w]`, with `d` too `[n, c, d, h, w]` → y; `k`, `s` (or `k`), `p`, `mode` below |
/// | reduce | x, w, b `[rows, cols]` → y, the sum of x·w + b along `axis` 0 or 1 |
/// | chain | x `[1, cols]` → y after so many softmax one after the other: what a node costs beside its arithmetic |
/// | train | a network's parameters and a batch → y, or one Adam step |
///
/// A `pool` takes windows of `k` elements along each axis, `s` apart, padded by `p`, in ceiling mode with `ceil=1`: their
/// maximum, or with `mode=average` or `mode=norm` their mean, padding counted, or norm of order 2.
///
/// Inputs are standard normal; the weights of lstm and gru are uniform in ±1/√h, as PyTorch initialises them: with larger
/// ones the recurrence is chaotic, and no two ways of rounding agree for long.
package struct CaseProgram {
    package struct Slot {
        package var name: String
        package var variable: Variable
    }

    package let graph = Graph()
    package private(set) var inputs: [Slot] = []
    /// The results named in the table.
    package private(set) var outputs: [Slot] = []
    /// For ``BenchPass/fwdbwd`` the cotangent of y and each float input's gradient.
    package private(set) var cotangent: Slot?
    package private(set) var gradients: [Slot] = []
    /// The loss of a training step, before that step's update.
    package private(set) var loss: Variable?
    package private(set) var updates: [(Variable, Tensor)] = []
    /// Floating-point operations of a run. The backward pass counts twice the forward, of attention 2.5 times.
    package private(set) var flops = 0.0
    /// Bytes that must move at least: every input and every result once; of a training step parameters and Adam's state
    /// read and written.
    package private(set) var bytes = 0.0

    /// The variables that stand for a network's batch, which would come anew with each run.
    package private(set) var batch: Set<Variable> = []

    private let dtype: DType
    /// What the case's own tensors are stored in.
    private let stored: DType
    private let caseText: String

    /// - Parameter isReference: whether to compute in float64, on the numbers that the case's own type holds.
    package init(_ benchCase: BenchCase, _ pass: BenchPass, isReference: Bool = false) throws {
        stored = benchCase.type.dtype
        dtype = isReference ? .float64 : stored
        caseText = benchCase.text
        if let model = benchCase.model {
            try train(model, batch: benchCase["b"], pass)
            return
        }
        var tensors: [Tensor] = []
        for (name, shape, distribution) in Self.operands(benchCase) {
            tensors.append(try input(name, shape, distribution))
        }
        let results = try Self.results(benchCase, tensors)
        for (name, tensor) in results { try output(name, tensor) }
        flops = Self.forwardFlops(benchCase, results[0].1.shape)
        if pass == .fwdbwd {
            let y = results[0].1
            let differentiable = tensors.indices.filter { tensors[$0].dtype.isFloatingPoint }
            let dy = Variable(
                "dy", try Distribution.normal.tensor(y.shape, dtype, name: caseText + " dy", stored: stored))
            cotangent = Slot(name: "dy", variable: dy)
            let gradients = try graph.gradients(
                of: y, withRespectTo: differentiable.map { tensors[$0] }, cotangent: graph.read(dy))
            for (name, gradient) in zip(differentiable.map { inputs[$0].name }, gradients) {
                let variable = Variable("grad_" + name, try HostTensor(zeros: gradient.type))
                self.gradients.append(Slot(name: name, variable: variable))
                updates.append((variable, gradient))
            }
            flops *= benchCase.family == .attention ? 3.5 : 3
        }
        let moved = inputs + outputs + gradients + (cotangent.map { [$0] } ?? [])
        bytes = Double(moved.reduce(0) { $0 + $1.variable.type.byteCount })
    }

    // MARK: Single operations

    private mutating func input(_ name: String, _ shape: Shape, _ distribution: Distribution) throws -> Tensor {
        let value = try distribution.tensor(shape, dtype, name: "\(caseText) \(name)", stored: stored)
        let variable = Variable(name, value)
        inputs.append(Slot(name: name, variable: variable))
        return try graph.read(variable)
    }

    private mutating func output(_ name: String, _ tensor: Tensor) throws {
        let variable = Variable(name, try HostTensor(zeros: tensor.type))
        outputs.append(Slot(name: name, variable: variable))
        updates.append((variable, tensor))
    }

    private static func operands(_ c: BenchCase) -> [(String, Shape, Distribution)] {
        switch c.family {
        case .matmul:
            let batch = c["batch"] > 1 ? [c["batch"]] : []
            func shape(_ rows: Int, _ columns: Int, _ isTransposed: Bool) -> Shape {
                Shape(batch + (isTransposed ? [columns, rows] : [rows, columns]))
            }
            return [
                ("a", shape(c["m"], c["k"], c["ta"] != 0), .normal),
                ("b", shape(c["k"], c["n"], c["tb"] != 0), .normal),
            ]
        case .conv1d, .conv2d, .conv3d:
            return [
                ("x", Shape([c["n"], c["c"]] + c.spatialKeys.extents.map { c[$0] }), .normal),
                ("w", Shape([c["k"], c["c"] / c["groups"]] + c.spatialKeys.taps.map { c[$0] }), .normal),
            ]
        case .attention:
            let keys: Shape = [c["b"], c["h"], c["sk"], c["d"]]
            return [("q", [c["b"], c["h"], c["sq"], c["d"]], .normal), ("k", keys, .normal), ("v", keys, .normal)]
        case .lstm, .gru:
            let gates = (c.family == .lstm ? 4 : 3) * c["h"]
            let weights = Distribution.uniform(bound: 1 / Float(c["h"]).squareRoot())
            return [
                ("x", [c["t"], c["b"], c["i"]], .normal), ("w_ih", [gates, c["i"]], weights),
                ("w_hh", [gates, c["h"]], weights), ("b_ih", [gates], weights), ("b_hh", [gates], weights),
            ]
        case .softmax: return [("x", [c["rows"], c["cols"]], .normal)]
        case .layernorm:
            let features: Shape = [c["cols"]]
            return [("x", [c["rows"], c["cols"]], .normal), ("scale", features, .normal), ("bias", features, .normal)]
        case .rmsnorm: return [("x", [c["rows"], c["cols"]], .normal), ("scale", [c["cols"]], .normal)]
        case .groupnorm, .batchnorm2d:
            let features: Shape = [c["c"]]
            let x: Shape = [c["n"], c["c"], c["h"], c["w"]]
            return [("x", x, .normal), ("scale", features, .normal), ("bias", features, .normal)]
        case .maxpool2d: return [("x", [c["n"], c["c"], c["h"], c["w"]], .normal)]
        case .interpolate: return [("x", [c["n"], c["c"], c["h"], c["w"]], .normal)]
        case .gather:
            var indices: Shape = [c["rows"], c["cols"]]
            indices[c["axis"]] = c["count"]
            let extent = c[c["axis"] == 0 ? "rows" : "cols"]
            return [
                ("x", [c["rows"], c["cols"]], .normal),
                ("indices", c["slices"] != 0 ? [c["count"]] : indices, .indices(count: extent)),
            ]
        case .cumsum, .topk: return [("x", [c["rows"], c["cols"]], .normal)]
        case .pool: return [("x", Shape([c["n"], c["c"]] + c.pooledExtents), .normal)]
        case .reduce:
            let shape: Shape = [c["rows"], c["cols"]]
            return ["x", "w", "b"].map { ($0, shape, .normal) }
        case .chain: return [("x", [1, c["cols"]], .normal)]
        case .train: return []
        }
    }

    private static func results(_ c: BenchCase, _ x: [Tensor]) throws -> [(String, Tensor)] {
        switch c.family {
        case .matmul:
            return [("y", try x[0].matMul(x[1], transposeSelf: c["ta"] != 0, transposeOther: c["tb"] != 0))]
        case .conv1d, .conv2d, .conv3d:
            func along(_ key: String) -> [Int] { c.spatialKeys.extents.map { _ in c[key] } }
            let y = try x[0].convolution(
                x[1], stride: along("stride"), padding: along("pad").map { ($0, $0) }, dilation: along("dilation"),
                groups: c["groups"])
            return [("y", y)]
        case .attention: return [("y", try x[0].attention(keys: x[1], values: x[2], isCausal: c["causal"] != 0))]
        case .lstm:
            let (y, h, cell) = try x[0].lstm(
                inputWeight: x[1], hiddenWeight: x[2], inputBias: x[3], hiddenBias: x[4])
            return [("y", y), ("h", h), ("c", cell)]
        case .gru:
            let (y, h) = try x[0].gru(inputWeight: x[1], hiddenWeight: x[2], inputBias: x[3], hiddenBias: x[4])
            return [("y", y), ("h", h)]
        case .softmax: return [("y", try x[0].softmax())]
        case .layernorm: return [("y", try x[0].layerNorm(scale: x[1], bias: x[2]))]
        case .rmsnorm: return [("y", try x[0].rmsNorm(scale: x[1]))]
        case .groupnorm: return [("y", try x[0].groupNorm(groups: c["groups"], scale: x[1], bias: x[2]))]
        case .batchnorm2d: return [("y", try x[0].batchNorm(scale: x[1], bias: x[2]).normalized)]
        case .maxpool2d: return [("y", try x[0].maxPool2D(window: c["r"], stride: c["stride"]))]
        case .interpolate:
            let interpolation: Interpolation =
                switch c["order"] {
                case 0: .nearest
                case 1: .linear(alignsCorners: c["aligned"] != 0)
                default: .cubic(alignsCorners: c["aligned"] != 0)
                }
            return [("y", try x[0].interpolated(toSize: [c["p"], c["q"]], interpolation))]
        case .gather:
            let isSlices = c["slices"] != 0
            return [
                (
                    "y",
                    try isSlices ? x[0].indexSelect(x[1], axis: c["axis"]) : x[0].gather(x[1], axis: c["axis"])
                )
            ]
        case .cumsum: return [("y", try x[0].cumsum(axis: c["axis"]))]
        case .topk: return [("y", try x[0].topK(c["k"]).values)]
        case .pool:
            func along(_ number: Int) -> [Int] { c.pooledExtents.map { _ in number } }
            let (window, stride) = (along(c["k"]), along(c["s"] > 0 ? c["s"] : c["k"]))
            let (padding, ceilingMode) = (along(c["p"]).map { ($0, $0) }, c["ceil"] != 0)
            let y =
                switch c.poolMode {
                case .max:
                    try x[0].maxPool(window: window, stride: stride, padding: padding, ceilingMode: ceilingMode)
                case .average:
                    try x[0].averagePool(window: window, stride: stride, padding: padding, ceilingMode: ceilingMode)
                case .norm:
                    try x[0].normPool(window: window, stride: stride, padding: padding, ceilingMode: ceilingMode)
                }
            return [("y", y)]
        case .reduce: return [("y", try (x[0] * x[1] + x[2]).sum(axes: [c["axis"]]))]
        case .chain: return [("y", try (0..<c["nodes"]).reduce(x[0]) { y, _ in try y.softmax() })]
        case .train: return []
        }
    }

    /// As the peers' programs count them.
    private static func forwardFlops(_ c: BenchCase, _ y: Shape) -> Double {
        let elements = Double(y.elementCount)
        return switch c.family {
        case .matmul: 2 * elements * Double(c["k"])
        case .conv1d, .conv2d, .conv3d:
            2 * elements * Double(c.spatialKeys.taps.reduce(c["c"] / c["groups"]) { $0 * c[$1] })
        case .attention: 4 * elements * Double(c["sk"]) / (c["causal"] != 0 ? 2 : 1)
        case .lstm: 8 * elements * Double(c["i"] + c["h"])
        case .gru: 6 * elements * Double(c["i"] + c["h"])
        case .softmax: 5 * elements
        case .layernorm, .groupnorm, .batchnorm2d: 8 * elements
        case .rmsnorm: 5 * elements
        case .maxpool2d: Double(c["n"] * c["c"] * c["h"] * c["w"])
        // Of as many elements of x as each counts, in one sum; of what only moves, each element once.
        case .interpolate: c["order"] == 0 ? elements : 2 * elements * Double((c["order"] + 1) * (c["order"] + 1))
        case .gather, .cumsum: elements
        case .topk: Double(c["rows"] * c["cols"])
        case .pool: c.pooledExtents.reduce(Double(c["n"] * c["c"])) { $0 * Double($1) }
        case .reduce: 3 * Double(c["rows"] * c["cols"])
        case .chain: 5 * elements * Double(c["nodes"])
        case .train: 0
        }
    }

    // MARK: Training

    private mutating func train(_ model: BenchCase.Model, batch: Int, _ pass: BenchPass) throws {
        var network = try TrainingNetwork(model, graph: graph, dtype: dtype)
        let (y, loss) = try network.build(batch: batch)
        inputs = network.parameters.map { Slot(name: $0.name, variable: $0) }
        self.batch = Set(network.data)
        switch pass {
        case .fwd: try output("y", y)
        case .fwdbwd:
            let variable = Variable("loss", try HostTensor(zeros: loss.type))
            self.loss = variable
            updates = try network.adamStep(loss) + [(variable, loss)]
        }
        let computation = try Computation(graph, outputs: [], updates: updates).simplified()
        flops = computation.nodes.reduce(0) { $0 + $1.flops }
        let read = network.parameters.reduce(0) { $0 + $1.type.byteCount }
        let batch = network.data.reduce(0) { $0 + $1.type.byteCount }
        bytes = Double(batch + (pass == .fwd ? read + y.type.byteCount : 6 * read))
    }
}

extension BenchCase {
    /// The keys of the spatial axes of a convolution, and of its kernel along them.
    fileprivate var spatialKeys: (extents: [String], taps: [String]) {
        let axes = family == .conv1d ? 1 : family == .conv2d ? 2 : 3
        return (Array(["d", "h", "w"].suffix(axes)), Array(["t", "r", "s"].suffix(axes)))
    }

    /// The extents of the axes that a `pool` case has.
    fileprivate var pooledExtents: [Int] { ["d", "h", "w"].map { self[$0] }.filter { $0 > 0 } }
}

extension BenchCase.NumberType {
    package var dtype: DType {
        switch self {
        case .f32, .tf32: .float32
        case .f16: .float16
        case .bf16: .bfloat16
        }
    }

    /// What a result may be off by: that of float32, and a few roundings of operands or results.
    var limit: ResultError {
        let unit =
            switch self {
            case .f32: 0.0
            case .tf32: 0x1p-10
            case .f16: 0x1p-11
            case .bf16: 0x1p-8
            }
        return ResultError(normwise: ResultError.limit.normwise + 4 * unit, peak: ResultError.limit.peak + 4 * unit)
    }
}
