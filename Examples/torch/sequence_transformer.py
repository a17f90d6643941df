"""What the models from one sequence to another have in common in PyTorch: `SequenceTransformer` of Examples/Networks."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

import common

PADDING, BEGIN, END = 0, 1, 2


def encoder(width, heads, inner, layers, dropout):
    layer = nn.TransformerEncoderLayer(
        width, heads, inner, dropout, activation="gelu", batch_first=True, norm_first=True)
    layer.self_attn.dropout = 0
    return nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)


def decoder(width, heads, inner, layers, dropout):
    layer = nn.TransformerDecoderLayer(
        width, heads, inner, dropout, activation="gelu", batch_first=True, norm_first=True)
    layer.self_attn.dropout = layer.multihead_attn.dropout = 0
    return nn.TransformerDecoder(layer, layers, norm=nn.LayerNorm(width))


class SequenceTransformer(nn.Module):
    """`source` `[b, s]` with its lengths `[b]` and `input` `[b, t]` → logits `[b, t, vocabulary]`."""

    def __init__(self, vocabulary, width, heads, layers, inner, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.encoder = encoder(width, heads, inner, layers, dropout)
        self.decoder = decoder(width, heads, inner, layers, dropout)
        self.output = nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(dropout)
        # Each layer of a stack is a copy of the first, numbers and all.
        for module in self.modules():
            if module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
            elif isinstance(module, nn.MultiheadAttention):
                module._reset_parameters()

    def embedded(self, tokens):
        time, width = tokens.shape[1], self.embedding.weight.shape[1]
        angle = torch.arange(time)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)[None]
        return self.dropout(self.embedding(tokens) + torch.stack([angle.sin(), angle.cos()], -1).flatten(-2))

    def encode(self, source, hidden):
        return self.encoder(self.embedded(source), src_key_padding_mask=hidden)

    def decode(self, tokens, memory, hidden):
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
        return self.output(self.decoder(
            self.embedded(tokens), memory, mask, tgt_is_causal=True, memory_key_padding_mask=hidden))

    def forward(self, source, lengths, tokens):
        hidden = torch.zeros(source.shape).masked_fill(torch.arange(source.shape[1])[None] >= lengths[:, None], -math.inf)
        return self.decode(tokens, self.encode(source, hidden), hidden)


def exchange(network, vocabulary):
    def inputs():
        return {
            "source": torch.randint(3, vocabulary, (3, 7), dtype=torch.int32),
            "source.lengths": torch.tensor([7, 4, 1], dtype=torch.int32),
            "input": torch.randint(3, vocabulary, (3, 5), dtype=torch.int32),
        }

    return common.Exchange(
        network, inputs, lambda network, x: {"logits": network(x["source"], x["source.lengths"], x["input"])})


def padded(rows):
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDING)


def batch(pairs):
    """`source` with an end and its lengths, `input` and `target`."""
    source = padded([source + [END] for source, _ in pairs])
    lengths = torch.tensor([len(source) + 1 for source, _ in pairs])
    return source, lengths, padded([[BEGIN] + target for _, target in pairs]), padded([t + [END] for _, t in pairs])


def batches(pairs, size, seed):
    """Endlessly batches of pairs of similar length, in another order each epoch."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(pairs), generator=generator).tolist()
        order.sort(key=lambda index: max(map(len, pairs[index])))
        groups = [order[first:first + size] for first in range(0, len(order), size)]
        for group in torch.randperm(len(groups), generator=generator).tolist():
            yield batch([pairs[index] for index in groups[group]])


def train(network, pairs, held, arguments, results, steps, size, rate):
    optimizer = torch.optim.Adam(network.parameters(), rate)
    schedule = common.cosine(optimizer, steps, steps // 10)

    def loss(source, lengths, tokens, target, reduction="mean"):
        logits = network(source, lengths, tokens)
        return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PADDING, reduction=reduction)

    for step, some in zip(range(1, steps + 1), batches(pairs, size, arguments.seed)):
        value = loss(*some)
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimizer.step()
        schedule.step()
        results.point("training loss", step, value)
    network.eval()
    with torch.no_grad():
        parts = [batch(held[first:first + 128]) for first in range(0, len(held), 128)]
        sums = sum(loss(*part, reduction="sum").item() for part in parts)
    return sums / sum((part[3] != PADDING).sum().item() for part in parts)


@torch.no_grad()
def decoded(network, sources, most, beam, size=64):
    """The best sequence for each source by a beam, which compares by the mean logarithm of a token's probability."""
    found = []
    for first in range(0, len(sources), size):
        found += _decoded(network, sources[first:first + size], most, beam)
    return found


def _decoded(network, sources, most, beam):
    source, lengths, _, _ = batch([(source, []) for source in sources])
    count = len(sources)
    hidden = torch.zeros(source.shape).masked_fill(torch.arange(source.shape[1])[None] >= lengths[:, None], -math.inf)
    memory = network.encode(source, hidden).repeat_interleave(beam, 0)
    hidden = hidden.repeat_interleave(beam, 0)
    tokens = torch.full((count * beam, 1), BEGIN)
    # All but one row of a beam begin without a chance.
    scores = torch.tensor([0.0] + [-math.inf] * (beam - 1)).repeat(count, 1)
    ended = [[] for _ in range(count)]
    for length in range(1, most + 1):
        logs = network.decode(tokens, memory, hidden)[:, -1].log_softmax(-1)
        vocabulary = logs.shape[-1]
        best, places = (scores[:, :, None] + logs.view(count, beam, -1)).flatten(1).topk(2 * beam)
        rows, following = [], []
        for index in range(count):
            kept = []
            for rank, (score, place) in enumerate(zip(best[index].tolist(), places[index].tolist())):
                row, token = index * beam + place // vocabulary, place % vocabulary
                if token != END:
                    kept.append((score, row, token))
                elif rank < beam and score > -math.inf:
                    ended[index].append((score / length, tokens[row, 1:].tolist()))
                if len(kept) == beam:
                    break
            for place, (score, row, token) in enumerate(kept):
                scores[index, place] = score
                rows.append(row)
                following.append(token)
        tokens = torch.cat([tokens[rows], torch.tensor(following)[:, None]], 1)
        if all(len(one) >= beam for one in ended):
            break
    for index in range(count):
        if not ended[index]:
            ended[index].append((0, tokens[index * beam, 1:].tolist()))
    return [max(one)[1] for one in ended]
