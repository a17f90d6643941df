internal import AtomicFiles
import Foundation

/// The folder in which ``ProgramCache`` keeps built programs.
package struct ProgramFolder {
    /// Some ten thousand programs: 512 MiB.
    package static let defaultLimit = 512 << 20

    /// The end of the name of a program's file.
    static let suffix = ".clbin"

    private let path: String

    init(_ path: String) { self.path = path }

    /// Notes that a program was used, so that it is among the last to go (`utimensat`); where that can't be, it goes by its
    /// age.
    static func markUsed(_ path: String) {
        utimensat(AT_FDCWD, path, nil, 0)
    }

    /// Removes what killed processes left, and, where the programs take more than `limit` bytes, those that were not used for
    /// longest, down to three quarters of it. Other processes may do the same; what one of them wants meanwhile is built anew.
    func trim(to limit: Int) {
        AtomicFile.removeAbandoned(in: path)
        var files: [(path: String, size: Int, used: timespec)] = []
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(Self.suffix)
        {
            var status = stat()
            let file = "\(path)/\(name)"
            guard lstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append((file, Int(status.st_size), status.st_mtim))
        }
        var total = files.reduce(0) { $0 + $1.size }
        guard total > limit else { return }
        files.sort { ($0.used.tv_sec, $0.used.tv_nsec, $0.path) < ($1.used.tv_sec, $1.used.tv_nsec, $1.path) }
        for file in files {
            guard total > limit / 4 * 3 else { break }
            if unlink(file.path) == 0 { total -= file.size }
        }
    }
}
