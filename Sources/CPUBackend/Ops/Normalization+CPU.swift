import CVector
import TensorGraph

extension CPULowering {
    func normalization(_ attributes: Normalization) throws -> CPUKernel {
        switch (attributes.statistics, attributes.pass) {
        case (.layer, .forward): layerNorm(attributes)
        case (.layer, .gradient): layerNormGradient(attributes)
        case (.rootMeanSquare, .forward): rmsNorm(attributes)
        case (.rootMeanSquare, .gradient): rmsNormGradient()
        case (.group(let count), .forward): groupNorm(attributes, groups: count)
        case (.group(let count), .gradient): groupNormGradient(groups: count)
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
        let (type, columns) = (type, Int64(shape(0).dimensions.last ?? 1))
        return bands(sums: 2) { places, sums, rows in
            cv_layer_norm_gradient(
                type, places.operands[0], places.operands[1], places.operands[2], places.operands[3],
                places.operands[4], places.results[0], sums[0], sums[1], Int64(rows.lowerBound), Int64(rows.upperBound),
                columns)
        }
    }

    private func rmsNorm(_ attributes: Normalization) -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        return CPUKernel("rows") { [type] places in
            Parallel.run(rows, grain: max(1, memoryGrain / (2 * columns))) { range in
                cv_rms_norm(
                    type, places.operands[0], places.operands[1], places.results[0], places.results[1],
                    attributes.epsilon, Int64(range.lowerBound), Int64(range.upperBound), Int64(columns))
            }
        }
    }

    private func rmsNormGradient() -> CPUKernel {
        let (type, columns) = (type, Int64(shape(0).dimensions.last ?? 1))
        return bands(sums: 1) { places, sums, rows in
            cv_rms_norm_gradient(
                type, places.operands[0], places.operands[1], places.operands[2], places.operands[3],
                places.results[0], sums[0], Int64(rows.lowerBound), Int64(rows.upperBound), columns)
        }
    }

    /// Work on rows that also adds up tensors of a row's length, results 1, 2, …: bands of fixed height, whatever the number
    /// of cores, add up theirs, from zeros; then the bands. Few rows a band, or the sums of many would lose digits.
    private func bands(
        sums count: Int, _ body: @escaping (Places, _ sums: [UnsafeMutableRawPointer], _ rows: Range<Int>) -> Void
    ) -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        let band = min(64, max(16, rows.dividedRoundingUp(by: 64)))
        let bands = rows.dividedRoundingUp(by: band)
        let byteCount = columns * size
        return CPUKernel(
            "bands of rows", workspaces: [Int](repeating: bands * byteCount, count: count)
        ) { [type] places in
            Parallel.run(bands, grain: max(1, memoryGrain / (2 * band * columns))) { range in
                for index in range {
                    let sums = places.workspaces.prefix(count).map { $0 + index * byteCount }
                    for sum in sums { sum.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount) }
                    body(places, sums, index * band..<min((index + 1) * band, rows))
                }
            }
            for which in 0..<count {
                addUp(type, places.workspaces[which], bands, columns, to: places.results[1 + which])
            }
        }
    }

    private func groupNorm(_ attributes: Normalization, groups: Int) -> CPUKernel {
        let (rows, channels, plane) = groupExtents(groups)
        return CPUKernel("groups") { [type] places in
            Parallel.run(rows, grain: max(1, memoryGrain / (2 * channels * plane))) { range in
                cv_group_norm(
                    type, places.operands[0], places.operands[1], places.operands[2], places.results[0],
                    places.results[1], places.results[2], attributes.epsilon, Int64(range.lowerBound),
                    Int64(range.upperBound), Int64(groups), Int64(channels), Int64(plane))
            }
        }
    }

    private func groupNormGradient(groups: Int) -> CPUKernel {
        let (rows, channels, plane) = groupExtents(groups)
        let byteCount = rows * channels * size
        return CPUKernel("groups", workspaces: [byteCount, byteCount]) { [type] places in
            Parallel.run(rows, grain: max(1, memoryGrain / (2 * channels * plane))) { range in
                cv_group_norm_gradient(
                    type, places.operands[0], places.operands[1], places.operands[2], places.operands[3],
                    places.operands[4], places.results[0], places.workspaces[0], places.workspaces[1],
                    Int64(range.lowerBound), Int64(range.upperBound), Int64(groups), Int64(channels), Int64(plane))
            }
            for which in 0..<2 {
                addUp(
                    type, places.workspaces[which], rows / groups, groups * channels, to: places.results[1 + which])
            }
        }
    }

    /// How many groups there are in all, and the channels and pixels of each.
    private func groupExtents(_ groups: Int) -> (rows: Int, channels: Int, plane: Int) {
        let x = shape(0)
        return (x[0] * groups, x[1] / groups, x.dimensions.dropFirst(2).reduce(1, *))
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

/// The sums of the columns of `parts` [rows, columns], on all cores.
private func addUp(
    _ type: cv_type, _ parts: UnsafeRawPointer, _ rows: Int, _ columns: Int, to sums: UnsafeMutableRawPointer
) {
    Parallel.run(columns, grain: max(1, memoryGrain / rows)) { range in
        cv_reduce_columns(
            type, CV_SUM, parts, sums, 0, Int64(rows), Int64(columns), Int64(range.lowerBound), Int64(range.upperBound))
    }
}
