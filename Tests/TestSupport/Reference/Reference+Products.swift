import TensorGraph

extension Reference {
    package func matMul(_ attributes: MatMul) throws -> [[Double]] {
        let (aShape, bShape) = (shape(0), shape(1))
        let (rank, bRank) = (aShape.rank, bShape.rank)
        let batch = aShape.dimensions.dropLast(2).reduce(1, *)
        let m = attributes.transposeA ? aShape[rank - 1] : aShape[rank - 2]
        let k = attributes.transposeA ? aShape[rank - 2] : aShape[rank - 1]
        let n = attributes.transposeB ? bShape[bRank - 2] : bShape[bRank - 1]
        let (a, b) = (elements(0), elements(1))
        var y = [Double](repeating: 0, count: batch * m * n)
        for entry in 0..<batch {
            let (aStart, bStart) = (entry * m * k, bRank == 2 ? 0 : entry * k * n)
            for i in 0..<m {
                for j in 0..<n {
                    var sum = 0.0
                    for l in 0..<k {
                        sum +=
                            a[aStart + (attributes.transposeA ? l * m + i : i * k + l)]
                            * b[bStart + (attributes.transposeB ? j * k + l : l * n + j)]
                    }
                    if operands.count == 3 { sum += elements(2)[j] }
                    y[(entry * m + i) * n + j] = attributes.activation?(sum) ?? sum
                }
            }
        }
        return [y]
    }

    package func conv2D(_ attributes: Conv2D) throws -> [[Double]] {
        let (x, w, y) = (elements(0), elements(1), resultTypes[0].shape)
        var result = [Double](repeating: 0, count: y.elementCount)
        Self.forEachTap(attributes, input: shape(0), weight: shape(1), output: y) { input, weight, output in
            result[output] += x[input] * w[weight]
        }
        if operands.count == 3 {
            let plane = y[2] * y[3]
            for index in result.indices { result[index] += elements(2)[index / plane % y[1]] }
        }
        if let activation = attributes.activation { result = result.map { activation($0) } }
        return [result]
    }

    package func conv2DInputGradient(_ attributes: Conv2DInputGradient) throws -> [[Double]] {
        let (w, dy) = (elements(0), elements(1))
        var dx = [Double](repeating: 0, count: attributes.input.elementCount)
        Self.forEachTap(attributes.convolution, input: attributes.input, weight: shape(0), output: shape(1)) {
            input, weight, output in
            dx[input] += dy[output] * w[weight]
        }
        return [dx]
    }

    package func conv2DWeightGradient(_ attributes: Conv2DWeightGradient) throws -> [[Double]] {
        let (x, dy) = (elements(0), elements(1))
        var dw = [Double](repeating: 0, count: attributes.weight.elementCount)
        Self.forEachTap(attributes.convolution, input: shape(0), weight: attributes.weight, output: shape(1)) {
            input, weight, output in
            dw[weight] += dy[output] * x[input]
        }
        return [dw]
    }

    /// Calls `body` with the offsets of the input, the weight and the output of every multiplication of a convolution
    /// that reads inside the input.
    private static func forEachTap(
        _ attributes: Conv2D, input: Shape, weight: Shape, output: Shape, _ body: (Int, Int, Int) -> Void
    ) {
        let (h, w) = (input[2], input[3])
        let (channels, r, s) = (weight[1], weight[2], weight[3])
        let (k, p, q) = (output[1], output[2], output[3])
        for n in 0..<output[0] {
            for o in 0..<k {
                let group = o / (k / attributes.groups)
                for c in 0..<channels {
                    let inputPlane = (n * input[1] + group * channels + c) * h
                    for row in 0..<p {
                        for i in 0..<r {
                            let y = row * attributes.stride[0] + i * attributes.dilation[0] - attributes.padding[0]
                            guard (0..<h).contains(y) else { continue }
                            for column in 0..<q {
                                for j in 0..<s {
                                    let x =
                                        column * attributes.stride[1] + j * attributes.dilation[1]
                                        - attributes.padding[2]
                                    guard (0..<w).contains(x) else { continue }
                                    body(
                                        (inputPlane + y) * w + x, ((o * channels + c) * r + i) * s + j,
                                        ((n * k + o) * p + row) * q + column)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
