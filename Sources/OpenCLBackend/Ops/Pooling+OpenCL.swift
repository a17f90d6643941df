import Execution
import TensorGraph

// Windows of planes: a work-item an element on GPU-like devices, a run of planes on CPU-like ones.
extension OpenCLLowering {
    package func pooling(_ attributes: Pooling) throws -> Lowering {
        if let unsupportedRows { return .declined(unsupportedRows) }
        let x = if case .gradient(let input) = attributes.pass { input } else { operands[0].shape }
        let launcher = PoolingLauncher(PoolingGrid(attributes, x), storage: results[0].dtype, profile)
        if let reason = launcher.unsupported { return .declined(reason) }
        switch (attributes.function, attributes.pass) {
        case (.maximum, .forwardWithIndices):
            return summed([launcher.indices([.operand(0), .result(0), .result(1)])])
        case (.maximum, .gradient): return maximumGradient(launcher)
        case (.maximum, _), (.average, .forward), (.average, .forwardWithIndices):
            let isMaximum = attributes.function == .maximum
            return summed([
                launcher.launch(
                    "pool", ["pooling/pool.cl"], [.operand(0), .result(0)], keepsRows: 1,
                    ["IS_MAXIMUM": isMaximum ? "1" : "0"])
            ])
        case (.average, .gradient):
            return summed([
                launcher.launch(
                    "average_pool_gradient", ["pooling/average_pool_gradient.cl"], [.operand(0), .result(0)],
                    keepsRows: 1, isOfInputs: true, addsUpInPlace: true)
            ])
        case (.norm(let order), .gradient):
            return summed([
                launcher.launch(
                    "norm_pool_gradient", ["pooling/norm_pool.cl"],
                    [.operand(0), .operand(1), .operand(2), .result(0)], isOfInputs: true, ["ORDER": "\(order)"])
            ])
        case (.norm(let order), _):
            return summed([
                launcher.launch(
                    "norm_pool", ["pooling/norm_pool.cl"], [.operand(0), .result(0)], ["ORDER": "\(order)"])
            ])
        }
    }

    /// By planes from x itself; by elements in two launches, of which the first notes which elements are taken.
    private func maximumGradient(_ launcher: PoolingLauncher) -> Lowering {
        let planes = launcher.planes(
            "max_pool_gradient", PoolingLauncher.takenFiles("max_pool_gradient"),
            [.operand(0), .operand(1), .result(0)],
            keepsRows: launcher.windowRows, addsUpInPlace: !launcher.grid.liesInPairs)
        if let planes { return summed([planes]) }
        let indices = launcher.elements(
            "max_pool_indices", PoolingLauncher.takenFiles("max_pool_indices"), [.operand(0), .workspace(0)],
            isOfInputs: false, ["KEEPS_VALUES": "0"])
        let gradient = launcher.elements(
            "max_pool_gradient", PoolingLauncher.takenFiles("max_pool_gradient"),
            [.workspace(0), .operand(1), .result(0)], isOfInputs: true)
        return launches(
            [indices, gradient], workspaces: [4 * operands[1].shape.elementCount],
            "pooling, a work-item an element, by indices")
    }

    private func summed(_ launches: [KernelLaunch]) -> Lowering {
        let isPlanes = launches.contains { $0.kernel.name.hasSuffix("_planes") }
        return self.launches(
            launches,
            isPlanes ? "pooling, \(launches[0].globalSize[0]) runs of planes" : "pooling, a work-item an element")
    }
}

/// Launches of the kernels of `Kernels/pooling` over a grid.
private struct PoolingLauncher {
    let grid: PoolingGrid
    /// Of the node's tensors but indices.
    let storage: DType
    let profile: DeviceProfile

    init(_ grid: PoolingGrid, storage: DType, _ profile: DeviceProfile) {
        self.grid = grid
        self.storage = storage
        self.profile = profile
    }

    /// What the kernels cannot count.
    var unsupported: String? {
        let fits = grid.axes.allSatisfy {
            let positions =
                grid.isAdaptive
                ? ($0.input + 1).times($0.output + 1) : $0.input.plus(4 * SpatialLimits.largestNumber)
            return positions <= Int(Int32.max)
        }
        return fits ? nil : "32-bit integers do not count the positions of \(grid.axes.map(\.input))"
    }

    /// Rows of a window in all of its planes.
    var windowRows: Int { grid.axes[0].window * grid.axes[1].window }

    static func takenFiles(_ name: String) -> [String] { ["pooling/taken.cl", "pooling/\(name).cl"] }

    func indices(_ tensors: [KernelArgument]) -> KernelLaunch {
        launch("max_pool_indices", Self.takenFiles("max_pool_indices"), tensors, keepsRows: windowRows)
    }

