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

/// The positions (stride · u + a, stride · v + b) of an input gradient, and the taps that reach them.
struct Phase {
    let a: Int
    let b: Int
    /// Kernel rows and columns.
    let taps: [(Int, Int)]
    let patches: Patches
    /// Where this phase's weights begin in the workspace, in elements.
    let weightOffset: Int

    init(_ shape: ConvGeometry, _ a: Int, _ b: Int, weightOffset: Int) {
        self.a = a
        self.b = b
        self.weightOffset = weightOffset
        let attributes = shape.attributes
        var taps: [(Int, Int)] = []
        var (rows, columns): ([Int64], [Int64]) = ([], [])
        for i in 0..<shape.r {
            let row = a + attributes.padding[0] - i * attributes.dilation[0]
            guard row % attributes.stride[0] == 0 else { continue }
            for j in 0..<shape.s {
                let column = b + attributes.padding[2] - j * attributes.dilation[1]
                guard column % attributes.stride[1] == 0 else { continue }
                taps.append((i, j))
                rows.append(Int64(row / attributes.stride[0]))
                columns.append(Int64(column / attributes.stride[1]))
            }
        }
        self.taps = taps
        patches = Patches(
            planeStride: shape.p * shape.q, h: shape.p, w: shape.q, rows: rows, columns: columns, step: [1, 1],
            gridRows: (shape.h - a).dividedUp(by: attributes.stride[0]),
            gridColumns: (shape.w - b).dividedUp(by: attributes.stride[1]))
    }

    /// The weight `[k, c/groups, r, s]` as `[groups, c/groups, k/groups, taps]`.
    func arrange(_ shape: ConvGeometry, _ weight: UnsafeRawPointer, _ workspace: UnsafeMutableRawPointer) {
        if shape.size == 8 {
            arrange(shape, weight.assumingMemoryBound(to: Double.self), workspace.assumingMemoryBound(to: Double.self))
        } else {
            arrange(shape, weight.assumingMemoryBound(to: Float.self), workspace.assumingMemoryBound(to: Float.self))
        }
    }

    private func arrange<Real>(
        _ shape: ConvGeometry, _ weight: UnsafePointer<Real>, _ workspace: UnsafeMutablePointer<Real>
    ) {
        let (groupC, groupK) = (shape.groupC, shape.groupK)
        let target = workspace + weightOffset
        Parallel.run(shape.c, grain: max(1, memoryGrain / (groupK * taps.count + 1))) { range in
            for channel in range {
                var place = target + channel * groupK * taps.count
                for o in 0..<groupK {
                    let filter = channel / groupC * groupK + o
                    let from = weight + (filter * groupC + channel % groupC) * shape.r * shape.s
                    for (i, j) in taps {
                        place.pointee = from[i * shape.s + j]
                        place += 1
                    }
                }
            }
        }
    }

    /// Puts `[c/groups, count]` positions from `first` on where they belong.
    func scatter(
        _ shape: ConvGeometry, _ aside: UnsafeRawPointer, _ asideStride: Int, _ planes: UnsafeMutableRawPointer,
        first: Int, count: Int
    ) {
        let size = shape.size
        let (strideY, strideX) = (shape.attributes.stride[0], shape.attributes.stride[1])
        for channel in 0..<shape.groupC {
            var position = first
            while position < first + count {
                let (u, v) = (position / patches.gridColumns, position % patches.gridColumns)
                let run = min(patches.gridColumns - v, first + count - position)
                let offset = (channel * shape.h + u * strideY + a) * shape.w + v * strideX + b
                cv_copy_strided(
                    Int64(size), aside + (channel * asideStride + position - first) * size, 1, planes + offset * size,
                    Int64(strideX), Int64(run))
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
