import Tessera

/// A picture in memory: rows of pixels from the top, each pixel its channels from 0 to 255.
///
///     var picture = try Picture(contentsOf: "cat.jpeg")
///     picture = try picture.resized(height: 224, width: 224)
///     let input = try picture.tensor()              // [3, 224, 224]
///     try picture.write(to: "cat.png")
public struct Picture: Hashable, Sendable {
    /// What the numbers of a pixel are.
    public enum Channels: Int, Hashable, Sendable, CaseIterable {
        /// From black to white.
        case gray = 1
        /// Grey, and how much of it there is: 0 is transparent, 255 opaque. Colours are not multiplied by it.
        case grayAlpha
        /// Red, green and blue.
        case rgb
        /// Red, green and blue, and how much of them there is.
        case rgba

        /// How many numbers a pixel has.
        public var count: Int { rawValue }
        /// Whether the last number is how opaque a pixel is.
        public var hasAlpha: Bool { self == .grayAlpha || self == .rgba }
    }

    /// In pixels, from 1 to ``extentLimit``.
    public let height: Int
    /// In pixels, from 1 to ``extentLimit``.
    public let width: Int
    /// What the numbers of a pixel are.
    public let channels: Channels
    /// `[height, width, channels]`, row-major.
    public private(set) var pixels: [UInt8]

    /// The greatest height and width.
    public static let extentLimit = 1_000_000

    /// A picture of given pixels.
    ///
    /// - Parameter pixels: `[height, width, channels]`, row-major.
    /// - Throws: `GraphError` for extents that no picture has, or another number of pixels.
    public init(
        height: Int, width: Int, channels: Channels, pixels: [UInt8], file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) {
        let location = SourceLocation(file: file, line: line)
        try Self.checkExtents(height, width, at: location)
        guard pixels.count == height * width * channels.count else {
            throw GraphError(
                operation: "Picture",
                message: "\(height) by \(width) pixels of \(channels.count) channels are "
                    + "\(height * width * channels.count) bytes, not \(pixels.count)", location: location)
        }
        self.init(height, width, channels, pixels)
    }

