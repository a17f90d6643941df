import Foundation

/// A mistake in what a person asked of the benchmark.
package struct BenchError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// One benchmark case: `family:key=value,…`, for example `matmul:m=512,n=512,k=512,tb=1`.
///
/// All tensors are row-major, and float32 unless `type` says otherwise. What each family computes is said in ``CaseProgram``.
package struct BenchCase: Hashable, Sendable, CustomStringConvertible {
    package enum Family: String, Hashable, Sendable, CaseIterable {
        case matmul, conv1d, conv2d, conv3d, attention, lstm, gru, softmax, layernorm, rmsnorm, groupnorm, batchnorm2d
        case maxpool2d, pool, interpolate, gather, cumsum, topk, reduce, chain, train

        /// The keys of a case, each with its value where it may be left out.
        var keys: [(name: String, standard: Int?)] {
            switch self {
            case .matmul: [("batch", 1), ("m", nil), ("n", nil), ("k", nil), ("ta", 0), ("tb", 0)]
            case .conv2d:
                [
                    ("n", nil), ("c", nil), ("h", nil), ("w", nil), ("k", nil), ("r", nil), ("s", nil), ("stride", 1),
                    ("pad", 0), ("dilation", 1), ("groups", 1),
                ]
            case .conv1d:
                [
                    ("n", nil), ("c", nil), ("w", nil), ("k", nil), ("s", nil), ("stride", 1), ("pad", 0),
                    ("dilation", 1), ("groups", 1),
                ]
            case .conv3d:
                [
                    ("n", nil), ("c", nil), ("d", nil), ("h", nil), ("w", nil), ("k", nil), ("t", nil), ("r", nil),
                    ("s", nil), ("stride", 1), ("pad", 0), ("dilation", 1), ("groups", 1),
                ]
            case .attention: [("b", nil), ("h", nil), ("sq", nil), ("sk", nil), ("d", nil), ("causal", 0)]
            case .lstm, .gru: [("t", nil), ("b", nil), ("i", nil), ("h", nil)]
            case .softmax, .layernorm, .rmsnorm: [("rows", nil), ("cols", nil)]
            case .groupnorm: [("n", nil), ("c", nil), ("h", nil), ("w", nil), ("groups", nil)]
            case .batchnorm2d: [("n", nil), ("c", nil), ("h", nil), ("w", nil)]
            case .maxpool2d: [("n", nil), ("c", nil), ("h", nil), ("w", nil), ("r", nil), ("stride", nil)]
            case .interpolate:
                [
                    ("n", nil), ("c", nil), ("h", nil), ("w", nil), ("p", nil), ("q", nil), ("order", 0),
                    ("aligned", 0),
                ]
            case .gather: [("rows", nil), ("cols", nil), ("count", nil), ("axis", 0), ("slices", 0)]
            case .cumsum: [("rows", nil), ("cols", nil), ("axis", 0)]
            case .topk: [("rows", nil), ("cols", nil), ("k", nil)]
            case .pool:
                [("n", nil), ("c", nil), ("d", 0), ("h", 0), ("w", nil), ("k", nil), ("s", 0), ("p", 0), ("ceil", 0)]
            case .reduce: [("rows", nil), ("cols", nil), ("axis", 0)]
            case .chain: [("nodes", nil), ("cols", 16)]
            case .train: [("b", nil)]
            }
        }
    }

    /// The names of all families, as messages have them.
    package static var families: String { Family.allCases.map(\.rawValue).joined(separator: ", ") }

    /// The networks that `train` knows.
    package enum Model: String, Hashable, Sendable, CaseIterable {
        case fashionCNN = "fashion-cnn"
        case fashionResNet = "fashion-resnet"
        case charLSTM = "char-lstm"
        case tinyTransformer = "tiny-transformer"
        case deepCross = "deep-cross"
        case packageSections = "package-sections"
        case wordLanguage = "word-language"
        case movieRatings = "movie-ratings"
        case translate
        case stemming
    }

    /// What `pool` takes of a window, as `mode=` says.
    package enum PoolMode: String, Hashable, Sendable, CaseIterable {
        case max, average, norm
    }

    /// What matmul, conv2d and attention compute in, as `type=` says.
    package enum NumberType: String, Hashable, Sendable, CaseIterable {
        case f32, f16, bf16
        /// float32, of which products may be computed in TF32.
        case tf32
    }

    package let family: Family
    package let type: NumberType
    /// The case as it was written.
    package let text: String
    /// The network of a `train` case.
    package let model: Model?
    /// What a `pool` case takes of a window.
    package let poolMode: PoolMode
    private let numbers: [String: Int]

    package var description: String { text }

    /// The value of a key, its standard value where the case leaves it out.
    package subscript(_ key: String) -> Int { numbers[key] ?? 0 }

    /// - Throws: ``BenchError`` saying what is wrong with the text.
    package init(_ text: String) throws {
        let text = text.trimmingCharacters(in: .whitespaces)
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let family = Family(rawValue: parts[0]) else {
            throw BenchError("\(text): there is no family \"\(parts[0])\"; there are \(Self.families)")
        }
        var values: [String: String] = [:]
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2 else { throw BenchError("\(text): \"\(pair)\" is not of the form key=value") }
            guard values.updateValue(sides[1], forKey: sides[0]) == nil else {
                throw BenchError("\(text): \(sides[0]) is given twice")
            }
        }
        model = try Self.model(family, &values, text)
        type = try Self.type(family, &values, text)
        poolMode = try Self.poolMode(family, &values, text)
        numbers = try Self.numbers(family, values, text)
        self.family = family
        self.text = text
        try check()
    }

    private static func model(_ family: Family, _ values: inout [String: String], _ text: String) throws -> Model? {
        guard family == .train else { return nil }
        guard let name = values.removeValue(forKey: "model"), let model = Model(rawValue: name) else {
            let models = Model.allCases.map(\.rawValue).joined(separator: ", ")
            throw BenchError("\(text): train needs model=, one of \(models)")
        }
        return model
    }

    private static func type(_ family: Family, _ values: inout [String: String], _ text: String) throws -> NumberType {
        guard [.matmul, .conv1d, .conv2d, .conv3d, .attention].contains(family),
            let name = values.removeValue(forKey: "type")
        else {
            return .f32
        }
        guard let type = NumberType(rawValue: name) else {
            let types = NumberType.allCases.map(\.rawValue).joined(separator: ", ")
            throw BenchError("\(text): there is no type \(name); there are \(types)")
        }
        return type
    }

    private static func poolMode(
        _ family: Family, _ values: inout [String: String], _ text: String
    ) throws -> PoolMode {
        guard family == .pool, let name = values.removeValue(forKey: "mode") else { return .max }
        guard let mode = PoolMode(rawValue: name) else {
            let modes = PoolMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw BenchError("\(text): there is no mode \(name); there are \(modes)")
        }
        return mode
    }

    private static func numbers(
        _ family: Family, _ values: [String: String], _ text: String
    ) throws -> [String: Int] {
        var numbers: [String: Int] = [:]
        for (key, standard) in family.keys {
            guard let value = values[key] else {
                guard let standard else {
                    let keys = family.keys.map { key in "\(key.name)=" + (key.standard.map { "\($0)" } ?? "") }
                    throw BenchError("\(text): \(key)= is missing; the keys are \(keys.joined(separator: ","))")
                }
                numbers[key] = standard
                continue
            }
            // Of nodes there is one in memory for each.
            let largest = key == "nodes" ? 1 << 16 : 1 << 30
            guard let number = Int(value), number >= (standard == 0 ? 0 : 1), number <= largest else {
                throw BenchError("\(text): \(key)=\(value) is not a number that it can have")
            }
            numbers[key] = number
        }
        let known = Set(family.keys.map(\.name))
        if let stranger = values.keys.sorted().first(where: { !known.contains($0) }) {
            throw BenchError(
                "\(text): \(family.rawValue) has no key \(stranger); its keys are \(family.keys.map(\.name).joined(separator: ", "))"
            )
        }
        return numbers
    }

    /// What must hold between the numbers.
    private func check() throws {
        if [.conv1d, .conv2d, .conv3d].contains(family),
            self["c"] % self["groups"] != 0 || self["k"] % self["groups"] != 0
        {
            throw BenchError("\(text): c and k must be multiples of groups")
        }
        if [.reduce, .gather, .cumsum].contains(family), self["axis"] > 1 {
            throw BenchError("\(text): axis must be 0 or 1")
        }
        if family == .interpolate, ![0, 1, 3].contains(self["order"]) {
            throw BenchError("\(text): order must be 0 (nearest), 1 (linear) or 3 (cubic)")
        }
        if family == .pool, self["d"] > 0, self["h"] == 0 { throw BenchError("\(text): d= needs h= too") }
    }

    /// The cases of a file: one a line; empty lines and those that begin with `#` are passed over.
    package static func parse(lines: String) throws -> [BenchCase] {
        var cases: [BenchCase] = []
        for (index, line) in lines.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let text = line.trimmingCharacters(in: .whitespaces)
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            do {
                cases.append(try BenchCase(text))
            } catch {
                throw BenchError("line \(index + 1): \(error)")
            }
        }
        return cases
    }
}

/// Which part of a case is run.
package enum BenchPass: String, Hashable, Sendable, CaseIterable {
    /// Forward, with no gradient kept.
    case fwd
    /// Forward, then the gradient of every float input for one cotangent; for `train` a whole step.
    case fwdbwd
}
