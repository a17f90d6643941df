"""Activation functions with their kinks, and the units that are gated."""

import torch
import torch.nn as nn
from recorder import Recorder, normal

recorder = Recorder(__file__)
kinks = torch.tensor([0, -0.0, 6, 3, -3, 1, -1, 0.5, -0.5, 1e-4, -1e-4, 20, -20, 100, -100])

for name, module in {
    "relu": nn.ReLU(),
    "relu6": nn.ReLU6(),
    "leaky": nn.LeakyReLU(),
    "leaky 0.2": nn.LeakyReLU(0.2),
    "elu": nn.ELU(),
    "elu 0.7": nn.ELU(0.7),
    "selu": nn.SELU(),
    "celu": nn.CELU(),
    "celu 0.5": nn.CELU(0.5),
    "gelu": nn.GELU(),
    "gelu tanh": nn.GELU(approximate="tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "softplus": nn.Softplus(),
    "softplus 2": nn.Softplus(2),
    "softsign": nn.Softsign(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "hardsigmoid": nn.Hardsigmoid(),
    "hardswish": nn.Hardswish(),
    "hardtanh": nn.Hardtanh(),
    "hardtanh 0.5": nn.Hardtanh(-3, 0.5),
    "logsigmoid": nn.LogSigmoid(),
    "softshrink": nn.Softshrink(),
    "softshrink 1": nn.Softshrink(1),
    "hardshrink": nn.Hardshrink(),
    "hardshrink 1": nn.Hardshrink(1),
    "tanhshrink": nn.Tanhshrink(),
    "threshold": nn.Threshold(0.5, -2),
}.items():
    recorder.case(name, {"x": torch.cat([kinks, normal(name, 26, scale=3)])}, lambda x: module(x))

for name, module, shape in [
    ("softmax", nn.Softmax(-1), (3, 5)),
    ("softmax 1", nn.Softmax(1), (2, 3, 5)),
    ("log softmax", nn.LogSoftmax(-1), (3, 5)),
    ("log softmax 0", nn.LogSoftmax(0), (3, 5)),
    ("glu", nn.GLU(), (3, 8)),
    ("glu 1", nn.GLU(1), (2, 6, 5)),
]:
    recorder.case(name, {"x": normal(name, *shape, scale=2)}, lambda x: module(x))


def gated(function, axis):
    def of(x):
        a, b = x.chunk(2, axis)
        return a * function(b)

    return of


recorder.case("swiglu", {"x": normal("swiglu", 3, 8)}, gated(nn.functional.silu, -1))
recorder.case("geglu", {"x": normal("geglu", 3, 2, 5)}, gated(nn.functional.gelu, 1))
recorder.case("reglu", {"x": normal("reglu", 3, 8)}, gated(nn.functional.relu, -1))
recorder.case("bilinear", {"x": normal("bilinear", 3, 8)}, gated(lambda b: b, -1))

for name, channels, shape in [("prelu", 1, (2, 3, 4)), ("prelu 3", 3, (2, 3, 4)), ("prelu flat", 1, (5,))]:
    module = nn.PReLU(channels)
    with torch.no_grad():
        module.weight.copy_(torch.linspace(-0.3, 0.4, channels) if channels > 1 else torch.tensor([0.2]))
    x = normal(name, *shape)
    x.view(-1)[0] = 0
    recorder.case(name, {"x": x}, lambda x: module(x), dict(module.named_parameters()))

recorder.write()
