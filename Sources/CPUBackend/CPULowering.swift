import CVector
import TensorGraph

/// Turns a node into a function over pointers; the method of each operation is in `Ops/`.
struct CPULowering: OpVisitor {
    let node: Node
    /// Operands that stay the same from run to run.
    var steady: Set<Int> = []

    /// The type that all real tensors of the node share.
    var type: cv_type { cv_type(node.resultTypes[0].dtype) }
    var size: Int { node.resultTypes[0].dtype.byteCount }

    func shape(_ operand: Int) -> Shape { node.operandTypes[operand].shape }
}

extension cv_type {
    init(_ dtype: DType) {
        self =
            switch dtype {
            case .float16: CV_FLOAT16
            case .bfloat16: CV_BFLOAT16
            case .float32: CV_FLOAT32
            case .float64: CV_FLOAT64
            case .int8: CV_INT8
            case .int16: CV_INT16
            case .int32: CV_INT32
            case .int64: CV_INT64
            case .uint8: CV_UINT8
            case .uint16: CV_UINT16
            case .uint32: CV_UINT32
            case .uint64: CV_UINT64
            case .bool: CV_BOOL
            }
    }
}

extension Int {
    /// The least multiple of `unit` that is not below.
    func rounded(to unit: Int) -> Int { dividedRoundingUp(by: unit) * unit }
}

/// Elements whose reading and writing is worth another thread: about ten microseconds of memory traffic.
let memoryGrain = 32_768

/// Operations on half types are carried out in float32, with conversions before and after.
extension CPUKernel {
    init(widening node: Node) throws {
        func widened(_ type: TensorType) -> TensorType {
            type.dtype == .float16 || type.dtype == .bfloat16 ? TensorType(type.shape, .float32) : type
        }
        var wide = node
        wide.operandTypes = node.operandTypes.map(widened)
        wide.resultTypes = node.resultTypes.map(widened)
        // What it packs is the converted operand, at every run: its work is not split.
        let inner = try wide.op.accept(CPULowering(node: wide))
        let operands = node.operandTypes.indices.filter { wide.operandTypes[$0] != node.operandTypes[$0] }
        let results = node.resultTypes.indices.filter { wide.resultTypes[$0] != node.resultTypes[$0] }
        let extra = operands.map { wide.operandTypes[$0].byteCount } + results.map { wide.resultTypes[$0].byteCount }
        let offset = inner.workspaces.count
        self.init(inner.summary + ", in float32", accuracy: inner.accuracy, workspaces: inner.workspaces + extra) {
            places in
            var widePlaces = places
            for (index, operand) in operands.enumerated() {
                let target = places.workspaces[offset + index]
                let type = node.operandTypes[operand]
                convert(cv_type(type.dtype), places.operands[operand], CV_FLOAT32, target, type.shape.elementCount)
                widePlaces.operands[operand] = UnsafeRawPointer(target)
            }
            for (index, result) in results.enumerated() {
                widePlaces.results[result] = places.workspaces[offset + operands.count + index]
            }
            inner.run(widePlaces)
            for result in results {
                let type = node.resultTypes[result]
                convert(
                    CV_FLOAT32, UnsafeRawPointer(widePlaces.results[result]), cv_type(type.dtype),
                    places.results[result],
                    type.shape.elementCount)
            }
        }
    }
}

/// Converts `count` elements on all cores.
func convert(
    _ from: cv_type, _ source: UnsafeRawPointer, _ to: cv_type, _ target: UnsafeMutableRawPointer, _ count: Int
) {
    let (fromSize, toSize) = (Int(cv_type_size(from)), Int(cv_type_size(to)))
    Parallel.run(count, grain: memoryGrain) { range in
        cv_convert(
            from, source + range.lowerBound * fromSize, to, target + range.lowerBound * toSize, Int64(range.count))
    }
}

/// Packs b [k, n], with the given strides of its rows and columns, into panels on all cores: [⌈n / width⌉][k][width] for
/// the width of ``cv_tile_columns(_:)``.
func packPanels(
    _ type: cv_type, _ b: UnsafeRawPointer, _ strides: (row: Int, column: Int), _ k: Int, _ n: Int,
    _ target: UnsafeMutableRawPointer
) {
    let (width, size) = (Int(cv_tile_columns(type)), Int(cv_type_size(type)))
    Parallel.run(n.dividedRoundingUp(by: width), grain: max(1, memoryGrain / (k * width))) { range in
        let first = range.lowerBound * width
        cv_pack(
            type, b + first * strides.column * size, Int64(strides.row), Int64(strides.column), Int64(k),
            Int64(min(range.upperBound * width, n) - first), target + first * k * size)
    }
}
