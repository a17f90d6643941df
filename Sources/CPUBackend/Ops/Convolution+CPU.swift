import CVector
import TensorGraph

extension CPULowering {
    func convolution(_ attributes: Convolution) throws -> CPUKernel {
        if let planar = PlanarConvolution(node) { return try self.planar(planar) }
        return switch attributes.pass {
        case .forward: convolutionForward(attributes)
        case .inputGradient(let input): convolutionInputGradient(attributes, input)
        case .weightGradient(let weight): convolutionWeightGradient(attributes, weight)
        }
    }

    private func convolutionForward(_ attributes: Convolution) -> CPUKernel {
        let geometry = ConvGeometry(attributes, x: shape(0), w: shape(1), type: type)
        let activation = attributes.activation.map { Int32(cv_unary_function($0).rawValue) } ?? -1
        let hasBias = node.operandTypes.count == 3
        if geometry.isDepthwise {
            return geometry.depthwiseForward(hasBias: hasBias, activation: activation)
        }
        guard let winograd = CPUWinograd(geometry.forwardGrid, type) else {
            return geometry.forward(hasBias: hasBias, activation: activation)
        }
        return winograd.kernel(weight: 1, source: 0) { places in
            geometry.finish(places, hasBias: hasBias, activation: activation)
        }
    }

    private func convolutionInputGradient(_ attributes: Convolution, _ input: Shape) -> CPUKernel {
        let geometry = ConvGeometry(attributes, x: input, w: shape(0), type: type)
        if geometry.isDepthwise { return geometry.depthwiseInputGradient() }
        if geometry.isDense, let grid = geometry.inputGradientGrids.first, let winograd = CPUWinograd(grid, type) {
            return winograd.kernel(weight: 0, source: 1)
        }
        // Few input channels are too little to multiply many patches of dy by.
        let isNarrow = 4 * geometry.groupC <= geometry.groupK && geometry.r * geometry.s > 1
        return isNarrow ? geometry.narrowInputGradient() : geometry.inputGradient()
    }

    private func convolutionWeightGradient(_ attributes: Convolution, _ weight: Shape) -> CPUKernel {
        let geometry = ConvGeometry(attributes, x: shape(0), w: weight, type: type)
        if geometry.isDepthwise { return geometry.depthwiseWeightGradient() }
        return CPUWinograd(geometry.forwardGrid, type)?.weightGradientKernel() ?? geometry.weightGradient()
    }
}

/// The extents of one convolution over two axes, in all three directions.
struct ConvGeometry {
    let attributes: Convolution
    private let x, weight: Shape
    let n, c, h, w, k, r, s, p, q: Int
    let type: cv_type
    let size: Int

    init(_ attributes: Convolution, x: Shape, w weight: Shape, type: cv_type) {
        self.attributes = attributes
        (self.x, self.weight) = (x, weight)
        (n, c, h, w) = (x[0], x[1], x[2], x[3])
        (k, r, s) = (weight[0], weight[2], weight[3])
        p = attributes.outputExtent(x[2], kernel: weight[2], axis: 0) ?? 0
        q = attributes.outputExtent(x[3], kernel: weight[3], axis: 1) ?? 0
        self.type = type
        size = Int(cv_type_size(type))
    }

    var groups: Int { attributes.groups }
    /// Channels a group reads and writes.
    var groupC: Int { c / groups }
    var groupK: Int { k / groups }
    /// One input channel a group: too little for a matrix product.
    var isDepthwise: Bool { groups > 1 && groupC == 1 }
    var depth: Int { Int(cv_tile_depth()) }
    var width: Int { Int(cv_tile_columns(type)) }

    /// Positions of a grid that one thread takes at a time.
    func block(_ positions: Int) -> Int { min(positions.rounded(to: width), 8 * width) }

    /// What the forward convolution reads; so do the gradients of the weight and, of few channels, of the input.
    var forwardGrid: ConvolutionGrid { .forward(attributes, x: x, weight: weight, y: [n, k, p, q]) }

    /// Whether the gradient of the input is one grid.
    var isDense: Bool { attributes.stride == [1, 1] }
    /// The gradient of the input is a convolution of dy with the kernel turned round, one for each remainder of the
    /// position by the stride: of a stride of two, four small ones, each with the taps that meet it.
    var inputGradientGrids: [ConvolutionGrid] {
        ConvolutionGrid.inputGradient(attributes, x: x, weight: weight, dy: [n, k, p, q])
    }

