import Tessera
import Testing

/// Layers of convolutions, and those that move or make pixels, beside PyTorch's: `Tests/References/convolution.py`.
@Suite struct ConvolutionLayerTests {
    private static var random: RandomSource { RandomSource(seed: 1) }

    private static var layers: [String: any Layer] {
        [
            "conv1d": Conv1D(3, 4, kernel: 3, stride: 2, padding: 1, dilation: 2, random),
            "conv1d same": Conv1D(2, 3, kernel: 4, padding: .same, dilation: 3, random),
            "conv1d valid": Conv1D(2, 3, kernel: 4, padding: .valid, hasBias: false, random),
            "conv1d circular": Conv1D(2, 3, kernel: 3, padding: 2, paddingMode: .wrap, random),
            "conv1d of one": Conv1D(1, 1, kernel: 1, random),
            "conv2d": Conv2D(3, 4, kernel: [3, 2], stride: [2, 1], padding: [1, 2], dilation: [1, 2], random),
            "conv2d same": Conv2D(2, 3, kernel: [2, 5], padding: .same, random),
            "conv2d groups": Conv2D(4, 6, kernel: 3, padding: 1, groups: 2, hasBias: false, random),
            "conv2d depthwise": Conv2D(3, 6, kernel: 3, groups: 3, random),
            "conv2d reflect": Conv2D(2, 3, kernel: 3, padding: [2, 1], paddingMode: .reflect, random),
            "conv2d replicate": Conv2D(2, 3, kernel: 3, stride: 2, padding: 1, paddingMode: .edge, random),
            "conv2d same circular": Conv2D(2, 3, kernel: 4, padding: .same, paddingMode: .wrap, random),
            "conv2d asymmetric": Conv2D(2, 3, kernel: 3, padding: .explicit([(0, 3), (1, 2)]), random),
            "conv3d": Conv3D(2, 3, kernel: [2, 3, 1], stride: [1, 2, 1], padding: [1, 0, 2], random),
            "conv3d same": Conv3D(2, 2, kernel: 3, padding: .same, groups: 2, random),
            "conv3d replicate": Conv3D(1, 2, kernel: 2, padding: 1, paddingMode: .edge, random),
            "separable": SeparableConv2D(3, 4, kernel: 3, stride: 2, padding: 1, multiplier: 2, random),
            "transposed1d": ConvTransposed1D(3, 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1, random),
            "transposed1d dilated": ConvTransposed1D(2, 2, kernel: 3, dilation: 2, hasBias: false, random),
            "transposed2d": ConvTransposed2D(
                3, 2, kernel: [3, 4], stride: [2, 3], padding: [1, 0], outputPadding: [0, 2], random),
            "transposed2d groups": ConvTransposed2D(4, 6, kernel: 3, stride: 2, dilation: [2, 1], groups: 2, random),
            "transposed2d of one": ConvTransposed2D(1, 1, kernel: 1, random),
            "transposed3d": ConvTransposed3D(
                2, 3, kernel: 2, stride: 2, padding: [0, 1, 0], outputPadding: [1, 0, 1], random),
            "shuffle": PixelShuffle(2), "unshuffle": PixelUnshuffle(3),
            "nearest": Upsample(scale: 2), "linear": Upsample(scale: 2, .linear()),
            "bilinear": Upsample(size: [5, 7], .linear()),
            "bilinear corners": Upsample(scale: 3, .linear(alignsCorners: true)),
            "bicubic": Upsample(scale: [2, 1.5], .cubic()), "trilinear": Upsample(scale: 2, .linear()),
        ]
    }

