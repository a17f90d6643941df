"""Examples/word-language in PyTorch: a plain recurrent network, a GRU and an LSTM tell the language of a word."""
import functools
import os

import torch

import common
import sequences

LISTS = {
    "Dutch": "dutch", "English": "american-english", "French": "french", "German": "ngerman", "Italian": "italian",
    "Spanish": "spanish", "Swedish": "swedish"}
CELLS = ["rnn", "gru", "lstm"]


def word_list(path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return {word for word in text.lower().splitlines() if len(word) >= 3 and all(map(sequences.is_letter, word))}


@functools.cache
def data(folder="/usr/share/dict", limit=20_000):
    """The numbers of letters, and the two parts as pairs of a word and a language's number."""
    lists = [word_list(os.path.join(folder, name)) for name in LISTS.values()]
    counts = {}
    for words in lists:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    distinct = [[word for word in words if counts[word] == 1] for words in lists]
    count = min(min(map(len, distinct)), limit)
    chosen = []
    for language, words in enumerate(distinct):
        hashed = sorted((sequences.stable_hash(word), word, language) for word in words)
        chosen += hashed[:count]
    rows = [(word, language) for _, word, language in sorted(chosen)]
    known = [row for row in rows if sequences.part(row[0]) != "test"]
    tested = [row for row in rows if sequences.part(row[0]) == "test"]
    return sequences.vocabulary(letter for word, _ in known for letter in word), known, tested


def network(cell):
    return sequences.RecurrentClassifier(cell, len(data()[0]) + 2, len(LISTS), 64, 128)


def inputs():
    return {
        "text": torch.randint(0, len(data()[0]) + 2, (9, 6), dtype=torch.int32),
        "text.lengths": torch.tensor([9, 1, 4, 9, 2, 7], dtype=torch.int32)}


EXCHANGES = [
    common.Exchange(
        functools.partial(network, cell), inputs,
        lambda network, inputs: {"output": network(inputs["text"].long(), inputs["text.lengths"].long())},
        arguments=["--network", cell])
    for cell in CELLS]


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    arguments = common.begin(parser)
    letters, known, tested = data()
    results = common.Results(
        "word-language", "The language of a word, by three recurrent networks",
        f"tell the language of a word, one of {len(LISTS)}",
        f"{len(known) + len(tested)} words of the distribution's lists, {len(tested)} to test on", arguments)

    def dataset(rows):
        return sequences.Sequences(
            [[letters.get(letter, 1) for letter in word] for word, _ in rows], [language for _, language in rows], buckets=4)

    train, test = dataset(known), dataset(tested)
    steps, best = 0, 0.0
    for cell in CELLS:
        torch.manual_seed(arguments.seed)
        model = network(cell)
        count, accuracy = sequences.train(model, train, test, arguments, 2e-3, 0.0, results, f" of {cell}")
        steps += count
        best = max(best, accuracy)
        results.add(f"test accuracy of {cell}", 100 * accuracy, "%", "higher")
    results.add("test accuracy of the best", 100 * best, "%", "higher")
    results.finish(model, steps)


if __name__ == "__main__":
    main()
