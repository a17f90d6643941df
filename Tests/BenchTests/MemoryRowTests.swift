import Foundation
import Testing

@testable import BenchSupport

/// Cases that take more memory than there is fail in their row, and the next one runs.
@Suite struct MemoryRowTests {
    @Test(arguments: [
        "matmul:m=1073741824,n=8,k=1073741824", "matmul:m=1000000,n=2000000,k=1",
        "matmul:batch=1073741824,m=64,n=64,k=64",
        "conv2d:n=1073741824,c=1073741824,h=1073741824,w=8,k=1073741824,r=3,s=3",
        "conv2d:n=1,c=1,h=1000000,w=1000000,k=1,r=3,s=3,pad=1", "attention:b=1,h=1073741824,sq=1073741824,sk=8,d=64",
        "lstm:t=1073741824,b=1073741824,i=8,h=1073741824", "gru:t=1073741824,b=8,i=8,h=1073741824",
        "softmax:rows=1073741824,cols=1073741824", "softmax:rows=2000000,cols=1000000",
        "layernorm:rows=1073741824,cols=4096", "batchnorm2d:n=1073741824,c=1073741824,h=1073741824,w=8",
        "maxpool2d:n=1073741824,c=1024,h=8,w=8,r=1073741824,stride=1073741824",
        "reduce:rows=1073741824,cols=1073741824", "interpolate:n=1,c=1,h=8,w=8,p=1000000,q=1000000",
        "gather:rows=1073741824,cols=1073741824,count=1", "topk:rows=1073741824,cols=1073741824,k=1",
        "train:model=fashion-cnn,b=1073741824",
    ])
    func aCaseThatDoesNotFitFails(_ text: String) throws {
        var options = BenchRunner.Options()
        options.runs = 1
        let runner = BenchRunner(options)
        for pass in BenchPass.allCases {
            let row = runner.run(try BenchCase(text), pass, on: try .cpu(), widest: pass)
            #expect(row.parity.hasFailed && row.parity.text.contains("memory"), "\(row.parity)")
            #expect(!row.parity.text.contains(".swift"), "\(row.parity)")
        }
        let next = runner.run(try BenchCase("softmax:rows=3,cols=7"), .fwd, on: try .cpu(), widest: .fwd)
        #expect(next.parity == .ok)
    }

    @Test(arguments: [
        "9223372036854775807", "-1", "-9223372036854775808", "9223372036854775808", "4611686018427387904",
    ])
    func numbersThatNoCaseHasAreRefused(_ number: String) {
        for text in [
            "matmul:m=\(number),n=1,k=1", "conv2d:n=1,c=1,h=4,w=4,k=1,r=\(number),s=1",
            "conv2d:n=1,c=1,h=4,w=4,k=1,r=1,s=1,stride=\(number)", "chain:nodes=\(number)", "chain:nodes=1000000000",
            "train:model=char-lstm,b=\(number)",
        ] {
            #expect(throws: BenchError.self) { try BenchCase(text) }
        }
    }

    /// A process with a limit of its own is told by that limit.
    @Test func theProcesssOwnLimitCounts() throws {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("gpu-bench").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "ulimit -v 4000000; exec '\(program)' run --device cpu --no-peak --no-check --pass fwd --runs 1 --warm-up 0 "
                + "--case matmul:m=30000,n=30000,k=8 --case matmul:m=8,n=9,k=10",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1, "\(text)")
        #expect(text.contains("3.4 GiB") && text.contains("ulimit") && text.contains("m=8,n=9,k=10"), "\(text)")
    }
}
