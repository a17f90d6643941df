"""Examples/fashion-cnn in PyTorch: two convolutions on Fashion-MNIST."""
import torch
import torch.nn as nn

import common
import fashion


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


EXCHANGES = [common.Exchange(network, lambda: {"input": torch.rand(8, 1, 28, 28)})]

if __name__ == "__main__":
    torch.manual_seed(1)
    fashion.classify(
        "fashion-cnn", "Clothing, by two convolutions", network, batch=128, epochs=20, rate=3e-3, decay=0.05,
        must_reach=93, augment=fashion.flipped)
