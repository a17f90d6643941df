/// How many spatial axes a layer's input `[n, c, …]` has: what tells ``MaxPool2D`` from ``MaxPool3D``.
public protocol SpatialAxes {
    /// How many they are.
    static var count: Int { get }
}

/// `[n, c, w]`.
public enum OneAxis: SpatialAxes {
    public static let count = 1
}

/// `[n, c, h, w]`.
public enum TwoAxes: SpatialAxes {
    public static let count = 2
}

/// `[n, c, d, h, w]`.
public enum ThreeAxes: SpatialAxes {
    public static let count = 3
}

extension SpatialAxes {
    /// The same along all axes.
    static func each<Value>(_ value: Value) -> [Value] { [Value](repeating: value, count: count) }
}
