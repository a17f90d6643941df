import ArgumentParser
import BenchSupport
import Foundation
import OpenCL
import OpenCLBackend

/// `gpu-probe`: the OpenCL platforms and devices of this machine, and what each can do.
@main struct GPUProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpu-probe",
        abstract: "Shows the OpenCL platforms and devices of this machine, and what each can do.",
        discussion: """
            Local memory and matrix units are found by building and running small kernels. Exit status: 0, also \
            where there is no OpenCL device; 1 where a device could not be listed, tried or measured.
            """)

    @Option(help: "Only this device: opencl (the best), opencl:N, or a part of a device's or platform's name.")
    var device: String?

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Measure each device's peak arithmetic rate, memory bandwidth and launch cost (seconds a device).")
    var measure = false

    func run() throws {
        let report = try Report(of: device.map { try BenchDevice.openCLDevice($0) }, measuring: measure)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            print(report.text())
        }
        if report.hasFailures { throw ExitCode.failure }
    }
}
