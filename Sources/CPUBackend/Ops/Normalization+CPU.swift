import CVector
import TensorGraph

extension CPULowering {
    func normalization(_ attributes: Normalization) throws -> CPUKernel {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): layerNorm(attributes)
        case (.layer, .gradient): layerNormGradient(attributes)
        case (.batch, .forward): batchNorm(attributes)
        case (.batch, .gradient): batchNormGradient(attributes)
        }
    }

    private func layerNorm(_ attributes: Normalization) -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        return CPUKernel("rows") { [type] places in
            Parallel.run(rows, grain: max(1, memoryGrain / (2 * columns))) { range in
                cv_layer_norm(
                    type, places.operands[0], places.operands[1], places.operands[2], places.results[0],
                    places.results[1], places.results[2], attributes.epsilon, Int64(range.lowerBound),
                    Int64(range.upperBound), Int64(columns))
            }
        }
    }

    private func layerNormGradient(_ attributes: Normalization) -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        // Bands of fixed height, whatever the number of cores, add up dscale and dbias each; then the bands. Few rows a
        // band, or the sums of many would lose digits.
        let band = min(64, max(16, rows.dividedUp(by: 64)))
        let bands = rows.dividedUp(by: band)
        let (type, size) = (type, size)
        return CPUKernel("bands of rows", workspaces: [bands * columns * size, bands * columns * size]) { places in
            Parallel.run(bands, grain: max(1, memoryGrain / (2 * band * columns))) { range in
                for index in range {
                    let (dscale, dbias) = (
                        places.workspaces[0] + index * columns * size, places.workspaces[1] + index * columns * size
                    )
                    dscale.initializeMemory(as: UInt8.self, repeating: 0, count: columns * size)
                    dbias.initializeMemory(as: UInt8.self, repeating: 0, count: columns * size)
                    cv_layer_norm_gradient(
                        type, places.operands[0], places.operands[1], places.operands[2], places.operands[3],
                        places.operands[4], places.results[0], dscale, dbias, Int64(index * band),
                        Int64(min((index + 1) * band, rows)), Int64(columns))
                }
            }
            for which in 0..<2 {
                Parallel.run(columns, grain: max(1, memoryGrain / bands)) { range in
                    cv_reduce_columns(
                        type, CV_SUM, places.workspaces[which], places.results[1 + which], 0, Int64(bands),
                        Int64(columns), Int64(range.lowerBound), Int64(range.upperBound))
                }
            }
        }
    }

    private func batchNorm(_ attributes: Normalization) -> CPUKernel {
        let x = shape(0)
        let (n, c, plane) = (x[0], x[1], x[2] * x[3])
        return CPUKernel("channels") { [type] places in
            Parallel.run(c, grain: max(1, memoryGrain / (2 * n * plane))) { range in
                cv_batch_norm(
                    type, places.operands[0], places.operands[1], places.operands[2], places.results[0],
                    places.results[1], places.results[2], attributes.epsilon, Int64(range.lowerBound),
                    Int64(range.upperBound), Int64(n), Int64(c), Int64(plane))
            }
        }
    }

    private func batchNormGradient(_ attributes: Normalization) -> CPUKernel {
        let x = shape(0)
        let (n, c, plane) = (x[0], x[1], x[2] * x[3])
        return CPUKernel("channels") { [type] places in
            Parallel.run(c, grain: max(1, memoryGrain / (2 * n * plane))) { range in
                cv_batch_norm_gradient(
                    type, places.operands[0], places.operands[1], places.operands[2], places.operands[3],
                    places.operands[4], places.results[0], places.results[1], places.results[2], attributes.epsilon,
                    Int64(range.lowerBound), Int64(range.upperBound), Int64(n), Int64(c), Int64(plane))
            }
        }
    }
}
