"""Recurrent layers and cells of PyTorch, over whole sequences and over packed ones."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recorder import Recorder, normal

STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 4, 3
recorder = Recorder(__file__)


def module(case, kind, *arguments, **options):
    made = kind(*arguments, **options)
    for name, parameter in made.named_parameters():
        parameter.data = normal(f"{case} {name}", *parameter.shape, scale=0.5)
    return made


def layers(case, kind, lengths=None, is_initial=False, **options):
    """One module over `x`, and `hidden`, `cell` and `lengths` where the case has them."""
    layer = module(case, kind, INPUTS, HIDDEN, **options)
    is_batch_first = options.get("batch_first", False)
    is_lstm = kind is nn.LSTM
    inputs = {"x": normal(f"{case} x", *((BATCH, STEPS) if is_batch_first else (STEPS, BATCH)), INPUTS)}
    if is_initial:
        states = layer.num_layers * (2 if layer.bidirectional else 1)
        for name in ["hidden", "cell"] if is_lstm else ["hidden"]:
            inputs[name] = normal(f"{case} {name}", states, BATCH, HIDDEN)
    if lengths is not None:
        inputs["lengths"] = torch.tensor(lengths, dtype=torch.int32)

    def run(x, hidden=None, cell=None, lengths=None):
        initial = (hidden, cell) if is_lstm and is_initial else hidden
        if lengths is None:
            y, last = layer(x, initial)
        else:
            packed = pack_padded_sequence(x, lengths.long(), batch_first=is_batch_first, enforce_sorted=False)
            y, last = layer(packed, initial)
            y, _ = pad_packed_sequence(y, batch_first=is_batch_first, total_length=STEPS)
        last = dict(zip(["hidden", "cell"], last)) if is_lstm else {"hidden": last}
        return {"y": y, **last}

    recorder.case(case, inputs, run, dict(layer.named_parameters()))


def cell(case, kind, **options):
    made = module(case, kind, INPUTS, HIDDEN, **options)
    is_lstm = kind is nn.LSTMCell
    inputs = {"x": normal(f"{case} x", BATCH, INPUTS)}
    for name in ["hidden", "cell"] if is_lstm else ["hidden"]:
        inputs[name] = normal(f"{case} {name}", BATCH, HIDDEN)

    def run(x, hidden, cell=None):
        after = made(x, (hidden, cell) if is_lstm else hidden)
        return dict(zip(["hidden", "cell"], after)) if is_lstm else {"hidden": after}

    recorder.case(case, inputs, run, dict(made.named_parameters()))


kinds = {"rnn": (nn.RNN, {}), "rnn relu": (nn.RNN, {"nonlinearity": "relu"}), "lstm": (nn.LSTM, {}), "gru": (nn.GRU, {})}
for name, (kind, options) in kinds.items():
    layers(f"{name} plain", kind, **options)
    layers(f"{name} without bias", kind, bias=False, is_initial=True, **options)
    layers(f"{name} batch first", kind, batch_first=True, num_layers=2, **options)
    layers(f"{name} both directions", kind, bidirectional=True, is_initial=True, **options)
    layers(
        f"{name} packed", kind, lengths=[3, 5, 1], num_layers=2, bidirectional=True, is_initial=True, **options)
cells = {
    "rnn cell": (nn.RNNCell, {}), "rnn relu cell": (nn.RNNCell, {"nonlinearity": "relu"}),
    "lstm cell": (nn.LSTMCell, {}), "gru cell": (nn.GRUCell, {}),
}
for name, (kind, options) in cells.items():
    cell(name, kind, **options)
    cell(f"{name} without bias", kind, bias=False, **options)
recorder.write()
