"""Keeps what Hugging Face's `tokenizers` makes of a few texts, for the tests to hold byte-pair encoding to; or checks that it
reads a file that Tessera has written.

    torch/bin/pip install tokenizers
    torch/bin/python Tests/References/tokenizers.py                 # writes Tests/References/tokenizers/
    torch/bin/python Tests/References/tokenizers.py tokenizer.json  # encodes the texts with it as the trained one does
"""

import json
import os
import sys

# The script has the package's name.
sys.path = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TRAINING = [
    "In the beginning the tokens were without form, and void; and darkness was upon the face of the deep.",
    "It's what they're saying: we've said it, I'm sure they'll say it, and you'd say it too.",
    "The cheapest of the cheaper cheap things weren't the cheapest things at all, at 12 or 1234 or 12.50.",
    "Grüße aus Köln, naïve café; 日本語のテキスト; ещё один текст, ещё один; 😀😀.",
    "aaaaaaaa aaaa aaa banana bananas    spaces   and\ttabs\nlines\n\nlines\r\n",
]
TEXTS = TRAINING + [
    "", " ", "  ", "   x", "x   ", "\n \n", "\u00a0x \u3000y", "'s'S''s 're'''", "don't DON'T", "1²½Ⅷ٣", "e\u0301\u0300",
    "unseen words: Zürich, 𝒳, \u0000\u007f\u00ad", "<|end|>", "a<|end|>b <|end|> c<|end|><|end|>x", "<|end|", "<|endless|>x",
    "the <|end|>the", "a" * 50, "🏳️‍🌈 flags", "tabs\t\tand  \u2003spaces ",
]


def trained():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        TRAINING,
        trainers.BpeTrainer(
            vocab_size=340,
            min_frequency=2,
            special_tokens=["<|end|>", "<|endless|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def main():
    if len(sys.argv) > 1:
        mine, theirs = Tokenizer.from_file(sys.argv[1]), trained()
        for text in TEXTS:
            assert mine.encode(text).ids == theirs.encode(text).ids, repr(text)
            assert mine.decode(mine.encode(text).ids) == theirs.decode(theirs.encode(text).ids), repr(text)
        print(f"{sys.argv[1]}: {len(TEXTS)} texts as they should be")
        return
    folder = os.path.splitext(os.path.abspath(__file__))[0]
    os.makedirs(folder, exist_ok=True)
    tokenizer = trained()
    tokenizer.save(f"{folder}/trained.json")
    cases = {"training": TRAINING, "texts": TEXTS, "plain": [tokenizer.encode(text).ids for text in TEXTS]}
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.save(f"{folder}/prefixed.json")
    cases["prefixed"] = [tokenizer.encode(text).ids for text in TEXTS]
    with open(f"{folder}/cases.json", "w") as file:
        json.dump(cases, file, ensure_ascii=True, indent=0)


main()
