import Execution
import TensorGraph

/// Limits of `convolution/winograd.cl` and `winograd_gradient.cl` that no device was seen to gain by changing.
private enum WinogradLimits {
    /// Bytes of partial sums of the weight's gradient beyond which the compute units share out rows of it, not tiles.
    static let partialBytes = 8 << 20
    /// Tiles that a block should have, and the fewest that make one worthwhile: each block reads all transformed weights.
    static let wantedTiles = 32
    static let fewestTiles = 16
    /// The most bytes that a node may need for what it keeps between its kernels.
    static let workspaceBytes = 512 << 20
}

extension TuningSpace {
    /// `convolution/winograd.cl`, the forward pass and the gradient of the input: a register tile of `rows` tiles
    /// by `vectors` vectors of rows, and blocks whose tiles and products take `blockKilobytes`, to stay in the
    /// second-level cache.
    static let winograd = TuningSpace(
        "winograd", .cpu, of: WinogradGrid.problemExtents,
        [
            .blockKilobytes: [128, 256, 512, 768, 1024, 2048], .rows: [2, 4, 6, 8, 10, 12, 14], .vectors: [1, 2, 3, 4],
            .itemsPerUnit: [1, 2, 4, 8],
        ],
        standard: { _, profile in
            [.blockKilobytes: 768, .rows: profile.vectorWidth >= 16 ? 14 : 6, .vectors: 2, .itemsPerUnit: 2]
        },
        constraint: { values, _, profile in profile.holdsTile(rows: values[.rows], vectors: values[.vectors]) })

    /// The same of the gradient of the weight, whose register tile has `rows` channels; its sums are read and written once a
    /// block.
    static let winogradWeightGradient = TuningSpace(
        "winograd-weight-gradient", .cpu, of: WinogradGrid.problemExtents,
        [.blockKilobytes: [256, 512, 1024, 2048, 4096], .rows: [1, 2, 4, 8, 16], .vectors: [1, 2]],
        standard: { _, profile in
            [.blockKilobytes: 1024, .rows: profile.vectorWidth >= 16 ? 8 : 4, .vectors: 2]
        },
        constraint: { values, _, profile in
            // A tile is part of one vector of channels.
            profile.vectorWidth.isMultiple(of: values[.rows])
                && profile.holdsTile(rows: values[.rows], vectors: values[.vectors])
        })
}

/// Blocks of whole rows of tiles.
struct WinogradBlocks {
    let count: Int
    /// Tiles in the largest block.
    let mostTiles: Int

    /// As many rows a block as come to about `tiles` tiles, and fill register tiles of `register` tiles best.
    init(_ winograd: WinogradGrid, tiles: Int, register: Int, fewest: Int) {
        func waste(_ rows: Int) -> Double {
            let count = rows * winograd.tilesWide
            // Each block reads all weights, which costs as much as so many tiles.
            let reading = 8
            return Double(Self.multiplied(count, register: register) + reading) / Double(count)
        }
        let candidates = 1...max(tiles.dividedRoundingUp(by: winograd.tilesWide), 1)
        let rows = candidates.min { waste($0) < waste($1) } ?? 1
        count = min(max(winograd.tileRows.dividedRoundingUp(by: rows), fewest), winograd.tileRows)
        mostTiles = winograd.tileRows.dividedRoundingUp(by: count) * winograd.tilesWide
    }

    /// The tiles that `convolution/winograd.cl` multiplies for a block of `count`, those included that it does twice.
    private static func multiplied(_ count: Int, register: Int) -> Int {
        let (rest, least) = ((register + 2) / 2, register / 4 + 1)
        var (done, sum) = (0, 0)
        while done < count {
            let left = count - done
            let height =
                left > rest && count >= register
                ? register : left > least && count >= rest ? rest : count >= least ? least : 1
            done += height
            sum += height
        }
        return sum
    }
}

extension OpenCLLowering {
    /// The convolution of `winograd`: forward, or the gradient of the input. Nil where it would take too much memory.
    func winograd(
        _ winograd: WinogradGrid, _ tensors: ConvolutionTensors
    ) -> Lowering? {
        switch profile.style {
        case .cpu: winogradPanels(winograd, tensors)
        case .gpu: winogradTiles(winograd, tensors)
        }
    }

