import CVector
import TensorGraph

extension CPULowering {
    func interpolation(_ attributes: AxisInterpolation) throws -> CPUKernel {
        let axes = shape(0).dimensions
        let (extent, count) = attributes.extents
        let outer = axes[..<attributes.axis].reduce(1, *)
        let inner = axes[(attributes.axis + 1)...].reduce(1, *)
        let perSlice = max(1, shape(2).elementCount.dividedRoundingUp(by: count) * inner)
        let rows = inner == 1
        let group = Int(cv_interpolation_rows())
        // Long rows are shared out too where there are few of them.
        let groups = outer.dividedRoundingUp(by: group)
        let piece = max(64, count.dividedRoundingUp(by: max(1, (4 * Parallel.workers).dividedRoundingUp(by: groups))))
        let pieces = count.dividedRoundingUp(by: piece)
        return CPUKernel(rows ? "rows side by side" : "slices") { [type] places in
            func table(_ body: (UnsafePointer<cv_interpolation>) -> Void) {
                let table = cv_interpolation(
                    extent: Int64(extent), count: Int64(count), inner: Int64(inner),
                    starts: places.operands[1].assumingMemoryBound(to: Int32.self),
                    places: places.operands[2].assumingMemoryBound(to: Int32.self), weights: places.operands[3])
                withUnsafePointer(to: table, body)
            }
            guard rows else {
                return Parallel.run(outer * count, grain: max(1, memoryGrain / perSlice)) { range in
                    table {
                        cv_interpolate_slices(
                            type, $0, places.operands[0], places.results[0], Int64(range.lowerBound),
                            Int64(range.upperBound))
                    }
                }
            }
            Parallel.run(groups * pieces, grain: max(1, memoryGrain / (perSlice * piece * group))) { range in
                for index in range {
                    let (first, left) = (index / pieces * group, index % pieces * piece)
                    table {
                        cv_interpolate_rows(
                            type, $0, places.operands[0], places.results[0], Int64(first),
                            Int64(min(first + group, outer)), Int64(left), Int64(min(left + piece, count)))
                    }
                }
            }
        }
    }
}
