internal import CPUBackend
import Execution
import Logging
internal import OpenCL
internal import OpenCLBackend

extension Executor {
    /// An executor on the chosen device, with the CPU path beside it.
    ///
    /// - Parameters:
    ///   - choice: which device; by default the best OpenCL device, else the CPU.
    ///   - policy: what to do when the device fails while running.
    ///   - logger: is told once where the CPU stands in for a device.
    /// - Throws: ``DeviceError`` where a device other than `automatic` was asked for and cannot be opened.
    public convenience init(
        on choice: DeviceChoice = .automatic, policy: FailurePolicy = .repeatOnCPU,
        logger: Logger = Logger(label: "tessera")
    ) throws {
        let device = try OpenDevice.backend(for: choice, logger: logger)
        self.init(cpu: CPUBackend(), device: device, policy: policy, logger: logger)
    }
}

/// What devices there are, and opening one of them.
enum OpenDevice {
    /// The OpenCL backend for a choice, `nil` for the CPU path.
    static func backend(for choice: DeviceChoice, logger: Logger) throws -> OpenCLBackend? {
        if choice == .cpu { return nil }
        do {
            guard let device = try find(choice) else { throw missing(choice, "there is no such OpenCL device") }
            return try OpenCLBackend(device)
        } catch {
            guard choice == .automatic else { throw error is DeviceError ? error : missing(choice, "\(error)") }
            let reason = (error as? DeviceError)?.reason ?? "\(error)"
            logger.notice("no OpenCL device: everything runs on the CPU (\(reason))")
            return nil
        }
    }

    private static func find(_ choice: DeviceChoice) throws -> Device? {
        switch choice {
        case .cpu: nil
        case .automatic, .opencl: try Device.best()
        case .openclDevice(let index): try Device.all().indices.contains(index) ? Device.all()[index] : nil
        case .named(let name): try Device.named(name)
        }
    }

    private static func missing(_ choice: DeviceChoice, _ reason: String) -> DeviceError {
        let devices = (try? Device.all()) ?? []
        let names = devices.enumerated().map { "opencl:\($0) (\($1.name), \($1.platform.name))" }
        return DeviceError(choice: choice, reason: reason, available: ["cpu"] + names)
    }
}
