"""Examples/movie-ratings in PyTorch: deep networks with and without cross layers (DCN-v2) on MovieLens."""
import collections
import csv
import functools
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

import common
import sequences

COLUMNS = ["userId", "movieId", "year", "genres"]
KINDS = ["deep", "parallel", "stacked"]
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Data", "movielens.csv")
MISSING = {"", "NA", "N/A", "NaN", "nan", "null"}


@functools.cache
def data(path=FILE):
    """The numbers of categories of each column, and of the two parts categories int64 `[n, 4]` and stars `[n]`."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    counts, columns = [], []
    for column in COLUMNS:
        values = [row[column].strip(" \t") for row in rows]
        frequency = collections.Counter(value for value in values if value not in MISSING)
        known = sorted((v for v, c in frequency.items() if c >= 3), key=lambda v: (-frequency[v], v.encode()))
        numbers = {value: number + 2 for number, value in enumerate(known)}
        columns.append(torch.tensor([0 if value in MISSING else numbers.get(value, 1) for value in values]))
        counts.append(len(known) + 2)
    categories, stars = torch.stack(columns, 1), torch.tensor([float(row["rating"]) for row in rows])
    parts = [sequences.part(str(number)) for number in range(len(rows))]
    chosen = {
        name: torch.tensor([number for number, one in enumerate(parts) if one == name]) for name in ("train", "test")}
    return counts, *((categories[rows], stars[rows]) for rows in chosen.values())


class Cross(nn.Module):
    def __init__(self, width, depth):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])

    def forward(self, first):
        x = first
        for layer in self.layers:
            x = first * layer(x) + x
        return x


class DeepCross(nn.Module):
    def __init__(self, kind, width):
        super().__init__()
        self.kind, self.cross = kind, Cross(width, 2)
        self.deep = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.output = nn.Linear(32 if kind == "stacked" else width + 32, 1)

    def forward(self, x):
        crossed = self.cross(x)
        if self.kind == "stacked":
            return self.output(self.deep(crossed))
        return self.output(torch.cat([crossed, self.deep(x)], 1))


class RatingNetwork(nn.Module):
    def __init__(self, kind, counts, width=16, dropout=0.3):
        super().__init__()
        self.embedding = nn.Embedding(sum(counts), width)
        nn.init.normal_(self.embedding.weight, std=0.05)
        firsts = torch.tensor([sum(counts[:column]) for column in range(len(counts))])
        self.register_buffer("firsts", firsts, persistent=False)
        joined = len(counts) * width
        if kind == "deep":
            self.network = nn.Sequential(
                nn.Linear(joined, 112), nn.ReLU(), nn.Linear(112, 64), nn.ReLU(), nn.Linear(64, 1))
        else:
            self.network = DeepCross(kind, joined)
        self.dropout = nn.Dropout(dropout)

    def forward(self, categories):
        return self.network(self.dropout(self.embedding(categories + self.firsts).flatten(1))).squeeze(1) + 3.5


def inputs():
    columns = [torch.randint(0, count, (16,), dtype=torch.int32) for count in data()[0]]
    return {"categories": torch.stack(columns, 1)}


EXCHANGES = [
    common.Exchange(
        lambda kind=kind: RatingNetwork(kind, data()[0]), inputs,
        lambda network, inputs: {"output": network(inputs["categories"].long())}, arguments=["--network", kind])
    for kind in KINDS]


def area_under_roc(scores, positive):
    """The share of pairs in the right order, of equal scores half (scikit-learn's roc_auc_score)."""
    values, places, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0).double() - (counts.double() - 1) / 2)[places]
    hits = positive.sum().double()
    return ((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(scores) - hits))).item()


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = common.begin(parser)
    counts, (categories, stars), (test, test_stars) = data()
    if arguments.quick:
        test, test_stars, arguments.repetitions = test[:256], test_stars[:256], 1
    results = common.Results(
        "movie-ratings", "Stars for films, by deep and cross networks",
        "tell how many stars, a half to five, somebody gives a film, from who it is and the film's number, year and genres",
        f"MovieLens: {len(stars)} ratings to train on, {len(test)} to test on", arguments)
    steps, errors = 0, {}
    for kind in KINDS:
        figures = []
        for repetition in range(arguments.repetitions):
            torch.manual_seed(arguments.seed + repetition)
            model = RatingNetwork(kind, counts)
            total = arguments.epochs * -(-len(stars) // arguments.batch)
            total = total if arguments.steps is None else min(arguments.steps, total)
            optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.1)
            schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.01, max(total, 1))
            batches = common.batches(
                len(stars), arguments.batch, arguments.epochs, arguments.steps, arguments.seed + repetition)
            for number, (_, indices) in enumerate(batches):
                loss = F.mse_loss(model(categories[indices]), stars[indices])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                steps += 1
                if repetition == 0:
                    results.point(f"training loss of {kind}", number + 1, loss)
            model.eval()
            with torch.no_grad():
                predicted = model(test)
            figures.append((F.mse_loss(predicted, test_stars).sqrt().item(), area_under_roc(predicted, test_stars >= 4)))
        errors[kind] = sum(error for error, _ in figures) / len(figures)
        results.add(f"error of {kind}", errors[kind], "stars", "lower")
        results.add(f"ROC AUC of {kind}", sum(area for _, area in figures) / len(figures), "", "higher")
    for kind in KINDS[1:]:
        results.add(f"gain of {kind}", errors["deep"] - errors[kind], "stars", "higher")
    results.finish(model, steps)


if __name__ == "__main__":
    main()
