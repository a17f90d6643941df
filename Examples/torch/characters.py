"""What the character models have in common in PyTorch: `TextOptions.train` of Examples/ExampleSupport."""
import math
import subprocess

import numpy as np
import torch
import torch.nn.functional as F

import common

VOCABULARY = 96


def bible():
    """The verses of the King James Bible, each on a line, without their numbers."""
    text = subprocess.run(["bible", "-f", "ge1:1-re22:21"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    verses = b"".join(line.partition(b" ")[2] + b"\n" for line in text.stdout.splitlines())
    return common.characters(np.frombuffer(verses, np.uint8))


def train(name, title, task, network, context, batch, steps, rate, time_first):
    parser = common.options(f"Examples/{name} in PyTorch")
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--data", help="a text file, or a folder of some, instead of the King James Bible")
    arguments = common.begin(parser)
    steps = steps if arguments.steps is None else arguments.steps
    parts = common.text_split(arguments.data) if arguments.data else common.last_tenth(bible())
    source = arguments.data or "the King James Bible of Debian's bible-kjv"
    results = common.Results(
        name, title, task, f"{source}: {len(parts[0])} characters, and {len(parts[1])} to test on", arguments)
    text, held_out = (examples(part, context) for part in parts)
    if arguments.quick:
        held_out = tuple(part[:256] for part in held_out)

    def logits(inputs):
        """`[n, context, vocabulary]`, whichever axis the network has for time."""
        return network(inputs.T).transpose(0, 1) if time_first else network(inputs)

    def evaluate():
        network.eval()
        with torch.no_grad():
            losses = [
                F.cross_entropy(logits(x).flatten(0, 1), y.flatten(), reduction="sum")
                for x, y in zip(held_out[0].split(64), held_out[1].split(64))]
        network.train()
        return sum(losses).item() / held_out[1].numel()

    optimizer = torch.optim.Adam(network.parameters(), rate)
    schedule = common.cosine(optimizer, steps, steps // 20)
    step = last = 0
    for epoch, indices in common.batches(len(text[0]), arguments.batch, steps, steps, arguments.seed):
        if epoch != last:
            last = epoch
            results.point("test loss", step, evaluate())
        loss = F.cross_entropy(logits(text[0][indices]).flatten(0, 1), text[1][indices].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimizer.step()
        schedule.step()
        step += 1
        results.point("training loss", step, loss)
    loss = evaluate()
    results.point("test loss", step, loss)
    results.add("held-out text", loss / math.log(2), "bits per character", "lower")
    results.finish(network, step)


def examples(tokens, context):
    """Stretches of text, one after the other, and the same moved on by one."""
    count = (len(tokens) - 1) // context
    return (
        tokens[:count * context].view(count, context), tokens[1:count * context + 1].view(count, context))
