import TensorGraph

/// Writes the kernel of an elementwise program, and says how to launch it.
///
/// The text depends on the program and on how the operands broadcast, but not on the extents and the program's numbers,
/// which are arguments: one built program serves every size. A kernel of the CPU style goes row by row with vectors; one of the GPU style has
/// work-items that take every n-th element. The program itself is an ``ElementwiseFunction``.
package struct ElementwiseSource {
    private let function: ElementwiseFunction
    private let operands: [DType]
    private let results: [DType]
    private let loop: StridedLoop
    private let profile: DeviceProfile

    /// A program without instructions copies its one operand.
    package init(
        _ program: ElementwiseProgram, operands: [TensorType], results: [TensorType], profile: DeviceProfile
    ) {
        loop = StridedLoop(broadcasting: operands.map(\.shape), to: results[0].shape)
        let strides = loop.strides
        function = ElementwiseFunction(
            program: program, operands: operands.map(\.dtype), results: results.map(\.dtype),
            uniform: Set(operands.indices.filter { strides[$0 + 1].allSatisfy { $0 == 0 } }))
        self.operands = function.operands
        self.results = function.results
        self.profile = profile
    }

    /// Why no kernel can be written, or `nil`.
    package var refusal: String? { function.refusal }

    /// The launch over operands 0, 1, … and results 0, 1, ….
    package func launch() -> KernelLaunch {
        let isCPU = profile.style == .cpu
        let specification = KernelSpecification(
            "elementwise", files: function.files,
            defines: ["VECTOR_WIDTH": "\(isCPU ? profile.vectorWidth : 1)"], generated: isCPU ? cpuText : gpuText)
        var arguments =
            operands.indices.map(KernelArgument.operand) + results.indices.map(KernelArgument.result) + sizes
            + function.numbers.map(\.argument)
        guard isCPU else {
            let local = min(256, profile.maximumWorkGroupSize)
            let groups = min((loop.count + local - 1) / local, profile.computeUnits * 64)
            return KernelLaunch(specification, arguments, globalSize: [groups * local], localSize: [local])
        }
        let partition = RowPartition(
            rows: loop.count / loop.length, length: loop.length, computeUnits: profile.computeUnits)
        arguments += [partition.segment, partition.segments, partition.share].map { .uint64(UInt64($0)) }
        return KernelLaunch(specification, arguments, items: partition.items)
    }

    // MARK: Operands

    private enum Layout {
        /// One element for all.
        case scalar
        /// The layout of the result.
        case linear
        /// Steps of its own; `isConstant` along the innermost loop.
        case strided(isConstant: Bool)
    }

    private func layout(_ operand: Int) -> Layout {
        let strides = loop.strides[operand + 1]
        if strides.allSatisfy({ $0 == 0 }) { return .scalar }
        if strides == loop.strides[0] { return .linear }
        return .strided(isConstant: strides.last == 0)
    }

    /// The extents and strides, in the order of ``sizeParameters``.
    private var sizes: [KernelArgument] {
        var sizes = [loop.count, loop.length] + loop.outer.dropFirst()
        for operand in operands.indices {
            guard case .strided = layout(operand) else { continue }
            sizes += loop.strides[operand + 1].dropLast()
        }
        return sizes.map { .uint64(UInt64($0)) }
    }

    private var sizeParameters: [String] {
        var names = ["count", "length"] + loop.outer.indices.dropFirst().map { "extent\($0)" }
        for operand in operands.indices {
            guard case .strided = layout(operand) else { continue }
            names += loop.outer.indices.map { "stride\(operand)_\($0)" }
        }
        return names.map { "const ulong \($0)" }
    }

    private func parameters(_ more: [String]) -> String {
        let tensors = operands.indices.map {
            "__global const \(operands[$0].memoryType) *x\($0), const ulong x\($0)Offset"
        }
        let made = results.indices.map { "__global \(results[$0].memoryType) *y\($0), const ulong y\($0)Offset" }
        return (tensors + made + sizeParameters + function.numberParameters + more).joined(separator: ",\n    ")
    }

    /// Lines that add the offsets, once, and read the operands of one element.
    private var prologue: [String] {
        var lines = results.indices.map { "y\($0) += y\($0)Offset;" }
        for operand in operands.indices {
            lines.append("x\(operand) += x\(operand)Offset;")
            if case .scalar = layout(operand) {
                let type = operands[operand]
                let value = type.valueType
                lines.append("const \(value) a\(operand) = (\(value))(LOAD1_\(type)(x\(operand)));")
            }
        }
        return lines + function.hoistedLines
    }

    /// Lines that find `index0`, `index1`, … of the outer loops from `row`, where an operand needs them.
    private var rowIndices: [String] {
        let isNeeded = operands.indices.contains { if case .strided = layout($0) { true } else { false } }
        guard isNeeded, !loop.outer.isEmpty else { return [] }
        return StridedLoop.indexLines(of: "row", loops: loop.outer.count, type: "index_t")
    }

    /// Where an operand's row begins.
    private func rowStart(_ operand: Int) -> String {
        guard case .strided = layout(operand) else { return "(ulong)row * length" }
        let terms = loop.outer.indices.compactMap { axis in
            loop.strides[operand + 1][axis] == 0 ? nil : "index\(axis) * stride\(operand)_\(axis)"
        }
        return terms.isEmpty ? "0" : terms.joined(separator: " + ")
    }

    // MARK: The two styles

    private var cpuText: String {
        let row = operands.indices.flatMap { operand -> [String] in
            let type = operands[operand]
            let value = type.valueType
            let pointer = "x\(operand) + \(rowStart(operand))"
            switch layout(operand) {
            case .scalar: return []
            case .strided(isConstant: true):
                return ["const \(value) a\(operand) = (\(value))(LOAD1_\(type)(\(pointer)));"]
            case .linear, .strided:
                return ["__global const \(type.memoryType) *row\(operand) = \(pointer);"]
            }
        }
        let vectors = operands.indices.filter { isRead($0) }
        let made = results.indices.map {
            "__global \(results[$0].memoryType) *rowY\($0) = y\($0) + (ulong)row * length;"
        }
        return """
            \(preamble)
            \(ElementwiseFunction.lanes)

            __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
            void elementwise(
                \(parameters(["const ulong segment", "const ulong segments", "const ulong share"])))
            {
                \(prologue.joined(separator: "\n    "))
                const index_t units = (index_t)(count / length * segments);
                const index_t first = (index_t)(get_global_id(0) * share);
                const index_t last = min(first + (index_t)share, units);
                for (index_t unit = first; unit < last; ++unit) {
                    const index_t row = unit / (index_t)segments;
                    ulong i = (unit - row * segments) * segment;
                    const ulong end = min(i + segment, length);
                    \((rowIndices + row + made).joined(separator: "\n        "))
                    \(function.vectorLoop(reading: vectors, from: "row", to: "rowY").joined(separator: "\n        "))
                }
            }
            """
    }

    private var gpuText: String {
        let loads = operands.indices.compactMap { operand -> String? in
            let type = operands[operand]
            let place: String
            switch layout(operand) {
            case .scalar: return nil
            case .linear: place = "element"
            case .strided(let isConstant): place = rowStart(operand) + (isConstant ? "" : " + column")
            }
            return "const \(type.valueType) a\(operand) = LOAD1_\(type)(x\(operand) + \(place));"
        }
        let stores = results.indices.map { "STORE1_\(results[$0])(value\($0), y\($0) + element);" }
        return """
            \(preamble)
            __kernel void elementwise(
                \(parameters([])))
            {
                \(prologue.joined(separator: "\n    "))
                for (index_t element = get_global_id(0); element < (index_t)count; element += get_global_size(0)) {
                    const index_t row = element / (index_t)length;
                    const index_t column = element - row * (index_t)length;
                    \((rowIndices + loads + function.evaluation + stores).joined(separator: "\n        "))
                }
            }
            """
    }

    /// Whether an operand is read with each vector, not hoisted.
    private func isRead(_ operand: Int) -> Bool {
        switch layout(operand) {
        case .scalar, .strided(isConstant: true): false
        case .linear, .strided: true
        }
    }

    /// The index type and the program as a function. 32 bits, where they suffice with a grid's stride to spare.
    private var preamble: String {
        "typedef \(loop.count < 1 << 30 ? "uint" : "ulong") index_t;\n\n" + function.text
    }
}
