import Foundation
import Testing

@testable import BenchSupport

/// Whole runs of small cases on the CPU path.
@Suite struct RunnerTests {
    @Test(arguments: [
        "matmul:m=9,n=7,k=5,tb=1", "matmul:batch=2,m=3,n=4,k=5,ta=1", "conv2d:n=1,c=2,h=5,w=6,k=3,r=3,s=3,pad=1",
        "attention:b=1,h=2,sq=3,sk=4,d=5", "lstm:t=3,b=2,i=4,h=5", "gru:t=3,b=2,i=4,h=5", "softmax:rows=3,cols=7",
        "layernorm:rows=3,cols=7", "batchnorm2d:n=2,c=3,h=4,w=5", "maxpool2d:n=1,c=2,h=4,w=4,r=2,stride=2",
        "interpolate:n=1,c=2,h=3,w=4,p=5,q=6,order=1", "interpolate:n=1,c=2,h=3,w=4,p=2,q=9,order=3,aligned=1",
        "interpolate:n=1,c=2,h=3,w=4,p=5,q=6", "gather:rows=5,cols=7,count=3",
        "gather:rows=5,cols=7,count=9,axis=1",
        "gather:rows=5,cols=7,count=9,slices=1", "cumsum:rows=5,cols=7,axis=1", "topk:rows=5,cols=7,k=3",
        "pool:n=1,c=2,w=9,k=2", "pool:n=1,c=2,h=5,w=6,k=3,s=2,p=1,mode=max",
        "pool:n=1,c=2,d=4,h=5,w=6,k=3,s=2,p=1,ceil=1,mode=average", "pool:n=1,c=2,d=4,h=5,w=6,k=2,mode=norm",
        "reduce:rows=5,cols=7", "reduce:rows=5,cols=7,axis=1", "chain:nodes=3,cols=7", "train:model=deep-cross,b=2",
    ])
    func aSmallCaseIsOkOnTheCPUPath(_ text: String) throws {
        var options = BenchRunner.Options()
        options.runs = 2
        let runner = BenchRunner(options)
        let device = try BenchDevice.cpu()
        for pass in BenchPass.allCases {
            let row = runner.run(try BenchCase(text), pass, on: device, widest: .fwdbwd)
            #expect(row.parity == .ok && (row.ms ?? 0) > 0 && row.error != nil, "\(row)")
        }
    }

    @Test func aDumpHoldsEveryTensor() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var options = BenchRunner.Options()
        options.runs = 1
        options.dump = folder
        let runner = BenchRunner(options)
        let row = runner.run(try BenchCase("lstm:t=3,b=2,i=4,h=5"), .fwdbwd, on: try .cpu(), widest: .fwdbwd)
        #expect(row.parity == .ok)
        let cases = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(cases.count == 1)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/" + (cases.first ?? ""))
        let inputs = ["x", "w_ih", "w_hh", "b_ih", "b_hh"]
        let expected = inputs.flatMap { ["in_\($0).npy", "grad_\($0).npy"] } + ["y", "h", "c"].map { "out_\($0).npy" }
        #expect(Set(files) == Set(expected + ["dy.npy", "case.json"]))
    }

    @Test func whatCannotBeBuiltIsARowThatFails() throws {
        // The window does not fit into the picture: only the graph finds that out.
        let text = "maxpool2d:n=1,c=1,h=2,w=2,r=3,stride=1"
        let row = BenchRunner(.init()).run(try BenchCase(text), .fwd, on: try .cpu(), widest: .fwd)
        #expect(row.parity.hasFailed && row.parity.text.contains("does not fit") && row.ms == nil)
    }

    @Test func aLongFailureIsOneLineOfATable() {
        var row = BenchRow(benchCase: "softmax", pass: "fwd", device: "opencl", parity: .failed("clBuildProgram"))
        #expect(row.parity.cell == row.parity.text)
        row.parity = .failed("clBuildProgram\n" + String(repeating: "error ", count: 100))
        #expect(row.parity.cell == "FAIL: clBuildProgram …")
        row.parity = .failed(String(repeating: "x", count: 500))
        #expect(row.parity.cell.count == 122 && row.parity.cell.hasSuffix(" …"))
    }

    @Test func aDeviceThatIsNotThereIsAnError() {
        #expect { try BenchDevice.named("no such device") } throws: {
            "\($0)".contains("no such device") && "\($0)".contains("cpu")
        }
    }
}

/// What `explain()` says of memory.
@Suite struct MemoryTests {
    @Test(arguments: BenchCase.Model.allCases, BenchPass.allCases)
    func arenasKeepToTheLargestLiveSet(_ model: BenchCase.Model, _ pass: BenchPass) throws {
        let program = try CaseProgram(BenchCase("train:model=\(model.rawValue),b=16"), pass)
        var devices = [try BenchDevice.cpu()]
        if let device = try? BenchDevice.named("opencl") {
            devices.append(device)
        } else {
            print("skipped on OpenCL: there is no device")
        }
        for device in devices {
            let plan = try device.makeExecutor().compile(
                program.graph, outputs: [], updates: program.updates, changing: program.batch)
            let lines = plan.explain().split(separator: "\n").filter { $0.contains("of the largest live set") }
            #expect(!lines.isEmpty)
            for line in lines {
                let words = line.split(separator: " ")
                let share = words.firstIndex(of: "%").flatMap { Int(words[$0 - 1]) }
                #expect((share ?? .max) <= 110, "\(model.rawValue) \(pass) on \(line)")
            }
            // Not in arenas, as weights are not: a step that changes its weights keeps none packed, and inference little
            // more than Winograd's four times a weight.
            let placement = try #require(plan.deviceSchedule ?? plan.cpuSchedule).placement
            let packed = placement.choices.reduce(0) { sum, choice in
                guard let steady = choice?.steady, let workspace = steady.workspace else { return sum }
                return sum + steady.lowered.workspaces[workspace]
            }
            let parameters = program.inputs.reduce(0) { $0 + $1.variable.type.byteCount }
            #expect(pass == .fwdbwd ? packed == 0 : packed <= 5 * parameters, "\(model.rawValue) \(pass)")
            #expect(plan.explain().contains("; weight packed once") == (packed > 0))
        }
    }
}
