import Execution
import Foundation
import TensorGraph

// Random numbers and dropout (`Kernels/elementwise/philox.cl`). The executor itself holds inputs, variables, constants
// and fills.
extension OpenCLLowering {
    package func input(_ attributes: Input) throws -> Lowering { leaf }
    package func variable(_ variable: Variable) throws -> Lowering { leaf }
    package func constant(_ value: HostTensor) throws -> Lowering { leaf }
    package func fill(_ attributes: Fill) throws -> Lowering { leaf }

    private var leaf: Lowering { .declined("a leaf needs no kernel") }

    package func random(_ attributes: Random) throws -> Lowering {
        if let reason = unsupportedType { return .declined(reason) }
        let isNormal = attributes.distribution == .normal
        let launch = vectorLaunch(
            "random_numbers", file: "elementwise/philox.cl", defines: ["IS_NORMAL": isNormal ? "1" : "0"],
            tensors: [.operand(0), .result(0)], scalars: Self.key(attributes.seed), perItem: 4)
        return launches([launch], "philox, \(attributes.distribution)")
    }

    package func dropout(_ attributes: DropoutMask) throws -> Lowering {
        if let reason = unsupportedStorage { return .declined(reason) }
        let threshold = UInt32((attributes.rate * 0x1p24).rounded(.up))
        let launch = vectorLaunch(
            "dropout", file: "elementwise/philox.cl", tensors: [.operand(0), .operand(1), .result(0)],
            scalars: Self.key(attributes.seed) + [.uint32(threshold), .float(1 / (1 - attributes.rate))], perItem: 4)
        return launches([launch], "philox, dropout")
    }

    private static func key(_ seed: UInt64) -> [KernelArgument] {
        [.uint32(UInt32(truncatingIfNeeded: seed)), .uint32(UInt32(truncatingIfNeeded: seed >> 32))]
    }

    /// A launch of a kernel that goes once over the elements of the first result by FOR_EACH_VECTOR (`common/math.cl`).
    ///
    /// Its arguments are the tensors, the count, the block of a work-item (CPU style), then the scalars.
    /// - Parameter perItem: the elements that each lane of a vector makes at once.
    func vectorLaunch(
        _ name: String, file: String, defines: [String: String] = [:], tensors: [KernelArgument],
        scalars: [KernelArgument], perItem: Int = 1
    ) -> KernelLaunch {
        let count = results[0].shape.elementCount
        var defines = defines
        defines["VECTOR_WIDTH"] = profile.style == .cpu ? "\(profile.vectorWidth)" : "1"
        defines["STORAGE"] = results[0].dtype.rawValue
        let kernel = KernelSpecification(name, files: ["common/math.cl", "common/storage.cl", file], defines: defines)
        let partition = RowPartition(rows: 1, length: count, computeUnits: profile.computeUnits)
        let arguments = tensors + [.uint64(UInt64(count)), .uint64(UInt64(partition.segment))] + scalars
        let (globalSize, localSize) = vectorItems([count], perItem: perItem)
        return KernelLaunch(kernel, arguments, globalSize: globalSize, localSize: localSize)
    }

    /// The work-items of a kernel that goes once over each of several arrays by FOR_EACH_VECTOR.
    func vectorItems(_ counts: [Int], perItem: Int = 1) -> (globalSize: [Int], localSize: [Int]) {
        guard profile.style == .cpu else {
            let local = min(256, profile.maximumWorkGroupSize)
            let items = (counts.max() ?? 0).dividedRoundingUp(by: perItem)
            let groups = min(items.dividedRoundingUp(by: local), profile.computeUnits * 64)
            return ([groups * local], [local])
        }
        let items = counts.map { RowPartition(rows: 1, length: $0, computeUnits: profile.computeUnits).items }
        return ([items.max() ?? 1], [1])
    }
}
