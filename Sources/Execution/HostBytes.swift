import TensorGraph

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes of the host at a fixed address that vectors may be loaded from, their contents undefined.
package final class HostBytes {
    package let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: ``GraphError`` where so much memory cannot be had.
    package init(byteCount: Int) throws(GraphError) {
        try HostMemory.require(byteCount, for: "a tensor or an arena")
        var start: UnsafeMutableRawPointer?
        guard byteCount >= 0, posix_memalign(&start, MemoryPlan.alignment, max(byteCount, 1)) == 0, let start else {
            throw GraphError(
                operation: "memory", message: "the system gives no \(HostMemory.text(of: byteCount))")
        }
        bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }

    deinit { free(bytes.baseAddress) }
}
