import Execution
import TensorGraph

/// A small node, and launches for it by a kernel that is only used where it agrees with the generic ones.
package struct KernelTrial: Sendable {
    package var node: Node
    package var launches: [KernelLaunch]
    package var workspaces: [Int] = []
    /// An element may be off by so much of one more than its size.
    package var tolerance: Double

    /// The kernel on trial.
    var kernel: KernelSpecification { launches[launches.count - 1].kernel }
}

extension OpenCLBackend {
    /// What a trial has against its kernel: that it cannot be built or run, or computes something else; nil where all is
    /// well. A kernel is tried once.
    func failure(of trial: KernelTrial) -> String? {
        if let verdict = verdicts[trial.kernel] { return verdict }
        let verdict: String?
        do {
            verdict = try disagreement(trial)
        } catch {
            verdict = "\(error)"
        }
        verdicts[trial.kernel] = .some(verdict)
        if let verdict { notice?("\(trial.kernel.name) is not used on \(device.name): \(verdict)") }
        return verdict
    }

    private func disagreement(_ trial: KernelTrial) throws -> String? {
        var generic = profile
        generic.matrixUnits = nil
        guard case .accepted(let expected) = try OpenCLLowering(node: trial.node, profile: generic).lowered(),
            let expected = expected as? OpenCLNode
        else { return "there is nothing to hold it against" }
        let operands = try trial.node.operandTypes.enumerated().map { try Self.wholeNumbers($1, name: "operand \($0)") }
        let found = try run(OpenCLNode(trial.launches, workspaces: trial.workspaces, summary: ""), trial.node, operands)
        let reference = try run(expected, trial.node, operands)
        for (result, wanted) in zip(found, reference) {
            for (index, (value, other)) in zip(result, wanted).enumerated() {
                // Not "greater than", which NaN never is.
                guard abs(value - other) <= Float(trial.tolerance) * (1 + abs(other)) else {
                    return "element \(index) of \(trial.node.op.name) is \(value), by the generic kernel \(other)"
                }
            }
        }
        return nil
    }

    /// -2 … 2: sums of so many products are exact in every type.
    private static func wholeNumbers(_ type: TensorType, name: String) throws -> HostTensor {
        var generator = SplitMix64(name: name)
        return try HostTensor(type) { bytes in
            for index in 0..<type.shape.elementCount {
                let number = Float(generator.next() % 5) - 2
                switch type.dtype {
                case .float16: bytes.storeBytes(of: number.float16Bits, toByteOffset: 2 * index, as: UInt16.self)
                case .bfloat16: bytes.storeBytes(of: number.bfloat16Bits, toByteOffset: 2 * index, as: UInt16.self)
                default: bytes.storeBytes(of: number, toByteOffset: 4 * index, as: Float.self)
                }
            }
        }
    }

    /// The node's results, in memory of their own.
    private func run(_ lowered: OpenCLNode, _ node: Node, _ operands: [HostTensor]) throws -> [[Float]] {
        var memories: [any Memory] = []
        func region(_ byteCount: Int) throws -> Region {
            memories.append(try allocate(byteCount: byteCount))
            return Region(slot: memories.count - 1, byteOffset: 0, byteCount: byteCount)
        }
        let placed = PlacedNode(
            node: node, lowered: lowered, operands: try operands.map { try region($0.type.byteCount) },
            results: try node.resultTypes.map { try region($0.byteCount) },
            workspaces: try lowered.workspaces.map(region))
        for (tensor, place) in zip(operands, placed.operands) {
            try tensor.withUnsafeBytes { try write($0, to: memories[place.slot], at: 0) }
            try finish()
        }
        try record([placed]).run(bindings: memories, trace: nil)
        return try zip(node.resultTypes, placed.results).map { type, place in
            var bytes = [UInt8](repeating: 0, count: type.byteCount)
            try bytes.withUnsafeMutableBytes { target in
                try read(memories[place.slot], at: 0, into: target)
                try finish()
            }
            return bytes.withUnsafeBytes { raw in
                switch type.dtype {
                case .float16: raw.bindMemory(to: UInt16.self).map { Float(float16Bits: $0) }
                case .bfloat16: raw.bindMemory(to: UInt16.self).map { Float(bfloat16Bits: $0) }
                default: Array(raw.bindMemory(to: Float.self))
                }
            }
        }
    }
}