    /// Adds the bias and applies the activation, image by image.
    func finish(_ places: Places, hasBias: Bool, activation: Int32) {
        guard hasBias || activation >= 0 else { return }
        Parallel.run(n, grain: max(1, memoryGrain / (k * p * q))) { images in
            for image in images {
                cv_epilogue(
                    type, places.results[0] + image * k * p * q * size, Int64(p * q), Int64(k), Int64(p * q),
                    hasBias ? places.operands[2] : nil, nil, activation)
            }
        }
    }

    func forward(hasBias: Bool, activation: Int32) -> CPUKernel {
        let patches = Patches(forwardGrid)
        let (positions, reduction) = (p * q, groupC * r * s)
        let block = block(positions)
        let blocks = positions.dividedRoundingUp(by: block)
        let scratch = block * min(depth, reduction) * size
        return CPUKernel(
            "patches × gemm, \(block) positions a part", workspaces: [scratch.rounded(to: 64) * Parallel.workers]
        ) { places in
            let packed = places.workspaces[0]
            Parallel.run(n * groups * blocks, grain: max(1, 500_000 / (groupK * reduction * block))) { worker, range in
                for index in range {
                    let (image, group, first) = (
                        index / blocks / groups, index / blocks % groups, index % blocks * block
                    )
                    let count = min(block, positions - first)
                    let weight = places.operands[1] + group * groupK * reduction * size
                    let source = places.operands[0] + (image * c + group * groupC) * h * w * size
                    let plane = (image * k + group * groupK) * positions
                    let target = places.results[0] + (plane + first) * size
                    patches.multiply(
                        weight, rows: groupK, reduction: reduction, source: source, first: first, count: count,
                        packed: packed + worker * scratch.rounded(to: 64), target: target, targetStride: positions,
                        type: type)
                    if hasBias || activation >= 0 {
                        cv_epilogue(
                            type, target, Int64(positions), Int64(groupK), Int64(count),
                            hasBias ? places.operands[2] + group * groupK * size : nil, nil, activation)
                    }
                }
            }
        }
    }

    func inputGradient() -> CPUKernel {
        var phases: [Phase] = []
        var weights = 0
        for grid in inputGradientGrids {
            phases.append(Phase(grid, weightOffset: weights))
            weights += c * groupK * grid.taps
        }
        let largest = phases.map { block($0.patches.positions) }.max() ?? 0
        let packedBytes = (largest * min(depth, groupK * r * s) * size).rounded(to: 64)
        // Where outputs lie apart they are computed aside.
        let asideBytes = isDense ? 0 : (largest * groupC * size).rounded(to: 64)
        return CPUKernel(
            "patches × gemm, \(phases.count) phases",
            workspaces: [max(weights * size, 1), max((packedBytes + asideBytes) * Parallel.workers, 1)]
        ) { places in
            for phase in phases { phase.arrange(places.operands[0], places.workspaces[0], size) }
            if !isDense {
                zero(places.results[0], n * c * h * w * size)
            }
            for phase in phases where phase.grid.taps > 0 {
                run(phase, places, packedBytes: packedBytes, scratchBytes: packedBytes + asideBytes, isDense: isDense)
            }
        }
    }

    /// For a few input channels: wᵀ [c·r·s, k] · dy, added to where the patches came from. An image's group belongs to
    /// one thread, so that sums have one order.
    func narrowInputGradient() -> CPUKernel {
        let patches = Patches(forwardGrid)
        let (positions, reduction) = (p * q, groupC * r * s)
        let block = block(positions)
        let columnBytes = (reduction * block * size).rounded(to: 64)
        let packedBytes = (min(depth, groupK) * block * size).rounded(to: 64)
        return CPUKernel(
            "gemm, added to the input", workspaces: [(columnBytes + packedBytes) * Parallel.workers]
        ) { places in
            Parallel.run(n * groups, grain: 1) { worker, range in
                let columns = places.workspaces[0] + worker * (columnBytes + packedBytes)
                let packed = columns + columnBytes
                for index in range {
                    let (image, group) = (index / groups, index % groups)
                    let weight = places.operands[0] + group * groupK * reduction * size
                    let dy = places.operands[1] + (image * k + group * groupK) * positions * size
                    let dx = places.results[0] + (image * c + group * groupC) * h * w * size
                    dx.initializeMemory(as: UInt8.self, repeating: 0, count: groupC * h * w * size)
                    for first in stride(from: 0, to: positions, by: block) {
                        let count = min(block, positions - first)
                        for start in stride(from: 0, to: groupK, by: depth) {
                            let length = min(depth, groupK - start)
                            cv_pack(
                                type, dy + (start * positions + first) * size, Int64(positions), 1, Int64(length),
                                Int64(count), packed)
                            cv_multiply_panels(
                                type, Int64(reduction), Int64(count), Int64(length), weight + start * reduction * size,
                                1,
                                Int64(reduction), packed, Int64(length * width), columns, Int64(count),
                                start == 0 ? 0 : 1)
                        }
                        patches.add(
                            UnsafeRawPointer(columns), rows: reduction, first: first, count: count, to: dx, type)
                    }
                }
            }
        }
    }