    /// The gradient of the weight of the convolution `winograd`. Nil where it would take too much memory.
    func winogradWeightGradient(_ winograd: WinogradGrid) -> Lowering? {
        switch profile.style {
        case .cpu: winogradWeightGradientPanels(winograd)
        case .gpu: winogradWeightGradientTiles(winograd)
        }
    }

    private func winogradLaunches(_ list: [KernelLaunch], workspaces: [Int], _ summary: String) -> Lowering? {
        workspaces.reduce(0, +) > WinogradLimits.workspaceBytes
            ? nil : launches(list, workspaces: workspaces, summary, accuracy: .transformed)
    }

    private func weightStrides(_ winograd: WinogradGrid) -> [KernelArgument] {
        .int32s(winograd.grid.rowStride, winograd.grid.channelStride, winograd.isTurned ? 1 : 0)
    }

    private func weightSizes(_ winograd: WinogradGrid) -> [KernelArgument] {
        .int32s(winograd.grid.rows, winograd.grid.channels) + weightStrides(winograd)
    }

    // MARK: - CPUs

    private func sizes(_ winograd: WinogradGrid) -> [KernelArgument] {
        let grid = winograd.grid
        return .int32s(
            grid.images, grid.channels, grid.rows, grid.height, grid.width, winograd.top, winograd.left,
            grid.vertical.extent, grid.horizontal.extent)
    }

    private func vectors(_ count: Int) -> Int { count.dividedRoundingUp(by: profile.vectorWidth) }

    /// Floats of `vectors` vectors at each position: `POSITION_STRIDE` of the kernels.
    private func floats(_ winograd: WinogradGrid, vectors: Int) -> Int {
        winograd.positions * (vectors | 1) * profile.vectorWidth
    }

    /// Floats of the padded rows of one vector of channels of a block.
    private func stageFloats(_ winograd: WinogradGrid, _ blocks: WinogradBlocks) -> Int {
        let high = min(blocks.mostTiles / winograd.tilesWide, winograd.tilesHigh)
        return (high * winograd.outputTile + 2) * (winograd.tilesWide * winograd.outputTile + 2) * profile.vectorWidth
    }

    private func winogradKernel(
        _ name: String, _ winograd: WinogradGrid, _ files: [String], _ defines: [String: String],
        epilogue: Epilogue? = nil
    ) -> KernelSpecification {
        let sizes = ["VECTOR_WIDTH": "\(profile.vectorWidth)", "OUTPUT_TILE": "\(winograd.outputTile)"]
        return KernelSpecification(
            name,
            files: (epilogue?.files ?? [])
                + KernelSpecification.laneFiles
                + ["convolution/winograd_transforms.cl", "convolution/winograd_stage.cl"] + files,
            defines: defines.merging(sizes) { $1 }.merging(epilogue?.defines ?? [:]) { $1 })
    }

