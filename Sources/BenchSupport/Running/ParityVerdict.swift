/// What came of checking a row against the reference.
package enum ParityVerdict: Hashable, Sendable {
    case ok
    case notChecked
    /// The row failed, and why.
    case failed(String)

    package var hasFailed: Bool { if case .failed = self { true } else { false } }

    /// One line for a table: a compiler's complaints can be pages long.
    package var cell: String {
        let whole = text
        let line = whole.prefix { !$0.isNewline }
        return line.count == whole.count && line.count <= 120 ? whole : line.prefix(120) + " …"
    }

    private static let failure = "FAIL"

    /// As files have it: `ok`, `not checked`, or `FAIL: ` and why.
    package var text: String {
        switch self {
        case .ok: "ok"
        case .notChecked: "not checked"
        case .failed(let reason): "\(Self.failure): \(reason)"
        }
    }

    /// What a file says, also one of a peer's or of an earlier version: a verdict that it has and that is not known is none.
    package init(_ text: String) {
        if text == ParityVerdict.ok.text {
            self = .ok
        } else if text.hasPrefix(Self.failure) {
            self = .failed(String(text.dropFirst(Self.failure.count).drop { $0 == ":" || $0 == " " }))
        } else {
            self = .notChecked
        }
    }
}
