import Execution
import TensorGraph

// The recurrences (`Kernels/recurrent/`). On the CPU style a whole sequence is one launch after one that packs the
// weight: each work-item takes rows of the batch through all steps. On the GPU style each step is a launch.
extension OpenCLLowering {
    package func recurrence(_ attributes: Recurrence) throws -> Lowering {
        if let reason = unsupportedType { return .declined(reason) }
        let (name, defines): (String, [String: String]) =
            switch attributes.cell {
            case .lstm: ("lstm", attributes.pass == .gradient ? ["HAS_CELL_COTANGENT": "\(operands.count - 5)"] : [:])
            case .gru: ("gru", [:])
            case .rnn(let activation): ("rnn", ["IS_RELU": activation == .relu ? "1" : "0"])
            }
        return switch attributes.pass {
        case .forward: forward(name, gates: attributes.gates, defines: defines)
        case .gradient:
            backward(
                name, gates: attributes.gates, states: operands[attributes.statesOperand].shape, defines: defines)
        }
    }

    /// The forward pass's second operand is the weight; the others and the results are arguments in their own order.
    private func forward(_ name: String, gates: Int, defines: [String: String]) -> Lowering {
        let (steps, batch, hidden) = (results[0].shape[0], results[0].shape[1], results[0].shape[2])
        let step = operands.indices.map(KernelArgument.operand)
        let sequence = [.operand(0), .workspace(0)] + step.dropFirst(2)
        let outputs = results.indices.map(KernelArgument.result)
        guard profile.style == .cpu else {
            let kernel = stepKernel("\(name)_step", defines: defines)
            let all = (0..<steps).map {
                stepLaunch(
                    kernel, step + outputs + [.int32($0), .int32(batch), .int32(hidden)], batch: batch, hidden: hidden)
            }
            return launches(all, "\(name), a launch a step")
        }
        let tile = tile(gates: gates, steps: steps, batch: batch, hidden: hidden)
        let share = rowsPerItem(batch)
        let panels = hidden.dividedRoundingUp(by: tile.vectorWidth)
        let pack = KernelLaunch(
            sequenceKernel("pack_gates", file: name, tile, defines: [:]),
            [.operand(1), .workspace(0), .int32(hidden)], items: panels
        ).asPacking()
        let launch = KernelLaunch(
            sequenceKernel("\(name)_sequence", file: name, tile, defines: defines),
            sequence + outputs + [.int32(steps), .int32(batch), .int32(hidden), .int32(share)],
            items: batch.dividedRoundingUp(by: share))
        return launches(
            [pack, launch], workspaces: [panels * tile.vectorWidth * gates * hidden * 4],
            "\(name), a launch a sequence")
    }

    /// The gradient's first operand is the weight; the others and the results are arguments in their own order.
    private func backward(_ name: String, gates: Int, states: Shape, defines: [String: String]) -> Lowering {
        let (steps, batch, hidden) = (states[0], states[1], states[2])
        let tensors =
            operands.indices.dropFirst().map(KernelArgument.operand) + results.indices.map(KernelArgument.result)
        guard profile.style == .cpu else {
            let kernel = stepKernel("\(name)_step_gradient", defines: defines)
            // The step at -1 is the product that gives dh0.
            let all = (-1..<steps).reversed().map { step in
                stepLaunch(
                    kernel, [.operand(0)] + tensors + [.int32(step), .int32(steps), .int32(batch), .int32(hidden)],
                    batch: batch, hidden: hidden)
            }
            return launches(all, "\(name) gradient, a launch a step")
        }
        let tile = tile(gates: gates, steps: steps, batch: batch, hidden: hidden)
        let share = rowsPerItem(batch)
        let depth = gates * hidden
        let panels = hidden.dividedRoundingUp(by: tile.stateWidth)
        let pack = KernelLaunch(
            sequenceKernel("pack_states", file: name, tile, defines: [:]),
            [.operand(0), .workspace(0), .int32(hidden), .int32(depth)],
            items: panels
        ).asPacking()
        let launch = KernelLaunch(
            sequenceKernel("\(name)_sequence_gradient", file: name, tile, defines: defines),
            [.workspace(0)] + tensors + [.int32(steps), .int32(batch), .int32(hidden), .int32(share)],
            items: batch.dividedRoundingUp(by: share))
        return launches(
            [pack, launch], workspaces: [panels * tile.stateWidth * depth * 4],
            "\(name) gradient, a launch a sequence")
    }

