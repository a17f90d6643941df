import Foundation
import Synchronization

/// When each node of a run ran, for looking at in Perfetto or chrome://tracing.
public final class Trace: Sendable {
    /// One stretch of work.
    public struct Event: Sendable {
        /// What ran: the kernel or the operation.
        public var name: String
        /// Where: the backend's name.
        public var track: String
        /// Nanoseconds on the track's own clock.
        public var start: UInt64
        /// In nanoseconds.
        public var duration: UInt64

        /// An event of `duration` nanoseconds from `start` on.
        public init(name: String, track: String, start: UInt64, duration: UInt64) {
            self.name = name
            self.track = track
            self.start = start
            self.duration = duration
        }
    }

    private let storage = Mutex<[Event]>([])

    /// A trace without events.
    public init() {}

    /// The events so far, in the order in which they ended.
    public var events: [Event] { storage.withLock { $0 } }

    package func add(_ event: Event) { storage.withLock { $0.append(event) } }

    /// The events in Chrome's trace format, which Perfetto reads too: times in microseconds.
    public func chromeJSON() -> String {
        let events = events
        let tracks = Array(Set(events.map(\.track))).sorted()
        var rows = tracks.enumerated().map { index, track in
            #"{"name":"thread_name","ph":"M","pid":1,"tid":\#(index),"args":{"name":\#(quoted(track))}}"#
        }
        // Each track has a clock of its own: start all of them at zero.
        let origins = Dictionary(grouping: events, by: \.track).mapValues { $0.map(\.start).min() ?? 0 }
        for event in events {
            let start = Double(event.start - (origins[event.track] ?? 0)) / 1000
            let track = tracks.firstIndex(of: event.track) ?? 0
            rows.append(
                #"{"name":\#(quoted(event.name)),"ph":"X","pid":1,"tid":\#(track),"ts":\#(start),"dur":\#(Double(event.duration) / 1000)}"#
            )
        }
        return "{\"traceEvents\":[\n" + rows.joined(separator: ",\n") + "\n]}\n"
    }

    private func quoted(_ text: String) -> String {
        let escaped = text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
        return "\"" + escaped + "\""
    }
}
