import Tessera

/// One of Fashion-MNIST's items cut out of its black ground, in some size.
struct CutItem {
    var height: Int
    var width: Int
    /// How bright each pixel is, and how much of it there is, in 0...1, row by row.
    var values: [Float]
    var opacities: [Float]
    var label: Int
}

/// Cuts items out of pictures.
struct ItemCutter {
    private let pixels: [UInt8]
    private let labels: [Int32]
    private let rows: Int
    private let columns: Int

    init(_ pictures: ImageDataset) {
        pixels = pictures.images.bytes
        labels = pictures.labels
        (rows, columns) = (pictures.images.shape[1], pictures.images.shape[2])
    }

    /// The number of pictures.
    var count: Int { labels.count }

    func label(of picture: Int) -> Int { Int(labels[picture]) }

    /// An item between pixels linearly, cut to what is opaque of it; `nil` where nothing is.
    ///
    /// - Parameters:
    ///   - extent: what the whole picture is scaled to.
    ///   - brightness: what the pixels are multiplied by.
    func item(_ picture: Int, extent: Int, brightness: Float, isMirrored: Bool) -> CutItem? {
        var (values, opacities) = ([Float](), [Float]())
        let (down, across) = (Float(rows) / Float(extent), Float(columns) / Float(extent))
        var (top, left, bottom, right) = (extent, extent, -1, -1)
        for y in 0..<extent {
            for x in 0..<extent {
                let column = isMirrored ? extent - 1 - x : x
                let value = sample(picture, (Float(y) + 0.5) * down - 0.5, (Float(column) + 0.5) * across - 0.5)
                values.append(value * brightness)
                opacities.append(min(4 * value, 1))
                guard 4 * value >= 0.5 else { continue }
                (top, left, bottom, right) = (min(top, y), min(left, x), max(bottom, y), max(right, x))
            }
        }
        guard bottom >= top, right >= left else { return nil }
        func cut(_ numbers: [Float]) -> [Float] {
            (top...bottom).flatMap { numbers[($0 * extent + left)...($0 * extent + right)] }
        }
        return CutItem(
            height: bottom - top + 1, width: right - left + 1, values: cut(values), opacities: cut(opacities),
            label: label(of: picture))
    }

    private func sample(_ picture: Int, _ y: Float, _ x: Float) -> Float {
        let (top, left) = (y.rounded(.down), x.rounded(.down))
        let (fractionDown, fractionAcross) = (y - top, x - left)
        func pixel(_ row: Int, _ column: Int) -> Float {
            guard (0..<rows).contains(row), (0..<columns).contains(column) else { return 0 }
            return Float(pixels[(picture * rows + row) * columns + column]) * (1 / 255)
        }
        let (row, column) = (Int(top), Int(left))
        let upper = pixel(row, column) * (1 - fractionAcross) + pixel(row, column + 1) * fractionAcross
        let lower = pixel(row + 1, column) * (1 - fractionAcross) + pixel(row + 1, column + 1) * fractionAcross
        return upper * (1 - fractionDown) + lower * fractionDown
    }
}

/// A square grey picture that scenes and clips are drawn into.
struct ItemCanvas {
    /// Where an item stands, in pixels.
    struct Placed {
        var left: Int
        var top: Int
        var right: Int
        var bottom: Int
        var label: Int

        var row: [Float] { [left, top, right, bottom, label].map(Float.init) }
        var area: Int { (right - left) * (bottom - top) }

        func shared(with other: Placed) -> Int {
            let width = min(right, other.right) - max(left, other.left)
            let height = min(bottom, other.bottom) - max(top, other.top)
            return width > 0 && height > 0 ? width * height : 0
        }
    }

    let extent: Int
    private(set) var pixels: [Float]
    var random: RandomSource

    init(_ extent: Int, _ random: RandomSource) {
        self.extent = extent
        self.random = random
        pixels = Array(repeating: 0, count: extent * extent)
    }

    mutating func number(_ range: ClosedRange<Float>) -> Float { .random(in: range, using: &random) }
    mutating func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

    /// Takes everything away.
    mutating func clear(to value: Float) {
        for place in pixels.indices { pixels[place] = value }
    }

    /// Mixes a brightness into a pixel, where there is one.
    mutating func mix(_ value: Float, _ opacity: Float, atRow row: Int, column: Int) {
        guard (0..<extent).contains(row), (0..<extent).contains(column) else { return }
        let place = row * extent + column
        pixels[place] += (value - pixels[place]) * opacity
    }

