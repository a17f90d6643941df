/// A pooling as backends do it: windows over three axes of planes that are all alike.
///
/// One or two axes get others of extent 1 before them, so that the innermost is always the one along memory; outer axes along
/// which nothing is combined are more planes, but for where a maximum's index counts them.
package struct PoolingGrid: Hashable, Sendable {
    package var planes: Int
    /// Three, the outermost first.
    package var axes: [SpatialAxis]
    /// Whether the windows are those of ``Pooling/Windows/adaptive(_:)``, which differ in size: of the axes only inputs and
    /// outputs hold then. Where all are of one size, they are strided ones.
    package var isAdaptive: Bool
    package var countsPadding: Bool
    /// Whether a last window may reach beyond the padding.
    package var roundsUp: Bool

    /// - Parameter x: the shape that windows are taken of, which fits.
    package init(_ pooling: Pooling, _ x: Shape) {
        let extents = Array(x.dimensions[2...])
        planes = x[0] * x[1]
        countsPadding = pooling.function == .average(countsPadding: true)
        (isAdaptive, roundsUp) = (false, false)
        switch pooling.windows {
        case .strided(let strided):
            axes = (try? strided.spatialAxes(extents)) ?? []
            roundsUp = strided.roundsUp
        case .adaptive(let outputs):
            axes = zip(extents, outputs).compactMap { SpatialAxis(input: $0, adaptiveTo: $1) }
            if axes.count < extents.count {
                isAdaptive = true
                axes = zip(extents, outputs).map { SpatialAxis(input: $0, window: 1, output: $1) }
            }
        }
        if !isAdaptive, pooling.pass != .forwardWithIndices {
            while axes.count > 1, let first = axes.first, first.isPlain {
                planes *= first.input
                axes.removeFirst()
            }
        }
        while axes.count < SpatialLimits.mostAxes { axes.insert(.single, at: 0) }
    }

    /// Elements of a plane, and windows of one.
    package var inputs: Int { axes.reduce(1) { $0 * $1.input } }
    package var outputs: Int { axes.reduce(1) { $0 * $1.output } }
}
