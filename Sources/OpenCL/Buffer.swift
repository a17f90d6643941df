internal import COpenCL

/// A piece of device memory (`cl_mem`).
///
/// A buffer may be let go while commands that use it are still queued: the driver frees it after them.
package final class Buffer: @unchecked Sendable {
    // Unchecked: the handle never changes; who writes the contents when is a matter of the queue's order.
    let handle: OpaquePointer
    package let context: Context
    package let byteCount: Int

    /// What kernels do with a buffer; a hint that some drivers profit from.
    package enum Access: Sendable {
        case readWrite, readOnly, writeOnly

        var flags: cl_mem_flags {
            switch self {
            case .readWrite: cl_mem_flags(CL_MEM_READ_WRITE)
            case .readOnly: cl_mem_flags(CL_MEM_READ_ONLY)
            case .writeOnly: cl_mem_flags(CL_MEM_WRITE_ONLY)
            }
        }
    }

    /// Allocates `byteCount` bytes with undefined contents (`clCreateBuffer`).
    ///
    /// - Parameters:
    ///   - byteCount: At least 1: OpenCL has no empty buffers.
    ///   - hostVisible: Whether to ask for memory that the host maps cheaply (`CL_MEM_ALLOC_HOST_PTR`): pinned on
    ///     a GPU with memory of its own, where it is slow for kernels.
    package init(
        _ context: Context, byteCount: Int, access: Access = .readWrite, hostVisible: Bool = false
    ) throws(OpenCLError) {
        guard byteCount > 0 else {
            throw OpenCLError(
                status: CL_INVALID_BUFFER_SIZE, call: "clCreateBuffer", detail: "a buffer of \(byteCount) bytes")
        }
        let flags = access.flags | (hostVisible ? cl_mem_flags(CL_MEM_ALLOC_HOST_PTR) : 0)
        handle = try create(
            "clCreateBuffer",
            detail: "\(byteCount) bytes on a device of \(context.device.capabilities.globalMemory) "
                + "that gives at most \(context.device.capabilities.maxAllocation) at once"
        ) {
            clCreateBuffer(context.handle, flags, byteCount, nil, $0)
        }
        self.context = context
        self.byteCount = byteCount
    }

    deinit { clReleaseMemObject(handle) }

    /// Throws unless `byteCount` bytes from `offset` lie inside the buffer.
    func requireRange(
        _ call: StaticString, offset: Int, byteCount count: Int
    ) throws(OpenCLError) {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw .invalidValue(call, "\(count) bytes at offset \(offset) of a buffer of \(byteCount) bytes")
        }
    }
}
