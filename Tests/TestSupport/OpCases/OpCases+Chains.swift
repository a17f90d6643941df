import TensorGraph

extension OpCase {
    /// Several operations in a row, as models have them: what fusion and the memory plan get to work on.
    static let chains: [OpCase] = [
        OpCase(
            "chain dense layer with relu", [.tensor([9, 17]), .tensor([17, 13]), .tensor([13])], .normwise(4e-6),
            gradient: .full(.normwise(4e-6))
        ) { _, x in [try (x[0].matMul(x[1]) + x[2]).relu()] },
        OpCase(
            "chain dense layer with gelu, transposed weight", [.tensor([4, 5, 7]), .tensor([11, 7]), .tensor([11])],
            .normwise(4e-6), gradient: .full(.normwise(1e-5))
        ) { _, x in [try (x[0].matMul(x[1], transposeOther: true) + x[2]).gelu()] },
        OpCase(
            "chain convolution, bias, relu, pooling", [.tensor([2, 3, 8, 8]), .tensor([4, 3, 3, 3]), .tensor([4])],
            .product(27), gradient: .full(.product(128))
        ) { _, x in [try x[0].conv2D(x[1], bias: x[2], padding: 1).relu().maxPool2D(window: 2)] },
        OpCase(
            "chain residual block", [.tensor([7, 12]), .tensor([12]), .tensor([12]), .tensor([12, 12])],
            .normwise(4e-6),
            gradient: .full(.normwise(1e-5))
        ) { _, x in [try x[0] + x[0].layerNorm(scale: x[1], bias: x[2]).matMul(x[3]).silu()] },
        OpCase(
            "chain a product used twice", [.tensor([5, 6]), .tensor([6, 7])], .normwise(4e-6),
            gradient: .full(.normwise(1e-5))
        ) { _, x in
            let product = try x[0].matMul(x[1])
            return [try product.relu() * product + product, product]
        },
        OpCase(
            "chain classifier", [.tensor([11, 9]), .tensor([9, 5]), .tensor([5]), .int32([11], .integers(0...4))],
            .normwise(1e-5), gradient: .full(.normwise(1e-5))
        ) { _, x in [try (x[0].matMul(x[1]) + x[2]).crossEntropy(labels: x[3]).mean()] },
        OpCase(
            "chain elementwise with broadcasting", [.tensor([5, 7]), .tensor([7]), .tensor([5, 1])], .normwise(4e-6),
            gradient: .full(.normwise(1e-5))
        ) { _, x in [try ((x[0] * 2 - x[1]).tanh() * x[2] + 0.5).square().clamped(to: 0.1...2)] },
        OpCase(
            "chain dropout between products",
            [.tensor([6, 8]), .tensor([8, 9]), .tensor([9, 4]), .int32([], .values([3]))],
            .normwise(4e-6), gradient: .full(.normwise(1e-5))
        ) { _, x in [try x[0].matMul(x[1]).relu().dropout(rate: 0.4, seed: 11, counter: x[3]).matMul(x[2])] },
        OpCase(
            "chain multi-head attention", [.tensor([2, 5, 12]), .tensor([12, 36])], .normwise(1e-5),
            gradient: .full(.normwise(2e-5))
        ) { _, x in
            let projected = try x[0].matMul(x[1]).reshaped(to: [2, 5, 3, 3, 4]).transposed([2, 0, 3, 1, 4])
            let parts = try (0..<3).map { try projected.sliced(axis: 0, $0..<($0 + 1)).reshaped(to: [2, 3, 5, 4]) }
            return [
                try parts[0].attention(keys: parts[1], values: parts[2], isCausal: true).transposed([0, 2, 1, 3])
                    .reshaped(to: [2, 5, 12])
            ]
        },
        OpCase(
            "chain large classifier",
            [
                .tensor([130, 200]), .tensor([200, 300]), .tensor([300]), .tensor([300, 10]),
                .int32([130], .integers(0...9)),
            ],
            .normwise(1e-5), gradient: .parity(.normwise(2e-5))
        ) { _, x in
            [try (x[0].matMul(x[1]) + x[2]).relu().matMul(x[3]).crossEntropy(labels: x[4]).mean()]
        }.large,
    ]
}
