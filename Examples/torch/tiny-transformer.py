"""Examples/tiny-transformer in PyTorch: a transformer that goes on with a text, character by character."""
import torch
import torch.nn as nn

import characters
import common
import sequences


class CharacterTransformer(nn.Module):
    """`[n, time]` → `[n, time, vocabulary]`."""

    def __init__(self, vocabulary=characters.VOCABULARY, width=256, context=256, layers=4):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        nn.init.normal_(self.positions.weight, std=0.02)
        self.encoder = sequences.encoder(width, heads=8, inner=4 * width, layers=layers, dropout=0)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, x):
        time = x.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(time)
        embedded = self.embedding(x) + self.positions.weight[:time]
        return self.output(self.encoder(embedded, mask, is_causal=True))


EXCHANGES = [
    common.Exchange(
        CharacterTransformer, lambda: {"input": torch.randint(0, characters.VOCABULARY, (2, 256), dtype=torch.int32)})
]

if __name__ == "__main__":
    torch.manual_seed(1)
    characters.train(
        "tiny-transformer", "Characters, by a transformer",
        "go on with a text, character by character, by a transformer", CharacterTransformer(), context=256, batch=8,
        steps=2000, rate=1e-3, time_first=False)
