import CVector
import TensorGraph

extension CPULowering {
    func sort(_ attributes: Sort) throws -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / max(columns, 1)
        let room = Int(cv_sort_scratch(Int64(columns)))
        // No more threads than rows.
        let threads = min(Parallel.workers, rows)
        return CPUKernel("merges of rows", workspaces: [threads * room]) { [type] places in
            Parallel.run(rows, grain: max(1, memoryGrain / 16 / max(columns, 1))) { worker, range in
                cv_sort(
                    type, attributes.isDescending ? 1 : 0, places.operands[0], places.results[0],
                    places.results[1].assumingMemoryBound(to: Int32.self), Int64(range.lowerBound),
                    Int64(range.upperBound), Int64(columns), Int64(attributes.count),
                    places.workspaces[0] + worker * room)
            }
        }
    }
}
