import Execution
import OpenCL
import OpenCLBackend
import TensorGraph
import Synchronization
import Testing

/// The kernels for NVIDIA's matrix units, with their instructions emulated: layouts, swizzles, the order of copies, and
/// what happens to a kernel that computes wrong. Parity holds them against the reference.
@Suite(.serialized) struct MatrixUnitTests {
    @Test(.needsDevice, arguments: devices, [false, true])
    func everyInstructionWorks(_ device: Device, copiesLate: Bool) throws {
        let context = try Context(device)
        let units = MatrixUnits.emulated(copiesLate: copiesLate)
        let working = MatrixUnits.tried(units, try Queue(context), ProgramCache(context))
        #expect(working == units)
    }

    /// A product whose kernel may be used, or whose kernel is made wrong by a macro.
    private func lower(_ macros: [String: String], on device: Device) throws -> (summary: String, notices: [String]) {
        var units = MatrixUnits.emulated()
        units.defines.merge(macros) { $1 }
        let backend = try OpenCLBackend(device, style: .gpu, matrixUnits: units)
        let notices = Mutex<[String]>([])
        backend.notice = { notice in notices.withLock { $0.append(notice) } }
        let graph = Graph()
        let a = try graph.input("a", [33, 40], .float16), b = try graph.input("b", [40, 24], .float16)
        let product = try a.matMul(b)
        var summary = ""
        // The second time, the verdict is known.
        for _ in 0..<2 {
            guard case .accepted(let lowered) = try backend.lower(product.node) else {
                return ("declined", notices.withLock { $0 })
            }
            summary = lowered.summary
        }
        return (summary, notices.withLock { $0 })
    }

    @Test(.needsDevice, arguments: devices) func aKernelThatAgreesIsUsed(_ device: Device) throws {
        let (summary, notices) = try lower([:], on: device)
        #expect(summary == "gemm 64×64 on matrix units, float16")
        #expect(notices.isEmpty)
    }

    @Test(.needsDevice, arguments: devices) func aKernelThatComputesWrongIsGivenUp(_ device: Device) throws {
        let (summary, notices) = try lower(["TRANSPOSE_B": "1"], on: device)
        #expect(summary.contains("in float32; not on matrix units: element"))
        #expect(notices.count == 1 && notices[0].contains("gemm_matrix_nvidia is not used on"))
    }

    @Test(.needsDevice, arguments: devices) func aKernelThatDoesNotBuildIsGivenUp(_ device: Device) throws {
        let (summary, notices) = try lower(["WARP_N": "no_such_number"], on: device)
        #expect(summary.contains("in float32; not on matrix units: "))
        #expect(notices.count == 1 && notices[0].contains("no_such_number"))
    }

    /// Only what is asked for changes numbers.
    @Test(.needsDevice, arguments: devices) func float32IsLeftAloneUnlessTF32IsAllowed(_ device: Device) throws {
        let graph = Graph()
        let a = try graph.input("a", [33, 40]), b = try graph.input("b", [40, 24])
        let node = try a.matMul(b).node
        for allowsTF32 in [false, true] {
            let backend = try OpenCLBackend(
                device, style: .gpu, allowsTF32: allowsTF32, matrixUnits: .emulated())
            guard case .accepted(let lowered) = try backend.lower(node) else {
                Issue.record("declined")
                return
            }
            #expect(lowered.summary.contains("tf32") == allowsTF32)
        }
    }
}
