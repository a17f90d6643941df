import TensorGraph

// What tuning and kernels are told of a grid.
extension ConvolutionGrid {
    /// What the best tuning values for its kernels depend on.
    static let problemExtents: [TuningProblem.Extent] = [.groups, .rows, .channels, .taps, .pixels, .stride]
    var problem: TuningProblem {
        [
            .groups: groups, .rows: rows, .channels: channels, .taps: taps, .pixels: pixels,
            .stride: horizontal.stride,
        ]
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

extension WinogradGrid {
    /// What a tuner is told: the extents of the convolution, and of the tiles.
    static let problemExtents = ConvolutionGrid.problemExtents + [.outputTile]
    var problem: TuningProblem {
        var problem = grid.problem
        problem.extents[.outputTile] = outputTile
        return problem
    }
}
