import OpenCL

/// What a device reaches at best: the two edges of a roofline, and what a launch costs (`Kernels/probe`).
///
/// Every figure is the best of several kernels, GPU-like and CPU-like, each timed on the host's clock over a run long
/// enough for the clock not to matter. On a device so slow that this takes many seconds, a simulator say, fewer kernels
/// are tried.
package struct PeakMeasurement: Hashable, Sendable, Codable {
    /// A best figure, and how it was reached.
    package struct Figure: Hashable, Sendable, Codable {
        package var value: Double
        package var kernel: String
    }

    /// Multiply-adds on float32, in GFLOPS, two flops each.
    package var float32: Figure
    /// The same on float64, where the device has it.
    package var float64: Figure?
    /// The same on float16, where the device has it.
    package var float16: Figure?
    /// In GB/s, bytes read and bytes written.
    package var copyBandwidth: Figure
    package var triadBandwidth: Figure
    /// Microseconds a launch in a row of empty kernels.
    package var launchMicroseconds: Double
    /// Microseconds to launch an empty kernel and wait for it.
    package var roundTripMicroseconds: Double

    /// The best bandwidth, for a roofline, in GB/s.
    package var bandwidth: Double { max(copyBandwidth.value, triadBandwidth.value) }

    package init(of device: Device) throws {
        let rig = try Rig(device)
        float32 = try rig.arithmetic(element: "float", size: 4, options: "", native: \.nativeFloat)
        // Optional types: a device that states one and fails at it has none, which is no reason to give up the rest.
        float64 =
            device.capabilities.hasDouble
            ? try? rig.arithmetic(element: "double", size: 8, options: "-DNEEDS_DOUBLE", native: \.nativeDouble) : nil
        float16 =
            device.capabilities.hasHalf
            ? try? rig.arithmetic(element: "half", size: 2, options: "-DNEEDS_HALF", native: \.nativeHalf) : nil
        (copyBandwidth, triadBandwidth) = try rig.bandwidth()
        (launchMicroseconds, roundTripMicroseconds) = try rig.launchCost()
    }
}

/// A kernel's form: how many elements a vector has, and how many work-items a work-group.
private struct Form {
    var width: Int
    var local: Int

    func name(_ element: String) -> String {
        "\(element)\(width == 1 ? "" : "\(width)"), work-groups of \(local)"
    }
}

private struct Rig {
    let queue: Queue
    let device: Device
    let clock = ContinuousClock()
    /// How long to go on trying other forms of a kernel.
    static let patience = Duration.seconds(5)

    var context: Context { queue.context }

    init(_ device: Device) throws {
        self.device = device
        queue = try Queue(try Context(device))
    }

    /// The forms worth trying: large work-groups of narrow items, and single items with vectors around the native
    /// width. Both on every device: a driver may do either better.
    private func forms(native: Int, widest: Int) -> [Form] {
        let large = [256, 128, 64, 32].first { $0 <= device.capabilities.maxWorkGroupSize } ?? 1
        var forms = [1, 2, 4].map { Form(width: $0, local: large) }
        for width in [native, native * 2, 4] where [4, 8, 16].contains(width) && width <= widest {
            if !forms.contains(where: { $0.width == width && $0.local == 1 }) {
                forms.append(Form(width: width, local: 1))
            }
        }
        return forms
    }

    // MARK: - Arithmetic

    func arithmetic(
        element: String, size: Int, options: String, native: KeyPath<Capabilities.VectorWidths, Int>
    ) throws -> PeakMeasurement.Figure {
        let source = try KernelSource.text(of: "probe/peak_arithmetic.cl")
        let (chains, unroll) = (12, 8)
        var best: PeakMeasurement.Figure?
        var failure: (any Error)?
        let start = clock.now
        for form in forms(native: device.capabilities.vectorWidths[keyPath: native], widest: 16) {
            if best != nil, clock.now - start > Self.patience { break }
            do {
                let program = try Program(
                    context, source: source,
                    options: "-DELEMENT=\(element) -DWIDTH=\(form.width) -DCHAINS=\(chains) -DUNROLL=\(unroll) "
                        + options,
                    name: "peak_arithmetic.cl")
                let kernel = try program.kernel("peak_arithmetic")
                guard form.local <= (try kernel.maxWorkGroupSize()) else { continue }
                // Enough to fill every unit: several work-groups each, more where groups are meant to hide latency.
                let items = device.capabilities.computeUnits * form.local * (form.local == 1 ? 4 : 16)
                let out = try Buffer(context, byteCount: items * size)
                let flops = Double(2 * form.width * chains * unroll) * Double(items)
                func run(_ rounds: Int) throws -> Double {
                    try seconds {
                        try queue.launch(
                            kernel,
                            arguments: [.buffer(out), .float(0.9375), .float(0.125), .int32(Int32(rounds))],
                            global: NDRange(items), local: NDRange(form.local))
                    }
                }
                let (rounds, time) = try longEnough(first: 1, run)
                let rate = flops * Double(rounds) / time * 1e-9
                if rate > best?.value ?? 0 { best = .init(value: rate, kernel: form.name(element)) }
            } catch {
                // One form that a driver can't build is no reason to give up the others.
                failure = error
            }
        }
        if let best { return best }
        throw failure ?? OpenCLError(status: -54, call: "clEnqueueNDRangeKernel", kernel: "peak_arithmetic")
    }

