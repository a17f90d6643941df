internal import AtomicFiles
import CKernels
import Foundation
import OpenCL

/// Whose results an entry holds: a device with its driver, and the class that it stands for.
package struct TunedDevice: Hashable, Sendable, Codable {
    package var platform: String
    package var name: String
    package var driver: String
    /// What devices have in common whose best values are likely to be alike: the compiler and the vector registers of
    /// a CPU; who made a GPU.
    package var deviceClass: String

    enum CodingKeys: String, CodingKey {
        case platform, name, driver
        case deviceClass = "class"
    }

    package init(platform: String, name: String, driver: String, deviceClass: String) {
        self.platform = platform
        self.name = name
        self.driver = driver
        self.deviceClass = deviceClass
    }

    package init(_ device: Device) {
        let profile = DeviceProfile(device)
        self.init(
            platform: device.platform.name, name: device.name, driver: device.capabilities.driverVersion,
            deviceClass: device.type == .cpu
                ? "\(device.platform.name), CPU of \(profile.vectorWidth) lanes"
                : "\(device.capabilities.vendor) \(device.type.rawValue)")
    }
}

/// Results of tuning, by device: what comes with the package, or a user's own file over it.
///
/// A file is JSON: `{"format": 1, "devices": [{"device": {…}, "entries": [{"family": "gemm-panel", "problem": {"m": 512, …},
/// "values": {"rows": 8, …}, "ms": 0.61, "standard_ms": 0.72}]}]}`.
package struct TuningDatabase: Sendable, Equatable {
    package struct Section: Sendable, Equatable {
        package var device: TunedDevice
        package var entries: [TuningEntry]
    }

    package var sections: [Section]

    package init(_ sections: [Section] = []) { self.sections = sections }

    /// The entries of exactly this device, in any file's order.
    package func entries(of device: TunedDevice) -> [TuningEntry] {
        sections.filter { $0.device == device }.flatMap(\.entries)
    }

    /// The entries of other devices of its class.
    package func entries(ofClassOf device: TunedDevice) -> [TuningEntry] {
        sections.filter { $0.device != device && $0.device.deviceClass == device.deviceClass }.flatMap(\.entries)
    }

    /// Puts an entry in the place of the one for the same device, family and problem.
    package mutating func set(_ entry: TuningEntry, for device: TunedDevice) {
        let section = sections.firstIndex { $0.device == device } ?? sections.count
        if section == sections.count { sections.append(Section(device: device, entries: [])) }
        let place = sections[section].entries.firstIndex { $0.family == entry.family && $0.problem == entry.problem }
        if let place {
            sections[section].entries[place] = entry
        } else {
            sections[section].entries.append(entry)
        }
    }

    // MARK: - Files

    package struct FileError: Error, CustomStringConvertible {
        package let description: String
    }

    /// What comes with the package.
    package static func shipped() throws -> TuningDatabase {
        guard let file = ckernels_tuning(), let text = file.pointee.text else { return TuningDatabase() }
        let bytes = UnsafeRawBufferPointer(start: text, count: file.pointee.length)
        return try TuningDatabase(json: Data(bytes))
    }

    /// `$TESSERA_TUNING`, else `tuning.json` in the folder of ``ProgramCache``. Nil, for no file, where the variable is
    /// set but empty or there is no such folder.
    package static func userPath(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String? {
        if let chosen = environment["TESSERA_TUNING"] { return chosen.isEmpty ? nil : chosen }
        return ProgramCache.defaultDirectory(environment: environment).map { $0 + "/tuning.json" }
    }

    /// - Returns: an empty database where there is no such file.
    /// - Throws: ``FileError`` naming the file, where it is there but cannot be read or is not of this format.
    package static func read(atPath path: String) throws -> TuningDatabase {
        do {
            guard let bytes = try RegularFile.read(path, limit: sizeLimit) else { return TuningDatabase() }
            return try TuningDatabase(json: Data(bytes))
        } catch {
            throw FileError(description: "the tuning results in \(path) cannot be used: \(Self.reason(error))")
        }
    }

    /// The most bytes of a file: a hundred thousand results.
    private static let sizeLimit = 32 << 20

    /// Makes the folder of a file of results, for this user alone, and finds out whether the file can be written.
    package static func prepare(path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        if !folder.isEmpty { try AtomicFile.makeFolder(folder, mode: 0o700) }
        try AtomicFile.checkWritable(path)
    }

    /// Writes the file as ``AtomicFile`` does, and makes its folder.
    package func write(toPath path: String) throws {
        try Self.prepare(path: path)
        try AtomicFile.write([UInt8](json()), to: path)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as FileError: return error.description
        case let error as AtomicFiles.FileError: return error.reason
        case let error as DecodingError:
            switch error {
            case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                let place = context.codingPath.map(\.stringValue).joined(separator: ".")
                return place.isEmpty ? "it is not JSON" : "\(place): \(context.debugDescription)"
            @unknown default: return "\(error)"
            }
        default: return error.localizedDescription
        }
    }
}

