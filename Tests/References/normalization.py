"""Batch normalisation over zero to three axes, normalised weights, and normalisation across channels."""

import torch
import torch.nn as nn
from recorder import Recorder, normal
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

recorder = Recorder(__file__)


def fill(name, module):
    with torch.no_grad():
        for key, tensor in [*module.named_parameters(), *module.named_buffers()]:
            if tensor.is_floating_point():
                value = normal(f"{name} {key}", *tensor.shape)
                tensor.copy_(value.abs() + 0.5 if key.endswith("running_var") else value)


def state(module):
    return {key: tensor for key, tensor in [*module.named_parameters(), *module.named_buffers()]}


def batch_norm(name, module, *shape):
    """Training, with the running statistics that come of it, and inference."""
    for mode in ["training", "inference"]:
        case = f"{name} {mode}"
        module.train(mode == "training")
        fill(name, module)
        module.num_batches_tracked.fill_(3)
        kept = {
            key: tensor
            for key, tensor in state(module).items()
            if key != "num_batches_tracked" or module.momentum is None
        }

        def outputs(x):
            y = module(x)
            if mode == "inference":
                return {"y": y}
            return {"y": y, "running_mean": module.running_mean, "running_var": module.running_var}

        recorder.case(case, {"x": normal(name, *shape) + 2}, outputs, kept)


batch_norm("flat", nn.BatchNorm1d(3), 5, 3)
batch_norm("1d", nn.BatchNorm1d(3, eps=1e-3, momentum=0.3), 2, 3, 7)
batch_norm("one channel", nn.BatchNorm1d(1), 2, 1)
batch_norm("2d", nn.BatchNorm2d(4), 2, 4, 3, 5)
batch_norm("3d", nn.BatchNorm3d(2), 2, 2, 3, 2, 3)
batch_norm("2d cumulative", nn.BatchNorm2d(3, momentum=None), 3, 3, 2, 2)


def normalized_weight(name, module, *shape):
    fill(name, module)
    recorder.case(name, {"x": normal(name, *shape)}, lambda x: module(x), state(module))


normalized_weight("weight norm linear", weight_norm(nn.Linear(4, 3)), 2, 4)
normalized_weight("weight norm conv", weight_norm(nn.Conv2d(2, 3, 3, bias=False)), 1, 2, 4, 5)
normalized_weight("weight norm transposed", weight_norm(nn.ConvTranspose1d(3, 2, 2), dim=1), 2, 3, 4)


def spectral(name, module, *shape):
    """One step of power iteration while training; none otherwise."""
    for mode in ["training", "inference"]:
        module.train(mode == "training")
        fill(name, module)
        vectors = module.parametrizations.weight[0]
        with torch.no_grad():
            for vector in [vectors._u, vectors._v]:
                vector.copy_(nn.functional.normalize(vector, dim=0))

        def outputs(x):
            y = module(x)
            if mode == "inference":
                return {"y": y}
            return {"y": y, "u": vectors._u, "v": vectors._v}

        recorder.case(f"{name} {mode}", {"x": normal(name, *shape)}, outputs, state(module))


spectral("spectral linear", spectral_norm(nn.Linear(4, 3)), 2, 4)
spectral("spectral conv", spectral_norm(nn.Conv2d(2, 3, 3, bias=False), n_power_iterations=3), 1, 2, 4, 5)
spectral("spectral transposed", spectral_norm(nn.ConvTranspose1d(3, 2, 2)), 2, 3, 4)

for name, module, shape in [
    ("local response", nn.LocalResponseNorm(3, alpha=0.1), (2, 5, 3, 4)),
    ("local response even", nn.LocalResponseNorm(4, alpha=0.5, beta=0.5, k=2), (2, 7, 3)),
    ("local response wide", nn.LocalResponseNorm(5, alpha=1.0), (1, 2, 2, 2, 2)),
]:
    recorder.case(name, {"x": normal(name, *shape)}, lambda x: module(x))

recorder.write()
