internal import COpenCL

/// Compiled source that is not linked yet (`cl_program`): it has no kernels, but its binary costs a driver nothing that
/// ``Device/compilesAtLaunch``.
package final class ProgramObject: @unchecked Sendable {
    // Unchecked: an object is compiled once, in `init`, and only read afterwards.
    let handle: OpaquePointer
    package let context: Context
    package let name: String
    /// What the compiler said, warnings included; empty where it was silent.
    package let buildLog: String

    /// Compiles OpenCL C (`clCreateProgramWithSource`, `clCompileProgram`).
    ///
    /// - Throws: Where the compiler refuses the source, an error that carries its log.
    package init(
        _ context: Context, source: String, options: String = "", name: String = "program"
    ) throws(OpenCLError) {
        handle = try ProgramHandle.withSource(context, source, name: name)
        self.context = context
        self.name = name
        var device: cl_device_id? = context.device.handle
        let status = clCompileProgram(handle, 1, &device, options, 0, nil, nil, nil, nil)
        buildLog = ProgramHandle.buildLog(handle, context.device)
        // `deinit` runs when this throws, as every property has its value: the handle is not leaked.
        try ProgramHandle.checkBuild(status, "clCompileProgram", program: name, options: options, log: buildLog)
    }

    /// Loads what `binary()` gave for the same device and driver (`clCreateProgramWithBinary`).
    package init(_ context: Context, binary: [UInt8], name: String = "program") throws(OpenCLError) {
        handle = try ProgramHandle.withBinary(context, binary, name: name)
        self.context = context
        self.name = name
        buildLog = ""
    }

    deinit { clReleaseProgram(handle) }

    /// The object as the driver keeps it (`CL_PROGRAM_BINARIES`).
    package func binary() throws(OpenCLError) -> [UInt8] { try ProgramHandle.binary(handle, name: name) }
}

/// What programs and objects of programs have in common: both are a `cl_program`.
enum ProgramHandle {
    static func withSource(_ context: Context, _ source: String, name: String) throws(OpenCLError) -> OpaquePointer {
        try source.utf8CString.withUnsafeBufferPointer { (characters) throws(OpenCLError) in
            var start = characters.baseAddress
            // The closing NUL is not part of the source.
            var length = characters.count - 1
            return try create("clCreateProgramWithSource", program: name) {
                clCreateProgramWithSource(context.handle, 1, &start, &length, $0)
            }
        }
    }

    static func withBinary(_ context: Context, _ binary: [UInt8], name: String) throws(OpenCLError) -> OpaquePointer {
        guard !binary.isEmpty else { throw .invalidValue("clCreateProgramWithBinary", "an empty binary") }
        var device: cl_device_id? = context.device.handle
        var length = binary.count
        var binaryStatus: cl_int = CL_SUCCESS
        let handle: OpaquePointer = try binary.withUnsafeBufferPointer { (bytes) throws(OpenCLError) in
            var start = bytes.baseAddress
            return try create("clCreateProgramWithBinary", program: name) {
                clCreateProgramWithBinary(context.handle, 1, &device, &length, &start, &binaryStatus, $0)
            }
        }
        guard binaryStatus == CL_SUCCESS else {
            clReleaseProgram(handle)
            throw OpenCLError(status: binaryStatus, call: "clCreateProgramWithBinary", program: name)
        }
        return handle
    }

    static func info(_ handle: OpaquePointer) -> Info {
        Info(call: "clGetProgramInfo") { clGetProgramInfo(handle, $0, $1, $2, $3) }
    }

    static func binary(_ handle: OpaquePointer, name: String) throws(OpenCLError) -> [UInt8] {
        let info = info(handle)
        let byteCount = try info.number(CL_PROGRAM_BINARY_SIZES, as: Int.self)
        guard byteCount > 0 else {
            throw OpenCLError(
                status: CL_INVALID_PROGRAM_EXECUTABLE, call: "clGetProgramInfo", program: name,
                detail: "the driver gives no binary")
        }
        var binary = [UInt8](repeating: 0, count: byteCount)
        let status = binary.withUnsafeMutableBufferPointer { bytes in
            var start = bytes.baseAddress
            return info.get(
                cl_uint(CL_PROGRAM_BINARIES), MemoryLayout<UnsafeMutablePointer<UInt8>?>.size, &start, nil)
        }
        try check(status, "clGetProgramInfo", program: name)
        return binary
    }

    /// What the compiler or linker said (`clGetProgramBuildInfo`).
    static func buildLog(_ handle: OpaquePointer, _ device: Device) -> String {
        let info = Info(call: "clGetProgramBuildInfo") {
            clGetProgramBuildInfo(handle, device.handle, $0, $1, $2, $3)
        }
        return (try? info.string(CL_PROGRAM_BUILD_LOG)) ?? ""
    }

    static func checkBuild(
        _ status: cl_int, _ call: String, program: String, options: String, log: String
    ) throws(OpenCLError) {
        guard status != CL_SUCCESS else { return }
        throw OpenCLError(
            status: status, call: call, program: program, detail: options.isEmpty ? nil : "options \(options)",
            buildLog: log.isEmpty ? "(the compiler said nothing)" : log)
    }
}
