import TensorGraph

/// How a convolution is done.
package enum ConvolutionAlgorithm: String, Hashable, Sendable, CaseIterable {
    /// An implicit matrix product, or channel by channel where it is depthwise.
    case direct
    /// Winograd's minimal filtering F(2×2, 3×3): 2.25 times fewer products.
    case winograd2
    /// F(4×4, 3×3): 4 times fewer products, and about three times the rounding error of F(2×2, 3×3).
    case winograd4

    /// Outputs in each direction of a Winograd tile.
    var outputTile: Int? {
        switch self {
        case .direct: nil
        case .winograd2: 2
        case .winograd4: 4
        }
    }
}

/// What the parts of a convolution cost on a CPU, each as the number of flops of a matrix product that take as long.
///
/// The defaults are fitted to times of PoCL on two Zen 5 cores with AVX-512, over 1 to 512 channels, planes of 7×7 to
/// 112×112 and batches of 1 to 32; they are about right for AVX2 too, since all parts shrink with the vector.
package struct ConvolutionCosts: Hashable, Sendable {
    /// A flop of the direct product, and of the many smaller ones of Winograd.
    var directFlop = 1.33
    var winogradFlop = 1.25
    /// Packing one element of a column (im2col).
    var column = 24.0
    /// Packing the nine taps of one row and channel.
    var directWeight = 2000.0
    /// Transforming one channel of one tile, and the taps of one row and channel.
    var transform2 = 200.0
    var transform4 = 580.0
    var winogradWeight2 = 1500.0
    var winogradWeight4 = 3400.0
    /// How many times that costs where the transformed weights are more than so many bytes: the last level of cache.
    var uncachedWeight = 2.4
    var cachedBytes = 24.0 * 1_048_576

    func estimate(_ grid: ConvolutionGrid) -> Double {
        let (rows, depth, pixels) = (Double(grid.rows), Double(grid.depth), Double(grid.pixels))
        return directFlop * 2 * pixels * rows * depth + column * pixels * depth
            + directWeight * rows * Double(grid.channels)
    }

    func estimate(_ winograd: WinogradGrid, vectorWidth: Int) -> Double {
        func lanes(_ count: Int) -> Double { Double(count.dividedRoundingUp(by: vectorWidth) * vectorWidth) }
        let (rows, channels) = (lanes(winograd.grid.rows), lanes(winograd.grid.channels))
        let (transform, weight) =
            winograd.outputTile == 2 ? (transform2, winogradWeight2) : (transform4, winogradWeight4)
        let isCached = 4 * Double(winograd.positions) * rows * channels <= cachedBytes
        let products = winogradFlop * 2 * Double(winograd.positions) * rows * channels
        return Double(winograd.tiles) * (products + transform * (rows + channels))
            + weight * (isCached ? 1 : uncachedWeight) * rows * channels
    }
}

extension OpenCLLowering {
    /// The tiles of a grid where Winograd's filtering fits it and promises to be the fastest, or is asked for by
    /// ``DeviceProfile/convolution``, or was measured to be. On devices other than CPUs it is only done where asked for or
    /// measured: there is no estimate for them.
    func winograd(_ grid: ConvolutionGrid, isWeightGradient: Bool = false) -> WinogradGrid? {
        if let algorithm = profile.convolution {
            return algorithm.outputTile.flatMap { WinogradGrid(grid, outputTile: $0) }
        }
        guard WinogradGrid(grid, outputTile: 2) != nil else { return nil }
        let space = isWeightGradient ? TuningSpace.weightGradientMethod : TuningSpace.convolutionMethod
        let outputTile = profile.tuningValues(space[profile.style], grid.problem)[.outputTile]
        guard outputTile == 0 else { return outputTile == 1 ? nil : WinogradGrid(grid, outputTile: outputTile) }
        guard profile.style == .cpu else { return nil }
        let costs = ConvolutionCosts()
        let candidates = [2, 4].compactMap { WinogradGrid(grid, outputTile: $0) }.map {
            (winograd: $0, cost: costs.estimate($0, vectorWidth: profile.vectorWidth))
        }
        guard let best = candidates.min(by: { $0.cost < $1.cost }), best.cost < costs.estimate(grid) else { return nil }
        return best.winograd
    }
}

extension TuningSpace {
    /// Which algorithm does the 3×3 convolutions of stride 1, and the gradients of their input.
    static let convolutionMethod = MethodSpaces("convolution-method")
    /// The same of the gradients of their weight.
    static let weightGradientMethod = MethodSpaces("weight-gradient-method")

    /// A space for each style of kernels: `outputTile` is 0 for what ``ConvolutionCosts`` estimate to be the fastest, 1 for
    /// the direct product, else the side of a Winograd tile.
    struct MethodSpaces {
        let cpu: TuningSpace
        let gpu: TuningSpace

        init(_ name: String) {
            cpu = Self.space(name, .cpu)
            gpu = Self.space(name + "-gpu", .gpu)
        }

        subscript(style: DeviceProfile.KernelStyle) -> TuningSpace { style == .cpu ? cpu : gpu }

        private static func space(_ name: String, _ style: DeviceProfile.KernelStyle) -> TuningSpace {
            TuningSpace(
                name, style, of: ConvolutionGrid.problemExtents, [.outputTile: [0, 1, 2, 4]],
                standard: { _, _ in [.outputTile: 0] })
        }
    }
}
