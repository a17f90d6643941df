internal import COpenCL
internal import Synchronization

/// A kernel and the arguments bound to it (`cl_kernel`).
///
/// There are two ways to run one. `Queue.launch(_:arguments:…)` binds and enqueues in one step. Or a kernel object
/// of its own for each command of a schedule: `setArguments` once, then `Queue.launch(_:…)` at every run, which
/// saves binding them again.
///
/// OpenCL leaves it undefined when two threads set arguments of one kernel object, and a launch takes the
/// arguments bound last. So every method here holds the object's lock, and `launch(_:arguments:…)` holds it over
/// both steps: one object may be used from several threads that way. Binding and launching in two steps is only
/// right while no other thread uses the object.
package final class Kernel: @unchecked Sendable {
    /// One argument of a kernel, by the type that the kernel's signature has.
    package enum Argument: Sendable {
        case buffer(Buffer)
        case int32(Int32)
        case uint32(UInt32)
        case int64(Int64)
        case uint64(UInt64)
        case float(Float)
        case double(Double)
        /// Local memory of that many bytes, for a `__local` pointer.
        case local(byteCount: Int)
    }

    // Unchecked: all use of the handle that changes it is under `bound`'s lock.
    private let handle: OpaquePointer
    package let program: Program
    package let name: String
    package let argumentCount: Int
    /// What each argument holds. `clSetKernelArg` keeps no reference, so that a buffer could be gone by the time of
    /// the launch; and not every driver notices an argument that was never set.
    private let bound: Mutex<[Binding]>

    private enum Binding {
        case unset
        case value
        case buffer(Buffer)

        var isUnset: Bool { if case .unset = self { true } else { false } }
    }

    init(_ program: Program, name: String) throws(OpenCLError) {
        self.program = program
        self.name = name
        handle = try create("clCreateKernel", kernel: name, program: program.name) {
            clCreateKernel(program.handle, name, $0)
        }
        let info = Info(call: "clGetKernelInfo") { [handle] in clGetKernelInfo(handle, $0, $1, $2, $3) }
        do throws(OpenCLError) {
            argumentCount = Int(try info.number(CL_KERNEL_NUM_ARGS, as: cl_uint.self))
        } catch {
            clReleaseKernel(handle)
            throw error
        }
        bound = Mutex([Binding](repeating: .unset, count: argumentCount))
    }

    deinit { clReleaseKernel(handle) }

    /// Binds all arguments, in the order of the kernel's signature (`clSetKernelArg`).
    package func setArguments(_ arguments: [Argument]) throws(OpenCLError) {
        try withLock { (handle, bindings) throws(OpenCLError) in try set(arguments, handle, &bindings) }
    }

    /// Binds one argument.
    package func setArgument(_ index: Int, _ argument: Argument) throws(OpenCLError) {
        try withLock { (handle, bindings) throws(OpenCLError) in try set(argument, at: index, handle, &bindings) }
    }

    /// Lets go of the buffer that is bound to an argument, which must be bound again before the next launch.
    package func unsetArgument(_ index: Int) {
        bound.withLock { bindings in
            if bindings.indices.contains(index) { bindings[index] = .unset }
        }
    }

    /// Binds the arguments, if any are given, and enqueues, both under the lock.
    func launch(
        _ arguments: [Argument]?, _ enqueue: (OpaquePointer) -> cl_int, detail: @autoclosure () -> String
    ) throws(OpenCLError) {
        try withLock { (handle, bindings) throws(OpenCLError) in
            if let arguments {
                try set(arguments, handle, &bindings)
            } else if let missing = bindings.firstIndex(where: \.isUnset) {
                throw OpenCLError(
                    status: CL_INVALID_KERNEL_ARGS, call: "clEnqueueNDRangeKernel", kernel: name, program: program.name,
                    detail: "argument \(missing) was not set")
            }
            try check(
                enqueue(handle), "clEnqueueNDRangeKernel", kernel: name, program: program.name, detail: detail())
        }
    }

    private func withLock(
        _ body: (OpaquePointer, inout [Binding]) throws(OpenCLError) -> Void
    ) throws(OpenCLError) {
        let result = bound.withLock { bindings -> Result<Void, OpenCLError> in
            do throws(OpenCLError) { return .success(try body(handle, &bindings)) } catch { return .failure(error) }
        }
        try result.get()
    }

    private func set(
        _ arguments: [Argument], _ handle: OpaquePointer, _ bindings: inout [Binding]
    ) throws(OpenCLError) {
        guard arguments.count == argumentCount else {
            throw OpenCLError(
                status: CL_INVALID_KERNEL_ARGS, call: "clSetKernelArg", kernel: name, program: program.name,
                detail: "\(arguments.count) arguments for a kernel of \(argumentCount)")
        }
        for index in arguments.indices { try set(arguments[index], at: index, handle, &bindings) }
    }

    private func set(
        _ argument: Argument, at index: Int, _ handle: OpaquePointer, _ bindings: inout [Binding]
    ) throws(OpenCLError) {
        guard bindings.indices.contains(index) else {
            throw OpenCLError(
                status: CL_INVALID_ARG_INDEX, call: "clSetKernelArg", kernel: name, program: program.name,
                detail: "argument \(index) of a kernel of \(argumentCount)")
        }
        let position = cl_uint(index)
        func value<Value: BitwiseCopyable>(_ value: Value) -> cl_int {
            withUnsafePointer(to: value) { clSetKernelArg(handle, position, MemoryLayout<Value>.size, $0) }
        }
        let status =
            switch argument {
            case .buffer(let buffer): value(buffer.handle)
            case .int32(let number): value(number)
            case .uint32(let number): value(number)
            case .int64(let number): value(number)
            case .uint64(let number): value(number)
            case .float(let number): value(number)
            case .double(let number): value(number)
            case .local(let byteCount):
                byteCount > 0 ? clSetKernelArg(handle, position, byteCount, nil) : CL_INVALID_ARG_SIZE
            }
        try check(
            status, "clSetKernelArg", kernel: name, program: program.name, detail: "argument \(index): \(argument)")
        if case .buffer(let buffer) = argument { bindings[index] = .buffer(buffer) } else { bindings[index] = .value }
    }
}

// MARK: - What the device makes of it

extension Kernel {
    /// The largest work-group that the kernel can run with on this device (`CL_KERNEL_WORK_GROUP_SIZE`).
    package func maxWorkGroupSize() throws(OpenCLError) -> Int {
        try workGroupInfo.number(CL_KERNEL_WORK_GROUP_SIZE)
    }

    /// Work-group sizes should be multiples of this: a warp on GPUs, a vector on CPUs.
    package func preferredWorkGroupMultiple() throws(OpenCLError) -> Int {
        try workGroupInfo.number(CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE)
    }

    /// Local memory that a work-group takes, in bytes, `local` arguments included once they are set.
    package func localMemory() throws(OpenCLError) -> UInt64 {
        try workGroupInfo.number(CL_KERNEL_LOCAL_MEM_SIZE)
    }

    /// Private memory of a work-item in bytes; more than a little means that registers spill.
    package func privateMemory() throws(OpenCLError) -> UInt64 {
        try workGroupInfo.number(CL_KERNEL_PRIVATE_MEM_SIZE)
    }

    private var workGroupInfo: Info {
        Info(call: "clGetKernelWorkGroupInfo") { [handle, device = program.context.device] in
            clGetKernelWorkGroupInfo(handle, device.handle, $0, $1, $2, $3)
        }
    }
}
