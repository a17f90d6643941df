/// Channels to pixels: `[n, c·r², h, w]` → `[n, c, h·r, w·r]` (Shi et al., 2016). torch.nn.PixelShuffle.
public final class PixelShuffle: Activation {
    /// A layer without parameters; height and width become `factor` times as large.
    public init(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.pixelShuffle(factor) }
    }
}

/// Pixels to channels: `[n, c, h·r, w·r]` → `[n, c·r², h, w]`. torch.nn.PixelUnshuffle.
public final class PixelUnshuffle: Activation {
    /// A layer without parameters; `factor` divides height and width.
    public init(_ factor: Int, file: StaticString = #fileID, line: UInt = #line) {
        super.init(file, line) { try $0.pixelUnshuffle(factor) }
    }
}

extension Tensor {
    /// Each `r²` channels as a square of pixels: `[n, c·r², h, w]` → `[n, c, h·r, w·r]`. torch.nn.functional.pixel_shuffle.
    ///
    /// - Throws: ``GraphError`` where the square of the factor does not divide the channels.
    public func pixelShuffle(
        _ factor: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 4, factor >= 1, shape[1] % factor.times(factor) == 0 else {
            throw graph.failure(
                "pixelShuffle", "needs [n, c·r², h, w] with a factor r of at least 1, not \(shape) with \(factor)",
                [self], at: location)
        }
        let (n, c, h, w) = (shape[0], shape[1] / factor.times(factor), shape[2], shape[3])
        return try graph.at(location) { () throws(GraphError) in
            try reshaped(to: [n, c, factor, factor, h, w]).transposed([0, 1, 4, 2, 5, 3])
                .reshaped(to: [n, c, h.times(factor), w.times(factor)])
        }
    }

    /// Each square of `r²` pixels as channels: `[n, c, h·r, w·r]` → `[n, c·r², h, w]`.
    /// torch.nn.functional.pixel_unshuffle.
    ///
    /// - Throws: ``GraphError`` where the factor does not divide height and width.
    public func pixelUnshuffle(
        _ factor: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> Tensor {
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 4, factor >= 1, shape[2] % factor == 0, shape[3] % factor == 0 else {
            throw graph.failure(
                "pixelUnshuffle", "needs [n, c, h·r, w·r] with a factor r of at least 1, not \(shape) with \(factor)",
                [self], at: location)
        }
        let (n, c, h, w) = (shape[0], shape[1], shape[2] / factor, shape[3] / factor)
        return try graph.at(location) { () throws(GraphError) in
            try reshaped(to: [n, c, h, factor, w, factor]).transposed([0, 1, 3, 5, 2, 4])
                .reshaped(to: [n, c.times(factor).times(factor), h, w])
        }
    }
}
