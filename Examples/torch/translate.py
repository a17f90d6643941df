"""Examples/translate in PyTorch: a transformer that translates German phrases into English.

Needs `pip install tokenizers sacrebleu` besides.
"""
import re

import common
import sequence_transformer

DATA = "/usr/share/trans/de-en"


def network(vocabulary=4000):
    return sequence_transformer.SequenceTransformer(vocabulary, width=256, heads=4, layers=2, inner=512, dropout=0.1)


EXCHANGES = [sequence_transformer.exchange(network, 4000)]


def cleaned(part):
    """The alternatives of a part without what stands in brackets."""
    texts = []
    for alternative in part.split(";"):
        text, closing = "", None
        for character in alternative:
            if closing:
                closing = None if character == closing else closing
            elif character in "{[(":
                closing = {"{": "}", "[": "]", "(": ")"}[character]
            else:
                text += "'" if character == "’" else character
        texts.append(" ".join(text.split(" ")).strip(" "))
    return [re.sub(" +", " ", text) for text in texts]


def is_phrase(text):
    return 2 <= len(text.split()) <= 8 and not any(character in "/<>…()[]{}" for character in text)


def phrases(path):
    """Phrases to learn from and those held out, as `DictionaryPhrases` has them: German, and English in several ways."""
    train, held, known, number = [], [], set(), 0
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            sides = line.rstrip("\n").split(" :: ")
            if len(sides) != 2 or line.startswith("#"):
                continue
            number += 1
            german, english = (side.split("|") for side in sides)
            if len(german) != len(english):
                continue
            for one, other in zip(map(cleaned, german), map(cleaned, english)):
                if not is_phrase(one[0]) or not is_phrase(other[0]):
                    continue
                phrase = one[0], [other[0]] + [text for text in other[1:] if is_phrase(text)]
                if number % 40 == 0:
                    held.append(phrase)
                elif (phrase[0], phrase[1][0]) not in known:
                    known.add((phrase[0], phrase[1][0]))
                    train.append(phrase)
    learned = {german for german, _ in train}
    test = []
    for phrase in held:
        if phrase[0] not in learned and (phrase[0], phrase[1][0]) not in known:
            known.add((phrase[0], phrase[1][0]))
            test.append(phrase)
    return train, test


def byte_pairs(texts, size):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def bleu(texts, references):
    """sacrebleu's over words and signs: those of the program's `WordTokenizer`."""
    import sacrebleu

    def words(text):
        return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*|[^\w\s]|_", text))

    most = max(map(len, references))
    streams = [[words(one[n]) if n < len(one) else None for one in references] for n in range(most)]
    return sacrebleu.corpus_bleu(
        [words(text) for text in texts], streams, smooth_method="none", tokenize="none", force=True).score


def main():
    parser = common.options(__doc__)
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--vocabulary", type=int, default=4000)
    parser.add_argument("--beam", type=int, default=4)
    arguments = common.begin(parser)
    train, test = phrases(arguments.data)
    tokenizer = byte_pairs((text for german, english in train for text in (german, english[0])), arguments.vocabulary)
    pairs, held = (
        [(tokenizer.encode(german).ids, tokenizer.encode(english[0]).ids) for german, english in part]
        for part in (train, test))
    results = common.Results(
        "translate", "German to English",
        "translate phrases by a transformer with cross attention, in byte pairs, with a beam",
        f"{len(train)} phrases of the dictionary in Debian's trans-de-en, {len(held)} to test on", arguments)
    model = network(tokenizer.get_vocab_size())
    steps = arguments.steps if arguments.steps is not None else -(-arguments.epochs * len(train) // arguments.batch)
    loss = sequence_transformer.train(model, pairs, held[:256] if arguments.quick else held, arguments, results, steps,
                           arguments.batch, rate=1e-3)
    results.add("held-out loss", loss, "nats per token", "lower")
    if arguments.quick:
        test, held = test[:8], held[:8]
    most = 1 + max(len(target) for _, target in pairs + held)
    found = sequence_transformer.decoded(model, [source for source, _ in held], most, arguments.beam)
    texts = [tokenizer.decode(tokens) for tokens in found]
    results.add("BLEU", bleu(texts, [english for _, english in test]), "", "higher")
    results.sample("\n".join(
        f"{german} → {text} ({'; '.join(english)})"
        for (german, english), text in list(zip(test, texts))[::max(len(test) // 20, 1)]))
    results.finish(model, steps)


EPOCHS = 4

if __name__ == "__main__":
    main()
