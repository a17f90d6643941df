/// A tensor `[n, c, …]` resized along all axes but the first two, which may be one to three. torch.nn.Upsample.
public struct Upsample: Layer {
    private enum Target {
        case size([Int])
        case scale([Double])
        case scaleOfEach(Double)
    }

    /// How elements in between are made.
    public var interpolation: Interpolation
    private let target: Target
    private let location: SourceLocation

    /// To these extents, whatever the input's are.
    public init(
        size: [Int], _ interpolation: Interpolation = .nearest, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(.size(size), interpolation, SourceLocation(file: file, line: line))
    }

    /// By these factors, one for each axis.
    public init(
        scale: [Double], _ interpolation: Interpolation = .nearest, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(.scale(scale), interpolation, SourceLocation(file: file, line: line))
    }

    /// By one factor along every axis.
    public init(
        scale: Double, _ interpolation: Interpolation = .nearest, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(.scaleOfEach(scale), interpolation, SourceLocation(file: file, line: line))
    }

    private init(_ target: Target, _ interpolation: Interpolation, _ location: SourceLocation) {
        self.target = target
        self.interpolation = interpolation
        self.location = location
    }

    public func callAsFunction(_ input: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try pass.graph.at(location) {
            switch target {
            case .size(let size): try input.interpolated(toSize: size, interpolation)
            case .scale(let scale): try input.interpolated(byScale: scale, interpolation)
            case .scaleOfEach(let scale):
                try input.interpolated(
                    byScale: [Double](repeating: scale, count: max(input.shape.rank - 2, 0)), interpolation)
            }
        }
    }
}
