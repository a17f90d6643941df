extension HostTensor {
    /// The same numbers in another type: floating-point ones rounded to nearest even, whole ones where all of them fit.
    ///
    /// - Returns: `nil` where some whole numbers don't fit, or the numbers are of one kind and the type of the other.
    /// - Throws: ``GraphError`` where there is no memory for them.
    package func converted(to dtype: DType) throws -> HostTensor? {
        guard dtype != self.dtype else { return self }
        switch (self.dtype, dtype) {
        case (.float16, _): return try rounded(from: UInt16.self, to: dtype) { Double(Float(float16Bits: $0)) }
        case (.bfloat16, _): return try rounded(from: UInt16.self, to: dtype) { Double(Float(bfloat16Bits: $0)) }
        case (.float32, _): return try rounded(from: Float.self, to: dtype) { Double($0) }
        case (.float64, _): return try rounded(from: Double.self, to: dtype) { $0 }
        case (.int8, _): return try whole(from: Int8.self, to: dtype)
        case (.int16, _): return try whole(from: Int16.self, to: dtype)
        case (.int32, _): return try whole(from: Int32.self, to: dtype)
        case (.int64, _): return try whole(from: Int64.self, to: dtype)
        case (.uint8, _): return try whole(from: UInt8.self, to: dtype)
        case (.uint16, _): return try whole(from: UInt16.self, to: dtype)
        case (.uint32, _): return try whole(from: UInt32.self, to: dtype)
        case (.uint64, _): return try whole(from: UInt64.self, to: dtype)
        case (.bool, _): return nil
        }
    }

    private func rounded<Source: BitwiseCopyable>(
        from _: Source.Type, to dtype: DType, _ number: (Source) -> Double
    ) throws -> HostTensor? {
        switch dtype {
        case .float16: try map(to: dtype) { Float(roundingToOdd: number($0)).float16Bits }
        case .bfloat16: try map(to: dtype) { Float(roundingToOdd: number($0)).bfloat16Bits }
        case .float32: try map(to: dtype) { Float(number($0)) }
        case .float64: try map(to: dtype) { number($0) }
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .bool: nil
        }
    }

    private func whole<Source: FixedWidthInteger & BitwiseCopyable>(
        from _: Source.Type, to dtype: DType
    ) throws -> HostTensor? {
        switch dtype {
        case .int8: try map(to: dtype) { (number: Source) in Int8(exactly: number) }
        case .int16: try map(to: dtype) { (number: Source) in Int16(exactly: number) }
        case .int32: try map(to: dtype) { (number: Source) in Int32(exactly: number) }
        case .int64: try map(to: dtype) { (number: Source) in Int64(exactly: number) }
        case .uint8: try map(to: dtype) { (number: Source) in UInt8(exactly: number) }
        case .uint16: try map(to: dtype) { (number: Source) in UInt16(exactly: number) }
        case .uint32: try map(to: dtype) { (number: Source) in UInt32(exactly: number) }
        case .uint64: try map(to: dtype) { (number: Source) in UInt64(exactly: number) }
        case .float16, .bfloat16, .float32, .float64, .bool: nil
        }
    }

    /// Every element by itself; `nil` where `body` gives that for any.
    private func map<Source: BitwiseCopyable, Target: BitwiseCopyable>(
        to dtype: DType, _ body: (Source) -> Target?
    ) throws -> HostTensor? {
        var isWhole = true
        let result = try withUnsafeBytes { source in
            try HostTensor(TensorType(shape, dtype)) { bytes in
                let targets = bytes.bindMemory(to: Target.self)
                for index in targets.indices {
                    let place = index * MemoryLayout<Source>.size
                    guard let target = body(source.loadUnaligned(fromByteOffset: place, as: Source.self)) else {
                        isWhole = false
                        return
                    }
                    targets[index] = target
                }
            }
        }
        return isWhole ? result : nil
    }
}

extension Float {
    /// Rounded so that rounding once more, to fewer bits, gives what rounding `number` itself to those would: of the two
    /// nearest, the one whose last bit is set (Boldo and Melquiond, 2008).
    init(roundingToOdd number: Double) {
        self = Float(number)
        guard isFinite, Double(self) != number, bitPattern & 1 == 0 else { return }
        self = Float(bitPattern: Double(self).magnitude < number.magnitude ? bitPattern + 1 : bitPattern - 1)
    }
}
