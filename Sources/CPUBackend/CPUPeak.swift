import CVector
import Dispatch

/// What all cores together reach at best: multiply-adds on registers, which no operation can exceed.
package enum CPUPeak {
    /// The best rate on float32 in GFLOPS, two flops a multiply-add. Takes about half a second.
    ///
    /// The best of many short runs: on a machine that is shared, a long one hardly ever has all cores to itself.
    package static func gflops() -> Double {
        var rounds: Int64 = 1000
        while seconds(rounds) < 0.002, rounds < 1 << 40 { rounds *= 2 }
        let best = (0..<150).reduce(Double.infinity) { best, _ in min(best, seconds(rounds)) }
        return Double(rounds) * Double(cv_peak_flops()) * Double(Parallel.workers) / best / 1e9
    }

    private static func seconds(_ rounds: Int64) -> Double {
        let duration = ContinuousClock().measure {
            DispatchQueue.concurrentPerform(iterations: Parallel.workers) { _ in _ = cv_peak(rounds, 0.9375, 0.125) }
        }
        return duration / .seconds(1)
    }
}
