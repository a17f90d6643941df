/// How a tensor is read between its elements when it is resized: what counts at a position, and which positions those of the
/// result are. torch.nn.functional.interpolate, ONNX Resize.
///
/// Positions are those of elements: 0 is the first, 1 the second. A position beyond the first or last element sees that
/// element repeated.
public struct Interpolation: Hashable, Sendable {
    /// What an element counts at a position, by its distance `d` from it.
    public enum Filter: Hashable, Sendable {
        /// The nearest element, and no other.
        case nearest(Rounding)
        /// `1 - |d|`, of the two neighbours.
        case linear
        /// Of four neighbours, with the coefficient a: `(a+2)|d|³ - (a+3)|d|² + 1` up to a distance of 1,
        /// `a|d|³ - 5a|d|² + 8a|d| - 4a` up to one of 2. Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981.
        case cubic(coefficient: Double)
    }

    /// Which element is the nearest one. ONNX nearest_mode.
    public enum Rounding: Hashable, Sendable {
        /// The one at or before the position. ONNX floor.
        case down
        /// The one at or after it. ONNX ceil.
        case up
        /// The nearer one, of two the one before. ONNX round_prefer_floor.
        case nearestDown
        /// The nearer one, of two the one after. ONNX round_prefer_ceil.
        case nearestUp
    }

    /// The position of the result's element `j`. ONNX coordinate_transformation_mode.
    public enum Coordinates: Hashable, Sendable {
        /// `(j + ½) / scale - ½`: elements are squares, and the edges of both tensors fall together.
        case halfPixel
        /// The same, but 0 where the result has one element.
        case pytorchHalfPixel
        /// `j / scale`
        case asymmetric
        /// `j · (extent - 1) / (result's extent - 1)`: the first and the last elements of both fall together.
        case alignedCorners
    }

    /// What an element counts at a position.
    public var filter: Filter
    /// The positions of the result's elements.
    public var coordinates: Coordinates
    /// Whether filters grow by as much as the tensor shrinks, so that every element counts somewhere.
    public var isAntialiased: Bool
    /// Whether what lies beyond the edges is left out, and the rest counts for it, instead of the edges being repeated.
    public var excludesOutside: Bool

    /// An interpolation of any filter and coordinates, ONNX's among them.
    public init(
        _ filter: Filter, _ coordinates: Coordinates, isAntialiased: Bool = false, excludesOutside: Bool = false
    ) {
        self.filter = filter
        self.coordinates = coordinates
        self.isAntialiased = isAntialiased
        self.excludesOutside = excludesOutside
    }

    /// PyTorch's `nearest`: the element `⌊j / scale⌋`, computed exactly.
    public static let nearest = Interpolation(.nearest(.down), .asymmetric)

    /// PyTorch's `nearest-exact`: the element whose middle is nearest.
    public static let nearestExact = Interpolation(.nearest(.nearestUp), .halfPixel)

    /// PyTorch's `linear`, `bilinear` and `trilinear`.
    public static func linear(alignsCorners: Bool = false, isAntialiased: Bool = false) -> Interpolation {
        Interpolation(
            .linear, alignsCorners ? .alignedCorners : .halfPixel, isAntialiased: isAntialiased,
            excludesOutside: isAntialiased)
    }

    /// PyTorch's `bicubic`, along any number of axes.
    ///
    /// - Parameter coefficient: by default PyTorch's, -½ where antialiased and -¾ elsewhere.
    public static func cubic(
        coefficient: Double? = nil, alignsCorners: Bool = false, isAntialiased: Bool = false
    ) -> Interpolation {
        Interpolation(
            .cubic(coefficient: coefficient ?? (isAntialiased ? -0.5 : -0.75)),
            alignsCorners ? .alignedCorners : .halfPixel, isAntialiased: isAntialiased, excludesOutside: isAntialiased)
    }
}

/// Interpolation along one axis: `y[o, j, i] = Σ_k w[j, k] · x[o, k, i]` with the weights of ``Interpolation``.
///
/// Operands x `[…, extent, …]` and the table of the weights that are not 0, int32 `[count + 1]`, int32 `[terms]` and float32
/// `[terms]`, of float64 tensors float64 → y `[…, count, …]`. The terms of y's element `j` are those from the first table's
/// element `j` on and before the next one's: each an element's place and its weight. So an element that has no weight is
/// not read, and brings no NaN, where 0 times infinity would.
///
/// The gradient is the same with the rows and columns of w exchanged: dy `[…, count, …]` → dx `[…, extent, …]`.
package struct AxisInterpolation: Hashable, Sendable {
    package var interpolation: Interpolation
    package var axis: Int
    /// Of x along the axis.
    package var extent: Int
    /// Of y along the axis.
    package var count: Int
    /// What positions are divided by; count / extent, where nil.
    package var scale: Double?
    package var pass: Pass

    package init(
        _ interpolation: Interpolation, axis: Int, extent: Int, count: Int, scale: Double? = nil,
        pass: Pass = .forward
    ) {
        self.interpolation = interpolation
        self.axis = axis
        self.extent = extent
        self.count = count
        self.scale = scale
        self.pass = pass
    }

    /// The extents of the axis in the operand and in the result.
    package var extents: (operand: Int, result: Int) {
        pass == .forward ? (extent, count) : (count, extent)
    }

    /// Whether y is x.
    var isIdentity: Bool { extent == count && (scale ?? 1) == 1 }
}

