import TensorGraph

/// The boxes that are left where a detector has found the same thing several times: from the highest score on, each box takes
/// away those after it that overlap with it by more than `overlap`. torchvision.ops.nms, and with labels `batched_nms`.
///
/// - Parameters:
///   - boxes: with their scores. Of equal scores the first comes first.
///   - overlap: the area of the intersection by that of the union, in 0...1.
///   - comparesLabels: whether boxes of different labels leave each other alone.
/// - Returns: the places of the boxes that are left, from the highest score to the lowest.
/// - Throws: ``GraphError`` where `overlap` is not in 0...1 or a score is NaN.
public func nonMaximumSuppression(
    _ boxes: [(box: DetectionPrecision.Box, score: Double)], overlap: Double = 0.5, comparesLabels: Bool = true,
    file: StaticString = #fileID, line: UInt = #line
) throws(GraphError) -> [Int] {
    func failure(_ message: String) -> GraphError {
        GraphError(
            operation: "nonMaximumSuppression", message: message, location: SourceLocation(file: file, line: line))
    }
    guard (0...1).contains(overlap) else { throw failure("overlap must be in 0...1, not \(overlap)") }
    if let place = boxes.firstIndex(where: { $0.score.isNaN }) {
        throw failure("the score of box \(place) is NaN: leave such boxes out")
    }
    let ranked = boxes.indices.sorted { (boxes[$1].score, $0) < (boxes[$0].score, $1) }
    var kept: [Int] = []
    for place in ranked {
        let box = boxes[place].box
        let isTaken = kept.contains { other in
            (!comparesLabels || boxes[other].box.label == box.label) && boxes[other].box.overlap(with: box) > overlap
        }
        if !isTaken { kept.append(place) }
    }
    return kept
}
