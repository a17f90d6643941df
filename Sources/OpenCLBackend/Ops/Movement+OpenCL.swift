import Execution
import TensorGraph

// What moves elements without computing: copies between layouts (`Kernels/movement/`). Broadcasting is an elementwise
// program without instructions.
extension OpenCLLowering {
    package func reshape(_ shape: Shape) throws -> Lowering { .declined("an alias needs no kernel") }
    package func stopGradient() throws -> Lowering { .declined("an alias needs no kernel") }

    package func broadcast(_ shape: Shape) throws -> Lowering { generated(ElementwiseProgram([]), "broadcast") }

    package func transpose(_ attributes: Transpose) throws -> Lowering {
        let from = operands[0].shape.strides
        let copy = Copy(
            extents: results[0].shape.dimensions, from: attributes.permutation.map { from[$0] },
            to: results[0].shape.strides)
        return copies([copy], "transpose")
    }

    package func slice(_ attributes: Slice) throws -> Lowering {
        let from = operands[0].shape.strides
        let copy = Copy(
            extents: attributes.counts, from: zip(from, attributes.steps).map(*), to: results[0].shape.strides,
            fromStart: zip(from, attributes.starts).map(*).reduce(0, +))
        return copies([copy], "slice")
    }

    package func concatenate(_ attributes: Concatenate) throws -> Lowering {
        let to = results[0].shape.strides
        var start = 0
        let parts = operands.indices.map { index in
            let shape = operands[index].shape
            defer { start += shape[attributes.axis] * to[attributes.axis] }
            return Copy(extents: shape.dimensions, from: shape.strides, to: to, toStart: start, operand: index)
        }
        return copies(parts, "concatenate")
    }

    package func pad(_ attributes: Pad) throws -> Lowering {
        if let refusal { return .declined(refusal) }
        let (inner, whole) = (operands[0].shape, results[0].shape)
        let padded = whole.dimensions.indices.filter { inner[$0] != whole[$0] || attributes.steps[$0] < 0 }
        let to = whole.strides
        if padded.isEmpty || (padded.count == 1 && attributes.steps[padded[0]] == 1) {
            let axis = padded.first ?? 0
            // A scalar has no axes; nothing can be padded.
            guard whole.rank > 0 else { return copies([Copy(extents: [1], from: [1], to: [1])], "pad") }
            return launches(
                [
                    zeros(
                        length: whole[axis] * to[axis], begin: attributes.starts[axis] * to[axis],
                        run: inner[axis] * to[axis])
                ], "pad, rows")
        }
        let copy = Copy(
            extents: inner.dimensions, from: inner.strides, to: zip(to, attributes.steps).map(*),
            toStart: zip(to, attributes.starts).map(*).reduce(0, +))
        return copies([copy], "pad", after: [zeros(length: whole.elementCount, begin: 0, run: 0)])
    }

    /// One copy of an operand's elements, in loops over `extents` with steps of its own on both sides.
    private struct Copy {
        var extents: [Int]
        var from: [Int]
        var to: [Int]
        var fromStart = 0
        var toStart = 0
        var operand = 0
    }

    /// The kernels move words of any size; float64 stays where it is computed with.
    private var refusal: String? {
        results[0].dtype == .float64 ? "\(results[0].dtype) is not done on OpenCL for \(node.op.name)" : nil
    }

    private func specification(_ name: String, _ file: String, _ defines: [String: String]) -> KernelSpecification {
        var kernel = KernelSpecification(name, files: [file], defines: defines)
        kernel.defines["WORD"] = results[0].dtype.word
        return kernel
    }

    private func copies(_ parts: [Copy], _ summary: String, after earlier: [KernelLaunch] = []) -> Lowering {
        if let refusal { return .declined(refusal) }
        var result = earlier
        for part in parts {
            guard let launch = launch(of: part) else { return .declined("a layout of more than 6 loops has no kernel") }
            result.append(launch)
        }
        return launches(result, summary)
    }

    private static let outerLoops = 5

    private func launch(of copy: Copy) -> KernelLaunch? {
        let loop = StridedLoop(extents: copy.extents, strides: [copy.from, copy.to])
        let (from, to) = (loop.strides[0], loop.strides[1])
        let inner = loop.extents.count - 1
        // x runs along another loop than y does, and both are long enough for tiles.
        if to[inner] == 1, from[inner] != 1, loop.length >= 4,
            let other = from.indices.first(where: { from[$0] == 1 && loop.extents[$0] >= 4 }),
            // The third dimension of a grid is short on some GPUs.
            profile.style == .cpu || loop.count / loop.length / loop.extents[other] <= 65535
        {
            return tiles(loop, along: other, copy)
        }
        let outer = Array(loop.outer.indices)
        guard outer.count <= Self.outerLoops else { return nil }
        let rows = loop.count / loop.length
        var arguments = tensors(copy)
        arguments += [rows, loop.length, from[inner], to[inner]].map { .uint64(Self.step($0)) }
        arguments += layout(loop, outer)
        let isContiguous = from[inner] == 1 && to[inner] == 1
        guard profile.style == .cpu else {
            return strided("copy_elements", "movement/copy.cl", arguments, count: loop.count, outer: outer.count)
        }
        let partition = RowPartition(rows: rows, length: loop.length, computeUnits: profile.computeUnits)
        arguments += [partition.segment, partition.segments, partition.share].map { .uint64(UInt64($0)) }
        let kernel = specification(
            "copy_rows", "movement/copy.cl",
            [
                "OUTER": "\(outer.count)", "CONTIGUOUS": isContiguous ? "1" : "0",
                "VECTOR_WIDTH": "\(profile.vectorWidth)",
            ])
        return KernelLaunch(kernel, arguments, items: partition.items)
    }

