import Execution
import Foundation
import OpenCL
import TensorGraph

/// One OpenCL device with a context, an in-order queue and the programs built for it.
package final class OpenCLBackend: Backend {
    package let name: String
    package let device: Device
    package private(set) var profile: DeviceProfile
    package let maximumAllocation: Int
    package let memorySize: Int
    package let usesHostMemory: Bool
    /// What is wrong with the user's own tuning results, where they could not be used.
    package let tuningWarning: String?

    let context: Context
    let queue: Queue
    let programs: ProgramCache
    /// Specifications whose program could not be built: not tried again in this process.
    var failed: [KernelSpecification: any Error] = [:]
    /// Kernels that were built here and whose machine code the driver leaves to their first launch.
    var unlaunched: Set<KernelSpecification> = []
    /// How far the compiler is.
    var compilation: CompilationCount
    /// Is told how far the compiler is with kernels that no cache has.
    package var onCompilation: ((KernelCompilation) -> Void)?
    /// What trials of kernels have found; nil for one that may be used.
    var verdicts: [KernelSpecification: String?] = [:]
    /// Is told, once for each, of kernels that had to be given up, and of built programs that are not to be trusted.
    package var notice: (@Sendable (String) -> Void)? {
        didSet { programs.warn(notice) }
    }
    /// The device's matrix units, found when a node first asks for them.
    private lazy var foundUnits = MatrixUnits.found(queue, programs)

    /// - Parameters:
    ///   - profile: what lowering is to know of the device; by default what the device says of itself, with the numbers that
    ///     the package and the user's own file know of it.
    ///   - style: which style of kernels to use; by default what suits the type of device.
    ///   - timesKernels: whether a trace can be taken of runs.
    ///   - tuning: the numbers for its kernels; by default what the package and the user's own file know of the device.
    ///   - keepsPrograms: whether built programs are put into files for the next start.
    ///   - optimizesKernels: whether the driver's compiler is to optimize. Without, it takes a tenth of the time, for those who
    ///     want to know what kernels compute and not how fast.
    ///   - allowsTF32: whether products of float32 may be computed in TF32, where the device has units for it.
    ///   - matrixUnits: what to use in place of what the device is found to have.
    /// - Throws: `OpenCLError` where the device cannot be opened.
    package init(
        _ device: Device, profile: DeviceProfile? = nil, style: DeviceProfile.KernelStyle? = nil,
        timesKernels: Bool = true, tuning: TuningTable? = nil, keepsPrograms: Bool = true,
        optimizesKernels: Bool = true,
        allowsTF32: Bool = false, matrixUnits: MatrixUnits? = nil
    ) throws {
        self.device = device
        name = "opencl: \(device.name)"
        var chosen = profile ?? DeviceProfile(device, style: style)
        if let tuning { chosen.tuning = tuning }
        if profile == nil, tuning == nil {
            (chosen.tuning, tuningWarning) = TuningTable.of(TunedDevice(device))
        } else {
            tuningWarning = nil
        }
        if allowsTF32 { chosen.allowsTF32 = true }
        if let matrixUnits { chosen.matrixUnits = matrixUnits }
        self.profile = chosen
        maximumAllocation = Int(clamping: device.capabilities.maxAllocation)
        memorySize = Int(clamping: device.capabilities.globalMemory)
        usesHostMemory = device.type == .cpu || device.capabilities.hasUnifiedMemory
        compilation = CompilationCount(stepsEach: device.compilesAtLaunch ? 2 : 1)
        context = try Context(device)
        queue = try Queue(context, profiling: timesKernels)
        let options = optimizesKernels ? "" : "-cl-opt-disable"
        programs =
            keepsPrograms
            ? ProgramCache(context, options: options) : ProgramCache(context, directory: nil, options: options)
    }

    package func lower(_ node: Node, steady: Set<Int>) throws -> Lowering {
        var profile = profile(for: node)
        let lowering = try profile.lower(node, steady: steady)
        guard case .accepted(let accepted) = lowering, let lowered = accepted as? OpenCLNode else { return lowering }
        if let trial = lowered.trial, let failure = failure(of: trial) {
            profile.matrixUnits = nil
            let generic = try profile.lower(node, steady: steady)
            guard case .accepted(let accepted) = generic, var lowered = accepted as? OpenCLNode else { return generic }
            lowered.summary += "; not on matrix units: \(failure.split(separator: "\n").first ?? "")"
            return .accepted(try built(lowered))
        }
        return .accepted(try built(lowered))
    }

    /// What to lower a node with: matrix units are looked for once a node asks for them.
    func profile(for node: Node) -> DeviceProfile {
        var profile = profile
        if profile.matrixUnits == nil, profile.style == .gpu, asksForMatrixUnits(node) {
            profile.matrixUnits = foundUnits
        }
        return profile
    }

    private func asksForMatrixUnits(_ node: Node) -> Bool {
        guard case .matrixProduct = node.op.traits.role else { return false }
        let dtype = node.operandTypes[0].dtype
        return dtype.isHalf || dtype == .float32 && profile.allowsTF32
    }

    private func built(_ lowered: OpenCLNode) throws -> OpenCLNode {
        // Built now, so that a kernel that this driver cannot build leaves its node to the next backend.
        for launch in lowered.launches { _ = try program(for: launch.kernel) }
        return lowered
    }

    /// Has nodes lowered from now on use these numbers for a family's kernels, whatever is known of the device; nil ends
    /// that.
    package func force(_ values: TuningValues?, for family: String) { profile.tuning.force(values, for: family) }

    package func allocate(byteCount: Int) throws -> any Memory {
        if usesHostMemory { try HostMemory.require(byteCount, for: "a tensor or an arena of \(name)") }
        return OpenCLMemory(try Buffer(context, byteCount: byteCount))
    }

    package func record(_ nodes: [PlacedNode]) throws -> any Recording {
        try OpenCLRecording(nodes, on: self)
    }

    package func write(_ source: UnsafeRawBufferPointer, to memory: any Memory, at byteOffset: Int) throws {
        try queue.write(source, to: try memory.buffer, offset: byteOffset)
    }

    package func read(_ memory: any Memory, at byteOffset: Int, into destination: UnsafeMutableRawBufferPointer) throws
    {
        try queue.read(try memory.buffer, offset: byteOffset, into: destination)
    }

    package func copy(
        _ source: any Memory, at sourceOffset: Int, to destination: any Memory, at destinationOffset: Int,
        byteCount: Int
    ) throws {
        try queue.copy(
            try source.buffer, offset: sourceOffset, to: try destination.buffer, offset: destinationOffset,
            byteCount: byteCount)
    }

    package func finish() throws {
        try queue.finish()
    }

    /// The built program of a kernel.
    func program(for kernel: KernelSpecification) throws -> Program {
        if let error = failed[kernel] { throw error }
        let text = try ProgramText(kernel)
        do throws(OpenCLError) {
            return try programs.program(text)
        } catch {
            if error.isBuildFailure { failed[kernel] = error }
            throw error
        }
    }

    /// `TESSERA_BUILD_OPTIONS` adds to every build, as memory checkers need it.
    static func options(_ defines: [String: String]) -> String {
        let extra = ProcessInfo.processInfo.environment["TESSERA_BUILD_OPTIONS"].map { [$0] } ?? []
        let macros = defines.sorted { $0.key < $1.key }.map { "-D\($0.key)=\($0.value)" }
        return (macros + extra).joined(separator: " ")
    }
}

