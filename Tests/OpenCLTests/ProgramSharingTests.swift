import Execution
import Foundation
import OpenCL
import TensorGraph
import Testing

@testable import OpenCLBackend

/// What differs in numbers alone is built once. The kernels are those that lowering chooses, so most of this needs no device.
@Suite struct ProgramSharingTests {
    private static let profiles = [DeviceProfile.KernelStyle.cpu, .gpu].map { style in
        DeviceProfile(
            style: style, vectorWidth: 8, computeUnits: 4, maximumWorkGroupSize: 256, localMemory: 32 << 10)
    }

    private static func programs(
        _ graph: Graph, _ outputs: [Tensor], _ profile: DeviceProfile
    ) throws -> Set<ProgramText> {
        var programs: Set<ProgramText> = []
        for node in try Computation(graph, outputs: outputs, updates: []).optimized().nodes {
            guard case .accepted(let accepted) = try profile.lower(node), let lowered = accepted as? OpenCLNode else {
                continue
            }
            programs.formUnion(try lowered.launches.map { try ProgramText($0.kernel) })
        }
        return programs
    }

    private static func programs(
        of dtype: DType, _ profile: DeviceProfile, _ function: (Tensor) throws -> Tensor
    ) throws -> Set<ProgramText> {
        let graph = Graph()
        let x = try graph.input("x", [6, 5], dtype)
        return try programs(graph, [function(x)], profile)
    }

    @Test(arguments: [DType.float32, .float16, .bfloat16]) func numbersAreNoText(_ dtype: DType) throws {
        func chain(_ x: Tensor, _ a: Double, _ b: Double) throws -> Tensor {
            try ((x * a + b).tanh() - b) / (x - a)
        }
        for profile in Self.profiles {
            let first = try Self.programs(of: dtype, profile) { try chain($0, 2, 3) }
            #expect(first.count == 1)
            // Equal ones, and what C has no literal for.
            for (a, b) in [(2.5, -1e-30), (3, 3), (1e4, -0.5), (Double.nan, .infinity)] {
                #expect(try Self.programs(of: dtype, profile) { try chain($0, a, b) } == first, "\(a), \(b)")
            }
            // The function is.
            #expect(try Self.programs(of: dtype, profile) { try chain($0, 2, 3).exp() } != first)
        }
    }

    @Test func numbersOfReducedProgramsAreNoText() throws {
        for profile in Self.profiles {
            for axis in 0..<2 {
                func programs(_ a: Double, _ b: Double) throws -> Set<ProgramText> {
                    try Self.programs(of: .float32, profile) { try (($0 - a).square() * b).sum(axes: [axis]) }
                }
                #expect(try programs(0.5, 2) == programs(-7, 1e-30))
            }
        }
    }

    /// Other exponents are other functions, and other divisors of integers other instructions.
    @Test func numbersThatMakeOtherCodeAreText() throws {
        for profile in Self.profiles {
            func power(_ exponent: Double) throws -> Set<ProgramText> {
                try Self.programs(of: .float32, profile) { try $0.power(exponent).exp() }
            }
            func quotient(_ divisor: Double) throws -> Set<ProgramText> {
                try Self.programs(of: .int32, profile) { try $0 / divisor }
            }
            #expect(try power(2.5) == power(2.5))
            #expect(try power(2.5) != power(3.5))
            #expect(try quotient(3) != quotient(7))
        }
    }

    /// One program, whose numbers come from each plan's own launch.
    @Test(.needsDevice, arguments: devices) func eachPlanHasItsNumbers(on device: Device) throws {
        let backend = try OpenCLBackend(device, keepsPrograms: false)
        let executor = Executor(cpu: RefusingBackend(), device: backend, policy: .report)
        executor.onCompilation = { _ in }
        let elements: [Float] = [0, 1, -2, 0.1, 1e-20, 3e20, -.infinity]
        let factors = [0.1, -3, 1e10, 16_777_217, 1e-38]
        let plans = try factors.map { factor in
            let graph = Graph()
            let x = try graph.input("x", [elements.count])
            return try executor.compile(graph, outputs: [x.sign() * factor])
        }
        #expect(backend.programs.statistics.built == 1)
        let input = try HostTensor([elements.count], elements)
        for (plan, factor) in zip(plans, factors) {
            let signs: [Float] = elements.map { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }
            let found = try executor.run(plan, inputs: ["x": input])[0]
            let values: [Float] = try found.elements()
            #expect(values == signs.map { $0 * Float(factor) })
        }
    }

    /// A step of training of a convolutional network with batch normalisation, whose statistics, loss and gradients have
    /// the batch's size in them: the last, smaller batch of an epoch is computed by the programs that are there.
    @Test func anotherBatchSizeNeedsNoOtherProgram() throws {
        for profile in Self.profiles {
            let programs = try [64, 50, 37].map { try Self.step(batch: $0, profile) }
            #expect(programs[0].count > 10)
            for other in programs.dropFirst() {
                #expect(
                    other.isSubset(of: programs[0]), "\(profile.style): \(other.subtracting(programs[0]).map(\.name))")
            }
        }
    }

    private static func step(batch: Int, _ profile: DeviceProfile) throws -> Set<ProgramText> {
        let graph = Graph()
        let x = try graph.input("x", [batch, 3, 12, 12]), labels = try graph.input("labels", [batch], .int32)
        let shapes: [Shape] = [[8, 3, 3, 3], [8], [8], [288, 10], [10]]
        let parameters = try shapes.enumerated().map { try graph.input("parameter \($0)", $1) }
        let rate = try graph.input("rate", [])
        let running = try graph.input("running", [8])
        let (normalized, _, variance) = try x.conv2D(parameters[0], padding: 1).batchNorm(
            scale: parameters[1], bias: parameters[2], epsilon: 1e-5)
        let count = Double(batch * 144)
        let next = try running * 0.9 + variance.stoppingGradient() * (count / (count - 1)) * 0.1
        let features = try normalized.relu().maxPool2D(window: 2).reshaped(to: [batch, 288])
        let logits = try features.matMul(parameters[3]) + parameters[4]
        let loss = try logits.crossEntropy(labels: labels).mean()
        let gradients = try graph.gradients(of: loss, withRespectTo: parameters)
        let updates = try zip(parameters, gradients).map { parameter, gradient in
            try parameter - (gradient + parameter * 1e-4) * rate
        }
        return try programs(graph, [loss, next] + updates, profile)
    }
}