    private func tiles(_ loop: StridedLoop, along other: Int, _ copy: Copy) -> KernelLaunch? {
        let (from, to) = (loop.strides[0], loop.strides[1])
        let inner = loop.extents.count - 1
        let outer = loop.outer.indices.filter { $0 != other }
        guard outer.count <= Self.outerLoops else { return nil }
        let (width, height) = (loop.length, loop.extents[other])
        let rows = loop.count / width / height
        var arguments = tensors(copy)
        arguments += [rows, width, height, from[inner], to[other]].map { .uint64(Self.step($0)) }
        arguments += layout(loop, outer)
        let count = "\(outer.count)"
        guard profile.style == .cpu else {
            let (tile, tileRows) = (16, min(8, profile.maximumWorkGroupSize / 16))
            let kernel = specification(
                "copy_tiles_local", "movement/copy.cl", ["OUTER": count, "TILE": "\(tile)", "TILE_ROWS": "\(tileRows)"])
            return KernelLaunch(
                kernel, arguments,
                globalSize: [(height + tile - 1) / tile * tile, (width + tile - 1) / tile * tileRows, rows],
                localSize: [tile, tileRows, 1])
        }
        let units = rows * ((height + profile.vectorWidth - 1) / profile.vectorWidth)
        let wanted = max(1, min(loop.count / 4096, profile.computeUnits * 8, units))
        let share = (units + wanted - 1) / wanted
        arguments.append(.uint64(UInt64(share)))
        let kernel = specification(
            "copy_tiles_vector", "movement/copy.cl", ["OUTER": count, "VECTOR_WIDTH": "\(profile.vectorWidth)"])
        return KernelLaunch(kernel, arguments, items: (units + share - 1) / share)
    }

    /// x and y with the starts of their boxes. A tensor's own offset comes with it, so the start is an argument apart.
    private func tensors(_ copy: Copy) -> [KernelArgument] {
        [
            .operand(copy.operand), .result(0), .uint64(UInt64(copy.fromStart)), .uint64(UInt64(copy.toStart)),
        ]
    }

    /// The extents and steps of the outer loops, filled up to ``outerLoops``.
    private func layout(_ loop: StridedLoop, _ outer: [Int]) -> [KernelArgument] {
        func filled(_ values: [Int], with filler: Int) -> [Int] {
            values + [Int](repeating: filler, count: Self.outerLoops - values.count)
        }
        let extents = filled(outer.map { loop.extents[$0] }, with: 1).dropFirst()
        let from = filled(outer.map { loop.strides[0][$0] }, with: 0)
        let to = filled(outer.map { loop.strides[1][$0] }, with: 0)
        return (extents + from + to).map { .uint64(Self.step($0)) }
    }

    /// A step as kernels add it, modulo 2⁶⁴: a negative one goes back.
    private static func step(_ value: Int) -> UInt64 { UInt64(bitPattern: Int64(value)) }

    private func strided(
        _ name: String, _ file: String, _ arguments: [KernelArgument], count: Int, outer: Int = 0
    ) -> KernelLaunch {
        let local = min(256, profile.maximumWorkGroupSize)
        let groups = min((count + local - 1) / local, profile.computeUnits * 64)
        return KernelLaunch(
            specification(name, file, ["OUTER": "\(outer)"]), arguments,
            globalSize: [groups * local], localSize: [local])
    }

    /// The result's rows of `length` with `run` elements of the operand from `begin` on, else zero.
    private func zeros(length: Int, begin: Int, run: Int) -> KernelLaunch {
        let count = results[0].shape.elementCount
        let rows = count / length
        var arguments: [KernelArgument] = [.operand(0), .result(0)]
        arguments += [rows, length, begin, run].map { .uint64(UInt64($0)) }
        guard profile.style == .cpu else {
            return strided("pad_elements", "movement/pad.cl", arguments, count: count)
        }
        let partition = RowPartition(rows: rows, length: length, computeUnits: profile.computeUnits)
        arguments += [partition.segment, partition.segments, partition.share].map { .uint64(UInt64($0)) }
        let kernel = specification(
            "pad_rows", "movement/pad.cl", ["VECTOR_WIDTH": "\(profile.vectorWidth)"])
        return KernelLaunch(kernel, arguments, items: partition.items)
    }
}
