import CPUBackend
import Execution
import OpenCL
import OpenCLBackend
import TensorGraph
import TestSupport

/// Runs cases with the values that a tuner may choose, and holds the results against the reference.
package struct TuningParity {
    /// What came of the variants of one family on one device.
    package struct Outcome: Sendable {
        package var family: String
        package var device: String
        /// How many variants were run, and on how many cases.
        package var variants = 0
        package var cases = 0
        package var complaints: [String] = []
    }

    private let device: ParityDevice
    private let cases: [OpCase]
    private let coverage: TuningCoverage
    private let isolatesTensors: Bool

    /// - Parameter cases: to choose from; of those that use a family, a dozen from all over the list are run.
    package init(
        _ device: ParityDevice, cases: [OpCase], coverage: TuningCoverage, isolatesTensors: Bool = false
    ) {
        self.device = device
        self.cases = cases
        self.coverage = coverage
        self.isolatesTensors = isolatesTensors
    }

    /// One outcome for each family that the device has kernels of; none on the CPU path.
    ///
    /// - Parameter families: only these; all where it is empty.
    package func check(families: [String] = []) throws -> [Outcome] {
        guard case .opencl(let openCL, let own) = device.kind else { return [] }
        let style = own.style
        let spaces = TuningSpace.all.filter { space in
            space.style == style && (families.isEmpty || families.contains(space.name))
        }
        var users: [String: [Subject]] = [:]
        // Small convolutions are done by Winograd's method only where that is asked for.
        for convolution in [nil, ConvolutionAlgorithm.winograd2, .winograd4] {
            var profile = DeviceProfile(openCL, style: style)
            profile.convolution = convolution
            for opCase in cases where convolution == nil || opCase.name.hasPrefix("conv2D") {
                for (family, problems) in try look(opCase, profile) where convolution == nil || isWinograd(family) {
                    users[family, default: []].append(Subject(opCase: opCase, problems: problems, profile: profile))
                }
            }
        }
        return try spaces.map { try check($0, Self.spread(users[$0.name] ?? [], 12), openCL) }
    }

    private func isWinograd(_ family: String) -> Bool { family.hasPrefix("winograd") }

    private struct Subject {
        var opCase: OpCase
        var problems: [TuningProblem]
        var profile: DeviceProfile
    }

    /// The families that a case's kernels belong to, forward and backward, with the problems they are looked up for.
    private func look(_ opCase: OpCase, _ profile: DeviceProfile) throws -> [String: [TuningProblem]] {
        let built = try opCase.built(withGradients: true)
        let computation = try Computation(built.graph, outputs: built.outputs + built.gradients, updates: [])
            .optimized()
        var problems: [String: [TuningProblem]] = [:]
        for node in computation.nodes where !node.op.isLeaf && !node.op.isAlias {
            let isEmpty = (node.operandTypes + node.resultTypes).contains { $0.shape.elementCount == 0 }
            guard !isEmpty, case .accepted(let lowered) = try profile.lower(node),
                let lowered = lowered as? OpenCLNode
            else { continue }
            for lookUp in lowered.tuning { problems[lookUp.family, default: []].append(lookUp.problem) }
        }
        return problems
    }

    private static func spread(_ subjects: [Subject], _ most: Int) -> [Subject] {
        guard subjects.count > most else { return subjects }
        return (0..<most).map { subjects[$0 * subjects.count / most] }
    }

    private func check(
        _ space: TuningSpace, _ subjects: [Subject], _ openCL: Device
    ) throws -> Outcome {
        var outcome = Outcome(family: space.name, device: device.name)
        guard let profile = subjects.first?.profile else {
            outcome.complaints.append("no case uses these kernels")
            return outcome
        }
        var executors: [ConvolutionAlgorithm?: (backend: OpenCLBackend, executor: Executor)] = [:]
        for profile in subjects.map(\.profile) where executors[profile.convolution] == nil {
            let backend = try OpenCLBackend(
                openCL, profile: profile, timesKernels: false, tuning: TuningTable(), keepsPrograms: false,
                optimizesKernels: device.optimizesKernels)
            let executor = Executor(
                cpu: ReferenceBackend(), device: backend, policy: .report, isolatesTensors: isolatesTensors)
            executors[profile.convolution] = (backend, executor)
        }
        let variants = TuningVariants(space, subjects.map(\.problems), on: profile, coverage: coverage)
        var checks: [Int: Check] = [:]
        for variant in variants.list {
            let opCase = subjects[variant.subject].opCase
            guard let (backend, executor) = executors[subjects[variant.subject].profile.convolution] else { continue }
            let check =
                try checks[variant.subject]
                ?? Check(opCase, .float32, opCase.gradient.tolerance == nil ? .forward : .withGradients)
            checks[variant.subject] = check
            backend.force(variant.values, for: space.name)
            defer { backend.force(nil, for: space.name) }
            var ignored = Parity.Outcome(
                opCase: opCase.name, device: device.name, complaints: [], refusals: [:], operations: [])
            let complaints: [String]
            do { complaints = try check.run(on: executor, true, &ignored) } catch { complaints = ["\(error)"] }
            outcome.complaints += complaints.map { "\(opCase) with \(space.text(variant.values)): \($0)" }
        }
        outcome.variants = variants.list.count
        outcome.cases = checks.count
        return outcome
    }
}
