import Execution
import TensorGraph
import TestSupport

/// The reference as a backend: what a device declines is computed here, so that a row of a device depends on that
/// device alone, and the executor itself can be tested without any.
package final class ReferenceBackend: Backend {
    package let name = "reference"
    package let maximumAllocation = Int.max

    package init() {}

    package func lower(_ node: Node, steady: Set<Int>) throws -> Lowering { .accepted(ReferenceNode()) }
    package func allocate(byteCount: Int) throws -> any Memory { ReferenceMemory(byteCount: byteCount) }
    package func record(_ nodes: [PlacedNode]) throws -> any Recording { ReferenceRecording(nodes: nodes) }

    package func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        try UnsafeMutableRawBufferPointer(rebasing: memory.bytes[byteOffset..<(byteOffset + source.count)])
            .copyMemory(from: source)
    }

    package func read(
        _ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws {
        destination.copyBytes(from: try memory.bytes[byteOffset..<(byteOffset + destination.count)])
    }

    package func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        let bytes = UnsafeRawBufferPointer(rebasing: try source.bytes[sourceOffset..<(sourceOffset + byteCount)])
        try write(bytes, to: destination, at: destinationOffset)
    }

    package func finish() throws {}
}

private struct ReferenceNode: LoweredNode {
    let workspaces: [Int] = []
    let summary = "reference"
}

private final class ReferenceMemory: Memory {
    let storage: UnsafeMutableRawBufferPointer
    var byteCount: Int { storage.count }
    var hostBytes: UnsafeMutableRawBufferPointer? { storage }

    init(byteCount: Int) {
        storage = .allocate(byteCount: byteCount, alignment: 64)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { storage.deallocate() }
}

extension Memory {
    fileprivate var bytes: UnsafeMutableRawBufferPointer {
        get throws {
            guard let bytes = hostBytes else { throw ReferenceError("memory of another backend") }
            return bytes
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
                let stretch = try bindings[region.slot].bytes[region.byteOffset..<(region.byteOffset + type.byteCount)]
                return try HostTensor(type, bytes: Array(stretch)).doubles()
            }
            let results = try Reference.results(of: placed.node, operands: operands)
            for (index, region) in placed.results.enumerated() where placed.node.resultTypes[index].byteCount > 0 {
                let tensor = try HostTensor(placed.node.resultTypes[index], doubles: results[index])
                let stretch = try bindings[region.slot].bytes[region.byteOffset...].prefix(tensor.type.byteCount)
                tensor.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: stretch).copyMemory(from: $0) }
            }
        }
    }
}
