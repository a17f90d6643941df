import CPUBackend
import Execution
import OpenCL
import OpenCLBackend
import TensorGraph
import TestSupport

/// Something that the cases are run on: the CPU path, or an OpenCL device with one of the two shapes of kernels.
package struct ParityDevice: Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        case cpu
        case opencl(Device, DeviceProfile.KernelShape, ConvolutionAlgorithm?)
        /// The kernels for matrix units, whose instructions are emulated where they are not the device's own.
        case matrixUnits(Device, MatrixUnits?)
    }

    package var kind: Kind
    package var name: String

    package var description: String { name }

    package static let cpu = ParityDevice(kind: .cpu, name: "cpu")

    /// The CPU path, then each OpenCL device with each of `shapes` and of `convolutions`, nil being its own choice.
    package static func all(
        shapes: [DeviceProfile.KernelShape], convolutions: [ConvolutionAlgorithm?] = [nil]
    ) throws -> [ParityDevice] {
        try [cpu]
            + Device.all().enumerated().flatMap { index, device in
                shapes.flatMap { shape in
                    convolutions.map { convolution in
                        ParityDevice(
                            kind: .opencl(device, shape, convolution),
                            name: "opencl:\(index) \(device.name) (\(device.platform.name)), \(shape.rawValue) kernels"
                                + (convolution.map { ", \($0.rawValue)" } ?? ""))
                    }
                }
            }
    }

    /// Each OpenCL device with the kernels for matrix units: its own where it is NVIDIA's, else emulated.
    package static func allWithMatrixUnits() throws -> [ParityDevice] {
        try Device.all().enumerated().map { index, device in
            let isEmulated = !device.capabilities.has("cl_nv_device_attribute_query")
            return ParityDevice(
                kind: .matrixUnits(device, isEmulated ? .emulated() : nil),
                name: "opencl:\(index) \(device.name) (\(device.platform.name)), "
                    + (isEmulated ? "emulated matrix units" : "matrix units"))
        }
    }

    /// Whether a person who says `text` means this device: `cpu` is the CPU path alone.
    package func isMeant(by text: String) -> Bool {
        text == "cpu" ? name == text : name.lowercased().contains(text.lowercased())
    }

    /// An executor on this device that says what fails instead of repeating it elsewhere. Behind an OpenCL device
    /// stands the reference, so that its rows say nothing of the CPU path.
    func executor(isolatesTensors: Bool) throws -> Executor {
        switch kind {
        case .cpu: Executor(cpu: CPUBackend(), device: nil, policy: .report, isolatesTensors: isolatesTensors)
        case .opencl(let device, let shape, let convolution):
            Executor(
                cpu: ReferenceBackend(), device: try OpenCLBackend(device, shape: shape, convolution: convolution),
                policy: .report, isolatesTensors: isolatesTensors)
        case .matrixUnits(let device, let units):
            Executor(
                cpu: ReferenceBackend(),
                device: try OpenCLBackend(device, shape: .gpu, allowsTF32: true, matrixUnits: units),
                policy: .report, isolatesTensors: isolatesTensors)
        }
    }

    /// The types that a case is run in on this device.
    func dtypes(of opCase: OpCase) -> [DType] {
        let half: [DType] = opCase.halfRoundings == nil ? [] : [.float16, .bfloat16]
        switch kind {
        case .cpu: return (opCase.hasFloat64 ? [.float32, .float64] : [.float32]) + half
        case .opencl: return [.float32] + half
        case .matrixUnits: return opCase.runsOnMatrixUnits ? [.float32] + half : []
        }
    }

    var allowsTF32: Bool { if case .matrixUnits = kind { true } else { false } }
}