    // MARK: - Memory

    func bandwidth() throws -> (copy: PeakMeasurement.Figure, triad: PeakMeasurement.Figure) {
        let source = try KernelSource.text(of: "probe/memory_bandwidth.cl")
        let capabilities = device.capabilities
        // Far beyond any cache, and within what the device gives.
        let wanted = max(64 << 20, Int(clamping: capabilities.globalCache) * 4)
        let byteCount = min(
            wanted, 512 << 20, Int(clamping: capabilities.maxAllocation) / 2,
            Int(clamping: capabilities.globalMemory) / 8)
        let unit = 256 * 16 * 64 * 4
        let count = max(byteCount / unit, 1) * unit / 4
        let a = try Buffer(context, byteCount: count * 4)
        let b = try Buffer(context, byteCount: count * 4)
        let out = try Buffer(context, byteCount: count * 4)
        for buffer in [a, b, out] { try queue.fill(buffer, with: Float(1), byteCount: buffer.byteCount) }
        try queue.finish()

        var copy: PeakMeasurement.Figure?
        var triad: PeakMeasurement.Figure?
        var failure: (any Error)?
        let start = clock.now
        for form in forms(native: capabilities.vectorWidths.nativeFloat, widest: 16) {
            if copy != nil, triad != nil, clock.now - start > Self.patience { break }
            do {
                let block = form.local == 1 ? 64 : 1
                let program = try Program(
                    context, source: source, options: "-DWIDTH=\(form.width) -DBLOCK=\(block)",
                    name: "memory_bandwidth.cl")
                let global = NDRange(count / form.width / block)
                let local = NDRange(form.local)
                let copyKernel = try program.kernel("copy")
                let triadKernel = try program.kernel("triad")
                let copyTime = try bestSeconds {
                    try queue.launch(copyKernel, arguments: [.buffer(a), .buffer(out)], global: global, local: local)
                }
                let triadTime = try bestSeconds {
                    try queue.launch(
                        triadKernel, arguments: [.buffer(a), .buffer(b), .buffer(out), .float(3)], global: global,
                        local: local)
                }
                let copyRate = Double(count * 8) / copyTime * 1e-9
                let triadRate = Double(count * 12) / triadTime * 1e-9
                if copyRate > copy?.value ?? 0 { copy = .init(value: copyRate, kernel: form.name("float")) }
                if triadRate > triad?.value ?? 0 { triad = .init(value: triadRate, kernel: form.name("float")) }
            } catch {
                failure = error
            }
        }
        if let copy, let triad { return (copy, triad) }
        throw failure ?? OpenCLError(status: -54, call: "clEnqueueNDRangeKernel", kernel: "copy")
    }

    // MARK: - Launching

    func launchCost() throws -> (launch: Double, roundTrip: Double) {
        let program = try Program(context, source: try KernelSource.text(of: "probe/launch.cl"), name: "launch.cl")
        let kernel = try program.kernel("launch")
        let out = try Buffer(context, byteCount: 4)
        try kernel.setArguments([.buffer(out), .int32(0)])
        func launch() throws { try queue.launch(kernel, global: NDRange(1), local: NDRange(1)) }
        let count = 500
        let row = try bestSeconds { for _ in 0..<count { try launch() } }
        let roundTrip = try bestSeconds {
            for _ in 0..<50 {
                try launch()
                try queue.finish()
            }
        }
        return (row / Double(count) * 1e6, roundTrip / 50 * 1e6)
    }

    // MARK: - Time

    /// The time until everything that `body` enqueues has ended.
    private func seconds(_ body: () throws -> Void) throws -> Double {
        try queue.finish()
        let start = clock.now
        try body()
        try queue.finish()
        let duration = (clock.now - start).components
        return Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
    }

    /// The shortest of several runs after one to warm up, for about a tenth of a second.
    private func bestSeconds(_ body: () throws -> Void) throws -> Double {
        var total = try seconds(body)
        var best = Double.infinity
        var runs = 0
        while runs == 0 || (runs < 3 && total < 2) || (runs < 20 && total < 0.1) {
            let time = try seconds(body)
            best = min(best, time)
            total += time
            runs += 1
        }
        return max(best, 1e-9)
    }

    /// Raises the work until a run takes 5 ms, then takes the best of many: on a machine that is shared, a longer one hardly
    /// ever has all units to itself.
    private func longEnough(
        first: Int, _ run: (Int) throws -> Double
    ) throws -> (rounds: Int, seconds: Double) {
        var rounds = first
        _ = try run(rounds)
        var time = try run(rounds)
        while time < 0.005, rounds < 1 << 26 {
            // Twice at least, towards 8 ms at most.
            rounds *= max(2, min(64, Int(0.008 / max(time, 1e-6))))
            time = try run(rounds)
        }
        for _ in 0..<30 where time < 1 { time = min(time, try run(rounds)) }
        return (rounds, max(time, 1e-9))
    }
}
