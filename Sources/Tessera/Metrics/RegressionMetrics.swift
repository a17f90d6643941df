import Foundation
import TensorGraph

extension Metric {
    /// The coefficient of determination R²: the share of the target's variance that is explained, along the first axis; of
    /// several columns their mean. Prediction and target are alike. sklearn.metrics.r2_score.
    ///
    /// NaN of fewer than two rows; of a column without variance 1 where all of it is right, else 0.
    public static let rSquared = builtIn("R²", into: ExplainedVariance()) { prediction, target in
        try prediction.requireAlike(target, "prediction and target", of: "R²")
        guard let rows = target.shape.dimensions.first else {
            throw GraphError(
                operation: "R²", message: "needs rows along a first axis", operands: [prediction.type, target.type])
        }
        let columns = target.shape.dimensions.dropFirst().reduce(1) { $0.times($1) }
        let (prediction, target) = (
            try prediction.widened().reshaped(to: [rows, columns]), try target.widened().reshaped(to: [rows, columns])
        )
        let mean = try target.mean(axes: [0], keepsDimensions: true)
        return [
            try target.graph.fill(Double(rows), [columns]), try mean.reshaped(to: [columns]),
            try (target - mean).square().sum(axes: [0]), try (target - prediction).square().sum(axes: [0]),
        ]
    }

    /// The ratio of a signal's peak to its noise in decibels: 10 · log10(peak² / mean squared error), over all elements of
    /// prediction and target, which are alike. Infinite where they are equal. skimage.metrics.peak_signal_noise_ratio.
    ///
    /// - Parameter peak: the greatest difference that two elements can have.
    public static func peakSignalToNoise(peak: Double = 1) -> Metric {
        builtIn("PSNR", into: SignalToNoise(peak: peak)) { prediction, target in
            try requirePeak(peak, of: "PSNR")
            return try Loss.meanSquaredError.measure.body(prediction, target)
        }
    }
}

/// Checks the greatest difference that two elements can have.
func requirePeak(_ peak: Double, of name: String) throws {
    try requireOption(peak > 0 && peak.isFinite, "peak must be a number above 0, not \(peak)", of: name)
}

/// Sums of squares about the mean and about predictions, of each column.
struct ExplainedVariance: MetricState {
    private struct Column {
        var (count, mean, spread, residual) = (0.0, 0.0, 0.0, 0.0)

        /// Chan, Golub and LeVeque, 1983.
        mutating func merge(_ later: Column) {
            guard later.count > 0 else { return }
            let total = count + later.count
            let shift = later.mean - mean
            spread += later.spread + shift * shift * count * later.count / total
            mean += shift * later.count / total
            residual += later.residual
            count = total
        }

        var value: Double {
            guard count >= 2 else { return .nan }
            guard spread != 0 else { return residual == 0 ? 1 : residual.isNaN ? .nan : 0 }
            return 1 - residual / spread
        }
    }

    private var columns: [Column] = []

    /// Takes counts, means, and both sums of squares of columns.
    mutating func add(_ tensors: [HostTensor]) throws {
        let numbers = try tensors.map { try $0.doubles() }
        guard numbers.count == 4 else { return }
        var batch = ExplainedVariance()
        for column in numbers[0].indices {
            batch.columns.append(
                Column(
                    count: numbers[0][column], mean: numbers[1][column], spread: numbers[2][column],
                    residual: numbers[3][column]))
        }
        merge(batch)
    }

    mutating func merge(_ later: ExplainedVariance) {
        if columns.isEmpty { return columns = later.columns }
        for (place, column) in zip(columns.indices, later.columns) { columns[place].merge(column) }
    }

    var value: Double { columns.reduce(0) { $0 + $1.value } / Double(columns.count) }
}

struct SignalToNoise: MetricState {
    let peak: Double
    private var error = RunningMean()

    init(peak: Double) { self.peak = peak }

    mutating func add(_ tensors: [HostTensor]) throws { try error.add(tensors) }
    mutating func merge(_ later: SignalToNoise) { error.merge(later.error) }
    var value: Double { 10 * Foundation.log10(peak * peak / error.value) }
}
