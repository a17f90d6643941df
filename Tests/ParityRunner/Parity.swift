import Execution
import Foundation
import TensorGraph
import TestSupport

/// The two plans of a case.
package enum ParityPlan: String, Sendable, CaseIterable {
    /// The outputs alone, as inference computes them.
    case forward
    /// The outputs and the gradients.
    case withGradients = "with gradients"

    /// The plans that a case has, in a type.
    package static func of(_ opCase: OpCase, in dtype: DType = .float32) -> [ParityPlan] {
        let hasGradients = opCase.gradient.tolerance != nil && (!dtype.isHalf || opCase.halfRoundings?.backward != nil)
        return hasGradients ? allCases : [.forward]
    }
}

/// A case with the plans of it to run, and on what.
package struct ParityTask: Sendable {
    package var opCase: OpCase
    package var plans: [ParityPlan]
    package var devices: [ParityDevice]

    package init(opCase: OpCase, plans: [ParityPlan], devices: [ParityDevice]) {
        (self.opCase, self.plans, self.devices) = (opCase, plans, devices)
    }
}

/// Runs cases on devices and holds the results against the reference.
///
/// Each plan runs twice, which must give the same bits. Where kernels would pack a weight once for all runs, so does a plan
/// of the same case with constants for inputs.
package final class Parity {
    /// What came of one case on one device.
    package struct Outcome: Sendable {
        package var opCase: String
        package var device: String
        /// What is wrong; empty where all is well.
        package var complaints: [String]
        /// What the device left to the path behind it: the operation and the reason.
        package var refusals: [OpKind: String]
        /// The operations that ran on the device.
        package var operations: Set<OpKind>
    }

    package let devices: [ParityDevice]
    private let executors: [String: Executor]
    private let types: [DType]
    private let runsTwice: Bool

    /// What cases can be run in.
    package static let allTypes: [DType] = [.float32, .float64, .float16, .bfloat16]

    /// - Parameters:
    ///   - types: what cases are run in, where they and the device have it.
    ///   - isolatesTensors: gives every tensor memory of exactly its size, for memory checkers.
    ///   - runsTwice: whether a second run of each plan must give the same bits.
    package init(
        devices: [ParityDevice], types: [DType] = Parity.allTypes, isolatesTensors: Bool = false, runsTwice: Bool = true
    ) throws {
        self.devices = devices
        self.types = types
        self.runsTwice = runsTwice
        var executors: [String: Executor] = [:]
        for device in devices { executors[device.name] = try device.executor(isolatesTensors: isolatesTensors) }
        self.executors = executors
    }

    /// Runs all of a case on all devices.
    package func check(_ opCase: OpCase) -> [Outcome] {
        check(ParityTask(opCase: opCase, plans: ParityPlan.of(opCase), devices: devices))
    }

    /// One outcome a device. The reference is evaluated once for all of them.
    package func check(_ task: ParityTask) -> [Outcome] {
        let (opCase, devices) = (task.opCase, task.devices)
        var outcomes = devices.map {
            Outcome(opCase: opCase.name, device: $0.name, complaints: [], refusals: [:], operations: [])
        }
        for dtype in types
        where devices.contains(where: { $0.dtypes(of: opCase).contains(dtype) }) {
            let label = dtype == .float32 ? "" : "\(dtype) "
            do {
                let plans = Set(ParityPlan.of(opCase, in: dtype)).intersection(task.plans)
                let checks = try task.plans.filter(plans.contains).map { try Check(opCase, dtype, $0) }
                for (index, device) in devices.enumerated() where device.dtypes(of: opCase).contains(dtype) {
                    guard let executor = executors[device.name] else { continue }
                    for check in checks {
                        do {
                            outcomes[index].complaints += try check.run(
                                on: executor, runsTwice, &outcomes[index]
                            ).map { label + $0 }
                        } catch {
                            outcomes[index].complaints.append("\(label)\(check.name): \(error)")
                        }
                    }
                }
            } catch {
                for index in outcomes.indices { outcomes[index].complaints.append("\(label)the reference: \(error)") }
            }
        }
        return outcomes
    }
}

/// One plan of a case with what it should compute.
struct Check {
    let name: String
    let built: BuiltCase
    /// The case with constants for inputs, where an operation of it may have a weight to pack.
    let ofConstants: BuiltCase?
    let outputs: [Tensor]
    let tolerances: [Tolerance]
    /// How often each output may be rounded to its type.
    let roundings: [Double]
    let expected: [[Double]]
    let inputs: [String: HostTensor]

