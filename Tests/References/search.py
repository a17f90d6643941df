"""What scikit-learn's Gaussian process makes of a few points: posterior, likelihood with its gradient, and the greatest likelihood
of many starts.

    torch/bin/pip install scikit-learn
"""

import warnings

import numpy as np
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from recorder import Recorder, normal

warnings.simplefilter("ignore")
r = Recorder(__file__)


def keep(case, kind, name, value):
    r.keep(case, kind, name, torch.as_tensor(np.asarray(value, dtype=np.float64)))


def case(name, count, dimensions, variance, noise, lengths, bounds=None):
    points = torch.special.ndtr(normal(f"{name} points", count, dimensions).double()).numpy()
    others = torch.special.ndtr(normal(f"{name} others", 7, dimensions).double()).numpy()
    others[0] = points[0]
    values = (np.sin(5 * points[:, 0]) + points.sum(1) ** 2
              + 0.05 * normal(f"{name} values", count).double().numpy())
    values = (values - values.mean()) / (values.std() if count > 1 else 1)
    keep(name, "input", "points", points)
    keep(name, "input", "values", values)
    keep(name, "input", "others", others)
    keep(name, "parameter", "all", [variance, noise, *lengths])
    kernel = ConstantKernel(variance) * Matern(lengths, nu=2.5) + WhiteKernel(noise)
    model = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(points, values)
    mean, deviation = model.predict(others, return_std=True)
    keep(name, "output", "mean", mean)
    # Of the function alone, where scikit-learn's has the noise of a value too.
    keep(name, "output", "variance", deviation**2 - noise)
    # Parameters in scikit-learn's order: variance, lengths, noise.
    likelihood, gradient = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    keep(name, "output", "likelihood", likelihood)
    keep(name, "output", "gradient", [gradient[0], gradient[-1], *gradient[1:-1]])
    if bounds:
        kernel = (ConstantKernel(1.0, (0.05, 20)) * Matern([0.5] * dimensions, (0.05, 20), nu=2.5)
                  + WhiteKernel(1e-3, (1e-6, 1)))
        model = GaussianProcessRegressor(kernel, alpha=0, n_restarts_optimizer=20, random_state=0).fit(points, values)
        keep(name, "output", "greatest", model.log_marginal_likelihood_value_)


case("one point", 1, 2, 1.3, 0.01, [0.4, 2.0])
case("three dimensions", 19, 3, 0.8, 1e-4, [0.2, 0.9, 5.0], bounds=True)
case("noisy", 31, 2, 2.0, 0.3, [0.05, 1.5], bounds=True)
case("one dimension", 12, 1, 1.0, 1e-6, [0.3], bounds=True)
r.write()
