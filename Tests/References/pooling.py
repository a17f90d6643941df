"""Pooling layers: norms of windows, maxima with their places, and unpooling."""

import torch
import torch.nn as nn
from recorder import Recorder, normal

recorder = Recorder(__file__)


def check(name, module, *shape, x=None):
    recorder.case(name, {"x": normal(name, *shape) if x is None else x}, lambda x: module(x))


check("max1d", nn.MaxPool1d(3, 2, 1), 2, 3, 8)
check("max2d", nn.MaxPool2d(2, ceil_mode=True), 2, 2, 5, 7)
check("max3d", nn.MaxPool3d(2, 1, dilation=2), 1, 2, 4, 3, 5)
check("average1d", nn.AvgPool1d(3, 2, 1, count_include_pad=False), 2, 3, 8)
check("average2d", nn.AvgPool2d(3, 2, 1), 2, 2, 5, 7)
check("average3d", nn.AvgPool3d(2, ceil_mode=True), 1, 2, 3, 4, 5)

# PyTorch takes no magnitudes, so its odd norms are those of numbers that are not negative.
for name, module, shape in [
    ("norm1d", nn.LPPool1d(2, 3, 2), (2, 3, 8)),
    ("norm2d", nn.LPPool2d(3, 2), (2, 2, 5, 6)),
    ("norm2d ceiling", nn.LPPool2d(2, 3, ceil_mode=False), (2, 2, 6, 7)),
    ("norm3d", nn.LPPool3d(1, 2), (1, 2, 4, 4, 3)),
]:
    check(name, module, x=normal(name, *shape).abs() + 0.1)

for axes, name in [(1, "AdaptiveAvgPool1d"), (2, "AdaptiveAvgPool2d"), (3, "AdaptiveAvgPool3d")]:
    check(f"adaptive average {axes}d", getattr(nn, name)([3, 2, 1][:axes]), 2, 2, *[7, 5, 3][:axes])
for axes, name in [(1, "AdaptiveMaxPool1d"), (2, "AdaptiveMaxPool2d"), (3, "AdaptiveMaxPool3d")]:
    check(f"adaptive max {axes}d", getattr(nn, name)([3, 2, 1][:axes]), 2, 2, *[7, 5, 3][:axes])
check("global average", nn.AdaptiveAvgPool2d(1), 2, 3, 4, 5)
check("global max", nn.AdaptiveMaxPool2d(1), 2, 3, 4, 5)


class Unpooled(nn.Module):
    def __init__(self, pool, unpool, extents=None):
        super().__init__()
        self.pool, self.unpool, self.extents = pool, unpool, extents

    def forward(self, x):
        values, indices = self.pool(x)
        unpooled = self.unpool(values, indices, self.extents and list(values.shape[:2]) + self.extents)
        return {"values": values, "indices": indices.to(torch.int32), "unpooled": unpooled}


check("unpool1d", Unpooled(nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)), 2, 3, 8)
check("unpool2d", Unpooled(nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2), [5, 7]), 2, 2, 5, 7)
check("unpool2d padded", Unpooled(nn.MaxPool2d(3, 3, 1, return_indices=True), nn.MaxUnpool2d(3, 3, 1)), 1, 2, 7, 4)
check("unpool3d", Unpooled(nn.MaxPool3d(2, return_indices=True), nn.MaxUnpool3d(2)), 1, 2, 4, 2, 4)

recorder.write()
