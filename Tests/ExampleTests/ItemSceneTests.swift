import Foundation
import Tessera
import Testing

@testable import ExampleNetworks

/// The scenes and clips that examples draw, and what a detector is told and judged by.
@Suite struct ItemSceneTests {
    private static let pictures = Result { try ImageDataset.fashionMNIST().test }

    @Test func scenesAreTheSameForASeedAndHoldTheirBoxes() throws {
        let pictures = try Self.pictures.get()
        let scenes = try ItemScenes(40, of: pictures, seed: 5)
        #expect(try scenes.images == ItemScenes(40, of: pictures, seed: 5).images)
        #expect(try scenes.images != ItemScenes(40, of: pictures, seed: 6).images)
        let rows = try scenes.items.elements(Float.self)
        var counts: Set<Int> = []
        for scene in 0..<40 {
            let items = (0..<ItemScenes.mostItems).map { Array(rows[(5 * (6 * scene + $0))...].prefix(5)) }
            let present = items.filter { $0[4] >= 0 }
            counts.insert(present.count)
            #expect(!present.isEmpty && items.prefix(present.count).allSatisfy { $0[4] >= 0 })
            for item in present {
                #expect(item[0] >= 0 && item[1] >= 0 && item[2] <= 96 && item[3] <= 96)
                #expect(item[2] - item[0] >= 6 && item[3] - item[1] >= 6 && (0..<10).contains(item[4]))
            }
        }
        #expect(counts.count >= 4)
    }

    /// Each side of an item's box has a pixel of it that is mostly opaque.
    @Test func boxesAreTight() throws {
        let cutter = ItemCutter(try Self.pictures.get())
        for picture in 0..<50 {
            for isMirrored in [true, false] {
                let item = try #require(
                    cutter.item(picture, extent: 24 + picture % 19, brightness: 0.8, isMirrored: isMirrored))
                let (height, width) = (item.height, item.width)
                #expect(item.values.count == height * width && item.opacities.count == height * width)
                let rows = (0..<height).map { item.opacities[($0 * width)..<(($0 + 1) * width)].max() ?? 0 }
                let columns = (0..<width).map { column in
                    (0..<height).map { item.opacities[$0 * width + column] }.max() ?? 0
                }
                for edge in [rows[0], rows[height - 1], columns[0], columns[width - 1]] { #expect(edge >= 0.5) }
                #expect(item.values.allSatisfy { (0...0.8).contains($0) })
            }
        }
    }

    @Test func placesAreOfTheItemsThatTheyLieIn() throws {
        let scenes = try ItemScenes(30, of: try Self.pictures.get(), seed: 7)
        let batch = try scenes.batch(Array(0..<30)[...])
        let (labels, boxes) = (try batch["labels"].elements(Int32.self), try batch["boxes"].elements(Float.self))
        let truth = try batch["truth"].elements(Float.self)
        let places = ItemScenes.places(extent: ItemScenes.extent)
        #expect(places.count == 144 && places[0] == (4, 4) && places[13] == (12, 12))
        for image in 0..<30 {
            var found: Set<[Float]> = []
            for (number, place) in places.enumerated() {
                let index = image * places.count + number
                let box = Array(boxes[(4 * index)..<(4 * index + 4)])
                guard labels[index] >= 0 else {
                    #expect(box == [0, 0, 0, 0])
                    continue
                }
                #expect(place.x > box[0] && place.x < box[2] && place.y > box[1] && place.y < box[3])
                found.insert(box + [Float(labels[index])])
            }
            let items = Set((0..<6).map { Array(truth[(5 * (6 * image + $0))...].prefix(5)) }.filter { $0[4] >= 0 })
            #expect(found.isSubset(of: items) && 2 * found.count > items.count)
        }
    }

    /// A network that says what is wanted has a precision of 1, and next to no loss in its boxes.
    @Test(arguments: [DeviceChoice.cpu, .automatic]) func whatIsWantedIsRight(_ device: DeviceChoice) throws {
        let scenes = try ItemScenes(20, of: try Self.pictures.get(), seed: 8)
        let batch = try scenes.batch(Array(0..<20)[...])
        let (labels, boxes) = (try batch["labels"].elements(Int32.self), try batch["boxes"].elements(Float.self))
        let places = ItemScenes.places(extent: ItemScenes.extent)
        // Logits, and distances before the softplus.
        var output: [Float] = []
        for (index, label) in labels.enumerated() {
            output += (0..<10).map { $0 == Int(label) ? 12 : -12 }
            let (place, side) = (places[index % places.count], boxes[(4 * index)..<(4 * index + 4)].map { $0 })
            let distances = [place.x - side[0], place.y - side[1], side[2] - place.x, side[3] - place.y]
            output += distances.map { label < 0 ? 0 : Float(log(exp(Double($0) / 8) - 1)) }
        }
        let executor = try Executor(on: device)
        let graph = Graph()
        let said = try graph.input("output", [20, places.count, 14])
        let losses = try ItemDetector.losses(
            said, labels: graph.input("labels", [20, places.count], .int32),
            boxes: graph.input("boxes", [20, places.count, 4]))
        let (logits, found) = try ItemDetector.decoded(said, extent: ItemScenes.extent)
        let outputs = try executor.run(
            executor.compile(
                graph, outputs: [losses.classes, losses.boxes, .concatenated([logits.sigmoid(), found], axis: 2)]),
            inputs: [
                "output": HostTensor([20, places.count, 14], output), "labels": batch["labels"],
                "boxes": batch["boxes"],
            ])
        let (classLoss, boxLoss) = (try outputs[0].elements(Float.self)[0], try outputs[1].elements(Float.self)[0])
        #expect(classLoss < 1e-6 && boxLoss < 1e-4)
        for kinds in [ItemKind.ofClasses, Array(0..<10)] {
            var state = FoundItems(kinds: kinds)
            try state.add([outputs[2], batch["truth"]])
            // An item whose every place is of a smaller one is not found.
            #expect(state.value > 0.97 && state.value <= 1, "\(kinds)")
            var none = FoundItems(kinds: kinds)
            try none.add([HostTensor(zeros: outputs[2].type), batch["truth"]])
            #expect(none.value == 0)
        }
    }

    @Test func clipsMoveWhereTheySay() throws {
        let clips = try MovingItems(600, of: try Self.pictures.get(), seed: 9)
        #expect(try clips.clips == MovingItems(600, of: try Self.pictures.get(), seed: 9).clips)
        let directions = try clips.directions.elements(Int32.self)
        let classes = try clips.classes.elements(Int32.self)
        #expect(Set(directions).count == 8 && Set(classes) == [0, 1, 2, 3, 4])
        let pixels = try clips.clips.elements(UInt8.self)
        let (extent, frames) = (MovingItems.extent, MovingItems.frames)
        for direction in 0..<8 {
            // By how much the last frame is brighter than the first, times the place along either axis, over all clips: noise
            // and bars are alike in both.
            var (across, down) = (0.0, 0.0)
            for clip in directions.indices where directions[clip] == Int32(direction) {
                for y in 0..<extent {
                    for x in 0..<extent {
                        let first = (clip * frames * extent + y) * extent + x
                        let change = Double(pixels[first + (frames - 1) * extent * extent]) - Double(pixels[first])
                        across += change * (Double(x) - 15.5)
                        down += change * (Double(y) - 15.5)
                    }
                }
            }
            let angle = Double(direction) * .pi / 4
            #expect((across * cos(angle) + down * sin(angle)) > 4 * (across * sin(angle) - down * cos(angle)).magnitude)
        }
    }
}
