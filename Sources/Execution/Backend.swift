import TensorGraph

/// Something that can run nodes: the CPU path, or a device.
///
/// A backend turns a node into work once (``lower(_:)``), learns where that work's tensors lie (``record(_:)``), and then
/// runs it any number of times. One executor uses a backend at a time; two executors never share one.
package protocol Backend: AnyObject {
    /// For `explain()` and messages, for example `cpu` or `opencl: pthread-skylake-avx512`.
    var name: String { get }
    /// The largest single allocation in bytes.
    var maximumAllocation: Int { get }
    /// The size of its memory in bytes; `Int.max` where that is the host's, or not known.
    var memorySize: Int { get }
    /// Whether what it allocates is taken from the host's memory.
    var usesHostMemory: Bool { get }

    /// Is told how far the compiler is with kernels that no cache has. Only backends that compile have something to tell.
    var onCompilation: ((KernelCompilation) -> Void)? { get set }

    /// Says which nodes ``lower(_:steady:)`` will be asked for, so that what they need can be compiled together.
    func willLower(_ nodes: [(node: Node, steady: Set<Int>)])

    /// The work of a node, or why this backend leaves it to another.
    ///
    /// Called for every node but leaves (`input`, `variable`, `constant`, `fill`) and aliases (`reshape`,
    /// `stopGradient`), and only where no operand and no result is empty.
    ///
    /// - Parameter steady: operands that stay the same from run to run, so that work on them alone (``SplitWork``) is done
    ///   once.
    /// - Throws: what the device reports where its kernels cannot be built; the node is then placed elsewhere.
    func lower(_ node: Node, steady: Set<Int>) throws -> Lowering

    /// Uninitialised memory.
    func allocate(byteCount: Int) throws -> any Memory

    /// Work ready to run: nodes in order, each with the places of its tensors.
    func record(_ nodes: [PlacedNode]) throws -> any Recording

    /// Copies host bytes into memory. `source` stays valid until ``finish()`` returns.
    func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws

    /// Copies memory into host bytes, which are there once ``finish()`` has returned.
    func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws

    /// Copies between two memories of this backend.
    func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int) throws

    /// Waits until everything asked for so far has happened.
    func finish() throws
}

extension Backend {
    package var memorySize: Int { .max }
    package var usesHostMemory: Bool { true }
    package var onCompilation: ((KernelCompilation) -> Void)? {
        get { nil }
        set {}
    }

    package func willLower(_ nodes: [(node: Node, steady: Set<Int>)]) {}

    /// The work of a node none of whose operands is known to stay the same.
    package func lower(_ node: Node) throws -> Lowering { try lower(node, steady: []) }
}

/// A stretch of a backend's memory.
package protocol Memory: AnyObject {
    var byteCount: Int { get }
    /// The bytes themselves, where the host can touch them at any time: the CPU path's memory.
    var hostBytes: UnsafeMutableRawBufferPointer? { get }
}

/// What a backend says to a node.
package enum Lowering {
    case accepted(any LoweredNode)
    /// The reason, as `explain()` prints it: "float64 is not done here".
    case declined(String)
}

/// A node turned into work, before its tensors have places.
package protocol LoweredNode {
    /// Scratch memory to be had while the node runs, in bytes each.
    var workspaces: [Int] { get }
    /// Which implementation was chosen, for `explain()`: "gemm 6×32, packed".
    var summary: String { get }
    /// How the chosen implementation rounds.
    var accuracy: AccuracyClass { get }
    /// The same work in two, where what comes first reads only some of the operands.
    var split: SplitWork? { get }
}

extension LoweredNode {
    package var accuracy: AccuracyClass { .direct }
    package var split: SplitWork? { nil }
}

/// The work of a node as two nodes, of the same operands, results and workspaces: the first reads some of the operands
/// alone, and fills a workspace that the rest only reads. So is a weight rearranged for a kernel.
package struct SplitWork {
    package var first: any LoweredNode
    package var rest: any LoweredNode
    /// What ``first`` reads.
    package var operands: [Int]
    /// What it fills for the rest.
    package var workspace: Int
    /// What the workspace holds besides the operands' numbers: where two first parts of equal operands have equal forms, they
    /// fill equal workspaces with equal bytes, and one serves both. `nil` for one that is never shared.
    package var form: AnyHashable?

    package init(
        _ first: any LoweredNode, _ rest: any LoweredNode, operands: [Int], workspace: Int, form: AnyHashable? = nil
    ) {
        self.first = first
        self.rest = rest
        self.operands = operands
        self.workspace = workspace
        self.form = form
    }
}

/// Where a tensor lies while a plan runs: bytes in one of the memories bound at that run.
package struct Region: Hashable, Sendable {
    package var slot: Int
    package var byteOffset: Int
    package var byteCount: Int

    package init(slot: Int, byteOffset: Int, byteCount: Int) {
        self.slot = slot
        self.byteOffset = byteOffset
        self.byteCount = byteCount
    }
}

/// A lowered node with the places of its tensors.
package struct PlacedNode {
    package var node: Node
    package var lowered: any LoweredNode
    package var operands: [Region]
    package var results: [Region]
    package var workspaces: [Region]

    package init(node: Node, lowered: any LoweredNode, operands: [Region], results: [Region], workspaces: [Region]) {
        self.node = node
        self.lowered = lowered
        self.operands = operands
        self.results = results
        self.workspaces = workspaces
    }
}

/// Nodes made ready to run together.
package protocol Recording: AnyObject {
    /// Starts the work in order. `bindings[region.slot]` is the memory of each region; it may differ from run to run.
    /// - Parameter trace: where given, is told when each node ran.
    func run(bindings: [any Memory], trace: Trace?) throws

    /// Drops what it holds of the memories of the last run.
    func letGo()
}

extension Recording {
    package func letGo() {}
}
