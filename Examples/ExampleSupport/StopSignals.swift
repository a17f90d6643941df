import Foundation
import Synchronization

/// The signal that asked the program to end, or 0. A signal's handler reaches nothing but globals.
private let received = Atomic<Int32>(0)

/// Ctrl-C and `kill`, which end a training after the step that runs, so that it can be saved; a second signal ends the program
/// at once.
enum StopSignals {
    /// The signal that came since ``whileWatching(_:)`` began; `nil` where none has.
    static var pending: Int32? {
        let signal = received.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// Runs something that asks for ``pending`` now and then. Before and after it, signals do what they otherwise do.
    static func whileWatching<Result>(_ body: () throws -> Result) rethrows -> Result {
        received.store(0, ordering: .relaxed)
        let watched = [SIGINT, SIGTERM]
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { signal in
            if received.exchange(signal, ordering: .relaxed) != 0 { _exit(128 + signal) }
        }
        // A read or a wait that the signal meets goes on.
        action.sa_flags = SA_RESTART
        let before = watched.map { signal in
            var before = sigaction()
            sigaction(signal, &action, &before)
            return before
        }
        // Whoever started the program may have blocked them.
        var (unblocked, mask) = (sigset_t(), sigset_t())
        sigemptyset(&unblocked)
        for signal in watched { sigaddset(&unblocked, signal) }
        pthread_sigmask(SIG_UNBLOCK, &unblocked, &mask)
        defer {
            pthread_sigmask(SIG_SETMASK, &mask, nil)
            for (signal, var action) in zip(watched, before) { sigaction(signal, &action, nil) }
        }
        return try body()
    }
}
