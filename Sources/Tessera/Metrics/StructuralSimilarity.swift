import Foundation
import TensorGraph

extension Metric {
    /// The structural similarity of images `[images, channels, height, width]`: the mean over all places of a Gaussian window
    /// of 11×11 pixels and σ = 1.5 that lies within the image (Wang, Bovik, Sheikh and Simoncelli, 2004).
    /// skimage.metrics.structural_similarity with `gaussian_weights` and without `use_sample_covariance`.
    ///
    /// - Parameter peak: the greatest difference that two pixels can have.
    public static func structuralSimilarity(peak: Double = 1) -> Metric {
        let name = "SSIM"
        return builtIn(name, into: RunningMean()) { prediction, target in
            try requirePeak(peak, of: name)
            try prediction.requireAlike(target, "prediction and target", of: name)
            let shape = target.shape
            guard shape.rank == 4, shape[2] >= 11, shape[3] >= 11, target.dtype.isFloatingPoint else {
                throw GraphError(
                    operation: name, message: "needs [images, channels, height, width] of at least 11×11 pixels",
                    operands: [prediction.type, target.type])
            }
            let planes: Shape = [shape[0].times(shape[1]), 1, shape[2], shape[3]]
            let (x, y) = (
                try prediction.widened().reshaped(to: planes), try target.widened().reshaped(to: planes)
            )
            let (meanX, meanY) = (try x.blurred(), try y.blurred())
            let varianceX = try x.square().blurred() - meanX.square()
            let varianceY = try y.square().blurred() - meanY.square()
            let covariance = try (x * y).blurred() - meanX * meanY
            let (c1, c2) = ((0.01 * peak) * (0.01 * peak), (0.03 * peak) * (0.03 * peak))
            let above = try (2 * meanX * meanY + c1) * (2 * covariance + c2)
            let below = try (meanX.square() + meanY.square() + c1) * (varianceX + varianceY + c2)
            return try WeightedMean((above / below).mean(), over: shape[0]).tensors
        }
    }
}

extension Tensor {
    /// Planes `[n, 1, height, width]` under a Gaussian window of 11×11 and σ = 1.5, where it lies within them.
    fileprivate func blurred() throws -> Tensor {
        let bell = (-5...5).map { Foundation.exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
        let sum = bell.reduce(0, +)
        let window = try graph.constant(HostTensor([11], bell.map { $0 / sum })).cast(to: dtype)
        return try convolution(window.reshaped(to: [1, 1, 11, 1])).convolution(window.reshaped(to: [1, 1, 1, 11]))
    }
}
