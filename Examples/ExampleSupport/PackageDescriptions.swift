import Foundation
import Tessera

/// The packages that a Debian or Ubuntu machine knows of, with the section that each is in: `net`, `games`, `python`.
public struct PackageDescriptions: Sendable {
    public struct Package: Hashable, Sendable {
        public var name: String
        /// The package that it was built from: all that were built from one are in one part.
        public var source: String
        public var section: String
        /// In a line.
        public var description: String
        public var part: DataPart { DataPart(of: source) }

        public init(name: String, source: String, section: String, description: String) {
            (self.name, self.source, self.section, self.description) = (name, source, section, description)
        }
    }

    /// In order of their names; of those with the same description the first.
    public let packages: [Package]

    /// Asks `apt-cache dumpavail`, or reads a file of the same form (`Packages`, which may be packed with gzip).
    ///
    /// - Throws: ``ExampleFailure`` where there is no such program or it knows too few packages, ``FileError`` where the file
    ///   can't be read.
    public init(path: String?, leastCount: Int = 1000) throws {
        packages = Self.distinct(try path.map { try Self.read($0) } ?? Self.ask())
        guard packages.count >= leastCount else {
            throw ExampleFailure(
                "\(path ?? "apt-cache dumpavail") describes \(packages.count) packages, and at least \(leastCount) are"
                    + " needed: `apt-get update` fetches the descriptions on Debian and Ubuntu; elsewhere give --data a"
                    + " file Packages of theirs")
        }
    }

    private static func read(_ path: String) throws -> [Package] {
        var parser = StanzaParser()
        try TextLines.forEach(of: path) { parser.add($0[...]) }
        return parser.finish()
    }

    private static func ask() throws -> [Package] {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["apt-cache", "dumpavail"]
        process.standardOutput = pipe
        do {
            try process.run()
        } catch {
            throw ExampleFailure("apt-cache does not start: \(error)")
        }
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ExampleFailure(
                "apt-cache dumpavail ended with status \(process.terminationStatus): descriptions come from Debian or"
                    + " Ubuntu; elsewhere give --data a file Packages of theirs")
        }
        var parser = StanzaParser()
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false) {
            parser.add(line)
        }
        return parser.finish()
    }

    private static func distinct(_ packages: [Package]) -> [Package] {
        var seen: Set<String> = []
        return packages.sorted { ($0.name, $0.description) < ($1.name, $1.description) }.filter {
            seen.insert($0.description).inserted
        }
    }
}

/// Reads stanzas of fields, one package each, with an empty line between (deb822(5)).
struct StanzaParser {
    private var fields: [Substring: Substring] = [:]
    private var packages: [PackageDescriptions.Package] = []

    mutating func add(_ line: Substring) {
        guard !line.isEmpty else { return end() }
        // A further line of the field before.
        guard line.first != " ", line.first != "\t", let colon = line.firstIndex(of: ":") else { return }
        fields[line[..<colon]] = line[line.index(after: colon)...].trimmed
    }

    private mutating func end() {
        defer { fields = [:] }
        // What is not in “main” has its area before the section; where translations are apart, only the first line is here.
        guard let name = fields["Package"], let section = fields["Section"]?.split(separator: "/").last,
            let description = fields["Description"] ?? fields["Description-en"], !description.isEmpty
        else { return }
        let source = fields["Source"]?.split(separator: " ").first ?? name
        packages.append(
            .init(
                name: String(name), source: String(source), section: String(section),
                description: String(description)))
    }

    /// All packages that have a section and a description.
    mutating func finish() -> [PackageDescriptions.Package] {
        end()
        return packages
    }
}

extension Substring {
    /// Without spaces at both ends.
    fileprivate var trimmed: Substring {
        var rest = drop { $0 == " " || $0 == "\t" }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }
}
