"""Examples/tiny-transformer in PyTorch: a transformer that goes on with a text, character by character."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import characters
import common


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.o = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.f1, self.f2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, time, width = x.shape
        q, k, v = self.qkv(self.n1(x)).view(n, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(attended.transpose(1, 2).reshape(n, time, width))
        return x + self.f2(F.gelu(self.f1(self.n2(x))))


class CharacterTransformer(nn.Module):
    """`[n, 256]` → `[n, 256, vocabulary]`."""

    def __init__(self, vocabulary=characters.VOCABULARY, width=256, context=256, blocks=4):
        super().__init__()
        self.e = nn.Embedding(vocabulary, width)
        self.p = nn.Parameter(torch.zeros(context, width))
        self.b = nn.Sequential(*[Block(width, 8) for _ in range(blocks)])
        self.n = nn.LayerNorm(width)
        self.o = nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.o(self.n(self.b(self.e(x) + self.p)))


EXCHANGES = [
    common.Exchange(
        CharacterTransformer, lambda: {"input": torch.randint(0, characters.VOCABULARY, (2, 256), dtype=torch.int32)})
]

if __name__ == "__main__":
    torch.manual_seed(1)
    characters.train(
        "tiny-transformer", "Characters, by a transformer",
        "go on with a text, character by character, by a transformer", CharacterTransformer(), context=256, batch=8,
        epochs=10, rate=1e-3, time_first=False)
