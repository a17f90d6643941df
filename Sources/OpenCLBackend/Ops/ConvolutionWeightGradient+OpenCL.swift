import Execution
import TensorGraph

// The sum over pixels is long and the result often small: it is shared out to partial sums, which a second kernel adds
// in a fixed order.
extension OpenCLLowering {
    func convolutionWeightGradient(_ attributes: Convolution, _ weight: Shape) -> Lowering {
        let grid = ConvolutionGrid.forward(
            attributes, x: operands[0].shape, weight: weight, y: operands[1].shape)
        if let tiles = winograd(grid, isWeightGradient: true), let lowering = winogradWeightGradient(tiles) {
            return lowering
        }
        switch profile.style {
        case .cpu:
            return depthwiseWeightGradient(grid) ?? weightGradientByTap(grid) ?? weightGradientPanels(grid)
        case .gpu:
            return weightGradientTiles(grid)
        }
    }

    // MARK: - CPUs

    /// The weight's gradient in `convolution/depthwise.cl`.
    private func depthwiseWeightGradient(_ grid: ConvolutionGrid) -> Lowering? {
        let mostTaps = 64
        guard grid.channels == 1, grid.rows == 1, grid.groups > 1, grid.taps <= mostTaps, fitsRing(grid) else {
            return nil
        }
        let ring = grid.ring(vectorWidth: profile.vectorWidth)
        let kernel = KernelSpecification(
            "depthwise_weight_gradient", files: KernelSpecification.laneFiles + ["convolution/depthwise.cl"],
            defines: [
                "VECTOR_WIDTH": "\(profile.vectorWidth)", "RING": "\(Self.ringCapacity)", "MAXIMUM_TAPS": "\(mostTaps)",
            ])
        let sizes: [KernelArgument] =
            .int32s(grid.images, grid.height, grid.width, grid.vertical.taps, grid.horizontal.taps) + grid.reading
            + .int32s(grid.vertical.extent, grid.horizontal.extent, ring.rows, ring.pitch, ring.left)
        let launch = KernelLaunch(
            kernel, [.operand(0), .operand(1), .result(0)] + sizes, globalSize: [grid.groups, 1, 1],
            localSize: [1, 1, 1])
        return launches([launch], "depthwise weight gradient, rows in cache")
    }

