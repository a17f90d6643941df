import Tessera

/// Trains a small convolutional network on Fashion-MNIST and gives its accuracy on pictures it has not seen.
func trainFashionMNIST(on device: DeviceChoice = .automatic, steps: Int? = nil) throws -> Double {
    let (train, test) = try ImageDataset.fashionMNIST()
    let random = RandomSource(seed: 1)
    let model = Sequential(
        Conv2D(1, 32, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2),
        Conv2D(32, 64, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2), Flatten(),
        Dense(3136, 128, random), ReLU(), Dense(128, 10, random))
    let trainer = Trainer(
        model, loss: .crossEntropy, optimizer: Adam(), metrics: [.accuracy], on: try Executor(on: device))
    try trainer.fit(train, batchSize: 128, epochs: 4, steps: steps)
    try trainer.save(to: "fashion.safetensors")
    return try trainer.evaluate(test).metric ?? 0
}
