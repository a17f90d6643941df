import TensorGraph

extension OpCase {
    /// This case with extents of 0: for each extent that occurs, all axes that have it (which are often those that must
    /// agree), and each axis of each input alone. Only those that the operations' shape rules allow.
    package var emptied: [OpCase] {
        var variants: [[Shape]] = []
        func add(_ isEmptied: (_ input: Int, _ axis: Int) -> Bool) {
            let shapes = inputs.indices.map { input in
                Shape(
                    inputs[input].shape.dimensions.indices.map {
                        isEmptied(input, $0) ? 0 : inputs[input].shape[$0]
                    })
            }
            if shapes != inputs.map(\.shape), !variants.contains(shapes) { variants.append(shapes) }
        }
        for extent in Set(inputs.flatMap(\.shape.dimensions)).sorted() {
            add { inputs[$0].shape[$1] == extent }
        }
        for (input, given) in inputs.enumerated() {
            for axis in given.shape.dimensions.indices { add { $0 == input && $1 == axis } }
        }
        return variants.compactMap { shapes in
            let variant = with {
                // Other numbers than the case's own come nearer to its limit.
                if name.hasPrefix("elementwise step") || name.hasPrefix("elementwiseGroup") {
                    $0.tolerance = .normwise(4e-6)
                }
                $0.name += " emptied to " + shapes.map(\.description).joined()
                for (input, shape) in shapes.enumerated() { $0.inputs[input].shape = shape }
            }
            let isAllowed = (try? variant.built(withGradients: gradient.tolerance != nil)) != nil
            return isAllowed ? variant : nil
        }
    }
}
