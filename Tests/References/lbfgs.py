"""Steps of torch.optim.LBFGS, in float64: what the parameters, the loss and the counts are after each."""

import torch

from recorder import Recorder, normal

r = Recorder(__file__)


def valley(x):
    """Rosenbrock's function, in 6 dimensions."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def network(data):
    x, y = data["x"].double(), data["y"].double()
    return lambda w, b, v: ((torch.tanh(x @ w + b) @ v - y) ** 2).mean()


def case(name, function, parameters, inputs=None, steps=4, **options):
    for key, tensor in (inputs or {}).items():
        r.keep(name, "input", key, tensor)
    for key, tensor in parameters.items():
        r.keep(name, "parameter", key, tensor)
    values = [torch.nn.Parameter(tensor.double()) for tensor in parameters.values()]
    optimizer = torch.optim.LBFGS(values, **options)

    def closure():
        optimizer.zero_grad()
        loss = function(*values)
        loss.backward()
        return loss

    for step in range(steps):
        r.keep(name, "output", f"{step}.loss", optimizer.step(closure).float())
        for key, value in zip(parameters, values):
            r.keep(name, "output", f"{step}.{key}", value.float())
        state = optimizer.state[values[0]]
        r.keep(name, "output", f"{step}.evaluations", torch.tensor(state["func_evals"]))
        r.keep(name, "output", f"{step}.iterations", torch.tensor(state["n_iter"]))


start = {"x": torch.tensor([-1.2, 1.0, 0.5, -0.5, 0.8, 1.5])}
data = {"x": normal("x", 12, 3), "y": normal("y", 12, 2)}
weights = {"w": normal("w", 3, 5), "b": normal("b", 5), "v": normal("v", 5, 2)}
case("valley", valley, start, steps=3, max_iter=4, lr=1e-3)
case("valley, wolfe", valley, start, max_iter=4, line_search_fn="strong_wolfe")
case("valley, to the end", valley, start, steps=2, max_iter=100, history_size=5, line_search_fn="strong_wolfe")
case("valley, short history", valley, start, steps=3, max_iter=5, history_size=2, line_search_fn="strong_wolfe", lr=0.5)
case("network", network(data), weights, data, max_iter=3, lr=0.2)
case("network, wolfe", network(data), weights, data, max_iter=5, line_search_fn="strong_wolfe")
case("network, few evaluations", network(data), weights, data, max_iter=10, max_eval=3, line_search_fn="strong_wolfe")
case("network, tolerant", network(data), weights, data, max_iter=10, tolerance_grad=0.2, line_search_fn="strong_wolfe")
case("network, small change", network(data), weights, data, max_iter=10, tolerance_change=0.05,
     line_search_fn="strong_wolfe")
r.write()
