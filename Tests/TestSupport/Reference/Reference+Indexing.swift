import TensorGraph

extension Reference {
    /// Where each element beside an axis of indices lies along that axis of `extent`; nil outside it.
    private func places(
        _ elements: [Double], _ extents: IndexedExtents, _ form: IndexForm
    ) -> (_ o: Int, _ j: Int, _ i: Int) -> Int? {
        { o, j, i in
            let index = Int(elements[form == .slices ? j : (o * extents.count + j) * extents.inner + i])
            let place = index < 0 ? index + extents.extent : index
            return (0..<extents.extent).contains(place) ? place : nil
        }
    }

    package func gather(_ attributes: Gather) throws -> [[Double]] {
        let extents = IndexedExtents(
            shape(0), resultTypes[0].shape, indices: shape(1), axis: attributes.axis, attributes.form)
        let (x, place) = (elements(0), places(elements(1), extents, attributes.form))
        let fill = resultTypes[0].dtype.isFloatingPoint && !x.isEmpty ? Double.nan : 0
        var y: [Double] = []
        for o in 0..<extents.outer {
            for j in 0..<extents.count {
                for i in 0..<extents.inner {
                    y.append(place(o, j, i).map { x[(o * extents.extent + $0) * extents.inner + i] } ?? fill)
                }
            }
        }
        return [y]
    }

    package func scatter(_ attributes: Scatter) throws -> [[Double]] {
        let extents = IndexedExtents(
            resultTypes[0].shape, shape(1), indices: shape(0), axis: attributes.axis, attributes.form)
        let (source, place) = (elements(1), places(elements(0), extents, attributes.form))
        var y =
            attributes.mode == .replace
            ? elements(2) : [Double](repeating: 0, count: resultTypes[0].shape.elementCount)
        for o in 0..<extents.outer {
            for j in 0..<extents.count {
                for i in 0..<extents.inner {
                    guard let row = place(o, j, i) else { continue }
                    let at = (o * extents.extent + row) * extents.inner + i
                    let x = source[(o * extents.count + j) * extents.inner + i]
                    y[at] = attributes.mode == .add ? y[at] + x : x
                }
            }
        }
        return [y]
    }

    package func scan(_ attributes: Scan) throws -> [[Double]] {
        let (outer, count, inner) = attributes.extents(shape(0))
        let (a, x) = (elements(0), elements(attributes.function == .recurrence ? 1 : 0))
        var y = x
        for o in 0..<outer {
            for i in 0..<inner {
                var total: Double = attributes.function == .product ? 1 : 0
                for k in 0..<count {
                    let at = (o * count + (attributes.isReversed ? count - 1 - k : k)) * inner + i
                    let before = total
                    switch attributes.function {
                    case .sum: total += x[at]
                    case .product: total *= x[at]
                    case .recurrence: total = a[at] * total + x[at]
                    }
                    y[at] = attributes.isExclusive ? before : total
                }
            }
        }
        return [y]
    }
}
