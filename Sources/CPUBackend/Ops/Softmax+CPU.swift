import CVector
import TensorGraph

extension CPULowering {
    /// Something done to each row of the last axis.
    private func rows(
        weight: Int = 4, _ body: @escaping (Places, _ first: Int64, _ last: Int64, _ columns: Int64) -> Void
    ) -> CPUKernel {
        let columns = shape(0).dimensions.last ?? 1
        let rows = shape(0).elementCount / columns
        return CPUKernel("rows") { places in
            Parallel.run(rows, grain: max(1, memoryGrain / (weight * columns))) { range in
                body(places, Int64(range.lowerBound), Int64(range.upperBound), Int64(columns))
            }
        }
    }

    func softmax(_ attributes: SoftmaxFunction) throws -> CPUKernel {
        rows { [type] places, first, last, columns in
            let (x, y) = (places.operands[0], places.results[0])
            switch (attributes.isLogarithmic, attributes.pass) {
            case (false, .forward): cv_softmax(type, x, y, first, last, columns)
            case (false, .gradient): cv_softmax_gradient(type, x, places.operands[1], y, first, last, columns)
            case (true, .forward): cv_log_softmax(type, x, y, first, last, columns)
            case (true, .gradient): cv_log_softmax_gradient(type, x, places.operands[1], y, first, last, columns)
            }
        }
    }

    func crossEntropy(_ pass: Pass) throws -> CPUKernel {
        switch pass {
        case .forward: crossEntropy()
        case .gradient: crossEntropyGradient()
        }
    }

    private func crossEntropy() -> CPUKernel {
        rows { [type] places, first, last, columns in
            cv_cross_entropy(
                type, places.operands[0], places.operands[1].assumingMemoryBound(to: Int32.self), places.results[0],
                places.results[1], first, last, columns)
        }
    }

    private func crossEntropyGradient() -> CPUKernel {
        rows { [type] places, first, last, columns in
            cv_cross_entropy_gradient(
                type, places.operands[0], places.operands[1].assumingMemoryBound(to: Int32.self), places.operands[2],
                places.operands[3], places.results[0], first, last, columns)
        }
    }
}
