import Tessera

/// A small residual network (He et al., 2016) over pictures `[n, 1, 28, 28]` → logits `[n, 10]`: a convolution, three blocks of
/// 32, 64 and 128 channels, of which the later two halve the picture, the mean over what is left, a linear map: 308,074
/// parameters.
public struct FashionResNet: Layer {
    let stem: Conv2D
    let norm: BatchNorm2D
    let blocks: [Block]
    let output: Dense

    public init(width: Int = 32, classes: Int = 10, _ random: RandomSource) {
        stem = Conv2D(1, width, kernel: 3, padding: 1, hasBias: false, random)
        norm = BatchNorm2D(width)
        blocks = [
            Block(width, width, stride: 1, random), Block(width, 2 * width, stride: 2, random),
            Block(2 * width, 4 * width, stride: 2, random),
        ]
        output = Dense(4 * width, classes, random)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let first = try norm(stem(input, pass), pass).relu()
        let features = try blocks.reduce(first) { try $1($0, pass) }
        return try output(features.mean(axes: [2, 3]), pass)
    }

    /// Two convolutions with batch norm beside a way around them: the input itself, or where extents differ a convolution of
    /// one pixel with batch norm.
    struct Block: Layer {
        let conv1: Conv2D
        let norm1: BatchNorm2D
        let conv2: Conv2D
        let norm2: BatchNorm2D
        let shortcut: Sequential?

        init(_ inputs: Int, _ outputs: Int, stride: Int, _ random: RandomSource) {
            conv1 = Conv2D(
                inputs, outputs, kernel: 3, stride: .all(stride), padding: 1, hasBias: false, random)
            norm1 = BatchNorm2D(outputs)
            conv2 = Conv2D(outputs, outputs, kernel: 3, padding: 1, hasBias: false, random)
            norm2 = BatchNorm2D(outputs)
            shortcut =
                inputs == outputs && stride == 1
                ? nil
                : Sequential(
                    Conv2D(inputs, outputs, kernel: 1, stride: .all(stride), hasBias: false, random),
                    BatchNorm2D(outputs))
        }

        func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
            let inner = try norm1(conv1(input, pass), pass).relu()
            let around = try shortcut?(input, pass) ?? input
            return try (norm2(conv2(inner, pass), pass) + around).relu()
        }
    }
}
