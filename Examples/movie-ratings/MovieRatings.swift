import ArgumentParser
import ExampleNetworks
import ExampleSupport
import Foundation
import Tessera

extension RatingNetwork.Kind: ExpressibleByArgument {}

/// Networks that learn how many stars somebody gives a film: dense layers alone, and with cross layers beside or before them.
@main
struct MovieRatingsExample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "movie-ratings",
        abstract: "Trains deep networks with and without cross layers on MovieLens.")

    @OptionGroup var options: ExampleOptions
    @Option(help: "Only this network, which can then be saved and loaded.")
    var network: RatingNetwork.Kind?
    @Option(help: "How often to go through the ratings.")
    var epochs = 5
    @Option(help: "Ratings a step.")
    var batch = 512
    @Option(help: "How often each network is trained, each time from another seed.")
    var repetitions = 5
    @Option(help: "How far Adam goes at first.")
    var learningRate = 2e-3
    @Option(help: "By what share of the learning rate parameters shrink at each step.")
    var weightDecay = 0.1
    @Option(help: "The rate of dropout.")
    var dropout = 0.3
    @Flag(help: "Test on the ratings that settings are chosen by.")
    var validation = false
    @Option(help: .init("The file that Examples/Data/movielens.sh makes.", valueName: "file"))
    var data = "Examples/Data/movielens.csv"

    func validate() throws {
        if network == nil { try ExampleComparison.check(options, choosing: "--network") }
    }

    func run() throws {
        let began = ContinuousClock.now
        let ratings = try MovieRatings(path: data)
        let (train, test) = (try ratings.part(.train), try ratings.part(validation ? .validation : .test))
        let about = ExampleDescription(
            "movie-ratings", title: "Stars for films, by deep and cross networks",
            task:
                "tell how many stars, a half to five, somebody gives a film, from who it is and the film's number, year and"
                + " genres",
            data:
                "MovieLens: \(ratings.dataset.count) ratings, \(test.count) to test on; categories that come less than three"
                + " times are one")
        let order = try BatchOrder(count: train.count, batchSize: max(batch, 1))
        let steps = options.stepCount(epochs: epochs, batches: order.batchesPerEpoch)
        func trainer(_ kind: RatingNetwork.Kind, _ seed: UInt64, _ executor: Executor) throws -> Trainer {
            let random = RandomSource(seed: seed)
            let network = RatingNetwork(kind, counts: ratings.counts, dropout: dropout, random)
            try executor.set(network.smallRows(random))
            return network.trainer(
                learningRate: learningRate, weightDecay: weightDecay, steps: steps, on: executor)
        }
        if let network {
            let run = ExampleRun(
                about, options: options, batch: batch, epochs: epochs, train: train, test: test,
                makeTrainer: { try trainer(network, options.seed, $0) },
                figures: {
                    [
                        .init("error of \(network)", $0.loss.squareRoot(), unit: "stars", better: .lower),
                        .init("ROC AUC of \(network)", $0.metric ?? .nan, unit: "", better: .higher),
                    ]
                },
                present: { trainer, _, results in results.addSample(try sample(trainer, ratings, test)) })
            return try run(since: began)
        }
        let comparison = ExampleComparison(
            about, options: options, batch: batch, epochs: epochs, repetitions: repetitions, train: train, test: test,
            contenders: RatingNetwork.Kind.allCases.map { kind in
                .init(kind.rawValue) { seed, executor in try trainer(kind, seed, executor) }
            }, figures: Self.figures,
            present: { outcomes, results in
                if let last = outcomes.last { results.addSample(try sample(last.trainer, ratings, test)) }
            })
        try comparison(since: began)
    }

    /// The root of the mean squared error of each network, and the area under the ROC curve where four stars and more count as
    /// liked; and by how much cross layers make the error smaller than that of a deep network of the same size.
    private static func figures(_ outcomes: [ExampleComparison.Outcome]) -> [ExampleResult.Figure] {
        let errors = outcomes.map { $0.mean { $0.loss.squareRoot() } }
        let figures = outcomes.enumerated().flatMap { index, outcome -> [ExampleResult.Figure] in
            [
                .init("error of \(outcome.name)", errors[index], unit: "stars", better: .lower),
                .init("ROC AUC of \(outcome.name)", outcome.mean(\.metric), unit: "", better: .higher),
            ]
        }
        return figures
            + outcomes.indices.dropFirst().map {
                .init("gain of \(outcomes[$0].name)", errors[0] - errors[$0], unit: "stars", better: .higher)
            }
    }

    /// The films of the test that somebody is expected to give most and fewest stars, with those that they gave.
    private func sample(_ trainer: Trainer, _ ratings: MovieRatings, _ test: Subset) throws -> String {
        let tensors = ratings.dataset.tensors
        guard let categories = try tensors["categories"]?.elements(Int32.self),
            let titles = try tensors["title"]?.elements(Int32.self),
            let stars = try tensors["rating"]?.elements(Float.self)
        else { return "" }
        let columns = MovieRatings.columns.count
        let byPerson = Dictionary(grouping: test.indices) { categories[$0 * columns] }
        guard let (person, rows) = byPerson.max(by: { ($0.value.count, $1.key) < ($1.value.count, $0.key) }) else {
            return ""
        }
        let outputs =
            try trainer.predict(ratings.dataset.batch(rows[...]).tensors)["output"]?.elements(Float.self) ?? []
        let order = zip(rows, outputs).sorted { $0.1 > $1.1 }
        func lines(_ some: some Sequence<(Int, Float)>) -> String {
            some.map { row, expected in
                let title = ratings.titles.word(Int(titles[row])) ?? "?"
                return "  \(Double(expected).formatted(decimals: 1)) for \(title), given \(stars[row])"
            }.joined(separator: "\n")
        }
        return "person \(person), of \(rows.count) films most stars expected:\n\(lines(order.prefix(6)))\nfewest:\n"
            + lines(order.suffix(6))
    }
}
