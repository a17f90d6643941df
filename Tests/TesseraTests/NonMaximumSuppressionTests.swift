import Tessera
import Testing

/// What is left of overlapping boxes, beside torchvision's: `Tests/References/detection.py`.
@Suite struct NonMaximumSuppressionTests {
    private typealias Box = DetectionPrecision.Box

    @Test func whatIsLeftIsWhatTorchvisionLeaves() throws {
        let reference = try PyTorchReference("detection")
        #expect(reference.names.count == 5)
        for name in reference.names {
            let inputs = try reference.tensors("input", of: name)
            let outputs = try reference.tensors("output", of: name).mapValues {
                try $0.elements(Int32.self).map(Int.init)
            }
            let corners = try #require(inputs["boxes"]).elements(Float.self).map(Double.init)
            let scores = try #require(inputs["scores"]).elements(Float.self)
            let labels = try #require(inputs["labels"]).elements(Int32.self)
            let overlap = Double(try #require(inputs["overlap"]).elements(Float.self)[0])
            let boxes = scores.indices.map { row in
                let sides = corners[(4 * row)..<(4 * row + 4)].map { $0 }
                let box = Box(left: sides[0], top: sides[1], right: sides[2], bottom: sides[3], label: Int(labels[row]))
                return (box: box, score: Double(scores[row]))
            }
            #expect(
                try nonMaximumSuppression(boxes, overlap: overlap, comparesLabels: false) == outputs["kept"], "\(name)")
            #expect(try nonMaximumSuppression(boxes, overlap: overlap) == outputs["kept of each label"], "\(name)")
        }
    }

    @Test func equalScoresAreTakenInOrder() throws {
        let box = Box(left: 0, top: 0, right: 2, bottom: 2, label: 0)
        let half = Box(left: 0, top: 0, right: 2, bottom: 1, label: 0)
        let empty = Box(left: 1, top: 1, right: 1, bottom: 1, label: 0)
        #expect(try nonMaximumSuppression([]) == [])
        #expect(try nonMaximumSuppression([(box, 0.5), (box, 0.5), (box, .infinity)]) == [2])
        // Just as much as is allowed.
        #expect(try nonMaximumSuppression([(box, 1), (half, 0.9)], overlap: 0.5) == [0, 1])
        #expect(try nonMaximumSuppression([(half, 0.9), (box, 1)], overlap: 0.49) == [1])
        #expect(try nonMaximumSuppression([(empty, 1), (empty, 1)], overlap: 0) == [0, 1])
    }

    @Test func whatMakesNoSenseIsSaid() {
        let box = Box(left: 0, top: 0, right: 2, bottom: 2, label: 0)
        for overlap in [-0.1, 1.1, .nan] {
            #expect { try nonMaximumSuppression([(box, 1)], overlap: overlap) } throws: {
                "\($0)".contains("must be in 0...1")
            }
        }
        #expect { try nonMaximumSuppression([(box, 1), (box, .nan)]) } throws: { "\($0)".contains("box 1 is NaN") }
    }
}
