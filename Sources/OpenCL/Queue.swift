internal import COpenCL
internal import Synchronization

/// A queue of commands that run one after the other, in order (`cl_command_queue`).
///
/// Enqueuing returns at once. Each method takes events to wait for (only needed for commands of other queues) and,
/// on `event: true`, returns the command's own.
///
/// A command that fails on the device may be heard of from its event alone: every command has one here, and ``finish()`` asks
/// all of them.
package final class Queue: @unchecked Sendable {
    // Unchecked: the API allows a queue to be used from any thread.
    let handle: OpaquePointer
    package let context: Context
    /// Whether events carry times.
    package let isProfiling: Bool
    /// Of the commands since the last ``finish()``.
    private let outstanding = Mutex<[Event]>([])

    package init(_ context: Context, profiling: Bool = false) throws(OpenCLError) {
        self.context = context
        isProfiling = profiling
        let properties = profiling ? cl_command_queue_properties(CL_QUEUE_PROFILING_ENABLE) : 0
        handle = try create("clCreateCommandQueue", detail: "device \(context.device.name)") {
            clCreateCommandQueue(context.handle, context.device.handle, properties, $0)
        }
    }

    /// Waits for what is queued, so that no command outlives memory of the host that it reads or writes.
    deinit {
        clFinish(handle)
        clReleaseCommandQueue(handle)
    }

    /// Blocks until every command has ended (`clFinish`).
    ///
    /// - Throws: what the wait reports, or a command since the last one.
    package func finish() throws(OpenCLError) {
        let events = outstanding.withLock { events in
            defer { events.removeAll(keepingCapacity: true) }
            return events
        }
        try check(clFinish(handle), "clFinish")
        try Event.checkOutcomes(of: events)
    }

    /// Hands what is queued to the device without waiting (`clFlush`).
    package func flush() throws(OpenCLError) { try check(clFlush(handle), "clFlush") }

    /// Runs a kernel over `global` work-items in work-groups of `local` (`clEnqueueNDRangeKernel`).
    ///
    /// - Parameters:
    ///   - arguments: All arguments, bound in the same step; nil takes those that `Kernel.setArguments` bound.
    ///   - local: Must divide `global`; nil lets the driver choose.
    @discardableResult
    package func launch(
        _ kernel: Kernel, arguments: [Kernel.Argument]? = nil, global: NDRange, local: NDRange? = nil,
        after events: [Event] = [], event wantsEvent: Bool = false
    ) throws(OpenCLError) -> Event? {
        guard global.isPositive else {
            throw OpenCLError(
                status: CL_INVALID_GLOBAL_WORK_SIZE, call: "clEnqueueNDRangeKernel", kernel: kernel.name,
                program: kernel.program.name, detail: "\(global) work-items")
        }
        if let local, !global.isMultiple(of: local) {
            throw OpenCLError(
                status: CL_INVALID_WORK_GROUP_SIZE, call: "clEnqueueNDRangeKernel", kernel: kernel.name,
                program: kernel.program.name,
                detail: "\(global) work-items are no whole number of work-groups of \(local)")
        }
        return try enqueue(after: events, event: wantsEvent) { (count, waitList, event) throws(OpenCLError) in
            let description = "\(global) work-items in work-groups of \(local?.description ?? "any size")"
            try kernel.launch(
                arguments,
                { kernelHandle in
                    withSizes(global) { globalSizes in
                        guard let local else {
                            return clEnqueueNDRangeKernel(
                                handle, kernelHandle, cl_uint(global.dimensions), nil, globalSizes, nil, count,
                                waitList, event)
                        }
                        return withSizes(local) { localSizes in
                            clEnqueueNDRangeKernel(
                                handle, kernelHandle, cl_uint(global.dimensions), nil, globalSizes, localSizes,
                                count, waitList, event)
                        }
                    }
                }, detail: description)
        }
    }

    /// The common end of every enqueue function: the wait list and the event.
    func enqueue(
        after events: [Event], event wantsEvent: Bool,
        _ body: (cl_uint, UnsafePointer<cl_event?>?, UnsafeMutablePointer<cl_event?>?) throws(OpenCLError) -> Void
    ) throws(OpenCLError) -> Event? {
        var made: cl_event?
        let handles = events.map { Optional($0.handle) }
        try withExtendedLifetime(events) { () throws(OpenCLError) in
            // An empty wait list must be NULL, or drivers refuse the call.
            try handles.withUnsafeBufferPointer { (list) throws(OpenCLError) in
                try withUnsafeMutablePointer(to: &made) { (event) throws(OpenCLError) in
                    try body(cl_uint(list.count), list.isEmpty ? nil : list.baseAddress, event)
                }
            }
        }
        guard let made else { return nil }
        let event = Event(handle: made, isProfiling: isProfiling)
        outstanding.withLock { $0.append(event) }
        return wantsEvent ? event : nil
    }
}

/// The three sizes in memory, as OpenCL reads them.
@inline(__always)
private func withSizes<Result>(_ range: NDRange, _ body: (UnsafePointer<Int>) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 3) { sizes in
        sizes.initializeElement(at: 0, to: range.x)
        sizes.initializeElement(at: 1, to: range.y)
        sizes.initializeElement(at: 2, to: range.z)
        return sizes.withUnsafeBufferPointer(body)
    }
}

extension UnsafeMutableBufferPointer<Int> {
    fileprivate func withUnsafeBufferPointer<Result>(_ body: (UnsafePointer<Int>) -> Result) -> Result {
        guard let baseAddress else { preconditionFailure("a temporary allocation of three has an address") }
        return body(UnsafePointer(baseAddress))
    }
}
