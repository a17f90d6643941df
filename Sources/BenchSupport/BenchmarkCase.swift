/// A benchmark case, as text `family:key=value,…`: for example `conv2d:n=8,c=64,h=56,w=56,k=64,r=3,s=3,pad=1`.
package struct BenchmarkCase: Hashable, Sendable, CustomStringConvertible {
    /// What a case computes. The keys of each family, with the default of those that may be left out.
    package enum Family: String, CaseIterable, Sendable {
        case matmul, conv2d, attention, lstm, gru, softmax, layernorm, batchnorm2d, maxpool2d, train

        /// `nil` where the key must be given.
        var keys: [String: Int?] {
            switch self {
            case .matmul: ["batch": 1, "m": nil, "n": nil, "k": nil, "ta": 0, "tb": 0]
            case .conv2d:
                [
                    "n": nil, "c": nil, "h": nil, "w": nil, "k": nil, "r": nil, "s": nil, "stride": 1, "pad": 0,
                    "dilation": 1, "groups": 1,
                ]
            case .attention: ["b": nil, "h": nil, "sq": nil, "sk": nil, "d": nil, "causal": 0]
            case .lstm, .gru: ["t": nil, "b": nil, "i": nil, "h": nil]
            case .softmax, .layernorm: ["rows": nil, "cols": nil]
            case .batchnorm2d: ["n": nil, "c": nil, "h": nil, "w": nil]
            case .maxpool2d: ["n": nil, "c": nil, "h": nil, "w": nil, "r": nil, "stride": nil]
            case .train: ["b": nil]
            }
        }
    }

    /// The networks of `train:model=…`.
    package enum Model: String, CaseIterable, Sendable {
        case fashionCNN = "fashion-cnn"
        case charLSTM = "char-lstm"
        case tinyTransformer = "tiny-transformer"
        case deepCross = "deep-cross"
    }

    package let text: String
    package let family: Family
    package let model: Model?
    private let values: [String: Int]

    package var description: String { text }

    /// The value of a key of the case's family.
    package subscript(_ key: String) -> Int { values[key] ?? 0 }

    /// - Throws: ``BenchmarkError`` naming what is wrong with the text.
    package init(_ text: String) throws(BenchmarkError) {
        func wrong(_ reason: String) -> BenchmarkError { BenchmarkError("case \(text): \(reason)") }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let family = Family(rawValue: String(parts[0])) else {
            let known = Family.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong("there is no family \(parts[0]); there is \(known)")
        }
        var values = family.keys.compactMapValues { $0 }
        var model: Model?
        for pair in (parts.count > 1 ? parts[1] : "").split(separator: ",") {
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2 else { throw wrong("\(pair) is not key=value") }
            if family == .train, sides[0] == "model" {
                guard let known = Model(rawValue: sides[1]) else {
                    let models = Model.allCases.map(\.rawValue).joined(separator: ", ")
                    throw wrong("there is no model \(sides[1]); there is \(models)")
                }
                model = known
                continue
            }
            guard family.keys.keys.contains(sides[0]) else {
                throw wrong("\(family.rawValue) has no key \(sides[0]); it has \(family.keys.keys.sorted().joined(separator: ", "))")
            }
            guard let number = Int(sides[1]), number >= 0, number <= 1 << 30 else {
                throw wrong("\(sides[1]) is not a whole number from 0 to 2^30")
            }
            values[sides[0]] = number
        }
        let missing = family.keys.keys.filter { values[$0] == nil }.sorted()
        guard missing.isEmpty else { throw wrong("\(missing.joined(separator: ", ")) is missing") }
        guard family != .train || model != nil else { throw wrong("model is missing") }
        self.text = text
        self.family = family
        self.model = model
        self.values = values
    }

    /// The cases of a file: one a line, `#` starts a comment.
    package static func cases(in text: String) throws(BenchmarkError) -> [BenchmarkCase] {
        var cases: [BenchmarkCase] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let content = line.prefix { $0 != "#" }.trimming(\.isWhitespace)
            if !content.isEmpty { cases.append(try BenchmarkCase(content)) }
        }
        return cases
    }
}

/// Something wrong with what a user asked of the benchmark.
package struct BenchmarkError: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension Substring {
    fileprivate func trimming(_ isOuter: (Character) -> Bool) -> String {
        var part = self
        while let first = part.first, isOuter(first) { part.removeFirst() }
        while let last = part.last, isOuter(last) { part.removeLast() }
        return String(part)
    }
}

/// Whether only results are computed, or also the gradient of every input.
package enum Pass: String, CaseIterable, Codable, Sendable {
    case forward = "fwd"
    case forwardAndBackward = "fwdbwd"
}
