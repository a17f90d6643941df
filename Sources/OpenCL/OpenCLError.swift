internal import COpenCL

/// A failure reported by an OpenCL driver, or a call that would have been one.
///
/// Holds what is needed to act on it: the status, the C function, the kernel and program concerned, and the
/// compiler's log where a build failed.
public struct OpenCLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The status as OpenCL's headers number it, for example -54.
    public var status: Int32
    /// The C function that failed, for example `clEnqueueNDRangeKernel`.
    public var call: String
    /// The kernel that the call was about.
    public var kernel: String?
    /// The program that the call was about.
    public var program: String?
    /// What was asked for, where the status alone doesn't say.
    public var detail: String?
    /// What the device's compiler had to say.
    public var buildLog: String?

    package init(
        status: Int32, call: String, kernel: String? = nil, program: String? = nil, detail: String? = nil,
        buildLog: String? = nil
    ) {
        self.status = status
        self.call = call
        self.kernel = kernel
        self.program = program
        self.detail = detail
        self.buildLog = buildLog
    }

    /// The status by the name that OpenCL's headers give it, for example `CL_INVALID_WORK_GROUP_SIZE`.
    public var statusName: String { Self.statusNames[status] ?? "unknown status" }

    public var description: String {
        var text = "\(call): \(statusName) (\(status))"
        if let kernel { text += ", kernel \(kernel)" }
        if let program { text += ", program \(program)" }
        if let detail { text += ": \(detail)" }
        if let buildLog { text += "\nbuild log:\n\(buildLog)" }
        return text
    }
}

extension OpenCLError {
    /// Whether the device ran out of memory or of other resources, so that less of it may still work.
    package var isOutOfResources: Bool {
        [CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_MEM_OBJECT_ALLOCATION_FAILURE].contains(status)
    }

    /// Whether the device's compiler or linker refused a program.
    package var isBuildFailure: Bool { ["clBuildProgram", "clCompileProgram", "clLinkProgram"].contains(call) }

    /// An argument that is wrong before any driver has seen it.
    static func invalidValue(_ call: StaticString, kernel: String? = nil, _ detail: String) -> OpenCLError {
        OpenCLError(status: CL_INVALID_VALUE, call: "\(call)", kernel: kernel, detail: detail)
    }

    /// Names of `cl.h` and of the extensions whose codes drivers return without being asked.
    private static let statusNames: [Int32: String] = [
        0: "CL_SUCCESS",
        -1: "CL_DEVICE_NOT_FOUND",
        -2: "CL_DEVICE_NOT_AVAILABLE",
        -3: "CL_COMPILER_NOT_AVAILABLE",
        -4: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        -5: "CL_OUT_OF_RESOURCES",
        -6: "CL_OUT_OF_HOST_MEMORY",
        -7: "CL_PROFILING_INFO_NOT_AVAILABLE",
        -8: "CL_MEM_COPY_OVERLAP",
        -9: "CL_IMAGE_FORMAT_MISMATCH",
        -10: "CL_IMAGE_FORMAT_NOT_SUPPORTED",
        -11: "CL_BUILD_PROGRAM_FAILURE",
        -12: "CL_MAP_FAILURE",
        -13: "CL_MISALIGNED_SUB_BUFFER_OFFSET",
        -14: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
        -15: "CL_COMPILE_PROGRAM_FAILURE",
        -16: "CL_LINKER_NOT_AVAILABLE",
        -17: "CL_LINK_PROGRAM_FAILURE",
        -18: "CL_DEVICE_PARTITION_FAILED",
        -19: "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
        -30: "CL_INVALID_VALUE",
        -31: "CL_INVALID_DEVICE_TYPE",
        -32: "CL_INVALID_PLATFORM",
        -33: "CL_INVALID_DEVICE",
        -34: "CL_INVALID_CONTEXT",
        -35: "CL_INVALID_QUEUE_PROPERTIES",
        -36: "CL_INVALID_COMMAND_QUEUE",
        -37: "CL_INVALID_HOST_PTR",
        -38: "CL_INVALID_MEM_OBJECT",
        -39: "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR",
        -40: "CL_INVALID_IMAGE_SIZE",
        -41: "CL_INVALID_SAMPLER",
        -42: "CL_INVALID_BINARY",
        -43: "CL_INVALID_BUILD_OPTIONS",
        -44: "CL_INVALID_PROGRAM",
        -45: "CL_INVALID_PROGRAM_EXECUTABLE",
        -46: "CL_INVALID_KERNEL_NAME",
        -47: "CL_INVALID_KERNEL_DEFINITION",
        -48: "CL_INVALID_KERNEL",
        -49: "CL_INVALID_ARG_INDEX",
        -50: "CL_INVALID_ARG_VALUE",
        -51: "CL_INVALID_ARG_SIZE",
        -52: "CL_INVALID_KERNEL_ARGS",
        -53: "CL_INVALID_WORK_DIMENSION",
        -54: "CL_INVALID_WORK_GROUP_SIZE",
        -55: "CL_INVALID_WORK_ITEM_SIZE",
        -56: "CL_INVALID_GLOBAL_OFFSET",
        -57: "CL_INVALID_EVENT_WAIT_LIST",
        -58: "CL_INVALID_EVENT",
        -59: "CL_INVALID_OPERATION",
        -60: "CL_INVALID_GL_OBJECT",
        -61: "CL_INVALID_BUFFER_SIZE",
        -62: "CL_INVALID_MIP_LEVEL",
        -63: "CL_INVALID_GLOBAL_WORK_SIZE",
        -64: "CL_INVALID_PROPERTY",
        -65: "CL_INVALID_IMAGE_DESCRIPTOR",
        -66: "CL_INVALID_COMPILER_OPTIONS",
        -67: "CL_INVALID_LINKER_OPTIONS",
        -68: "CL_INVALID_DEVICE_PARTITION_COUNT",
        -69: "CL_INVALID_PIPE_SIZE",
        -70: "CL_INVALID_DEVICE_QUEUE",
        -71: "CL_INVALID_SPEC_ID",
        -72: "CL_MAX_SIZE_RESTRICTION_EXCEEDED",
        -1001: "CL_PLATFORM_NOT_FOUND_KHR",
        -1138: "CL_INVALID_COMMAND_BUFFER_KHR",
        -1139: "CL_INVALID_SYNC_POINT_WAIT_LIST_KHR",
        -1140: "CL_INCOMPATIBLE_COMMAND_QUEUE_KHR",
        -9999: "a fault in a kernel (NVIDIA: memory access out of bounds)",
    ]
}
