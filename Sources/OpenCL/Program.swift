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
        let handle = try ProgramHandle.withSource(context, source, name: name)
        try self.init(building: handle, context, options: options, name: name)
    }

    /// Loads what `binary()` gave for the same device, driver and options (`clCreateProgramWithBinary`).
    package convenience init(
        _ context: Context, binary: [UInt8], options: String = "", name: String = "program"
    ) throws(OpenCLError) {
        let handle = try ProgramHandle.withBinary(context, binary, name: name)
        try self.init(building: handle, context, options: options, name: name)
    }

    /// Adds what the driver provides to compiled source (`clLinkProgram`).
    package init(linking object: ProgramObject) throws(OpenCLError) {
        let context = object.context
        var device: cl_device_id? = context.device.handle
        var input: cl_program? = object.handle
        var status: cl_int = CL_SUCCESS
        let linked = clLinkProgram(context.handle, 1, &device, nil, 1, &input, nil, nil, &status)
        guard status == CL_SUCCESS, let linked else {
            // A driver may give a program to ask for its log even where it could not link it.
            let log = linked.map { ProgramHandle.buildLog($0, context.device) } ?? ""
            if let linked { clReleaseProgram(linked) }
            throw OpenCLError(
                status: status == CL_SUCCESS ? CL_LINK_PROGRAM_FAILURE : status, call: "clLinkProgram",
                program: object.name, buildLog: log.isEmpty ? "(the linker said nothing)" : log)
        }
        handle = linked
        self.context = context
        name = object.name
        buildLog = object.buildLog
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
        buildLog = ProgramHandle.buildLog(handle, context.device)
        // `deinit` runs when this throws, as every property has its value: the handle is not leaked.
        try ProgramHandle.checkBuild(status, "clBuildProgram", program: name, options: options, log: buildLog)
    }

    deinit { clReleaseProgram(handle) }

    /// The program as the driver keeps it, to be loaded again later (`CL_PROGRAM_BINARIES`).
    package func binary() throws(OpenCLError) -> [UInt8] { try ProgramHandle.binary(handle, name: name) }

    /// The names of the program's kernels (`CL_PROGRAM_KERNEL_NAMES`).
    package func kernelNames() throws(OpenCLError) -> [String] {
        try ProgramHandle.info(handle).string(CL_PROGRAM_KERNEL_NAMES).split(separator: ";").map(String.init)
    }

    /// A new kernel object: each has arguments of its own (`clCreateKernel`).
    package func kernel(_ name: String) throws(OpenCLError) -> Kernel { try Kernel(self, name: name) }
}
