internal import CPUBackend
import Execution
import Logging
package import OpenCL
internal import OpenCLBackend

extension Executor {
    /// An executor on the chosen device, with the CPU path beside it.
    ///
    /// - Parameters:
    ///   - choice: which device; by default the best OpenCL device, else the CPU.
    ///   - allowsTF32: whether products of float32 may be computed in TF32, with 10 bits of fraction in the operands,
    ///     where the device has units for it: several times as fast, with relative errors around 10⁻³. As PyTorch's
    ///     `torch.backends.cuda.matmul.allow_tf32`.
    ///   - policy: what to do when the device fails while running.
    ///   - patience: how long the device may take for a call before it counts as failed and everything goes on on the CPU: so
    ///     long, or twenty times as long as the same work ever took, and ten times as long where kernels may be compiled.
    ///     `nil` waits for ever.
    ///   - logger: is told once where the CPU stands in for a device.
    /// - Throws: ``DeviceError`` where a device other than `automatic` was asked for and cannot be opened.
    public convenience init(
        on choice: DeviceChoice = .automatic, allowsTF32: Bool = false, policy: FailurePolicy = .repeatOnCPU,
        patience: Duration? = .seconds(60), logger: Logger = Logger(label: "tessera")
    ) throws {
        let device = try choice.backend(allowsTF32: allowsTF32, patience: patience, logger: logger)
        self.init(cpu: CPUBackend(), device: device, policy: policy, patience: patience, logger: logger)
    }
}

extension DeviceChoice {
    /// Every device as it can be named, with its full name: `cpu`, then the OpenCL devices.
    package static var available: [String] {
        ["cpu"] + listed((try? Device.all()) ?? []) { _ in true }
    }

    /// Some of all devices, each by its place in the list and its names.
    private static func listed(_ all: [Device], where isListed: (Device) -> Bool) -> [String] {
        all.enumerated().filter { isListed($1) }.map { "opencl:\($0) (\($1.name), \($1.platform.name))" }
    }

    /// The OpenCL device that is meant; `nil` for the CPU path, and for `automatic` where there is no OpenCL device.
    ///
    /// - Throws: ``DeviceError`` where there is no such device.
    package func device() throws -> Device? {
        do {
            let found: Device?
            switch self {
            case .cpu: return nil
            case .automatic: return try Device.best()
            case .opencl: found = try Device.best()
            case .openclDevice(let index):
                let devices = try Device.all()
                found = devices.indices.contains(index) ? devices[index] : nil
            case .named(let name):
                let meant = try Device.named(name)
                guard meant.count <= 1 else {
                    var error = missing("several are called so")
                    error.candidates = Self.listed(try Device.all(), where: meant.contains)
                    throw error
                }
                found = meant.first
            }
            guard let found else {
                throw missing(self == .opencl ? "this machine has no OpenCL device" : "there is no such OpenCL device")
            }
            return found
        } catch let error as OpenCLError {
            throw missing(error.description)
        }
    }

    private func missing(_ reason: String) -> DeviceError {
        DeviceError(choice: self, reason: reason, available: Self.available)
    }

    /// The OpenCL backend on the device that is meant, `nil` for the CPU path. Where `automatic` finds no device that can
    /// be opened, the log says so.
    ///
    /// - Throws: ``DeviceError`` where a device other than `automatic` was asked for and cannot be opened.
    func backend(allowsTF32: Bool = false, patience: Duration?, logger: Logger) throws -> OpenCLBackend? {
        if self == .cpu { return nil }
        func open() throws -> (device: Device, backend: OpenCLBackend)? {
            try device().map { ($0, try OpenCLBackend($0, allowsTF32: allowsTF32)) }
        }
        do {
            if let (device, backend) = try patience.map({ try WatchedBackend.opening("\(self)", patience: $0, open) })
                ?? open()
            {
                backend.notice = { logger.warning("\($0)") }
                if let warning = backend.tuningWarning {
                    logger.warning("\(warning); \(device.name) runs without them")
                }
                return backend
            }
            logger.notice("there is no OpenCL device: everything runs on the CPU path")
        } catch {
            guard self == .automatic else {
                // Whoever does not answer is not asked for the list either.
                if error is DeviceSilence { throw DeviceError(choice: self, reason: "\(error)", available: ["cpu"]) }
                throw error is DeviceError ? error : missing("\(error)")
            }
            let reason = (error as? DeviceError)?.reason ?? "\(error)"
            logger.notice("no OpenCL device can be opened: everything runs on the CPU path (\(reason))")
        }
        return nil
    }
}
