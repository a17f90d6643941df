import TensorGraph
import Testing

@Suite struct ShapeTests {
    @Test func stridesAreRowMajor() {
        #expect(Shape([2, 3, 4]).strides == [12, 4, 1])
        #expect(Shape([]).strides.isEmpty)
        #expect(Shape([]).elementCount == 1)
        #expect(Shape([3, 0]).elementCount == 0)
    }

    @Test(
        arguments: [
            ([2, 3], [3], [2, 3]), ([2, 1], [1, 4], [2, 4]), ([], [5], [5]), ([1], [0], [0]),
            ([4, 1, 2], [3, 1], [4, 3, 2]),
        ] as [(Shape, Shape, Shape)])
    func broadcasting(a: Shape, b: Shape, expected: Shape) {
        #expect(a.broadcast(with: b) == expected)
        #expect(b.broadcast(with: a) == expected)
    }

    @Test func shapesThatDoNotBroadcast() {
        #expect(Shape([2, 3]).broadcast(with: [2]) == nil)
        #expect(Shape([0]).broadcast(with: [2]) == nil)
    }
}
