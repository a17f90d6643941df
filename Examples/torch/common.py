"""What the examples in PyTorch have in common: options, data, the result file, the exchange of weights.

    python Examples/torch/NAME.py [--results FOLDER] [--quick] [--seed N] [--steps N] [--threads N] [--save FILE]

Each NAME.py trains the network of Examples/NAME on the same data with the same batches, optimizer and number of steps, and
writes NAME.torch.json with the same keys as the program's NAME.json.

A network here gives its modules the names that they have in the program: then `state_dict` has the names of the program's
safetensors files, and shapes and layouts are PyTorch's there. What a training keeps beside the parameters has names that
begin with `tessera.`, which `load_weights` leaves out. That is the whole rule; `Examples/exchange.sh` holds each network to it.
"""
import argparse
import gzip
import json
import os
import resource
import subprocess
import tempfile
import time

import numpy as np
import torch

FASHION = "/usr/share/datasets/fashion-mnist"


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--results", help="folder to write NAME.torch.json into")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it works")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="the most steps to do")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--save", help="write the network's weights here as safetensors")
    return parser


def begin(parser):
    """Parses the command line and sets what it says."""
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    if arguments.quick and arguments.steps is None:
        arguments.steps = 4
    return arguments


class Results:
    """Collects what comes out and writes it, as `ExampleResults` does in Swift. Make it when the program begins."""

    def __init__(self, example, title, task, data, arguments):
        self.began = time.perf_counter()
        self.arguments = arguments
        self.result = {
            "example": example, "title": title, "task": task, "data": data, "source": "torch",
            "device": f"PyTorch {torch.__version__}, {arguments.threads} threads", "parameters": 0, "steps": 0, "seconds": 0,
            "quick": arguments.quick, "figures": [], "curves": [], "pictures": [], "samples": [], "peakMiB": None,
        }
        self.curves = {}

    def add(self, name, value, unit, better, must_reach=None):
        """A number of the trained network, of the same name as in the program."""
        value = float(value)
        finite = value if np.isfinite(value) else None
        self.result["figures"].append(
            {"name": name, "value": finite, "unit": unit, "better": better, "mustReach": must_reach})
        print(f"{name}: {value:.4g} {unit}", flush=True)

    def point(self, curve, step, value):
        """A point of a curve: “training loss” at each step, “test accuracy” after each epoch."""
        value = value.item() if isinstance(value, torch.Tensor) else float(value)
        if np.isfinite(value):
            self.curves.setdefault(curve, []).append([step, value])

    def sample(self, text):
        self.result["samples"].append(text)

    def finish(self, network, steps):
        """Writes the result, and the weights where the command line says so."""
        if self.arguments.save:
            save_weights(network, self.arguments.save)
        self.result["parameters"] = sum(p.numel() for p in network.parameters() if p.requires_grad)
        self.result["steps"] = steps
        self.result["seconds"] = time.perf_counter() - self.began
        self.result["curves"] = [{"name": n, "points": thinned(p)} for n, p in self.curves.items()]
        self.result["peakMiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if self.arguments.results:
            os.makedirs(self.arguments.results, exist_ok=True)
            path = os.path.join(self.arguments.results, self.result["example"] + ".torch.json")
            with open(path, "w") as file:
                json.dump(self.result, file)
            print(f"wrote {path}")


def thinned(points, limit=600):
    """At most so many points, each the mean of as many values as all others."""
    width = -(-len(points) // limit)
    runs = [points[i:i + width] for i in range(0, len(points) - width + 1, width)] if points else []
    return [[run[-1][0], sum(value for _, value in run) / len(run)] for run in runs]


# Data


def idx(path):
    """The numbers of an IDX file, packed or not."""
    if os.path.exists(path + ".gz"):
        with gzip.open(path + ".gz") as file:
            data = file.read()
    else:
        with open(path, "rb") as file:
            data = file.read()
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape.tolist()).copy())


def fashion(part):
    """Fashion-MNIST's “train” or “t10k”: pictures `[n, 1, 28, 28]` in 0…1 and labels."""
    images = idx(f"{FASHION}/{part}-images-idx3-ubyte").float().div(255).unsqueeze(1)
    return images, idx(f"{FASHION}/{part}-labels-idx1-ubyte").long()


def text_split(path="/usr/share/common-licenses"):
    """The characters of a file, or of a folder's files one after the other, and the last tenth apart, as numbers below 96."""
    files = [path]
    if os.path.isdir(path):
        paths = (os.path.join(path, name) for name in sorted(os.listdir(path), key=lambda name: name.encode()))
        files = [file for file in paths if os.path.isfile(file) and not os.path.islink(file)]
    data = np.concatenate([np.fromfile(file, np.uint8) for file in files]).astype(np.int64)
    tokens = np.full(256, -1)
    tokens[10], tokens[9], tokens[32:127] = 0, 1, np.arange(32, 127) - 31
    data = tokens[data]
    data = torch.from_numpy(data[data >= 0])
    border = len(data) - len(data) // 10
    return data[:border], data[border:]


def generated(example, arguments):
    """What a program draws to learn from and to be tested on: the arrays that it writes, as tensors by name."""
    release = os.environ.get("RELEASE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/release"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "data.npz")
        command = [os.path.join(release, example), "--write-data", path]
        subprocess.run(command + (["--quick"] if arguments.quick else []), check=True)
        with np.load(path) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def batches(count, size, epochs, steps, seed):
    """Numbers of examples in batches, in another order each epoch: pairs of an epoch's number and indices."""
    generator = torch.Generator().manual_seed(seed)
    done = 0
    for epoch in range(epochs):
        for indices in torch.randperm(count, generator=generator).split(size):
            if steps is not None and done >= steps:
                return
            done += 1
            yield epoch, indices


# Weights


def load_weights(network, path):
    """Gives a network what a file of the program holds. All names must be there, and no other but a training's own."""
    from safetensors.torch import load_file

    tensors = {name: value for name, value in load_file(path).items() if not name.startswith("tessera.")}
    # PyTorch counts batches for a use of batch norm that needs no count here.
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensors.setdefault(name, value)
    network.load_state_dict(tensors)


def save_weights(network, path):
    """Writes a network's weights so that the program reads them."""
    from safetensors.torch import save_model

    save_model(network, path)


class Exchange:
    """How a network's weights are held to the program's: made of `network()`, run on `inputs()`, tensors by the names that the
    program's prediction takes; `outputs(network, inputs)` are by the names that it gives. `arguments` are further options of
    the program that make this network.
    """

    def __init__(self, network, inputs, outputs=None, arguments=(), name=""):
        self.network, self.inputs, self.arguments, self.name = network, inputs, list(arguments), name
        self.outputs = outputs or (lambda network, inputs: {"output": network(inputs["input"])})
