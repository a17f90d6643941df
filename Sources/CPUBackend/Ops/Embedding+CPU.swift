import CVector
import TensorGraph

extension CPULowering {
    func embedding() throws -> CPUKernel {
        let (rows, width) = (shape(0)[0], shape(0)[1])
        let places = shape(1).elementCount
        return CPUKernel("copies rows") { [type] memory in
            Parallel.run(places, grain: max(1, memoryGrain / max(width, 1))) { range in
                cv_embedding(
                    type, memory.operands[0], memory.operands[1].assumingMemoryBound(to: Int32.self), memory.results[0],
                    Int64(range.lowerBound), Int64(range.upperBound), Int64(rows), Int64(width))
            }
        }
    }

    func embeddingGradient(_ attributes: EmbeddingGradient) throws -> CPUKernel {
        let places = shape(0).elementCount
        let width = node.resultTypes[0].shape[1]
        // Each thread looks at all indices and adds what falls into its own rows, in order. As few pieces as there are
        // threads, since every piece reads the indices anew.
        let rows = attributes.rows
        let grain = max(1, rows.dividedRoundingUp(by: Parallel.workers), memoryGrain / max(width, 1) / 4)
        // Of many places one row may get a long sum: room for totals of rows, and how often each was hit.
        let isLong = places > 1 << 14
        let workspaces = isLong ? [rows * width * size, rows * MemoryLayout<Int32>.size] : []
        return CPUKernel("adds rows in order", workspaces: workspaces) { [type] memory in
            let totals = isLong ? memory.workspaces[0] : nil
            let hits = isLong ? memory.workspaces[1].assumingMemoryBound(to: Int32.self) : nil
            let pieces = rows.dividedRoundingUp(by: grain)
            Parallel.run(pieces, grain: 1) { range in
                for piece in range {
                    cv_embedding_gradient(
                        type, memory.operands[0].assumingMemoryBound(to: Int32.self), memory.operands[1],
                        memory.results[0], totals, hits, Int64(places), Int64(piece * grain),
                        Int64(min((piece + 1) * grain, rows)), Int64(width))
                }
            }
        }
    }
}
