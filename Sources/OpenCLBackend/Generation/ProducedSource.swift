import Execution
import TensorGraph

/// Writes how a kernel reads the elements that an elementwise program makes, by the macros of `Kernels/common/source.cl`.
///
/// As in ``ElementwiseSource``, extents, strides and numbers are arguments and how the operands broadcast is text. The operands
/// are `[outer, walked, inner]` with one stride each along the last two (``ProducedOperand/Walk/reads(_:of:)``); along the
/// outer axes they step as they like.
struct ProducedSource {
    /// The operand of the operation that the program makes.
    let place: Int
    private let produced: ProducedOperand
    private let function: ElementwiseFunction
    private let isRows: Bool
    /// The loops over the outer axes; tensor n is operand n.
    private let outer: StridedLoop
    private let operands: [Operand]

    private struct Operand {
        var count: Int
        var rowStride: Int
        /// Whether the elements of a vector differ.
        var isVector: Bool
    }

    /// - Parameter all: the node's operands.
    init(_ produced: ProducedOperand, operands all: [TensorType]) {
        let (walk, types) = (produced.walk, Array(all[produced.programOperands]))
        let whole = produced.produced(all)
        let shape = walk.view(whole.shape)
        let strides = StridedLoop.strides(
            broadcasting: types.map { walk.view($0.shape, of: whole.shape) }, to: shape)
        let last = walk.first + walk.count
        func loop(_ axes: Range<Int>) -> StridedLoop {
            StridedLoop(extents: Array(shape.dimensions[axes]), strides: strides.map { Array($0[axes]) })
        }
        let (rows, columns) = (loop(walk.first..<last), loop(last..<shape.rank))
        let isRows = columns.count == 1
        self.isRows = isRows
        outer = loop(0..<walk.first)
        operands = types.indices.map {
            Operand(
                count: types[$0].shape.elementCount, rowStride: rows.count == 1 ? 0 : rows.strides[$0][0],
                isVector: (isRows ? rows : columns).strides[$0][0] != 0)
        }
        function = ElementwiseFunction(
            program: produced.program, operands: types.map(\.dtype), results: [whole.dtype])
        (place, self.produced) = (produced.place, produced)
    }

    /// Why no kernel can be written, or `nil`.
    var refusal: String? {
        // Of one type all of them (``ShapeRule``), by which the kernel loads elements.
        if let type = function.operands.first(where: { $0 != .float32 && !$0.isHalf }) {
            return "a program that makes an operand reads \(type)"
        }
        return function.refusal
    }

    /// A launch's arguments for the node's operands, given those for the operation's own.
    ///
    /// The program's operands, the extents of the outer loops but the first, each operand's strides and number of elements, and the
    /// program's numbers.
    func arguments(_ given: [KernelArgument]) -> [KernelArgument] {
        var sizes = Array(outer.extents.dropFirst())
        for (index, operand) in operands.enumerated() {
            sizes += outer.strides[index] + [operand.rowStride, operand.count]
        }
        let all =
            produced.programOperands.map(KernelArgument.operand) + sizes.map { .uint64(UInt64($0)) }
            + function.numbers.map(\.argument)
        return given.flatMap { argument in
            guard case .operand(let operand) = argument else { return [argument] }
            return operand == place ? all : [.operand(produced.nodeOperand(operand))]
        }
    }

    /// Whether a kernel reads a program's elements.
    static func isRead(by kernel: KernelSpecification) -> Bool { kernel.defines["SOURCE"] != nil }

    /// Puts the program before the kernel's own file.
    func read(by kernel: inout KernelSpecification) {
        let last = kernel.files.removeLast()
        kernel.files += function.files.filter { !kernel.files.contains($0) }
        kernel.generated = text
        kernel.defines["SOURCE"] = isRows ? "1" : "2"
        kernel.lastFiles = [last]
    }

    /// The macros that `source.cl` names.
    private var text: String {
        let tensors = operands.indices.map { "__global const STORED *restrict x\($0), const ulong x\($0)Offset" }
        let extents = outer.extents.indices.dropFirst().map { "extent\($0)" }
        let sizes = operands.indices.flatMap { operand in
            outer.extents.indices.map { "stride\(operand)_\($0)" } + ["rowStride\(operand)", "count\(operand)"]
        }
        let parameters = tensors + (extents + sizes).map { "const ulong \($0)" } + function.numberParameters
        return """
            \(function.text)
            #define SOURCE_PARAMETERS \(parameters.joined(separator: ", "))
            #define SOURCE_MATRIX(index) \(matrix.joined(separator: " "))
            #define SOURCE_LOAD(row, column) \(call { "LOAD(\($1))" })
            #define SOURCE_PART(row, column, count) \(call { "load_part(\($1), count, limit\($0))" })

            """
    }

    /// Statements that find where each operand's matrix begins, and read those that are one element all over it.
    private var matrix: [String] {
        var lines = StridedLoop.indexLines(of: "index", loops: outer.extents.count, type: "ulong")
        for (index, operand) in operands.enumerated() {
            let terms = outer.extents.indices.map { "index\($0) * stride\(index)_\($0)" }
            let (tensor, pointer) = ("x\(index) + x\(index)Offset", "__global const STORED *const")
            lines.append("\(pointer) matrix\(index) = \(tensor) + \(terms.joined(separator: " + "));")
            if operand.isVector {
                lines.append("\(pointer) limit\(index) = \(tensor) + count\(index);")
            } else if isRows || operand.rowStride == 0 {
                lines.append("const vfloat a\(index) = (vfloat)(LOAD1(matrix\(index)));")
            }
        }
        return lines
    }

    /// The program of the operands' elements from (row, column) on, vectors of them read by `load`.
    private func call(_ load: (Int, String) -> String) -> String {
        let arguments = operands.indices.map { index in
            let operand = operands[index]
            let row = "(long)(row) * rowStride\(index)"
            return switch (isRows, operand.isVector, operand.rowStride == 0) {
            case (true, true, _): load(index, "matrix\(index) + (row)")
            case (false, true, true): load(index, "matrix\(index) + (column)")
            case (false, true, false): load(index, "matrix\(index) + \(row) + (column)")
            case (false, false, false): "(vfloat)(LOAD1(matrix\(index) + \(row)))"
            case (_, false, _): "a\(index)"
            }
        }
        return function.call(arguments)
    }
}
