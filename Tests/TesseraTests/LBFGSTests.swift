import Execution
import Tessera
import TestSupport
import Testing

/// L-BFGS beside torch.optim.LBFGS: `Tests/References/lbfgs.py`.
@Suite struct LBFGSTests {
    private struct Parameters: Module {
        let variables: [Variable]
        var members: [LayerMember] { variables.map { .variable($0.name, $0) } }
    }

    private static let cases: [(name: String, options: Options)] = [
        ("valley", Options(rate: 1e-3, iterations: 4)),
        ("valley, wolfe", Options(iterations: 4, search: .strongWolfe)),
        ("valley, to the end", Options(iterations: 100, history: 5, search: .strongWolfe)),
        ("valley, short history", Options(rate: 0.5, iterations: 5, history: 2, search: .strongWolfe)),
        ("network", Options(rate: 0.2, iterations: 3)),
        ("network, wolfe", Options(iterations: 5, search: .strongWolfe)),
        ("network, few evaluations", Options(iterations: 10, evaluations: 3, search: .strongWolfe)),
        ("network, tolerant", Options(iterations: 10, gradientTolerance: 0.2, search: .strongWolfe)),
        ("network, small change", Options(iterations: 10, changeTolerance: 0.05, search: .strongWolfe)),
    ]

    private struct Options {
        var rate = 1.0
        var iterations = 20
        var evaluations: Int?
        var gradientTolerance = 1e-7
        var changeTolerance = 1e-9
        var history = 100
        var search = LBFGS.LineSearch.none

        func optimizer(
            _ model: any Module, on executor: Executor, loss: @escaping (ForwardPass, NamedTensors) throws -> Tensor
        ) -> LBFGS {
            LBFGS(
                model, learningRate: rate, maximumIterations: iterations, maximumEvaluations: evaluations,
                gradientTolerance: gradientTolerance, changeTolerance: changeTolerance, historySize: history,
                lineSearch: search, on: executor, loss: loss)
        }
    }

    private static func valley(_ x: Tensor) throws -> Tensor {
        let count = x.shape[0]
        let (next, own) = (try x.sliced(axis: 0, 1..<count), try x.sliced(axis: 0, 0..<(count - 1)))
        return try ((next - own.square()).square() * 100 + (1 - own).square()).sum()
    }

    @Test(arguments: Place.available, cases.indices) func stepsAreThoseOfPyTorch(_ place: Place, _ index: Int) throws {
        let (name, options) = Self.cases[index]
        let reference = try PyTorchReference("lbfgs")
        let (inputs, expected) = try (reference.tensors("input", of: name), reference.tensors("output", of: name))
        let values = try reference.tensors("parameter", of: name)
        let order = values.count == 1 ? ["x"] : ["w", "b", "v"]
        let model = Parameters(variables: try order.map { Variable($0, try #require(values[$0])) })
        let executor = try place.executor()
        let optimizer = options.optimizer(model, on: executor) { pass, batch in
            let read = try model.variables.map { try pass.read($0) }
            guard read.count == 3 else { return try Self.valley(read[0]) }
            let made = try (batch["x"].matMul(read[0]) + read[1]).tanh().matMul(read[2])
            return try (made - batch["y"]).square().mean()
        }
        // Where it has nearly converged, what is left of float32's digits says how it goes on.
        let isToTheEnd = name == "valley, to the end"
        var step = 0
        while let loss = expected["\(step).loss"] {
            let found = try optimizer.step(Batch(inputs, count: 12))
            let wanted = loss.doubles()[0]
            #expect(
                abs(found - wanted) <= 1e-3 * max(abs(wanted), isToTheEnd ? 1e-3 : 0),
                "\(name), step \(step): \(found), not \(wanted)")
            for variable in model.variables {
                let complaint = Tolerance.normwise(2e-3, floor: 1).complaint(
                    try executor.value(of: variable).doubles(),
                    try #require(expected["\(step).\(variable.name)"]).doubles())
                #expect(complaint == nil, "\(name), \(variable.name) after step \(step): \(complaint ?? "")")
            }
            if !isToTheEnd {
                let counts = try ["evaluations", "iterations"].map {
                    try #require(expected["\(step).\($0)"]).elements(Int64.self)[0]
                }
                #expect(counts == [Int64(optimizer.evaluations), Int64(optimizer.iterations)], "\(name), step \(step)")
            }
            step += 1
        }
        #expect(step >= 2)
    }

    @Test func everyCaseIsHeld() throws {
        #expect(try PyTorchReference("lbfgs").names == Self.cases.map(\.name).sorted())
    }

    /// A layer with statistics and dropout, whose mask stays within a step.
    @Test(arguments: Place.available.filter { $0 != .reference }) func aNetworkIsFitted(_ place: Place) throws {
        let random = RandomSource(seed: 1)
        let model = Sequential(Dense(2, 8, random), Tanh(), Dropout(0.1, random), Dense(8, 1, random))
        let x = try random.normal([32, 2])
        let y = try x.elements(Float.self).enumerated().filter { $0.offset % 2 == 0 }.map { $0.element * 2 }
        let optimizer = LBFGS(model, lineSearch: .strongWolfe, on: try place.executor()) { pass, batch in
            try Loss.meanSquaredError(model(batch["input"], pass), batch["target"])
        }
        let batch = Batch(input: x, target: try HostTensor([32, 1], y), count: 32)
        let first = try optimizer.step(batch)
        for _ in 0..<3 { _ = try optimizer.step(batch) }
        #expect(try optimizer.step(batch) < 0.1 * first)
    }

    @Test func mistakesAreSaidAndChangeNothing() throws {
        let variable = Variable("x", HostTensor(Float(1)))
        let model = Parameters(variables: [variable])
        let executor = try Place.cpu.executor()
        func optimizer(
            rate: Double = 1, iterations: Int = 5, history: Int = 3, search: LBFGS.LineSearch = .none,
            loss: @escaping (Tensor) throws -> Tensor = { try $0.square() }
        ) -> LBFGS {
            LBFGS(
                model, learningRate: rate, maximumIterations: iterations, historySize: history, lineSearch: search,
                on: executor
            ) { pass, _ in try loss(pass.read(variable)) }
        }
        let batch = Batch([:], count: 1)
        for wrong in [optimizer(rate: .nan), optimizer(rate: 0), optimizer(iterations: 0), optimizer(history: 0)] {
            #expect(throws: GraphError.self) { try wrong.step(batch) }
        }
        #expect(throws: GraphError.self) { try optimizer { try $0.graph.fill(1) }.step(batch) }
        #expect(throws: GraphError.self) { try optimizer { try $0.log().log() - 1 }.step(batch) }
        #expect(throws: GraphError.self) { try optimizer(rate: 100) { try $0.sqrt() }.step(batch) }
        #expect(try executor.value(of: variable) == HostTensor(Float(1)))
        // At a minimum, nothing moves.
        #expect(try optimizer { try ($0 - 1).square() }.step(batch) == 0)
        #expect(try executor.value(of: variable) == HostTensor(Float(1)))
        let half = Parameters(variables: [Variable("h", try HostTensor(filledWith: 1, TensorType([], .float16)))])
        let other = LBFGS(half, on: executor) { pass, _ in try pass.read(half.variables[0]).cast(to: .float32) }
        #expect(throws: GraphError.self) { try other.step(batch) }
    }
}
