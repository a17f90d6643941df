import OpenCL
import Testing

@testable import Tessera

@Suite struct DeviceChoiceTests {
    @Test(
        arguments: [
            ("", .automatic), ("auto", .automatic), ("CPU", .cpu), (" cpu\n", .cpu), ("OpenCL", .opencl),
            ("opencl:2", .openclDevice(2)), ("OpenCL:Nvidia", .named("Nvidia")), ("PoCL", .named("PoCL")),
        ] as [(String, DeviceChoice)])
    func textsAreRead(_ text: String, _ choice: DeviceChoice) {
        #expect(DeviceChoice(text) == choice)
        #expect(DeviceChoice(choice.description) == choice)
    }

    @Test func aDeviceThatIsNotThereIsAnErrorThatListsWhatIs() {
        for text in ["no such device", "opencl:99", "opencl:-1", "-1"] {
            #expect { _ = try DeviceChoice(text).device() } throws: { error in
                DeviceChoice.available.allSatisfy { "\(error)".contains($0) } && "\(error)".contains("There is: cpu")
            }
        }
    }

    @Test func aNameOfSeveralListsThem() throws {
        let error = DeviceError(
            choice: .named("gpu"), reason: "", available: ["cpu", "opencl:0", "opencl:1", "opencl:2"],
            candidates: ["opencl:1 (GPU A, P)", "opencl:2 (GPU B, P)"])
        #expect(
            error.description
                == "gpu can mean several devices: opencl:1 (GPU A, P), opencl:2 (GPU B, P). Say which, as opencl:N")
        // Every letter that several devices have in common.
        let devices = (try? Device.all()) ?? []
        for letter in ["a", "e", "o"] {
            let meant = try Device.named(letter)
            #expect(meant.allSatisfy(devices.contains))
            if meant.count == 1 {
                #expect(try DeviceChoice.named(letter).device() == meant[0])
            } else {
                #expect(throws: DeviceError.self) { try DeviceChoice.named(letter).device() }
            }
        }
    }
}
