/// One spatial axis of a convolution or of pooling: what windows there are along it, and what each of them reads.
///
///        before        input            after
///      ┌ ─ ─ ─ ┬───────────────────────┬ ─ ─ ─ ┐
///          p = 0: tap 0   1   2                      dilation positions from tap to tap
///              p = 1: tap 0   1   2                  stride positions from window to window
///
/// Tap i of window p is at position `p·stride - before + i·dilation`, outside the input where that is below 0 or not below
/// `input`.
package struct SpatialAxis: Hashable, Sendable {
    package var input: Int
    /// The taps of a window.
    package var window: Int
    /// How many windows.
    package var output: Int
    package var stride: Int
    package var before: Int
    package var after: Int
    package var dilation: Int

    package init(
        input: Int, window: Int, output: Int, stride: Int = 1, before: Int = 0, after: Int = 0, dilation: Int = 1
    ) {
        self.input = input
        self.window = window
        self.output = output
        self.stride = stride
        self.before = before
        self.after = after
        self.dilation = dilation
    }

    /// An axis with nothing along it.
    package static let single = SpatialAxis(input: 1, window: 1, output: 1)

    /// Whether each position is read once, by the one tap.
    package var isPlain: Bool { window == 1 && stride == 1 && before == 0 && after == 0 }
    /// Whether there is nothing along it.
    package var isSingle: Bool { input == 1 && window == 1 && before == 0 && after == 0 }

    /// How many windows there are, `nil` where none fits: those inside input and padding or, where `roundsUp`, one more for
    /// what is left over, if it begins inside the input or the padding before it, as in PyTorch's ceil_mode. Given any
    /// numbers.
    package static func windows(
        input: Int, window: Int, stride: Int, before: Int, after: Int, dilation: Int, roundsUp: Bool = false
    ) -> Int? {
        let room = input.plus(before).plus(after).minus(dilation.times(window - 1)).minus(1)
        guard roundsUp else { return room < 0 ? nil : room / stride + 1 }
        let rounded = room.plus(stride - 1)
        guard rounded >= 0 else { return nil }
        let last = rounded / stride
        return last.times(stride) >= input.plus(before) ? last : last + 1
    }
}

/// The numbers of windows, as users give them.
package enum SpatialLimits {
    /// Strides, dilations, paddings and windows are below this, so that backends may multiply them.
    package static let largestNumber = 1 << 16

    /// The most spatial axes.
    package static let mostAxes = 3

    /// The spatial axes of a tensor, as messages have them: `h, w`.
    package static func axisNames(_ axes: Int) -> String { ["d", "h", "w"].suffix(axes).joined(separator: ", ") }
}