    // MARK: CPU style

    /// The register tiles of `recurrent/panels.cl`.
    private struct PanelTile {
        let gates: Int
        let values: TuningValues

        var vectorWidth: Int { values[.vectorWidth] }

        /// Columns of a backward panel.
        var stateWidth: Int { values[.outerVectors] * vectorWidth }

        var defines: [String: String] {
            values.defines(.vectorWidth, .rows, .outerRows, .outerVectors).merging(["GATES": "\(gates)"]) { $1 }
        }
    }

    private func tile(gates: Int, steps: Int, batch: Int, hidden: Int) -> PanelTile {
        let problem: TuningProblem = [.gates: gates, .steps: steps, .batch: batch, .hidden: hidden]
        return PanelTile(gates: gates, values: profile.tuningValues(.recurrent, problem))
    }

    /// The rows of the batch that one work-item carries: the batch dealt to all cores, but not so thin that each of them
    /// reads the whole weight for a row or two.
    private func rowsPerItem(_ batch: Int) -> Int {
        max(batch.dividedRoundingUp(by: profile.computeUnits), min(batch, 4))
    }

    private func sequenceKernel(
        _ name: String, file: String, _ tile: PanelTile, defines: [String: String]
    ) -> KernelSpecification {
        // The cotangent of the cells is a question to one kernel; the rest of the file is built the same way.
        KernelSpecification(
            name,
            files: ["common/math.cl"] + KernelSpecification.transposeFiles
                + ["recurrent/panels.cl", "recurrent/\(file).cl"],
            defines: tile.defines.merging(defines) { _, given in given })
    }

    // MARK: GPU style

    private var stepTile: Int { profile.maximumWorkGroupSize >= 256 ? 16 : 8 }

    private func stepKernel(_ name: String, defines: [String: String]) -> KernelSpecification {
        KernelSpecification(
            name, files: ["common/math.cl", "recurrent/steps.cl"],
            defines: ["VECTOR_WIDTH": "1", "TILE": "\(stepTile)"].merging(defines) { _, given in given })
    }

    private func stepLaunch(
        _ kernel: KernelSpecification, _ arguments: [KernelArgument], batch: Int, hidden: Int
    ) -> KernelLaunch {
        func roundedUp(_ count: Int) -> Int { count.dividedRoundingUp(by: stepTile) * stepTile }
        return KernelLaunch(
            kernel, arguments, globalSize: [roundedUp(hidden), roundedUp(batch)], localSize: [stepTile, stepTile])
    }
}

extension TuningSpace {
    /// `recurrent/panels.cl`: the tile of a step forward has `rows` rows of a vector for each gate, that of a step back
    /// `outerRows` rows of `outerVectors` vectors. They fill the registers.
    static let recurrent = TuningSpace(
        "recurrent", .cpu, of: [.gates, .steps, .batch, .hidden],
        [
            .rows: [3, 4, 6, 8, 12], .outerRows: [3, 4, 6, 8, 12], .outerVectors: [1, 2, 3, 4],
            .vectorWidth: [4, 8, 16],
        ],
        standard: { problem, profile in
            // Wide vectors come with 32 registers, others with 16.
            let isWide = profile.vectorWidth >= 16
            return [
                .rows: min((isWide ? 24 : 12) / problem[.gates], 12), .outerRows: isWide ? 8 : 6, .outerVectors: 2,
                .vectorWidth: profile.vectorWidth,
            ]
        },
        constraint: { values, problem, profile in
            // Forward, the panel's vectors and the broadcast number may share a register.
            values[.vectorWidth] <= profile.vectorWidth
                && (values[.rows] + 1) * problem[.gates] <= profile.vectorRegisters
                && profile.holdsTile(rows: values[.outerRows], vectors: values[.outerVectors])
        })
}
