import Foundation
import Testing

/// A machine without OpenCL, which is what a loader with an empty folder of drivers makes of any.
@Suite struct NoPlatformTests {
    @Test func theProbeSaysSo() throws {
        let nowhere = try TemporaryDirectory()
        let environment = ["OCL_ICD_VENDORS": nowhere.path]
        let table = try ChildProcess("gpu-probe", ["--measure"], environment: environment)
        #expect(table.status == 0)
        #expect(table.output.contains("No OpenCL platform"))
        let json = try ChildProcess("gpu-probe", ["--json", "--measure"], environment: environment)
        #expect(json.status == 0)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [String]]
        #expect(object == ["platforms": []])
    }

    /// With devices, the JSON lists them.
    @Test(.needsDevice) func theProbeListsDevices() throws {
        let probe = try ChildProcess("gpu-probe", ["--json"])
        #expect(probe.status == 0)
        let report = try JSONSerialization.jsonObject(with: Data(probe.output.utf8)) as? [String: Any]
        let platforms = try #require(report?["platforms"] as? [[String: Any]])
        let listed = platforms.flatMap { $0["devices"] as? [[String: Any]] ?? [] }.filter { $0["index"] != nil }
        let names = listed.compactMap { ($0["capabilities"] as? [String: Any])?["name"] as? String }
        #expect(names == devices.map(\.name))
        let table = try ChildProcess("gpu-probe")
        #expect(table.status == 0)
        for name in names { #expect(table.output.contains(name)) }
        #expect(table.output.split(separator: "\n").allSatisfy { $0.count <= 120 })
    }
}