    /// `winograd_convolution` of `convolution/winograd.cl`.
    private func winogradPanels(_ winograd: WinogradGrid, _ tensors: ConvolutionTensors) -> Lowering? {
        let values = profile.tuningValues(.winograd, winograd.problem)
        let units = max(profile.computeUnits, 1)
        let (channelVectors, tileVectors) = (vectors(winograd.grid.channels), values[.vectors])
        let rowBlocks = vectors(winograd.grid.rows).dividedRoundingUp(by: tileVectors)
        let tileBytes = 4 * winograd.positions * profile.vectorWidth * (channelVectors + rowBlocks * tileVectors)
        let blocks = WinogradBlocks(
            winograd, tiles: max(1024 * values[.blockKilobytes] / tileBytes, WinogradLimits.wantedTiles),
            register: values[.rows], fewest: min(units, max(winograd.tiles / WinogradLimits.fewestTiles, 1)))
        let items = min(blocks.count, values[.itemsPerUnit] * units)
        let rowItems = min(rowBlocks, units.dividedRoundingUp(by: items))
        let stage = stageFloats(winograd, blocks)
        let tileFloats = floats(winograd, vectors: channelVectors * blocks.mostTiles)
        let rowShare = rowBlocks.dividedRoundingUp(by: rowItems)
        // The taps of a row, levels of pixels, and marks of tiles.
        let exact = 9 * channelVectors * profile.vectorWidth + 2 * stage / profile.vectorWidth + blocks.mostTiles
        let slot = stage + tileFloats + floats(winograd, vectors: rowShare * tileVectors * blocks.mostTiles) + exact
        func kernel(_ name: String) -> KernelSpecification {
            winogradKernel(
                name, winograd,
                ["levels", "exact"].map { "convolution/winograd_\($0).cl" } + ["convolution/winograd.cl"],
                values.defines(.rows, .vectors), epilogue: tensors.epilogue)
        }
        let transform = KernelLaunch(
            kernel("winograd_weights"), [tensors.weight, .workspace(0)] + weightSizes(winograd),
            globalSize: [rowBlocks, channelVectors, 1], localSize: [1, 1, 1]
        ).asPacking()
        let levels = KernelLaunch(
            kernel("winograd_levels"), [.workspace(0)] + .int32s(winograd.grid.rows, winograd.grid.channels),
            globalSize: [1, 1, 1], localSize: [1, 1, 1]
        ).asPacking()
        let multiply = KernelLaunch(
            kernel("winograd_convolution"),
            [.workspace(0), tensors.source] + tensors.bias + [tensors.weight, .result(0), .workspace(1)]
                + sizes(winograd) + .int32s(blocks.count, stage, tileFloats, slot) + weightStrides(winograd),
            globalSize: [items, rowItems, 1], localSize: [1, 1, 1])
        let positionFloats = (channelVectors * profile.vectorWidth * tileVectors | 1) * profile.vectorWidth
        let weightFloats =
            rowBlocks * (winograd.positions + 1) * positionFloats
            + (channelVectors + 2 * rowBlocks * tileVectors) * profile.vectorWidth
        return winogradLaunches(
            [transform, levels, multiply], workspaces: [4 * weightFloats, 4 * items * rowItems * slot],
            "\(winograd.name), \(values[.rows]) tiles × \(tileVectors) vectors, \(blocks.count) blocks\(tensors.epilogue.summary)"
        )
    }

    /// `winograd_weight_gradient` of `convolution/winograd_gradient.cl`.
    private func winogradWeightGradientPanels(_ winograd: WinogradGrid) -> Lowering? {
        let grid = winograd.grid
        let values = profile.tuningValues(.winogradWeightGradient, winograd.problem)
        let units = max(profile.computeUnits, 1)
        let (channelVectors, rowVectors) = (vectors(grid.channels), vectors(grid.rows))
        let tileVectors = values[.vectors]
        let rowBlocks = rowVectors.dividedRoundingUp(by: tileVectors)
        let partialFloats =
            rowBlocks * winograd.positions * channelVectors * profile.vectorWidth * tileVectors * profile.vectorWidth
        let shares = max(min(WinogradLimits.partialBytes / (4 * partialFloats), units, winograd.tileRows), 1)
        let rowItems = min(rowBlocks, units.dividedRoundingUp(by: shares))
        let tileBytes = 4 * winograd.positions * profile.vectorWidth * (channelVectors + rowVectors)
        let blocks = WinogradBlocks(
            winograd, tiles: max(1024 * values[.blockKilobytes] / tileBytes, WinogradLimits.wantedTiles), register: 1,
            fewest: shares)
        let stage = stageFloats(winograd, blocks)
        let tileFloats = floats(winograd, vectors: channelVectors * blocks.mostTiles)
        // Behind the stage there must be room for flags and the nine sums of each channel.
        let slot = max(
            stage + tileFloats + floats(winograd, vectors: rowVectors * blocks.mostTiles),
            stage + channelVectors * profile.vectorWidth * (1 + 9 * profile.vectorWidth))
        let spreadFloats = 4 * (channelVectors + rowBlocks * tileVectors) * profile.vectorWidth
        func kernel(_ name: String) -> KernelSpecification {
            winogradKernel(
                name, winograd, ["convolution/winograd_levels.cl", "convolution/winograd_gradient.cl"],
                // The CPU path compiles both kernels as one text, where TILE_M is that of winograd.cl.
                values.defines(.vectors).merging(["TILE_C": "\(values[.rows])"]) { $1 })
        }
        let multiply = KernelLaunch(
            kernel("winograd_weight_gradient"),
            [.operand(0), .operand(1), .workspace(0), .workspace(1)] + sizes(winograd)
                + .int32s(blocks.count, stage, tileFloats, slot),
            globalSize: [shares, rowItems, 1], localSize: [1, 1, 1])
        let sum = KernelLaunch(
            kernel("winograd_sum_weights"),
            [.workspace(0), .operand(0), .operand(1), .result(0), .workspace(1)] + .int32s(shares) + sizes(winograd)
                + .int32s(stage, slot),
            globalSize: [shares, rowItems, 1], localSize: [1, 1, 1])
        return winogradLaunches(
            [multiply, sum], workspaces: [4 * shares * (partialFloats + spreadFloats), 4 * shares * rowItems * slot],
            "weight gradient by \(winograd.name), \(blocks.count) blocks, \(shares) shares")
    }

