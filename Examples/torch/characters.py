"""What the character models have in common in PyTorch: `TextOptions.train` of Examples/ExampleSupport."""
import math

import torch
import torch.nn.functional as F

import common

VOCABULARY = 96


def train(name, title, task, network, context, batch, epochs, rate, time_first):
    parser = common.options(f"Examples/{name} in PyTorch")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--data", default="/usr/share/common-licenses")
    arguments = common.begin(parser)
    results = common.Results(name, title, task, "the licences that come with Debian, the last tenth held out", arguments)
    text, held_out = (examples(part, context) for part in common.text_split(arguments.data))
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
                for x, y in zip(held_out[0].split(500), held_out[1].split(500))]
        network.train()
        return sum(losses).item() / held_out[1].numel()

    optimizer = torch.optim.Adam(network.parameters(), rate)
    step = last = 0
    for epoch, indices in common.batches(
        len(text[0]), arguments.batch, arguments.epochs, arguments.steps, arguments.seed
    ):
        if epoch != last:
            last = epoch
            results.point("test loss", step, evaluate())
        loss = F.cross_entropy(logits(text[0][indices]).flatten(0, 1), text[1][indices].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimizer.step()
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
