extension Layer {
    /// Writes every variable's value to a safetensors file under its dotted name.
    ///
    /// - Throws: ``FileError`` where the file can't be written.
    public func save(to path: String, on executor: Executor) throws {
        try SafetensorsFile.write(try Checkpoint.values(namedVariables, executor), metadata: ["format": "pt"], to: path)
    }

    /// Gives every variable the value that a safetensors file holds under its dotted name.
    ///
    /// - Throws: ``FileError`` where one is missing, has another shape, or the file holds others. Nothing has changed then.
    public func load(from path: String, on executor: Executor) throws {
        try executor.set(try Checkpoint.model(namedVariables, SafetensorsFile(path: path)))
    }
}

extension Trainer {
    /// The names of everything that is not the model's own begin with this.
    private static let prefix = "tessera."
    /// What of the metadata says how far the last call of ``fit`` was.
    private static let fitKey = "tessera.fit"

    /// The optimizer's variables, by their names in checkpoints.
    private var optimizerVariables: [(name: String, variable: Variable)] {
        let names = Dictionary(model.namedVariables.map { ($0.variable, $0.name) }) { first, _ in first }
        return model.parameters.flatMap { parameter in
            optimizer.state(of: parameter).map {
                ("\(Self.prefix)\($0.name).\(names[parameter] ?? parameter.name)", $0.variable)
            }
        }
    }

    /// Writes the model to a safetensors file, with what training needs to go on as if it had never stopped: the
    /// optimizer's variables and the step, under names that begin with `tessera.`.
    ///
    /// - Throws: ``FileError`` where the file can't be written.
    public func save(to path: String) throws {
        let all = model.namedVariables + optimizerVariables + [("\(Self.prefix)step", stepVariable)]
        var metadata = ["format": "pt"]
        metadata[Self.fitKey] = lastFit?.text
        try SafetensorsFile.write(try Checkpoint.values(all, executor), metadata: metadata, to: path)
    }

    /// Reads what ``save(to:)`` wrote. A file with the model alone is read too: training then begins anew from it.
    ///
    /// - Throws: ``FileError`` where the file is corrupt or does not fit the model or the optimizer. Nothing has changed
    ///   then.
    public func load(from path: String) throws {
        let file = try SafetensorsFile(path: path)
        var values = try Checkpoint.model(model.namedVariables, file, ignoring: Self.prefix)
        let state = optimizerVariables + [("\(Self.prefix)step", stepVariable)]
        let isWhole = file.entries.keys.contains { $0.hasPrefix(Self.prefix) }
        for (name, variable) in state {
            values[variable] = isWhole ? try Checkpoint.value(name, variable, file) : variable.initialValue
        }
        let step = Int(try values[stepVariable]?.elements(Int32.self).first ?? 0)
        guard step >= 0 else { throw FileError(path: path, reason: "its step \(step) is negative") }
        let fit = isWhole ? file.metadata[Self.fitKey] : nil
        let record = fit.flatMap { FitRecord(text: $0) }
        guard record?.begin ?? 0 <= step, (fit == nil) == (record == nil) else {
            throw FileError(path: path, reason: "its \(Self.fitKey) “\(fit ?? "")” does not belong to step \(step)")
        }
        try executor.set(values)
        self.step = step
        lastFit = record
    }
}

/// Matching the variables of a model with the tensors of a file.
enum Checkpoint {
    static func values(
        _ variables: [(name: String, variable: Variable)], _ executor: Executor
    ) throws -> [String: HostTensor] {
        let values = try executor.values(of: variables.map(\.variable))
        return Dictionary(variables.map { ($0.name, values[$0.variable] ?? $0.variable.initialValue) }) { first, _ in
            first
        }
    }

    /// - Parameter prefix: tensors whose names begin with it are of no interest.
    static func model(
        _ variables: [(name: String, variable: Variable)], _ file: SafetensorsFile, ignoring prefix: String? = nil
    ) throws -> [Variable: HostTensor] {
        let known = Set(variables.map(\.name))
        let strangers = file.names.filter { name in
            // PyTorch counts batches for a use of batch norm that does not exist here.
            !known.contains(name) && !name.hasSuffix("num_batches_tracked")
                && !(prefix.map { name.hasPrefix($0) } ?? false)
                && !name.hasPrefix("tessera.")
        }
        guard strangers.isEmpty else {
            throw FileError(
                path: file.path, reason: "holds tensors that the model has not: \(strangers.joined(separator: ", "))")
        }
        var values: [Variable: HostTensor] = [:]
        for (name, variable) in variables { values[variable] = try value(name, variable, file) }
        return values
    }

    /// A tensor as the value of a variable; float16, bfloat16 and float64 become float32 where the variable is that.
    static func value(_ name: String, _ variable: Variable, _ file: SafetensorsFile) throws -> HostTensor {
        let tensor = try file.tensor(name)
        let converted = variable.type.dtype == .float32 ? try tensor.asFloat32() ?? tensor : tensor
        guard converted.type == variable.type else {
            throw FileError(
                path: file.path, reason: "tensor “\(name)” is \(tensor.type), but the model's is \(variable.type)")
        }
        return converted
    }
}

extension HostTensor {
    /// The same numbers as float32; `nil` where they are not floating-point.
    func asFloat32() throws -> HostTensor? {
        func converted<Element: BitwiseCopyable>(_: Element.Type, _ number: (Element) -> Float) throws -> HostTensor {
            try withUnsafeBytes { source in
                try HostTensor(TensorType(shape)) { bytes in
                    let floats = bytes.bindMemory(to: Float.self)
                    for index in floats.indices {
                        let size = MemoryLayout<Element>.size
                        floats[index] = number(source.loadUnaligned(fromByteOffset: index * size, as: Element.self))
                    }
                }
            }
        }
        switch dtype {
        case .float32: return self
        case .float64: return try converted(Double.self) { Float($0) }
        case .float16: return try converted(UInt16.self) { Float(float16Bits: $0) }
        case .bfloat16: return try converted(UInt16.self) { Float(bfloat16Bits: $0) }
        case .int32, .int64, .uint8: return nil
        }
    }
}
