"""Steps of torch.optim's optimizers, and by their formulas of those that it lacks: what a matrix and a vector become."""

import torch
import torch.optim._muon

from recorder import Recorder, normal

r = Recorder(__file__)


class Lion(torch.optim.Optimizer):
    """Chen et al., 2023, algorithm 2."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = (beta1 * m + (1 - beta1) * p.grad).sign()
                p.sub_(lr * (update + group["weight_decay"] * p))
                m.mul_(beta2).add_((1 - beta2) * p.grad)


class LAMB(torch.optim.Optimizer):
    """You et al., 2020, algorithm 2, with φ(z) = z."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                state = self.state[p]
                state["t"] = t = state.get("t", 0) + 1
                m = state.setdefault("m", torch.zeros_like(p)).mul_(beta1).add_((1 - beta1) * p.grad)
                v = state.setdefault("v", torch.zeros_like(p)).mul_(beta2).add_((1 - beta2) * p.grad**2)
                move = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                ratio = p.norm() / move.norm() if p.norm() > 0 and move.norm() > 0 else 1
                p.sub_(lr * ratio * move)


def orthogonal(matrix, coefficients, steps, eps):
    """torch.optim.Muon's, but for its bfloat16."""
    a, b, c = coefficients
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


torch.optim._muon._zeropower_via_newtonschulz = orthogonal


def case(name, make, steps=3, shapes=((5, 3), (4,)), zeros=False, **options):
    """Each step's gradients, and what the parameters are after it, in float64."""
    parameters = [
        torch.nn.Parameter((normal(f"p{i}", *shape) * (0 if zeros else 1)).double()) for i, shape in enumerate(shapes)
    ]
    optimizer = make(parameters, **options)
    for i, parameter in enumerate(parameters):
        r.keep(name, "parameter", f"{i}", parameter.float())
    for step in range(steps):
        for i, parameter in enumerate(parameters):
            gradient = normal(f"g{i} {step}", *parameter.shape)
            r.keep(name, "input", f"{step}.{i}", gradient)
            parameter.grad = gradient.double()
        optimizer.step()
        for i, parameter in enumerate(parameters):
            r.keep(name, "output", f"{step}.{i}", parameter.float())


optim = torch.optim
betas = (0.8, 0.95)
case("sgd", optim.SGD, lr=0.1)
case("sgd, decay", optim.SGD, lr=0.1, weight_decay=0.1)
case("sgd, momentum", optim.SGD, lr=0.1, momentum=0.9)
case("sgd, dampening", optim.SGD, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)
case("sgd, nesterov", optim.SGD, lr=0.1, momentum=0.8, nesterov=True)
case("adam", optim.Adam, lr=0.01)
case("adam, options", optim.Adam, lr=0.01, betas=betas, eps=1e-2, weight_decay=0.1)
case("adam, amsgrad", optim.Adam, lr=0.01, betas=(0.5, 0.3), amsgrad=True)
case("adamw", optim.AdamW, lr=0.01, betas=betas, weight_decay=0.1)
case("nadam", optim.NAdam)
case("nadam, options", optim.NAdam, lr=0.01, betas=betas, eps=1e-2, weight_decay=0.1, momentum_decay=0.1)
case("nadam, decoupled", optim.NAdam, weight_decay=0.1, decoupled_weight_decay=True)
case("radam", optim.RAdam, steps=8)
case("radam, options", optim.RAdam, steps=8, lr=0.01, betas=betas, eps=1e-2, weight_decay=0.1)
case("radam, decoupled", optim.RAdam, steps=8, betas=(0.9, 0.6), weight_decay=0.1, decoupled_weight_decay=True)
case("adagrad", optim.Adagrad)
case("adagrad, options", optim.Adagrad, lr=0.1, lr_decay=0.5, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-2)
case("adadelta", optim.Adadelta)
case("adadelta, options", optim.Adadelta, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.1)
case("rmsprop", optim.RMSprop)
case("rmsprop, options", optim.RMSprop, lr=0.1, alpha=0.9, eps=1e-2, weight_decay=0.1, momentum=0.7)
case("rmsprop, centered", optim.RMSprop, alpha=0.8, centered=True, eps=1e-3)
case("lion", Lion)
case("lion, options", Lion, lr=0.01, betas=betas, weight_decay=0.1)
case("lamb", LAMB)
case("lamb, options", LAMB, lr=0.01, betas=betas, eps=1e-2, weight_decay=0.1)
case("lamb, of zeros", LAMB, zeros=True)
matrices = ((5, 3), (3, 6))
case("muon", optim.Muon, shapes=matrices)
case("muon, options", optim.Muon, shapes=matrices, lr=0.1, weight_decay=0.2, momentum=0.8, nesterov=False,
     adjust_lr_fn="match_rms_adamw")
r.write()