    /// `convolution/weight_gradient_panel.cl`, for strides of 1 where it pays to transpose both tensors first: then it is
    /// about as fast as the forward pass.
    private func weightGradientByTap(_ grid: ConvolutionGrid) -> Lowering? {
        guard grid.vertical.stride == 1, grid.horizontal.stride == 1, grid.taps > 0 else { return nil }
        let values = profile.tuningValues(.weightGradientTaps, grid.problem)
        guard values[.isChosen] == 1 else { return nil }
        let tile = GemmTile(values, profile)
        let channelPanels = grid.channels.dividedRoundingUp(by: tile.rows)
        let rowPanels = grid.rows.dividedRoundingUp(by: tile.columns)
        let planes = grid.images * grid.groups
        let (gridHeight, gridWidth) = (grid.vertical.extent, grid.horizontal.extent)
        let high = gridHeight + (grid.vertical.taps - 1) * grid.vertical.step
        let pitch = gridWidth + (grid.horizontal.taps - 1) * grid.horizontal.step
        // The grid in rows of `pitch`, without what follows its last pixel.
        let pixels = (gridHeight - 1) * pitch + gridWidth
        let chunk = pixels.dividedRoundingUp(by: pixels.dividedRoundingUp(by: values[.pixels]))
        let shares = min(grid.images, tile.items.dividedRoundingUp(by: rowPanels * grid.groups))
        let tapShares = min(grid.taps, tile.items.dividedRoundingUp(by: rowPanels * grid.groups * shares))
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name, files: KernelSpecification.laneFiles + ["convolution/weight_gradient_panel.cl"],
                defines: values.defines(.vectorWidth, .rows, .vectors))
        }
        let packX = KernelLaunch(
            kernel("convolution_pack_channels"),
            [.operand(0), .workspace(0)]
                + .int32s(
                    grid.channels, grid.height, grid.width, high, pitch, -grid.vertical.base, -grid.horizontal.base,
                    tile.rows),
            globalSize: [channelPanels, planes, 1], localSize: [1, 1, 1])
        let packY = KernelLaunch(
            kernel("convolution_pack_channels"),
            [.operand(1), .workspace(1)]
                + .int32s(grid.rows, gridHeight, gridWidth, gridHeight, pitch, 0, 0, tile.columns),
            globalSize: [rowPanels, planes, 1], localSize: [1, 1, 1])
        let multiply = KernelLaunch(
            kernel("convolution_weight_gradient_panels"),
            [.workspace(0), .workspace(1), .workspace(2)]
                + .int32s(
                    grid.images, grid.groups, channelPanels, grid.taps, grid.horizontal.taps, high * pitch,
                    gridHeight * pitch, pixels, grid.vertical.step * pitch, grid.horizontal.step, chunk),
            globalSize: [rowPanels, tapShares, grid.groups * shares], localSize: [1, 1, 1])
        let sum = KernelLaunch(
            kernel("convolution_sum_panels"),
            [.workspace(2), .result(0)] + .int32s(shares, grid.rows, grid.channels, grid.taps),
            globalSize: [rowPanels * tile.vectors, channelPanels, grid.groups], localSize: [1, 1, 1])
        return launches(
            [packX, packY, multiply, sum],
            workspaces: [
                4 * planes * channelPanels * tile.rows * high * pitch,
                4 * planes * rowPanels * tile.columns * gridHeight * pitch,
                4 * shares * grid.groups * rowPanels * channelPanels * tile.rows * tile.columns * grid.taps,
            ], "weight gradient as a gemm for each tap, \(shares) shares")
    }

    /// `convolution/weight_gradient.cl`.
    private func weightGradientPanels(_ grid: ConvolutionGrid) -> Lowering {
        let values = profile.tuningValues(.weightGradientPixels, grid.problem)
        let lanes = values[.vectorWidth]
        let defines = values.defines(.vectorWidth, .rows, .depth, .mostRows, .mostColumns, .pixels)
        func kernel(_ name: String) -> KernelSpecification {
            KernelSpecification(
                name,
                files: KernelSpecification.laneFiles + ["convolution/pixels.cl", "convolution/weight_gradient.cl"],
                defines: defines)
        }
        let stepBlocks = grid.depth.dividedRoundingUp(by: values[.mostColumns])
        let rowBlocks = grid.rows.dividedRoundingUp(by: values[.mostRows]) * grid.groups
        let items = values[.itemsPerUnit] * max(profile.computeUnits, 1)
        let shares = min(grid.images, items.dividedRoundingUp(by: stepBlocks * rowBlocks))
        let pixels = grid.vertical.extent * grid.horizontal.extent
        let panels = pixels.dividedRoundingUp(by: values[.pixels])
        let panelPixels =
            pixels.dividedRoundingUp(by: panels).dividedRoundingUp(by: lanes) * lanes
        let sizes: [KernelArgument] =
            .int32s(
                grid.images, grid.groups, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
            + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent, panelPixels)
        let multiply = KernelLaunch(
            kernel("convolution_weight_gradient"), [.operand(0), .operand(1), .workspace(0)] + sizes,
            globalSize: [stepBlocks, rowBlocks, shares], localSize: [1, 1, 1])
        let sum = KernelLaunch(
            kernel("convolution_sum_partials"),
            [.workspace(0), .result(0)] + .int32s(shares, grid.channels, grid.taps),
            globalSize: [grid.rows * grid.groups, 1, 1], localSize: [1, 1, 1])
        return launches(
            [multiply, sum], workspaces: [4 * shares * grid.groups * grid.rows * grid.depth],
            "weight gradient \(values[.rows])×\(values[.depth]) vectors of pixels, \(shares) shares")
    }

    // MARK: - GPUs

    /// `convolution/weight_gradient_tile.cl`.
    private func weightGradientTiles(_ grid: ConvolutionGrid) -> Lowering {
        let tile = GroupTile(profile.tuningValues(.weightGradientTile, grid.problem))
        let groups =
            grid.rows.dividedRoundingUp(by: tile.rows) * grid.depth.dividedRoundingUp(by: tile.columns)
            * grid.groups
        let fewestPixels = 256
        let shares = max(
            min((4 * max(profile.computeUnits, 1)).dividedRoundingUp(by: groups), grid.pixels / fewestPixels), 1)
        let files = ["gemm/local_tile.cl", "convolution/weight_gradient_tile.cl"]
        let sizes: [KernelArgument] =
            .int32s(
                grid.images, grid.groups, grid.rows, grid.channels, grid.height, grid.width, grid.taps, grid.tapsWide)
            + grid.reading + .int32s(grid.vertical.extent, grid.horizontal.extent)
        let target: KernelArgument = shares > 1 ? .workspace(0) : .result(0)
        var defines = tile.defines
        if grid.pixels / shares > GroupTile.longSum { defines["LONG_SUMS"] = "1" }
        let multiply = KernelLaunch(
            KernelSpecification("convolution_weight_gradient_tiles", files: files, defines: defines),
            [.operand(0), .operand(1), target] + sizes,
            globalSize: tile.globalSize(rows: grid.rows, columns: grid.depth, batch: grid.groups * shares),
            localSize: tile.localSize)
        let count = grid.groups * grid.rows * grid.depth
        let group = min(64, profile.maximumWorkGroupSize)
        let sum = KernelLaunch(
            KernelSpecification("convolution_sum_shares", files: files, defines: tile.defines),
            [.workspace(0), .result(0)] + .int32s(shares, count),
            globalSize: [count.dividedRoundingUp(by: group) * group], localSize: [group])
        return launches(
            shares > 1 ? [multiply, sum] : [multiply], workspaces: shares > 1 ? [4 * shares * count] : [],
            "weight gradient \(tile.rows)×\(tile.columns) in local memory, \(shares) shares")
    }
}