    @Test func eachIsThatOfPyTorch() throws {
        let reference = try PyTorchReference("convolution")
        #expect(reference.names == Self.layers.keys.sorted())
        for (name, layer) in Self.layers.sorted(by: { $0.key < $1.key }) {
            try reference.check(name, module: layer) { inputs, pass in
                ["y": try layer(#require(inputs["x"]), pass)]
            }
        }
    }

    /// With strides, as TensorFlow has it: the output is the extent by the stride, rounded up.
    @Test func samePaddingWithStrides() throws {
        for (extent, kernel, stride) in [(7, 3, 2), (8, 3, 2), (8, 2, 3), (5, 1, 4), (1, 5, 2)] {
            let graph = Graph()
            let layer = Conv1D(1, 1, kernel: .all(kernel), stride: .all(stride), padding: .same, Self.random)
            let y = try layer(graph.input("x", [1, 1, extent]), ForwardPass(graph, .inference))
            #expect(y.shape == [1, 1, (extent + stride - 1) / stride])
        }
    }

    @Test func emptyBatchesStayEmpty() throws {
        for (layer, input, output) in [
            (Conv2D(2, 3, kernel: 3, padding: .same, paddingMode: .reflect, Self.random), [0, 2, 5, 4], [0, 3, 5, 4]),
            (ConvTransposed2D(2, 3, kernel: 2, stride: 2, Self.random), [0, 2, 5, 4], [0, 3, 10, 8]),
            (PixelShuffle(2), [0, 8, 3, 3], [0, 2, 6, 6]), (PixelUnshuffle(2), [0, 2, 6, 6], [0, 8, 3, 3]),
        ] as [(any Layer, Shape, Shape)] {
            for place in Place.available {
                let executor = try place.executor()
                let graph = Graph()
                let y = try layer(graph.input("x", input), ForwardPass(graph, .inference))
                let x = try HostTensor(zeros: TensorType(input))
                #expect(try executor.run(executor.compile(graph, outputs: [y]), inputs: ["x": x])[0].shape == output)
            }
        }
    }

    @Test func whatDoesNotFitNamesTheLine() throws {
        let random = Self.random
        let cases: [(layer: any Layer, input: Shape, line: UInt)] = [
            (Conv2D(2, 3, kernel: [3], random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, stride: [1, 1, 1], random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, padding: [1], random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, padding: .explicit([(1, 1)]), random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, padding: .explicit([(-1, 1), (0, 0)]), random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, padding: 5, paddingMode: .reflect, random), [1, 2, 5, 5], #line),
            (Conv2D(2, 3, kernel: 3, random), [1, 2, 5], #line),
            (Conv3D(2, 3, kernel: 3, random), [1, 2, 5, 5], #line),
            (ConvTransposed2D(2, 3, kernel: 3, stride: 2, outputPadding: 2, random), [1, 2, 5, 5], #line),
            (ConvTransposed2D(2, 3, kernel: 3, padding: 9, random), [1, 2, 5, 5], #line),
            (ConvTransposed2D(2, 3, kernel: 3, stride: 0, random), [1, 2, 5, 5], #line),
            (ConvTransposed1D(2, 3, kernel: 3, random), [1, 3, 5], #line),
            (ConvTransposed3D(2, 3, kernel: 3, random), [1, 2, 5, 5], #line),
            (SeparableConv2D(2, 3, kernel: 3, multiplier: -1, random), [1, 2, 5, 5], #line),
            (PixelShuffle(3), [1, 8, 2, 2], #line), (PixelShuffle(0), [1, 8, 2, 2], #line),
            (PixelUnshuffle(2), [1, 8, 3, 2], #line), (PixelUnshuffle(.max), [1, 8, 2, 2], #line),
        ]
        for (layer, input, line) in cases {
            let graph = Graph()
            let error = #expect(throws: GraphError.self, "\(layer)") {
                try layer(graph.input("x", input), ForwardPass(graph, .inference))
            }
            #expect(error?.location?.line == line, "\(error as Any)")
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true)
        }
    }

    @Test(arguments: [0, -1, .max, .min, 1 << 50]) func anyNumberIsSaidOrWorks(_ number: Int) {
        let random = Self.random
        let layers: [any Layer] = [
            Conv2D(2, 2, kernel: .all(number), padding: .same, random),
            Conv2D(2, 2, kernel: 3, stride: .all(number), padding: .same, dilation: .all(number), random),
            Conv2D(2, 2, kernel: 3, padding: .explicit([(number, number), (0, number)]), paddingMode: .wrap, random),
            ConvTransposed2D(number, 2, kernel: 3, random), ConvTransposed2D(2, number, kernel: 3, random),
            ConvTransposed2D(2, 2, kernel: .all(number), random),
            ConvTransposed2D(
                2, 2, kernel: 3, stride: .all(number), padding: .all(number), outputPadding: .all(number),
                dilation: .all(number), groups: number, random),
            SeparableConv2D(2, 2, kernel: 3, multiplier: number, random),
            PixelShuffle(number), PixelUnshuffle(number),
        ]
        for layer in layers {
            let graph = Graph()
            do {
                _ = try layer(graph.input("x", [1, 2, 4, 4]), ForwardPass(graph, .inference))
            } catch {
                #expect((error as? GraphError)?.location?.file.hasPrefix("TesseraTests/") == true, "\(error)")
            }
        }
    }
}
