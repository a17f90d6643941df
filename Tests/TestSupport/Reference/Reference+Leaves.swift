import Foundation
import TensorGraph

extension Reference {
    package func input(_ attributes: Input) throws -> [[Double]] {
        guard let elements = inputs[attributes.name] else { throw ReferenceError("no input \(attributes.name)") }
        return [elements]
    }

    package func variable(_ variable: Variable) throws -> [[Double]] {
        [variables[variable] ?? variable.initialValue.doubles()]
    }

    package func constant(_ value: HostTensor) throws -> [[Double]] { [value.doubles()] }

    package func fill(_ attributes: Fill) throws -> [[Double]] {
        [[Double](repeating: attributes.value, count: attributes.type.shape.elementCount)]
    }

    package func random(_ attributes: Random) throws -> [[Double]] {
        let counter = UInt32(truncatingIfNeeded: Int(elements(0)[0]))
        return [
            (0..<attributes.shape.elementCount).map { index in
                let words = Philox.block(index: index, seed: attributes.seed, counter: counter)
                switch attributes.distribution {
                case .uniform: return Philox.uniform(words[index % 4])
                case .normal:
                    let pair = (index % 4) / 2 * 2
                    let u = Double((words[pair] >> 8) + 1) * 0x1p-24
                    let v = Philox.uniform(words[pair + 1])
                    let radius = (-2 * Foundation.log(u)).squareRoot()
                    return radius * (index % 2 == 0 ? Foundation.cos(2 * .pi * v) : Foundation.sin(2 * .pi * v))
                }
            }
        ]
    }

    package func dropout(_ attributes: DropoutMask) throws -> [[Double]] {
        let counter = UInt32(truncatingIfNeeded: Int(elements(1)[0]))
        return [
            elements(0).enumerated().map { index, x in
                let word = Philox.block(index: index, seed: attributes.seed, counter: counter)[index % 4]
                return Philox.uniform(word) >= attributes.rate ? x / (1 - attributes.rate) : 0
            }
        ]
    }
}

extension HostTensor {
    /// The elements as float64, whatever their type.
    package func doubles() -> [Double] {
        withUnsafeBytes { raw in
            switch dtype {
            case .float16: raw.bindMemory(to: UInt16.self).map { Double(Float16(bitPattern: $0)) }
            case .bfloat16: raw.bindMemory(to: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
            case .float32: raw.bindMemory(to: Float.self).map(Double.init)
            case .float64: Array(raw.bindMemory(to: Double.self))
            case .int32: raw.bindMemory(to: Int32.self).map(Double.init)
            case .int64: raw.bindMemory(to: Int64.self).map(Double.init)
            case .int8: raw.bindMemory(to: Int8.self).map(Double.init)
            case .int16: raw.bindMemory(to: Int16.self).map(Double.init)
            case .uint8, .bool: raw.map(Double.init)
            case .uint16: raw.bindMemory(to: UInt16.self).map(Double.init)
            case .uint32: raw.bindMemory(to: UInt32.self).map(Double.init)
            // Written out, as Double.init may be the one of bits.
            case .uint64: raw.bindMemory(to: UInt64.self).map { Double($0) }
            }
        }
    }

    /// A tensor of `type` with these numbers, each rounded to what the type holds; 0 where an integer type holds
    /// nothing like it.
    package init(_ type: TensorType, doubles: [Double]) throws {
        guard doubles.count == type.shape.elementCount else {
            throw ReferenceError("\(doubles.count) numbers do not fill \(type)")
        }
        func write<Element>(_ convert: (Double) -> Element) throws -> HostTensor {
            try HostTensor(type) { raw in
                for (slot, value) in zip(raw.bindMemory(to: Element.self).indices, doubles) {
                    raw.bindMemory(to: Element.self)[slot] = convert(value)
                }
            }
        }
        switch type.dtype {
        case .float16: self = try write { Float16($0).bitPattern }
        case .bfloat16: self = try write { UInt16(Rounding.bfloat16(Float($0)).bitPattern >> 16) }
        case .float32: self = try write { Float($0) }
        case .float64: self = try write { $0 }
        case .int32: self = try write { Int32(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .int64: self = try write { Int64(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .int8: self = try write { Int8(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .int16: self = try write { Int16(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .uint8: self = try write { UInt8(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .uint16: self = try write { UInt16(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .uint32: self = try write { UInt32(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .uint64: self = try write { UInt64(exactly: $0.rounded(.towardZero)) ?? 0 }
        case .bool: self = try write { UInt8($0 != 0 ? 1 : 0) }
        }
    }
}

/// Rounding to the types that only store.
enum Rounding {
    /// The nearest float32 whose lower 16 bits are zero, ties to even.
    static func bfloat16(_ value: Float) -> Float {
        guard !value.isNaN else { return value }
        let bits = value.bitPattern
        return Float(bitPattern: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) & 0xFFFF_0000)
    }
}
