import Execution
import TensorGraph

// Windows of planes: a work-item an element on GPU-like devices, a run of planes on CPU-like ones.
extension OpenCLLowering {
    package func maxPool2D(_ attributes: Pool2D) throws -> Lowering { forward(attributes, isMaximum: true) }

    package func averagePool2D(_ attributes: Pool2D) throws -> Lowering { forward(attributes, isMaximum: false) }

    private func forward(_ attributes: Pool2D, isMaximum: Bool) -> Lowering {
        pool(
            attributes, "pool", file: "pooling/pool.cl", [.operand(0), .result(0)], from: operands[0].shape,
            to: results[0].shape, defines: ["IS_MAXIMUM": isMaximum ? "1" : "0"])
    }

    package func maxPool2DGradient(_ attributes: Pool2D) throws -> Lowering {
        // The kernel with an item an element looks for the maximum of every element's windows anew.
        if profile.shape == .cpu, attributes.privateBytes(profile.vectorWidth) > Self.mostPrivateBytes {
            return .declined("windows of \(Shape(attributes.window)) take more than a thread's stack")
        }
        return pool(
            attributes, "maxPoolGradient", file: "pooling/max_pool_gradient.cl",
            [.operand(0), .operand(1), .result(0)], from: operands[0].shape, to: operands[1].shape)
    }

    package func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> Lowering {
        pool(
            attributes.pooling, "averagePoolGradient", file: "pooling/average_pool_gradient.cl",
            [.operand(0), .result(0)], from: attributes.input, to: operands[0].shape)
    }

    /// - Parameters:
    ///   - name: the kernel for GPU-like devices; with `Planes` after it, the one for CPU-like devices.
    ///   - input: the shape that windows are taken of.
    ///   - output: the shape with an element a window.
    private func pool(
        _ pooling: Pool2D, _ name: String, file: String, _ tensors: [KernelArgument], from input: Shape,
        to output: Shape, defines: [String: String] = [:]
    ) -> Lowering {
        if let reason = unsupportedType ?? unsupportedExtents { return .declined(reason) }
        let planes = input[0] * input[1]
        let extents: [KernelArgument] = .int32s(input[2], input[3], output[2], output[3])
        let isCPU = profile.shape == .cpu && pooling.privateBytes(profile.vectorWidth) <= Self.mostPrivateBytes
        let group = Self.poolingGroup(profile)
        var defines = pooling.defines.merging(defines) { $1 }
        defines["VECTOR_WIDTH"] = "\(isCPU ? profile.vectorWidth : 1)"
        defines["GROUP"] = "\(group)"
        let kernel = KernelSpecification(
            isCPU ? name + "Planes" : name,
            files: KernelSpecification.vectorFiles + ["common/shuffle.cl", "pooling/window.cl", file], defines: defines)
        if isCPU {
            let items = min(planes, 16 * profile.computeUnits)
            let launch = KernelLaunch(kernel, tensors + [.uint64(UInt64(planes))] + extents, items: items)
            return launches([launch], "pooling, \(items) runs of planes")
        }
        let launch = KernelLaunch(
            kernel, tensors + [.int32(planes)] + extents,
            globalSize: [results[0].shape.elementCount.dividedRoundingUp(by: group) * group], localSize: [group])
        return launches([launch], "pooling, a work-item an element")
    }

    /// What a work-item of a kernel for CPU-like devices may have on its thread's stack. Larger windows and strides take a
    /// work-item an element there too.
    private static let mostPrivateBytes = 256 << 10

    private static func poolingGroup(_ profile: DeviceProfile) -> Int { min(64, profile.maximumWorkGroupSize) }
}

extension Pool2D {
    /// The most that a kernel of `pooling/` keeps of the rows of a window: `SPAN` floats each.
    fileprivate func privateBytes(_ width: Int) -> Int {
        let chunk = stride[1] <= 2 ? 4 * width : width
        return 4 * window[0] * (chunk * stride[1] + window[1] + width)
    }

    /// The window as the kernels' macros.
    fileprivate var defines: [String: String] {
        [
            "WINDOW_HEIGHT": "\(window[0])", "WINDOW_WIDTH": "\(window[1])", "STRIDE_HEIGHT": "\(stride[0])",
            "STRIDE_WIDTH": "\(stride[1])", "PAD_TOP": "\(padding[0])", "PAD_LEFT": "\(padding[2])",
            "COUNTS_PADDING": countsPadding ? "1" : "0",
        ]
    }
}
