"""Examples/fashion-gan in PyTorch: a generator of clothing and a discriminator with spectral norms.

Pictures are judged by the classifier that the program has trained: fashion-gan-classifier.safetensors beside the results.
"""
import importlib
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

import common

NOISE = 64


class FashionGAN(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(NOISE, 2 * width * 49), nn.Unflatten(1, (2 * width, 7, 7)), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh())
        self.discriminator = nn.Sequential(
            spectral_norm(nn.Conv2d(1, width, 4, 2, 1)), nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)), nn.LeakyReLU(0.1), nn.Flatten(),
            spectral_norm(nn.Linear(2 * width * 49, 1)))


def network():
    return FashionGAN()


def losses(model, pictures, noise):
    """Both hinges, of one pass through the discriminator."""
    made = model.generator(noise)
    real, fake = model.discriminator(torch.cat([pictures * 2 - 1, made])).chunk(2)
    return {"discriminator": F.relu(1 - real).mean() + F.relu(1 + fake).mean(), "generator": -fake.mean()}


def set_gradients(model, losses):
    """Each network's gradients of its own loss, both of the values before the step."""
    for name, loss in losses.items():
        parameters = list(getattr(model, name).parameters())
        gradients = torch.autograd.grad(loss, parameters, retain_graph=name == "discriminator")
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient


EXCHANGES = [
    common.Exchange(
        network, lambda: {"noise": torch.randn(8, NOISE)},
        lambda network, inputs: {"output": (network.generator(inputs["noise"]) + 1) / 2})
]


def moments(features):
    features = features.double().numpy()
    return features.mean(0), np.cov(features, rowvar=False)


def frechet_distance(a, b):
    """By eigenvalues: the trace of the root of Σ₁Σ₂ is that of the root of Σ₁^½ Σ₂ Σ₁^½."""
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = np.linalg.eigh(covariance_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    return ((mean_a - mean_b) ** 2).sum() + np.trace(covariance_a) + np.trace(covariance_b) - 2 * shared


@torch.no_grad()
def evaluate(model, noise, features, real):
    model.eval()
    made = torch.cat([features((model.generator(part) + 1) / 2) for part in noise.split(500)])
    model.train()
    return frechet_distance(moments(made), real)


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--classifier", help="a checkpoint of fashion-cnn (default: the program's, beside the results)")
    arguments = common.begin(parser)
    path = arguments.classifier or os.path.join(arguments.results or ".", "fashion-gan-classifier.safetensors")
    if not os.path.exists(path):
        sys.exit(f"there is no classifier {path}: run fashion-gan with the same --results first, or give --classifier")
    results = common.Results(
        "fashion-gan", "Clothing out of noise, by a GAN",
        "make pictures of clothing out of noise, against a discriminator with spectral norms",
        "Fashion-MNIST: 60,000 pictures, 10,000 to compare with", arguments)
    (images, _), (test, _) = common.fashion("train"), common.fashion("t10k")
    if arguments.quick:
        test = test[:256]
    classifier = importlib.import_module("fashion-cnn").network()
    common.load_weights(classifier, path)
    features = classifier[:-1]
    with torch.no_grad():
        real = moments(torch.cat([features(part) for part in test.split(500)]))
    test_noise = torch.randn(len(test), NOISE, generator=torch.Generator().manual_seed(2))
    model = network()
    optimizers = [
        torch.optim.Adam(part.parameters(), 2e-4, betas=(0.5, 0.999)) for part in (model.generator, model.discriminator)]
    step = last = 0
    for epoch, indices in common.batches(len(images), arguments.batch, arguments.epochs, arguments.steps, arguments.seed):
        if epoch != last:
            last = epoch
            results.point("test Fréchet distance", step, evaluate(model, test_noise, features, real))
        found = losses(model, images[indices], torch.randn(len(indices), NOISE))
        set_gradients(model, found)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        for name, loss in found.items():
            results.point(f"training {name}", step, loss)
    distance = evaluate(model, test_noise, features, real)
    results.point("test Fréchet distance", step, distance)
    results.add("Fréchet distance", distance, "", "lower")
    results.add("Fréchet distance by the variance of real pictures", distance / np.trace(real[1]), "", "lower", 0.5)
    results.finish(model, step)


if __name__ == "__main__":
    main()
