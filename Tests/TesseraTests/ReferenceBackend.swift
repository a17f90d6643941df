import Execution
import TensorGraph
import TestSupport

/// The tests' reference as a backend: slow and plain, so that what is tested with it is the library above the backends.
final class ReferenceBackend: Backend {
    let name = "reference"
    let maximumAllocation = Int.max

    struct Lowered: LoweredNode {
        let workspaces: [Int] = []
        let summary = "reference"
    }

    func lower(_ node: Node) throws -> Lowering { .accepted(Lowered()) }
    func allocate(byteCount: Int) throws -> any Memory { ReferenceMemory(byteCount: byteCount) }
    func record(_ nodes: [PlacedNode]) throws -> any Recording { ReferenceRecording(nodes) }
    func finish() throws {}

    func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        try memory.part(byteOffset, source.count).copyMemory(from: source)
    }

    func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws {
        destination.copyMemory(from: UnsafeRawBufferPointer(try memory.part(byteOffset, destination.count)))
    }

    func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        try destination.part(destinationOffset, byteCount).copyMemory(
            from: UnsafeRawBufferPointer(source.part(sourceOffset, byteCount)))
    }
}

private final class ReferenceMemory: Memory {
    let bytes: UnsafeMutableRawBufferPointer
    var byteCount: Int { bytes.count }
    var hostBytes: UnsafeMutableRawBufferPointer? { bytes }

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }
    deinit { bytes.deallocate() }
}

extension Memory {
    fileprivate func part(_ offset: Int, _ count: Int) throws -> UnsafeMutableRawBufferPointer {
        guard let bytes = hostBytes, offset >= 0, offset + count <= bytes.count else {
            throw ReferenceError("bytes \(offset) to \(offset + count) are outside a memory of \(byteCount)")
        }
        return UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    }
}

private final class ReferenceRecording: Recording {
    private let nodes: [PlacedNode]
    init(_ nodes: [PlacedNode]) { self.nodes = nodes }

    func run(bindings: [any Memory], trace: Trace?) throws {
        for placed in nodes {
            let graph = Graph()
            var inputs: [String: [Double]] = [:]
            let operands = try zip(placed.node.operandTypes, placed.operands).enumerated().map { index, operand in
                let bytes = try bindings[operand.1.slot].part(operand.1.byteOffset, operand.0.byteCount)
                inputs["\(index)"] = numbers(bytes, operand.0.dtype)
                return try graph.input("\(index)", operand.0.shape, operand.0.dtype)
            }
            let results = try Reference.evaluate(try graph.add(placed.node.op, operands), inputs: inputs)
            for (index, region) in placed.results.enumerated() {
                let bytes = try bindings[region.slot].part(region.byteOffset, region.byteCount)
                store(results[index], placed.node.resultTypes[index].dtype, bytes)
            }
        }
    }

    private func numbers(_ bytes: UnsafeMutableRawBufferPointer, _ dtype: DType) -> [Double] {
        switch dtype {
        case .float32: bytes.bindMemory(to: Float.self).map(Double.init)
        case .float64: Array(bytes.bindMemory(to: Double.self))
        case .int32: bytes.bindMemory(to: Int32.self).map(Double.init)
        case .int64: bytes.bindMemory(to: Int64.self).map(Double.init)
        case .uint8: bytes.map(Double.init)
        case .float16: bytes.bindMemory(to: UInt16.self).map { Double(Float(float16Bits: $0)) }
        case .bfloat16: bytes.bindMemory(to: UInt16.self).map { Double(Float(bfloat16Bits: $0)) }
        }
    }

    private func store(_ numbers: [Double], _ dtype: DType, _ bytes: UnsafeMutableRawBufferPointer) {
        func fill<Element>(_ make: (Double) -> Element) {
            let elements = bytes.bindMemory(to: Element.self)
            for (index, number) in numbers.enumerated() { elements[index] = make(number) }
        }
        switch dtype {
        case .float32: fill { Float($0) }
        case .float64: fill { $0 }
        case .int32: fill { Int32(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .int64: fill { Int64(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .uint8: fill { UInt8(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .float16: fill { Float($0).float16Bits }
        case .bfloat16: fill { Float($0).bfloat16Bits }
        }
    }
}
