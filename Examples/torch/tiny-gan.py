"""Examples/tiny-gan in PyTorch: a generator of points on a ring and a discriminator, trained against each other."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import common

NOISE = 4


class RingGAN(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(NOISE, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
        self.discriminator = nn.Sequential(
            nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


EXCHANGES = [
    common.Exchange(
        RingGAN, lambda: {"noise": torch.randn(16, NOISE)},
        lambda network, inputs: {"point": network.generator(inputs["noise"])})
]


def ring(count, generator):
    """Points near the circle of radius 1."""
    directions = F.normalize(torch.randn(count, 2, generator=generator))
    return directions * (1 + 0.05 * torch.randn(count, 1, generator=generator))


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    arguments = common.begin(parser)
    results = common.Results(
        "tiny-gan", "Points on a ring, by a GAN", "make points on a ring out of noise, against a discriminator",
        "8192 points that are drawn", arguments)
    drawn = torch.Generator().manual_seed(1)
    points, noise = ring(8192, drawn), torch.randn(8192, NOISE, generator=drawn)
    test_noise = torch.randn(256 if arguments.quick else 2048, NOISE, generator=torch.Generator().manual_seed(2))
    model = RingGAN()
    optimizers = {
        name: torch.optim.Adam(getattr(model, name).parameters(), 1e-3, betas=(0.5, 0.999))
        for name in ("generator", "discriminator")}

    def on_the_ring():
        with torch.no_grad():
            return ((model.generator(test_noise).norm(dim=1) - 1).abs() < 0.15).float().mean().item()

    step = last = 0
    for epoch, indices in common.batches(
        len(points), arguments.batch, arguments.epochs, arguments.steps, arguments.seed
    ):
        if epoch != last:
            last = epoch
            results.point("test on the ring", step, on_the_ring())
        made = model.generator(noise[indices])
        real, fake = model.discriminator(points[indices]), model.discriminator(made)
        losses = {
            "discriminator": (F.softplus(fake) + F.softplus(-real)).mean(), "generator": F.softplus(-fake).mean()}
        # Both losses are of the values before the step.
        gradients = {
            name: torch.autograd.grad(loss, list(getattr(model, name).parameters()), retain_graph=True)
            for name, loss in losses.items()}
        for name, optimizer in optimizers.items():
            for parameter, gradient in zip(getattr(model, name).parameters(), gradients[name]):
                parameter.grad = gradient
            optimizer.step()
        step += 1
        for name, loss in losses.items():
            results.point(f"training {name}", step, loss)
    share = on_the_ring()
    results.point("test on the ring", step, share)
    results.add("generated points on the ring", 100 * share, "%", "higher")
    results.finish(model, step)


if __name__ == "__main__":
    main()
