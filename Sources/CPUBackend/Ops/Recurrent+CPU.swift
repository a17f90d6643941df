import CVector
import Execution
import TensorGraph

extension CPULowering {
    func recurrence(_ attributes: Recurrence) throws -> CPUKernel {
        // The states of all steps: of the forward pass its first result, of the gradient an operand.
        let y = attributes.pass == .forward ? node.resultTypes[0].shape : shape(attributes.statesOperand)
        let geometry = RecurrentGeometry(
            steps: y[0], batch: y[1], hidden: y[2], gates: attributes.gates, type: type)
        return switch (attributes.cell, attributes.pass) {
        case (.lstm, .forward): geometry.lstm()
        case (.lstm, .gradient): geometry.lstmGradient(hasCells: node.operandTypes.count == 6)
        case (.gru, .forward): geometry.gru()
        case (.gru, .gradient): geometry.gruGradient()
        case (.rnn(let activation), .forward): geometry.rnn(activation)
        case (.rnn(let activation), .gradient): geometry.rnnGradient(activation)
        }
    }
}

/// A recurrence whose weight is packed once, and whose batch is shared out among threads that then go through all steps
/// without waiting for one another.
struct RecurrentGeometry {
    let steps, batch, hidden, gates: Int
    let type: cv_type
    var size: Int { Int(cv_type_size(type)) }
    private var width: Int { Int(cv_tile_columns(type)) }
    /// Bytes of one step's states and gates.
    private var state: Int { batch * hidden * size }
    private var gate: Int { batch * gates * hidden * size }

    /// Rows of the batch a thread takes; work below about 50 µs is not worth sharing.
    private var grain: Int {
        max(1, batch.dividedRoundingUp(by: Parallel.workers), 2_000_000 / (2 * steps * gates * hidden * hidden + 1))
    }

    private func run(_ body: (_ worker: Int, _ rows: Range<Int>) -> Void) {
        let grain = grain
        Parallel.run(batch.dividedRoundingUp(by: grain), grain: 1) { worker, range in
            body(worker, (range.lowerBound * grain)..<min(range.upperBound * grain, batch))
        }
    }

    /// A packed operand [k, n] that every step multiplies rows by: for a row or two as plain rows, else in panels.
    private struct Packed {
        let k, n: Int
        let panels: UnsafeMutableRawPointer
    }

    private var isThin: Bool { grain <= 2 }

    private func packedBytes(_ k: Int, _ n: Int) -> Int { k * n.rounded(to: width) * size }

    /// How the matrix is packed, for all that pack it so.
    private func form(_ rowStride: Int, _ columnStride: Int, _ k: Int, _ n: Int) -> [String] {
        [isThin ? "rows" : "panels", "\(type)", "\(rowStride) \(columnStride) \(k) \(n)"]
    }

    /// Packs the matrix b [k, n] with the given strides.
    private func pack(
        _ b: UnsafeRawPointer, _ rowStride: Int, _ columnStride: Int, _ k: Int, _ n: Int,
        _ target: UnsafeMutableRawPointer
    ) {
        if isThin {
            if columnStride == 1 {
                target.copyMemory(from: b, byteCount: k * n * size)
            } else {
                cv_transpose_real(type, b, Int64(columnStride), target, Int64(n), Int64(k), Int64(n))
            }
        } else {
            packPanels(type, b, (rowStride, columnStride), k, n, target)
        }
    }

    /// c [rows, n] (+)= a [rows, k] · b.
    private func multiply(
        _ a: UnsafeRawPointer, _ b: Packed, _ c: UnsafeMutableRawPointer, rows: Int, accumulate: Bool
    ) {
        if isThin {
            var product = cv_gemm(
                type: type, m: Int64(rows), n: Int64(b.n), k: Int64(b.k), a: a, a_row: Int64(b.k), a_column: 1,
                b: b.panels, b_row: Int64(b.n), b_column: 1, c: c, c_row: Int64(b.n), column_bias: nil, activation: -1,
                accumulate: accumulate ? 1 : 0)
            cv_gemv_part(&product, 0, Int64(b.n))
        } else {
            cv_multiply_panels(
                type, Int64(rows), Int64(b.n), Int64(b.k), a, Int64(b.k), 1, b.panels, Int64(b.k * width), c,
                Int64(b.n), accumulate ? 1 : 0)
        }
    }

