import CVector
import TensorGraph

extension CPULowering {
    private func planes(
        _ attributes: Pool2D, _ x: Shape,
        _ body: @escaping (Places, UnsafePointer<cv_pool>, _ first: Int64, _ last: Int64) -> Void
    ) -> CPUKernel {
        let spans = (0..<2).map {
            x[2 + $0] + attributes.padding[2 * $0] + attributes.padding[2 * $0 + 1] - attributes.window[$0]
        }
        let pool = cv_pool(
            h: Int64(x[2]), w: Int64(x[3]), p: Int64(spans[0] / attributes.stride[0] + 1),
            q: Int64(spans[1] / attributes.stride[1] + 1), rows: Int64(attributes.window[0]),
            columns: Int64(attributes.window[1]), row_stride: Int64(attributes.stride[0]),
            column_stride: Int64(attributes.stride[1]), top: Int64(attributes.padding[0]),
            left: Int64(attributes.padding[2]), counts_padding: attributes.countsPadding ? 1 : 0)
        return CPUKernel("planes") { places in
            Parallel.run(x[0] * x[1], grain: max(1, memoryGrain / (x[2] * x[3]))) { range in
                withUnsafePointer(to: pool) { body(places, $0, Int64(range.lowerBound), Int64(range.upperBound)) }
            }
        }
    }

    func maxPool2D(_ attributes: Pool2D) throws -> CPUKernel {
        planes(attributes, shape(0)) { [type] places, pool, first, last in
            cv_maximum_pool(type, pool, places.operands[0], places.results[0], first, last)
        }
    }

    func maxPool2DGradient(_ attributes: Pool2D) throws -> CPUKernel {
        planes(attributes, shape(0)) { [type] places, pool, first, last in
            cv_maximum_pool_gradient(
                type, pool, places.operands[0], places.operands[1], places.results[0], first, last)
        }
    }

    func averagePool2D(_ attributes: Pool2D) throws -> CPUKernel {
        planes(attributes, shape(0)) { [type] places, pool, first, last in
            cv_average_pool(type, pool, places.operands[0], places.results[0], first, last)
        }
    }

    func averagePool2DGradient(_ attributes: AveragePool2DGradient) throws -> CPUKernel {
        planes(attributes.pooling, attributes.input) { [type] places, pool, first, last in
            cv_average_pool_gradient(type, pool, places.operands[0], places.results[0], first, last)
        }
    }
}
