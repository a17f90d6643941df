import CPUBackend
import Execution
import OpenCL
import OpenCLBackend
import TensorGraph
import TestSupport

/// Something that the cases are run on: the CPU path, or an OpenCL device with kernels for one profile.
package struct ParityDevice: Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        case cpu
        case opencl(Device, DeviceProfile)
    }

    /// Which kernels an OpenCL device is tried with.
    package enum Kernels: String, Sendable, CaseIterable {
        /// Those of a CPU, or of a GPU, with the tuning values that suit the device at hand.
        case cpu, gpu
        /// These two.
        case both
        /// These two and all that lowering would choose on other devices: other vector widths, small work-groups.
        case all
        /// Those for matrix units, whose instructions are emulated where they are not the device's own.
        case matrix
    }

    /// How much of the driver's compiler is used. Without optimization it takes a tenth of the time.
    package enum Optimization: Sendable {
        /// Kernels are built as users get them.
        case always
        /// Those of the style that the device is not of are built without, on a CPU: no user gets them there, and what
        /// counts is what they compute.
        case ofItsOwnStyle
        /// None, on a CPU, where many variants of a kernel are tried, one of which is optimized elsewhere.
        case never

        func applies(to style: DeviceProfile.KernelStyle, on device: Device) -> Bool {
            switch self {
            case .always: true
            case .ofItsOwnStyle: device.type != .cpu || style == .cpu
            case .never: device.type != .cpu
            }
        }
    }

    package var kind: Kind
    package var name: String
    package var optimizesKernels = true

    package var description: String { name }

    package static let cpu = ParityDevice(kind: .cpu, name: "cpu")

    /// The CPU path, then each OpenCL device with each of the `kernels` and of `convolutions`, nil being its own choice.
    package static func all(
        _ kernels: Kernels, convolutions: [ConvolutionAlgorithm?] = [nil], optimization: Optimization = .always
    ) throws -> [ParityDevice] {
        try [cpu]
            + Device.all().enumerated().flatMap { index, device in
                profiles(of: device, kernels).flatMap { profile, name in
                    convolutions.map { convolution in
                        var profile = profile
                        profile.convolution = convolution ?? profile.convolution
                        return ParityDevice(
                            kind: .opencl(device, profile),
                            name: "opencl:\(index) \(device.name) (\(device.platform.name)), \(name) kernels"
                                + (convolution.map { ", \($0.rawValue)" } ?? ""),
                            optimizesKernels: optimization.applies(to: profile.style, on: device))
                    }
                }
            }
    }

    private static func profiles(of device: Device, _ kernels: Kernels) -> [(DeviceProfile, String)] {
        var cpu = DeviceProfile(device, style: .cpu), gpu = DeviceProfile(device, style: .gpu)
        let tuning = TuningTable.of(TunedDevice(device)).0
        (cpu.tuning, gpu.tuning) = (tuning, tuning)
        switch kernels {
        case .cpu: return [(cpu, "cpu")]
        case .gpu: return [(gpu, "gpu")]
        case .both: return [(cpu, "cpu"), (gpu, "gpu")]
        case .all: return DeviceProfile.everyVariant(like: DeviceProfile(device))
        case .matrix:
            let isEmulated = !device.capabilities.has("cl_nv_device_attribute_query")
            gpu.allowsTF32 = true
            gpu.matrixUnits = isEmulated ? .emulated() : nil
            return [(gpu, isEmulated ? "emulated matrix-unit" : "matrix-unit")]
        }
    }

    /// Whether a person who says `text` means this device: `cpu` is the CPU path alone.
    package func isMeant(by text: String) -> Bool {
        let text = text.lowercased()
        guard text != "cpu" else { return name == text }
        if case .opencl(let device, _) = kind, device.isMeant(by: text) { return true }
        return name.lowercased().contains(text)
    }

    /// An executor on this device that says what fails instead of repeating it elsewhere. Behind an OpenCL device
    /// stands the reference, so that its rows say nothing of the CPU path.
    package func executor(isolatesTensors: Bool) throws -> Executor {
        switch kind {
        case .cpu: return Executor(cpu: CPUBackend(), device: nil, policy: .report, isolatesTensors: isolatesTensors)
        case .opencl(let device, let profile):
            let executor = Executor(
                cpu: ReferenceBackend(),
                device: try OpenCLBackend(device, profile: profile, optimizesKernels: optimizesKernels),
                policy: .report, isolatesTensors: isolatesTensors)
            executor.onCompilation = { _ in }
            return executor
        }
    }

    /// The types that a case is run in on this device.
    func dtypes(of opCase: OpCase) -> [DType] {
        let half = opCase.halfTypes
        switch kind {
        case .cpu: return (opCase.hasFloat64 ? [.float32, .float64] : [.float32]) + half
        case .opencl(_, let profile):
            // Only products of these types would take other kernels than on a device without matrix units.
            return profile.allowsTF32 && !opCase.runsOnMatrixUnits ? [] : [.float32] + half
        }
    }

    var allowsTF32: Bool { if case .opencl(_, let profile) = kind { profile.allowsTF32 } else { false } }
}

extension DeviceProfile {
    /// A profile, named, for every set of kernels that lowering chooses on some device: the vectors of SSE or NEON, of AVX2
    /// and of AVX-512; a large GPU, which gets small tiles where there is little to do, a small one, which gets large
    /// tiles, and one that allows only small work-groups. All else is as in `profile`.
    package static func everyVariant(like profile: DeviceProfile) -> [(DeviceProfile, String)] {
        func variant(
            _ name: String, _ style: KernelStyle, vectorWidth: Int = 4, computeUnits: Int, workGroup: Int? = nil,
            convolution: ConvolutionAlgorithm? = nil
        ) -> (DeviceProfile, String) {
            var variant = profile
            variant.convolution = convolution
            (variant.style, variant.vectorWidth, variant.computeUnits) = (style, vectorWidth, computeUnits)
            if let workGroup { variant.maximumWorkGroupSize = min(workGroup, profile.maximumWorkGroupSize) }
            return (variant, name)
        }
        return [
            variant("cpu 4-lane", .cpu, vectorWidth: 4, computeUnits: 4),
            variant("cpu 8-lane", .cpu, vectorWidth: 8, computeUnits: 4),
            variant("cpu 16-lane", .cpu, vectorWidth: 16, computeUnits: 4),
            variant("cpu 4-lane winograd2", .cpu, vectorWidth: 4, computeUnits: 4, convolution: .winograd2),
            variant("cpu 4-lane winograd4", .cpu, vectorWidth: 4, computeUnits: 4, convolution: .winograd4),
            variant("cpu 8-lane winograd4", .cpu, vectorWidth: 8, computeUnits: 4, convolution: .winograd4),
            variant("cpu 16-lane winograd4", .cpu, vectorWidth: 16, computeUnits: 4, convolution: .winograd4),
            variant("gpu", .gpu, computeUnits: 64),
            variant("gpu winograd2", .gpu, computeUnits: 64, convolution: .winograd2),
            variant("gpu winograd4", .gpu, computeUnits: 64, convolution: .winograd4),
            variant("gpu small", .gpu, computeUnits: 1),
            variant("gpu small-group", .gpu, computeUnits: 4, workGroup: 32),
        ]
    }
}