    func rnn(_ activation: RecurrentActivation) -> CPUKernel {
        CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(hidden, hidden)],
            packing: 1, form: form(1, hidden, hidden, hidden),
            pack: { places in
                pack(places.operands[1], 1, hidden, hidden, hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: hidden, n: hidden, panels: places.workspaces[0])
            run { _, rows in
                let offset = rows.lowerBound * hidden * size
                for step in 0..<steps {
                    let y = places.results[0] + step * state + offset
                    let before = step == 0 ? places.operands[2] + offset : UnsafeRawPointer(y - state)
                    y.copyMemory(
                        from: places.operands[0] + step * state + offset, byteCount: rows.count * hidden * size)
                    multiply(before, weight, y, rows: rows.count, accumulate: true)
                    cv_rnn_step(type, activation == .relu ? 1 : 0, y, Int64(rows.count), Int64(hidden))
                }
            }
        }
    }

    func rnnGradient(_ activation: RecurrentActivation) -> CPUKernel {
        CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(hidden, hidden)],
            packing: 0, form: form(hidden, 1, hidden, hidden),
            pack: { places in
                pack(places.operands[0], hidden, 1, hidden, hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: hidden, n: hidden, panels: places.workspaces[0])
            run { _, rows in
                let offset = rows.lowerBound * hidden * size
                // dh0 carries the cotangent back until it is final.
                let dh = places.results[1] + offset
                dh.initializeMemory(as: UInt8.self, repeating: 0, count: rows.count * hidden * size)
                for step in (0..<steps).reversed() {
                    let ofStep = step * state + offset
                    let dgates = places.results[0] + ofStep
                    cv_rnn_back(
                        type, activation == .relu ? 1 : 0, places.operands[1] + ofStep, places.operands[2] + ofStep, dh,
                        dgates, Int64(rows.count), Int64(hidden))
                    multiply(UnsafeRawPointer(dgates), weight, dh, rows: rows.count, accumulate: false)
                }
            }
        }
    }

    func lstm() -> CPUKernel {
        CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(hidden, 4 * hidden)],
            packing: 1, form: form(1, hidden, hidden, 4 * hidden),
            pack: { places in
                pack(places.operands[1], 1, hidden, hidden, 4 * hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: hidden, n: 4 * hidden, panels: places.workspaces[0])
            run { _, rows in
                let (ofState, ofGate) = (rows.lowerBound * hidden * size, rows.lowerBound * 4 * hidden * size)
                for step in 0..<steps {
                    let gates = places.results[2] + step * gate + ofGate
                    let before =
                        step == 0
                        ? places.operands[2] + ofState
                        : UnsafeRawPointer(places.results[0] + (step - 1) * state + ofState)
                    let cellBefore =
                        step == 0
                        ? places.operands[3] + ofState
                        : UnsafeRawPointer(places.results[1] + (step - 1) * state + ofState)
                    gates.copyMemory(
                        from: places.operands[0] + step * gate + ofGate, byteCount: rows.count * 4 * hidden * size)
                    multiply(before, weight, gates, rows: rows.count, accumulate: true)
                    cv_lstm_step(
                        type, gates, cellBefore, places.results[1] + step * state + ofState,
                        places.results[0] + step * state + ofState, Int64(rows.count), Int64(hidden))
                }
            }
        }
    }

    func lstmGradient(hasCells: Bool) -> CPUKernel {
        CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(4 * hidden, hidden)],
            packing: 0, form: form(hidden, 1, 4 * hidden, hidden),
            pack: { places in
                pack(places.operands[0], hidden, 1, 4 * hidden, hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: 4 * hidden, n: hidden, panels: places.workspaces[0])
            run { _, rows in
                let (ofState, ofGate) = (rows.lowerBound * hidden * size, rows.lowerBound * 4 * hidden * size)
                // dh0 and dc0 carry the cotangents back until they are final.
                let (dh, dc) = (places.results[1] + ofState, places.results[2] + ofState)
                dh.initializeMemory(as: UInt8.self, repeating: 0, count: rows.count * hidden * size)
                dc.initializeMemory(as: UInt8.self, repeating: 0, count: rows.count * hidden * size)
                for step in (0..<steps).reversed() {
                    let (ofStep, dgates) = (step * state + ofState, places.results[0] + step * gate + ofGate)
                    cv_lstm_back(
                        type, places.operands[3] + step * gate + ofGate,
                        step == 0 ? places.operands[1] + ofState : places.operands[2] + (ofStep - state),
                        places.operands[2] + ofStep, places.operands[4] + ofStep, dh,
                        hasCells ? places.operands[5] + ofStep : nil, dc, dgates, Int64(rows.count), Int64(hidden))
                    multiply(UnsafeRawPointer(dgates), weight, dh, rows: rows.count, accumulate: false)
                }
            }
        }
    }

    func gru() -> CPUKernel {
        let sums = batch * 3 * hidden * size
        return CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(hidden, 3 * hidden), sums],
            packing: 1, form: form(1, hidden, hidden, 3 * hidden),
            pack: { places in
                pack(places.operands[1], 1, hidden, hidden, 3 * hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: hidden, n: 3 * hidden, panels: places.workspaces[0])
            run { _, rows in
                let (ofState, ofGate) = (rows.lowerBound * hidden * size, rows.lowerBound * 3 * hidden * size)
                let sums = places.workspaces[1] + ofGate
                for step in 0..<steps {
                    let before =
                        step == 0
                        ? places.operands[3] + ofState
                        : UnsafeRawPointer(places.results[0] + (step - 1) * state + ofState)
                    multiply(before, weight, sums, rows: rows.count, accumulate: false)
                    cv_gru_step(
                        type, places.operands[0] + step * gate + ofGate, sums, places.operands[2], before,
                        places.results[1] + step * gate + ofGate, places.results[2] + step * state + ofState,
                        places.results[0] + step * state + ofState, Int64(rows.count), Int64(hidden))
                }
            }
        }
    }

    func gruGradient() -> CPUKernel {
        CPUKernel(
            "\(grain) rows a thread through all steps", workspaces: [packedBytes(3 * hidden, hidden)],
            packing: 0, form: form(hidden, 1, 3 * hidden, hidden),
            pack: { places in
                pack(places.operands[0], hidden, 1, 3 * hidden, hidden, places.workspaces[0])
            }
        ) { places in
            let weight = Packed(k: 3 * hidden, n: hidden, panels: places.workspaces[0])
            run { _, rows in
                let (ofState, ofGate) = (rows.lowerBound * hidden * size, rows.lowerBound * 3 * hidden * size)
                let dh = places.results[2] + ofState
                dh.initializeMemory(as: UInt8.self, repeating: 0, count: rows.count * hidden * size)
                for step in (0..<steps).reversed() {
                    let (ofStep, ofGates) = (step * state + ofState, step * gate + ofGate)
                    let before = step == 0 ? places.operands[1] + ofState : places.operands[2] + (ofStep - state)
                    let dhGates = places.results[1] + ofGates
                    cv_gru_back(
                        type, places.operands[3] + ofGates, places.operands[4] + ofStep, before,
                        places.operands[5] + ofStep, dh, places.results[0] + ofGates, dhGates, Int64(rows.count),
                        Int64(hidden))
                    multiply(UnsafeRawPointer(dhGates), weight, dh, rows: rows.count, accumulate: true)
                }
            }
        }
    }
}
