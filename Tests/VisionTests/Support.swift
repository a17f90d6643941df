import Foundation
import Tessera

@testable import TesseraVision

/// A folder that goes when the test is done.
final class TemporaryFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-vision-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

extension Picture {
    static func random(_ height: Int, _ width: Int, _ channels: Channels, seed: UInt64) throws -> Picture {
        let random = RandomSource(seed: seed)
        return try Picture(
            height: height, width: width, channels: channels,
            pixels: (0..<(height * width * channels.count)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
}
