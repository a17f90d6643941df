import CVector
import TensorGraph

/// The operand of a convolution as a matrix: a row for each channel and tap, a column for each position of a grid.
struct Patches {
    var planeStride: Int
    var h: Int
    var w: Int
    var rows: [Int64]
    var columns: [Int64]
    var step: [Int]
    var gridRows: Int
    var gridColumns: Int

    init(_ grid: ConvolutionGrid) {
        let (vertical, horizontal) = (grid.vertical, grid.horizontal)
        (rows, columns) = ([], [])
        for i in 0..<vertical.taps {
            for j in 0..<horizontal.taps {
                rows.append(Int64(vertical.base + i * vertical.step))
                columns.append(Int64(horizontal.base + j * horizontal.step))
            }
        }
        planeStride = grid.height * grid.width
        step = [vertical.stride, horizontal.stride]
        // One tap that meets every position reads each plane from end to end.
        let isPlain = vertical.isPlain(over: grid.height) && horizontal.isPlain(over: grid.width)
        (h, w) = isPlain ? (1, planeStride) : (grid.height, grid.width)
        (gridRows, gridColumns) = isPlain ? (1, planeStride) : (vertical.extent, horizontal.extent)
    }

    var positions: Int { gridRows * gridColumns }

    private func with(_ body: (UnsafePointer<cv_patches>) -> Void) {
        rows.withUnsafeBufferPointer { rows in
            columns.withUnsafeBufferPointer { columns in
                var patches = cv_patches(
                    plane_stride: Int64(planeStride), h: Int64(h), w: Int64(w), taps: Int64(rows.count),
                    row_offsets: rows.baseAddress, column_offsets: columns.baseAddress, row_step: Int64(step[0]),
                    column_step: Int64(step[1]), grid_columns: Int64(gridColumns))
                withUnsafePointer(to: &patches, body)
            }
        }
    }

    /// Rows of the matrix at `count` positions, in panels of `width`.
    func pack(
        _ source: UnsafeRawPointer, rows: Range<Int>, first: Int, count: Int, width: Int,
        _ target: UnsafeMutableRawPointer, _ type: cv_type
    ) {
        with {
            cv_pack_patches(
                type, $0, source, Int64(rows.lowerBound), Int64(rows.upperBound), Int64(first), Int64(count),
                Int64(width), target)
        }
    }

    /// Adds x [rows, count] to the planes that the matrix is taken from.
    func add(
        _ x: UnsafeRawPointer, rows: Int, first: Int, count: Int, to target: UnsafeMutableRawPointer, _ type: cv_type
    ) {
        with { cv_add_patches(type, $0, target, Int64(rows), Int64(first), Int64(count), x) }
    }

    /// target [rows, count] = weight [rows, reduction] · matrix [reduction, count].
    func multiply(
        _ weight: UnsafeRawPointer, rows: Int, reduction: Int, source: UnsafeRawPointer, first: Int, count: Int,
        packed: UnsafeMutableRawPointer, target: UnsafeMutableRawPointer, targetStride: Int, type: cv_type
    ) {
        let (depth, width, size) = (Int(cv_tile_depth()), Int(cv_tile_columns(type)), Int(cv_type_size(type)))
        with { patches in
            for start in stride(from: 0, to: reduction, by: depth) {
                let end = min(start + depth, reduction)
                cv_pack_patches(
                    type, patches, source, Int64(start), Int64(end), Int64(first), Int64(count), Int64(width), packed)
                cv_multiply_panels(
                    type, Int64(rows), Int64(count), Int64(end - start), weight + start * size, Int64(reduction), 1,
                    packed,
                    Int64((end - start) * width), target, Int64(targetStride), start == 0 ? 0 : 1)
            }
        }
    }
}

/// The positions of an input gradient with one remainder by the stride, and the taps that reach them.
struct Phase {
    let grid: ConvolutionGrid
    let patches: Patches
    /// Where this phase's weights begin in the workspace, in elements.
    let weightOffset: Int

    init(_ grid: ConvolutionGrid, weightOffset: Int) {
        self.grid = grid
        patches = Patches(grid)
        self.weightOffset = weightOffset
    }

    /// The weight `[k, c/groups, r, s]` as `[groups, c/groups, k/groups, taps]`.
    func arrange(_ weight: UnsafeRawPointer, _ workspace: UnsafeMutableRawPointer, _ size: Int) {
        if size == 8 {
            arrange(weight.assumingMemoryBound(to: Double.self), workspace.assumingMemoryBound(to: Double.self))
        } else {
            arrange(weight.assumingMemoryBound(to: Float.self), workspace.assumingMemoryBound(to: Float.self))
        }
    }

