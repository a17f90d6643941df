import Foundation
import TensorGraph

extension Reference {
    private func sigmoid(_ x: Double) -> Double { UnaryFunction.sigmoid(x) }

    package func recurrence(_ attributes: Recurrence) throws -> [[Double]] {
        switch (attributes.cell, attributes.pass) {
        case (.lstm, .forward): try lstm()
        case (.lstm, .gradient): try lstmGradient()
        case (.gru, .forward): try gru()
        case (.gru, .gradient): try gruGradient()
        case (.rnn(let activation), .forward): try rnn(activation)
        case (.rnn(let activation), .gradient): try rnnGradient(activation)
        }
    }

    private func rnn(_ activation: RecurrentActivation) throws -> [[Double]] {
        let (x, weight) = (elements(0), elements(1))
        let (steps, batch, hidden) = (shape(0)[0], shape(0)[1], shape(0)[2])
        var (y, h) = ([Double](), elements(2))
        for step in 0..<steps {
            h = (0..<(batch * hidden)).map { place in
                let (row, unit) = (place / hidden, place % hidden)
                let sum = (0..<hidden).reduce(x[step * batch * hidden + place]) {
                    $0 + h[row * hidden + $1] * weight[unit * hidden + $1]
                }
                return activation == .relu ? (sum < 0 ? 0 : sum) : Foundation.tanh(sum)
            }
            y += h
        }
        return [y]
    }

    private func rnnGradient(_ activation: RecurrentActivation) throws -> [[Double]] {
        let (weight, y, dy) = (elements(0), elements(1), elements(2))
        let (steps, batch, hidden) = (shape(1)[0], shape(1)[1], shape(1)[2])
        let state = batch * hidden
        var dx = y
        var dh = [Double](repeating: 0, count: state)
        for step in stride(from: steps - 1, through: 0, by: -1) {
            for place in 0..<state {
                let now = y[step * state + place]
                let slope = activation == .relu ? (now > 0 ? 1 : 0) : 1 - now * now
                dx[step * state + place] = (dh[place] + dy[step * state + place]) * slope
            }
            dh = Self.throughWeight(dx, weight, step: step, batch: batch, rows: hidden, hidden: hidden)
        }
        return [dx, dh]
    }

    private func lstm() throws -> [[Double]] {
        let (x, weight) = (elements(0), elements(1))
        let (steps, batch, hidden) = (shape(0)[0], shape(0)[1], shape(2)[1])
        var (y, cells, gates) = ([Double](), [Double](), [Double]())
        var (h, c) = (elements(2), elements(3))
        for step in 0..<steps {
            var (nextH, nextC) = (h, c)
            for b in 0..<batch {
                // Gate `gate` of unit `unit` before its activation.
                func a(_ gate: Int, _ unit: Int) -> Double {
                    let row = gate * hidden + unit
                    return (0..<hidden).reduce(x[(step * batch + b) * 4 * hidden + row]) {
                        $0 + h[b * hidden + $1] * weight[row * hidden + $1]
                    }
                }
                let units = 0..<hidden
                let i = units.map { sigmoid(a(0, $0)) }
                let f = units.map { sigmoid(a(1, $0)) }
                let g = units.map { Foundation.tanh(a(2, $0)) }
                let o = units.map { sigmoid(a(3, $0)) }
                gates += i + f + g + o
                for unit in units {
                    let cell = f[unit] * c[b * hidden + unit] + i[unit] * g[unit]
                    nextC[b * hidden + unit] = cell
                    nextH[b * hidden + unit] = o[unit] * Foundation.tanh(cell)
                }
            }
            (h, c) = (nextH, nextC)
            y += h
            cells += c
        }
        return [y, cells, gates]
    }

