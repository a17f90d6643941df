import TensorGraph

/// Writes the kernel of several runs of one elementwise program, each over tensors of a shape of its own.
///
/// The kernel goes through the members in turn: every work-item has a part of each, so that all together take as long as the
/// largest. What is done to a member is a function that is compiled once. Extents and numbers are arguments.
struct ElementwiseGroupSource {
    private let group: ElementwiseGroup
    private let function: ElementwiseFunction
    private let operands: [DType]
    private let results: [DType]
    private let profile: DeviceProfile

    init(_ group: ElementwiseGroup, operands: [DType], results: [DType], profile: DeviceProfile) {
        (self.group, self.operands, self.results, self.profile) = (group, operands, results, profile)
        function = ElementwiseFunction(
            program: group.program, operands: operands, results: results,
            uniform: Set(operands.indices.filter { group.isShared[$0] }))
    }

    /// Bytes of arguments that every device takes.
    private static let argumentBytes = 1024

    /// Why no kernel can be written, or `nil`.
    var refusal: String? {
        let tensors = group.sharedOperands.upperBound + group.members * results.count
        let bytes = 16 * tensors + 16 * group.members + 4 * function.numbers.count
        if bytes > Self.argumentBytes { return "\(group.members) members are more than a launch takes" }
        return function.refusal
    }

    /// - Parameter counts: the elements of each member.
    func launch(_ counts: [Int], globalSize: [Int], localSize: [Int]) -> KernelLaunch {
        let isCPU = profile.style == .cpu
        let specification = KernelSpecification(
            "elementwise_group", files: function.files,
            defines: ["VECTOR_WIDTH": "\(isCPU ? profile.vectorWidth : 1)"], generated: text(isCPU))
        let tensors =
            (0..<group.sharedOperands.upperBound).map(KernelArgument.operand)
            + (0..<group.members * results.count).map(KernelArgument.result)
        let extents = counts.flatMap { count -> [KernelArgument] in
            let partition = RowPartition(rows: 1, length: count, computeUnits: profile.computeUnits)
            return [.uint64(UInt64(count)), .uint64(UInt64(partition.segment))]
        }
        return KernelLaunch(
            specification, tensors + extents + function.numbers.map(\.argument), globalSize: globalSize,
            localSize: localSize)
    }

    private var own: [Int] { operands.indices.filter { !group.isShared[$0] } }
    private var shared: [Int] { operands.indices.filter { group.isShared[$0] } }

    private func text(_ isCPU: Bool) -> String {
        """
        \(function.text)
        \(isCPU ? ElementwiseFunction.lanes : "")

        static inline void member(
            \(memberParameters.joined(separator: ", ")))
        {
            \((isCPU ? cpuLoop : gpuLoop).joined(separator: "\n    "))
        }

        __kernel \(isCPU ? "__attribute__((reqd_work_group_size(1, 1, 1))) " : "")void elementwise_group(
            \(kernelParameters.joined(separator: ",\n    ")))
        {
            \(kernelLines.joined(separator: "\n    "))
            #pragma unroll 1
            for (int m = 0; m < \(group.members); ++m)
                member(\(memberArguments.joined(separator: ", ")));
        }
        """
    }

    // MARK: The kernel

    /// The tensors of each member, with a number in the kernel's parameters: its own operands, and its results.
    private func pointers(_ member: Int) -> [(declaration: String, name: String)] {
        own.map { ("__global const \(operands[$0].memoryType) *", "x\($0)_\(member)") }
    }

    private func made(_ member: Int) -> [(declaration: String, name: String)] {
        results.indices.map { ("__global \(results[$0].memoryType) *", "y\($0)_\(member)") }
    }

    private var kernelParameters: [String] {
        let members = 0..<group.members
        var tensors = members.flatMap(pointers)
        tensors += shared.map { ("__global const \(operands[$0].memoryType) *", "x\($0)") }
        tensors += members.flatMap(made)
        var parameters = tensors.map { "\($0.declaration)\($0.name), const ulong \($0.name)Offset" }
        parameters += members.map { "const ulong count\($0), const ulong block\($0)" }
        return parameters + function.numberParameters
    }

    /// What is read and computed once, and where the members' tensors begin.
    private var kernelLines: [String] {
        let members = 0..<group.members
        func list(_ name: (Int) -> String) -> String { "{" + members.map(name).joined(separator: ", ") + "}" }
        let numbers = shared.map { operand in
            let (type, value) = (operands[operand], operands[operand].valueType)
            return "const \(value) a\(operand) = (\(value))(LOAD1_\(type)(x\(operand) + x\(operand)Offset));"
        }
        let starts =
            own.map { operand in
                "__global const \(operands[operand].memoryType) *const xs\(operand)[] = "
                    + list { "x\(operand)_\($0) + x\(operand)_\($0)Offset" } + ";"
            }
            + results.indices.map { result in
                "__global \(results[result].memoryType) *const ys\(result)[] = "
                    + list { "y\(result)_\($0) + y\(result)_\($0)Offset" } + ";"
            }
        let extents = ["count", "block"].map { name in "const ulong \(name)s[] = " + list { "\(name)\($0)" } + ";" }
        return numbers + function.hoistedLines + starts + extents
    }

    private var memberArguments: [String] {
        var arguments = own.map { "xs\($0)[m]" }
        arguments += results.indices.map { "ys\($0)[m]" } + ["counts[m]", "blocks[m]"]
        arguments += shared.map { "a\($0)" } + function.numbers.indices.map { "number\($0)" }
        return arguments + function.hoistedArguments.map { "v\($0)" }
    }

    // MARK: A member

    private var memberParameters: [String] {
        let types = function.program.instructions.map(\.dtype.valueType)
        var parameters = own.map { "__global const \(operands[$0].memoryType) *x\($0)" }
        parameters += results.indices.map { "__global \(results[$0].memoryType) *y\($0)" }
        parameters += ["const ulong count", "const ulong block"]
        parameters += shared.map { "const \(operands[$0].valueType) a\($0)" } + function.numberParameters
        return parameters + function.hoistedArguments.map { "const \(types[$0]) v\($0)" }
    }

    private var cpuLoop: [String] {
        ["ulong i = get_global_id(0) * block;", "const ulong end = min(i + block, count);"]
            + function.vectorLoop(reading: own, from: "x", to: "y")
    }

    private var gpuLoop: [String] {
        let loads = own.map { "const \(operands[$0].valueType) a\($0) = LOAD1_\(operands[$0])(x\($0) + i);" }
        let stores = results.indices.map { "STORE1_\(results[$0])(value\($0), y\($0) + i);" }
        return ["for (ulong i = get_global_id(0); i < count; i += get_global_size(0)) {"]
            + (loads + function.evaluation + stores).map { "    " + $0 } + ["}"]
    }
}
