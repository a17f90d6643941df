import Tessera

extension Sequential {
    /// Two convolutions with pooling and two linear layers over pictures `[n, 1, 28, 28]` → logits `[n, 10]`: 421,642
    /// parameters.
    public static func fashionCNN(_ random: RandomSource) -> Sequential {
        Sequential(
            Conv2D(1, 32, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2),
            Conv2D(32, 64, kernel: 3, padding: 1, random), ReLU(), MaxPool2D(2), Flatten(),
            Dense(3136, 128, random), ReLU(), Dense(128, 10, random))
    }
}
