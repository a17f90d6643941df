internal import COpenCL

/// What a device says it can do (`clGetDeviceInfo`). Sizes are in bytes.
///
/// Only what 1.2 requires must be answered; for the rest a driver's refusal means nil, zero or false.
package struct Capabilities: Hashable, Sendable, Codable {
    package var name: String
    package var vendor: String
    package var vendorID: UInt32
    package var type: DeviceType
    /// "OpenCL 3.0 …": the API that the device offers.
    package var version: String
    package var driverVersion: String
    /// "OpenCL C 1.2 …": the language that its compiler takes by default.
    package var languageVersion: String
    package var isAvailable: Bool
    package var hasCompiler: Bool
    package var isLittleEndian: Bool
    package var addressBits: Int

    package var computeUnits: Int
    package var clockMHz: Int

    package var globalMemory: UInt64
    package var maxAllocation: UInt64
    package var globalCache: UInt64
    package var globalCacheLine: Int
    package var localMemory: UInt64
    /// Whether local memory is memory of its own; false where it is a part of global memory (most CPU devices).
    package var hasDedicatedLocalMemory: Bool
    package var maxConstantBuffer: UInt64
    package var hasUnifiedMemory: Bool
    /// Alignment that a sub-buffer's start must have.
    package var baseAddressAlignment: Int

    package var maxWorkGroupSize: Int
    package var maxWorkItemSizes: [Int]
    package var maxArgumentBytes: Int

    package var vectorWidths: VectorWidths

    package var hasDouble: Bool
    package var hasHalf: Bool
    /// Whether the driver states that `fma` rounds once in hardware (`CL_FP_FMA`); some that do it don't state it.
    package var hasFusedMultiplyAdd: Bool
    package var hasDenormals: Bool

    package var profilingResolutionNanoseconds: Int
    package var maxSubDevices: Int

    /// Most subgroups in a work-group (OpenCL 2.1 and later); zero where there are none.
    package var maxSubgroups: Int
    package var warpSize: Int?
    package var hasCommandBuffers: Bool
    package var hasIntegerDotProduct: Bool
    package var hasSPIRV: Bool
    /// Matrix-multiply units that an extension offers, for example `cl_intel_subgroup_matrix_multiply_accumulate`.
    package var matrixExtensions: [String]
    package var extensions: [String]

    /// How many elements a vector register holds, by type: what the driver prefers, and what the hardware has.
    package struct VectorWidths: Hashable, Sendable, Codable {
        package var preferredFloat: Int
        package var nativeFloat: Int
        package var preferredDouble: Int
        package var nativeDouble: Int
        package var preferredHalf: Int
        package var nativeHalf: Int
        package var preferredInt: Int
        package var nativeInt: Int
    }

    /// Whether kernels can be built and run on it at all.
    package var isUsable: Bool { isAvailable && hasCompiler && isLittleEndian }

    package func has(_ name: String) -> Bool { extensions.contains(name) }

    /// Not a speed: a number to order devices of the same type by.
    var throughputGuess: Int { computeUnits * max(clockMHz, 1) }
}

