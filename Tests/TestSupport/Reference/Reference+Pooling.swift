import Foundation
import TensorGraph

extension Reference {
    package func pooling(_ attributes: Pooling) throws -> [[Double]] {
        if case .gradient(let input) = attributes.pass { return [poolingGradient(attributes, input)] }
        let x = elements(0)
        let windows = Self.windows(attributes, input: shape(0), output: resultTypes[0].shape)
        switch attributes.function {
        case .maximum:
            let taken = windows.map { Self.firstMaximum(x, $0.offsets) }
            let volume = shape(0).dimensions[2...].reduce(1, *)
            let values = taken.map { x[$0] }
            return attributes.pass == .forward ? [values] : [values, taken.map { Double($0 % volume) }]
        case .average: return [windows.map { window in window.offsets.reduce(0) { $0 + x[$1] } / window.divisor }]
        case .norm(let order): return [windows.map { Self.norm($0.offsets.map { x[$0] }, order) }]
        }
    }

    private func poolingGradient(_ attributes: Pooling, _ input: Shape) -> [Double] {
        var dx = [Double](repeating: 0, count: input.elementCount)
        let cotangent = operands.count - 1
        let windows = Self.windows(attributes, input: input, output: shape(cotangent))
        for (index, (window, dy)) in zip(windows, elements(cotangent)).enumerated() {
            switch attributes.function {
            case .maximum: dx[Self.firstMaximum(elements(0), window.offsets)] += dy
            case .average: for offset in window.offsets { dx[offset] += dy / window.divisor }
            case .norm(let order):
                let norm = elements(1)[index]
                for offset in window.offsets where norm != 0 {
                    let value = elements(0)[offset]
                    let sign = value > 0 ? 1.0 : value < 0 ? -1 : 0
                    dx[offset] += dy * sign * Self.power(abs(value) / norm, order - 1)
                }
            }
        }
        return dx
    }

    /// The offset of a window's first maximum in row-major order, of the first NaN where there is one.
    private static func firstMaximum(_ x: [Double], _ window: [Int]) -> Int {
        var best = window[0]
        for offset in window where x[offset] > x[best] || (x[offset].isNaN && !x[best].isNaN) { best = offset }
        return best
    }

    private static func power(_ x: Double, _ order: Int) -> Double {
        (0..<order).reduce(1) { product, _ in product * x }
    }

    private static func norm(_ x: [Double], _ order: Int) -> Double {
        let largest = x.reduce(0) { $1.isNaN || $0.isNaN ? .nan : max($0, abs($1)) }
        guard largest > 0, largest < .infinity else { return largest }
        return largest * pow(x.reduce(0) { $0 + power(abs($1) / largest, order) }, 1 / Double(order))
    }

    /// An output's elements.
    private struct Window {
        /// Of the inputs, in row-major order and without the padding.
        var offsets: [Int]
        /// The number of elements that an average is over.
        var divisor: Double
    }

    /// One for each output.
    private static func windows(_ attributes: Pooling, input: Shape, output: Shape) -> [Window] {
        let axes = attributes.axes
        // Of each axis and output position: the input positions, and how many count.
        let positions = (0..<axes).map { axis in
            (0..<output[2 + axis]).map { self.positions(attributes, axis: axis, input[2 + axis], output[2 + axis], $0) }
        }
        return output.indices.map { index in
            let own = (0..<axes).map { positions[$0][index[2 + $0]] }
            var places = [[index[0], index[1]]]
            for axis in own { places = places.flatMap { place in axis.inside.map { place + [$0] } } }
            return Window(
                offsets: places.map { input.offset($0) }, divisor: Double(own.reduce(1) { $0 * $1.counted }))
        }
    }

    private static func positions(
        _ attributes: Pooling, axis: Int, _ input: Int, _ output: Int, _ p: Int
    ) -> (inside: [Int], counted: Int) {
        switch attributes.windows {
        case .adaptive:
            let (first, last) = (Double(p * input) / Double(output), Double((p + 1) * input) / Double(output))
            let inside = Array(Int(first.rounded(.down))..<Int(last.rounded(.up)))
            return (inside, inside.count)
        case .strided(let windows):
            let all = (0..<windows.window[axis]).map {
                p * windows.stride[axis] - windows.padding[2 * axis] + $0 * windows.dilation[axis]
            }
            let inside = all.filter { (0..<input).contains($0) }
            let counts = attributes.function == .average(countsPadding: true)
            return (inside, counts ? all.count { $0 < input + windows.padding[2 * axis + 1] } : inside.count)
        }
    }
}
