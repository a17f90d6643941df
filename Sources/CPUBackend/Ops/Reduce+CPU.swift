import CVector
import TensorGraph

// The order of every sum depends on the extents alone: neither on the number of cores nor on whether the elements come
// from memory or from a program.
extension CPULowering {
    func reduce(_ attributes: Reduce) throws -> CPUKernel { reduce(attributes, shape(0), of: nil) }

    /// - Parameters:
    ///   - shape: that of what is reduced.
    ///   - producer: what makes it of the node's operands; nil where it is the operand.
    func reduce(_ attributes: Reduce, _ shape: Shape, of producer: ElementwiseProgram?) -> CPUKernel {
        let (outer, reduced, inner) = attributes.extents(shape)
        let function = cv_reduction(attributes.function)
        if !node.operandTypes[0].dtype.isFloatingPoint { return integers(function, outer, reduced, inner) }
        let (type, size) = (type, size)
        let partial = function == CV_MEAN ? CV_SUM : function
        let instructions = producer?.instructions.count ?? 0
        let summary = instructions > 0 ? " of \(instructions) instructions" : ""
        /// Elements that are worth another thread.
        let grain = memoryGrain / max(instructions / 2, 1)

        if inner == 1, reduced <= memoryGrain {
            let source = ReductionSource(producer, shape, node, panel: max(Int(CV_PANEL), reduced), threads: outer)
            return CPUKernel("rows\(summary)", workspaces: source.workspaces) { places in
                source.reading(places, room: 0) { elements in
                    Parallel.run(outer, grain: max(1, grain / max(reduced, 1))) { worker, range in
                        elements.reduceRows(
                            function, range, reduced, from: 0, to: places.results[0], worker: worker)
                    }
                }
            }
        }
        if inner == 1 {
            // Long rows: parts of fixed length, then the parts.
            let part = memoryGrain
            let parts = reduced.dividedRoundingUp(by: part)
            let source = ReductionSource(producer, shape, node, panel: part, threads: outer * parts)
            return CPUKernel(
                "parts of rows\(summary)", workspaces: [outer * parts * size] + source.workspaces
            ) { places in
                source.reading(places, room: 1) { elements in
                    Parallel.run(outer * parts, grain: 1) { worker, range in
                        for index in range {
                            let (row, start) = (index / parts, index % parts * part)
                            elements.reduceRows(
                                partial, 0..<1, min(part, reduced - start), from: row * reduced + start,
                                to: places.workspaces[0] + index * size, worker: worker)
                        }
                    }
                }
                cv_reduce_rows(type, partial, places.workspaces[0], places.results[0], 0, Int64(outer), Int64(parts))
                if function == CV_MEAN { divide(places.results[0], outer, by: reduced, type) }
            }
        }
        if outer == 1, reduced >= 256, partial == CV_SUM {
            // Tall: bands of fixed height, then the bands. A program is run along the columns, so over many of them.
            let height = max(128, reduced.dividedRoundingUp(by: 64))
            let bands = reduced.dividedRoundingUp(by: height)
            let width = min(instructions > 0 ? 4096 : 256, inner)
            let pieces = inner.dividedRoundingUp(by: width)
            let source = ReductionSource(producer, shape, node, panel: Int(CV_PANEL), threads: bands * pieces)
            return CPUKernel(
                "bands of columns\(summary)", workspaces: [bands * inner * size] + source.workspaces
            ) { places in
                source.reading(places, room: 1) { elements in
                    Parallel.run(bands * pieces, grain: max(1, grain / (height * width))) { worker, range in
                        for index in range {
                            let (band, piece) = (index / pieces, index % pieces)
                            elements.reduceColumns(
                                CV_SUM, (piece * width)..<min((piece + 1) * width, inner), of: inner,
                                rows: (band * height)..<min((band + 1) * height, reduced), from: 0,
                                to: places.workspaces[0] + band * inner * size, worker: worker)
                        }
                    }
                }
                Parallel.run(inner, grain: memoryGrain / bands) { range in
                    cv_reduce_columns(
                        type, CV_SUM, places.workspaces[0], places.results[0], 0, Int64(bands), Int64(inner),
                        Int64(range.lowerBound), Int64(range.upperBound))
                }
                if function == CV_MEAN { divide(places.results[0], inner, by: reduced, type) }
            }
        }
        // Whole matrices, or pieces of one matrix's columns: of a program wide ones.
        let narrowest = instructions > 0 ? min(1024, max(64, inner.dividedRoundingUp(by: 2 * Parallel.workers))) : 64
        let width = max(narrowest, grain / max(reduced, 1))
        let pieces = inner.dividedRoundingUp(by: width)
        let source = ReductionSource(producer, shape, node, panel: Int(CV_PANEL), threads: outer * pieces)
        return CPUKernel("columns\(summary)", workspaces: source.workspaces) { places in
            source.reading(places, room: 0) { elements in
                Parallel.run(outer * pieces, grain: max(1, grain / max(reduced * min(width, inner), 1))) {
                    worker, range in
                    for index in range {
                        let (matrix, piece) = (index / pieces, index % pieces)
                        elements.reduceColumns(
                            function, (piece * width)..<min((piece + 1) * width, inner), of: inner, rows: 0..<reduced,
                            from: matrix * reduced * inner, to: places.results[0] + matrix * inner * size,
                            worker: worker)
                    }
                }
            }
        }
    }

    /// Sums and products are of 64 bits, whatever the operand's type.
    private func integers(_ function: cv_reduction, _ outer: Int, _ reduced: Int, _ inner: Int) -> CPUKernel {
        let type = cv_type(node.operandTypes[0].dtype)
        return CPUKernel("of integers") { places in
            Parallel.run(outer, grain: max(1, memoryGrain / max(reduced * inner, 1))) { rows in
                cv_reduce_integers(
                    type, function, places.operands[0], places.results[0], Int64(rows.lowerBound),
                    Int64(rows.upperBound), Int64(reduced), Int64(inner))
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

/// Sums become means.
private func divide(_ sums: UnsafeMutableRawPointer, _ count: Int, by divisor: Int, _ type: cv_type) {
    var (divisor, scale) = (Double(divisor), UInt64(0))
    cv_convert(CV_FLOAT64, &divisor, type, &scale, 1)
    cv_binary(type, CV_DIVIDE, sums, 1, &scale, 0, sums, Int64(count))
}

extension cv_reduction {
    fileprivate init(_ function: Reduce.Function) {
        self =
            switch function {
            case .sum: CV_SUM
            case .mean: CV_MEAN
            case .minimum: CV_LEAST
            case .maximum: CV_GREATEST
            case .product: CV_PRODUCT
            }
    }
}
