import TensorGraph

extension Reference {
    package func interpolation(_ attributes: AxisInterpolation) throws -> [[Double]] {
        let axes = shape(0).dimensions
        let outer = axes[..<attributes.axis].reduce(1, *)
        let inner = axes[(attributes.axis + 1)...].reduce(1, *)
        let (extent, count) = attributes.extents
        let x = elements(0)
        var y = [Double](repeating: 0, count: outer * count * inner)
        for element in 0..<attributes.count {
            for (place, weight) in Self.weights(attributes, element).sorted(by: { $0.key < $1.key }) {
                let (from, to) = attributes.pass == .forward ? (place, element) : (element, place)
                for o in 0..<outer {
                    for i in 0..<inner {
                        y[(o * count + to) * inner + i] += weight * x[(o * extent + from) * inner + i]
                    }
                }
            }
        }
        return [y]
    }

    /// What elements of x count at element `j` of y, by the definitions of ONNX Resize.
    private static func weights(_ attributes: AxisInterpolation, _ j: Int) -> [Int: Double] {
        let (how, extent, count) = (attributes.interpolation, attributes.extent, attributes.count)
        let isAligned = how.coordinates == .alignedCorners
        var position = 0.0
        /// The distance between the positions of neighbours.
        var step = 1 / (attributes.scale ?? 1)
        if isAligned {
            step = count == 1 ? 1 : Double(extent - 1) / Double(count - 1)
            position = count == 1 ? 0 : Double(j * (extent - 1)) / Double(count - 1)
        } else if how.coordinates != .pytorchHalfPixel || count > 1 {
            let (shift, scale) = (how.coordinates == .asymmetric ? 0 : 0.5, attributes.scale)
            position =
                (scale.map { (Double(j) + shift) / $0 } ?? (Double(j) + shift) * Double(extent) / Double(count)) - shift
        }
        if !isAligned, attributes.scale == nil { step = Double(extent) / Double(count) }
        let stretch = how.isAntialiased ? max(step, 1) : 1

        var weights: [Int: Double] = [:]
        func weight(_ distance: Double) -> Double {
            switch how.filter {
            case .nearest: return 0
            case .linear: return distance < 1 ? 1 - distance : 0
            case .cubic(let a):
                let (square, cube) = (distance * distance, distance * distance * distance)
                if distance <= 1 { return (a + 2) * cube - (a + 3) * square + 1 }
                return distance < 2 ? a * cube - 5 * a * square + 8 * a * distance - 4 * a : 0
            }
        }
        if case .nearest(let rounding) = how.filter {
            let below = position.rounded(.down)
            let place: Double =
                switch rounding {
                case .down: below
                case .up: position == below ? below : below + 1
                case .nearestDown: position - below <= 0.5 ? below : below + 1
                case .nearestUp: position - below < 0.5 ? below : below + 1
                }
            return [min(max(Int(place), 0), extent - 1): 1]
        }
        let reach = Int(2 * stretch) + 2
        for place in (Int(position) - reach)...(Int(position) + reach) {
            if how.excludesOutside, !(0..<extent).contains(place) { continue }
            weights[min(max(place, 0), extent - 1), default: 0] += weight(abs(Double(place) - position) / stretch)
        }
        let isNormalized = how.isAntialiased || how.excludesOutside
        let total = isNormalized ? weights.values.reduce(0, +) : 1
        // One that is 0 by the formula may come out as the rounding of its terms.
        return weights.mapValues { $0 / total }.filter { abs($0.value) > 1e-14 }
    }
}
