"""Examples/package-sections in PyTorch: a bidirectional GRU over the descriptions of the distribution's packages; and beside it
a linear classifier of bags of words by scikit-learn, on the same packages.
"""
import functools
import subprocess
import sys

import torch

import common
import sequences


@functools.cache
def packages():
    """Source, section and description of all packages, in order of their names; of equal descriptions the first."""
    text = subprocess.run(["apt-cache", "dumpavail"], check=True, capture_output=True).stdout.decode(errors="replace")
    found = []
    for stanza in text.split("\n\n"):
        lines = (line.partition(":") for line in stanza.split("\n") if line[:1] not in " \t")
        fields = {name: value.strip(" \t") for name, _, value in lines}
        description = fields.get("Description", fields.get("Description-en"))
        if "Package" in fields and fields.get("Section") and description:
            source = fields.get("Source", fields["Package"]).split(" ")[0]
            found.append((fields["Package"], description, source, fields["Section"].split("/")[-1]))
    first = {}
    for _, description, source, section in sorted(found, key=lambda row: (row[0].encode(), row[1].encode())):
        first.setdefault(description, (source, section, description))
    return list(first.values())


@functools.cache
def data():
    """The numbers of words, of sections, and the two parts as sources, sections and descriptions."""
    known = [row for row in packages() if sequences.part(row[0]) != "test"]
    tested = [row for row in packages() if sequences.part(row[0]) == "test"]
    numbers = sequences.vocabulary((word for row in known for word in sequences.words(row[2])), minimum_count=2)
    sections = {name: number for number, name in enumerate(sorted({row[1] for row in packages()}))}
    return numbers, sections, known, tested


def network():
    numbers, sections, _, _ = data()
    return sequences.RecurrentClassifier(
        "gru", len(numbers) + 2, len(sections), 128, 128, bidirectional=True, pooling="maximum", dropout=0.3)


def inputs():
    return {
        "text": torch.randint(0, len(data()[0]) + 2, (9, 6), dtype=torch.int32),
        "text.lengths": torch.tensor([9, 1, 4, 9, 2, 7], dtype=torch.int32)}


EXCHANGES = [
    common.Exchange(
        network, inputs,
        lambda network, inputs: {"output": network(inputs["text"].long(), inputs["text.lengths"].long())})]


def bag_of_words(known, tested):
    """The accuracy of a linear support vector classifier of words, weighted by how rare they are."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(analyzer=sequences.words, sublinear_tf=True)
    classifier = LinearSVC().fit(vectorizer.fit_transform([row[2] for row in known]), [row[1] for row in known])
    predicted = classifier.predict(vectorizer.transform([row[2] for row in tested]))
    return sum(one == row[1] for one, row in zip(predicted, tested)) / len(tested)


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    arguments = common.begin(parser)
    numbers, sections, known, tested = data()
    results = common.Results(
        "package-sections", "Sections of packages, by a bidirectional GRU",
        f"tell the section of a package, one of {len(sections)}, from its description in a line",
        f"{len(packages())} descriptions of the distribution's packages, {len(tested)} to test on", arguments)

    def dataset(rows):
        encoded = [[numbers.get(word, 1) for word in sequences.words(row[2])] for row in rows]
        return sequences.Sequences(encoded, [sections[row[1]] for row in rows], buckets=6)

    model = network()
    steps, accuracy = sequences.train(model, dataset(known), dataset(tested), arguments, 3e-3, 0.01, results)
    results.add("test accuracy", 100 * accuracy, "%", "higher")
    try:
        few = 2000 if arguments.quick else None
        results.add("test accuracy of words alone", 100 * bag_of_words(known[:few], tested[:few]), "%", "higher")
    except ImportError:
        print("no scikit-learn here: nothing to compare with (pip install scikit-learn)", file=sys.stderr)
    results.finish(model, steps)


if __name__ == "__main__":
    main()