extension DeviceProfile {
    /// Lowers a node without building anything, and notes on it which numbers were looked up.
    package func lower(_ node: Node, steady: Set<Int> = []) throws -> Lowering {
        var profile = self
        let lookUps = TuningLookUps()
        profile.tuning.lookUps = lookUps
        let lowering = try OpenCLLowering(node: node, profile: profile, steady: steady).lowered()
        guard case .accepted(let lowered) = lowering, var lowered = lowered as? OpenCLNode else { return lowering }
        lowered.tuning = lookUps.list
        return .accepted(lowered)
    }

    /// What a device's own description says of it.
    package init(_ device: Device, style: KernelStyle? = nil) {
        let capabilities = device.capabilities
        let width = max(capabilities.vectorWidths.preferredFloat, capabilities.vectorWidths.nativeFloat)
        self.init(
            style: style ?? (device.type == .cpu ? .cpu : .gpu),
            vectorWidth: width >= 16 ? 16 : width >= 8 ? 8 : 4,
            computeUnits: max(capabilities.computeUnits, 1),
            maximumWorkGroupSize: capabilities.maxWorkGroupSize,
            localMemory: Int(clamping: capabilities.localMemory))
    }
}

/// A buffer of the device.
final class OpenCLMemory: Memory {
    let buffer: Buffer

    init(_ buffer: Buffer) { self.buffer = buffer }

    var byteCount: Int { buffer.byteCount }
    var hostBytes: UnsafeMutableRawBufferPointer? { nil }
}

extension Memory {
    /// The buffer behind a memory of this backend.
    var buffer: Buffer {
        get throws {
            guard let memory = self as? OpenCLMemory else {
                throw GraphError(operation: "memory", message: "this memory is not the device's")
            }
            return memory.buffer
        }
    }
}