    private func lstmGradient() throws -> [[Double]] {
        let (weight, c0, cells, gates, dy) = (elements(0), elements(1), elements(2), elements(3), elements(4))
        let (steps, batch, hidden) = (shape(2)[0], shape(2)[1], shape(2)[2])
        let state = batch * hidden
        var dx = [Double](repeating: 0, count: gates.count)
        var (dh, dc) = ([Double](repeating: 0, count: state), [Double](repeating: 0, count: state))
        for step in stride(from: steps - 1, through: 0, by: -1) {
            for b in 0..<batch {
                for unit in 0..<hidden {
                    let (place, start) = (b * hidden + unit, (step * batch + b) * 4 * hidden + unit)
                    let (i, f) = (gates[start], gates[start + hidden])
                    let (g, o) = (gates[start + 2 * hidden], gates[start + 3 * hidden])
                    let previous = step == 0 ? c0[place] : cells[(step - 1) * state + place]
                    let tanh = Foundation.tanh(cells[step * state + place])
                    let dOutput = dh[place] + dy[step * state + place]
                    var dCell = dc[place] + dOutput * o * (1 - tanh * tanh)
                    if operands.count == 6 { dCell += elements(5)[step * state + place] }
                    dx[start] = dCell * g * i * (1 - i)
                    dx[start + hidden] = dCell * previous * f * (1 - f)
                    dx[start + 2 * hidden] = dCell * i * (1 - g * g)
                    dx[start + 3 * hidden] = dOutput * tanh * o * (1 - o)
                    dc[place] = dCell * f
                }
            }
            dh = Self.throughWeight(dx, weight, step: step, batch: batch, rows: 4 * hidden, hidden: hidden)
        }
        return [dx, dh, dc]
    }

    private func gru() throws -> [[Double]] {
        let (x, weight, bias) = (elements(0), elements(1), elements(2))
        let (steps, batch, hidden) = (shape(0)[0], shape(0)[1], shape(3)[1])
        var (y, gates, candidates) = ([Double](), [Double](), [Double]())
        var h = elements(3)
        for step in 0..<steps {
            var next = h
            for b in 0..<batch {
                func u(_ gate: Int, _ unit: Int) -> Double {
                    let row = gate * hidden + unit
                    return (0..<hidden).reduce(bias[row]) { $0 + h[b * hidden + $1] * weight[row * hidden + $1] }
                }
                func xGate(_ gate: Int, _ unit: Int) -> Double {
                    x[(step * batch + b) * 3 * hidden + gate * hidden + unit]
                }
                let units = 0..<hidden
                let candidate = units.map { u(2, $0) }
                let r = units.map { sigmoid(xGate(0, $0) + u(0, $0)) }
                let z = units.map { sigmoid(xGate(1, $0) + u(1, $0)) }
                let n = units.map { Foundation.tanh(xGate(2, $0) + r[$0] * candidate[$0]) }
                gates += r + z + n
                candidates += candidate
                for unit in units {
                    next[b * hidden + unit] = (1 - z[unit]) * n[unit] + z[unit] * h[b * hidden + unit]
                }
            }
            h = next
            y += h
        }
        return [y, gates, candidates]
    }

    private func gruGradient() throws -> [[Double]] {
        let (weight, h0, y, gates) = (elements(0), elements(1), elements(2), elements(3))
        let (candidates, dy) = (elements(4), elements(5))
        let (steps, batch, hidden) = (shape(2)[0], shape(2)[1], shape(2)[2])
        let state = batch * hidden
        var (dx, du) = (gates, gates)
        var dh = [Double](repeating: 0, count: state)
        for step in stride(from: steps - 1, through: 0, by: -1) {
            // What flows straight to the previous state, past the product.
            var direct = dh
            for b in 0..<batch {
                for unit in 0..<hidden {
                    let (place, start) = (b * hidden + unit, (step * batch + b) * 3 * hidden + unit)
                    let (r, z, n) = (gates[start], gates[start + hidden], gates[start + 2 * hidden])
                    let previous = step == 0 ? h0[place] : y[(step - 1) * state + place]
                    let dOutput = dh[place] + dy[step * state + place]
                    let dn = dOutput * (1 - z) * (1 - n * n)
                    dx[start] = dn * candidates[step * state + place] * r * (1 - r)
                    dx[start + hidden] = dOutput * (previous - n) * z * (1 - z)
                    dx[start + 2 * hidden] = dn
                    du[start] = dx[start]
                    du[start + hidden] = dx[start + hidden]
                    du[start + 2 * hidden] = dn * r
                    direct[place] = dOutput * z
                }
            }
            let product = Self.throughWeight(du, weight, step: step, batch: batch, rows: 3 * hidden, hidden: hidden)
            dh = zip(direct, product).map { $0 + $1 }
        }
        return [dx, du, dh]
    }

    /// The cotangents `[rows]` of one step's gates, back through the recurrent weight `[rows, hidden]`: `[batch, hidden]`.
    private static func throughWeight(
        _ gates: [Double], _ weight: [Double], step: Int, batch: Int, rows: Int, hidden: Int
    ) -> [Double] {
        (0..<batch).flatMap { b in
            (0..<hidden).map { unit in
                (0..<rows).reduce(0) {
                    $0 + gates[(step * batch + b) * rows + $1] * weight[$1 * hidden + unit]
                }
            }
        }
    }
}
