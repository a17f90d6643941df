import Tessera
import Testing

/// The table of what a model is made of.
@Suite struct SummaryTests {
    private static var random: RandomSource { RandomSource(seed: 1) }

    @Test func aNetworkAsATable() throws {
        let model = Sequential(
            Conv2D(1, 8, kernel: 3, padding: .same, Self.random), BatchNorm2D(8), ReLU(), MaxPool2D(2), Flatten(),
            Dropout(0.5, Self.random), Dense(8 * 14 * 14, 10, Self.random))
        #expect(
            try summary(of: model, input: TensorType([2, 1, 28, 28])) == """
                layer  kind         output          parameters    flops     memory
                0      Conv2D       [2, 8, 28, 28]          80  225,792   49.0 KiB
                1      BatchNorm2D  [2, 8, 28, 28]          16   25,128   49.0 KiB
                       relu         [2, 8, 28, 28]           0   12,544   49.0 KiB
                       maxPool2D    [2, 8, 14, 14]           0    3,136   12.3 KiB
                       reshape      [2, 1568]                0        0   12.3 KiB
                6      Dense        [2, 10]             15,690   62,740   80 bytes
                total                                   15,786  329,340  171.6 KiB
                15,786 parameters, and 16 numbers that are not trained: 61.7 KiB

                """)
    }

    /// A model of one's own, which calls a layer twice and adds what it likes.
    private struct Residual: Module {
        let first = Dense(3, 3, random)
        let last = Sequential(Dense(3, 2, hasBias: false, random))

        func callAsFunction(_ a: Tensor, _ b: Tensor, _ pass: ForwardPass) throws -> Tensor {
            let sum = try first(a, pass) + first(b, pass)
            _ = try sum.exp()
            return try last(sum, pass)
        }
    }

    /// Shared parameters count once, and what nothing depends on is not there.
    @Test func aModelOfOnesOwn() throws {
        let model = Residual()
        let text = try summary(of: model) { pass in
            try model(pass.graph.input("a", [4, 3]), pass.graph.input("b", [4, 3]), pass)
        }
        #expect(
            text == """
                layer   kind   output  parameters  flops     memory
                first   Dense  [4, 3]          12     84   48 bytes
                first   Dense  [4, 3]           0     84   48 bytes
                        +      [4, 3]           0     12   48 bytes
                last.0  Dense  [4, 2]           6     48   32 bytes
                total                          18    228  176 bytes
                18 parameters: 72 bytes

                """)
    }

    @Test func whatDoesNotFitNamesTheLineOfTheLayer() throws {
        let line: UInt = #line + 1
        let layer = Dense(3, 2, Self.random)
        let error = #expect(throws: GraphError.self) { try summary(of: layer, input: TensorType([4, 5])) }
        #expect(error?.location?.line == line)
        let inputLine: UInt = #line + 1
        let wrong = #expect(throws: GraphError.self) { try summary(of: layer, input: TensorType([-1, 3])) }
        #expect(wrong?.location?.line == inputLine)
        #expect(try summary(of: layer, input: TensorType([0, 3])).contains("[0, 2]"))
    }
}
