import OpenCL
import Testing

/// What goes wrong is reported with the status, the call and what it was about, and nothing crashes.
@Suite(.needsDevice) struct ErrorTests {
    static let source = """
        __kernel void scale(__global float *x, const float factor, __local float *scratch) {
            scratch[get_local_id(0)] = x[get_global_id(0)];
            x[get_global_id(0)] = factor * scratch[get_local_id(0)];
        }
        """

    @Test(arguments: devices) func buildErrorsCarryTheLog(on device: Device) throws {
        let context = try Context(device)
        let error = try #require(
            #expect(throws: OpenCLError.self) {
                try Program(
                    context, source: "__kernel void f(__global int *x) { x[0] = no_such_thing; }",
                    options: "-DUNUSED=1", name: "broken.cl")
            })
        #expect(error.call == "clBuildProgram")
        #expect(error.statusName == "CL_BUILD_PROGRAM_FAILURE")
        #expect(error.program == "broken.cl")
        #expect(error.buildLog?.contains("no_such_thing") == true)
        for part in ["CL_BUILD_PROGRAM_FAILURE (-11)", "broken.cl", "-DUNUSED=1", "no_such_thing"] {
            #expect(error.description.contains(part))
        }
    }

    @Test(arguments: devices) func namesTheKernelThatIsMissing(on device: Device) throws {
        let program = try Program(try Context(device), source: Self.source, name: "scale.cl")
        let error = #expect(throws: OpenCLError.self) { try program.kernel("absent") }
        #expect(error?.statusName == "CL_INVALID_KERNEL_NAME")
        #expect(error?.kernel == "absent")
        #expect(error?.program == "scale.cl")
        #expect(try program.kernelNames() == ["scale"])
    }

    @Test(arguments: devices, [0, -1, .min]) func refusesEmptyBuffers(on device: Device, byteCount: Int) throws {
        let context = try Context(device)
        let error = #expect(throws: OpenCLError.self) { try Buffer(context, byteCount: byteCount) }
        #expect(error?.statusName == "CL_INVALID_BUFFER_SIZE")
        #expect(error?.call == "clCreateBuffer")
    }

    @Test(arguments: devices) func refusesBuffersLargerThanTheDevice(on device: Device) throws {
        let context = try Context(device)
        let error = #expect(throws: OpenCLError.self) {
            // Some drivers only allocate at first use.
            let buffer = try Buffer(context, byteCount: 1 << 60)
            let queue = try Queue(context)
            try queue.fill(buffer, with: UInt8(0), byteCount: buffer.byteCount)
            try queue.finish()
        }
        #expect(error?.detail?.contains("\(1 << 60)") == true)
    }

    @Test(arguments: devices) func checksRangesOfTransfers(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let buffer = try Buffer(context, byteCount: 16)
        func refuses(_ call: String, _ body: () throws -> Void) {
            let error = #expect(throws: OpenCLError.self) { try body() }
            #expect(error?.statusName == "CL_INVALID_VALUE")
            #expect(error?.call == call)
        }
        refuses("clEnqueueWriteBuffer") { try queue.write([Int64](repeating: 0, count: 3), to: buffer) }
        refuses("clEnqueueWriteBuffer") { try queue.write([Int64(0)], to: buffer, offset: 9) }
        refuses("clEnqueueWriteBuffer") { try queue.write([Int64(0)], to: buffer, offset: -1) }
        refuses("clEnqueueReadBuffer") { _ = try queue.read(buffer, count: 5, of: Float.self) }
        refuses("clEnqueueReadBuffer") { _ = try queue.read(buffer, count: -1, of: Float.self) }
        refuses("clEnqueueReadBuffer") { _ = try queue.read(buffer, count: .max, of: Float.self) }
        refuses("clEnqueueCopyBuffer") { try queue.copy(buffer, offset: 0, to: buffer, offset: 12, byteCount: 8) }
        refuses("clEnqueueCopyBuffer") { try queue.copy(buffer, offset: .max, to: buffer, byteCount: 8) }
        refuses("clEnqueueFillBuffer") { try queue.fill(buffer, with: Float(0), byteCount: 20) }
        // A pattern that doesn't fit is for the driver to refuse.
        #expect(throws: OpenCLError.self) { try queue.fill(buffer, with: Float(0), byteCount: 6) }
    }

    @Test(arguments: devices) func checksArguments(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let kernel = try Program(context, source: Self.source).kernel("scale")
        let buffer = try Buffer(context, byteCount: 64 * 4)
        func status(_ body: () throws -> Void) -> String? {
            #expect(throws: OpenCLError.self) { try body() }?.statusName
        }
        #expect(kernel.argumentCount == 3)
        // Not every argument set: no driver sees that launch.
        #expect(status { try queue.launch(kernel, global: NDRange(4)) } == "CL_INVALID_KERNEL_ARGS")
        try kernel.setArgument(0, .buffer(buffer))
        #expect(status { try queue.launch(kernel, global: NDRange(4)) } == "CL_INVALID_KERNEL_ARGS")
        #expect(status { try kernel.setArguments([.buffer(buffer), .float(1)]) } == "CL_INVALID_KERNEL_ARGS")
        #expect(status { try kernel.setArgument(3, .float(1)) } == "CL_INVALID_ARG_INDEX")
        #expect(status { try kernel.setArgument(-1, .float(1)) } == "CL_INVALID_ARG_INDEX")
        #expect(status { try kernel.setArgument(2, .local(byteCount: 0)) } == "CL_INVALID_ARG_SIZE")
        #expect(status { try kernel.setArgument(1, .int64(1)) } == "CL_INVALID_ARG_SIZE")
    }

    @Test(arguments: devices) func checksWorkSizes(on device: Device) throws {
        let context = try Context(device)
        let queue = try Queue(context)
        let kernel = try Program(context, source: Self.source, name: "scale.cl").kernel("scale")
        let buffer = try Buffer(context, byteCount: 64 * 4)
        try kernel.setArguments([.buffer(buffer), .float(1), .local(byteCount: 64 * 4)])
        func error(_ global: NDRange, _ local: NDRange?) -> OpenCLError? {
            #expect(throws: OpenCLError.self) { try queue.launch(kernel, global: global, local: local) }
        }
        #expect(error(NDRange(0), nil)?.statusName == "CL_INVALID_GLOBAL_WORK_SIZE")
        #expect(error(NDRange(4, 0), nil)?.statusName == "CL_INVALID_GLOBAL_WORK_SIZE")
        #expect(error(NDRange(10), NDRange(4))?.statusName == "CL_INVALID_WORK_GROUP_SIZE")
        #expect(error(NDRange(10), NDRange(0))?.statusName == "CL_INVALID_WORK_GROUP_SIZE")
        #expect(error(NDRange(8, 8), NDRange(8))?.statusName == "CL_INVALID_WORK_GROUP_SIZE")
        let tooLarge = device.capabilities.maxWorkGroupSize * 2
        let refusal = error(NDRange(tooLarge), NDRange(tooLarge))
        #expect(refusal?.call == "clEnqueueNDRangeKernel")
        #expect(refusal?.kernel == "scale")
        #expect(refusal?.program == "scale.cl")
        #expect(refusal?.description.contains("(\(tooLarge))") == true)
    }

    @Test(arguments: devices) func refusesBinariesThatAreNone(on device: Device) throws {
        let context = try Context(device)
        #expect(throws: OpenCLError.self) { try Program(context, binary: []) }
        #expect(throws: OpenCLError.self) { try Program(context, binary: Array("nonsense".utf8)) }
    }
}

@Suite struct OpenCLErrorTests {
    @Test func describesItself() {
        let error = OpenCLError(
            status: -54, call: "clEnqueueNDRangeKernel", kernel: "gemm", program: "gemm.cl", detail: "(64) items")
        let text = "clEnqueueNDRangeKernel: CL_INVALID_WORK_GROUP_SIZE (-54), kernel gemm, program gemm.cl: (64) items"
        #expect(error.description == text)
        #expect(OpenCLError(status: -7777, call: "clFinish").description == "clFinish: unknown status (-7777)")
    }

    @Test func roundsRangesUp() {
        #expect(NDRange(10).roundedUp(to: NDRange(4)) == NDRange(12))
        #expect(NDRange(10, 8).roundedUp(to: NDRange(4, 8)) == NDRange(12, 8))
        #expect(NDRange(1, 1, 1).roundedUp(to: NDRange(2, 3, 4)) == NDRange(2, 3, 4))
        #expect(NDRange(12, 8).isMultiple(of: NDRange(4, 8)))
        #expect(!NDRange(12, 8).isMultiple(of: NDRange(4)))
    }
}
