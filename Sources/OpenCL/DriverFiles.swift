import Foundation

/// Where a driver keeps files of its own.
package enum DriverFiles {
    /// To be done before drivers are first asked for anything: `$POCL_CACHE_DIR` is set where it is not and PoCL's own choice
    /// would not do.
    static let prepared: Void = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = poclFolder(environment, isUsable: canMake) { setenv("POCL_CACHE_DIR", folder, 0) }
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

    /// Whether this user can make a folder, or has it already. Code is loaded from there: another user's is not taken.
    private static func canMake(_ path: String) -> Bool {
        var nearest = path
        while !FileManager.default.fileExists(atPath: nearest), nearest != "/", !nearest.isEmpty {
            nearest = (nearest as NSString).deletingLastPathComponent
        }
        guard access(nearest, W_OK | X_OK) == 0 else { return false }
        let owner = (try? FileManager.default.attributesOfItem(atPath: nearest))?[.ownerAccountID] as? NSNumber
        // The folder for everyone's temporary files is the system's; nobody can put ours there in our place and own it.
        return owner?.uint32Value == geteuid() || owner?.uint32Value == 0
    }
}
