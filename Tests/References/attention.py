"""Attention, positions and the layers of transformers of PyTorch."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from recorder import Recorder, normal

BATCH, STEPS, KEYS, WIDTH, HEADS, INNER = 2, 5, 4, 8, 2, 12
recorder = Recorder(__file__)


def module(case, made):
    for name, parameter in made.named_parameters():
        parameter.data = normal(f"{case} {name}", *parameter.shape, scale=0.5)
    return made.eval()


def padding(lengths, count):
    return torch.arange(count)[None] >= lengths[:, None]


def causal(count):
    return nn.Transformer.generate_square_subsequent_mask(count)


def attention(case, is_causal=False, keys=None, values=None, lengths=None, **options):
    layer = module(case, nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, **options))
    inputs = {"x": normal(f"{case} x", BATCH, STEPS, WIDTH)}
    if keys:
        inputs["keys"] = normal(f"{case} keys", BATCH, KEYS, keys)
    if values:
        inputs["values"] = normal(f"{case} values", BATCH, KEYS, values)
    if lengths:
        inputs["lengths"] = torch.tensor(lengths, dtype=torch.int32)

    def run(x, keys=None, values=None, lengths=None):
        keys = x if keys is None else keys
        values = keys if values is None else values
        hidden = None if lengths is None else padding(lengths, keys.shape[1])
        mask = causal(x.shape[1]) if is_causal else None
        return layer(x, keys, values, key_padding_mask=hidden, attn_mask=mask, need_weights=False)[0]

    recorder.case(case, inputs, run, dict(layer.named_parameters()))


def weights(case, is_causal=False, keys=None, lengths=None):
    layer = module(case, nn.MultiheadAttention(WIDTH, HEADS, batch_first=True))
    inputs = {"x": normal(f"{case} x", BATCH, STEPS, WIDTH)}
    if keys:
        inputs["keys"] = normal(f"{case} keys", BATCH, KEYS, keys)
    if lengths:
        inputs["lengths"] = torch.tensor(lengths, dtype=torch.int32)

    def run(x, keys=None, lengths=None):
        keys = x if keys is None else keys
        hidden = None if lengths is None else padding(lengths, keys.shape[1])
        mask = causal(STEPS) if is_causal else None
        return layer(x, keys, keys, key_padding_mask=hidden, attn_mask=mask, average_attn_weights=False)[1]

    taking_part = {name: value for name, value in layer.named_parameters() if name.startswith("in_proj")}
    recorder.case(case, inputs, run, taking_part)


def encoder(case, layers=1, is_causal=False, lengths=None, **options):
    def layer():
        return nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, dropout=0, batch_first=True, **options)

    stack = layer() if layers == 1 else nn.TransformerEncoder(
        layer(), layers, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
    module(case, stack)
    inputs = {"x": normal(f"{case} x", BATCH, STEPS, WIDTH)}
    if lengths:
        inputs["lengths"] = torch.tensor(lengths, dtype=torch.int32)

    def run(x, lengths=None):
        hidden = None if lengths is None else padding(lengths, STEPS)
        mask = causal(STEPS) if is_causal else None
        return stack(x, mask, src_key_padding_mask=hidden)

    recorder.case(case, inputs, run, dict(stack.named_parameters()))


def decoder(case, layers=1, lengths=None, **options):
    def layer():
        return nn.TransformerDecoderLayer(WIDTH, HEADS, INNER, dropout=0, batch_first=True, **options)

    stack = layer() if layers == 1 else nn.TransformerDecoder(layer(), layers, norm=nn.LayerNorm(WIDTH))
    module(case, stack)
    inputs = {"x": normal(f"{case} x", BATCH, STEPS, WIDTH), "memory": normal(f"{case} memory", BATCH, KEYS, WIDTH)}
    if lengths:
        inputs["lengths"] = torch.tensor(lengths, dtype=torch.int32)

    def run(x, memory, lengths=None):
        hidden = None if lengths is None else padding(lengths, KEYS)
        return stack(x, memory, tgt_mask=causal(STEPS), memory_key_padding_mask=hidden)

    recorder.case(case, inputs, run, dict(stack.named_parameters()))


attention("attention")
attention("attention causal", is_causal=True)
attention("attention without bias", bias=False)
attention("attention with lengths", lengths=[3, 5])
attention("attention to others", keys=WIDTH, lengths=[4, 1])
attention("attention to others with values", keys=WIDTH, values=WIDTH)
attention("attention of other widths", keys=3, values=6, kdim=3, vdim=6)
attention("attention of other widths without bias", keys=3, values=6, kdim=3, vdim=6, bias=False)
weights("weights causal", is_causal=True)
weights("weights of others with lengths", keys=WIDTH, lengths=[4, 1])
encoder("encoder after", activation="relu")
encoder("encoder before", norm_first=True, activation="gelu", lengths=[2, 5])
encoder("encoder stack", layers=2, norm_first=True, activation="gelu", is_causal=True)
decoder("decoder after", activation="relu", lengths=[4, 2])
decoder("decoder before", norm_first=True, activation="gelu")
decoder("decoder stack", layers=2, norm_first=True, activation="gelu")


def rotated(x, pairing, base=10000.0):
    half = x.shape[-1] // 2
    angle = torch.arange(x.shape[-2])[:, None] / base ** (torch.arange(half) / half)[None]
    turn = torch.polar(torch.ones_like(angle), angle)
    if pairing == "neighbours":
        pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], half, 2))
        return torch.view_as_real(pairs * turn).flatten(-2)
    pairs = torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous()) * turn
    return torch.cat([pairs.real, pairs.imag], -1)


for pairing in ["halves", "neighbours"]:
    case = f"rotary {pairing}"
    recorder.case(case, {"x": normal(case, 2, 3, 7, 6)}, lambda x, pairing=pairing: rotated(x, pairing))


def sinusoidal(x):
    steps, width = x.shape[1:]
    angle = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)[None]
    return x + torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


recorder.case("sinusoidal", {"x": normal("sinusoidal", 2, 7, 6)}, sinusoidal)


def linear_biases(x, weight, bias, heads, slopes):
    q, k, v = (F.linear(x, weight, bias).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4))
    steps = x.shape[1]
    places = torch.arange(steps)
    distance = (places[:, None] - places[None]).abs().float()
    y = F.scaled_dot_product_attention(
        q, k, v, attn_mask=causal(steps) - torch.tensor(slopes)[:, None, None] * distance)
    return y.transpose(1, 2).flatten(-2)


for heads, slopes in [(4, [1 / 4, 1 / 16, 1 / 64, 1 / 256]), (3, [1 / 16, 1 / 256, 1 / 4])]:
    case = f"linear biases of {heads} heads"
    width = 2 * heads
    layer = module(case, nn.MultiheadAttention(width, heads, batch_first=True))
    recorder.case(
        case, {"x": normal(f"{case} x", 2, 6, width)},
        lambda x, heads=heads, slopes=slopes, layer=layer: layer.out_proj(
            linear_biases(x, layer.in_proj_weight, layer.in_proj_bias, heads, slopes)),
        dict(layer.named_parameters()))
recorder.write()
