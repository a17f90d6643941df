import Foundation

/// A file that is being written until it takes its name.
///
/// Whoever writes one holds a lock on it (`flock`), which goes with the process however that ends: so those of killed
/// processes are told from those at work, on whatever machine that is.
struct TemporaryFile {
    private(set) var path: String
    private(set) var descriptor: Int32
    /// The lock is of what was opened: it outlives ``descriptor``, which is closed before the file takes its name.
    private var lock: Int32

    /// - Returns: nil where it cannot be made, with the reason in `errno`.
    init?(in folder: String, mode: mode_t) {
        while true {
            // Not made of the name, which may be as long as names can be.
            let path =
                "\(folder)/\(Self.prefix)\(String(UInt64.random(in: 0...UInt64.max), radix: 36))\(Self.suffix)"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            guard descriptor >= 0 else { return nil }
            let lock = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
            // File systems without locks keep what killed processes leave.
            while lock >= 0, flock(lock, LOCK_EX) != 0, errno == EINTR {}
            (self.path, self.descriptor, self.lock) = (path, descriptor, lock)
            var status = stat()
            // Where it was taken for abandoned between the two calls, another is made.
            guard fstat(descriptor, &status) == 0, status.st_nlink == 0 else { return }
            close(descriptor)
            unlock()
        }
    }

    /// Lets go of the lock, once the file has its name or is gone.
    func unlock() {
        if lock >= 0 { close(lock) }
    }

    private static let prefix = ".tessera-"
    private static let suffix = ".tmp"

    /// Removes what killed processes of this user left in a folder. What cannot be removed stays: this is never an error.
    static func removeAbandoned(in folder: String) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        let descriptor = dirfd(handle)
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
            // Neither a link nor a pipe is followed or waited for.
            let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            guard file >= 0 else { continue }
            defer { close(file) }
            var status = stat()
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
                flock(file, LOCK_EX | LOCK_NB) == 0
            else { continue }
            unlinkat(descriptor, name, 0)
        }
    }
}
