import Foundation

/// Shows on standard error how far a loop is: a bar on a terminal, elsewhere a line now and then.
public final class ProgressBar {
    private let isTerminal: Bool
    private let clock = ContinuousClock()
    private var begin: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant
    private var steps = 0
    private var done = 0
    private var items = 0
    private var text = ""

    /// A bar that writes to the standard error.
    public init() {
        isTerminal = isatty(STDERR_FILENO) == 1
        begin = clock.now
        shown = begin
    }

    func start(steps: Int) {
        self.steps = max(steps, 0)
        done = 0
        items = 0
        begin = clock.now
        shown = begin
    }

    /// Notes one step over `items` examples. What is not shown is not computed.
    func advance(label: String, items: Int, detail: @autoclosure () -> String) {
        done += 1
        self.items = self.items.plus(items)
        let now = clock.now
        let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(10)
        guard done == steps || shown.duration(to: now) >= interval else { return }
        shown = now
        let seconds = max(begin.duration(to: now) / .seconds(1), 1e-9)
        let left = seconds / Double(done) * Double(steps - done)
        let rate = grouped(Int(min(Double(self.items) / seconds, 1e15)))
        let share = done * 100 / max(steps, 1)
        text = "\(label)  \(bar)\(share) %  \(rate) items/s  \(detail())  \(time(left)) left"
        write(isTerminal ? "\r\(text)\u{1b}[K" : text + "\n")
    }

    /// Writes a line of its own.
    func line(_ line: String) { write(isTerminal ? "\r\(line)\u{1b}[K\n" : line + "\n") }

    func finish() {
        if isTerminal, done > 0 { write("\n") }
    }

    private var bar: String {
        guard isTerminal else { return "" }
        let width = 24
        let filled = done * width / max(steps, 1)
        return "[" + String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled) + "] "
    }

    private func time(_ seconds: Double) -> String {
        let whole = Int(min(seconds.rounded(.up), 1e9))
        let (minutes, rest) = (whole / 60, whole % 60)
        return "\(minutes):\(rest < 10 ? "0" : "")\(rest)"
    }

    private func grouped(_ number: Int) -> String {
        var digits = String(number)
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
            index -= 3
        }
        return digits
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
