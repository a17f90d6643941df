import TensorGraph

extension Reference {
    package func convolution(_ attributes: Convolution) throws -> [[Double]] {
        let (a, b) = (elements(0), elements(1))
        var result = [Double](repeating: 0, count: resultTypes[0].shape.elementCount)
        switch attributes.pass {
        case .forward:
            let y = resultTypes[0].shape
            Self.forEachTap(attributes, input: shape(0), weight: shape(1), output: y) { input, weight, output in
                result[output] += a[input] * b[weight]
            }
            if operands.count == 3 {
                let plane = y.dimensions.dropFirst(2).reduce(1, *)
                for index in result.indices { result[index] += elements(2)[index / plane % y[1]] }
            }
            if let activation = attributes.activation { result = result.map { activation($0) } }
        case .inputGradient(let input):
            Self.forEachTap(attributes, input: input, weight: shape(0), output: shape(1)) { input, weight, output in
                result[input] += b[output] * a[weight]
            }
        case .weightGradient(let weight):
            Self.forEachTap(attributes, input: shape(0), weight: weight, output: shape(1)) { input, weight, output in
                result[weight] += b[output] * a[input]
            }
        }
        return [result]
    }

    /// Calls `body` with the offsets of the input, the weight and the output of every multiplication of a convolution
    /// that reads inside the input.
    private static func forEachTap(
        _ attributes: Convolution, input: Shape, weight: Shape, output: Shape, _ body: (Int, Int, Int) -> Void
    ) {
        let axes = attributes.axes
        let (channels, filters) = (weight[1], output[1])
        /// For one axis after the other: the offsets so far, of planes, rows and then elements.
        func walk(_ axis: Int, _ inputOffset: Int, _ weightOffset: Int, _ outputOffset: Int) {
            guard axis < axes else { return body(inputOffset, weightOffset, outputOffset) }
            let (extent, kernel, outputs) = (input[2 + axis], weight[2 + axis], output[2 + axis])
            for position in 0..<outputs {
                for tap in 0..<kernel {
                    let place =
                        position * attributes.stride[axis] + tap * attributes.dilation[axis]
                        - attributes.padding[2 * axis]
                    guard (0..<extent).contains(place) else { continue }
                    walk(
                        axis + 1, inputOffset * extent + place, weightOffset * kernel + tap,
                        outputOffset * outputs + position)
                }
            }
        }
        for image in 0..<output[0] {
            for filter in 0..<filters {
                let group = filter / (filters / attributes.groups)
                for channel in 0..<channels {
                    walk(
                        0, image * input[1] + group * channels + channel, filter * channels + channel,
                        image * filters + filter)
                }
            }
        }
    }
}
