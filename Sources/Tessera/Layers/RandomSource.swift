import Foundation

/// Numbers that look random and are the same for the same seed: initial parameters and shuffling draw from it.
///
/// SplitMix64. A class, so that the layers of a model draw from one source one after the other.
public final class RandomSource: RandomNumberGenerator {
    private var generator: SplitMix64

    /// A source whose numbers the seed alone decides.
    public init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    public func next() -> UInt64 { generator.next() }

    /// A number in [0, 1) with 24 bits.
    func unit() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// A float32 tensor of uniform numbers in [-bound, bound).
    ///
    /// - Throws: ``GraphError`` where no tensor has that shape, or it is too large for the memory that is free.
    public func uniform(
        _ shape: Shape, bound: Float, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        try tensor(shape, file, line) { (2 * unit() - 1) * bound }
    }

    /// A float32 tensor of normal numbers (Box and Muller, 1958).
    ///
    /// - Throws: ``GraphError`` where no tensor has that shape, or it is too large for the memory that is free.
    public func normal(
        _ shape: Shape, deviation: Float = 1, file: StaticString = #fileID, line: UInt = #line
    ) throws(GraphError) -> HostTensor {
        try tensor(shape, file, line) { normal() * deviation }
    }

    /// A standard normal number.
    func normal() -> Float {
        let radius = (-2 * Foundation.log(1 - unit())).squareRoot()
        return radius * Foundation.cos(2 * Float.pi * unit())
    }

    /// A float32 tensor of numbers drawn one after another.
    func tensor(
        _ shape: Shape, _ file: StaticString, _ line: UInt, _ number: () -> Float
    ) throws(GraphError) -> HostTensor {
        var tensor = try HostTensor(zeros: TensorType(shape), file: file, line: line)
        tensor.withUnsafeMutableBytes { bytes in
            for index in 0..<(bytes.count / 4) {
                bytes.storeBytes(of: number(), toByteOffset: 4 * index, as: Float.self)
            }
        }
        return tensor
    }
}

extension HostTensor {
    /// A float32 tensor with one number in every element.
    static func filled(_ value: Float, _ shape: Shape) throws -> HostTensor {
        try HostTensor(filledWith: Double(value), TensorType(shape))
    }
}

extension Variable {
    /// A variable of a layer: where its shape is none, or there is no memory for it, that is said of the layer and the line
    /// that makes it, to whoever reads it.
    convenience init(
        _ name: String, of layer: String, at location: SourceLocation, isTrainable: Bool = true,
        _ value: () throws -> HostTensor
    ) {
        func located() throws -> HostTensor {
            do {
                return try value()
            } catch let error as GraphError {
                throw GraphError(operation: layer, message: error.message, location: location)
            }
        }
        self.init(name, try located(), isTrainable: isTrainable)
    }
}