extension AxisInterpolation {
    /// The weights that are not 0, of the result's elements in order.
    package struct Table: Sendable {
        /// Where the terms of each element of the result begin, and where the last ones end.
        package var starts: [Int32] = [0]
        package var places: [Int32] = []
        package var weights: [Double] = []

        fileprivate mutating func end() { starts.append(Int32(places.count)) }

        /// The table with the elements of operand and result exchanged.
        fileprivate func transposed(_ extent: Int) -> Table {
            var result = Table()
            var next = [Int32](repeating: 0, count: extent + 1)
            for place in places { next[Int(place) + 1] += 1 }
            for place in 0..<extent { next[place + 1] += next[place] }
            result.starts = next
            result.places = [Int32](repeating: 0, count: places.count)
            result.weights = [Double](repeating: 0, count: places.count)
            for row in 0..<(starts.count - 1) {
                for term in Int(starts[row])..<Int(starts[row + 1]) {
                    let place = Int(places[term])
                    result.places[Int(next[place])] = Int32(row)
                    result.weights[Int(next[place])] = weights[term]
                    next[place] += 1
                }
            }
            return result
        }
    }

    /// Weights below this are what rounding leaves of 0.
    package static let leastWeight = 0x1p-46

    package var table: Table {
        var table = Table()
        for element in 0..<count {
            for (place, weight) in terms(of: element) where abs(weight) > Self.leastWeight {
                table.places.append(Int32(place))
                table.weights.append(weight)
            }
            table.end()
        }
        return pass == .forward ? table : table.transposed(extent)
    }

    /// More terms than a row of the table has.
    var mostTerms: Int {
        let radius = interpolation.filter.radius * stretch
        return radius < Double(extent) ? 2 * Int(radius) + 2 : extent
    }

    /// Where the result's element lies among the operand's.
    private func position(of element: Int) -> Double {
        /// Rounded once, so that what is a whole number comes out as one.
        func unscaled(_ position: Double) -> Double {
            if let scale { position / scale } else { position * Double(extent) / Double(count) }
        }
        switch interpolation.coordinates {
        case .pytorchHalfPixel where count == 1: return 0
        case .halfPixel, .pytorchHalfPixel: return unscaled(Double(element) + 0.5) - 0.5
        case .asymmetric: return unscaled(Double(element))
        case .alignedCorners: return count == 1 ? 0 : Double(element) * Double(extent - 1) / Double(count - 1)
        }
    }

    /// What distances are divided by.
    private var stretch: Double {
        guard interpolation.isAntialiased else { return 1 }
        switch interpolation.coordinates {
        case .halfPixel, .pytorchHalfPixel, .asymmetric:
            return max(1, scale.map { 1 / $0 } ?? Double(extent) / Double(count))
        case .alignedCorners: return count == 1 ? 1 : max(1, Double(extent - 1) / Double(count - 1))
        }
    }

    private func terms(of element: Int) -> [(place: Int, weight: Double)] {
        let (position, last) = (position(of: element), extent - 1)
        if case .nearest(let rounding) = interpolation.filter {
            return [(min(max(Int(rounding.whole(position)), 0), last), 1)]
        }
        let radius = interpolation.filter.radius * stretch
        let reach = Int((position - radius).rounded(.up))...Int((position + radius).rounded(.down))
        var terms: [(place: Int, weight: Double)] = []
        var total = 0.0
        for place in interpolation.excludesOutside ? reach.clamped(to: 0...last) : reach {
            let weight = interpolation.filter.weight(abs(Double(place) - position) / stretch)
            let inside = min(max(place, 0), last)
            total += weight
            if terms.last?.place == inside {
                terms[terms.count - 1].weight += weight
            } else {
                terms.append((inside, weight))
            }
        }
        guard interpolation.isAntialiased || interpolation.excludesOutside, total != 0 else { return terms }
        return terms.map { ($0.place, $0.weight / total) }
    }
}

extension Interpolation.Rounding {
    package func whole(_ position: Double) -> Double {
        switch self {
        case .down: position.rounded(.down)
        case .up: position.rounded(.up)
        case .nearestDown: (position - 0.5).rounded(.up)
        case .nearestUp: (position + 0.5).rounded(.down)
        }
    }
}

extension Interpolation.Filter {
    /// The distance from which on nothing counts.
    fileprivate var radius: Double {
        switch self {
        case .nearest, .linear: 1
        case .cubic: 2
        }
    }

    fileprivate func weight(_ distance: Double) -> Double {
        switch self {
        case .nearest: 0
        case .linear: max(0, 1 - distance)
        case .cubic(let a):
            if distance < 1 {
                ((a + 2) * distance - (a + 3)) * distance * distance + 1
            } else if distance < 2 {
                ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
            } else {
                0
            }
        }
    }
}
