import CVector
import Execution
import TensorGraph

/// A dense 3×3 convolution of stride 1 in float, by Winograd's filtering F(4×4, 3×3): `Kernels/convolution/winograd.cl`,
/// which CVector compiles too, and `winograd_gradient.cl`.
struct CPUWinograd {
    private let winograd: WinogradGrid
    private var shape: cv_winograd

    /// Nil where the convolution is not of this kind, or too small for it to pay.
    init?(_ grid: ConvolutionGrid, _ type: cv_type) {
        guard type == CV_FLOAT32, let winograd = WinogradGrid(grid, outputTile: 4) else { return nil }
        // Few channels leave lanes empty; few tiles do not pay for the transform of the weights.
        guard min(grid.channels, grid.rows) >= 16, winograd.tiles >= 8 else { return nil }
        let (outHeight, outWidth) = (grid.vertical.extent, grid.horizontal.extent)
        // A block, of a row of tiles or about a thousand, is counted in Int32.
        guard 36 * (grid.channels + grid.rows + 64) * (winograd.tilesWide + 1024) < Int(Int32.max) else { return nil }
        guard max(grid.images, grid.height, outHeight, winograd.tileRows) < Int(Int32.max) else { return nil }
        self.winograd = winograd
        shape = cv_winograd()
        (shape.images, shape.channels, shape.rows) = (Int32(grid.images), Int32(grid.channels), Int32(grid.rows))
        (shape.height, shape.width) = (Int32(grid.height), Int32(grid.width))
        (shape.top, shape.left) = (Int32(winograd.top), Int32(winograd.left))
        (shape.out_height, shape.out_width) = (Int32(outHeight), Int32(outWidth))
        (shape.row_stride, shape.channel_stride) = (Int32(grid.rowStride), Int32(grid.channelStride))
        shape.turned = winograd.isTurned ? 1 : 0
    }

    private var channels: Int { winograd.grid.channels }
    private var rows: Int { winograd.grid.rows }
    private var tileRows: Int { winograd.tileRows }
    private var tilesWide: Int { winograd.tilesWide }

    private var lanes: Int { Int(cv_winograd_width()) }
    private var vectors: Int { Int(cv_winograd_vectors()) }
    private var channelVectors: Int { channels.dividedRoundingUp(by: lanes) }
    private var rowVectors: Int { rows.dividedRoundingUp(by: lanes) }
    private var rowBlocks: Int { rowVectors.dividedRoundingUp(by: vectors) }

    /// Floats of `vectors` vectors at each of the 36 positions: `POSITION_STRIDE` of the kernels.
    private func floats(_ vectors: Int) -> Int { 36 * (vectors | 1) * lanes }

    /// Shares the rows of tiles out to blocks of about `tiles` tiles, at least `fewest` blocks, each with a slot of
    /// scratch.
    private mutating func divide(tiles: Int, fewest: Int) {
        let register = Int(cv_winograd_tiles())
        func waste(_ rows: Int) -> Double {
            let count = rows * tilesWide
            return Double((count.dividedRoundingUp(by: register)) * register + 8) / Double(count)
        }
        let rows = (1...max(tiles.dividedRoundingUp(by: tilesWide), 1)).min { waste($0) < waste($1) } ?? 1
        // So that a block fills a register tile.
        let most = max(tileRows / register.dividedRoundingUp(by: tilesWide), 1)
        let blocks = min(max(tileRows.dividedRoundingUp(by: rows), fewest), most)
        let blockRows = tileRows.dividedRoundingUp(by: blocks)
        let count = blockRows * tilesWide
        let stage = (min(blockRows, winograd.tilesHigh) * 4 + 2) * (tilesWide * 4 + 2) * lanes
        shape.blocks = Int32(blocks)
        shape.stage_floats = Int32(stage)
        shape.tile_floats = Int32(floats(channelVectors * count))
        // The taps of a row, levels of pixels, and marks of tiles.
        let exact = 9 * channelVectors * lanes + 2 * stage / lanes + count
        shape.slot = Int32(stage + floats(channelVectors * count) + floats(rowBlocks * vectors * count) + exact)
    }

