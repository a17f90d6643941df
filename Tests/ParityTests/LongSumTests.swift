import Execution
import ParityRunner
import TensorGraph
import Testing

/// The gradient of a convolution's weight adds up as many products as there are pixels: too many for the float64 reference to
/// repeat, but of equal numbers what they come to is known.
@Suite(.serialized) struct LongSumTests {
    @Test(arguments: [(kernel: 3, groups: 1), (3, 16), (1, 1)])
    func weightsOfManyPixels(_ kernel: Int, _ groups: Int) throws {
        let (channels, side) = (16, 700)
        let number = Double(Float(1.01))
        for device in try ParityDevice.all(.both, convolutions: kernel == 3 && groups == 1 ? [nil, .winograd4] : [nil])
        {
            let graph = Graph()
            let x = try graph.input("x", [1, channels, side, side]), dy = try graph.input("dy", x.shape)
            let weight = try graph.input("w", [channels, channels / groups, kernel, kernel])
            let y = try x.conv2D(weight, padding: kernel / 2, groups: groups)
            let gradient = try graph.gradients(of: y, withRespectTo: [weight], cotangent: dy)
            let numbers = try HostTensor(filledWith: number, x.type)
            let executor = try device.executor(isolatesTensors: false)
            let found = try executor.run(
                executor.compile(graph, outputs: gradient), inputs: ["x": numbers, "dy": numbers])[0].doubles()
            for (index, value) in found.enumerated() {
                // The pixels that a tap meets, fewer where it is beside the middle.
                let row = side - abs(index / kernel % kernel - kernel / 2),
                    column = side - abs(index % kernel - kernel / 2)
                let error = value / (number * number * Double(row * column)) - 1
                guard abs(error) > 4e-5 else { continue }
                Issue.record("\(device): tap \(index) is off by \(error)")
                break
            }
        }
    }
}
