"""Cross networks, embeddings of columns and bags, and factorisation machines: the papers' formulas, where PyTorch has none."""

import torch
import torch.nn as nn
from recorder import Recorder, normal

recorder = Recorder(__file__)


def check(name, inputs, parameters, function):
    parameters = {key: normal(f"{name} {key}", *shape).requires_grad_() for key, shape in parameters.items()}
    recorder.case(name, inputs, lambda **inputs: function(parameters, **inputs), parameters)


def cross(p, x):
    first = x
    for layer in range(3):
        x = first * (x @ p[f"weights.{layer}"])[:, None] + p[f"biases.{layer}"] + x
    return x


check("cross", {"x": normal("cross", 5, 4, scale=0.5)}, {f"{k}.{i}": (4,) for k in ["weights", "biases"] for i in range(3)}, cross)


def cross_v2(p, x, prefix="", depth=2):
    first = x
    for layer in range(depth):
        x = first * (x @ p[f"{prefix}layers.{layer}.weight"].T + p[f"{prefix}layers.{layer}.bias"]) + x
    return x


v2 = {f"layers.{i}.{k}": shape for i in range(2) for k, shape in [("weight", (4, 4)), ("bias", (4,))]}
check("cross v2", {"x": normal("cross v2", 5, 4, scale=0.5)}, v2, cross_v2)


def mixture(activation):
    def of(p, x):
        first = x
        for layer in range(2):
            part = f"layers.{layer}."
            gates = torch.softmax(x @ p[part + "gate.weight"].T, 1)
            total = 0
            for expert in range(3):
                narrow = activation(x @ p[part + "inward"][expert])
                wide = activation(narrow @ p[part + "inner"][expert]) @ p[part + "outward"][expert]
                total = total + gates[:, expert, None] * (first * (wide + p[part + "bias"]))
            x = total + x
        return x

    return of


shapes = {"inward": (3, 4, 2), "inner": (3, 2, 2), "outward": (3, 2, 4), "bias": (4,), "gate.weight": (3, 4)}
shapes = {f"layers.{i}.{k}": shape for i in range(2) for k, shape in shapes.items()}
check("mixture", {"x": normal("mixture", 5, 4, scale=0.5)}, shapes, mixture(torch.tanh))
check("mixture relu", {"x": normal("mixture relu", 1, 4, scale=0.5)}, shapes, mixture(torch.relu))


def dense(p, x, prefix):
    for layer in [0, 2]:
        x = torch.relu(x @ p[f"{prefix}{layer}.weight"].T + p[f"{prefix}{layer}.bias"])
    return x


def output(p, x):
    return x @ p["output.weight"].T + p["output.bias"]


deep = {"deep.0.weight": (6, 4), "deep.0.bias": (6,), "deep.2.weight": (3, 6), "deep.2.bias": (3,), "output.bias": (2,)}
deep |= {f"cross.{key}": shape for key, shape in v2.items()}
check(
    "stacked",
    {"x": normal("stacked", 5, 4, scale=0.3)},
    deep | {"output.weight": (2, 3)},
    lambda p, x: output(p, dense(p, cross_v2(p, x, "cross."), "deep.")),
)
check(
    "parallel",
    {"x": normal("parallel", 5, 4, scale=0.3)},
    deep | {"output.weight": (2, 7)},
    lambda p, x: output(p, torch.cat([cross_v2(p, x, "cross."), dense(p, x, "deep.")], 1)),
)

columns = torch.tensor([[0, 4, 1], [2, 0, 0], [1, 3, 1], [2, 4, 0]], dtype=torch.int32)
offsets = torch.tensor([0, 3, 8])
check("categories", {"x": columns}, {"weight": (10, 2)}, lambda p, x: p["weight"][x + offsets])
check(
    "columns",
    {"x": columns},
    {"tables.0.weight": (3, 2), "tables.1.weight": (5, 1), "tables.2.weight": (2, 3)},
    lambda p, x: torch.cat([p[f"tables.{i}.weight"][x[:, i]] for i in range(3)], 1),
)


def pairs(v):
    fields = v.shape[1]
    return sum((v[:, i] * v[:, j]).sum(1) for i in range(fields) for j in range(i + 1, fields))[:, None]


def machine(p, x, prefix=""):
    places = x + offsets
    vectors = p[prefix + "embedding.weight"][places]
    return p[prefix + "bias"] + p[prefix + "linear.weight"][places].sum(1) + pairs(vectors), vectors


fm = {"bias": (1,), "linear.weight": (10, 1), "embedding.weight": (10, 2)}
check("machine", {"x": columns}, fm, lambda p, x: machine(p, x)[0])


def deep_fm(p, x):
    shallow, vectors = machine(p, x, "machine.")
    return shallow + output(p, dense(p, vectors.flatten(1), "deep."))


check(
    "deep fm",
    {"x": columns},
    {f"machine.{key}": shape for key, shape in fm.items()}
    | {"deep.0.weight": (5, 6), "deep.0.bias": (5,), "deep.2.weight": (3, 5), "deep.2.bias": (3,)}
    | {"output.weight": (1, 3), "output.bias": (1,)},
    deep_fm,
)

bags = torch.tensor([[1, 2, 0], [3, 0, 0], [0, 0, 0], [4, 1, 4]], dtype=torch.int32)
for mode, ours in [("sum", "sum"), ("mean", "mean"), ("max", "maximum")]:
    for padding in [None, 0]:
        # Rows that a bag has twice would tie, where PyTorch gives the gradient to the first alone.
        x = bags if mode != "max" else torch.tensor([[1, 2, 0], [3, 4, 0], [0, 2, 1]], dtype=torch.int32)
        name = f"bag {ours}" + ("" if padding is None else " padded")
        check(
            name,
            {"x": x},
            {"weight": (5, 3)},
            lambda p, x: nn.functional.embedding_bag(x, p["weight"], mode=mode, padding_idx=padding),
        )
check("bag empty", {"x": torch.zeros(2, 2, dtype=torch.int32)}, {"weight": (5, 3)},
      lambda p, x: nn.functional.embedding_bag(x, p["weight"], mode="max", padding_idx=0))
check(
    "bag weighted",
    {"x": bags, "w": normal("bag weights", 4, 3)},
    {"weight": (5, 3)},
    lambda p, x, w: nn.functional.embedding_bag(x, p["weight"], mode="sum", per_sample_weights=w),
)


def murmur(number):
    number ^= number >> 16
    number = number * 0x85EBCA6B & 0xFFFFFFFF
    number ^= number >> 13
    number = number * 0xC2B2AE35 & 0xFFFFFFFF
    return number ^ number >> 16


def hashed(number, known, buckets, is_wide):
    if 0 <= number < known:
        return number
    folded = number ^ number >> 32 if is_wide else number
    return known + murmur(folded & 0xFFFFFFFF) % buckets


numbers = [0, 1, 2, 9, 10, 11, -1, -2, 2**31 - 1, -(2**31), 123456789]
wide = numbers + [2**40, -(2**40), 2**63 - 1, -(2**63), 2**32 + 5]
for name, values, dtype in [("hash", numbers, torch.int32), ("hash wide", wide, torch.int64)]:
    outputs = {
        "plain": torch.tensor([hashed(n, 0, 7, dtype == torch.int64) for n in values], dtype=torch.int32),
        "rare": torch.tensor([hashed(n, 10, 1000, dtype == torch.int64) for n in values], dtype=torch.int32),
    }
    recorder.case(name, {"x": torch.tensor(values, dtype=dtype)}, lambda x: outputs)

recorder.write()
