import CVector
import TensorGraph

extension CPULowering {
    func pooling(_ attributes: Pooling) throws -> CPUKernel {
        let isGradient = if case .gradient = attributes.pass { true } else { false }
        let x = if case .gradient(let input) = attributes.pass { input } else { shape(0) }
        let keepsIndices = attributes.pass == .forwardWithIndices
        return planes(PoolingGrid(attributes, x)) { [type] places, pool, first, last in
            let (operands, y) = (places.operands, places.results[0])
            switch (attributes.function, isGradient) {
            case (.maximum, false):
                let indices = keepsIndices ? places.results[1].assumingMemoryBound(to: Int32.self) : nil
                cv_maximum_pool(type, pool, operands[0], y, indices, first, last)
            case (.maximum, true): cv_maximum_pool_gradient(type, pool, operands[0], operands[1], y, first, last)
            case (.average, false): cv_average_pool(type, pool, operands[0], y, first, last)
            case (.average, true): cv_average_pool_gradient(type, pool, operands[0], y, first, last)
            case (.norm(let order), false): cv_norm_pool(type, pool, Int64(order), operands[0], y, first, last)
            case (.norm(let order), true):
                cv_norm_pool_gradient(
                    type, pool, Int64(order), operands[0], operands[1], operands[2], y, first, last)
            }
        }
    }

    private func planes(
        _ grid: PoolingGrid,
        _ body: @escaping (Places, UnsafePointer<cv_pool>, _ first: Int64, _ last: Int64) -> Void
    ) -> CPUKernel {
        func axis(_ index: Int) -> cv_pool_axis {
            let axis = grid.axes[index]
            return cv_pool_axis(
                input: Int64(axis.input), output: Int64(axis.output), window: Int64(axis.window),
                stride: Int64(axis.stride), dilation: Int64(axis.dilation), before: Int64(axis.before),
                after: Int64(axis.after))
        }
        let pool = cv_pool(
            axes: (axis(0), axis(1), axis(2)), is_adaptive: grid.isAdaptive ? 1 : 0,
            counts_padding: grid.countsPadding ? 1 : 0)
        return CPUKernel("planes") { places in
            Parallel.run(grid.planes, grain: max(1, memoryGrain / grid.inputs)) { range in
                withUnsafePointer(to: pool) { body(places, $0, Int64(range.lowerBound), Int64(range.upperBound)) }
            }
        }
    }
}
