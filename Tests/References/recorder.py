"""Keeps what PyTorch computes, for the tests to hold Tessera to.

    python3 -m venv torch && torch/bin/pip install torch numpy safetensors
    torch/bin/python Tests/References/losses.py        # writes Tests/References/losses.safetensors

Each script of this folder makes the file of its name. A case has tensors `CASE/input/NAME`, `CASE/parameter/NAME`,
`CASE/output/NAME`, `CASE/cotangent/NAME` (what an output's gradient is begun with) and `CASE/gradient/NAME`, of inputs and
parameters by their names.
"""

import os
import zlib

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)


def normal(name, *shape, scale=1.0):
    """Numbers that depend on the name alone, so that a new case changes no other."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    return torch.randn(*shape, generator=generator) * scale


class Recorder:
    def __init__(self, script):
        self.path = os.path.splitext(os.path.abspath(script))[0] + ".safetensors"
        self.tensors = {}

    def keep(self, case, kind, name, tensor):
        key = f"{case}/{kind}/{name}"
        assert key not in self.tensors, f"{key} twice"
        self.tensors[key] = tensor.detach().clone().contiguous()

    def case(self, case, inputs, function, parameters=None):
        """Runs `function(**inputs)`, which gives a tensor or a dictionary of them, and keeps it with the gradients of all
        floating-point inputs and of `parameters`, a dictionary too: a module's `dict(m.named_parameters())`."""
        parameters = parameters or {}
        for name, tensor in inputs.items():
            self.keep(case, "input", name, tensor)
        for name, tensor in parameters.items():
            self.keep(case, "parameter", name, tensor)
        inputs = {
            name: tensor.detach().clone().requires_grad_(tensor.is_floating_point())
            for name, tensor in inputs.items()
        }
        outputs = function(**inputs)
        if isinstance(outputs, torch.Tensor):
            outputs = {"y": outputs}
        total = 0.0
        for name, output in outputs.items():
            self.keep(case, "output", name, output)
            if output.requires_grad:
                cotangent = torch.ones(()) if output.dim() == 0 else normal(f"{case} {name}", *output.shape)
                self.keep(case, "cotangent", name, cotangent)
                total = total + (output * cotangent).sum()
        leaves = {**inputs, **parameters}
        leaves = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
        if leaves and isinstance(total, torch.Tensor):
            gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
            for (name, leaf), gradient in zip(leaves.items(), gradients):
                self.keep(case, "gradient", name, torch.zeros_like(leaf) if gradient is None else gradient)

    def write(self):
        save_file(self.tensors, self.path)
        print(f"{self.path}: {len(self.tensors)} tensors, {os.path.getsize(self.path) >> 10} KiB")
