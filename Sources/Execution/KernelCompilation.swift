import Logging

/// How far a device's compiler is with the kernels that a plan needs and that no cache has.
public struct KernelCompilation: Hashable, Sendable {
    /// The device's name.
    public var device: String
    /// Kernels that are ready.
    public var done: Int
    /// Kernels to compile.
    public var count: Int

    package init(device: String, done: Int, count: Int) {
        (self.device, self.done, self.count) = (device, done, count)
    }
}

/// Says in the log that kernels are being compiled, where that takes longer than a moment.
final class CompilationLog {
    /// What to tell in place of the log.
    var report: ((KernelCompilation) -> Void)?
    private let logger: Logger
    private let clock = ContinuousClock()
    private var began: ContinuousClock.Instant
    private var said: ContinuousClock.Instant?

    init(_ logger: Logger) {
        self.logger = logger
        began = clock.now
    }

    func note(_ state: KernelCompilation) {
        if let report { return report(state) }
        let now = clock.now
        if state.done == 0 { (began, said) = (now, nil) }
        if state.done == state.count {
            guard said != nil else { return }
            let seconds = began.duration(to: now) / .seconds(1)
            logger.notice("compiled \(state.count) kernels in \((seconds * 10).rounded() / 10) s")
            said = nil
        } else if let last = said {
            guard last.duration(to: now) > .seconds(5) else { return }
            logger.notice("compiled \(state.done) of \(state.count) kernels")
            said = now
        } else if began.duration(to: now) > .milliseconds(500) {
            logger.notice("compiling \(state.count) kernels for \(state.device), once")
            said = now
        }
    }
}