    private func arrange<Real>(_ weight: UnsafePointer<Real>, _ workspace: UnsafeMutablePointer<Real>) {
        let (vertical, horizontal, size) = (grid.vertical, grid.horizontal, grid.channels * grid.taps)
        let target = workspace + weightOffset
        Parallel.run(grid.groups * grid.rows, grain: max(1, memoryGrain / (size + 1))) { range in
            for row in range {
                var place = target + row * size
                let filters = weight + row / grid.rows * grid.groupStride + row % grid.rows * grid.rowStride
                for channel in 0..<grid.channels {
                    let taps = filters + channel * grid.channelStride
                    for i in 0..<vertical.taps {
                        let line = taps + (vertical.firstTap + i * vertical.tapStep) * grid.kernelWidth
                        for j in 0..<horizontal.taps {
                            place.pointee = line[horizontal.firstTap + j * horizontal.tapStep]
                            place += 1
                        }
                    }
                }
            }
        }
    }

    /// Puts `[c/groups, count]` positions from `first` on where they belong.
    func scatter(
        _ aside: UnsafeRawPointer, _ asideStride: Int, _ planes: UnsafeMutableRawPointer, _ size: Int, first: Int,
        count: Int
    ) {
        let (vertical, horizontal) = (grid.vertical, grid.horizontal)
        for channel in 0..<grid.rows {
            var position = first
            while position < first + count {
                let (u, v) = (position / horizontal.extent, position % horizontal.extent)
                let run = min(horizontal.extent - v, first + count - position)
                let row = channel * grid.outHeight + u * vertical.outStride + vertical.outBase
                let offset = row * grid.outWidth + v * horizontal.outStride + horizontal.outBase
                cv_copy_strided(
                    Int64(size), aside + (channel * asideStride + position - first) * size, 1, planes + offset * size,
                    Int64(horizontal.outStride), Int64(run))
                position += run
            }
        }
    }
}

// Depthwise: one plane of the input for each plane of the output, directly.
extension ConvGeometry {
    private var planes: cv_depthwise {
        cv_depthwise(
            h: Int64(h), w: Int64(w), p: Int64(p), q: Int64(q), r: Int64(r), s: Int64(s),
            row_stride: Int64(attributes.stride[0]), column_stride: Int64(attributes.stride[1]),
            row_dilation: Int64(attributes.dilation[0]), column_dilation: Int64(attributes.dilation[1]),
            top: Int64(attributes.padding[0]), left: Int64(attributes.padding[2]))
    }

    private var planeGrain: Int { max(1, 100_000 / (p * q * r * s)) }

    func depthwiseForward(hasBias: Bool, activation: Int32) -> CPUKernel {
        CPUKernel("depthwise, directly") { places in
            Parallel.run(n * k, grain: planeGrain) { range in
                var planes = planes
                for index in range {
                    let (image, filter) = (index / k, index % k)
                    let x = places.operands[0] + (image * c + filter / groupK) * h * w * size
                    let target = places.results[0] + index * p * q * size
                    let bias =
                        !hasBias
                        ? 0
                        : size == 8
                            ? places.operands[2].load(fromByteOffset: filter * 8, as: Double.self)
                            : Double(places.operands[2].load(fromByteOffset: filter * 4, as: Float.self))
                    cv_depthwise_forward(type, &planes, x, places.operands[1] + filter * r * s * size, bias, target)
                    if activation >= 0 {
                        cv_epilogue(type, target, Int64(p * q), 1, Int64(p * q), nil, nil, activation)
                    }
                }
            }
        }
    }

    func depthwiseInputGradient() -> CPUKernel {
        CPUKernel("depthwise, directly") { places in
            Parallel.run(n * c, grain: planeGrain) { range in
                var planes = planes
                for index in range {
                    let (image, channel) = (index / c, index % c)
                    let dx = places.results[0] + index * h * w * size
                    dx.initializeMemory(as: UInt8.self, repeating: 0, count: h * w * size)
                    for filter in (channel * groupK)..<((channel + 1) * groupK) {
                        cv_depthwise_input(
                            type, &planes, places.operands[0] + filter * r * s * size,
                            places.operands[1] + (image * k + filter) * p * q * size, dx)
                    }
                }
            }
        }
    }

    func depthwiseWeightGradient() -> CPUKernel {
        CPUKernel("depthwise, directly") { places in
            Parallel.run(k, grain: max(1, planeGrain / n)) { range in
                var planes = planes
                for filter in range {
                    var totals = [Double](repeating: 0, count: r * s)
                    for image in 0..<n {
                        cv_depthwise_weight(
                            type, &planes, places.operands[0] + (image * c + filter / groupK) * h * w * size,
                            places.operands[1] + (image * k + filter) * p * q * size, &totals)
                    }
                    cv_convert(CV_FLOAT64, totals, type, places.results[0] + filter * r * s * size, Int64(r * s))
                }
            }
        }
    }
}
