"""The learning rates of torch.optim.lr_scheduler for 50 steps, of an optimizer whose own rate is 1."""

import torch
import torch.optim.lr_scheduler as schedulers

from recorder import Recorder

r = Recorder(__file__)


def case(name, make, observed=None):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for step in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([] if observed is None else [observed[step].item()]))
    if observed is not None:
        r.keep(name, "input", "observed", observed)
    r.keep(name, "output", "rates", torch.tensor(rates, dtype=torch.float64))


case("step", lambda o: schedulers.StepLR(o, 7, gamma=0.5))
case("exponential", lambda o: schedulers.ExponentialLR(o, 0.9))
case("multi-step", lambda o: schedulers.MultiStepLR(o, [5, 6, 30], gamma=0.3))
case("cosine", lambda o: schedulers.CosineAnnealingLR(o, 49, eta_min=0.1))
case("cosine, restarts", lambda o: schedulers.CosineAnnealingWarmRestarts(o, 7))
case("cosine, longer restarts", lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, T_mult=2, eta_min=0.05))
case("linear", lambda o: schedulers.LinearLR(o, start_factor=0.25, end_factor=0.75, total_iters=20))
case("polynomial", lambda o: schedulers.PolynomialLR(o, total_iters=40))
case("polynomial, power 3", lambda o: schedulers.PolynomialLR(o, total_iters=60, power=3))
case("one-cycle", lambda o: schedulers.OneCycleLR(o, 1.0, total_steps=51))
case("one-cycle, options", lambda o: schedulers.OneCycleLR(
    o, 1.0, total_steps=51, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100))
case("one-cycle, three phases", lambda o: schedulers.OneCycleLR(o, 1.0, total_steps=51, three_phase=True))
case("noam", lambda o: schedulers.LambdaLR(o, lambda t: 64**-0.5 * min((t + 1) ** -0.5, (t + 1) * 12**-1.5)))
case("sequence", lambda o: schedulers.SequentialLR(
    o, [schedulers.LinearLR(o, 0.1, 1.0, 10), schedulers.ExponentialLR(o, 0.9), schedulers.StepLR(o, 3, 0.5)], [10, 25]))
falling = 1 / (1 + torch.arange(50.0, dtype=torch.float64)).sqrt() + 0.01 * torch.arange(50.0).sin().double()
falling[3] = float("nan")
case("plateau", lambda o: schedulers.ReduceLROnPlateau(o, factor=0.5, patience=2), falling)
case("plateau, options", lambda o: schedulers.ReduceLROnPlateau(
    o, mode="max", factor=0.3, patience=1, threshold=0.01, threshold_mode="abs", cooldown=3, min_lr=0.02), -falling)
case("plateau, relative", lambda o: schedulers.ReduceLROnPlateau(
    o, mode="max", factor=0.5, patience=3, threshold=0.1), 2 - falling)
r.write()
