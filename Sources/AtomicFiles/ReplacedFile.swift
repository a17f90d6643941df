internal import CXattr
import Foundation

/// A file that is to take the place of another, or of none.
struct ReplacedFile {
    /// As the user named it, for errors.
    let named: String
    /// The same without links.
    let path: String
    let folder: String
    /// The file that is there now.
    let former: stat?

    init(named: String, path: String, folder: String, former: stat?) {
        (self.named, self.path, self.folder, self.former) = (named, path, folder, former)
    }

    func replace(isDurable: Bool, isPrivate: Bool = false, _ body: (AtomicFile.Writer) throws -> Void) throws {
        // What is not waited for is written often, and must not look through its folder each time.
        if isDurable { TemporaryFile.removeAbandoned(in: folder) }
        // The mask is the system's to apply, to a new file; one that takes another's place is private at first.
        guard let made = TemporaryFile(in: folder, mode: former == nil && !isPrivate ? 0o666 : 0o600) else {
            throw failure(named, "cannot be written")
        }
        let (temporary, file) = (made.path, made.descriptor)
        var isOpen = true
        defer { made.unlock() }
        do {
            try body { try writeAll($0, to: file, named) }
            if let former, !isPrivate { try keepAttributes(of: former, on: file) }
            guard !isDurable || fsync(file) == 0 else { throw failure(named, "cannot be brought to the disk") }
            isOpen = false
            guard close(file) == 0 else { throw failure(named, "cannot be closed") }
            guard rename(temporary, path) == 0 else { throw failure(named, "cannot take its name") }
        } catch {
            if isOpen { close(file) }
            unlink(temporary)
            throw error
        }
        guard isDurable else { return }
        // The name itself must reach the disk too; the file is whole either way.
        let handle = open(folder, O_RDONLY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }

    /// Gives the new file the former's owner, extended attributes and mode. What the system does not let it have makes the
    /// file more private, never less.
    private func keepAttributes(of former: stat, on file: Int32) throws {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw failure(named, "cannot be written") }
        let keepsOwner = status.st_uid == former.st_uid || fchown(file, former.st_uid, gid_t.max) == 0
        var keepsGroup = status.st_gid == former.st_gid || fchown(file, uid_t.max, former.st_gid) == 0
        // With an access list, the mode's bits for the group are the most that anyone in the list may do.
        if !ExtendedAttributes.copy(from: path, to: file) { keepsGroup = false }
        var mode = former.st_mode & 0o777
        if keepsOwner, keepsGroup { mode |= former.st_mode & 0o7000 }
        if !keepsGroup { mode &= 0o707 | (mode & 0o007) << 3 }
        guard fchmod(file, mode) == 0 else { throw failure(named, "cannot be given its mode") }
    }
}

/// What is stored with a file besides its contents and mode: access lists, labels, a user's own.
private enum ExtendedAttributes {
    private static let accessList = "system.posix_acl_access"

    /// Copies those that the system lets this user copy.
    ///
    /// - Returns: whether the new file's access list is the old one's.
    static func copy(from path: String, to file: Int32) -> Bool {
        let names = list { listxattr(path, $0, $1) }
        var hasSameAccess = true
        // From its folder a file may get a list that the old one had not.
        if !names.contains(accessList), list({ flistxattr(file, $0, $1) }).contains(accessList) {
            hasSameAccess = fremovexattr(file, accessList) == 0
        }
        for name in names {
            guard let value = bytes({ getxattr(path, name, $0, $1) }) else {
                if name == accessList { hasSameAccess = false }
                continue
            }
            let isSet = value.withUnsafeBytes { fsetxattr(file, name, $0.baseAddress, $0.count, 0) == 0 }
            if name == accessList, !isSet { hasSameAccess = false }
        }
        return hasSameAccess
    }

    private static func list(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int) -> [String] {
        let all = bytes { call($0?.assumingMemoryBound(to: CChar.self), $1) } ?? []
        return all.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What a call gives that says first how much that is.
    private static func bytes(_ call: (UnsafeMutableRawPointer?, Int) -> Int) -> [UInt8]? {
        let size = call(nil, 0)
        guard size >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = bytes.withUnsafeMutableBytes { call($0.baseAddress, $0.count) }
        return count >= 0 ? Array(bytes.prefix(count)) : nil
    }
}