extension Capabilities {
    init(_ info: Info, platformExtensions: [String]) throws(OpenCLError) {
        func count(_ parameter: some FixedWidthInteger) -> Int {
            Int((try? info.number(parameter, as: cl_uint.self)) ?? 0)
        }
        func bytes(_ parameter: some FixedWidthInteger) -> UInt64 {
            (try? info.number(parameter, as: cl_ulong.self)) ?? 0
        }
        func size(_ parameter: some FixedWidthInteger) -> Int {
            (try? info.number(parameter, as: Int.self)) ?? 0
        }
        func flag(_ parameter: some FixedWidthInteger) -> Bool { (try? info.flag(parameter)) ?? false }

        name = try info.string(CL_DEVICE_NAME)
        vendor = try info.string(CL_DEVICE_VENDOR)
        vendorID = try info.number(CL_DEVICE_VENDOR_ID)
        type = DeviceType(try info.number(CL_DEVICE_TYPE))
        version = try info.string(CL_DEVICE_VERSION)
        driverVersion = try info.string(CL_DRIVER_VERSION)
        languageVersion = (try? info.string(CL_DEVICE_OPENCL_C_VERSION)) ?? ""
        isAvailable = try info.flag(CL_DEVICE_AVAILABLE)
        hasCompiler = try info.flag(CL_DEVICE_COMPILER_AVAILABLE)
        isLittleEndian = try info.flag(CL_DEVICE_ENDIAN_LITTLE)
        addressBits = count(CL_DEVICE_ADDRESS_BITS)

        computeUnits = count(CL_DEVICE_MAX_COMPUTE_UNITS)
        clockMHz = count(CL_DEVICE_MAX_CLOCK_FREQUENCY)

        globalMemory = bytes(CL_DEVICE_GLOBAL_MEM_SIZE)
        maxAllocation = bytes(CL_DEVICE_MAX_MEM_ALLOC_SIZE)
        globalCache = bytes(CL_DEVICE_GLOBAL_MEM_CACHE_SIZE)
        globalCacheLine = count(CL_DEVICE_GLOBAL_MEM_CACHELINE_SIZE)
        localMemory = bytes(CL_DEVICE_LOCAL_MEM_SIZE)
        hasDedicatedLocalMemory = count(CL_DEVICE_LOCAL_MEM_TYPE) == Int(CL_LOCAL)
        maxConstantBuffer = bytes(CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE)
        hasUnifiedMemory = flag(CL_DEVICE_HOST_UNIFIED_MEMORY)
        baseAddressAlignment = count(CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8

        maxWorkGroupSize = size(CL_DEVICE_MAX_WORK_GROUP_SIZE)
        maxWorkItemSizes = (try? info.array(CL_DEVICE_MAX_WORK_ITEM_SIZES, of: Int.self)) ?? []
        maxArgumentBytes = size(CL_DEVICE_MAX_PARAMETER_SIZE)

        vectorWidths = VectorWidths(
            preferredFloat: count(CL_DEVICE_PREFERRED_VECTOR_WIDTH_FLOAT),
            nativeFloat: count(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT),
            preferredDouble: count(CL_DEVICE_PREFERRED_VECTOR_WIDTH_DOUBLE),
            nativeDouble: count(CL_DEVICE_NATIVE_VECTOR_WIDTH_DOUBLE),
            preferredHalf: count(CL_DEVICE_PREFERRED_VECTOR_WIDTH_HALF),
            nativeHalf: count(CL_DEVICE_NATIVE_VECTOR_WIDTH_HALF),
            preferredInt: count(CL_DEVICE_PREFERRED_VECTOR_WIDTH_INT),
            nativeInt: count(CL_DEVICE_NATIVE_VECTOR_WIDTH_INT))

        let extensions = try info.string(CL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init)
        self.extensions = extensions.sorted()
        func has(_ name: String) -> Bool { extensions.contains(name) }

        let singleConfiguration = bytes(CL_DEVICE_SINGLE_FP_CONFIG)
        hasDouble = bytes(CL_DEVICE_DOUBLE_FP_CONFIG) != 0
        hasHalf = has("cl_khr_fp16")
        hasFusedMultiplyAdd = singleConfiguration & UInt64(CL_FP_FMA) != 0
        hasDenormals = singleConfiguration & UInt64(CL_FP_DENORM) != 0

        profilingResolutionNanoseconds = size(CL_DEVICE_PROFILING_TIMER_RESOLUTION)
        maxSubDevices = count(CL_DEVICE_PARTITION_MAX_SUB_DEVICES)

        maxSubgroups = count(Newer.deviceMaxSubgroups)
        let warp = has("cl_nv_device_attribute_query") ? count(Newer.deviceWarpSizeNV) : 0
        let wavefront = has("cl_amd_device_attribute_query") ? count(Newer.deviceWavefrontWidthAMD) : 0
        warpSize = warp > 0 ? warp : wavefront > 0 ? wavefront : nil
        hasCommandBuffers = has("cl_khr_command_buffer")
        hasIntegerDotProduct = has("cl_khr_integer_dot_product")
        hasSPIRV = !((try? info.string(Newer.deviceILVersion)) ?? "").isEmpty || has("cl_khr_il_program")
        matrixExtensions = extensions.filter { $0.contains("matrix_multiply") || $0.contains("cooperative_matrix") }
            .sorted()
    }
}

/// Parameters newer than OpenCL 1.2 or of a vendor, by their numbers; devices that don't know them refuse.
enum Newer {
    /// `CL_DEVICE_MAX_NUM_SUB_GROUPS` (2.1).
    static let deviceMaxSubgroups: cl_uint = 0x105C
    /// `CL_DEVICE_IL_VERSION` (2.1).
    static let deviceILVersion: cl_uint = 0x105B
    /// `CL_DEVICE_WARP_SIZE_NV`.
    static let deviceWarpSizeNV: cl_uint = 0x4003
    /// `CL_DEVICE_WAVEFRONT_WIDTH_AMD`.
    static let deviceWavefrontWidthAMD: cl_uint = 0x4043
}
