import Execution
import TensorGraph
import TestSupport

/// The reference as a backend: what a device declines is computed here, so that a row of a device depends on that
/// device alone, and the executor itself can be tested without any.
package final class ReferenceBackend: Backend {
    package let name = "reference"
    package let maximumAllocation = Int.max

    package init() {}

    package func lower(_ node: Node) throws -> Lowering { .accepted(ReferenceNode()) }
    package func allocate(byteCount: Int) throws -> any Memory { ReferenceMemory(byteCount: byteCount) }
    package func record(_ nodes: [PlacedNode]) throws -> any Recording { ReferenceRecording(nodes: nodes) }

    package func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        try memory.reference.write(source, at: byteOffset)
    }

    package func read(
        _ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws {
        destination.copyBytes(from: try memory.reference.bytes[byteOffset..<(byteOffset + destination.count)])
    }

    package func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        let bytes = Array(try source.reference.bytes[sourceOffset..<(sourceOffset + byteCount)])
        try bytes.withUnsafeBytes { try destination.reference.write($0, at: destinationOffset) }
    }

    package func finish() throws {}
}

private struct ReferenceNode: LoweredNode {
    let workspaces: [Int] = []
    let summary = "reference"
}

private final class ReferenceMemory: Memory {
    var bytes: [UInt8]
    var byteCount: Int { bytes.count }

    init(byteCount: Int) { bytes = [UInt8](repeating: 0, count: byteCount) }

    func write(_ source: UnsafeRawBufferPointer, at byteOffset: Int) throws {
        bytes.replaceSubrange(byteOffset..<(byteOffset + source.count), with: source)
    }
}

extension Memory {
    fileprivate var reference: ReferenceMemory {
        get throws {
            guard let memory = self as? ReferenceMemory else { throw ReferenceError("memory of another backend") }
            return memory
        }
    }
}

private final class ReferenceRecording: Recording {
    let nodes: [PlacedNode]

    init(nodes: [PlacedNode]) { self.nodes = nodes }

    func run(bindings: [any Memory], trace: Trace?) throws {
        for placed in nodes {
            let operands = try zip(placed.node.operandTypes, placed.operands).map { type, region in
                guard type.byteCount > 0 else { return [Double]() }
                let bytes = try bindings[region.slot].reference.bytes
                let stretch = bytes[region.byteOffset..<(region.byteOffset + type.byteCount)]
                return try HostTensor(type, bytes: Array(stretch)).doubles()
            }
            let results = try Reference.results(of: placed.node, operands: operands)
            for (index, region) in placed.results.enumerated() where placed.node.resultTypes[index].byteCount > 0 {
                let tensor = try HostTensor(placed.node.resultTypes[index], doubles: results[index])
                try tensor.withUnsafeBytes {
                    try bindings[region.slot].reference.write($0, at: region.byteOffset)
                }
            }
        }
    }
}
