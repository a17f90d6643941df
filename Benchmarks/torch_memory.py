"""By how much the resident set grows in a few training steps of PyTorch: the twin of `gpu-bench memory`.

    python3 Benchmarks/torch_memory.py --case train:model=fashion-cnn,b=128
"""

import argparse
import gc
import json

import torch

from torch_bench import parse, training_passes


def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def forget_peak():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


arguments = argparse.ArgumentParser()
arguments.add_argument("--case", required=True)
arguments.add_argument("--steps", type=int, default=5)
arguments.add_argument("--threads", type=int)
arguments = arguments.parse_args()
if arguments.threads:
    torch.set_num_threads(arguments.threads)
device = torch.device("cpu")
# What a first step brings with it, threads and libraries, is nobody's step.
for model in "fashion-cnn", parse(arguments.case)[1]["model"]:
    training_passes({"model": model, "b": 1}, device)[1]()
forget_peak()
before = status("VmRSS")
step = training_passes(parse(arguments.case)[1], device)[1]
for _ in range(arguments.steps):
    step()
print(json.dumps({"peer": f"torch {torch.__version__}", "case": arguments.case, "growth": status("VmHWM") - before}))
