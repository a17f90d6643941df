import TensorGraph

extension Reference {
    package func reshape(_ shape: Shape) throws -> [[Double]] { [elements(0)] }
    package func stopGradient() throws -> [[Double]] { [elements(0)] }

    package func broadcast(_ shape: Shape) throws -> [[Double]] {
        let elements = elements(0)
        return [self.shape(0).broadcastOffsets(to: shape).map { elements[$0] }]
    }

    package func transpose(_ attributes: Transpose) throws -> [[Double]] {
        let (elements, shape) = (elements(0), shape(0))
        return [
            resultTypes[0].shape.indices.map { index in
                var source = [Int](repeating: 0, count: shape.rank)
                for (axis, operandAxis) in attributes.permutation.enumerated() { source[operandAxis] = index[axis] }
                return elements[shape.offset(source)]
            }
        ]
    }

    package func concatenate(_ attributes: Concatenate) throws -> [[Double]] {
        let axis = attributes.axis
        return [
            resultTypes[0].shape.indices.map { index in
                var (source, operand) = (index, 0)
                while source[axis] >= shape(operand)[axis] {
                    source[axis] -= shape(operand)[axis]
                    operand += 1
                }
                return elements(operand)[shape(operand).offset(source)]
            }
        ]
    }

    package func slice(_ attributes: Slice) throws -> [[Double]] {
        let (elements, shape) = (elements(0), shape(0))
        return [
            resultTypes[0].shape.indices.map { index in
                elements[shape.offset(index.indices.map { attributes.starts[$0] + index[$0] * attributes.steps[$0] })]
            }
        ]
    }

    package func pad(_ attributes: Pad) throws -> [[Double]] {
        var result = [Double](repeating: 0, count: attributes.shape.elementCount)
        for (index, element) in zip(shape(0).indices, elements(0)) {
            let place = index.indices.map { attributes.starts[$0] + index[$0] * attributes.steps[$0] }
            result[attributes.shape.offset(place)] = element
        }
        return [result]
    }
}