    /// Operands weight and source → result.
    func kernel(weight: Int, source: Int, epilogue: @escaping (Places) -> Void = { _ in }) -> CPUKernel {
        var copy = self
        copy.divide(
            tiles: max((768 << 10) / (4 * 36 * lanes * (channelVectors + rowVectors)), 32), fewest: Parallel.workers)
        let shape = copy.shape
        let items = min(Int(shape.blocks), 4 * Parallel.workers)
        // Work for all threads where there are too few blocks.
        let shares = min(rowBlocks, Parallel.workers.dividedRoundingUp(by: items))
        let levels = (channelVectors + 2 * rowBlocks * vectors) * lanes
        return CPUKernel(
            "Winograd F(4×4, 3×3), \(shape.blocks) blocks", accuracy: .transformed,
            workspaces: [
                4 * (rowBlocks * 37 * (channelVectors * lanes * vectors | 1) * lanes + levels),
                4 * items * shares * Int(shape.slot),
            ],
            packing: weight,
            form: ["Winograd", "\(rows) \(channels) \(shape.row_stride) \(shape.channel_stride) \(shape.turned)"],
            pack: { places in
                let transformed = places.workspaces[0].assumingMemoryBound(to: Float.self)
                let w = places.operands[weight].assumingMemoryBound(to: Float.self)
                var shape = shape
                Self.run(rowBlocks, channelVectors) { cv_winograd_weights($0, &shape, w, transformed) }
                cv_winograd_levels(&shape, transformed)
            }
        ) { places in
            let transformed = places.workspaces[0].assumingMemoryBound(to: Float.self)
            let scratch = places.workspaces[1].assumingMemoryBound(to: Float.self)
            let w = places.operands[weight].assumingMemoryBound(to: Float.self)
            let x = places.operands[source].assumingMemoryBound(to: Float.self)
            let y = places.results[0].assumingMemoryBound(to: Float.self)
            var shape = shape
            Self.run(items, shares) { cv_winograd_convolution($0, &shape, transformed, w, x, y, scratch) }
            epilogue(places)
        }
    }

    /// Operands x and dy → dw.
    func weightGradientKernel() -> CPUKernel {
        let partial = rowBlocks * 36 * channelVectors * lanes * vectors * lanes
        // Sums beyond the caches are better kept once, their rows shared out, than in a copy for each thread.
        let shares = max(min((8 << 20) / (4 * partial), Parallel.workers, tileRows), 1)
        let rowShares = min(rowBlocks, Parallel.workers.dividedRoundingUp(by: shares))
        var copy = self
        copy.divide(
            tiles: max((1 << 20) / (4 * 36 * lanes * (channelVectors + rowVectors)), 32), fewest: shares)
        // Behind the stage there must be room for flags and the nine sums of each channel.
        let stage = Int(copy.shape.stage_floats)
        copy.shape.slot = max(copy.shape.slot, Int32(stage + channelVectors * lanes * (1 + 9 * lanes)))
        let shape = copy.shape
        let count = min(shares, Int(shape.blocks))
        let spreads = 4 * (channelVectors + rowBlocks * vectors) * lanes
        return CPUKernel(
            "weight gradient by Winograd F(4×4, 3×3), \(shape.blocks) blocks, \(count) shares", accuracy: .transformed,
            workspaces: [4 * count * (partial + spreads), 4 * count * rowShares * Int(shape.slot)]
        ) { places in
            let partials = places.workspaces[0].assumingMemoryBound(to: Float.self)
            let scratch = places.workspaces[1].assumingMemoryBound(to: Float.self)
            let x = places.operands[0].assumingMemoryBound(to: Float.self)
            let dy = places.operands[1].assumingMemoryBound(to: Float.self)
            let dw = places.results[0].assumingMemoryBound(to: Float.self)
            var shape = shape
            Self.run(count, rowShares) { cv_winograd_weight_gradient($0, &shape, x, dy, partials, scratch) }
            Self.run(count, rowShares) {
                cv_winograd_sum_weights($0, &shape, x, dy, partials, Int32(count), dw, scratch)
            }
        }
    }

    private static func run(_ width: Int, _ height: Int, _ body: (cv_item) -> Void) {
        Parallel.run(width * height, grain: 1) { range in
            for index in range {
                body(
                    cv_item(
                        x: Int64(index % width), y: Int64(index / width), width: Int64(width), height: Int64(height)))
            }
        }
    }
}