    /// - Parameters:
    ///   - name: the kernel for GPU-like devices; with `_planes` after it, the one for CPU-like devices.
    ///   - rows: how many rows of `SPAN` floats the latter keeps; nil where there is none.
    ///   - isOfInputs: whether an element is one of the planes that windows are taken of, not an output.
    ///   - addsUpInPlace: whether the latter adds to a result in memory.
    func launch(
        _ name: String, _ files: [String], _ tensors: [KernelArgument], keepsRows rows: Int? = nil,
        isOfInputs: Bool = false, addsUpInPlace: Bool = false, _ defines: [String: String] = [:]
    ) -> KernelLaunch {
        rows.flatMap { planes(name, files, tensors, keepsRows: $0, addsUpInPlace: addsUpInPlace, defines) }
            ?? elements(name, files, tensors, isOfInputs: isOfInputs, defines)
    }

    /// The kernel that does runs of planes, where it is one for this device and these windows.
    func planes(
        _ name: String, _ files: [String], _ tensors: [KernelArgument], keepsRows rows: Int,
        addsUpInPlace: Bool = false,
        _ defines: [String: String] = [:]
    ) -> KernelLaunch? {
        guard profile.style == .cpu, !grid.isAdaptive, privateBytes(rows) <= Self.mostPrivateBytes,
            storage == .float32 || !addsUpInPlace
        else { return nil }
        let items = min(grid.planes, 16 * profile.computeUnits)
        let kernel = kernel(name + "_planes", files, vectorWidth: profile.vectorWidth, defines)
        return KernelLaunch(kernel, tensors + [.uint64(UInt64(grid.planes))] + extents, items: items)
    }

    func elements(
        _ name: String, _ files: [String], _ tensors: [KernelArgument], isOfInputs: Bool,
        _ defines: [String: String] = [:]
    ) -> KernelLaunch {
        let group = min(64, profile.maximumWorkGroupSize)
        let count = grid.planes * (isOfInputs ? grid.inputs : grid.outputs)
        var kernel = kernel(name, files, vectorWidth: 1, defines)
        kernel.defines["GROUP"] = "\(group)"
        return KernelLaunch(
            kernel, tensors + [.int32(grid.planes)] + extents,
            globalSize: [count.dividedRoundingUp(by: group) * group], localSize: [group])
    }

    private func kernel(
        _ name: String, _ files: [String], vectorWidth: Int, _ defines: [String: String]
    ) -> KernelSpecification {
        var all = grid.defines.merging(defines) { $1 }
        all["VECTOR_WIDTH"] = "\(vectorWidth)"
        all["STORAGE"] = storage.rawValue
        return KernelSpecification(
            name,
            files: KernelSpecification.vectorFiles + ["common/shuffle.cl", "pooling/window.cl"] + files, defines: all)
    }

    private var extents: [KernelArgument] {
        let (x, y) = (grid.axes.map(\.input), grid.axes.map(\.output))
        return .int32s(x[0], x[1], x[2], y[0], y[1], y[2])
    }

    /// What a kernel keeps of so many rows of a window: `SPAN` floats each.
    private func privateBytes(_ rows: Int) -> Int {
        let (axis, width) = (grid.axes[2], profile.vectorWidth)
        let chunk = axis.stride <= 2 ? 4 * width : width
        return 4.times(rows).times(chunk * axis.stride + axis.dilation * (axis.window - 1) + 1 + width)
    }

    /// What a work-item of a kernel for CPU-like devices may have on its thread's stack. Larger windows and strides take a
    /// work-item an element there too.
    private static let mostPrivateBytes = 256 << 10
}

extension PoolingGrid {
    /// Whether windows are two by two, side by side, which the gradient of a maximum writes once, without adding up.
    fileprivate var liesInPairs: Bool {
        !isAdaptive && axes[0] == .single
            && axes[1...].allSatisfy { $0.window == 2 && $0.stride == 2 && $0.before == 0 && $0.dilation == 1 }
    }

    /// The windows as the kernels' macros.
    fileprivate var defines: [String: String] {
        var defines = ["COUNTS_PADDING": countsPadding ? "1" : "0"]
        if isAdaptive {
            defines["ADAPTIVE"] = "1"
            return defines
        }
        let names = [("DEPTH", "FRONT", "BACK"), ("HEIGHT", "TOP", "BOTTOM"), ("WIDTH", "LEFT", "RIGHT")]
        for (axis, (name, before, after)) in zip(axes, names) {
            defines["WINDOW_" + name] = "\(axis.window)"
            defines["STRIDE_" + name] = "\(axis.stride)"
            defines["DILATION_" + name] = "\(axis.dilation)"
            defines["PAD_" + before] = "\(axis.before)"
            // Only a mean that counts padding asks where it ends.
            if roundsUp, countsPadding { defines["PAD_" + after] = "\(axis.after)" }
        }
        if roundsUp, countsPadding { defines["ROUNDS_UP"] = "1" }
        return defines
    }
}
