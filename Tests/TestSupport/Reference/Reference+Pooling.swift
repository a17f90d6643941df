import TensorGraph

extension Reference {
    package func maxPool2D(_ attributes: Pool2D) throws -> [[Double]] {
        let x = elements(0)
        return [
            Self.windows(attributes, input: shape(0), output: resultTypes[0].shape).map { window in
                window.isEmpty ? -.infinity : x[Self.firstMaximum(x, window)]
            }
        ]
    }

    package func maxPool2DGradient(_ attributes: Pool2D) throws -> [[Double]] {
        let x = elements(0)
        var dx = [Double](repeating: 0, count: x.count)
        for (window, dy) in zip(Self.windows(attributes, input: shape(0), output: shape(1)), elements(1))
        where !window.isEmpty {
            dx[Self.firstMaximum(x, window)] += dy
        }
        return [dx]
    }

    package func averagePool2D(_ attributes: Pool2D) throws -> [[Double]] {
        let x = elements(0)
        return [
            Self.windows(attributes, input: shape(0), output: resultTypes[0].shape).map { window in
                window.reduce(0) { $0 + x[$1] } / Self.divisor(attributes, window)
            }
        ]
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> [[Double]] {
        var dx = [Double](repeating: 0, count: attributes.input.elementCount)
        let windows = Self.windows(attributes.pooling, input: attributes.input, output: shape(0))
        for (window, dy) in zip(windows, elements(0)) {
            for offset in window { dx[offset] += dy / Self.divisor(attributes.pooling, window) }
        }
        return [dx]
    }

    /// The number of elements an average is over.
    private static func divisor(_ attributes: Pool2D, _ window: [Int]) -> Double {
        Double(attributes.countsPadding ? attributes.window[0] * attributes.window[1] : window.count)
    }

    /// The offset of a window's first maximum in row-major order, of the first NaN where there is one.
    private static func firstMaximum(_ x: [Double], _ window: [Int]) -> Int {
        var best = window[0]
        for offset in window where x[offset] > x[best] || (x[offset].isNaN && !x[best].isNaN) { best = offset }
        return best
    }

    /// For each output the offsets of the inputs in its window, in row-major order and without the padding.
    private static func windows(_ attributes: Pool2D, input: Shape, output: Shape) -> [[Int]] {
        output.indices.map { index in
            var offsets: [Int] = []
            for row in 0..<attributes.window[0] {
                for column in 0..<attributes.window[1] {
                    let y = index[2] * attributes.stride[0] + row - attributes.padding[0]
                    let x = index[3] * attributes.stride[1] + column - attributes.padding[2]
                    if (0..<input[2]).contains(y), (0..<input[3]).contains(x) {
                        offsets.append(input.offset([index[0], index[1], y, x]))
                    }
                }
            }
            return offsets
        }
    }
}