    /// A picture of one colour.
    ///
    /// - Throws: `GraphError` for extents that no picture has, or where there is no memory for it.
    public init(
        height: Int, width: Int, channels: Channels = .rgb, color: Color = .black, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(GraphError) {
        let location = SourceLocation(file: file, line: line)
        try Self.checkExtents(height, width, at: location)
        let count = height * width * channels.count
        try HostMemory.require(count, for: "a picture of \(height) by \(width)", at: location)
        let pixel = color.pixel(channels)
        self.init(
            height, width, channels,
            [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
                for place in 0..<count { bytes[place] = pixel[place % pixel.count] }
                initialized = count
            })
    }

    /// Of extents that have been looked at.
    init(_ height: Int, _ width: Int, _ channels: Channels, _ pixels: [UInt8]) {
        (self.height, self.width, self.channels, self.pixels) = (height, width, channels, pixels)
    }

    static func checkExtents(
        _ height: Int, _ width: Int, of operation: String = "Picture", at location: SourceLocation
    ) throws(GraphError) {
        guard (1...extentLimit).contains(height), (1...extentLimit).contains(width) else {
            throw GraphError(
                operation: operation,
                message: "a picture's height and width are from 1 to \(extentLimit) pixels, not \(height) and \(width)",
                location: location)
        }
    }

    /// The channels of one pixel.
    ///
    /// - Precondition: `row` and `column` are in the picture, and a new pixel has as many channels.
    public subscript(row: Int, column: Int) -> [UInt8] {
        get {
            precondition((0..<height).contains(row) && (0..<width).contains(column), "no pixel at \(row), \(column)")
            let place = (row * width + column) * channels.count
            return Array(pixels[place..<(place + channels.count)])
        }
        set {
            precondition((0..<height).contains(row) && (0..<width).contains(column), "no pixel at \(row), \(column)")
            precondition(newValue.count == channels.count, "a pixel has \(channels.count) channels")
            let place = (row * width + column) * channels.count
            for channel in newValue.indices { pixels[place + channel] = newValue[channel] }
        }
    }

    // MARK: Channels

    /// The same picture in other channels.
    ///
    /// Grey is `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601). What is transparent keeps the colour that the file has there:
    /// ``blended(over:)`` puts it on a background instead. PIL.Image.convert, whose numbers these are.
    public func converted(to wanted: Channels) -> Picture {
        guard wanted != channels else { return self }
        let (from, to) = (channels.count, wanted.count)
        let isGray = channels == .gray || channels == .grayAlpha
        let becomesGray = wanted == .gray || wanted == .grayAlpha
        let count = height * width
        let keepsAlpha = channels.hasAlpha
        let converted = [UInt8](unsafeUninitializedCapacity: count * to) { target, initialized in
            initialized = count * to
            for pixel in 0..<count {
                let (read, write) = (pixel * from, pixel * to)
                let red = pixels[read]
                let green = isGray ? red : pixels[read + 1]
                let blue = isGray ? red : pixels[read + 2]
                if becomesGray {
                    target[write] = isGray ? red : Self.gray(red, green, blue)
                } else {
                    target[write] = red
                    target[write + 1] = green
                    target[write + 2] = blue
                }
                if wanted.hasAlpha { target[write + to - 1] = keepsAlpha ? pixels[read + from - 1] : 255 }
            }
        }
        return Picture(height, width, wanted, converted)
    }

    /// 16 bits of the weights of ITU-R BT.601, rounded to nearest.
    static func gray(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        let weighted: Int = 19_595 * Int(red) + 38_470 * Int(green) + 7_471 * Int(blue)
        return UInt8((weighted + 0x8000) >> 16)
    }

    /// The picture on a background, without alpha: `[height, width]` of one or three channels.
    public func blended(over background: Color) -> Picture {
        guard channels.hasAlpha else { return self }
        let (from, to) = (channels.count, channels.count - 1)
        let behind = background.pixel(to == 1 ? .gray : .rgb)
        let count = height * width
        let blended = [UInt8](unsafeUninitializedCapacity: count * to) { target, initialized in
            initialized = count * to
            for pixel in 0..<count {
                let alpha = Int(pixels[pixel * from + to])
                for channel in 0..<to {
                    let front = Int(pixels[pixel * from + channel]) * alpha
                    let back = Int(behind[channel]) * (255 - alpha)
                    target[pixel * to + channel] = UInt8((front + back + 127) / 255)
                }
            }
        }
        return Picture(height, width, to == 1 ? .gray : .rgb, blended)
    }

    // MARK: Parts

    /// The part of `height` by `width` pixels whose first pixel is at `top` and `left`.
    ///
    /// - Throws: `GraphError` where it is not in the picture.
    public func cropped(
        top: Int, left: Int, height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        let location = SourceLocation(file: file, line: line)
        try Self.checkExtents(height, width, of: "cropped", at: location)
        guard top >= 0, left >= 0, height <= self.height, top <= self.height - height, width <= self.width,
            left <= self.width - width
        else {
            throw GraphError(
                operation: "cropped",
                message: "\(height) by \(width) pixels from row \(top) and column \(left) on are not in a picture of "
                    + "\(self.height) by \(self.width)", location: location)
        }
        var part: [UInt8] = []
        part.reserveCapacity(height * width * channels.count)
        for row in top..<(top + height) {
            let start = (row * self.width + left) * channels.count
            part += pixels[start..<(start + width * channels.count)]
        }
        return Picture(height, width, channels, part)
    }

    /// The part of `height` by `width` pixels in the middle, with 0 around a picture that is smaller.
    /// torchvision.transforms.v2.CenterCrop, whose rounding this is.
    ///
    /// - Throws: `GraphError` for extents that no picture has, or where there is no memory for it.
    public func centerCropped(
        height: Int, width: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        try Self.checkExtents(height, width, of: "centerCropped", at: SourceLocation(file: file, line: line))
        // What is missing is added half on either side, the odd one after it.
        let around = try Picture(
            height: max(height, self.height), width: max(width, self.width), channels: channels, color: .clear,
            file: file, line: line)
        var whole = self
        if around.height > self.height || around.width > self.width {
            whole = around
            whole.put(
                self, top: max(height - self.height, 0) / 2, left: max(width - self.width, 0) / 2)
        }
        return try whole.cropped(
            top: Self.half(whole.height - height), left: Self.half(whole.width - width), height: height, width: width,
            file: file, line: line)
    }

    /// Half of what is too much, rounded to even as Python rounds.
    private static func half(_ number: Int) -> Int { Int((Double(number) / 2).rounded(.toNearestOrEven)) }

    /// The picture with its columns in the opposite order.
    func mirrored() -> Picture {
        moved(height: height, width: width) { ($0, width - 1 - $1) }
    }

    /// A picture whose pixel in each place is this one's at another.
    func moved(
        height newHeight: Int, width newWidth: Int, _ place: (_ row: Int, _ column: Int) -> (Int, Int)
    ) -> Picture {
        let count = channels.count
        let moved = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, initialized in
            pixels.withUnsafeBufferPointer { source in
                var write = 0
                for row in 0..<newHeight {
                    for column in 0..<newWidth {
                        let (y, x) = place(row, column)
                        for channel in 0..<count { target[write + channel] = source[(y * width + x) * count + channel] }
                        write += count
                    }
                }
            }
            initialized = pixels.count
        }
        return Picture(newHeight, newWidth, channels, moved)
    }

    /// Each pixel as a square of `factor` by `factor` of them.
    ///
    /// - Throws: `GraphError` where the picture would be too large, or the factor is below 1.
    public func enlarged(
        _ factor: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Picture {
        guard factor >= 1 else {
            throw GraphError(
                operation: "enlarged", message: "the factor must be at least 1, not \(factor)",
                location: SourceLocation(file: file, line: line))
        }
        var result = try Picture(
            height: height.times(factor), width: width.times(factor), channels: channels, file: file, line: line)
        result.withUnsafeMutablePixels { target in
            for row in 0..<(height * factor) {
                for column in 0..<(width * factor) {
                    let write = (row * width * factor + column) * channels.count
                    let read = (row / factor * width + column / factor) * channels.count
                    for channel in 0..<channels.count { target[write + channel] = pixels[read + channel] }
                }
            }
        }
        return result
    }

    // MARK: In place

    /// Lets `body` change the pixels, `[height, width, channels]`.
    mutating func withUnsafeMutablePixels<Result>(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Result) -> Result {
        pixels.withUnsafeMutableBufferPointer { body($0) }
    }

    /// Puts a picture into this one, what of it lies inside, in this one's channels; its alpha is copied or left out.
    public mutating func put(_ other: Picture, top: Int, left: Int) {
        let other = other.converted(to: channels)
        let first = max(left.times(-1), 0)
        let last = min(other.width, width.minus(left))
        guard first < last else { return }
        for row in 0..<other.height {
            let y = top.plus(row)
            guard (0..<height).contains(y) else { continue }
            let read = (row * other.width + first) * channels.count
            let write = (y * width + left + first) * channels.count
            let count = (last - first) * channels.count
            pixels.replaceSubrange(write..<(write + count), with: other.pixels[read..<(read + count)])
        }
    }
}
