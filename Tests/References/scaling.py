"""Steps with torch.amp.GradScaler: what parameters and the scale become where scaled gradients overflow, and where they do not
for long. Gradients are given; the scaler sees them as those of the sum of parameters times gradients."""

import torch

from recorder import Recorder, normal

r = Recorder(__file__)
# By step: what gradients are multiplied by. Times the scale, 1e35 is no float32.
plain = [1, 1e35, 1, 1, 1, 1e35, 1e35, 1, 1, 1]


def case(name, make, factors, batches=1, norm=None, **scaling):
    parameters = [torch.nn.Parameter(normal(f"p{i}", *shape)) for i, shape in enumerate(((5, 3), (4,)))]
    optimizer = make(parameters)
    scaler = torch.amp.GradScaler("cpu", **scaling)
    for i, parameter in enumerate(parameters):
        r.keep(name, "parameter", f"p{i}", parameter)
    for step, factor in enumerate(factors):
        loss = 0
        for i, parameter in enumerate(parameters):
            gradient = normal(f"g{i} {step}", *parameter.shape) * (factor if i == 1 else 1)
            r.keep(name, "input", f"{step}.g{i}", gradient)
            loss = loss + (parameter * gradient).sum()
        scaler.scale(loss / batches).backward()
        if (step + 1) % batches == 0:
            if norm is not None:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(parameters, norm)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
        for i, parameter in enumerate(parameters):
            r.keep(name, "output", f"{step}.p{i}", parameter)
        r.keep(name, "output", f"{step}.scale", torch.tensor(scaler.get_scale()))


adam = lambda p: torch.optim.Adam(p, lr=0.01)
momentum = lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)
case("adam", adam, plain, growth_interval=2)
case("sgd", momentum, plain, init_scale=1024.0, growth_factor=3.0, backoff_factor=0.25, growth_interval=3)
case("clipped", adam, plain, norm=0.5, growth_interval=2)
case("accumulated", adam, [1, 1, 1e35, 1, 1, 1, 1, 1e35, 1, 1], batches=2, growth_interval=2)
case("at the end of the range", adam, [1, 1, 1], init_scale=2.0**127, growth_interval=1)
r.write()
