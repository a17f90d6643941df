"""Holds an example's weights to PyTorch's: what `Examples/exchange.sh` calls, once for each network and each way.

    exchange.py NAME --count                        prints how many networks the example has
    exchange.py NAME --number I --arguments         prints the further options of the program for one
    exchange.py NAME --number I --write FOLDER [--weights FILE]
        opens the program's weights, or makes some and writes them to FOLDER/torch.safetensors; writes inputs.safetensors
        and expected.safetensors, what PyTorch makes of those
    exchange.py NAME --compare FOLDER               compares outputs.safetensors, the program's, with the expected
"""
import argparse
import importlib
import os
import sys

import torch
from safetensors.torch import load_file, save_file

import common

# Relative to the greatest output: sums of float32 in two orders, through networks of a few layers.
TOLERANCE = 2e-5


def trained(exchange):
    """A network of random weights whose running statistics, where it has some, are not the first ones."""
    network = exchange.network()
    if any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in network.modules()):
        network.train()
        with torch.no_grad():
            exchange.outputs(network, exchange.inputs())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network


def write(exchange, folder, weights):
    torch.manual_seed(5)
    if weights:
        network = exchange.network()
        common.load_weights(network, weights)
    else:
        network = trained(exchange)
        common.save_weights(network, os.path.join(folder, "torch.safetensors"))
    network.eval()
    inputs = exchange.inputs()
    with torch.no_grad():
        outputs = exchange.outputs(network, inputs)
    save_file({name: value.contiguous() for name, value in inputs.items()}, os.path.join(folder, "inputs.safetensors"))
    save_file({name: value.contiguous() for name, value in outputs.items()}, os.path.join(folder, "expected.safetensors"))


def compare(folder):
    expected = load_file(os.path.join(folder, "expected.safetensors"))
    outputs = load_file(os.path.join(folder, "outputs.safetensors"))
    missing = expected.keys() - outputs.keys()
    if missing:
        sys.exit(f"the program gives no {', '.join(sorted(missing))}")
    for name, value in sorted(expected.items()):
        other = outputs[name]
        if other.shape != value.shape:
            sys.exit(f"“{name}” is {list(other.shape)} in the program and {list(value.shape)} in PyTorch")
        error = ((other.double() - value.double()).abs().max() / value.double().abs().max().clamp_min(1e-12)).item()
        if not error <= TOLERANCE:
            sys.exit(f"“{name}” differs by {error:.2e} of its greatest number, more than {TOLERANCE:g}")
        print(f"  “{name}” {list(value.shape)}: within {error:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--arguments", action="store_true")
    parser.add_argument("--write")
    parser.add_argument("--weights")
    parser.add_argument("--compare")
    arguments = parser.parse_args()
    exchanges = importlib.import_module(arguments.name).EXCHANGES
    if arguments.count:
        print(len(exchanges))
    elif arguments.arguments:
        print(" ".join(exchanges[arguments.number].arguments))
    elif arguments.write:
        write(exchanges[arguments.number], arguments.write, arguments.weights)
    elif arguments.compare:
        compare(arguments.compare)


if __name__ == "__main__":
    main()
