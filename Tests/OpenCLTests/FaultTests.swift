import Foundation
import OpenCL
import Testing

/// The layer of `Tests/FaultLayer`, compiled to a file beside the tests' executable; nil, with the reason printed,
/// where that can't be done.
private let layer: String? = {
    do {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("FaultLayer/fault.c").path
        let path = ChildProcess.folder.appendingPathComponent("libtessera-fault.so").path
        let compiler = try ChildProcess(
            path: "/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", path, source])
        guard compiler.status == 0 else {
            print("OpenCLTests: the fault layer doesn't compile here:\n\(compiler.errors)")
            return nil
        }
        return path
    } catch {
        print("OpenCLTests: the fault layer can't be used here: \(error)")
        return nil
    }
}()

/// What the layer wrote when the process ended.
private struct FaultLog {
    var calls: Int
    var failures: Int
    var first: String

    init?(_ path: String) {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        guard lines.count == 4, lines.allSatisfy({ $0.count == 2 }), let calls = Int(lines[0][1]),
            let failures = Int(lines[1][1])
        else { return nil }
        self.calls = calls
        self.failures = failures
        first = lines[2][1]
    }
}

/// Every call of the API that `gpu-probe` makes fails in its turn: it ends by itself, and where the failure mattered
/// it says which call it was.
@Suite(.needsDevice, .enabled(if: layer != nil, "the fault layer doesn't compile here"), .serialized)
struct FaultTests {
    /// Of built programs, so that what other processes have built, or this one's first run, does not change which calls
    /// are made.
    private let cache: TemporaryDirectory

    init() throws { cache = try TemporaryDirectory() }

    private func probe(
        call: Int, mode: String = "once", function: String? = nil
    ) throws -> (child: ChildProcess, log: FaultLog?) {
        let layer = try #require(layer)
        let scratch = try TemporaryDirectory()
        let log = scratch.path + "/log"
        var environment = [
            "OPENCL_LAYERS": layer, "TESSERA_FAULT_CALL": "\(call)", "TESSERA_FAULT_MODE": mode,
            "TESSERA_FAULT_LOG": log, "TESSERA_CACHE_DIR": cache.path,
        ]
        if let function { environment["TESSERA_FAULT_FUNCTION"] = function }
        let child = try ChildProcess("gpu-probe", ["--json"], environment: environment)
        return (child, FaultLog(log))
    }

    /// The number of calls of a sound run with a warm cache; nil where the loader knows no layers.
    private func soundCalls(of function: String? = nil) throws -> Int? {
        _ = try probe(call: 0, function: function)
        let (child, log) = try probe(call: 0, function: function)
        #expect(child.status == 0)
        guard let log else {
            print("OpenCLTests: skipped: this OpenCL loader knows no layers")
            return nil
        }
        #expect(log.failures == 0)
        return log.calls
    }

    private func expectOrderlyEnd(_ child: ChildProcess, _ log: FaultLog?, _ what: Comment) throws {
        #expect(child.status == 0 || child.status == 1, "\(what.rawValue): \(child.errors.suffix(2000))")
        let log = try #require(log, what)
        #expect(log.failures >= 1, what)
        if child.status == 1 {
            // The call that failed, or in mode "forever" a later one.
            #expect((child.output + child.errors).contains("cl"), what)
            if log.failures == 1 { #expect((child.output + child.errors).contains(log.first), what) }
        }
    }

    @Test(arguments: ["once", "forever"]) func anyCallMayFail(mode: String) throws {
        guard let calls = try soundCalls() else { return }
        #expect(calls > 50)
        // Every seventh: queries make up most.
        for call in stride(from: 1, through: calls, by: 7) {
            let (child, log) = try probe(call: call, mode: mode)
            try expectOrderlyEnd(child, log, "call \(call) of \(calls), \(mode)")
        }
    }

    /// Calls whose failure can't be passed over, each with its name in the report.
    @Test(arguments: [
        "clGetPlatformIDs", "clGetDeviceIDs", "clCreateContext", "clCreateCommandQueue",
    ]) func reportsTheCall(function: String) throws {
        guard let calls = try soundCalls(of: function) else { return }
        #expect(calls > 0)
        let (child, log) = try probe(call: 1, mode: "forever", function: function)
        #expect(child.status == 1)
        #expect(log?.first == function)
        #expect((child.output + child.errors).contains(function))
    }

    /// Calls on the way of a kernel: a trial that fails finds less, and nothing else happens.
    @Test(arguments: [
        "clCreateBuffer", "clCreateProgramWithSource", "clBuildProgram", "clGetProgramBuildInfo", "clCreateKernel",
        "clGetKernelInfo", "clGetKernelWorkGroupInfo", "clSetKernelArg", "clEnqueueFillBuffer",
        "clEnqueueNDRangeKernel", "clEnqueueReadBuffer", "clFinish",
    ]) func survives(function: String) throws {
        guard let calls = try soundCalls(of: function) else { return }
        #expect(calls > 0)
        for mode in ["once", "forever"] {
            let (child, log) = try probe(call: 1, mode: mode, function: function)
            #expect(log?.first == function)
            try expectOrderlyEnd(child, log, "\(function) \(mode)")
        }
    }
}
