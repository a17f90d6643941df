import Tessera
import TesseraSearch

/// Looks for a learning rate and a width in 20 trainings, of which the hopeless ones end after an epoch or three.
func searchFashionMNIST(_ path: String, trials: Int = 20, epochs: Int = 9) throws -> TrialRecord? {
    let data = try ImageDataset.fashionMNIST().train
    let parts = try data.split([0.2, 0.1], seed: 0)
    let space = try SearchSpace([
        .real("learning rate", 1e-4...1e-1, .logarithmic), .integer("width", 8...64, step: 8),
        .categories("optimizer", ["adam", "sgd"]), .real("momentum", 0.5...0.99).when("optimizer", is: "sgd"),
    ])
    let study = try Study(
        path, space: space, direction: .maximize, pruner: SuccessiveHalvingPruner(minimumSteps: 1))
    try study.run(trials: trials) { trial in
        let (random, width) = (RandomSource(seed: 1), try trial.integer("width"))
        let rate = try trial.real("learning rate")
        let optimizer: any Optimizer =
            try trial.category("optimizer") == "adam"
            ? Adam(learningRate: rate) : SGD(learningRate: rate, momentum: try trial.real("momentum"))
        let trainer = Trainer(
            Sequential(Flatten(), Dense(784, width, random), ReLU(), Dense(width, 10, random)), loss: .crossEntropy,
            optimizer: optimizer, metrics: [.accuracy], on: try Executor(on: .automatic))
        let pruning = PruningCallback(trial, on: "accuracy")
        try trainer.fit(parts[0], batchSize: 64, epochs: epochs, test: parts[1], callbacks: [pruning])
        return try trainer.evaluate(parts[1]).metric ?? 0
    }
    try study.writeReport(to: path + ".html")
    print(try study.table())
    return try study.best()
}
