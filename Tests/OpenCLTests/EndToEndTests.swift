import OpenCL
import Testing

/// Programs that go all the way: buffers, a kernel, a launch, results.
@Suite(.needsDevice) struct EndToEndTests {
    static let vectorAdd = """
        __kernel void add(__global const float *a, const ulong offset, __global const float *b, __global float *sum,
                          const int count) {
            const size_t i = get_global_id(0);
            if (i < (size_t)count) sum[i] = a[offset + i] + b[i];
        }
        """

    @Test(arguments: devices) func addsVectors(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let kernel = try Program(context, source: Self.vectorAdd, name: "add.cl").kernel("add")
        let count = 1003
        let offset = 5
        let a = (0..<count + offset).map { Float($0) }
        let b = (0..<count).map { Float($0) * 0.5 }
        let aBuffer = try Buffer(context, byteCount: a.count * 4, access: .readOnly)
        let bBuffer = try Buffer(context, byteCount: b.count * 4, access: .readOnly)
        let sum = try Buffer(context, byteCount: count * 4, access: .writeOnly)
        try queue.write(a, to: aBuffer)
        try queue.write(b, to: bBuffer)
        let group = NDRange(32)
        try queue.launch(
            kernel,
            arguments: [
                .buffer(aBuffer), .uint64(UInt64(offset)), .buffer(bBuffer), .buffer(sum), .int32(Int32(count)),
            ],
            global: NDRange(count).roundedUp(to: group), local: group)
        let result = try queue.read(sum, count: count, of: Float.self)
        #expect(result == (0..<count).map { a[offset + $0] + b[$0] })
    }

    /// The bytes of every argument type arrive as they were given, and local memory can be used.
    @Test(arguments: devices) func passesEveryArgumentType(on device: Device) throws {
        let source = """
            __kernel void arguments(const int a, const uint b, const long c, const ulong d, const float e,
                              __local int *scratch, __global long *out) {
                scratch[get_local_id(0)] = (int)get_local_id(0) + 100;
                barrier(CLK_LOCAL_MEM_FENCE);
                if (get_global_id(0) == 0) {
                    out[0] = a; out[1] = b; out[2] = c; out[3] = (long)d; out[4] = (long)(e * 8);
                    out[5] = scratch[3];
                }
            }
            """
        let context = try Context(device)
        let queue = try Queue(context)
        let kernel = try Program(context, source: source).kernel("arguments")
        let out = try Buffer(context, byteCount: 6 * 8)
        try kernel.setArguments([
            .int32(-7), .uint32(.max), .int64(.min), .uint64(1 << 62), .float(-2.125), .local(byteCount: 4 * 4),
            .buffer(out),
        ])
        // Twice with the arguments bound once.
        for _ in 0..<2 {
            try queue.fill(out, with: Int64(0), byteCount: out.byteCount)
            try queue.launch(kernel, global: NDRange(4), local: NDRange(4))
            #expect(
                try queue.read(out, count: 6, of: Int64.self) == [-7, Int64(UInt32.max), .min, 1 << 62, -17, 103])
        }
    }
}
