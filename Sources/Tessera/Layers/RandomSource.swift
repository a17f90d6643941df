import Foundation

/// Numbers that look random and are the same for the same seed: initial parameters and shuffling draw from it.
///
/// SplitMix64. A class, so that the layers of a model draw from one source one after the other.
public final class RandomSource: RandomNumberGenerator {
    private var generator: SplitMix64

    public init(seed: UInt64) { generator = SplitMix64(seed: seed) }

    public func next() -> UInt64 { generator.next() }

    /// A number in [0, 1) with 24 bits.
    func unit() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// A float32 tensor of uniform numbers in [-bound, bound).
    public func uniform(_ shape: Shape, bound: Float) -> HostTensor {
        tensor(shape) { (2 * unit() - 1) * bound }
    }

    /// A float32 tensor of normal numbers (Box and Muller, 1958).
    public func normal(_ shape: Shape, deviation: Float = 1) -> HostTensor {
        tensor(shape) {
            let radius = (-2 * Foundation.log(1 - unit())).squareRoot()
            return radius * Foundation.cos(2 * Float.pi * unit()) * deviation
        }
    }

    private func tensor(_ shape: Shape, _ number: () -> Float) -> HostTensor {
        HostTensor(TensorType(shape)) { bytes in
            for index in 0..<shape.elementCount {
                bytes.storeBytes(of: number(), toByteOffset: 4 * index, as: Float.self)
            }
        }
    }
}

extension HostTensor {
    /// A float32 tensor with one number in every element.
    static func filled(_ value: Float, _ shape: Shape) -> HostTensor {
        HostTensor(filledWith: Double(value), TensorType(shape))
    }
}