extension TuningSpace {
    /// `convolution/weight_gradient_panel.cl`; not chosen, `convolution/weight_gradient.cl` takes its place.
    static let weightGradientTaps = TuningSpace(
        "weight-gradient-taps", .cpu, of: ConvolutionGrid.problemExtents,
        [
            .isChosen: [0, 1], .rows: [2, 4, 6, 8, 10, 12, 14], .vectors: [1, 2, 3, 4], .pixels: [128, 256, 512, 1024],
            .itemsPerUnit: [1, 2, 4, 8], .vectorWidth: [4, 8, 16],
        ],
        standard: { problem, profile in
            // With few taps or channels, transposing both tensors costs more than it gains.
            let tile = GemmTile(profile)
            return [
                .isChosen: problem[.taps] >= 4 && problem[.channels] >= tile.rows ? 1 : 0, .rows: tile.rows,
                .vectors: tile.vectors, .pixels: 512, .itemsPerUnit: 4, .vectorWidth: tile.vectorWidth,
            ]
        },
        constraint: { values, _, profile in
            values[.vectorWidth] <= profile.vectorWidth
                && profile.holdsTile(rows: values[.rows], vectors: values[.vectors])
        })

    /// `convolution/weight_gradient.cl`: `depth` is the steps of a register tile, `mostColumns` those of a work-item.
    static let weightGradientPixels = TuningSpace(
        "weight-gradient-pixels", .cpu, of: ConvolutionGrid.problemExtents,
        [
            .rows: [1, 2, 3, 4, 6], .depth: [2, 3, 4, 5, 6], .pixels: [128, 256, 512, 1024],
            .mostRows: [12, 24, 48, 64, 96], .mostColumns: [12, 20, 30, 40, 60], .itemsPerUnit: [1, 2, 4, 8],
            .vectorWidth: [4, 8, 16],
        ],
        standard: { _, profile in
            let isWide = profile.vectorWidth >= 16
            return [
                .rows: isWide ? 4 : 2, .depth: isWide ? 5 : 4, .pixels: 512, .mostRows: 64, .mostColumns: 20,
                .itemsPerUnit: 4, .vectorWidth: profile.vectorWidth,
            ]
        },
        constraint: { values, _, profile in
            values[.vectorWidth] <= profile.vectorWidth
                && profile.holdsTile(rows: values[.rows], vectors: values[.depth])
                && values[.mostRows] % values[.rows] == 0 && values[.mostColumns] % values[.depth] == 0
                && 4 * values[.mostColumns] * (values[.pixels] + values[.mostRows] * values[.vectorWidth]) <= 384 << 10
        })

    /// `convolution/weight_gradient_tile.cl`.
    static let weightGradientTile = TuningSpace(
        "weight-gradient-tile", .gpu, of: ConvolutionGrid.problemExtents, GroupTile.dimensions,
        standard: { problem, profile in
            GroupTile.standard(
                profile, rows: problem[.rows], columns: problem[.channels] * problem[.taps],
                batch: 4 * problem[.groups])
        }, constraint: { values, _, profile in GroupTile.isPossible(values, profile) })
}
