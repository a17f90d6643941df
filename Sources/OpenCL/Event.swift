internal import COpenCL

/// The progress of one command (`cl_event`).
package final class Event: @unchecked Sendable {
    // Unchecked: the handle never changes and the API allows queries and waits from any thread.
    let handle: OpaquePointer
    private let isProfiling: Bool

    /// Takes over the reference that an enqueue function returned.
    init(handle: OpaquePointer, isProfiling: Bool) {
        self.handle = handle
        self.isProfiling = isProfiling
    }

    deinit { clReleaseEvent(handle) }

    /// Blocks until the command has ended; throws what the command failed with (`clWaitForEvents`).
    package func wait() throws(OpenCLError) { try Event.wait([self]) }

    /// Blocks until all commands have ended; throws what the first failed one failed with.
    package static func wait(_ events: [Event]) throws(OpenCLError) {
        guard !events.isEmpty else { return }
        let handles = events.map { Optional($0.handle) }
        let status = clWaitForEvents(cl_uint(handles.count), handles)
        if status == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST {
            // That status only says that some command failed: ask which, and with what.
            try checkOutcomes(of: events)
        }
        try check(status, "clWaitForEvents")
    }

    /// Throws what the first of some commands that failed on the device failed with (`clGetEventInfo`). All must have ended.
    static func checkOutcomes(of events: [Event]) throws(OpenCLError) {
        for (index, event) in events.enumerated() {
            let status = try event.executionStatus()
            guard status < 0 else { continue }
            throw OpenCLError(
                status: status, call: "clGetEventInfo",
                detail: "command \(index + 1) of \(events.count) failed on the device")
        }
    }

    /// Whether the command has ended, successfully or not.
    package func isFinished() throws(OpenCLError) -> Bool { try executionStatus() <= CL_COMPLETE }

    private func executionStatus() throws(OpenCLError) -> cl_int {
        let info = Info(call: "clGetEventInfo") { [handle] in clGetEventInfo(handle, $0, $1, $2, $3) }
        return try info.number(CL_EVENT_COMMAND_EXECUTION_STATUS)
    }

    /// When a command passed from one stage to the next, in nanoseconds of the device's clock.
    package struct Profile: Hashable, Sendable {
        package var queued: UInt64
        package var submitted: UInt64
        package var started: UInt64
        package var ended: UInt64

        /// How long the command itself ran.
        package var nanoseconds: UInt64 { ended >= started ? ended - started : 0 }
        package var seconds: Double { Double(nanoseconds) * 1e-9 }
    }

    /// The command's times; it must have ended, on a queue with profiling (`clGetEventProfilingInfo`).
    package func profile() throws(OpenCLError) -> Profile {
        // Some drivers give times that they never promised.
        guard isProfiling else {
            throw OpenCLError(
                status: CL_PROFILING_INFO_NOT_AVAILABLE, call: "clGetEventProfilingInfo",
                detail: "the event's queue was made without profiling")
        }
        let info = Info(call: "clGetEventProfilingInfo") { [handle] in
            clGetEventProfilingInfo(handle, $0, $1, $2, $3)
        }
        return Profile(
            queued: try info.number(CL_PROFILING_COMMAND_QUEUED),
            submitted: try info.number(CL_PROFILING_COMMAND_SUBMIT),
            started: try info.number(CL_PROFILING_COMMAND_START),
            ended: try info.number(CL_PROFILING_COMMAND_END))
    }
}