    /// Ground of a gradient, rectangles, strokes and scraps of items.
    mutating func clutter(from cutter: ItemCutter) {
        let (level, down, across) = (number(0...0.3), number(-0.2...0.2), number(-0.2...0.2))
        for row in 0..<extent {
            for column in 0..<extent {
                pixels[row * extent + column] =
                    level + down * Float(row) / Float(extent) + across * Float(column) / Float(extent)
            }
        }
        for _ in 0..<number(3...8) {
            fillRectangle(height: number(4...40), width: number(4...40), number(0...0.6), number(0.3...0.8))
        }
        for _ in 0..<number(2...6) { strike(number(0...0.8)) }
        for _ in 0..<number(1...4) { scrap(from: cutter) }
    }

    private mutating func fillRectangle(height: Int, width: Int, _ value: Float, _ opacity: Float) {
        let (top, left) = (number((-height / 2)...extent), number((-width / 2)...extent))
        for row in top..<(top + height) {
            for column in left..<(left + width) { mix(value, opacity, atRow: row, column: column) }
        }
    }

    /// A straight stroke, two pixels wide.
    private mutating func strike(_ value: Float) {
        let (y, x) = (number(0...Float(extent)), number(0...Float(extent)))
        let (down, across) = (number(Float(-1)...1), number(Float(-1)...1))
        for step in 0..<number(10...50) {
            let (row, column) = (Int(y + down * Float(step)), Int(x + across * Float(step)))
            for (below, beside) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                mix(value, 0.7, atRow: row + below, column: column + beside)
            }
        }
    }

    /// A small piece out of the middle of an item, which shows a weave and no outline.
    private mutating func scrap(from cutter: ItemCutter) {
        let (picture, height, width) = (number(0...(cutter.count - 1)), number(4...10), number(4...10))
        guard let item = cutter.item(picture, extent: 40, brightness: number(0.4...1), isMirrored: false),
            item.height > height, item.width > width
        else { return }
        let (top, left) = ((item.height - height) / 2, (item.width - width) / 2)
        let (row, column) = (number(0...(extent - height)), number(0...(extent - width)))
        for y in 0..<height {
            for x in 0..<width {
                let place = (top + y) * item.width + left + x
                mix(item.values[place], item.opacities[place], atRow: row + y, column: column + x)
            }
        }
    }

    /// Draws some items at random places where they hide little of each other. There is at least one.
    mutating func placeItems(_ counts: ClosedRange<Int>, from cutter: ItemCutter) -> [Placed] {
        let wanted = number(counts)
        var placed: [Placed] = []
        for _ in 0..<200 where placed.count < wanted {
            guard
                let item = cutter.item(
                    number(0...(cutter.count - 1)), extent: number(24...42), brightness: number(0.55...1),
                    isMirrored: Bool.random(using: &random)), min(item.height, item.width) >= 6
            else { continue }
            let (left, top) = (number(0...(extent - item.width)), number(0...(extent - item.height)))
            let place = Placed(
                left: left, top: top, right: left + item.width, bottom: top + item.height, label: item.label)
            // A tenth of the smaller of two may be hidden.
            guard placed.allSatisfy({ 10 * place.shared(with: $0) <= min(place.area, $0.area) }) else { continue }
            draw(item, top: Float(top), left: Float(left))
            placed.append(place)
        }
        return placed
    }

    /// Draws an item whose upper left corner may lie between pixels.
    mutating func draw(_ item: CutItem, top: Float, left: Float) {
        let (wholeDown, wholeAcross) = (top.rounded(.down), left.rounded(.down))
        let (down, across) = (top - wholeDown, left - wholeAcross)
        let weights: [(row: Int, column: Int, weight: Float)] = [
            (0, 0, (1 - down) * (1 - across)), (0, 1, (1 - down) * across), (1, 0, down * (1 - across)),
            (1, 1, down * across),
        ].filter { $0.2 > 0 }
        for y in 0...item.height {
            for x in 0...item.width {
                var (value, opacity) = (Float(0), Float(0))
                for (row, column, weight) in weights {
                    let (sourceY, sourceX) = (y - row, x - column)
                    guard (0..<item.height).contains(sourceY), (0..<item.width).contains(sourceX) else { continue }
                    let place = sourceY * item.width + sourceX
                    opacity += weight * item.opacities[place]
                    value += weight * item.opacities[place] * item.values[place]
                }
                guard opacity > 0 else { continue }
                mix(value / opacity, opacity, atRow: Int(wholeDown) + y, column: Int(wholeAcross) + x)
            }
        }
    }

    /// Writes the picture with some noise as bytes.
    ///
    /// - Parameter noise: the most that is added to a pixel or taken away.
    mutating func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int, noise: Float = 0.06) {
        var bits: UInt64 = 0
        for place in pixels.indices {
            // 16 random bits each.
            if place % 4 == 0 { bits = random.next() }
            let drawn = Float(bits & 0xffff) * (2 / 65535) - 1
            bits >>= 16
            let value = min(max(pixels[place] + noise * drawn, 0), 1)
            bytes[start + place] = UInt8((value * 255).rounded())
        }
    }
}
