import CVector
import TensorGraph

extension CPULowering {
    func reduce(_ attributes: Reduce) throws -> CPUKernel {
        let (outer, reduced, inner) = attributes.extents(shape(0))
        let (type, size) = (type, size)
        let function =
            switch attributes.function {
            case .sum: CV_SUM
            case .mean: CV_MEAN
            case .minimum: CV_LEAST
            case .maximum: CV_GREATEST
            }
        if inner == 1, outer > 1 || reduced <= 4 * memoryGrain {
            return CPUKernel("rows") { places in
                Parallel.run(outer, grain: max(1, memoryGrain / max(reduced, 1))) { range in
                    cv_reduce_rows(
                        type, function, places.operands[0], places.results[0], Int64(range.lowerBound),
                        Int64(range.upperBound), Int64(reduced))
                }
            }
        }
        if inner == 1 {
            // One long row: parts of fixed length, whatever the number of cores, then the parts.
            let part = memoryGrain
            let parts = reduced.dividedUp(by: part)
            let partial = function == CV_MEAN ? CV_SUM : function
            return CPUKernel("parts of a row", workspaces: [parts * size]) { places in
                Parallel.run(parts, grain: 1) { range in
                    for index in range {
                        cv_reduce_rows(
                            type, partial, places.operands[0] + index * part * size,
                            places.workspaces[0] + index * size, 0,
                            1, Int64(min(part, reduced - index * part)))
                    }
                }
                cv_reduce_rows(type, partial, places.workspaces[0], places.results[0], 0, 1, Int64(parts))
                if function == CV_MEAN {
                    var (divisor, scale) = (Double(reduced), UInt64(0))
                    cv_convert(CV_FLOAT64, &divisor, type, &scale, 1)
                    cv_binary(type, CV_DIVIDE, places.results[0], 1, &scale, 0, places.results[0], 1)
                }
            }
        }
        let columnGrain = max(64, memoryGrain / max(reduced, 1))
        if outer == 1, inner < 1024, reduced >= 1024, function == CV_SUM || function == CV_MEAN {
            // Tall and narrow: bands of fixed height, whatever the number of cores, then the bands.
            let band = max(256, reduced.dividedUp(by: 64))
            let bands = reduced.dividedUp(by: band)
            return CPUKernel("bands of columns", workspaces: [bands * inner * size]) { places in
                Parallel.run(bands, grain: max(1, memoryGrain / (band * inner))) { range in
                    for index in range {
                        cv_reduce_columns(
                            type, CV_SUM, places.operands[0], places.workspaces[0] + index * inner * size,
                            Int64(index * band), Int64(min((index + 1) * band, reduced)), Int64(inner), 0, Int64(inner))
                    }
                }
                cv_reduce_columns(
                    type, CV_SUM, places.workspaces[0], places.results[0], 0, Int64(bands), Int64(inner), 0,
                    Int64(inner))
                if function == CV_MEAN {
                    var (divisor, scale) = (Double(reduced), UInt64(0))
                    cv_convert(CV_FLOAT64, &divisor, type, &scale, 1)
                    cv_binary(type, CV_DIVIDE, places.results[0], 1, &scale, 0, places.results[0], Int64(inner))
                }
            }
        }
        // Whole matrices, or pieces of one matrix's columns.
        let pieces = inner.dividedUp(by: columnGrain)
        return CPUKernel("columns") { places in
            Parallel.run(outer * pieces, grain: max(1, memoryGrain / max(reduced * min(columnGrain, inner), 1))) {
                range in
                for index in range {
                    let (matrix, piece) = (index / pieces, index % pieces)
                    cv_reduce_columns(
                        type, function, places.operands[0] + matrix * reduced * inner * size,
                        places.results[0] + matrix * inner * size, 0, Int64(reduced), Int64(inner),
                        Int64(piece * columnGrain), Int64(min((piece + 1) * columnGrain, inner)))
                }
            }
        }
    }

    func argMax() throws -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        let type = cv_type(node.operandTypes[0].dtype)
        return CPUKernel("rows") { places in
            Parallel.run(rows, grain: max(1, memoryGrain / columns)) { range in
                cv_arg_maximum(
                    type, places.operands[0], places.results[0].assumingMemoryBound(to: Int32.self),
                    Int64(range.lowerBound), Int64(range.upperBound), Int64(columns))
            }
        }
    }
}
