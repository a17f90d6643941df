"""Examples/stemming in PyTorch: a transformer that finds the stems of English words."""
import os

import common
import sequence_transformer


def network(vocabulary=30):
    return sequence_transformer.SequenceTransformer(vocabulary, width=128, heads=4, layers=2, inner=512, dropout=0.1)


EXCHANGES = [sequence_transformer.exchange(network, 30)]


def main():
    parser = common.options(__doc__)
    parser.add_argument("--data", default="/usr/share/snowball/data/english")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch", type=int, default=128)
    arguments = common.begin(parser)
    words, stems = (open(os.path.join(arguments.data, name)).read().split("\n")[:-1] for name in ("voc.txt", "output.txt"))
    characters = sorted(set("".join(words + stems)))
    number = {character: 3 + place for place, character in enumerate(characters)}
    pairs = [([number[c] for c in word], [number[c] for c in stem]) for word, stem in zip(words, stems)]
    train = [pair for place, pair in enumerate(pairs) if place % 10 != 9]
    held = [pair for place, pair in enumerate(pairs) if place % 10 == 9]
    results = common.Results(
        "stemming", "Words to stems",
        "find the stem of a word by a transformer with cross attention, character by character",
        f"{len(train)} English words of Debian's snowball-data with their stems, {len(held)} to test on", arguments)
    model = network(3 + len(characters))
    steps = arguments.steps if arguments.steps is not None else -(-arguments.epochs * len(train) // arguments.batch)
    loss = sequence_transformer.train(model, train, held[:256] if arguments.quick else held, arguments, results, steps,
                           arguments.batch, rate=1e-3)
    results.add("held-out loss", loss, "nats per character", "lower")
    asked = held[:16] if arguments.quick else held
    found = sequence_transformer.decoded(model, [source for source, _ in asked], 1 + max(len(t) for _, t in pairs), beam=1, size=256)
    right = sum(target == tokens for (_, target), tokens in zip(asked, found))
    results.add("stems right", 100 * right / len(asked), "%", "higher")
    results.finish(model, steps)


EPOCHS = 12

if __name__ == "__main__":
    main()
