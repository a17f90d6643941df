import Tessera

extension Picture {
    /// The picture as float32 `[channels, height, width]` of numbers in 0...1. torchvision.transforms.v2's ToTensor, whose
    /// numbers these are.
    ///
    /// - Throws: `GraphError` where there is no memory for it.
    public func tensor() throws -> HostTensor {
        try HostTensor(TensorType([channels.count, height, width])) { write(to: $0.bindMemory(to: Float.self)) }
    }

    /// The picture as uint8 `[channels, height, width]`. torchvision.transforms.v2's PILToTensor.
    ///
    /// - Throws: `GraphError` where there is no memory for it.
    public func byteTensor() throws -> HostTensor {
        try HostTensor(TensorType([channels.count, height, width], .uint8)) { target in
            forEachSample { target[$0] = $1 }
        }
    }

    /// Writes the pixels as numbers in 0...1, channel by channel.
    func write(to target: UnsafeMutableBufferPointer<Float>) {
        forEachSample { target[$0] = Float($1) / 255 }
    }

    /// Gives each sample with its place in `[channels, height, width]`.
    private func forEachSample(_ body: (_ place: Int, _ sample: UInt8) -> Void) {
        let (count, area) = (channels.count, height * width)
        pixels.withUnsafeBufferPointer { source in
            for channel in 0..<count {
                for pixel in 0..<area { body(channel * area + pixel, source[pixel * count + channel]) }
            }
        }
    }

    /// A picture of numbers, `[channels, height, width]` or, in grey, `[height, width]`; of one to four channels.
    ///
    /// - Parameters:
    ///   - tensor: of a floating-point type, or uint8, which is taken as it is.
    ///   - range: the numbers that become 0 and 255; those beyond are cut off, and what is not a number becomes 0.
    /// - Throws: `GraphError` for a tensor of another type or shape, and a range without numbers.
    public init(
        _ tensor: HostTensor, range: ClosedRange<Float> = 0...1, file: StaticString = #fileID, line: UInt = #line
    ) throws {
        let shape = tensor.shape.rank == 2 ? Shape([1] + tensor.shape.dimensions) : tensor.shape
        let location = SourceLocation(file: file, line: line)
        guard shape.rank == 3 else {
            throw GraphError(
                operation: "Picture", message: "needs [channels, height, width]; of a batch, see Picture.pictures(of:)",
                operands: [tensor.type], location: location)
        }
        let picture = try Self.pictures(
            of: tensor, as: Shape([1] + shape.dimensions), range: range, at: location)
        self = picture[0]
    }

    /// The pictures of a batch, `[count, channels, height, width]`.
    ///
    /// - Parameters:
    ///   - tensor: of a floating-point type, or uint8, which is taken as it is.
    ///   - range: the numbers that become 0 and 255; those beyond are cut off, and what is not a number becomes 0.
    /// - Throws: `GraphError` for a tensor of another type or shape, and a range without numbers.
    public static func pictures(
        of tensor: HostTensor, range: ClosedRange<Float> = 0...1, file: StaticString = #fileID, line: UInt = #line
    ) throws -> [Picture] {
        let location = SourceLocation(file: file, line: line)
        return try pictures(of: tensor, as: tensor.shape, range: range, at: location)
    }

    private static func pictures(
        of tensor: HostTensor, as shape: Shape, range: ClosedRange<Float>, at location: SourceLocation
    ) throws -> [Picture] {
        func failure(_ message: String) -> GraphError {
            GraphError(operation: "Picture", message: message, operands: [tensor.type], location: location)
        }
        guard shape.rank == 4, let channels = Channels(rawValue: shape[1]) else {
            throw failure("needs [count, channels, height, width] of 1 to 4 channels")
        }
        try checkExtents(shape[2], shape[3], at: location)
        let (low, size) = (range.lowerBound, range.upperBound - range.lowerBound)
        guard size > 0, size.isFinite else { throw failure("a range must have numbers in it, not \(range)") }
        let area = shape[2] * shape[3]
        func pictures<Sample>(_ samples: [Sample], _ byte: (Sample) -> UInt8) -> [Picture] {
            (0..<shape[0]).map { number in
                let pixels = [UInt8](unsafeUninitializedCapacity: area * channels.count) { target, initialized in
                    for channel in 0..<channels.count {
                        let start = (number * channels.count + channel) * area
                        for pixel in 0..<area {
                            target[pixel * channels.count + channel] = byte(samples[start + pixel])
                        }
                    }
                    initialized = area * channels.count
                }
                return Picture(shape[2], shape[3], channels, pixels)
            }
        }
        if tensor.dtype == .uint8 { return pictures(try tensor.elements(UInt8.self)) { $0 } }
        guard tensor.dtype.isFloatingPoint, let numbers = try tensor.converted(to: .float32) else {
            throw failure("needs floating-point numbers or uint8")
        }
        return pictures(try numbers.elements(Float.self)) { number in
            let share = ((number - low) / size * 255).rounded()
            // Also where it is not a number.
            return share > 0 ? UInt8(min(share, 255)) : 0
        }
    }
}
