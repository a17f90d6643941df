import Foundation
import OpenCL
import OpenCLBackend
import ParityRunner
import TensorGraph
import TestSupport
import Testing

@Suite(.serialized) struct ParityTests {
    @Test func everySmallCaseOnEveryDevice() throws {
        try check(OpCase.all.filter { !$0.isLarge })
    }

    @Test func everyLargeCaseOnEveryDevice() throws {
        try check(OpCase.all.filter(\.isLarge))
    }

    /// Whatever a device would choose for shapes as small as most of these. Others than dense 3×3 convolutions of stride 1 are
    /// done in the same way whichever is asked for.
    @Test func everyConvolutionByEveryAlgorithm() throws {
        let cases = OpCase.all.filter { opCase in
            opCase.name.hasPrefix("conv2D") && opCase.name.contains("×3×3")
                && !["stride", "dilation", "groups"].contains { opCase.name.contains($0) }
        }
        #expect(cases.count > 10)
        try check(cases, convolutions: ConvolutionAlgorithm.allCases)
    }

    /// The kernels for matrix units: a case of each layout, with edges, as emulation is slow. `tessera-parity --kernels
    /// matrix` runs them all.
    @Test func kernelsForMatrixUnits() throws {
        let names = [
            "matMul 31×67×19", "matMul 31×67×19 aᵀ bᵀ", "matMul batch [3] 17×19×33 aᵀ bias",
            "matMul batch [3] 17×19×33 bᵀ bias", "matMul 17×33×9 integers of float16 to float32",
            "matMul 17×33×9 bias gelu", "attention b1 h1 sq65 sk65 d16 causal", "attention b1 h1 sq5 sk19 d80",
            "attention with NaN in a value that many later queries see",
        ]
        let cases = OpCase.all.filter { names.contains($0.name) }
        #expect(cases.count == names.count)
        try check(cases, .matrix)
    }

    /// The kernels that other devices than these would get. What they call is declared in `driver/pocl.cl`: with its own
    /// header PoCL takes several times as long to compile the small ones. Nor has its compiler anything to say of them.
    @Test func everyVariantOfEveryKernel() throws {
        let devices = try ParityDevice.all(.all, optimization: .never)
        let tasks = try KernelCoverage.cover(
            OpCase.all.filter { !$0.isLarge }, on: devices, in: Parity.allTypes)
        for device in try Device.all() where device.compilesAtLaunch {
            let cache = ProgramCache(try Context(device), directory: nil, options: "-cl-opt-disable")
            for kernel in try KernelCoverage.kernels(of: tasks) {
                // Functions that are inlined have no calling convention to change.
                let remarks = try cache.build(ProgramText(kernel)).buildLog.split(separator: "\n").filter {
                    $0.contains("warning:") && !$0.contains("changes the ABI")
                }
                #expect(remarks.isEmpty, "\(kernel.name): \(remarks)")
                #expect(cache.statistics.builtWithDriversHeader == 0, "\(kernel.name) calls what is not declared")
                if cache.statistics.builtWithDriversHeader > 0 { break }
            }
        }
        let parity = try Parity(devices: devices)
        for task in tasks {
            for outcome in parity.check(task) where !outcome.complaints.isEmpty {
                Issue.record("\(outcome.opCase) on \(outcome.device): \(outcome.complaints.joined(separator: "; "))")
            }
        }
    }

    /// Each number that `gpu-bench tune` may write into a database.
    @Test func everyValueThatATunerMayChoose() throws {
        let cases = OpCase.all.filter { !$0.isLarge }
        for device in try ParityDevice.all(.both, optimization: .never) {
            for outcome in try TuningParity(device, cases: cases, coverage: .values).check() {
                #expect(outcome.complaints.isEmpty, "\(outcome.family) on \(device)")
                #expect(outcome.variants > 1)
            }
        }
    }

    /// Of the two types of 16 bits, whose kernels differ in how they load and store, each case is run in one or the other by
    /// turns; `tessera-parity` runs it in both.
    private func check(
        _ cases: [OpCase], _ kernels: ParityDevice.Kernels = .both, convolutions: [ConvolutionAlgorithm?] = [nil]
    ) throws {
        // Large cases take longer to run without optimization than their kernels take to build with it.
        for (cases, optimization) in [
            (cases.filter { !$0.isLarge }, ParityDevice.Optimization.ofItsOwnStyle),
            (cases.filter(\.isLarge), .always),
        ] where !cases.isEmpty {
            let devices = try ParityDevice.all(kernels, convolutions: convolutions, optimization: optimization)
            let parities = try [DType.float16, .bfloat16].map { type in
                try Parity(devices: devices, types: Parity.allTypes.filter { !$0.isHalf || $0 == type })
            }
            for (index, opCase) in cases.enumerated() {
                for outcome in parities[index % 2].check(opCase) where !outcome.complaints.isEmpty {
                    Issue.record(
                        "\(outcome.opCase) on \(outcome.device): \(outcome.complaints.joined(separator: "; "))")
                }
            }
        }
    }

    @Test(
        .disabled(
            if: (try? Device.all().isEmpty) ?? true, "no OpenCL device on this machine: only the CPU path was checked"))
    func anOpenCLDeviceWasChecked() throws {
        let devices = try ParityDevice.all(.cpu)
        #expect(devices.count > 1)
    }

    /// The table that readers see is that of the cases and kernels as they are: `tessera-parity --markdown` writes it anew.
    @Test func theTableOfOperationsIsUpToDate() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("OPERATIONS.md"), encoding: .utf8)
        let table = try OperationSupport(OpCase.all).markdown
        #expect(page.contains(table), "run `make operations` and commit OPERATIONS.md")
        // The comparison finds what is missing.
        let few = OpCase.all.filter { $0.name.hasPrefix("softmax") }
        #expect(try !page.contains(OperationSupport(few).markdown))
    }

    /// A kernel that no case launches does not exist.
    @Test func everyKernelIsLaunchedByTheCases() throws {
        #expect(try KernelCoverage.unreached(by: OpCase.all).isEmpty)
        // And one that is not launched is found.
        let products = try KernelCoverage.unreached(by: OpCase.all.filter { $0.name.hasPrefix("softmax") })
        #expect(products.contains("gemm/tile.cl: gemm_tiles"))
        #expect(!products.contains("softmax/softmax.cl: softmax"))
    }

    /// A case whose expectation is wrong must not pass.
    @Test func aWrongResultIsFound() throws {
        let wrong = OpCase("wrong", [.tensor([64])], .exact) { _, x in [try x[0].exp()] }
        let outcomes = try Parity(devices: ParityDevice.all(.cpu)).check(wrong)
        #expect(outcomes.allSatisfy { !$0.complaints.isEmpty })
    }
}
