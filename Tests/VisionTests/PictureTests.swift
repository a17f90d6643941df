import Foundation
import Tessera
import Testing

@testable import TesseraVision

@Suite struct PictureTests {
    @Test(arguments: Picture.Channels.allCases)
    func aPNGComesBack(_ channels: Picture.Channels) throws {
        let folder = try TemporaryFolder()
        for (height, width) in [(1, 1), (1, 7), (13, 1), (5, 3), (64, 64)] {
            let picture = try Picture.random(height, width, channels, seed: UInt64(height))
            try picture.write(to: folder.path("a.png"))
            #expect(try Picture(contentsOf: folder.path("a.png")) == picture)
        }
    }
}
