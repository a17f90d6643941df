internal import COpenCL
internal import Synchronization

/// An OpenCL implementation on this machine (`cl_platform_id`), for example PoCL or NVIDIA's.
///
/// Platforms live as long as the process and are never released.
package struct Platform: Hashable, @unchecked Sendable {
    // Unchecked: the handle is an address that never changes, and the API allows queries from any thread.
    let handle: OpaquePointer
    package let name: String
    package let vendor: String
    package let version: String
    package let extensions: [String]

    init(handle: OpaquePointer) throws(OpenCLError) {
        self.handle = handle
        let info = Info(call: "clGetPlatformInfo") { clGetPlatformInfo(handle, $0, $1, $2, $3) }
        name = try info.string(CL_PLATFORM_NAME)
        vendor = try info.string(CL_PLATFORM_VENDOR)
        version = try info.string(CL_PLATFORM_VERSION)
        extensions = try info.string(CL_PLATFORM_EXTENSIONS).split(separator: " ").map(String.init)
    }

    package static func == (a: Platform, b: Platform) -> Bool { a.handle == b.handle }
    package func hash(into hasher: inout Hasher) { hasher.combine(handle) }

    /// Every platform that the loader finds; none is an empty list, not an error (`clGetPlatformIDs`).
    package static func all() throws(OpenCLError) -> [Platform] {
        DriverFiles.prepared
        var count: cl_uint = 0
        let status = clGetPlatformIDs(0, nil, &count)
        // Some loaders say "not found", others succeed with a count of zero.
        if status == CL_PLATFORM_NOT_FOUND_KHR || (status == CL_SUCCESS && count == 0) { return [] }
        try check(status, "clGetPlatformIDs")
        var handles = [cl_platform_id?](repeating: nil, count: Int(count))
        try check(clGetPlatformIDs(count, &handles, &count), "clGetPlatformIDs")
        var platforms: [Platform] = []
        for case let handle? in handles.prefix(Int(count)) { platforms.append(try Platform(handle: handle)) }
        return platforms
    }

    /// Drivers set themselves up when they are first asked for devices, and PoCL 3.1 crashes where two threads ask at once.
    private static let discovery = Mutex(())

    /// The platform's devices of every type (`clGetDeviceIDs`).
    package func devices() throws(OpenCLError) -> [Device] {
        try Self.discovery.withLock { (_) throws(OpenCLError) in try discoveredDevices() }
    }

    private func discoveredDevices() throws(OpenCLError) -> [Device] {
        let all = cl_device_type(CL_DEVICE_TYPE_ALL)
        var count: cl_uint = 0
        let status = clGetDeviceIDs(handle, all, 0, nil, &count)
        if status == CL_DEVICE_NOT_FOUND || (status == CL_SUCCESS && count == 0) { return [] }
        try check(status, "clGetDeviceIDs", detail: "platform \(name)")
        var handles = [cl_device_id?](repeating: nil, count: Int(count))
        try check(clGetDeviceIDs(handle, all, count, &handles, &count), "clGetDeviceIDs", detail: "platform \(name)")
        var devices: [Device] = []
        for case let handle? in handles.prefix(Int(count)) {
            devices.append(try Device(handle: handle, platform: self))
        }
        return devices
    }
}
