import Execution
import TensorGraph

/// A kernel: text, macros and the function's name. Equal specifications share one built program.
package struct KernelSpecification: Hashable, Sendable {
    /// Paths from `Kernels/`, joined in this order.
    package var files: [String]
    /// Text that follows the files: a generated kernel, or what those in ``lastFiles`` are made with.
    package var generated: String
    /// Paths of files that follow the generated text.
    package var lastFiles: [String]
    package var name: String
    /// `-D` macros.
    package var defines: [String: String]

    package init(
        _ name: String, files: [String], defines: [String: String] = [:], generated: String = "",
        lastFiles: [String] = []
    ) {
        self.name = name
        self.files = files
        self.defines = defines
        self.generated = generated
        self.lastFiles = lastFiles
    }
}

/// One argument of a launch.
package enum KernelArgument: Hashable, Sendable {
    /// A tensor, as two kernel arguments: `__global T *` and the offset of its first element as `ulong`.
    case operand(Int)
    case result(Int)
    /// The node's n-th workspace, of elements of this size in bytes, in which its offset is given.
    case workspace(Int, elementSize: Int = 4)
    case int32(Int)
    case uint32(UInt32)
    case uint64(UInt64)
    case float(Double)
    /// `__local` memory of so many bytes.
    case local(Int)
}

/// One kernel launch of a lowered node.
package struct KernelLaunch: Hashable, Sendable {
    package var kernel: KernelSpecification
    package var arguments: [KernelArgument]
    /// Work-items in each of one to three dimensions; a multiple of `localSize`.
    package var globalSize: [Int]
    package var localSize: [Int]
    /// Whether this belongs to the first part of the node's work, see ``asPacking()``.
    package fileprivate(set) var isPacking = false

    package init(_ kernel: KernelSpecification, _ arguments: [KernelArgument], globalSize: [Int], localSize: [Int]) {
        self.kernel = kernel
        self.arguments = arguments
        self.globalSize = globalSize
        self.localSize = localSize
    }

    /// A launch of `items` work-items, each a work-group of its own: the CPU style.
    package init(_ kernel: KernelSpecification, _ arguments: [KernelArgument], items: Int) {
        self.init(kernel, arguments, globalSize: [items], localSize: [1])
    }
}

/// The launches of a node, in order, on an in-order queue.
package struct OpenCLNode: LoweredNode {
    package var launches: [KernelLaunch]
    package var workspaces: [Int]
    package var summary: String
    package var accuracy: AccuracyClass
    /// The numbers that its kernels are built with, where there was a choice.
    package var tuning: [TuningLookUps.LookUp] = []
    /// Where given, how to find out whether the kernel may be used.
    package var trial: KernelTrial?

    package init(
        _ launches: [KernelLaunch], workspaces: [Int] = [], summary: String, accuracy: AccuracyClass = .direct
    ) {
        self.launches = launches
        self.accuracy = accuracy
        self.workspaces = workspaces
        self.summary = summary
    }

    /// The launches that are marked as packing, and the others; nil where others come between them, which use the same
    /// workspace anew, or where a conversion of the operand comes before.
    package var split: SplitWork? {
        let packings = launches.drop { !$0.isPacking }.prefix(while: \.isPacking)
        guard !packings.isEmpty, packings.count == launches.count(where: \.isPacking) else { return nil }
        var (operands, workspaces): (Set<Int>, Set<Int>) = ([], [])
        for argument in packings.flatMap(\.arguments) {
            switch argument {
            case .operand(let operand): operands.insert(operand)
            case .workspace(let workspace, _): workspaces.insert(workspace)
            default: break
            }
        }
        guard operands.count == 1, let operand = operands.first, workspaces.count == 1, let workspace = workspaces.first
        else { return nil }
        var (first, rest) = (self, self)
        first.launches = Array(packings)
        rest.launches.removeAll(where: \.isPacking)
        return SplitWork(first, rest, operands: [operand], workspace: workspace, form: first.launches)
    }

    /// A tensor of the node that its launches meet in a workspace instead, converted or rearranged on the way.
    struct Relocation {
        /// The operand or result.
        var tensor: KernelArgument
        /// What it takes in the workspace.
        var byteCount: Int
        var copy: (_ source: KernelArgument, _ target: KernelArgument) throws -> KernelLaunch
    }

    /// Puts tensors into workspaces: operands are copied there before the launches, results from there afterwards.
    mutating func relocate(operands: [Relocation], results: [Relocation]) throws {
        var places: [KernelArgument: KernelArgument] = [:]
        for relocation in operands + results {
            workspaces.append(relocation.byteCount)
            places[relocation.tensor] = .workspace(workspaces.count - 1)
        }
        for index in launches.indices {
            launches[index].arguments = launches[index].arguments.map { places[$0] ?? $0 }
        }
        func place(_ relocation: Relocation) -> KernelArgument { places[relocation.tensor] ?? relocation.tensor }
        launches =
            try operands.map { try $0.copy($0.tensor, place($0)) } + launches
            + results.map { try $0.copy(place($0), $0.tensor) }
    }
}

extension KernelLaunch {
    /// The same launch as part of the first part of its node's work (``SplitWork``): it reads one operand, a weight, and
    /// fills a workspace that the node's other launches only read.
    func asPacking() -> KernelLaunch {
        var launch = self
        launch.isPacking = true
        return launch
    }
}

/// Turns a node into kernel launches for a device. Each operation's method is in `Ops/X+OpenCL.swift`.
///
/// No operand and no result is empty when a method is called.
package struct OpenCLLowering: OpVisitor {
    package typealias Result = Lowering

    package let node: Node
    package let profile: DeviceProfile
    /// Operands that stay the same from run to run.
    package let steady: Set<Int>
    /// What makes one of the operands as it is read.
    let source: ProducedSource?

    package init(node: Node, profile: DeviceProfile, steady: Set<Int> = []) {
        self.init(node: node, profile: profile, steady: steady, source: nil)
    }

    init(node: Node, profile: DeviceProfile, steady: Set<Int> = [], source: ProducedSource?) {
        self.node = node
        self.profile = profile
        self.steady = steady
        self.source = source
    }

    package var operands: [TensorType] { node.operandTypes }
    package var results: [TensorType] { node.resultTypes }

    /// Accepts with these launches.
    package func launches(
        _ launches: [KernelLaunch], workspaces: [Int] = [], _ summary: String, accuracy: AccuracyClass = .direct
    ) -> Lowering {
        .accepted(OpenCLNode(launches, workspaces: workspaces, summary: summary, accuracy: accuracy))
    }

    /// The reason to decline where an operand or result is neither float32 nor, as an index or counter, int32.
    package var unsupportedType: String? { unsupported { $0 != .float32 && $0 != .int32 } }

    /// The same of kernels that read and write their tensors by `common/storage.cl`, in 16 bits too.
    package var unsupportedStorage: String? { unsupported { $0 != .float32 && $0 != .int32 && !$0.isHalf } }

    private func unsupported(_ isUnsupported: (DType) -> Bool) -> String? {
        (operands + results).first { isUnsupported($0.dtype) }.map {
            "\($0.dtype) is not done on OpenCL for \(node.op.name)"
        }
    }
}
