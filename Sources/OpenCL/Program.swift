internal import COpenCL

/// A program built for its context's device (`cl_program`).
package final class Program: @unchecked Sendable {
    // Unchecked: a program is built once, in `init`, and only read afterwards.
    let handle: OpaquePointer
    package let context: Context
    /// What errors call the program by, usually the name of its source file.
    package let name: String
    /// What the compiler said, warnings included; empty where it was silent.
    package let buildLog: String

    /// Compiles OpenCL C (`clCreateProgramWithSource`, `clBuildProgram`).
    ///
    /// - Throws: Where the compiler refuses the source, an error that carries its log.
    package convenience init(
        _ context: Context, source: String, options: String = "", name: String = "program"
    ) throws(OpenCLError) {
        let handle = try source.utf8CString.withUnsafeBufferPointer { (characters) throws(OpenCLError) in
            var start = characters.baseAddress
            // The closing NUL is not part of the source.
            var length = characters.count - 1
            return try create("clCreateProgramWithSource", program: name) {
                clCreateProgramWithSource(context.handle, 1, &start, &length, $0)
            }
        }
        try self.init(building: handle, context, options: options, name: name)
    }

    /// Loads what `binary()` gave for the same device, driver and options (`clCreateProgramWithBinary`).
    package convenience init(
        _ context: Context, binary: [UInt8], options: String = "", name: String = "program"
    ) throws(OpenCLError) {
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
        try self.init(building: handle, context, options: options, name: name)
    }

    /// Builds and takes over `handle`.
    private init(
        building handle: OpaquePointer, _ context: Context, options: String, name: String
    ) throws(OpenCLError) {
        self.handle = handle
        self.context = context
        self.name = name
        var device: cl_device_id? = context.device.handle
        let status = clBuildProgram(handle, 1, &device, options, nil, nil)
        let info = Info(call: "clGetProgramBuildInfo") { [device] in
            clGetProgramBuildInfo(handle, device, $0, $1, $2, $3)
        }
        buildLog = (try? info.string(CL_PROGRAM_BUILD_LOG)) ?? ""
        // `deinit` runs when this throws, as every property has its value: the handle is not leaked.
        guard status == CL_SUCCESS else {
            throw OpenCLError(
                status: status, call: "clBuildProgram", program: name,
                detail: options.isEmpty ? nil : "options \(options)",
                buildLog: buildLog.isEmpty ? "(the compiler said nothing)" : buildLog)
        }
    }

    deinit { clReleaseProgram(handle) }

    /// The program as the driver keeps it, to be loaded again later (`CL_PROGRAM_BINARIES`).
    package func binary() throws(OpenCLError) -> [UInt8] {
        let info = Info(call: "clGetProgramInfo") { [handle] in clGetProgramInfo(handle, $0, $1, $2, $3) }
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

    /// The names of the program's kernels (`CL_PROGRAM_KERNEL_NAMES`).
    package func kernelNames() throws(OpenCLError) -> [String] {
        let info = Info(call: "clGetProgramInfo") { [handle] in clGetProgramInfo(handle, $0, $1, $2, $3) }
        return try info.string(CL_PROGRAM_KERNEL_NAMES).split(separator: ";").map(String.init)
    }

    /// A new kernel object: each has arguments of its own (`clCreateKernel`).
    package func kernel(_ name: String) throws(OpenCLError) -> Kernel { try Kernel(self, name: name) }
}
