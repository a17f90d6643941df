internal import COpenCL

/// The place where the buffers and programs of one device live (`cl_context`).
package final class Context: @unchecked Sendable {
    // Unchecked: contexts are immutable, and the API is thread-safe for everything but setting kernel arguments.
    let handle: OpaquePointer
    package let device: Device

    package init(_ device: Device) throws(OpenCLError) {
        self.device = device
        let properties = [
            cl_context_properties(CL_CONTEXT_PLATFORM),
            cl_context_properties(bitPattern: UInt(bitPattern: device.platform.handle)), 0,
        ]
        var deviceHandle: cl_device_id? = device.handle
        handle = try create("clCreateContext", detail: "device \(device.name)") {
            clCreateContext(properties, 1, &deviceHandle, nil, nil, $0)
        }
    }

    deinit { clReleaseContext(handle) }
}
