import ParityRunner
import TensorGraph
import TestSupport
import Testing

/// Strides, dilations, paddings and windows near the largest that are allowed, on tensors of everyday size.
@Suite struct LargeNumberTests {
    private static let most = 1 << 16 - 1

    private static let cases: [OpCase] = {
        func convolution(_ name: String, _ x: Shape, _ w: Shape, _ attributes: Convolution) -> OpCase {
            OpCase(
                "conv2D " + name, .convolution(attributes), [.tensor(x), .tensor(w)], .normwise(1e-6),
                gradient: .parity(.normwise(1e-6)))
        }
        func pool(_ name: String, _ attributes: Pooling, of shape: Shape = [2, 3, 5, 4]) -> OpCase {
            OpCase(
                name, .pooling(attributes), [.tensor(shape)], .normwise(1e-6), gradient: .parity(.normwise(1e-6)))
        }
        let average = Pooling.Function.average(countsPadding: true)
        return [
            convolution("stride", [2, 3, 5, 4], [2, 3, 3, 3], Convolution(stride: [most, most])),
            convolution("stride down", [2, 3, 5, 9], [2, 3, 3, 3], Convolution(stride: [most, 2])),
            convolution("dilation of one tap", [2, 3, 5, 4], [2, 3, 1, 1], Convolution(dilation: [most, most])),
            convolution("dilation across", [2, 3, 5, 4], [2, 3, 3, 1], Convolution(dilation: [1, most])),
            convolution(
                "depthwise stride", [2, 3, 5, 4], [3, 1, 3, 3], Convolution(stride: [most, most], groups: 3)),
            convolution(
                "padding and stride", [1, 2, 3, 3], [2, 2, 3, 3],
                Convolution(stride: [most, most], padding: [most, most, most, most])),
            convolution(
                "dilation into the padding", [1, 2, 3, 3], [2, 2, 3, 3],
                Convolution(
                    stride: [most, most], padding: [most, most, most, most], dilation: [most, most])),
            pool("maxPool2D stride", Pooling(.maximum, window: [2, 2], stride: [most, most])),
            pool("averagePool2D stride", Pooling(average, window: [2, 2], stride: [most, most])),
            pool("maxPool2D dilation of one tap", Pooling(.maximum, window: [1, 1], dilation: [most, most])),
            pool("maxPool2D of all", Pooling(.maximum, window: [70, 70]), of: [1, 2, 70, 70]),
            pool("averagePool2D of all", Pooling(average, window: [70, 70]), of: [1, 2, 70, 70]),
            pool("maxPool3D of all", Pooling(.maximum, window: [20, 20, 20]), of: [1, 2, 20, 20, 20]),
            pool("averagePool3D of all", Pooling(average, window: [20, 20, 20]), of: [1, 2, 20, 20, 20]),
            pool(
                "averagePool1D of more than the input",
                Pooling(average, window: [most], stride: [most], padding: [most - 1, most - 1], roundsUp: true),
                of: [1, 2, 5]),
        ]
    }()

    @Test func kernelsCountWithThem() throws {
        let parity = try Parity(
            devices: ParityDevice.all(.both, optimization: .ofItsOwnStyle), types: [.float32], runsTwice: false)
        for opCase in Self.cases {
            for outcome in parity.check(opCase) where !outcome.complaints.isEmpty {
                Issue.record("\(outcome.opCase) on \(outcome.device): \(outcome.complaints.joined(separator: "; "))")
            }
        }
    }
}
