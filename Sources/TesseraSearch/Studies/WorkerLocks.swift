import AtomicFiles
import Foundation

/// Tells whether the process behind a worker's number still lives: each holds a lock on the byte of its number in a file beside
/// the study, which the system gives back however the process ends. No time and no process number has to be trusted.
final class WorkerLocks: Sendable {
    // Locks of an open file rather than of a process (fcntl(2)), so that two studies in one process are two workers. Linux's
    // numbers, which Glibc's module leaves out.
    private static let (test, set): (Int32, Int32) = (36, 37)

    private let path: String
    private let descriptor: Int32

    /// - Parameter path: of the file of locks, which is made where it is not there yet.
    init(path: String) throws {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
    }

    deinit { close(descriptor) }

    /// Takes the lock of a number that nobody else has, until this object goes.
    func hold(_ worker: Int64) throws {
        var lock = Self.lock(worker)
        guard fcntl(descriptor, Self.set, &lock) == 0 else { throw Self.failure(path, "cannot be locked") }
    }

    /// Whether some other open file has the lock of a number.
    func isHeld(_ worker: Int64) throws -> Bool {
        var lock = Self.lock(worker)
        guard fcntl(descriptor, Self.test, &lock) == 0 else { throw Self.failure(path, "cannot be asked for locks") }
        return lock.l_type != Int16(F_UNLCK)
    }

    private static func lock(_ worker: Int64) -> flock {
        flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: off_t(worker), l_len: 1, l_pid: 0)
    }

    private static func failure(_ path: String, _ action: String) -> FileError {
        FileError(path: path, reason: "\(action): \(String(cString: strerror(errno)))")
    }
}
