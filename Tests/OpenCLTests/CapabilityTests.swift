import OpenCL
import OpenCLBackend
import Testing

@Suite(.needsDevice) struct CapabilityTests {
    @Test(arguments: devices) func areSane(of device: Device) throws {
        let c = device.capabilities
        #expect(!c.name.isEmpty && c.name == device.name)
        #expect(!c.vendor.isEmpty)
        #expect(c.version.hasPrefix("OpenCL "))
        #expect(c.languageVersion.hasPrefix("OpenCL C "))
        #expect(c.isUsable)
        #expect((1...100_000).contains(c.computeUnits))
        #expect([32, 64].contains(c.addressBits))
        #expect(c.globalMemory >= 1 << 20 && c.maxAllocation >= 1 << 20)
        #expect(c.maxAllocation <= c.globalMemory)
        #expect(c.localMemory >= 16 << 10)
        #expect(c.maxWorkItemSizes.count >= 3)
        #expect(c.maxWorkItemSizes.allSatisfy { $0 >= 1 })
        #expect(c.maxWorkGroupSize >= 1)
        #expect(c.vectorWidths.preferredFloat >= 1 && c.vectorWidths.nativeFloat >= 1)
        #expect(c.extensions == c.extensions.sorted())
        #expect(c.hasHalf == c.has("cl_khr_fp16"))
        #expect(c.profilingResolutionNanoseconds >= 0)
    }

    @Test func areFoundByName() throws {
        let all = devices
        let first = all[0]
        #expect(try Device.named("0") == [first])
        #expect(
            try Device.named("-1").isEmpty && Device.named("\(all.count)").isEmpty
                && Device.named("no such device").isEmpty)
        for device in all {
            let pasted = "\(device.name) (\(device.platform.name))"
            for text in [device.name, device.platform.name, pasted] {
                #expect(try Device.named(text).contains(device) && Device.named(text.uppercased()).contains(device))
                #expect(try Device.named(String(text.lowercased().prefix(6))).contains(device))
            }
            // What PoCL calls itself stands in its version alone.
            if device.platform.version.lowercased().contains("pocl") {
                #expect(try Device.named("pocl").contains(device) && Device.named("PoCL").contains(device))
            }
        }
        let best = try #require(try Device.best())
        #expect(all.contains(best))
    }

    @Test(arguments: devices) func areTried(on device: Device) throws {
        let trial = try DeviceTrial(of: device)
        // What a driver states must be there.
        #expect(trial.usableLocalMemory >= Int(device.capabilities.localMemory) / 1024 * 1024)
    }

    @Test(arguments: devices) func areMeasured(on device: Device) throws {
        let peak = try PeakMeasurement(of: device)
        #expect(peak.float32.value > 0 && peak.float32.value < 1e7)
        #expect(peak.bandwidth > 0 && peak.bandwidth < 1e5)
        #expect((peak.float64 != nil) == device.capabilities.hasDouble)
        #expect(peak.launchMicroseconds > 0)
    }
}
