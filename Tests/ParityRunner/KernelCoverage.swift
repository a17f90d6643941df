import Execution
import OpenCLBackend
import TensorGraph
import TestSupport

/// Which kernels cases launch on devices of which profile, found by lowering alone: no device is needed.
package enum KernelCoverage {
    /// Operations that may pack a weight for all runs.
    static let packing: Set<OpKind> = [
        .matMul, .convolution, .convolutionInputGradient, .rnn, .rnnGradient, .lstm, .lstmGradient, .gru, .gruGradient,
    ]

    /// A node, and which of its operands stay the same from run to run.
    package typealias Subject = (node: Node, steady: Set<Int>)

    /// The nodes of one of a case's plans that have something to compute, optimized as an executor does it; those that may
    /// pack a weight again as they are where inputs are constants.
    package static func nodes(
        _ opCase: OpCase, _ plan: ParityPlan, dtype: DType = .float32
    ) throws -> [Subject] {
        func nodes(ofConstants: Bool) throws -> [Subject] {
            let built = try opCase.built(
                dtype: dtype, withGradients: plan == .withGradients, ofConstants: ofConstants, withData: false)
            let outputs = built.outputs + built.gradients
            let computation = try Computation(built.graph, outputs: outputs, updates: []).optimized()
            return Placement.nodesToLower(computation, changing: ofConstants ? [] : nil).compactMap { $0 }
        }
        let plain = try nodes(ofConstants: false)
        guard plain.contains(where: { packing.contains($0.node.op.kind) }) else {
            return plain
        }
        return try plain + nodes(ofConstants: true).filter { !$0.steady.isEmpty }
    }

    /// The launches of nodes; none of those that the profile's device leaves to another.
    package static func launches(_ nodes: [Subject], _ profile: DeviceProfile) throws -> [KernelLaunch] {
        try nodes.flatMap { node, steady -> [KernelLaunch] in
            guard case .accepted(let lowered) = try profile.lower(node, steady: steady) else { return [] }
            return (lowered as? OpenCLNode)?.launches ?? []
        }
    }

    /// The kernels that tasks launch, for matrix units left out.
    package static func kernels(of tasks: [ParityTask]) throws -> Set<KernelSpecification> {
        var kernels: Set<KernelSpecification> = []
        for task in tasks {
            for plan in task.plans {
                let nodes = try nodes(task.opCase, plan)
                for device in task.devices {
                    guard case .opencl(_, let profile) = device.kind else { continue }
                    kernels.formUnion(try launches(nodes, profile).map(\.kernel))
                }
            }
        }
        return kernels
    }

    /// The programs that cases are run with on devices, in all the types that each case is run in, and what each makes.
    package static func programs(
        of cases: [OpCase], on devices: [ParityDevice]
    ) throws -> [ProgramText: Set<KernelSpecification>] {
        var programs: [ProgramText: Set<KernelSpecification>] = [:]
        for opCase in cases {
            for dtype in Parity.allTypes {
                for device in devices where device.dtypes(of: opCase).contains(dtype) {
                    guard case .opencl(_, let profile) = device.kind else { continue }
                    for plan in ParityPlan.of(opCase, in: dtype) {
                        for (node, steady) in try nodes(opCase, plan, dtype: dtype) {
                            guard case .accepted(let accepted) = try profile.lower(node, steady: steady) else {
                                continue
                            }
                            for launch in (accepted as? OpenCLNode)?.launches ?? [] {
                                programs[try ProgramText(launch.kernel), default: []].insert(launch.kernel)
                            }
                        }
                    }
                }
            }
        }
        return programs
    }

    /// The names of the kernels in each file of `Kernels/`: what `__kernel`, or a macro that stands for it, makes one.
    package static func namesByFile() throws -> [String: [String]] {
        let pattern = #/(?:__kernel|\b[A-Z]+_KERNEL)\b(?:\s|__attribute__\(\([^;{]*?\)\)\)?)*void\s+(\w+)\s*\(/#
        var names: [String: [String]] = [:]
        for path in KernelSource.paths {
            names[path] = try KernelSource.text(of: path).matches(of: pattern).map { String($0.1) }
        }
        return names
    }

    /// The kernels that no case launches on any device, as `file: kernel`, and the files that no kernel is made of. Those
    /// in `probe/` and `driver/`, and those for matrix units, which lowering leaves to devices that have shown them, are no
    /// case's.
    package static func unreached(by cases: [OpCase]) throws -> [String] {
        let profile = DeviceProfile(
            style: .cpu, vectorWidth: 16, computeUnits: 2, maximumWorkGroupSize: 1024, localMemory: 32 << 10)
        let profiles = DeviceProfile.everyVariant(like: profile).map(\.0)
        let namesByFile = try namesByFile().filter { path, _ in
            !path.hasPrefix("probe/") && !path.hasPrefix("driver/") && !path.contains("matrix_")
        }
        var missing = Set(namesByFile.flatMap { path, names in names.map { "\(path): \($0)" } + [path] })
        // The small ones first: the others are only built if something is missing by then.
        for opCase in cases.filter({ !$0.isLarge }) + cases.filter(\.isLarge) where !missing.isEmpty {
            for plan in ParityPlan.of(opCase) {
                let nodes = try nodes(opCase, plan)
                for launch in try profiles.flatMap({ try launches(nodes, $0) }) {
                    missing.subtract(launch.kernel.files)
                    missing.subtract(launch.kernel.files.map { "\($0): \(launch.kernel.name)" })
                }
            }
        }
        return missing.sorted()
    }

    /// What there is to cover of a kernel: itself, each macro's each value, and of generated text every word. A kernel
    /// is not tried with every combination of them.
    package static func traits(_ kernel: KernelSpecification) -> Set<String> {
        let words = kernel.generated.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        let traits = kernel.defines.map { "\($0.key)=\($0.value)" } + words.map(String.init)
        return Set(traits.map { "\(kernel.name) \($0)" } + [kernel.name])
    }

    /// Plans on devices that together have all ``traits(_:)`` of the kernels that `cases` would launch on `devices` in the types
    /// `dtypes`: a small set, of small cases, chosen greedily.
    package static func cover(
        _ cases: [OpCase], on devices: [ParityDevice], in dtypes: [DType]
    ) throws -> [ParityTask] {
        struct Candidate {
            var task: ParityTask
            var traits: [Int]
            var cost: Int
        }
        // Traits by number: there are a million to look at.
        var numbers: [String: Int] = [:]
        var known: [KernelSpecification: [Int]] = [:]
        func number(_ trait: String) -> Int {
            if let number = numbers[trait] { return number }
            numbers[trait] = numbers.count
            return numbers.count - 1
        }
        func traits(of kernel: KernelSpecification) -> [Int] {
            if let traits = known[kernel] { return traits }
            let traits = Self.traits(kernel).map(number)
            known[kernel] = traits
            return traits
        }
        var candidates: [Candidate] = []
        for opCase in cases {
            for plan in ParityPlan.of(opCase) {
                // A task runs its plan in all types of the case.
                let possible = [.float32] + opCase.halfTypes.filter { ParityPlan.of(opCase, in: $0).contains(plan) }
                let nodes = try possible.filter(dtypes.contains).flatMap { try Self.nodes(opCase, plan, dtype: $0) }
                let elements = nodes.reduce(0) { sum, node in
                    (node.node.operandTypes + node.node.resultTypes).reduce(sum) { $0 + $1.shape.elementCount }
                }
                for device in devices {
                    guard case .opencl(_, let profile) = device.kind else { continue }
                    var (kernels, work): (Set<KernelSpecification>, Int) = ([], 0)
                    for subject in nodes {
                        let results = subject.node.resultTypes.reduce(0) { $0 + $1.shape.elementCount }
                        let flopsOfOne = Int(subject.node.flops) / max(results, 1)
                        for launch in try launches([subject], profile) {
                            kernels.insert(launch.kernel)
                            work += launch.globalSize.reduce(1, *) * (1 + flopsOfOne)
                        }
                    }
                    // Elements, work-items and what each has to do for an element stand for the time it takes, as tiles
                    // beyond a small result are computed too; a constant for building the kernels.
                    candidates.append(
                        Candidate(
                            task: ParityTask(opCase: opCase, plans: [plan], devices: [device]),
                            traits: Set(kernels.flatMap { traits(of: $0) }).sorted(),
                            cost: 1000 + elements + work))
                }
            }
        }
        var missing = [Bool](repeating: true, count: numbers.count)
        var chosen: [ParityTask] = []
        while true {
            var best: (index: Int, gain: Double)?
            for index in candidates.indices {
                candidates[index].traits.removeAll { !missing[$0] }
                let gain = Double(candidates[index].traits.count) / Double(candidates[index].cost)
                if gain > best?.gain ?? 0 { best = (index, gain) }
            }
            guard let best else { return chosen }
            chosen.append(candidates[best.index].task)
            for trait in candidates[best.index].traits { missing[trait] = false }
            candidates.removeAll { $0.traits.isEmpty }
        }
    }
}