extension TuningTable {
    /// What is known of a device: its own entries, then those of its class; of each the user's before the package's.
    ///
    /// - Returns: a warning too, where the user's file cannot be used: then it counts as empty.
    package static func of(
        _ device: TunedDevice, userPath: String? = TuningDatabase.userPath()
    ) -> (table: TuningTable, warning: String?) {
        var warning: String?
        func database(_ read: () throws -> TuningDatabase) -> TuningDatabase {
            do { return try read() } catch {
                warning = "\(error)"
                return TuningDatabase()
            }
        }
        let shipped = database(TuningDatabase.shipped)
        let user = database { try userPath.map(TuningDatabase.read(atPath:)) ?? TuningDatabase() }
        return (TuningTable(device, user: user, shipped: shipped), warning)
    }

    package init(_ device: TunedDevice, user: TuningDatabase, shipped: TuningDatabase) {
        self.init([
            user.entries(of: device), shipped.entries(of: device), user.entries(ofClassOf: device),
            shipped.entries(ofClassOf: device),
        ])
        isTuned = !user.entries(of: device).isEmpty || !shipped.entries(of: device).isEmpty
    }
}

// MARK: - JSON

extension TuningDatabase {
    private struct File: Codable {
        var format: Int
        var devices: [FileSection]
    }

    private struct FileSection: Codable {
        var device: TunedDevice
        var entries: [FileEntry]
    }

    private struct FileEntry: Codable {
        var family: String
        var problem: [String: Int]
        var values: [String: Int]
        var ms: Double?
        var standardMs: Double?
        var tried: [[String: Int]]?

        enum CodingKeys: String, CodingKey {
            case family, problem, values, ms
            case standardMs = "standard_ms"
            case tried
        }
    }

    private static let format = 1
    /// The levels of brackets that the format has; `JSONDecoder` ends the process at some hundred.
    private static let deepest = 8

    /// That brackets are not nested deeper than the format's, whatever else is wrong.
    private static func checkNesting(_ json: Data) throws(FileError) {
        var (depth, isText, isEscaped) = (0, false, false)
        for byte in json {
            if isEscaped {
                isEscaped = false
            } else if isText {
                isText = byte != UInt8(ascii: "\"")
                isEscaped = byte == UInt8(ascii: "\\")
            } else {
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
            }
            guard depth <= deepest else { throw FileError(description: "it is nested too deeply") }
        }
    }

    /// - Throws: ``FileError`` or a `DecodingError` where this is not a file of this format.
    package init(json: Data) throws {
        try Self.checkNesting(json)
        // Read on its own, so that a later format is called by its name.
        struct Head: Decodable { var format: Int }
        let format = try JSONDecoder().decode(Head.self, from: json).format
        guard format == Self.format else {
            throw FileError(description: "it is of format \(format), and this version reads \(Self.format)")
        }
        let file = try JSONDecoder().decode(File.self, from: json)
        self.init(
            file.devices.map { section in
                Section(device: section.device, entries: section.entries.compactMap(Self.entry))
            })
    }

    /// Nil for an entry with names that this version does not know, or numbers that no extent and no value has.
    private static func entry(_ entry: FileEntry) -> TuningEntry? {
        let extents = 0...1 << 40
        guard entry.problem.values.allSatisfy(extents.contains), let problem = TuningProblem(names: entry.problem),
            let values = TuningValues(names: entry.values)
        else {
            return nil
        }
        return TuningEntry(
            family: entry.family, problem: problem, values: values, ms: entry.ms, standardMs: entry.standardMs,
            tried: entry.tried.map { $0.compactMap { TuningValues(names: $0) } })
    }

    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(
            File(
                format: Self.format,
                devices: sections.map { section in
                    FileSection(
                        device: section.device,
                        entries: section.entries.map { entry in
                            FileEntry(
                                family: entry.family, problem: entry.problem.names, values: entry.values.names,
                                ms: entry.ms, standardMs: entry.standardMs, tried: entry.tried?.map(\.names))
                        })
                }))
    }
}

extension TuningValues {
    /// The values by the parameters' names, as files hold them.
    package var names: [String: Int] {
        Dictionary(uniqueKeysWithValues: parameters.map { ($0.key.rawValue, $0.value) })
    }

    /// Nil where a name is none of a parameter.
    package init?(names: [String: Int]) {
        self.init([:])
        for (name, value) in names {
            guard let parameter = TuningParameter(rawValue: name) else { return nil }
            parameters[parameter] = value
        }
    }
}