    // MARK: - GPUs

    private var groupSize: Int { min(64, profile.maximumWorkGroupSize) }

    /// A launch of one work-item for each of `count` things, by `rows`.
    private func winogradLaunch(
        _ name: String, _ winograd: WinogradGrid, _ arguments: [KernelArgument], count: Int, rows: Int = 1,
        epilogue: Epilogue? = nil
    ) -> KernelLaunch {
        KernelLaunch(
            KernelSpecification(
                name,
                files: (epilogue?.files ?? [])
                    + ["transforms", "levels", "tile"].map { "convolution/winograd_\($0).cl" },
                defines: ["OUTPUT_TILE": "\(winograd.outputTile)"].merging(epilogue?.defines ?? [:]) { $1 }),
            arguments, globalSize: [count.dividedRoundingUp(by: groupSize) * groupSize, rows],
            localSize: [groupSize, 1])
    }

    /// `gemm_tiles`, a batch entry for each position: y [m, n] = a [m, k] · b [k, n], or b [n, k] transposed.
    private func product(
        _ winograd: WinogradGrid, _ tensors: [KernelArgument], m: Int, n: Int, k: Int, transposeB: Bool
    ) -> KernelLaunch {
        let tile = GroupTile(GroupTile.standard(profile, rows: m, columns: n, batch: winograd.positions))
        var defines = tile.defines
        if transposeB { defines["TRANSPOSE_B"] = "1" }
        // Sooner than elsewhere: what comes out of the transforms is less than what went in.
        if k > GroupTile.longSum / 2 { defines["LONG_SUMS"] = "1" }
        return KernelLaunch(
            KernelSpecification(
                "gemm_tiles", files: ["gemm/batch.cl", "gemm/local_tile.cl", "gemm/tile.cl"], defines: defines),
            tensors + .int32s(m, n, k) + .int32s(1, 1, 0, 1, 0),
            globalSize: tile.globalSize(rows: m, columns: n, batch: winograd.positions), localSize: tile.localSize)
    }

    private func transformSource(_ winograd: WinogradGrid, _ source: KernelArgument, _ workspace: Int) -> KernelLaunch {
        let grid = winograd.grid
        return winogradLaunch(
            "winograd_tile_source", winograd,
            [source, .workspace(workspace)]
                + .int32s(
                    winograd.tiles, winograd.tilesHigh, winograd.tilesWide, grid.height, grid.width, winograd.top,
                    winograd.left),
            count: winograd.tiles, rows: grid.channels)
    }

