"""Fréchet distances by scipy's square root of a matrix, in float64.

    torch/bin/pip install scipy
"""

import numpy as np
import scipy.linalg
import torch

from recorder import Recorder, normal

r = Recorder(__file__)


def distance(a, b):
    root = scipy.linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False))
    between = a.mean(0) - b.mean(0)
    return between @ between + np.trace(np.cov(a, rowvar=False) + np.cov(b, rowvar=False) - 2 * np.real(root))


def case(name, generated, real):
    r.keep(name, "input", "prediction", generated)
    r.keep(name, "input", "target", real)
    value = distance(generated.double().numpy(), real.double().numpy())
    r.keep(name, "output", "distance", torch.tensor(float(value), dtype=torch.float64))


def mixed(name, rows, features, shift=0.0, scale=1.0):
    """Vectors whose features depend on each other."""
    mixing = normal(f"{name} mixing", features, features) / features**0.5
    return (normal(name, rows, features) @ mixing) * scale + shift


case("alike", mixed("a", 60, 7), mixed("a", 60, 7) + 0.1)
case("two features", mixed("c", 31, 2), mixed("d", 31, 2, shift=0.5))
case("shifted", mixed("e", 80, 12, shift=2.0), mixed("f", 80, 12, scale=3.0))
case("large offsets", mixed("g", 50, 5, shift=1000.0), mixed("h", 50, 5, shift=1000.5))
case("of small numbers", mixed("i", 50, 5, scale=1e-4), mixed("j", 50, 5, scale=2e-4))
r.write()
