import Tessera

extension Picture {
    /// A rectangle in a picture: its edges in pixels from the picture's left and top edge, between pixels, so that a box from
    /// 0 to ``width`` has all columns.
    public struct Box: Hashable, Sendable {
        /// The left edge.
        public var left: Double
        /// The upper edge.
        public var top: Double
        /// The right edge, to the right of the last column.
        public var right: Double
        /// The lower edge, below the last row.
        public var bottom: Double

        /// A box of these edges.
        public init(left: Double, top: Double, right: Double, bottom: Double) {
            (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
        }
    }

    /// Fills what of a rectangle lies in the picture.
    public mutating func fill(top: Int, left: Int, height: Int, width: Int, _ color: Color) {
        let pixel = color.pixel(channels)
        let rows = max(top, 0)..<max(min(top.plus(height), self.height), max(top, 0))
        let columns = max(left, 0)..<max(min(left.plus(width), self.width), max(left, 0))
        let (stride, count) = (self.width, channels.count)
        withUnsafeMutablePixels { pixels in
            for row in rows {
                for column in columns {
                    for channel in 0..<count { pixels[(row * stride + column) * count + channel] = pixel[channel] }
                }
            }
        }
    }

    /// Draws a box, and its label in a bar on top of it, or inside where there is no room. What lies outside of the picture is
    /// left out. torchvision.utils.draw_bounding_boxes.
    ///
    /// - Parameters:
    ///   - thickness: of the frame in pixels, inwards; at least 1.
    ///   - scale: of the label's letters, of 5 by 7 pixels; at least 1.
    public mutating func draw(
        _ box: Box, label: String? = nil, color: Color = .category(0), thickness: Int = 1, scale: Int = 1
    ) {
        guard let left = box.left.pixel, let top = box.top.pixel, let right = box.right.pixel,
            let bottom = box.bottom.pixel, left < right, top < bottom
        else { return }
        let (height, width) = (bottom - top, right - left)
        let thickness = min(max(thickness, 1), min(height, width))
        fill(top: top, left: left, height: thickness, width: width, color)
        fill(top: bottom - thickness, left: left, height: thickness, width: width, color)
        fill(top: top, left: left, height: height, width: thickness, color)
        fill(top: top, left: right - thickness, height: height, width: thickness, color)
        guard let label, !label.isEmpty else { return }
        let size = Self.size(of: label, scale: scale)
        let bar = (height: size.height + 2, width: size.width + 3)
        let start = min(max(left, 0), max(self.width - bar.width, 0))
        let above = top - bar.height
        let first = above >= 0 ? above : max(top, 0)
        fill(top: first, left: start, height: bar.height, width: bar.width, color)
        draw(label, top: first + 1, left: start + 2, color: color.contrast, scale: scale)
    }

    /// Writes a line in letters of 5 by 7 pixels, with `top` and `left` of the first one's. ASCII has letters; any other
    /// character is a frame. What lies outside of the picture is left out.
    ///
    /// - Parameter scale: how many pixels a pixel of a letter is high and wide; at least 1.
    public mutating func draw(_ text: String, top: Int, left: Int, color: Color, scale: Int = 1) {
        let scale = max(scale, 1)
        var place = left
        for character in text {
            // Letters after the right edge are not gone through.
            guard place < width else { return }
            for (y, row) in PixelFont.rows(of: character).enumerated() {
                for (x, isSet) in row.enumerated() where isSet {
                    fill(
                        top: top.plus(scale.times(y)), left: place.plus(scale.times(x)), height: scale, width: scale,
                        color)
                }
            }
            place = place.plus(scale.times(PixelFont.advance))
        }
    }

    /// How many pixels a line takes that ``draw(_:top:left:color:scale:)`` writes, with what is below the line.
    public static func size(of text: String, scale: Int = 1) -> (height: Int, width: Int) {
        let scale = max(scale, 1)
        return (
            scale.times(PixelFont.height),
            scale.times(max(text.count.times(PixelFont.advance) - (PixelFont.advance - PixelFont.width), 0))
        )
    }