    /// `convolution/winograd_tile.cl`.
    private func winogradTiles(_ winograd: WinogradGrid, _ tensors: ConvolutionTensors) -> Lowering? {
        let grid = winograd.grid
        let (rows, channels, tiles) = (grid.rows, grid.channels, winograd.tiles)
        let plane = grid.height * grid.width
        let pixels = grid.images * plane
        // Work enough for a large device where there are few pixels.
        let parts = min(channels.dividedRoundingUp(by: 16), max((1 << 16) / pixels, 1))
        let grids: [KernelArgument] = .int32s(tiles, winograd.tilesHigh, winograd.tilesWide)
        let source: [KernelArgument] = .int32s(grid.height, grid.width, winograd.top, winograd.left)
        let output: [KernelArgument] = .int32s(grid.vertical.extent, grid.horizontal.extent)
        func launch(
            _ name: String, _ arguments: [KernelArgument], count: Int, rows: Int = 1, epilogue: Epilogue? = nil
        ) -> KernelLaunch {
            winogradLaunch("winograd_tile_" + name, winograd, arguments, count: count, rows: rows, epilogue: epilogue)
        }
        return winogradLaunches(
            [
                launch("weights", [tensors.weight, .workspace(0)] + weightSizes(winograd), count: rows * channels)
                    .asPacking(),
                launch("rows", [.workspace(0)] + .int32s(rows, channels), count: rows).asPacking(),
                launch("channels", [.workspace(0)] + .int32s(rows, channels), count: channels).asPacking(),
                launch(
                    "levels",
                    [tensors.source, .workspace(0), .workspace(3)] + .int32s(pixels, plane, rows, channels),
                    count: pixels, rows: parts),
                launch(
                    "marks",
                    [.workspace(3), .workspace(4)] + .int32s(parts, pixels, channels) + grids + source + output,
                    count: tiles),
                transformSource(winograd, tensors.source, 1),
                product(
                    winograd, [.workspace(0), .workspace(1), .workspace(2)], m: rows, n: tiles, k: channels,
                    transposeB: false),
                launch(
                    "output", [.workspace(2)] + tensors.bias + [.result(0)] + grids + output, count: tiles, rows: rows,
                    epilogue: tensors.epilogue),
                launch(
                    "exact",
                    [.workspace(4), .workspace(0), tensors.weight, tensors.source] + tensors.bias + [.result(0)]
                        + grids + output + .int32s(channels) + source + weightStrides(winograd), count: tiles,
                    rows: rows, epilogue: tensors.epilogue),
            ],
            workspaces: [
                4 * ((winograd.positions + 1) * rows * channels + channels + 2 * rows),
                4 * winograd.positions * channels * tiles, 4 * winograd.positions * rows * tiles,
                4 * 2 * parts * pixels, 4 * tiles,
            ], "\(winograd.name), gemm in local memory\(tensors.epilogue.summary)")
    }

    private func winogradWeightGradientTiles(_ winograd: WinogradGrid) -> Lowering? {
        let grid = winograd.grid
        let (images, rows, channels, tiles) = (grid.images, grid.rows, grid.channels, winograd.tiles)
        let (height, width, top, left) = (grid.height, grid.width, winograd.top, winograd.left)
        let (outHeight, outWidth) = (grid.vertical.extent, grid.horizontal.extent)
        func launch(_ name: String, _ arguments: [KernelArgument], count: Int, rows: Int = 1) -> KernelLaunch {
            winogradLaunch("winograd_tile_" + name, winograd, arguments, count: count, rows: rows)
        }
        // The pixels that every tap meets.
        let spreadsOfX = launch(
            "spreads",
            [.operand(0), .workspace(3)]
                + .int32s(
                    0, images * channels, height, width, 2 - top, outHeight - top, 2 - left, outWidth - left),
            count: images * channels)
        let spreadsOfCotangents = launch(
            "spreads",
            [.operand(1), .workspace(3)]
                + .int32s(
                    images * channels, images * rows, outHeight, outWidth, top, height - 2 + top, left,
                    width - 2 + left),
            count: images * rows)
        return winogradLaunches(
            [
                spreadsOfX, spreadsOfCotangents,
                launch(
                    "shares",
                    [.workspace(3), .workspace(4)]
                        + .int32s(
                            images, channels, rows, images * (outHeight - 2),
                            images * (outHeight - 2) * (outWidth - 2), images * (height - 2),
                            images * (height - 2) * (width - 2)),
                    count: channels + rows),
                transformSource(winograd, .operand(0), 0),
                launch(
                    "cotangents",
                    [.operand(1), .workspace(1)]
                        + .int32s(tiles, winograd.tilesHigh, winograd.tilesWide, outHeight, outWidth), count: tiles,
                    rows: rows),
                product(
                    winograd, [.workspace(1), .workspace(0), .workspace(2)], m: rows, n: channels, k: tiles,
                    transposeB: true),
                launch(
                    "weight_gradient",
                    [.workspace(2), .workspace(4), .operand(0), .operand(1), .result(0)]
                        + .int32s(images, channels, rows, height, width, top, left, outHeight, outWidth),
                    count: rows * channels),
            ],
            workspaces: [
                4 * winograd.positions * channels * tiles, 4 * winograd.positions * rows * tiles,
                4 * winograd.positions * rows * channels, 4 * 4 * images * (channels + rows), 4 * (channels + rows),
            ], "weight gradient by \(winograd.name), gemm in local memory")
    }
}
