import TensorGraph

/// One axis of a grid of output pixels and of the taps that each of them reads.
///
/// Output position u of `extent` reads source position `u·stride + base + i·step` for tap i of `taps`, which is the
/// kernel's tap `firstTap + i·tapStep`, and is written to `u·outStride + outBase`.
struct ConvolutionAxis: Hashable {
    var extent: Int
    var taps: Int
    var base: Int
    var step: Int
    var stride: Int
    var firstTap: Int
    var tapStep: Int
    var outBase: Int
    var outStride: Int

    /// The forward pass along an axis of `attributes`: every output reads every tap.
    static func forward(_ attributes: Convolution, axis: Int, kernel: Int, output: Int) -> ConvolutionAxis {
        ConvolutionAxis(
            extent: output, taps: kernel, base: -attributes.padding[2 * axis], step: attributes.dilation[axis],
            stride: attributes.stride[axis], firstTap: 0, tapStep: 1, outBase: 0, outStride: 1)
    }

    /// The gradient of an input of `input` positions, one axis for each remainder of the position by the stride.
    ///
    /// Input position i receives from output p through tap r where `p·stride = i + padding - r·dilation`. For one
    /// remainder of i, the taps for which the right side is divisible lie `stride / gcd(stride, dilation)` apart, and
    /// what they read is an affine function of i: a convolution of stride 1 over the cotangent.
    static func inputGradient(_ attributes: Convolution, axis: Int, kernel: Int, input: Int) -> [ConvolutionAxis] {
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

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }
}

/// A convolution as the kernels see it: a source image, a grid of outputs, taps, and where each output goes.
///
/// The forward pass is one of these; the gradient of the input one for each remainder of rows and columns by the
/// stride, over the cotangent.
struct ConvolutionGrid: Hashable {
    var images: Int
    var groups: Int
    /// Output channels of a group.
    var rows: Int
    /// Source channels of a group.
    var channels: Int
    var height: Int
    var width: Int
    var outHeight: Int
    var outWidth: Int
    var vertical: ConvolutionAxis
    var horizontal: ConvolutionAxis
    /// The weight's strides from one output channel, source channel and group to the next, and its extents.
    var rowStride: Int
    var channelStride: Int
    var groupStride: Int
    var kernelTaps: Int
    var kernelWidth: Int

    var taps: Int { vertical.taps * horizontal.taps }
    var depth: Int { taps * channels }
    var pixels: Int { images * vertical.extent * horizontal.extent }

    /// What the best tuning values for its kernels depend on.
    static let problemExtents: [TuningProblem.Extent] = [.groups, .rows, .channels, .taps, .pixels, .stride]
    var problem: TuningProblem {
        [
            .groups: groups, .rows: rows, .channels: channels, .taps: taps, .pixels: pixels,
            .stride: horizontal.stride,
        ]
    }

    /// `y = conv(x, w)` for x, w and y of these shapes.
    static func forward(_ attributes: Convolution, x: Shape, weight: Shape, y: Shape) -> ConvolutionGrid {
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
    static func inputGradient(_ attributes: Convolution, x: Shape, weight: Shape, dy: Shape) -> [ConvolutionGrid] {
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

    /// `tapsWide` of the kernels, which divide by it.
    var tapsWide: Int { max(horizontal.taps, 1) }

    /// `rowBase, rowStep, rowStride, columnBase, columnStep, columnStride`: what the grid reads.
    var reading: [KernelArgument] {
        .int32s(
            vertical.base, vertical.step, vertical.stride, horizontal.base, horizontal.step, horizontal.stride)
    }

    /// `outHeight, outWidth, outRowBase, outRowStride, outColumnBase, outColumnStride`: where it writes.
    var writing: [KernelArgument] {
        .int32s(
            outHeight, outWidth, vertical.outBase, vertical.outStride, horizontal.outBase, horizontal.outStride)
    }

    /// `rowTap, rowTapStep, columnTap, columnTapStep`: which of the kernel's taps.
    var kernelTapArguments: [KernelArgument] {
        .int32s(vertical.firstTap, vertical.tapStep, horizontal.firstTap, horizontal.tapStep)
    }

    /// The padded rows that `convolution/depthwise.cl` keeps: how many, floats in each, zeros left of the image.
    func ring(vectorWidth: Int) -> (rows: Int, pitch: Int, left: Int) {
        let span = max(horizontal.taps - 1, 0) * horizontal.step
        let lowest = horizontal.base + min(span, 0)
        let pixels = horizontal.extent.dividedRoundingUp(by: vectorWidth) * vectorWidth
        // The last vector that is read starts a vector's pixels before the end and reaches stride vectors on.
        let highest = horizontal.base + max(span, 0) + (pixels + vectorWidth) * horizontal.stride
        let left = max(-lowest, 0)
        return (max(vertical.taps - 1, 0) * abs(vertical.step) + 1, left + max(width, highest), left)
    }
}
