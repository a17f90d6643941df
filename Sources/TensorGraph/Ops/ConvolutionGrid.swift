/// One axis of a grid of output pixels and of the taps that each of them reads.
///
/// Output position u of `extent` reads source position `u·stride + base + i·step` for tap i of `taps`, which is the
/// kernel's tap `firstTap + i·tapStep`, and is written to `u·outStride + outBase`.
package struct ConvolutionAxis: Hashable, Sendable {
    package var extent: Int
    package var taps: Int
    package var base: Int
    package var step: Int
    package var stride: Int
    package var firstTap: Int
    package var tapStep: Int
    package var outBase: Int
    package var outStride: Int

    /// The forward pass along an axis of `attributes`: every output reads every tap.
    package static func forward(_ attributes: Convolution, axis: Int, kernel: Int, output: Int) -> ConvolutionAxis {
        ConvolutionAxis(
            extent: output, taps: kernel, base: -attributes.padding[2 * axis], step: attributes.dilation[axis],
            stride: attributes.stride[axis], firstTap: 0, tapStep: 1, outBase: 0, outStride: 1)
    }

    /// The gradient of an input of `input` positions, one axis for each remainder of the position by the stride.
    ///
    /// Input position i receives from output p through tap r where `p·stride = i + padding - r·dilation`. For one
    /// remainder of i, the taps for which the right side is divisible lie `stride / gcd(stride, dilation)` apart, and
    /// what they read is an affine function of i: a convolution of stride 1 over the cotangent.
    package static func inputGradient(_ attributes: Convolution, axis: Int, kernel: Int, input: Int)
        -> [ConvolutionAxis]
    {
        let (stride, dilation) = (attributes.stride[axis], attributes.dilation[axis])
        let padding = attributes.padding[2 * axis]
        let divisor = greatestCommonDivisor(stride, dilation)
        let tapStep = stride / divisor
        return (0..<min(stride, input)).map { remainder in
            let first = (0..<min(kernel, tapStep)).first { (remainder + padding - $0 * dilation) % stride == 0 }
            return ConvolutionAxis(
                extent: (input - remainder).dividedRoundingUp(by: stride),
                taps: first.map { (kernel - 1 - $0) / tapStep + 1 } ?? 0,
                base: first.map { (remainder + padding - $0 * dilation) / stride } ?? 0,
                step: -dilation / divisor, stride: 1, firstTap: first ?? 0, tapStep: tapStep, outBase: remainder,
                outStride: stride)
        }
    }

    /// Whether its one tap reads each of `positions` source positions where it is written.
    package func isPlain(over positions: Int) -> Bool {
        taps == 1 && stride == 1 && base == 0 && outStride == 1 && extent == positions
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }
}

/// A convolution over two axes as backends do it: a source image, a grid of outputs, taps, and where each output goes.
///
/// The forward pass is one of these; the gradient of the input one for each remainder of rows and columns by the
/// stride, over the cotangent.
package struct ConvolutionGrid: Hashable, Sendable {
    package var images: Int
    package var groups: Int
    /// Output channels of a group.
    package var rows: Int
    /// Source channels of a group.
    package var channels: Int
    package var height: Int
    package var width: Int
    package var outHeight: Int
    package var outWidth: Int
    package var vertical: ConvolutionAxis
    package var horizontal: ConvolutionAxis
    /// The weight's strides from one output channel, source channel and group to the next, and its extents.
    package var rowStride: Int
    package var channelStride: Int
    package var groupStride: Int
    package var kernelTaps: Int
    package var kernelWidth: Int

    package var taps: Int { vertical.taps * horizontal.taps }
    package var depth: Int { taps * channels }
    package var pixels: Int { images * vertical.extent * horizontal.extent }

    /// `y = conv(x, w)` for x, w and y of these shapes.
    package static func forward(_ attributes: Convolution, x: Shape, weight: Shape, y: Shape) -> ConvolutionGrid {
        let kernelTaps = weight[2] * weight[3]
        let rows = weight[0] / attributes.groups
        return ConvolutionGrid(
            images: x[0], groups: attributes.groups, rows: rows, channels: weight[1], height: x[2], width: x[3],
            outHeight: y[2], outWidth: y[3],
            vertical: .forward(attributes, axis: 0, kernel: weight[2], output: y[2]),
            horizontal: .forward(attributes, axis: 1, kernel: weight[3], output: y[3]),
            rowStride: weight[1] * kernelTaps, channelStride: kernelTaps, groupStride: rows * weight[1] * kernelTaps,
            kernelTaps: kernelTaps, kernelWidth: weight[3])
    }

    /// The gradient of an input of shape `x` from a cotangent of shape `dy`.
    package static func inputGradient(_ attributes: Convolution, x: Shape, weight: Shape, dy: Shape)
        -> [ConvolutionGrid]
    {
        let kernelTaps = weight[2] * weight[3]
        let rows = weight[0] / attributes.groups
        let columns = ConvolutionAxis.inputGradient(attributes, axis: 1, kernel: weight[3], input: x[3])
        return ConvolutionAxis.inputGradient(attributes, axis: 0, kernel: weight[2], input: x[2]).flatMap { vertical in
            columns.map { horizontal in
                ConvolutionGrid(
                    images: x[0], groups: attributes.groups, rows: weight[1], channels: rows, height: dy[2],
                    width: dy[3], outHeight: x[2], outWidth: x[3], vertical: vertical, horizontal: horizontal,
                    rowStride: kernelTaps, channelStride: weight[1] * kernelTaps,
                    groupStride: rows * weight[1] * kernelTaps, kernelTaps: kernelTaps, kernelWidth: weight[3])
            }
        }
    }
}

/// A 3×3 convolution of stride 1 in tiles, as Winograd's filtering takes it.
package struct WinogradGrid: Hashable, Sendable {
    package let grid: ConvolutionGrid
    /// Outputs in each direction of a tile: 2 or 4.
    package let outputTile: Int
    /// Zeros above and left of the source.
    package let top: Int
    package let left: Int
    /// Whether the kernel's taps are taken in reverse: the gradient of the input.
    package let isTurned: Bool

    /// Nil where the grid is not a dense 3×3 convolution of stride 1, or an input's gradient cuts off part of the
    /// cotangent because the padding was more than 2.
    package init?(_ grid: ConvolutionGrid, outputTile: Int) {
        let (vertical, horizontal) = (grid.vertical, grid.horizontal)
        func isPlain(_ axis: ConvolutionAxis) -> Bool {
            axis.taps == 3 && axis.stride == 1 && abs(axis.step) == 1 && axis.tapStep == 1 && axis.outStride == 1
        }
        guard grid.groups == 1, isPlain(vertical), isPlain(horizontal), vertical.step == horizontal.step else {
            return nil
        }
        isTurned = vertical.step < 0
        top = isTurned ? 2 - vertical.base : -vertical.base
        left = isTurned ? 2 - horizontal.base : -horizontal.base
        guard top >= 0, left >= 0, left + grid.width <= horizontal.extent + 2 else { return nil }
        self.grid = grid
        self.outputTile = outputTile
    }

    package var tilesHigh: Int { grid.vertical.extent.dividedRoundingUp(by: outputTile) }
    package var tilesWide: Int { grid.horizontal.extent.dividedRoundingUp(by: outputTile) }
    /// Rows of tiles in all images.
    package var tileRows: Int { grid.images * tilesHigh }
    package var tiles: Int { tileRows * tilesWide }
    package var positions: Int { (outputTile + 2) * (outputTile + 2) }
    package var name: String { "Winograd F(\(outputTile)×\(outputTile), 3×3)" }
}
