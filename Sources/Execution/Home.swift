import Foundation
import TensorGraph

/// An executor as the variables know whose values it keeps: it may be at work on another thread, and it may be gone.
///
/// Its lock is held by whatever an executor does. None is ever taken while another executor's is held, except that one
/// thread may take its own again.
package final class Home: VariableHome, @unchecked Sendable {
    // Unchecked: the executor is only touched under the lock, and takes itself out before it goes.
    private let lock = NSRecursiveLock()
    private unowned(unsafe) var executor: Executor?

    /// To be called once, by the executor itself.
    func open(to executor: Executor) { withLock { self.executor = executor } }

    /// Runs `body`, after which there is no executor any more.
    func close(_ body: () -> Void) {
        withLock {
            body()
            executor = nil
        }
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body()
    }

    package func values(of variables: [Variable]) throws -> [Variable: VariableValue] {
        try withLock {
            guard let executor else {
                // Whatever could be read was handed back to the variables.
                for variable in variables where variable.present.home === self { throw LostValue(variable) }
                return [:]
            }
            let values = try executor.keptValues(of: variables)
            // The next reader need not ask the device again.
            for (variable, value) in values { variable.keep(value, leavesHome: false) }
            return values
        }
    }
}

/// A variable's value went with the device that kept it.
struct LostValue: Error, CustomStringConvertible {
    private let variable: Variable

    init(_ variable: Variable) { self.variable = variable }

    var description: String {
        "the value of \(variable) was lost: the device that kept it failed. Load or set the variable anew"
    }
}
