import Foundation

/// Where a driver keeps files of its own.
package enum DriverFiles {
    /// To be done before drivers are first asked for anything: `$POCL_CACHE_DIR` is set where it is not and PoCL's own choice
    /// would not do.
    static let prepared: Void = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = poclFolder(environment, isUsable: { canMake($0) }) { setenv("POCL_CACHE_DIR", folder, 0) }
    }()

    /// The folder for the machine code that PoCL makes, where that should not be its own choice; nil where it should.
    ///
    /// Beside our files where `TESSERA_CACHE_DIR` says where those are, so that one folder holds all that a second start
    /// needs. And for temporary files where PoCL can't make its folder: it would say that there is no device.
    package static func poclFolder(_ environment: [String: String], isUsable: (String) -> Bool) -> String? {
        guard environment["POCL_CACHE_DIR"] == nil else { return nil }
        if let ours = environment["TESSERA_CACHE_DIR"], ours.hasPrefix("/"), isUsable(ours + "/pocl") {
            return ours + "/pocl"
        }
        let base =
            environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? environment["HOME"].map { $0 + "/.cache" }
        guard let base, !isUsable(base + "/pocl/kcache") else { return nil }
        let temporary = (environment["TMPDIR"] ?? "/tmp") + "/tessera-\(geteuid())/pocl"
        return isUsable(temporary) ? temporary : nil
    }

    /// Whether this user can make a folder, or has it already, and the disk has room for what compilers write there: where a
    /// disk is full, LLVM ends the process. Code is loaded from the folder: another user's is not taken.
    package static func canMake(_ path: String, freeBytes: UInt = 32 << 20) -> Bool {
        var nearest = path
        var status = stat()
        // A link to nothing is in the way of a folder.
        while lstat(nearest, &status) != 0, nearest != "/", !nearest.isEmpty {
            nearest = (nearest as NSString).deletingLastPathComponent
        }
        var disk = statvfs()
        guard stat(nearest, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            // The folder for everyone's temporary files is the system's; nobody can put ours there in our place and own it.
            status.st_uid == geteuid() || status.st_uid == 0,
            statvfs(nearest, &disk) == 0, UInt(disk.f_bavail) * disk.f_frsize >= freeBytes
        else { return false }
        // Tried, as the mode of a folder in `/proc` or of a file system that is read only says nothing.
        var name = Array("\(nearest)/.tessera-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { return false }
        rmdir(name)
        return true
    }
}
