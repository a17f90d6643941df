"""Examples/char-lstm in PyTorch: an LSTM that goes on with a text, character by character."""
import torch
import torch.nn as nn

import characters
import common


class CharacterLSTM(nn.Module):
    """`[time, n]` → `[time, n, vocabulary]`."""

    def __init__(self, vocabulary=characters.VOCABULARY, width=256):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrence = nn.LSTM(width, width)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.output(self.recurrence(self.embedding(x))[0])


EXCHANGES = [
    common.Exchange(CharacterLSTM, lambda: {"input": torch.randint(0, characters.VOCABULARY, (64, 4), dtype=torch.int32)})
]

if __name__ == "__main__":
    torch.manual_seed(1)
    characters.train(
        "char-lstm", "Characters, by an LSTM",
        "go on with a text, character by character, by a long short-term memory", CharacterLSTM(), context=64, batch=32,
        steps=6000, rate=3e-3, time_first=True)