    // MARK: Grids

    /// Pictures side by side, row after row, each in the middle of a cell as large as the largest of them.
    /// torchvision.utils.make_grid.
    ///
    /// - Parameters:
    ///   - columns: how many are in a row; as many as make the grid about square, where `nil`.
    ///   - padding: pixels between cells and around them.
    ///   - labels: of the pictures, below each; as many as there are, or none.
    ///   - scale: of labels' letters.
    /// - Throws: `GraphError` for no pictures, numbers that make no sense, or where there is no memory for the grid.
    public static func grid(
        _ pictures: [Picture], columns: Int? = nil, padding: Int = 2, background: Color = .black,
        labels: [String] = [], scale: Int = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "grid", message: message, location: SourceLocation(file: file, line: line))
        }
        guard !pictures.isEmpty else { throw failure("there are no pictures") }
        let columns = columns ?? Int(Double(pictures.count).squareRoot().rounded(.up))
        guard columns >= 1, padding >= 0, scale >= 1 else {
            throw failure(
                "columns and scale must be at least 1 and padding at least 0, not \(columns), \(scale), \(padding)")
        }
        guard labels.isEmpty || labels.count == pictures.count else {
            throw failure("\(labels.count) labels are not those of \(pictures.count) pictures")
        }
        let room = labels.isEmpty ? 0 : Self.size(of: "", scale: scale).height.plus(2)
        let (height, width) = (pictures.map(\.height).max() ?? 1, pictures.map(\.width).max() ?? 1)
        let used = min(columns, pictures.count)
        let rows = (pictures.count - 1) / columns + 1
        let (down, across) = (height.plus(room).plus(padding), width.plus(padding))
        var grid = try Picture(
            height: down.times(rows).plus(padding), width: across.times(used).plus(padding),
            channels: Self.common(pictures.map(\.channels), background), color: background,
            file: file, line: line)
        for (number, picture) in pictures.enumerated() {
            let top = padding + number / columns * down
            let left = padding + number % columns * across
            grid.put(picture, top: top + (height - picture.height) / 2, left: left + (width - picture.width) / 2)
            guard !labels.isEmpty else { continue }
            // What is too long for its cell is cut off, so that it does not run into the next.
            let most = max((width / scale + PixelFont.advance - PixelFont.width) / PixelFont.advance, 0)
            grid.draw(
                String(labels[number].prefix(most)), top: top + height + 1, left: left, color: background.contrast,
                scale: scale)
        }
        return grid
    }

    /// The pictures of a batch side by side.
    ///
    /// - Parameters:
    ///   - batch: `[count, channels, height, width]`, as ``pictures(of:range:file:line:)`` takes it.
    ///   - range: the numbers that become 0 and 255.
    /// - Throws: `GraphError` as there, and as ``grid(_:columns:padding:background:labels:scale:file:line:)``.
    public static func grid(
        of batch: HostTensor, range: ClosedRange<Float> = 0...1, columns: Int? = nil, padding: Int = 2,
        background: Color = .black, labels: [String] = [], file: StaticString = #fileID, line: UInt = #line
    ) throws -> Picture {
        try grid(
            pictures(of: batch, range: range, file: file, line: line), columns: columns, padding: padding,
            background: background, labels: labels, file: file, line: line)
    }

    /// Channels that lose nothing of any of them.
    private static func common(_ all: [Channels], _ background: Color) -> Channels {
        let isGray = all.allSatisfy { $0 == .gray || $0 == .grayAlpha } && background.isGray
        let hasAlpha = all.contains { $0.hasAlpha } || background.alpha < 255
        return isGray ? (hasAlpha ? .grayAlpha : .gray) : (hasAlpha ? .rgba : .rgb)
    }
}

extension Double {
    /// The edge between pixels that is nearest; `nil` for what is none of any picture.
    fileprivate var pixel: Int? { isNaN ? nil : Int(min(max(rounded(), -0x1p30), 0x1p30)) }
}