    private func run(_ phase: Phase, _ places: Places, packedBytes: Int, scratchBytes: Int, isDense: Bool) {
        let patches = phase.patches
        let (positions, reduction) = (patches.positions, groupK * phase.grid.taps)
        let block = block(positions)
        let blocks = positions.dividedRoundingUp(by: block)
        Parallel.run(n * groups * blocks, grain: max(1, 500_000 / (groupC * reduction * block))) { worker, range in
            let packed = places.workspaces[1] + worker * scratchBytes
            for index in range {
                let (image, group, first) = (index / blocks / groups, index / blocks % groups, index % blocks * block)
                let count = min(block, positions - first)
                let weight = places.workspaces[0] + (phase.weightOffset + group * groupC * reduction) * size
                let source = places.operands[1] + (image * k + group * groupK) * p * q * size
                let planes = places.results[0] + (image * c + group * groupC) * h * w * size
                let target = isDense ? planes + first * size : packed + packedBytes
                patches.multiply(
                    UnsafeRawPointer(weight), rows: groupC, reduction: reduction, source: source, first: first,
                    count: count, packed: packed, target: target, targetStride: isDense ? h * w : block, type: type)
                if !isDense {
                    phase.scatter(UnsafeRawPointer(target), block, planes, size, first: first, count: count)
                }
            }
        }
    }

    /// dwᵀ [c·r·s, k] adds up patches × dyᵀ over images and positions. Images are shared out in a number of chunks that
    /// depends on the shapes alone, whose sums are then added in order.
    func weightGradient() -> CPUKernel {
        let patches = Patches(forwardGrid)
        let (positions, reduction) = (p * q, groupC * r * s)
        let band = min(reduction, 192)
        let bands = reduction.dividedRoundingUp(by: band)
        let chunks = min(n, max(1, 32 / (bands * groups)))
        let elements = groups * reduction * groupK
        let (patchBytes, packedBytes) = (
            (band * depth * size).rounded(to: 64), (depth * groupK.rounded(to: width) * size).rounded(to: 64)
        )
        return CPUKernel(
            "patches × gemm, \(chunks) chunks of images",
            workspaces: [(chunks + 1) * elements * size, (patchBytes + packedBytes) * Parallel.workers]
        ) { places in
            Parallel.run(chunks * groups * bands, grain: 1) { worker, range in
                let rows = places.workspaces[1] + worker * (patchBytes + packedBytes)
                let packed = rows + patchBytes
                for index in range {
                    let (chunk, group, top) = (index / bands / groups, index / bands % groups, index % bands * band)
                    let height = min(band, reduction - top)
                    let target =
                        places.workspaces[0]
                        + ((chunk * groups + group) * reduction + top) * groupK * size
                    var isFirst = true
                    for image in (n * chunk / chunks)..<(n * (chunk + 1) / chunks) {
                        let source = places.operands[0] + (image * c + group * groupC) * h * w * size
                        let dy = places.operands[1] + (image * k + group * groupK) * positions * size
                        for first in stride(from: 0, to: positions, by: depth) {
                            let count = min(depth, positions - first)
                            patches.pack(
                                source, rows: top..<(top + height), first: first, count: count, width: count, rows, type
                            )
                            cv_pack(
                                type, dy + first * size, 1, Int64(positions), Int64(count), Int64(groupK), packed)
                            cv_multiply_panels(
                                type, Int64(height), Int64(groupK), Int64(count), rows, Int64(count), 1, packed,
                                Int64(count * width), target, Int64(groupK), isFirst ? 0 : 1)
                            isFirst = false
                        }
                    }
                }
            }
            let total = chunks == 1 ? places.workspaces[0] : places.workspaces[0] + chunks * elements * size
            if chunks > 1 {
                Parallel.run(elements, grain: memoryGrain / chunks) { range in
                    cv_reduce_columns(
                        type, CV_SUM, places.workspaces[0], total, 0, Int64(chunks), Int64(elements),
                        Int64(range.lowerBound), Int64(range.upperBound))
                }
            }
            for group in 0..<groups {
                let offset = group * reduction * groupK * size
                cv_transpose_real(
                    type, total + offset, Int64(groupK), places.results[0] + offset, Int64(reduction), Int64(groupK),
                    Int64(reduction))
            }
        }
    }
}

func zero(_ target: UnsafeMutableRawPointer, _ byteCount: Int) {
    Parallel.run(byteCount, grain: 4 * memoryGrain) { range in
        (target + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
}
