import CVector
import TensorGraph

/// What a reduction reads: its operand or, where it has a producer, elements evaluated a panel at a time into memory of
/// each thread's own that stays in cache.
struct ReductionSource {
    private let program: CompiledProgram?
    private let type: cv_type
    private let size: Int
    private let panel: Int
    private let panelBytes: Int
    private let scratch: Int
    /// The memory that the threads need, in one workspace or none.
    let workspaces: [Int]

    /// - Parameters:
    ///   - panel: the most elements that a thread evaluates at once.
    ///   - threads: the most threads that can have work.
    init(_ producer: ElementwiseProgram?, _ shape: Shape, _ node: Node, panel: Int, threads: Int) {
        let result = TensorType(shape, node.resultTypes[0].dtype)
        // A program in 16 bits rounds as it does by itself; what it comes to is added in the type of the reduction.
        program = producer.map {
            CompiledProgram($0.converted(to: result.dtype), operands: node.operandTypes, result: result)
        }
        type = cv_type(result.dtype)
        size = result.dtype.byteCount
        self.panel = panel
        panelBytes = (panel * size).rounded(to: 64)
        scratch = (program?.scratch ?? 0).rounded(to: 64)
        workspaces = program == nil ? [] : [min(threads, Parallel.workers) * (panelBytes + scratch)]
    }

    /// Gives `body` the elements of one run, with the workspace of number `room`.
    func reading(_ places: Places, room: Int, _ body: (Elements) -> Void) {
        places.operands.map { UnsafeRawPointer?($0) }.withUnsafeBufferPointer { operands in
            body(
                Elements(
                    source: self, x: places.operands[0], operands: operands.baseAddress,
                    room: program == nil ? nil : places.workspaces[room]))
        }
    }

    /// Elements that can be read, by their place in what is reduced.
    struct Elements {
        fileprivate let source: ReductionSource
        fileprivate let x: UnsafeRawPointer
        fileprivate let operands: UnsafePointer<UnsafeRawPointer?>?
        fileprivate let room: UnsafeMutableRawPointer?

        /// Where a thread evaluates elements, and the scratch memory that takes.
        private func memory(
            of worker: Int
        ) -> (program: CompiledProgram, panel: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer)? {
            guard let program = source.program, let room else { return nil }
            let start = room + worker * (source.panelBytes + source.scratch)
            return (program, start, start + source.panelBytes)
        }

        /// Reduces each of `rows` rows of `length` elements, of which row 0 begins with element `first`, to an element of
        /// `y`.
        func reduceRows(
            _ function: cv_reduction, _ rows: Range<Int>, _ length: Int, from first: Int,
            to y: UnsafeMutableRawPointer, worker: Int
        ) {
            guard let (program, panel, scratch) = memory(of: worker) else {
                cv_reduce_rows(
                    source.type, function, x + first * source.size, y, Int64(rows.lowerBound), Int64(rows.upperBound),
                    Int64(length))
                return
            }
            let batch = max(1, source.panel / max(length, 1))
            for row in stride(from: rows.lowerBound, to: rows.upperBound, by: batch) {
                let count = min(batch, rows.upperBound - row)
                let start = first + row * length
                program.run(operands, [panel], start..<(start + count * length), scratch)
                cv_reduce_rows(source.type, function, panel, y + row * source.size, 0, Int64(count), Int64(length))
            }
        }

        /// Reduces `rows` of a matrix of `inner` columns that begins with element `first`, to elements `columns` of `y`.
        func reduceColumns(
            _ function: cv_reduction, _ columns: Range<Int>, of inner: Int, rows: Range<Int>, from first: Int,
            to y: UnsafeMutableRawPointer, worker: Int
        ) {
            guard let (program, panel, scratch) = memory(of: worker) else {
                cv_reduce_columns(
                    source.type, function, x + first * source.size, y, Int64(rows.lowerBound), Int64(rows.upperBound),
                    Int64(inner), Int64(columns.lowerBound), Int64(columns.upperBound))
                return
            }
            program.reduceColumns(
                source.type, function, operands, first, panel, scratch, rows: rows, columns: columns, of: inner, to: y)
        }
    }
}

extension ElementwiseProgram {
    /// The program with its one result in this type.
    func converted(to dtype: DType) -> ElementwiseProgram {
        guard results.count == 1, instructions[results[0]].dtype != dtype else { return self }
        return ElementwiseProgram(instructions + [Instruction(.cast(dtype), [.instruction(results[0])], dtype)])
    }
}
