import Foundation
import TensorGraph

extension SplitMix64 {
    /// Uniform in (0, 1].
    mutating func uniform() -> Float { Float((next() >> 40) + 1) * 0x1p-24 }
}

/// How the elements of an input are drawn.
enum Distribution {
    case normal
    /// Uniform in ±bound: PyTorch's initialisation of recurrent weights.
    case uniform(bound: Float)
    /// Whole numbers in `0 ..< count`.
    case indices(count: Int)

    /// A tensor of `dtype` (int32 for indices); float64 holds the same numbers as `stored` would.
    func tensor(_ shape: Shape, _ dtype: DType, name: String, stored: DType = .float32) throws -> HostTensor {
        if let complaint = shape.complaint { throw GraphError(operation: name, message: complaint) }
        var generator = SplitMix64(name: name)
        let count = shape.elementCount
        // As it is drawn, rounded, and put into bytes.
        try HostMemory.require(count.times(8 + dtype.byteCount), for: "\(name) \(TensorType(shape, dtype))")
        if case .indices(let limit) = self {
            return try HostTensor(shape, (0..<count).map { _ in Int32(generator.next() % UInt64(limit)) })
        }
        var numbers = floats(count, &generator)
        switch stored {
        case .float16: numbers = numbers.map { Float(float16Bits: $0.float16Bits) }
        case .bfloat16: numbers = numbers.map { Float(bfloat16Bits: $0.bfloat16Bits) }
        default: break
        }
        if dtype.isHalf {
            let bits = numbers.map { dtype == .float16 ? $0.float16Bits : $0.bfloat16Bits }
            return try HostTensor(TensorType(shape, dtype), bytes: bits.withUnsafeBytes { Array($0) })
        }
        return dtype == .float64 ? try HostTensor(shape, numbers.map(Double.init)) : try HostTensor(shape, numbers)
    }

    private func floats(_ count: Int, _ generator: inout SplitMix64) -> [Float] {
        switch self {
        case .uniform(let bound): return (0..<count).map { _ in bound * (2 * generator.uniform() - 1) }
        case .normal, .indices:
            // Box and Muller, both numbers of each pair.
            var numbers = [Float](repeating: 0, count: count)
            for index in Swift.stride(from: 0, to: count, by: 2) {
                let radius = (-2 * Foundation.log(generator.uniform())).squareRoot()
                let angle = 2 * Float.pi * generator.uniform()
                numbers[index] = radius * Foundation.cos(angle)
                if index + 1 < count { numbers[index + 1] = radius * Foundation.sin(angle) }
            }
            return numbers
        }
    }
}
