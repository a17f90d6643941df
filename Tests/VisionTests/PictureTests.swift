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

    @Test func tensorsComeBack() throws {
        for channels in Picture.Channels.allCases {
            let picture = try Picture.random(4, 3, channels, seed: 9)
            let tensor = try picture.tensor()
            #expect(tensor.shape == [channels.count, 4, 3])
            #expect(try Picture(tensor) == picture && Picture(picture.byteTensor()) == picture)
            let numbers = try tensor.elements(Float.self)
            #expect(numbers[5] == Float(picture[1, 2][0]) / 255)
            if channels == .gray {
                #expect(try Picture(HostTensor(TensorType([4, 3]), bytes: tensor.bytes)) == picture)
            }
        }
    }

    @Test func numbersOutOfRangeAreCutOff() throws {
        let numbers: [Float] = [-1, 0, 1, 5, -.infinity, .infinity, .nan, 0.5, .leastNonzeroMagnitude, -0.0]
        let tensor = try HostTensor([1, 1, 10], numbers)
        #expect(try Picture(tensor).pixels == [0, 0, 255, 255, 0, 255, 0, 128, 0, 0])
        #expect(try Picture(tensor, range: -1...1).pixels == [0, 128, 255, 255, 0, 255, 0, 191, 128, 128])
        let doubles = try HostTensor([1, 1, 2], [0.25, 1] as [Double])
        #expect(try Picture(doubles).pixels == [64, 255])
    }

    @Test func whatIsNoPictureIsAnError() throws {
        func refusal(_ words: String, _ body: () throws -> Void) {
            let error = #expect(throws: GraphError.self) { try body() }
            #expect(error?.message.contains(words) ?? false, "\(error.map(String.init(describing:)) ?? words)")
            #expect(error?.location?.file.hasSuffix("PictureTests.swift") ?? false)
        }
        for shape in [[0, 2, 2], [5, 2, 2], [2], [1, 1, 1, 1]] as [Shape] {
            refusal("needs [") { _ = try Picture(HostTensor(zeros: TensorType(shape))) }
        }
        for shape in [[1, 0, 2], [1, 2, 0]] as [Shape] {
            refusal("from 1 to") { _ = try Picture(HostTensor(zeros: TensorType(shape))) }
        }
        refusal("floating-point") { _ = try Picture(HostTensor(zeros: TensorType([1, 2, 2], .int32))) }
        refusal("range") { _ = try Picture(HostTensor(zeros: TensorType([1, 2, 2])), range: 1...1) }
        refusal("1 to 4 channels") { _ = try Picture.pictures(of: HostTensor(zeros: TensorType([2, 2]))) }
        #expect(try Picture.pictures(of: HostTensor(zeros: TensorType([0, 1, 2, 2]))).isEmpty)
        refusal("from 1 to") { _ = try Picture(height: 0, width: 5) }
        refusal("from 1 to") { _ = try Picture(height: 5, width: .max) }
        refusal("12 bytes") { _ = try Picture(height: 2, width: 2, channels: .rgb, pixels: [1]) }
        let picture = try Picture(height: 4, width: 6)
        refusal("not in a picture") { _ = try picture.cropped(top: 1, left: 0, height: 4, width: 1) }
        refusal("not in a picture") { _ = try picture.cropped(top: .max, left: -1, height: 1, width: 1) }
        refusal("from 1 to") { _ = try picture.cropped(top: 0, left: 0, height: 0, width: 1) }
        refusal("from 1 to") { _ = try picture.resized(height: -1, width: 2) }
        refusal("from 1 to") { _ = try picture.resized(shorterSide: .max) }
        refusal("at least 1") { _ = try picture.enlarged(0) }
        refusal("from 1 to") { _ = try picture.enlarged(.max) }
        refusal("antialiased") {
            _ = try picture.resized(
                height: 2, width: 2, by: Interpolation(.nearest(.down), .halfPixel, isAntialiased: true))
        }
        for coefficient in [Double.nan, .infinity, 1e300] {
            refusal("coefficient") {
                _ = try picture.resized(height: 2, width: 2, by: .cubic(coefficient: coefficient))
            }
        }
    }

    @Test func theMiddleIsTorchvisions() throws {
        // Half of 3 and of 5 are rounded to even; what is missing is added after the picture.
        let row = try Picture(height: 1, width: 5, channels: .gray, pixels: [1, 2, 3, 4, 5])
        #expect(try row.centerCropped(height: 1, width: 2).pixels == [3, 4])
        #expect(try row.centerCropped(height: 1, width: 4).pixels == [1, 2, 3, 4])
        #expect(
            try row.centerCropped(height: 2, width: 8).pixels == [0, 1, 2, 3, 4, 5, 0, 0]
                + [UInt8](repeating: 0, count: 8))
        #expect(try row.centerCropped(height: 3, width: 1).pixels == [0, 3, 0])
        let long = try Picture(height: 7, width: 1, channels: .gray, pixels: [1, 2, 3, 4, 5, 6, 7])
        #expect(try long.centerCropped(height: 2, width: 1).pixels == [3, 4])
        #expect(try long.resized(shorterSide: 3).height == 21)
        #expect(try Picture(height: 480, width: 641).resized(shorterSide: 256).width == 341)
    }

    @Test func transparentPicturesAreBlended() throws {
        let picture = try Picture(
            height: 1, width: 3, channels: .rgba, pixels: [9, 8, 7, 255, 100, 0, 0, 0, 200, 100, 0, 51])
        let blended = picture.blended(over: Color(red: 0, green: 100, blue: 255))
        #expect(blended.channels == .rgb && blended.pixels == [9, 8, 7, 0, 100, 255, 40, 100, 204])
        #expect(picture.converted(to: .rgb).pixels == [9, 8, 7, 100, 0, 0, 200, 100, 0])
        #expect(blended.blended(over: .white) == blended)
    }

    // MARK: Drawing

    @Test func boxesAreDrawnInside() throws {
        var picture = try Picture(height: 6, width: 7, channels: .gray)
        picture.draw(.init(left: 1, top: 1, right: 5, bottom: 5), color: .white)
        let rows = (0..<6).map { row in (0..<7).map { picture[row, $0][0] > 0 ? "#" : "." }.joined() }
        #expect(rows == [".......", ".####..", ".#..#..", ".#..#..", ".####..", "......."])
        let before = picture
        // What lies outside, has no area or is no number draws nothing; what is partly inside, its part.
        for box in [
            (-9.0, -9.0, -1.0, -1.0), (2, 2, 2, 5), (5, 5, 1, 1), (.nan, 0, 1, 1), (0, 0, .nan, 1), (90, 90, 99, 99),
        ] as [(Double, Double, Double, Double)] {
            picture.draw(.init(left: box.0, top: box.1, right: box.2, bottom: box.3), color: .white)
        }
        #expect(picture == before)
        let all = Picture.Box(left: -.infinity, top: 2.4, right: .infinity, bottom: .infinity)
        picture.draw(all, label: String(repeating: "long ", count: 100), color: .white, thickness: .max, scale: 1)
        #expect(picture[2, 0] == [255] && picture[1, 0] == [0])
        picture.draw("x", top: .max, left: .min, color: .white, scale: .max)
        picture.draw("x", top: .min, left: .max, color: .white, scale: .min)
    }

    @Test func labelsAreWritten() throws {
        var picture = try Picture(height: 30, width: 60)
        picture.draw(.init(left: 5, top: 15, right: 40, bottom: 28), label: "Bag 0.9", color: .category(1))
        let frame = Color.category(1).pixel(.rgb)
        #expect(picture[15, 20] == frame && picture[27, 39] == frame && picture[20, 20] == [0, 0, 0])
        // The bar above the box, with letters in black or white.
        #expect(picture[4, 5] == frame && picture[4, 46] == frame && picture[4, 60 - 1] == [0, 0, 0])
        #expect(
            (4..<15).contains { row in (5..<46).contains { picture[row, $0] == Color.category(1).contrast.pixel(.rgb) }
            })
        var letters = try Picture(height: 9, width: 5, channels: .gray)
        letters.draw("g", top: 0, left: 0, color: .white)
        let rows = (0..<9).map { row in (0..<5).map { letters[row, $0][0] > 0 ? "#" : "." }.joined() }
        #expect(rows == [".....", ".....", ".####", "#...#", "#...#", "#...#", ".####", "....#", ".###."])
        #expect(Picture.size(of: "abc") == (9, 17) && Picture.size(of: "", scale: 2) == (18, 0))
    }

    @Test func everyCharacterOfASCIIHasALetterOfItsOwn() {
        var seen: Set<[[Bool]]> = []
        for code in UInt8(32)...126 {
            let rows = PixelFont.rows(of: Character(UnicodeScalar(code)))
            #expect(rows.count <= PixelFont.height && rows.allSatisfy { $0.count == PixelFont.width }, "\(code)")
            #expect(seen.insert(rows).inserted, "\(code)")
        }
        #expect(seen.contains { $0.isEmpty } && !seen.contains(PixelFont.rows(of: "é")))
    }

    @Test func gridsHaveEveryPictureInItsCell() throws {
        let batch = try HostTensor([5, 1, 2, 3], (0..<30).map { Float($0) / 255 })
        let grid = try Picture.grid(of: batch, columns: 3, padding: 1, background: .white)
        #expect(grid.channels == .gray && grid.height == 7 && grid.width == 13)
        for number in 0..<5 {
            let (top, left) = (1 + number / 3 * 3, 1 + number % 3 * 4)
            for row in 0..<2 {
                for column in 0..<3 {
                    #expect(grid[top + row, left + column] == [UInt8(number * 6 + row * 3 + column)])
                }
            }
        }
        #expect(grid[0, 0] == [255] && grid[4, 9] == [255])
        let mixed = try Picture.grid(
            [
                Picture(height: 2, width: 2, channels: .gray),
                Picture(height: 4, width: 3, channels: .rgba, color: .clear),
            ],
            labels: ["a", "much too long"])
        #expect(mixed.channels == .rgba && mixed.height == 4 + 11 + 4 && mixed.width == 2 * 5 + 2)
        for (pictures, columns, padding, labels) in [
            ([], 1, 1, []), ([0], 0, 1, []), ([0], 1, -1, []), ([0], 1, .max, []), ([0], 1, 1, ["a", "b"]),
        ] as [([Int], Int, Int, [String])] {
            #expect(throws: GraphError.self) {
                try Picture.grid(
                    pictures.map { _ in try Picture(height: 1, width: 1) }, columns: columns, padding: padding,
                    labels: labels)
            }
        }
    }
}
