import Foundation

/// Signals by which a failing `write` would end the process.
enum Signals {
    /// Runs `body` so that a file beyond the process's limit (`SIGXFSZ`) and a pipe that nobody reads any more (`SIGPIPE`) are
    /// errors of `write` alone. The signals are held back in this thread, and those that came are taken: what the process
    /// does with them otherwise stays as it is.
    static func withoutTermination<Result>(_ body: () throws -> Result) rethrows -> Result {
        var fatal = sigset_t()
        sigemptyset(&fatal)
        sigaddset(&fatal, SIGXFSZ)
        sigaddset(&fatal, SIGPIPE)
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &fatal, &before)
        defer {
            var now = timespec(tv_sec: 0, tv_nsec: 0)
            while sigtimedwait(&fatal, nil, &now) > 0 {}
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        return try body()
    }
}
