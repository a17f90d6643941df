extension Trainer {
    /// Trains over a dataset, epoch after epoch. Each call does its own epochs from where the trainer stands: two calls for
    /// one epoch are one call for two.
    ///
    /// - Parameters:
    ///   - epochs: how often to go through the data.
    ///   - steps: the most steps to do; no limit, where left out.
    ///   - seed: of the order of the examples, which is another in each epoch.
    ///   - resuming: whether to finish what the last call began, in this process or before the checkpoint that was loaded:
    ///     its epochs and steps then count, and the rest of the batches comes as if it had never stopped.
    ///   - progress: what shows how far it is; by default a bar on a terminal and a line now and then elsewhere.
    ///   - test: evaluated after each epoch.
    ///   - checkpoints: where to write checkpoints while it trains, after all callbacks have been called.
    ///   - callbacks: what is told how it goes.
    ///   - afterStep: is called after each step with its result.
    /// - Returns: the means over the steps of the last epoch, of this call; over no examples, and so NaN, where there was no
    ///   step to do. Steps that were skipped for their loss are left out.
    /// - Throws: ``GraphError`` where the data are empty, a number is negative, or what is resumed had other data, batches
    ///   or another seed; ``FileError`` where a checkpoint cannot be written; what ``train(_:)`` and callbacks throw.
    @discardableResult
    public func fit(
        _ data: any Dataset, batchSize: Int, epochs: Int, steps: Int? = nil, seed: UInt64 = 0, resuming: Bool = false,
        progress: ProgressBar? = ProgressBar(), test: (any Dataset)? = nil,
        checkpoints: CheckpointFolder? = nil, callbacks: [any TrainingCallback] = [], file: StaticString = #fileID,
        line: UInt = #line, afterStep: ((Result) throws -> Void)? = nil
    ) throws -> Result {
        let caller = SourceLocation(file: file, line: line)
        guard epochs >= 0, steps ?? 0 >= 0 else {
            throw GraphError(
                operation: "fit", message: "epochs and steps cannot be negative, as \(min(epochs, steps ?? 0)) is",
                location: caller)
        }
        let order = try BatchOrder(data, batchSize: batchSize, seed: seed, for: "fit", at: caller)
        if let test { _ = try BatchOrder(test, batchSize: 1, for: "fit, of what to test on", at: caller) }
        let batches = try data.batches(order, epoch: 0, at: caller).count
        let call = FitCall(begin: resuming ? lastFit?.begin ?? 0 : step, order: order)
        if resuming, let lastFit { try call.resume(lastFit, at: caller) }
        try checkpoints?.prepare()
        try watchers.begin(callbacks, checkpoints, resuming: resuming)
        lastFit = call
        let (product, overflows) = epochs.multipliedReportingOverflow(by: batches)
        let lastStep = call.begin + min(overflows ? .max : product, steps ?? .max, .max - call.begin)
        // The orders of epochs before this call, of whatever data, are not used again.
        let earlierEpochs = call.begin / batches + (call.begin % batches == 0 ? 0 : 1)
        var total = nothing
        progress?.start(steps: lastStep - step)
        defer { progress?.finish() }
        isStopping = false
        var isFirst = true
        while step < lastStep, !isStopping {
            let epoch = (step - call.begin) / batches
            let indices = try data.batches(order, epoch: earlierEpochs.plus(epoch), count: batches, at: caller)
            total = nothing
            while step < lastStep, !isStopping, (step - call.begin) / batches == epoch {
                let batch = try data.batch(indices[(step - call.begin) % batches])
                if isFirst {
                    let memory = try stepMemory(for: batch)
                    progress?.line("a step takes \(memory)")
                    for callback in callbacks { try callback.stepsWillBegin(taking: memory, of: self) }
                    isFirst = false
                }
                let result = try train(batch)
                if !result.isSkipped { total += result }
                try afterStep?(result)
                for callback in callbacks { try callback.stepDidEnd(result, of: self) }
                progress?.advance(
                    label: "epoch \(epoch + 1)/\(epochs)", items: result.count, detail: describe(total))
                // At the end of an epoch, what it comes to belongs into the checkpoint.
                if (step - call.begin) / batches == epoch { try checkpoints?.stepDidEnd(of: self) }
            }
            let isWhole = (step - call.begin) % batches == 0
            if !isWhole { try checkpoints?.save(self) }
            guard isWhole || !isStopping else { break }
            let tested = try test.map { try evaluate($0, file: file, line: line) }
            if let tested { progress?.line("epoch \(epoch + 1): test \(describe(tested))") }
            guard isWhole else { break }
            let finished = Epoch(number: epoch + 1, training: total, test: tested)
            for callback in callbacks { try callback.epochDidEnd(finished, of: self) }
            try checkpoints?.epochDidEnd(finished, of: self)
        }
        for callback in callbacks { try callback.fitDidEnd(of: self) }
        return total
    }

    /// Ends the call of `fit` that runs after the step that runs, with a checkpoint where it writes some; another that
    /// resumes it goes on. To be called by callbacks and after steps.
    public func stop() { isStopping = true }
}

