import Foundation
import OpenCL
import Testing

@Suite(.needsDevice) struct QueueTests {
    static let step = """
        __kernel void advance(__global int *x, const int add) {
            const size_t i = get_global_id(0);
            x[i] = 3 * x[i] + add;
        }
        """

    /// A hundred dependent launches and copies, none waited for.
    @Test(arguments: devices) func keepsOrder(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let kernel = try Program(context, source: Self.step).kernel("advance")
        let count = 64
        let a = try Buffer(context, byteCount: count * 4)
        let b = try Buffer(context, byteCount: count * 4)
        try queue.fill(a, with: Int32(1), byteCount: a.byteCount)
        var expected: Int32 = 1
        for add in 0..<100 as Range<Int32> {
            try queue.launch(kernel, arguments: [.buffer(a), .int32(add)], global: NDRange(count), local: NDRange(8))
            try queue.copy(a, to: b, byteCount: a.byteCount)
            try queue.copy(b, to: a, byteCount: a.byteCount)
            expected = 3 &* expected &+ add
        }
        #expect(try queue.read(a, count: count, of: Int32.self) == [Int32](repeating: expected, count: count))
    }

    @Test(arguments: devices) func waitsForEventsOfAnotherQueue(on device: Device) throws {
        let context = try Context(device)
        let first = try Queue(context)
        let second = try Queue(context)
        let kernel = try Program(context, source: Self.step).kernel("advance")
        let count = 1 << 16
        let buffer = try Buffer(context, byteCount: count * 4)
        try first.fill(buffer, with: Int32(1), byteCount: buffer.byteCount)
        var done: Event?
        for _ in 0..<10 {
            done = try first.launch(
                kernel, arguments: [.buffer(buffer), .int32(1)], global: NDRange(count), event: true)
        }
        try first.flush()
        var result = [Int32](repeating: 0, count: count)
        try result.withUnsafeMutableBytes { bytes in
            let last = try #require(done)
            let read = try #require(try second.read(buffer, into: bytes, after: [last], event: true))
            try read.wait()
            #expect(try read.isFinished())
        }
        var expected: Int32 = 1
        for _ in 0..<10 { expected = 3 * expected + 1 }
        #expect(result.allSatisfy { $0 == expected })
    }

    @Test(arguments: devices) func givesTimes(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context, profiling: true)
        let kernel = try Program(context, source: Self.step).kernel("advance")
        let buffer = try Buffer(context, byteCount: 1 << 20)
        try queue.fill(buffer, with: Int32(0), byteCount: buffer.byteCount)
        var last: UInt64 = 0
        for _ in 0..<3 {
            let event = try #require(
                try queue.launch(
                    kernel, arguments: [.buffer(buffer), .int32(1)], global: NDRange(1 << 18), event: true))
            try event.wait()
            let profile = try event.profile()
            // Only of start and end do all drivers keep the standard.
            #expect(profile.started <= profile.ended)
            #expect(profile.ended > 0)
            #expect(profile.started >= last)
            last = profile.ended
        }
        // Without profiling there are no times, and an error says so.
        let plain = try Queue(context)
        let event = try plain.marker()
        try event.wait()
        #expect(throws: OpenCLError.self) { try event.profile() }
        #expect(!plain.isProfiling)
        #expect(try queue.launch(kernel, global: NDRange(1)) == nil)
    }

    /// Transfers that don't block, parts of buffers, and nothing at all.
    @Test(arguments: devices) func movesBytes(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let a = try Buffer(context, byteCount: 40)
        let b = try Buffer(context, byteCount: 40)
        try queue.fill(a, with: Int32(-1), byteCount: 40)
        try queue.fill(b, with: UInt8(7), offset: 3, byteCount: 37)
        let source: [Int32] = [1, 2, 3]
        try source.withUnsafeBytes { bytes in
            let written = try #require(try queue.write(bytes, to: a, offset: 8, event: true))
            try queue.copy(a, offset: 4, to: b, offset: 12, byteCount: 16, after: [written])
            try queue.finish()
        }
        #expect(try queue.read(a, count: 10, of: Int32.self) == [-1, -1, 1, 2, 3, -1, -1, -1, -1, -1])
        #expect(try queue.read(b, offset: 12, count: 5, of: Int32.self) == [-1, 1, 2, 3, 0x0707_0707])
        #expect(try queue.read(b, offset: 3, count: 4, of: UInt8.self) == [7, 7, 7, 7])

        try queue.write([Int32](), to: a)
        #expect(try queue.read(a, count: 0, of: Int32.self).isEmpty)
        #expect(try queue.copy(a, offset: 40, to: b, byteCount: 0) == nil)
        let nothing = try #require(try queue.fill(a, with: Int32(0), byteCount: 0, event: true))
        try nothing.wait()
        try Event.wait([])
    }

    @Test(arguments: devices) func mapsBuffers(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let buffer = try Buffer(context, byteCount: 16, hostVisible: true)
        try queue.withMapped(buffer, .overwrite) { $0.copyBytes(from: (0..<16).map { UInt8($0) }) }
        #expect(try queue.read(buffer, count: 16, of: UInt8.self) == (0..<16).map { UInt8($0) })
        try queue.withMapped(buffer, .write) { $0[3] = 99 }
        #expect(try queue.withMapped(buffer, .read) { Array($0)[2...4] } == [2, 99, 4])
        struct Stop: Error {}
        #expect(throws: Stop.self) { try queue.withMapped(buffer, .read) { _ in throw Stop() } }
    }

    /// What a queued command uses may be let go by the host.
    @Test(arguments: devices) func outlivesItsObjects(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let result = try Buffer(context, byteCount: 1 << 20)
        do {
            let kernel = try Program(context, source: Self.step).kernel("advance")
            let buffer = try Buffer(context, byteCount: 1 << 20)
            try queue.fill(buffer, with: Int32(1), byteCount: buffer.byteCount)
            for _ in 0..<5 {
                try queue.launch(kernel, arguments: [.buffer(buffer), .int32(0)], global: NDRange(1 << 18))
            }
            try queue.copy(buffer, to: result, byteCount: buffer.byteCount)
        }
        #expect(try queue.read(result, count: 1 << 18, of: Int32.self).allSatisfy { $0 == 243 })
    }

    /// One kernel object, many threads, each with arguments of its own.
    @Test(arguments: devices) func launchesOneKernelFromManyThreads(on device: Device) async throws {
        let context = try Context(device)
        let kernel = try Program(context, source: Self.step).kernel("advance")
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for thread in 0..<8 as Range<Int32> {
                group.addTask {
                    let queue = try Queue(context)
                    let buffer = try Buffer(context, byteCount: 256)
                    try queue.fill(buffer, with: thread, byteCount: 256)
                    var expected = thread
                    for add in 0..<50 as Range<Int32> {
                        try queue.launch(
                            kernel, arguments: [.buffer(buffer), .int32(add + thread)], global: NDRange(64),
                            local: NDRange(8))
                        expected = 3 &* expected &+ (add + thread)
                    }
                    return try queue.read(buffer, count: 64, of: Int32.self).allSatisfy { $0 == expected }
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
