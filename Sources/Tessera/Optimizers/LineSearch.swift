/// A search along a line for a step that makes a function enough smaller and flattens it: Wolfe's conditions with a bound on
/// the slope's size. Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5 and 3.6, with the safeguards of
/// torch.optim.LBFGS.
struct StrongWolfe {
    /// The function at one place of the line.
    struct Point {
        /// How far along the direction.
        var step: Double
        var value: Double
        var gradient: [Float]
        /// Along the direction.
        var slope: Double
    }

    /// By which share of what the slope promises the value must fall.
    private let decrease = 1e-4
    /// To which share of its size at the beginning the slope must fall.
    private let flattening = 0.9
    private let limit = 25

    /// - Parameters:
    ///   - start: at step 0, with a slope below 0.
    ///   - reach: the greatest element of the direction.
    ///   - tolerance: a bracket that moves no parameter by so much is given up.
    ///   - evaluate: the function at a step.
    /// - Returns: the best place found, and how many were tried.
    func search(
        from start: Point, trying first: Double, reach: Double, tolerance: Double,
        _ evaluate: (Double) throws -> Point
    ) rethrows -> (point: Point, evaluations: Int) {
        var (previous, point) = (start, try evaluate(first))
        var evaluations = 1
        var rounds = 0
        var bracket: (Point, Point)?
        while rounds < limit {
            let isTooHigh = isTooHigh(point, start) || rounds > 1 && point.value >= previous.value
            if isTooHigh || point.slope >= 0 && !isFlat(point, start) {
                bracket = (previous, point)
                break
            }
            if isFlat(point, start) { return (point, evaluations) }
            // Further along, by what the last two say, but neither hardly nor out of all proportion.
            let bounds = (point.step + 0.01 * (point.step - previous.step), 10 * point.step)
            let next = Self.minimum(previous, point, within: bounds)
            (previous, point) = (point, try evaluate(next))
            evaluations += 1
            rounds += 1
        }
        guard var (first, second) = bracket else {
            return (start.value <= point.value ? start : point, evaluations)
        }
        // From here on, the better end is `low`; their order along the line does not matter.
        var low = first.value <= second.value ? 0 : 1
        var hasStalled = false
        while rounds < limit {
            guard abs(second.step - first.step) * reach >= tolerance else { break }
            let ends = (min(first.step, second.step), max(first.step, second.step))
            var step = Self.minimum(first, second, within: ends)
            // Twice in a row near an end, and it is moved away from there.
            let margin = 0.1 * (ends.1 - ends.0)
            if min(ends.1 - step, step - ends.0) < margin {
                if hasStalled || step >= ends.1 || step <= ends.0 {
                    step = abs(step - ends.1) < abs(step - ends.0) ? ends.1 - margin : ends.0 + margin
                    hasStalled = false
                } else {
                    hasStalled = true
                }
            } else {
                hasStalled = false
            }
            let point = try evaluate(step)
            evaluations += 1
            rounds += 1
            let (best, other) = low == 0 ? (first, second) : (second, first)
            if isTooHigh(point, start) || point.value >= best.value {
                if low == 0 { second = point } else { first = point }
                low = first.value <= second.value ? 0 : 1
                continue
            }
            let isDone = isFlat(point, start)
            let turns = !isDone && point.slope * (other.step - best.step) >= 0
            if low == 0 {
                (first, second) = (point, turns ? best : second)
            } else {
                (first, second) = (turns ? best : first, point)
            }
            if isDone { break }
        }
        return (low == 0 ? first : second, evaluations)
    }

    private func isTooHigh(_ point: Point, _ start: Point) -> Bool {
        point.value > start.value + decrease * point.step * start.slope
    }

    private func isFlat(_ point: Point, _ start: Point) -> Bool { abs(point.slope) <= -flattening * start.slope }

    /// Where the cubic through two values with two slopes is least, or the middle where it has no such place (Nocedal and
    /// Wright, 3.59).
    static func minimum(_ a: Point, _ b: Point, within bounds: (Double, Double)) -> Double {
        let (left, right) = a.step <= b.step ? (a, b) : (b, a)
        let mean = left.slope + right.slope - 3 * (left.value - right.value) / (left.step - right.step)
        let square = mean * mean - left.slope * right.slope
        guard square >= 0 else { return (bounds.0 + bounds.1) / 2 }
        let root = square.squareRoot()
        let share = (right.slope + root - mean) / (right.slope - left.slope + 2 * root)
        return min(max(right.step - (right.step - left.step) * share, bounds.0), bounds.1)
    }
}