/// What watches a call of `Trainer.fit`, so that checkpoints can keep what it has seen.
struct FitWatchers {
    private var callbacks: [any TrainingCallback] = []
    private var checkpoints: CheckpointFolder?
    /// What a checkpoint that was loaded has kept, by names.
    private var loaded: [String: String]

    init(loaded: [String: String] = [:]) { self.loaded = loaded }

    /// - Throws: what callbacks throw that cannot take what was kept of them.
    mutating func begin(
        _ callbacks: [any TrainingCallback], _ checkpoints: CheckpointFolder?, resuming: Bool
    ) throws {
        (self.callbacks, self.checkpoints) = (callbacks, checkpoints)
        let kept = loaded
        loaded = [:]
        guard resuming else { return }
        for (name, callback) in named { if let state = kept[name] { try callback.restore(state) } }
        if let state = kept[Self.folderName] { checkpoints?.restore(state) }
    }

    private static let folderName = "CheckpointFolder"

    /// Callbacks by their types, numbered among those of a type.
    private var named: [(String, any TrainingCallback)] {
        var counts: [String: Int] = [:]
        return callbacks.map { callback in
            let type = "\(type(of: callback))"
            counts[type, default: 0] += 1
            return ("\(type) \(counts[type, default: 1])", callback)
        }
    }

    /// What a checkpoint keeps, by names.
    var states: [String: String] {
        var states = loaded
        for (name, callback) in named { states[name] = callback.state }
        if let checkpoints { states[Self.folderName] = checkpoints.state }
        return states
    }
}

/// What a call of `Trainer.fit` went through, so that another can take it up again.
struct FitCall: Hashable, Sendable {
    /// The trainer's step when the call began.
    var begin: Int
    var examples: Int
    var batchSize: Int
    var seed: UInt64

    init(begin: Int, order: BatchOrder) {
        self.begin = begin
        (examples, batchSize, seed) = (order.count, order.batchSize, order.seed)
    }

    /// - Throws: ``GraphError`` where this is no continuation of another call.
    func resume(_ other: FitCall, at location: SourceLocation) throws {
        guard self != other else { return }
        throw GraphError(
            operation: "fit",
            message: "what is to be resumed went through \(other), not \(self); resume with the same, or leave"
                + " resuming out and go on with new epochs", location: location)
    }
}

extension FitCall: CustomStringConvertible {
    var description: String { "\(examples) examples in batches of \(batchSize) with the seed \(seed)" }
}

// The text in a checkpoint.
extension FitCall {
    var text: String { "\(begin) \(examples) \(batchSize) \(seed)" }

    init?(text: String) {
        let parts = text.split(separator: " ")
        guard parts.count == 4, let begin = Int(parts[0]), let examples = Int(parts[1]), let batchSize = Int(parts[2]),
            let seed = UInt64(parts[3]), begin >= 0, examples > 0, batchSize > 0
        else { return nil }
        (self.begin, self.examples, self.batchSize, self.seed) = (begin, examples, batchSize, seed)
    }
}
