internal import COpenCL

// Moving bytes. Zero bytes are nothing to do, where OpenCL would call it an error. Where an event was asked for,
// even nothing gives one: a marker.

extension Queue {
    /// Copies host memory into a buffer (`clEnqueueWriteBuffer`).
    ///
    /// - Parameter blocking: Whether to return only once `source` has been read. Otherwise it must stay as it is
    ///   until the command has ended.
    @discardableResult
    package func write(
        _ source: UnsafeRawBufferPointer, to buffer: Buffer, offset: Int = 0, blocking: Bool = false,
        after events: [Event] = [], event: Bool = false
    ) throws(OpenCLError) -> Event? {
        try buffer.requireRange("clEnqueueWriteBuffer", offset: offset, byteCount: source.count)
        guard let start = source.baseAddress, source.count > 0 else { return try nothing(after: events, event: event) }
        return try enqueue(after: events, event: event) { (count, list, event) throws(OpenCLError) in
            try check(
                clEnqueueWriteBuffer(
                    handle, buffer.handle, blocking ? 1 : 0, offset, source.count, start, count, list, event),
                "clEnqueueWriteBuffer", detail: "\(source.count) bytes")
        }
    }

    /// Copies an array into a buffer and returns once that is done.
    package func write<Element: BitwiseCopyable>(
        _ elements: [Element], to buffer: Buffer, offset: Int = 0
    ) throws(OpenCLError) {
        var failure: OpenCLError?
        elements.withUnsafeBytes { bytes in
            do throws(OpenCLError) { try write(bytes, to: buffer, offset: offset, blocking: true) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Copies a part of a buffer to host memory (`clEnqueueReadBuffer`).
    ///
    /// - Parameter blocking: Whether to return only once `destination` has been written. Otherwise it must live, and
    ///   not be read, until the command has ended.
    @discardableResult
    package func read(
        _ buffer: Buffer, offset: Int = 0, into destination: UnsafeMutableRawBufferPointer, blocking: Bool = false,
        after events: [Event] = [], event: Bool = false
    ) throws(OpenCLError) -> Event? {
        try buffer.requireRange("clEnqueueReadBuffer", offset: offset, byteCount: destination.count)
        guard let start = destination.baseAddress, destination.count > 0 else {
            return try nothing(after: events, event: event)
        }
        return try enqueue(after: events, event: event) { (count, list, event) throws(OpenCLError) in
            try check(
                clEnqueueReadBuffer(
                    handle, buffer.handle, blocking ? 1 : 0, offset, destination.count, start, count, list, event),
                "clEnqueueReadBuffer", detail: "\(destination.count) bytes")
        }
    }

    /// A part of a buffer as an array, once every command before has ended.
    package func read<Element: BitwiseCopyable>(
        _ buffer: Buffer, offset: Int = 0, count: Int, of type: Element.Type = Element.self
    ) throws(OpenCLError) -> [Element] {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow else { throw .invalidValue("clEnqueueReadBuffer", "\(count) elements") }
        try buffer.requireRange("clEnqueueReadBuffer", offset: offset, byteCount: byteCount)
        var failure: OpenCLError?
        let elements = [Element](unsafeUninitializedCapacity: count) { memory, initialized in
            let bytes = UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: byteCount)
            do throws(OpenCLError) {
                try read(buffer, offset: offset, into: bytes, blocking: true)
                initialized = count
            } catch { failure = error }
        }
        if let failure { throw failure }
        return elements
    }

    /// Copies between buffers, or inside one where the two parts don't overlap (`clEnqueueCopyBuffer`).
    @discardableResult
    package func copy(
        _ source: Buffer, offset: Int = 0, to destination: Buffer, offset destinationOffset: Int = 0,
        byteCount: Int, after events: [Event] = [], event: Bool = false
    ) throws(OpenCLError) -> Event? {
        try source.requireRange("clEnqueueCopyBuffer", offset: offset, byteCount: byteCount)
        try destination.requireRange("clEnqueueCopyBuffer", offset: destinationOffset, byteCount: byteCount)
        guard byteCount > 0 else { return try nothing(after: events, event: event) }
        return try enqueue(after: events, event: event) { (count, list, event) throws(OpenCLError) in
            try check(
                clEnqueueCopyBuffer(
                    handle, source.handle, destination.handle, offset, destinationOffset, byteCount, count, list,
                    event),
                "clEnqueueCopyBuffer", detail: "\(byteCount) bytes")
        }
    }

    /// Repeats a value over a part of a buffer (`clEnqueueFillBuffer`).
    ///
    /// - Parameter value: Of 1, 2, 4, … 128 bytes; `offset` and `byteCount` must be multiples of its size.
    @discardableResult
    package func fill<Value: BitwiseCopyable>(
        _ buffer: Buffer, with value: Value, offset: Int = 0, byteCount: Int, after events: [Event] = [],
        event: Bool = false
    ) throws(OpenCLError) -> Event? {
        try buffer.requireRange("clEnqueueFillBuffer", offset: offset, byteCount: byteCount)
        guard byteCount > 0 else { return try nothing(after: events, event: event) }
        return try enqueue(after: events, event: event) { (count, list, event) throws(OpenCLError) in
            let status = withUnsafePointer(to: value) { pattern in
                clEnqueueFillBuffer(
                    handle, buffer.handle, pattern, MemoryLayout<Value>.size, offset, byteCount, count, list, event)
            }
            try check(
                status, "clEnqueueFillBuffer",
                detail: "\(byteCount) bytes at offset \(offset) with a pattern of \(MemoryLayout<Value>.size)")
        }
    }

    /// A command that does nothing and ends when all before it, and `events`, have (`clEnqueueMarkerWithWaitList`).
    package func marker(after events: [Event] = []) throws(OpenCLError) -> Event {
        let event = try enqueue(after: events, event: true) { (count, list, event) throws(OpenCLError) in
            try check(clEnqueueMarkerWithWaitList(handle, count, list, event), "clEnqueueMarkerWithWaitList")
        }
        guard let event else {
            throw OpenCLError(
                status: CL_OUT_OF_RESOURCES, call: "clEnqueueMarkerWithWaitList",
                detail: "the driver reported success but returned no event")
        }
        return event
    }

    private func nothing(after events: [Event], event: Bool) throws(OpenCLError) -> Event? {
        guard event || !events.isEmpty else { return nil }
        return try marker(after: events)
    }
}

// MARK: - Mapping

extension Queue {
    /// What a mapped region is for.
    package enum MapAccess: Sendable {
        case read, write
        /// The old contents are of no interest: spares a device with memory of its own a transfer.
        case overwrite
    }

    /// Gives `body` the buffer's bytes as host memory, without a copy where device and host share memory
    /// (`clEnqueueMapBuffer`, `clEnqueueUnmapMemObject`). Waits for the commands before it.
    package func withMapped<Result>(
        _ buffer: Buffer, _ access: MapAccess, _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) throws -> Result {
        let flags =
            switch access {
            case .read: cl_map_flags(CL_MAP_READ)
            case .write: cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
            case .overwrite: cl_map_flags(CL_MAP_WRITE_INVALIDATE_REGION)
            }
        var status: cl_int = CL_SUCCESS
        let start = clEnqueueMapBuffer(
            handle, buffer.handle, 1, flags, 0, buffer.byteCount, 0, nil, nil, &status)
        try check(status, "clEnqueueMapBuffer", detail: "\(buffer.byteCount) bytes")
        guard let start else {
            throw OpenCLError(
                status: CL_MAP_FAILURE, call: "clEnqueueMapBuffer",
                detail: "the driver reported success but returned no address")
        }
        let outcome = Swift.Result {
            try body(UnsafeMutableRawBufferPointer(start: start, count: buffer.byteCount))
        }
        try check(
            clEnqueueUnmapMemObject(handle, buffer.handle, start, 0, nil, nil), "clEnqueueUnmapMemObject")
        return try outcome.get()
    }
}
