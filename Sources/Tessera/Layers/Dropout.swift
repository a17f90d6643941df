/// Zeroes elements with probability `rate` while training and scales the rest by `1 / (1 - rate)` (Srivastava et al., 2014).
///
/// The mask follows from the seed and the step alone, the same on every device.
public struct Dropout: Layer {
    public var rate: Double
    private let seed: UInt64
    private let location: SourceLocation

    /// - Parameters:
    ///   - rate: in 0..<1; the graph says so otherwise, also where nothing is dropped.
    ///   - random: each layer draws a seed of its own from it.
    public init(_ rate: Double, _ random: RandomSource, file: StaticString = #fileID, line: UInt = #line) {
        self.rate = rate
        seed = random.next()
        location = SourceLocation(file: file, line: line)
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            // The node is checked in inference too, where nothing reads it.
            let counter =
                switch pass.mode {
                case .training(let step): step
                case .inference: try pass.graph.fill(0, [], .int32)
                }
            let dropped = try input.dropout(rate: rate, seed: seed, counter: counter)
            guard case .training = pass.mode, rate != 0 else { return input }
            return dropped
        }
    }
}
