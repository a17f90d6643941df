"""Examples/fashion-resnet in PyTorch: a small residual network on Fashion-MNIST."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import common
import fashion


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class FashionResNet(nn.Module):
    def __init__(self, width=32, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(
            Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.output = nn.Linear(4 * width, classes)

    def forward(self, x):
        return self.output(self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


EXCHANGES = [common.Exchange(FashionResNet, lambda: {"input": torch.rand(8, 1, 28, 28)})]

if __name__ == "__main__":
    torch.manual_seed(1)
    fashion.classify(
        "fashion-resnet", "Clothing, by a residual network", FashionResNet, batch=128, epochs=12, rate=5e-3, decay=0.05,
        must_reach=94, augment=lambda images: fashion.moved(fashion.flipped(images), 2))
