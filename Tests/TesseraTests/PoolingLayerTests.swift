import Tessera
import Testing

/// Pooling layers and unpooling beside PyTorch's: `Tests/References/pooling.py`.
@Suite struct PoolingLayerTests {
    private static var layers: [String: any Layer] {
        [
            "max1d": MaxPool1D(3, stride: 2, padding: 1), "max2d": MaxPool2D(2, ceilingMode: true),
            "max3d": MaxPool3D(2, stride: 1, dilation: 2),
            "average1d": AveragePool1D(3, stride: 2, padding: 1, countsPadding: false),
            "average2d": AveragePool2D(3, stride: 2, padding: 1), "average3d": AveragePool3D(2, ceilingMode: true),
            "norm1d": NormPool1D(2, 3, stride: 2), "norm2d": NormPool2D(3, 2), "norm2d ceiling": NormPool2D(2, 3),
            "norm3d": NormPool3D(1, [2, 2, 2]), "adaptive average 1d": AdaptiveAveragePool(to: [3]),
            "adaptive average 2d": AdaptiveAveragePool(to: [3, 2]),
            "adaptive average 3d": AdaptiveAveragePool(to: [3, 2, 1]), "adaptive max 1d": AdaptiveMaxPool(to: [3]),
            "adaptive max 2d": AdaptiveMaxPool(to: [3, 2]), "adaptive max 3d": AdaptiveMaxPool(to: [3, 2, 1]),
            "global average": GlobalAveragePool(), "global max": GlobalMaxPool(),
        ]
    }

    private func unpooled<Axes: SpatialAxes>(
        _ inputs: [String: Tensor], _ pool: MaxPool<Axes>, _ unpool: MaxUnpool<Axes>, to extents: [Int]? = nil,
        _ pass: ForwardPass
    ) throws -> [String: Tensor] {
        let (values, indices) = try pool.withIndices(#require(inputs["x"]), pass)
        return [
            "values": values, "indices": indices,
            "unpooled": try unpool(values, indices: indices, to: extents, pass),
        ]
    }

    @Test func eachIsThatOfPyTorch() throws {
        let reference = try PyTorchReference("pooling")
        let unpooling = ["unpool1d", "unpool2d", "unpool2d padded", "unpool3d"]
        #expect(reference.names == (Self.layers.keys + unpooling).sorted())
        for (name, layer) in Self.layers.sorted(by: { $0.key < $1.key }) {
            try reference.check(name) { inputs, pass in ["y": try layer(#require(inputs["x"]), pass)] }
        }
        try reference.check("unpool1d") { try unpooled($0, MaxPool1D(2), MaxUnpool1D(2), $1) }
        try reference.check("unpool2d") { try unpooled($0, MaxPool2D(2), MaxUnpool2D(2), to: [5, 7], $1) }
        try reference.check("unpool2d padded") {
            try unpooled($0, MaxPool2D(3, padding: 1), MaxUnpool2D(3, padding: 1), $1)
        }
        try reference.check("unpool3d") { try unpooled($0, MaxPool3D(2), MaxUnpool3D(2), $1) }
    }

    @Test(arguments: [0, -1, .max, .min]) func anyNumberIsSaid(_ number: Int) throws {
        let graph = Graph()
        let pass = ForwardPass(graph, .inference)
        let (x, indices) = (try graph.input("x", [1, 2, 4, 4]), try graph.input("i", [1, 2, 4, 4], .int32))
        let layers: [any Layer] = [
            NormPool2D(number, 2), NormPool2D(2, .all(number)), NormPool2D(2, 2, stride: .all(number)),
            NormPool2D(2, [2, 2, 2]), NormPool3D(2, 2),
        ]
        for layer in layers {
            let error = #expect(throws: GraphError.self, "\(layer)") { try layer(x, pass) }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
        for unpool in [MaxUnpool2D(.all(number), stride: 0), MaxUnpool2D(2, stride: .all(number), padding: 9)] {
            guard number <= 0 || unpool.padding == 9 else { continue }
            let error = #expect(throws: GraphError.self) { try unpool(x, indices: indices, pass) }
            #expect(error?.location?.file.hasPrefix("TesseraTests/") == true, "\(error as Any)")
        }
        let error = #expect(throws: GraphError.self) { try MaxUnpool3D(2)(x, indices: indices, pass) }
        #expect(error?.message.contains("must be [n, c, d, h, w]") == true)
    }
}
