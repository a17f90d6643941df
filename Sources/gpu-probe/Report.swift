import BenchSupport
import OpenCL
import OpenCLBackend

/// All that is known of this machine's OpenCL, as `--json` prints it.
struct Report: Encodable {
    var platforms: [PlatformReport]

    /// - Parameter chosen: the only device to report on; nil for all.
    init(of chosen: Device?, measuring: Bool) throws {
        var index = 0
        platforms = []
        for platform in try Platform.all() {
            let report = PlatformReport(platform, of: chosen, measuring: measuring, nextIndex: &index)
            if chosen == nil || chosen?.platform == platform { platforms.append(report) }
        }
    }

    var hasFailures: Bool { platforms.contains { $0.error != nil || $0.devices.contains { !$0.errors.isEmpty } } }
}

struct PlatformReport: Encodable {
    var name: String
    var vendor: String
    var version: String
    var devices: [DeviceReport]
    /// Why the devices could not be listed.
    var error: String?

    init(_ platform: Platform, of chosen: Device?, measuring: Bool, nextIndex: inout Int) {
        name = platform.name
        vendor = platform.vendor
        version = platform.version
        devices = []
        do {
            for device in try platform.devices() {
                var index: Int?
                if device.capabilities.isUsable {
                    index = nextIndex
                    nextIndex += 1
                }
                guard chosen == nil || chosen == device else { continue }
                devices.append(DeviceReport(device, at: index, measuring: measuring))
            }
        } catch {
            self.error = error.description
        }
    }
}

struct DeviceReport: Encodable {
    /// N of `--device opencl:N`; nil for a device that can't be used.
    var index: Int?
    var capabilities: Capabilities
    /// What building and running kernels showed; nil where that failed.
    var tried: DeviceTrial?
    /// With `--measure`; nil where that failed.
    var measured: PeakMeasurement?
    /// Which implementation each family of operations uses; nil where the device cannot be opened.
    var implementations: [ImplementationReport]?
    /// Whether numbers were measured for the kernels of this device, and what is wrong with the user's file of them.
    var isTuned = false
    var tuningWarning: String?
    var errors: [String] = []

    init(_ device: Device, at index: Int?, measuring: Bool) {
        capabilities = device.capabilities
        self.index = index
        guard index != nil else { return }
        let tuning = TuningTable.of(TunedDevice(device))
        (isTuned, tuningWarning) = (tuning.table.isTuned, tuning.warning)
        do { tried = try DeviceTrial(of: device) } catch { errors.append("\(error)") }
        do {
            let reports = try ImplementationReport.all(on: device)
            implementations = reports
            errors += reports.flatMap(\.failures)
        } catch {
            errors.append("\(error)")
        }
        if measuring {
            do { measured = try PeakMeasurement(of: device) } catch { errors.append("\(error)") }
        }
    }
}
