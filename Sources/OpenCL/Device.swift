internal import COpenCL

/// One OpenCL device (`cl_device_id`).
///
/// Root devices live as long as the process and are never released.
package struct Device: Hashable, @unchecked Sendable {
    // Unchecked: the handle is an address that never changes, and the API allows queries from any thread.
    let handle: OpaquePointer
    package let platform: Platform
    package let capabilities: Capabilities

    package var name: String { capabilities.name }
    package var type: DeviceType { capabilities.type }

    /// Whether the driver leaves machine code to a kernel's first launch and keeps it in files itself, as PoCL does (in
    /// `$POCL_CACHE_DIR`). Asked for a program's binary, such a driver compiles every kernel of it once more, for
    /// work-groups of any size.
    package var compilesAtLaunch: Bool { platform.name == "Portable Computing Language" }

    /// Whether several threads may compile at once, as OpenCL promises, to any gain. Drivers that compile at the launch have one
    /// lock for all their compiling, and Oclgrind's compiler crashes.
    package var compilesOnSeveralThreads: Bool { !compilesAtLaunch && platform.name != "Oclgrind" }

    init(handle: OpaquePointer, platform: Platform) throws(OpenCLError) {
        self.handle = handle
        self.platform = platform
        capabilities = try Capabilities(
            Info(call: "clGetDeviceInfo") { clGetDeviceInfo(handle, $0, $1, $2, $3) },
            platformExtensions: platform.extensions)
    }

    package static func == (a: Device, b: Device) -> Bool { a.handle == b.handle }
    package func hash(into hasher: inout Hasher) { hasher.combine(handle) }

    /// The devices of every platform that can be used, in the loader's order.
    ///
    /// A platform whose devices can't be listed is passed over (drivers without their hardware do that), unless
    /// that leaves nothing: then its error is thrown.
    package static func all() throws(OpenCLError) -> [Device] {
        var devices: [Device] = []
        var failure: OpenCLError?
        for platform in try Platform.all() {
            do throws(OpenCLError) {
                devices += try platform.devices().filter { $0.capabilities.isUsable }
            } catch {
                failure = error
            }
        }
        if devices.isEmpty, let failure { throw failure }
        return devices
    }

    /// The device most likely to be fastest: by type first, then by compute units × clock. Nil if there is none.
    package static func best() throws(OpenCLError) -> Device? {
        // `max` keeps the last of equals; the first platform shall win.
        try all().reversed().max { a, b in
            (a.type.rank, a.capabilities.throughputGuess) < (b.type.rank, b.capabilities.throughputGuess)
        }
    }

    /// The devices that a person may mean by a text. A number counts into ``all()``. Other text is, in
    /// any case, the whole of a device's or platform's name, else a part of one, else a part of what else their makers call
    /// them: vendors and versions, where PoCL says that it is PoCL.
    package static func named(_ text: String) throws(OpenCLError) -> [Device] {
        let devices = try all()
        if let index = Int(text) { return devices.indices.contains(index) ? [devices[index]] : [] }
        let wanted = text.lowercased()
        let whole = devices.filter { $0.names.contains(wanted) }
        guard whole.isEmpty else { return whole }
        let parts = devices.filter { device in device.names.contains { $0.contains(wanted) } }
        return parts.isEmpty ? devices.filter { $0.isMeant(by: wanted) } : parts
    }

    /// Whether a text is a part of any of the device's names, in any case.
    package func isMeant(by text: String) -> Bool {
        (names + [platform.version, platform.vendor, capabilities.vendor, capabilities.version].map { $0.lowercased() })
            .contains { $0.contains(text.lowercased()) }
    }

    /// The device's name, its platform's, and both as they are listed, in small letters.
    private var names: [String] {
        [name, platform.name, "\(name), \(platform.name)", "\(name) (\(platform.name))"].map { $0.lowercased() }
    }
}

/// What kind of processor a device is.
package enum DeviceType: String, Sendable, Codable, CaseIterable {
    case gpu = "GPU"
    case accelerator
    case cpu = "CPU"
    case custom

    init(_ bits: cl_device_type) {
        if bits & cl_device_type(CL_DEVICE_TYPE_GPU) != 0 {
            self = .gpu
        } else if bits & cl_device_type(CL_DEVICE_TYPE_ACCELERATOR) != 0 {
            self = .accelerator
        } else if bits & cl_device_type(CL_DEVICE_TYPE_CPU) != 0 {
            self = .cpu
        } else {
            self = .custom
        }
    }

    /// Order of preference when nobody chose; more is better.
    var rank: Int {
        switch self {
        case .gpu: 3
        case .accelerator: 2
        case .cpu: 1
        case .custom: 0
        }
    }
}
