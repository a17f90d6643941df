import Tessera

extension Picture {
    /// The picture with other extents. Height and width are each as they are asked for, whatever their ratio.
    ///
    /// Numbers are PIL.Image.resize's, to the last bit, with its filters BILINEAR (the standard here), BICUBIC
    /// (`.cubic(isAntialiased: true)`) and NEAREST (`.nearestExact`): columns first, then rows, each rounded to 8 bits; colours
    /// are weighed by how opaque they are. Filters without antialiasing read a few pixels only, and so are for enlarging.
    ///
    /// - Throws: `GraphError` for extents that no picture has, an interpolation that makes no sense, or where there is no
    ///   memory for it.
    public func resized(
        height: Int, width: Int, by interpolation: Interpolation = .linear(isAntialiased: true),
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        let location = SourceLocation(file: file, line: line)
        try Self.checkExtents(height, width, of: "resized", at: location)
        guard height != self.height || width != self.width else { return self }
        let size = max(height, self.height).times(max(width, self.width)).times(channels.count)
        try HostMemory.require(2 * size, for: "resizing to \(height) by \(width)", at: location)
        var isNearest = false
        if case .nearest = interpolation.filter { isNearest = true }
        let weighs = channels.hasAlpha && !isNearest
        var picture = weighs ? premultiplied() : self
        if width != self.width {
            let filter = try ByteFilter(interpolation, extent: self.width, count: width, at: location)
            picture = picture.filtered(filter, alongRows: true)
        }
        if height != self.height {
            let filter = try ByteFilter(interpolation, extent: self.height, count: height, at: location)
            picture = picture.filtered(filter, alongRows: false)
        }
        return weighs ? picture.unmultiplied() : picture
    }

    /// The picture with its shorter side of so many pixels, and the longer one in proportion, rounded down.
    /// torchvision.transforms.v2.Resize of one number.
    ///
    /// - Throws: `GraphError` as ``resized(height:width:by:file:line:)``.
    public func resized(
        shorterSide: Int, by interpolation: Interpolation = .linear(isAntialiased: true),
        file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        let shorter = min(height, width)
        return try resized(
            height: height == shorter ? shorterSide : shorterSide.times(height) / shorter,
            width: width == shorter ? shorterSide : shorterSide.times(width) / shorter, by: interpolation, file: file,
            line: line)
    }

    // MARK: Passes

    /// One pass, along rows or columns.
    private func filtered(_ filter: ByteFilter, alongRows: Bool) -> Picture {
        let (newHeight, newWidth) = alongRows ? (height, filter.count) : (filter.count, width)
        let (count, row) = (channels.count, width * channels.count)
        let size = newHeight * newWidth * count
        let filtered = [UInt8](unsafeUninitializedCapacity: size) { target, initialized in
            initialized = size
            pixels.withUnsafeBufferPointer { source in
                filter.withTerms { starts, places, weights in
                    for y in 0..<newHeight {
                        for x in 0..<newWidth {
                            let element = alongRows ? x : y
                            let (first, last) = (Int(starts[element]), Int(starts[element + 1]))
                            // The place of the sample, where the term's place along the axis is 0.
                            let base = alongRows ? y * row : x * count
                            let step = alongRows ? count : row
                            for channel in 0..<count {
                                var sum = ByteFilter.half
                                for term in first..<last {
                                    sum += weights[term] * Int(source[base + Int(places[term]) * step + channel])
                                }
                                target[(y * newWidth + x) * count + channel] = ByteFilter.byte(sum)
                            }
                        }
                    }
                }
            }
        }
        return Picture(newHeight, newWidth, channels, filtered)
    }

    /// Colours times how opaque they are.
    private func premultiplied() -> Picture {
        var result = self
        let count = channels.count
        result.withUnsafeMutablePixels { pixels in
            for pixel in stride(from: 0, to: pixels.count, by: count) {
                let alpha = Int(pixels[pixel + count - 1])
                for channel in pixel..<(pixel + count - 1) {
                    let product = Int(pixels[channel]) * alpha + 128
                    pixels[channel] = UInt8((product + product >> 8) >> 8)
                }
            }
        }
        return result
    }

    private func unmultiplied() -> Picture {
        var result = self
        let count = channels.count
        result.withUnsafeMutablePixels { pixels in
            for pixel in stride(from: 0, to: pixels.count, by: count) {
                let alpha = Int(pixels[pixel + count - 1])
                guard alpha != 0, alpha != 255 else { continue }
                for channel in pixel..<(pixel + count - 1) {
                    pixels[channel] = UInt8(min(255 * Int(pixels[channel]) / alpha, 255))
                }
            }
        }
        return result
    }
}

/// Interpolation along one axis of bytes: weights are whole numbers of 2⁻²², as Pillow has them (Resample.c).
private struct ByteFilter {
    private static let bits = 22
    /// What is added before the fraction is cut off.
    static let half = 1 << (bits - 1)

    /// Of the result along the axis.
    let count: Int
    private let table: AxisInterpolation.Table
    private let weights: [Int]

    init(
        _ interpolation: Interpolation, extent: Int, count: Int, at location: SourceLocation
    ) throws(GraphError) {
        let axis = AxisInterpolation(interpolation, axis: 0, extent: extent, count: count)
        if let complaint = axis.complaint(of: .float32) {
            throw GraphError(operation: "resized", message: complaint, location: location)
        }
        if case .cubic(let coefficient) = interpolation.filter, coefficient.magnitude > 100 {
            throw GraphError(
                operation: "resized", message: "the coefficient must be from -100 to 100, not \(coefficient)",
                location: location)
        }
        self.count = count
        table = axis.table
        weights = table.weights.map { Int(($0 * Double(1 << Self.bits)).rounded(.toNearestOrAwayFromZero)) }
    }

    static func byte(_ sum: Int) -> UInt8 { UInt8(min(max(sum >> bits, 0), 255)) }

    func withTerms(
        _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int>) -> Void
    ) {
        table.starts.withUnsafeBufferPointer { starts in
            table.places.withUnsafeBufferPointer { places in
                weights.withUnsafeBufferPointer { body(starts, places, $0) }
            }
        }
    }
}
