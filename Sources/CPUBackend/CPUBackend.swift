import CVector
import Dispatch
import Execution
import TensorGraph

/// The path that is always there: every operation on the processor's vector units and all its cores.
package final class CPUBackend: Backend {
    package let name = "cpu"
    package let maximumAllocation = Int.max

    package init() {}

    package func lower(_ node: Node, steady: Set<Int>) throws -> Lowering {
        .accepted(try CPUKernel(lowering: node, steady: steady))
    }

    package func allocate(byteCount: Int) throws -> any Memory { try CPUMemory(byteCount: byteCount) }

    package func record(_ nodes: [PlacedNode]) throws -> any Recording {
        WorkerPool.prepare()
        return CPURecording(nodes)
    }

    package func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        guard let bytes = memory.hostBytes, let start = source.baseAddress else { return }
        UnsafeMutableRawBufferPointer(rebasing: bytes[byteOffset..<(byteOffset + source.count)])
            .copyMemory(from: UnsafeRawBufferPointer(start: start, count: source.count))
    }

    package func read(
        _ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws {
        guard let bytes = memory.hostBytes, destination.count > 0 else { return }
        destination.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[byteOffset..<(byteOffset + destination.count)]))
    }

    package func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        guard let from = source.hostBytes, let to = destination.hostBytes, byteCount > 0 else { return }
        UnsafeMutableRawBufferPointer(rebasing: to[destinationOffset..<(destinationOffset + byteCount)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[sourceOffset..<(sourceOffset + byteCount)]))
    }

    package func finish() throws {}
}

/// Memory that vectors may be loaded from.
final class CPUMemory: Memory {
    private let storage: HostBytes

    init(byteCount: Int) throws(GraphError) { storage = try HostBytes(byteCount: byteCount) }

    var byteCount: Int { storage.bytes.count }
    var hostBytes: UnsafeMutableRawBufferPointer? { storage.bytes }
}

/// Where the tensors of a node lie during one run.
struct Places {
    var operands: [UnsafeRawPointer]
    var results: [UnsafeMutableRawPointer]
    var workspaces: [UnsafeMutableRawPointer]
}

/// A node as a function over the places of its tensors.
package struct CPUKernel: LoweredNode {
    package var workspaces: [Int]
    package var summary: String
    package var accuracy: AccuracyClass
    package private(set) var split: SplitWork?
    /// What a trace calls it beside the operation, where it is a part of a node's work.
    private(set) var part: String?
    private let work: (Places) -> Void

    init(
        _ summary: String, accuracy: AccuracyClass = .direct, workspaces: [Int] = [], run: @escaping (Places) -> Void
    ) {
        self.summary = summary
        self.accuracy = accuracy
        self.workspaces = workspaces
        work = run
    }

    /// Work that begins with rearranging an operand: `pack` fills the first workspace from it alone, `run` is the rest.
    ///
    /// - Parameter form: what that holds besides the operand's numbers, see ``SplitWork/form``.
    init(
        _ summary: String, accuracy: AccuracyClass = .direct, workspaces: [Int], packing operand: Int,
        form: AnyHashable? = nil, pack: @escaping (Places) -> Void, run: @escaping (Places) -> Void
    ) {
        self.init(summary, accuracy: accuracy, workspaces: workspaces) { places in
            pack(places)
            run(places)
        }
        var first = CPUKernel(summary, accuracy: accuracy, workspaces: workspaces, run: pack)
        first.part = "packing"
        let rest = CPUKernel(summary, accuracy: accuracy, workspaces: workspaces, run: run)
        split = SplitWork(first, rest, operands: [operand], workspace: 0, form: form)
    }

    func run(_ places: Places) { work(places) }

    init(lowering node: Node, steady: Set<Int>) throws {
        let isHalf = (node.operandTypes + node.resultTypes).contains(where: \.dtype.isHalf)
        switch node.op.traits.halfTypes {
        // Elementwise programs convert, and round, each block on the way.
        case .elementwise: self = try node.op.accept(CPULowering(node: node, steady: steady))
        case .converted:
            self =
                isHalf
                ? try CPUKernel(widening: node) : try node.op.accept(CPULowering(node: node, steady: steady))
        }
    }
}

/// Nodes of the CPU path in order.
final class CPURecording: Recording {
    private let nodes: [(placed: PlacedNode, kernel: CPUKernel, name: String)]

    init(_ nodes: [PlacedNode]) {
        self.nodes = nodes.compactMap { placed in
            (placed.lowered as? CPUKernel).map {
                (placed, $0, [placed.node.op.name, $0.part].compactMap { $0 }.joined(separator: ": "))
            }
        }
    }

    func run(bindings: [any Memory], trace: Trace?) throws {
        let bases = bindings.map { $0.hostBytes?.baseAddress }
        func pointer(_ region: Region) throws -> UnsafeMutableRawPointer {
            guard let base = bases[region.slot] else { throw CPUError.memoryOutOfReach }
            return base + region.byteOffset
        }
        for (placed, kernel, name) in nodes {
            let places = Places(
                operands: try placed.operands.map { UnsafeRawPointer(try pointer($0)) },
                results: try placed.results.map(pointer), workspaces: try placed.workspaces.map(pointer))
            let start = trace == nil ? 0 : DispatchTime.now().uptimeNanoseconds
            kernel.run(places)
            if let trace {
                let end = DispatchTime.now().uptimeNanoseconds
                trace.add(.init(name: name, track: "cpu", start: start, duration: end - start))
            }
        }
    }
}

/// What can go wrong on a path that declines nothing.
enum CPUError: Error, CustomStringConvertible {
    case memoryOutOfReach
    case noWork(String)

    var description: String {
        switch self {
        case .memoryOutOfReach: "the CPU path was given memory that the host cannot touch"
        case .noWork(let op): "\(op) is fed from outside and has no work of its own"
        }
    }
}
