extension Trainer {
    /// Trains over a dataset, epoch after epoch, from where the trainer stands: after loading a checkpoint the rest of the
    /// batches comes as if training had never stopped.
    ///
    /// - Parameters:
    ///   - epochs: how often to go through the data, those before a checkpoint included.
    ///   - steps: the most steps to do in all; no limit, where left out.
    ///   - seed: of the order of the examples.
    ///   - progress: what shows how far it is; by default a bar on a terminal and a line now and then elsewhere.
    ///   - test: evaluated after each epoch.
    ///   - afterStep: is called after each step with its result.
    /// - Returns: the means over the steps of the last epoch.
    @discardableResult
    public func fit(
        _ data: any Dataset, batchSize: Int, epochs: Int, steps: Int? = nil, seed: UInt64 = 0,
        progress: ProgressBar? = ProgressBar(), test: (any Dataset)? = nil,
        afterStep: ((Result) throws -> Void)? = nil
    ) throws -> Result {
        let order = BatchOrder(count: data.count, batchSize: batchSize, seed: seed)
        let batches = order.batchesPerEpoch
        var total = RunningMean()
        guard batches > 0 else { return total.result }
        let lastStep = min(epochs * batches, steps ?? .max)
        progress?.start(steps: lastStep - step)
        defer { progress?.finish() }
        while step < lastStep {
            let epoch = step / batches
            let indices = order.indices(epoch: epoch)
            total = RunningMean()
            while step < lastStep, step / batches == epoch {
                let result = try train(data.batch(indices[order.range(step % batches)]))
                total.add(result)
                try afterStep?(result)
                progress?.advance(
                    label: "epoch \(epoch + 1)/\(epochs)", items: result.count, detail: describe(total.result))
            }
            if let test {
                progress?.line("epoch \(epoch + 1): test \(describe(try evaluate(test)))")
            }
        }
        return total.result
    }

    /// A result in words: `loss 0.3012, accuracy 89.31 %`.
    public func describe(_ result: Result) -> String {
        let loss = "loss \(decimal(result.loss, 4))"
        guard let metric, let value = result.metric else { return loss }
        return loss + ", " + metric.text(value)
    }
}

/// The mean of results so far, each weighted by its number of examples.
private struct RunningMean {
    private var loss = 0.0
    private var metric: Double?
    private var count = 0

    mutating func add(_ result: Trainer.Result) {
        loss += result.loss * Double(result.count)
        if let value = result.metric { metric = (metric ?? 0) + value * Double(result.count) }
        count += result.count
    }

    var result: Trainer.Result {
        let count = Double(max(count, 1))
        return Trainer.Result(loss: loss / count, metric: metric.map { $0 / count }, count: self.count)
    }
}
