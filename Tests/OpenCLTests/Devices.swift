import OpenCL
import Testing

/// Every usable device of this machine. A test of something on "each device" runs on these.
let devices: [Device] = {
    do {
        let devices = try Device.all()
        if devices.isEmpty { print("OpenCLTests: no OpenCL device here: tests that need one are skipped") }
        return devices
    } catch {
        print("OpenCLTests: the OpenCL devices could not be listed: \(error)")
        return []
    }
}()

extension Trait where Self == ConditionTrait {
    /// Shown as skipped where the machine has no OpenCL device.
    static var needsDevice: Self { .disabled(if: devices.isEmpty, "no OpenCL device on this machine") }
}

extension Device: CustomTestStringConvertible {
    package var testDescription: String { "\(name) (\(platform.name))" }
}
