import Execution
import TensorGraph

// Windows of planes: a work-item an element on GPU-like devices, a run of planes on CPU-like ones.
extension OpenCLLowering {
    package func maxPool2D(_ attributes: Pool2D) throws -> Lowering {
        maximum(attributes, ["maxPool", "maxPoolPlanes"], [.operand(0), .result(0)], output: results[0].shape)
    }

    package func maxPool2DGradient(_ attributes: Pool2D) throws -> Lowering {
        maximum(
            attributes, ["maxPoolGradient", "maxPoolGradientPlanes"], [.operand(0), .operand(1), .result(0)],
            output: operands[1].shape)
    }

    package func averagePool2D(_ attributes: Pool2D) throws -> Lowering {
        average(attributes, "averagePool", input: operands[0].shape, output: results[0].shape)
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> Lowering {
        average(
            attributes.pooling, "averagePoolGradient", input: attributes.input, output: operands[0].shape)
    }

    /// - Parameter names: the kernel for GPU-like devices and the one for CPU-like devices.
    private func maximum(
        _ pooling: Pool2D, _ names: [String], _ tensors: [KernelArgument], output: Shape
    ) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let input = operands[0].shape
        let planes = input[0] * input[1]
        let extents: [KernelArgument] = .int32s(input[2], input[3], output[2], output[3])
        let isCPU = profile.shape == .cpu
        var defines = pooling.defines
        defines["VECTOR_WIDTH"] = "\(isCPU ? profile.vectorWidth : 1)"
        let group = Self.poolingGroup(profile)
        defines["GROUP"] = "\(group)"
        let kernel = KernelSpecification(
            names[isCPU ? 1 : 0], files: KernelSpecification.vectorFiles + ["pooling/max_pool.cl"], defines: defines)
        if isCPU {
            let items = min(planes, 16 * profile.computeUnits)
            let launch = KernelLaunch(kernel, tensors + [.uint64(UInt64(planes))] + extents, items: items)
            return launches([launch], "\(items) runs of planes")
        }
        let launch = KernelLaunch(
            kernel, tensors + [.int32(planes)] + extents,
            globalSize: [results[0].shape.elementCount.dividedRoundingUp(by: group) * group], localSize: [group])
        return launches([launch], "a work-item an element")
    }

    private func average(_ pooling: Pool2D, _ name: String, input: Shape, output: Shape) -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let isCPU = profile.shape == .cpu
        let group = isCPU ? 1 : Self.poolingGroup(profile)
        let elements = results[0].shape.elementCount
        let items = isCPU ? min(elements, 16 * profile.computeUnits) : elements.dividedRoundingUp(by: group) * group
        var defines = pooling.defines
        defines["GROUP"] = "\(group)"
        defines["COUNTS_PADDING"] = pooling.countsPadding ? "1" : "0"
        let kernel = KernelSpecification(name, files: ["pooling/average_pool.cl"], defines: defines)
        let launch = KernelLaunch(
            kernel,
            [.operand(0), .result(0), .uint64(UInt64(input[0] * input[1]))]
                + .int32s(input[2], input[3], output[2], output[3]),
            globalSize: [items], localSize: [group])
        return launches([launch], isCPU ? "\(items) runs of elements" : "a work-item an element")
    }

    private static func poolingGroup(_ profile: DeviceProfile) -> Int { min(64, profile.maximumWorkGroupSize) }
}

extension Pool2D {
    /// The window as the kernels' macros.
    fileprivate var defines: [String: String] {
        [
            "WINDOW_HEIGHT": "\(window[0])", "WINDOW_WIDTH": "\(window[1])", "STRIDE_HEIGHT": "\(stride[0])",
            "STRIDE_WIDTH": "\(stride[1])", "PAD_TOP": "\(padding[0])", "PAD_BOTTOM": "\(padding[1])",
            "PAD_LEFT": "\(padding[2])", "PAD_RIGHT": "\(padding[3])",
        ]
    }
}
