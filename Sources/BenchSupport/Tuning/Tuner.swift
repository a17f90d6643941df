import Foundation
import OpenCL
import OpenCLBackend
import TensorGraph

/// Finds the best tuning values for problems on a device and writes each finding to a file as it comes.
///
/// Candidates run in another process (``TuningProcess``), so that a driver that crashes or never returns costs one
/// candidate. What was tried is in the file before it is tried: a search that was stopped, even by the machine, goes on
/// behind it.
package final class Tuner {
    package struct Options: Sendable {
        /// Seconds for everything.
        package var duration = 540.0
        /// Seconds for a candidate to be built, checked and timed.
        package var candidateTimeout: @Sendable (TuningValues) -> Double = { _ in 30 }
        /// Whether problems whose search came to its end are searched again.
        package var again = false

        package init() {}
    }

    /// What there is to show while it goes on.
    package struct Progress: Sendable {
        package var task: TuningTask
        /// Which of how many.
        package var place: Int
        package var count: Int
        package var candidates = 0
        /// Milliseconds with the standard values and the best ones so far.
        package var standardMs: Double?
        package var bestMs: Double?
        package var elapsed = 0.0
        package var duration: Double
    }

    private let device: TunedDevice
    private let profile: DeviceProfile
    private let path: String
    private let options: Options
    private let worker: TuningProcess
    private let progress: (Progress) -> Void
    private let isStopped: () -> Bool
    private let clock = ContinuousClock()
    private var begin: ContinuousClock.Instant

    /// - Parameters:
    ///   - path: the file of results.
    ///   - executable: a program that, with `arguments`, is a ``TuningWorker`` for the same device.
    ///   - environment: variables of that program beside this one's own.
    ///   - isStopped: asked all the time; once it says yes, what is under way is given up.
    package init(
        _ device: Device, style: DeviceProfile.KernelStyle?, path: String, options: Options, executable: String,
        arguments: [String], environment: [String: String] = [:], progress: @escaping (Progress) -> Void = { _ in },
        isStopped: @escaping () -> Bool = { false }
    ) {
        self.device = TunedDevice(device)
        profile = DeviceProfile(device, style: style)
        self.path = path
        self.options = options
        self.progress = progress
        self.isStopped = isStopped
        let environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
            .merging(["TESSERA_TUNING": path]) { $1 }
        worker = TuningProcess(executable, arguments, environment: environment)
        begin = clock.now
    }

    private var elapsed: Double { begin.duration(to: clock.now) / .seconds(1) }

    /// Tunes one problem after another until all are done, the time is over or somebody stops it.
    ///
    /// - Throws: where the file of results cannot be read or written, or the other process not be started.
    package func run(_ tasks: [TuningTask]) throws -> [TuningRow] {
        begin = clock.now
        var rows: [TuningRow] = []
        for (index, task) in tasks.enumerated() {
            guard let space = TuningSpace.named(task.family) else { continue }
            let left = options.duration - elapsed
            guard left > 0, !isStopped() else { break }
            // An even share of what is left; what a problem does not need goes to the others.
            let share = left / Double(tasks.count - index)
            rows.append(
                try tune(
                    task, space, until: elapsed + share,
                    Progress(task: task, place: index + 1, count: tasks.count, duration: options.duration)))
        }
        worker.end()
        return rows
    }

    // MARK: One problem

    private func tune(
        _ task: TuningTask, _ space: TuningSpace, until deadline: Double, _ shown: Progress
    ) throws -> TuningRow {
        let standard = space.standardValues(for: task.problem, on: profile)
        var row = TuningRow(task: task, standard: standard, values: standard)
        let database = try TuningDatabase.read(atPath: path)
        let former = database.entries(of: device)
            .first { $0.family == task.family && $0.problem == task.problem }
            .flatMap { space.allows($0.values, for: task.problem, on: profile) ? $0 : nil }
        if let former, former.tried == nil, !options.again {
            row.values = former.values
            (row.ms, row.standardMs, row.state) = (former.ms, former.standardMs, .known)
            return row
        }
        var entry = TuningEntry(
            family: task.family, problem: task.problem, values: former?.values ?? standard, tried: former?.tried ?? [])
        var shown = shown

        // The standard first: what everything is measured by.
        let first = try measure(standard, against: nil, task, rounds: 5, &row)
        guard !isStopped() else { return row }
        shown.standardMs = first?.ms
        shown.bestMs = first?.ms
        entry.standardMs = first?.ms
        var start = first == nil ? nil : standard
        if entry.values != standard {
            let answer = try measure(entry.values, against: start, task, rounds: 9, &row)
            if let answer, (answer.ratio ?? 0) < TuningSearch.margin {
                start = entry.values
                shown.bestMs = answer.ms
            }
        }
        let node = try task.graphNode()
        var table = table(database)
        var search = TuningSearch(space, task.problem, profile, best: start, tried: Set(entry.tried ?? []))
        let isFinished = try search.run(seeds: seeds(space, task, database)) { candidate, best in
            guard !isStopped(), elapsed < deadline else { return .stopped }
            if let best,
                launches(node, task.family, candidate, &table) == launches(node, task.family, best, &table)
            {
                return .ratio(1)
            }
            // In the file before it is tried.
            entry.tried?.append(candidate)
            try save(entry)
            shown.candidates += 1
            shown.elapsed = elapsed
            progress(shown)
            var answer = try measure(candidate, against: best, task, rounds: 5, &row)
            if let ratio = answer?.ratio, ratio < TuningSearch.margin {
                answer = try measure(candidate, against: best, task, rounds: 9, &row)
            }
            guard !isStopped() else { return .stopped }
            guard let answer else { return .unusable }
            let ratio = answer.ratio ?? 0
            if ratio < TuningSearch.margin {
                entry.values = candidate
                entry.ms = answer.ms
                shown.bestMs = answer.ms
                try save(entry)
            }
            return .ratio(ratio)
        }
        let best = search.best.map { best in
            // What makes no difference here stays standard, for the problems nearby that this entry will serve.
            space.dimensions.map(\.parameter).reduce(best) { values, parameter in
                let plainer = values.with(parameter, standard[parameter])
                return space.allows(plainer, for: task.problem, on: profile)
                    && launches(node, task.family, plainer, &table) == launches(node, task.family, values, &table)
                    ? plainer : values
            }
        }
        return try finish(task, &entry, &row, best: best, isFinished: isFinished, candidates: shown.candidates)
    }

    /// Holds the best against the standard once more, by turns and longer, and writes the result.
    private func finish(
        _ task: TuningTask, _ entry: inout TuningEntry, _ row: inout TuningRow, best: TuningValues?,
        isFinished: Bool, candidates: Int
    ) throws -> TuningRow {
        row.candidates = candidates
        row.state = isFinished ? .tuned : .unfinished
        guard let best else {
            row.state = .failed
            return row
        }
        entry.values = best
        if best != row.standard, !isStopped() {
            let last = try measure(best, against: row.standard, task, rounds: 15, &row)
            entry.ms = last?.ms
            entry.standardMs = last?.incumbentMs ?? entry.standardMs
            // What does not hold up is not kept.
            if last == nil || (last?.ratio ?? 0) >= TuningSearch.margin {
                entry.values = row.standard
                entry.ms = entry.standardMs
            }
        } else if best == row.standard {
            entry.ms = entry.standardMs
        }
        if isFinished { entry.tried = nil }
        row.values = entry.values
        (row.ms, row.standardMs) = (entry.ms, entry.standardMs)
        try save(entry)
        return row
    }

    /// The other process's word on a candidate; nil where it is not usable, which `row` then counts.
    private func measure(
        _ candidate: TuningValues, against best: TuningValues?, _ task: TuningTask, rounds: Int, _ row: inout TuningRow
    ) throws -> TuningMessage.Answer? {
        func ask(_ candidate: TuningValues, _ best: TuningValues?, _ rounds: Int, _ timeout: Double) throws
            -> TuningProcess.Reply
        {
            let request = TuningMessage.Request(
                task: task, candidate: candidate.names, incumbent: best?.names, rounds: rounds)
            return try worker.ask(request, timeout: timeout, isCancelled: isStopped)
        }
        var timeout = options.candidateTimeout(candidate)
        if !worker.hasAnswered(task) {
            // A new process makes its reference first, which takes as long as it takes; values that are known to be good
            // go before the candidate, so that its own time is known.
            let preparation = 120.0
            if let best {
                _ = try ask(best, nil, 1, options.candidateTimeout(best) + preparation)
            } else {
                timeout += preparation
            }
        }
        let reply = try ask(candidate, best, rounds, timeout)
        switch reply {
        case .answer(let answer):
            guard let failure = answer.failure else { return answer }
            row.note(failure.hasPrefix("wrong") ? .wrong : .failed, "\(failure)")
        case .crashed(let reason): row.note(.crashed, reason)
        case .timedOut: row.note(.timedOut, "no answer")
        case .cancelled: break
        }
        return nil
    }

    // MARK: What is known

    private func table(_ database: TuningDatabase) -> TuningTable {
        TuningTable(device, user: database, shipped: (try? TuningDatabase.shipped()) ?? TuningDatabase())
    }

    /// The values that are best for the nearest problems, on this device, on its class, and on any.
    private func seeds(_ space: TuningSpace, _ task: TuningTask, _ database: TuningDatabase) -> [TuningValues] {
        let shipped = (try? TuningDatabase.shipped()) ?? TuningDatabase()
        let all = TuningDatabase(database.sections + shipped.sections)
        let others = all.sections.filter { $0.device != device && $0.device.deviceClass != device.deviceClass }
        var seeds: [TuningValues] = []
        for entries in [all.entries(of: device), all.entries(ofClassOf: device), others.flatMap(\.entries)] {
            let near = entries.filter { $0.family == space.name }
                .compactMap { entry in task.problem.octaves(to: entry.problem).map { (entry.values, $0.sum) } }
                .sorted { $0.1 < $1.1 }
            for (values, _) in near.prefix(4) where !seeds.contains(values) { seeds.append(values) }
        }
        return Array(seeds.prefix(6))
    }

    /// What a node comes to with these values: candidates that come to the same need no trial.
    private func launches(
        _ node: Node, _ family: String, _ values: TuningValues, _ table: inout TuningTable
    ) -> [KernelLaunch]? {
        table.force(values, for: family)
        var profile = profile
        profile.tuning = table
        guard case .accepted(let lowered) = try? profile.lower(node) else { return nil }
        return (lowered as? OpenCLNode)?.launches
    }

    private func save(_ entry: TuningEntry) throws {
        // Read again: another tuner may be at work on another device.
        var database = try TuningDatabase.read(atPath: path)
        database.set(entry, for: device)
        try database.write(toPath: path)
    }
}