    init(_ opCase: OpCase, _ dtype: DType, _ plan: ParityPlan) throws {
        name = plan.rawValue
        let built = try opCase.built(dtype: dtype, withGradients: plan == .withGradients)
        let outputs = built.outputs + built.gradients
        self.built = built
        let mayPack = built.graph.nodes.contains {
            KernelCoverage.packing.contains($0.op.kind)
        }
        ofConstants =
            mayPack ? try opCase.built(dtype: dtype, withGradients: plan == .withGradients, ofConstants: true) : nil
        self.outputs = outputs
        let roundings = outputs.indices.map { index in
            (index < built.outputs.count ? opCase.halfRoundings?.forward : opCase.halfRoundings?.backward) ?? 0
        }
        self.roundings = roundings
        tolerances = outputs.indices.map { index in
            let tolerance = index < built.outputs.count ? opCase.tolerance : opCase.gradient.tolerance
            return (tolerance ?? .exact).scaled(for: outputs[index].dtype)
                .rounded(to: outputs[index].dtype, times: roundings[index])
        }
        expected = try zip(outputs, Reference.evaluate(outputs, inputs: built.data)).map { tensor, values in
            values.map { Self.overflowing($0, tensor.dtype) }
        }
        var inputs: [String: HostTensor] = [:]
        for tensor in built.inputs {
            guard case .input(let input) = tensor.node.op else { continue }
            inputs[input.name] = try HostTensor(input.type, doubles: built.data[input.name] ?? [])
        }
        self.inputs = inputs
    }

    /// What is too large for a type is infinite there.
    private static func overflowing(_ value: Double, _ dtype: DType) -> Double {
        switch dtype {
        // The next number that float16 had, were it not the first too large, is 65536.
        case .float16: abs(value) >= 65520 ? (value < 0 ? -.infinity : .infinity) : value
        case .float32, .bfloat16: abs(value) > Double(Float.greatestFiniteMagnitude) ? Double(Float(value)) : value
        default: value
        }
    }

    func run(on executor: Executor, _ runsTwice: Bool, _ outcome: inout Parity.Outcome) throws -> [String] {
        let complaints = try run(built, named: name, on: executor, runsTwice, &outcome)
        guard let ofConstants else { return complaints }
        return try complaints
            + run(
                ofConstants, named: name + ", packed once", onlyIfPacked: true, on: executor, runsTwice, &outcome)
    }

    private func run(
        _ built: BuiltCase, named name: String, onlyIfPacked: Bool = false, on executor: Executor, _ runsTwice: Bool,
        _ outcome: inout Parity.Outcome
    ) throws -> [String] {
        let plan = try executor.compile(
            built.graph, outputs: built.outputs + built.gradients, checksIndices: false)
        let accuracy = plan.accuracyClasses
        var complaints: [String] = []
        if let schedule = plan.deviceSchedule ?? plan.cpuSchedule {
            // Without a weight to pack, constants change nothing.
            if onlyIfPacked, schedule.placement.choices.allSatisfy({ $0?.steady?.rest == nil }) { return [] }
            for (node, choice) in zip(schedule.computation.nodes, schedule.placement.choices) {
                guard let choice else { continue }
                let kind = node.op.kind
                if choice.backend == 0 { outcome.operations.insert(kind) }
                if let refusal = choice.refusals.first { outcome.refusals[kind] = refusal.reason }
                // Declining is a choice; a kernel that does not build is a fault, however well another path stands in.
                for refusal in choice.refusals where refusal.isFailure {
                    complaints.append("\(name): \(kind) has no kernel: \(refusal.reason)")
                }
            }
        }
        let inputs = self.inputs.filter { plan.inputs[$0.key] != nil }
        let results = try executor.run(plan, inputs: inputs)
        let again = runsTwice ? try executor.run(plan, inputs: inputs) : results
        for (index, tensor) in outputs.enumerated() {
            let what =
                index < built.outputs.count
                ? "output \(index)" : "gradient of x\(built.differentiableInputs[index - built.outputs.count])"
            guard results[index].type == tensor.type else {
                complaints.append("\(name): \(what) is \(results[index].type), not \(tensor.type)")
                continue
            }
            // Transforms round on their own; whoever does without them is held to the exact limit.
            let own =
                accuracy.contains(.transformed)
                ? .winograd.rounded(to: tensor.dtype, times: roundings[index]) : tolerances[index]
            let tolerance = accuracy.contains(.reducedOperands) ? own.inTF32 : own
            if let complaint = tolerance.complaint(results[index].doubles(), expected[index]) {
                complaints.append("\(name): \(what): \(complaint)")
            }
            if results[index] != again[index] { complaints.append("\(name): \(what) differs from run to run") }
        }
        return complaints
    }
}
