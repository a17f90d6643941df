import OpenCL

/// What a device can do that it does not say, found by building and running small kernels (`Kernels/probe`).
package struct DeviceTrial: Hashable, Sendable, Codable {
    /// The most local memory, in bytes, that a kernel was seen to use.
    package var usableLocalMemory: Int
    /// Matrix units that gave the right result, by the instruction that reaches them.
    package var matrixUnits: [String]

    package init(of device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        usableLocalMemory = try Self.usableLocalMemory(queue)
        let units = MatrixUnits.found(queue, ProgramCache(context))
        matrixUnits = MatrixUnits.Format.allCases.filter { units?.formats.contains($0) == true }
            .map { "mma.sync \($0.rawValue) (PTX)" }
    }

    /// Local memory that can really be used, in bytes.
    ///
    /// Where local memory is only a part of global memory, more than the driver states is not tried: nothing would be
    /// gained by it.
    package static func usableLocalMemory(_ queue: Queue) throws -> Int {
        let source = try KernelSource.text(of: "probe/local_memory.cl")
        let capabilities = queue.context.device.capabilities
        func works(_ byteCount: Int) -> Bool { (try? localMemoryWorks(queue, source, byteCount: byteCount)) ?? false }

        let stated = Int(clamping: capabilities.localMemory) / 1024 * 1024
        guard stated > 0 else { return 0 }
        var good = works(stated) ? stated : 0
        // Above what is known to work: nothing if the stated size fails, else the first doubling that fails.
        var bad = stated
        if good > 0 {
            guard capabilities.hasDedicatedLocalMemory else { return good }
            // No processor has more; a simulator may put up with any size.
            let limit = max(stated, 1 << 20)
            bad = good * 2
            while bad <= limit, works(bad) {
                good = bad
                bad *= 2
            }
            if bad > limit { return good }
        }
        // Between the two, to a kilobyte.
        while bad - good > 1024 {
            let middle = (good + bad) / 2 / 1024 * 1024
            if works(middle) { good = middle } else { bad = middle }
        }
        return good
    }

    private static func localMemoryWorks(_ queue: Queue, _ source: String, byteCount: Int) throws -> Bool {
        let context = queue.context
        let program = try Program(context, source: source, options: "-DBYTES=\(byteCount)", name: "local_memory.cl")
        let kernel = try program.kernel("local_memory")
        let items = min(64, try kernel.maxWorkGroupSize())
        guard items > 0 else { return false }
        let wrong = try Buffer(context, byteCount: items * 4)
        try queue.fill(wrong, with: Int32(-1), byteCount: wrong.byteCount)
        try queue.launch(
            kernel, arguments: [.buffer(wrong), .int32(0x5a5a_5a5a)], global: NDRange(items), local: NDRange(items))
        return try queue.read(wrong, count: items, of: Int32.self).allSatisfy { $0 == 0 }
    }
}
