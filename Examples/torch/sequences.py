"""What the examples that classify sequences have in common: the network, batches of similar length, the parts of the data.

All of it is as in the program: `RecurrentClassifier`, `SequenceDataset`, `DataPart`, so that both have the same examples on the
same side and the same numbers for tokens.
"""
import collections
import unicodedata

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def stable_hash(text):
    """FNV-1a of the UTF-8, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def part(text):
    return {0: "test", 1: "validation"}.get(stable_hash(text) % 10, "train")


def is_letter(character):
    return unicodedata.category(character)[0] == "L"


def words(text):
    """The words of a text: runs of letters, marks and digits, with apostrophes inside; others but spaces by themselves."""
    text = text.lower()
    inside = [unicodedata.category(c)[0] in "LMN" for c in text]
    found, word = [], ""
    for place, character in enumerate(text):
        if inside[place] or (character == "'" and word and place + 1 < len(text) and inside[place + 1]):
            word += character
            continue
        if word:
            found.append(word)
        word = ""
        if not character.isspace():
            found.append(character)
    return found + [word] if word else found


def vocabulary(tokens, minimum_count=1):
    """Numbers from 2 for what comes often enough, the most frequent first; 0 fills up, 1 is unknown."""
    counts = collections.Counter(tokens)
    known = sorted((w for w, c in counts.items() if c >= minimum_count), key=lambda w: (-counts[w], w.encode()))
    return {word: number + 2 for number, word in enumerate(known)}


class RecurrentClassifier(nn.Module):
    """int64 `[steps, n]` with lengths `[n]` → logits `[n, classes]`."""

    def __init__(self, cell, vocabulary, classes, width, hidden, bidirectional=False, pooling="last", dropout=0.0):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrence = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell](width, hidden, bidirectional=bidirectional)
        self.output = nn.Linear(2 * hidden if bidirectional else hidden, classes)
        self.dropout, self.pooling = nn.Dropout(dropout), pooling

    def forward(self, tokens, lengths):
        rows = self.dropout(self.embedding(tokens))
        packed = nn.utils.rnn.pack_padded_sequence(rows, lengths, enforce_sorted=False)
        outputs, last = self.recurrence(packed)
        if self.pooling == "maximum":
            # Filled up with zeros.
            found = nn.utils.rnn.pad_packed_sequence(outputs)[0].amax(0).relu()
        else:
            found = (last[0] if isinstance(last, tuple) else last).transpose(0, 1).flatten(1)
        return self.output(self.dropout(found))


class Sequences:
    """Sequences with labels, in batches that are filled up to one of a few lengths."""

    def __init__(self, sequences, labels, buckets):
        self.sequences = [torch.tensor(sequence) for sequence in sequences]
        self.labels = torch.tensor(labels)
        longest = [len(sequence) for sequence in sequences]
        count, ordered = len(sequences), sorted(longest)
        buckets = min(buckets, count)
        bounds = sorted({ordered[-(-number * count // buckets) - 1] for number in range(1, buckets + 1)})
        bucket = np.searchsorted(bounds, longest)
        self.buckets = [np.flatnonzero(bucket == number) for number in range(len(bounds))]

    def batches(self, size, generator=None):
        """Those of an epoch, in another order each time where there is a generator."""
        found = []
        for members in self.buckets:
            if generator is not None:
                members = members[torch.randperm(len(members), generator=generator).numpy()]
            found += [members[first:first + size] for first in range(0, len(members), size)]
        order = range(len(found)) if generator is None else torch.randperm(len(found), generator=generator).tolist()
        return [found[number] for number in order]

    def batch(self, indices):
        chosen = [self.sequences[index] for index in indices]
        return (
            nn.utils.rnn.pad_sequence(chosen), torch.tensor([len(sequence) for sequence in chosen]),
            self.labels[torch.from_numpy(indices)])


@torch.no_grad()
def evaluate(model, data, limit=None):
    """The mean loss and the accuracy over all, or the first so many."""
    model.eval()
    loss = hits = count = 0
    for indices in data.batches(500):
        if limit is not None:
            indices = indices[indices < limit]
        if len(indices) == 0:
            continue
        tokens, lengths, labels = data.batch(indices)
        logits = model(tokens, lengths)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        hits += (logits.argmax(1) == labels).sum().item()
        count += len(labels)
    model.train()
    return loss / count, hits / count


def train(model, data, test, arguments, learning_rate, weight_decay, results, name=""):
    """AdamW whose rate falls to a hundredth along a line. Gives the number of steps and the accuracy on the test."""
    generator = torch.Generator().manual_seed(arguments.seed)
    total = arguments.epochs * len(data.batches(arguments.batch))
    total = total if arguments.steps is None else min(arguments.steps, total)
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, max(total, 1))
    step, accuracy, limit = 0, float("nan"), 256 if arguments.quick else None
    for _ in range(arguments.epochs):
        for indices in data.batches(arguments.batch, generator):
            if step >= total:
                break
            tokens, lengths, labels = data.batch(indices)
            loss = F.cross_entropy(model(tokens, lengths), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
            step += 1
            results.point(f"training loss{name}", step, loss)
        loss, accuracy = evaluate(model, test, limit)
        results.point(f"test loss{name}", step, loss)
        if step >= total:
            break
    return step, accuracy
