"""What scikit-learn, scikit-image, sacrebleu and pycocotools make of predictions.

    torch/bin/pip install scikit-learn scikit-image sacrebleu pycocotools
"""

import contextlib
import io
import warnings

import numpy as np
import sacrebleu
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn import metrics

from recorder import Recorder, normal

warnings.simplefilter("ignore")
r = Recorder(__file__)


def number(value):
    return torch.tensor(float(value), dtype=torch.float64)


def keep(case, inputs, outputs):
    for name, value in inputs.items():
        r.keep(case, "input", name, torch.as_tensor(value))
    for name, value in outputs.items():
        r.keep(case, "output", name, number(value))


def figures(labels, predicted, beta=2.0):
    found = {"accuracy": metrics.accuracy_score(labels, predicted)}
    for average in ["micro", "macro", "weighted"]:
        options = {"average": average, "zero_division": 0}
        found[f"precision {average}"] = metrics.precision_score(labels, predicted, **options)
        found[f"recall {average}"] = metrics.recall_score(labels, predicted, **options)
        found[f"f1 {average}"] = metrics.f1_score(labels, predicted, **options)
        found[f"fbeta {average}"] = metrics.fbeta_score(labels, predicted, beta=beta, **options)
    options = {"labels": [1], "average": None, "zero_division": 0}
    found["precision 1"] = metrics.precision_score(labels, predicted, **options)[0]
    found["recall 1"] = metrics.recall_score(labels, predicted, **options)[0]
    found["fbeta 1"] = metrics.fbeta_score(labels, predicted, beta=beta, **options)[0]
    return found


# Classes: five, of which the last is neither there nor predicted, and the first is never predicted.
logits = normal("logits", 37, 5)
logits[:, 4] = -9
logits[:, 0] = -8
labels = (torch.arange(37) * 7 % 4).int()
found = figures(labels, logits.argmax(1))
found["top 2"] = metrics.top_k_accuracy_score(labels, logits, k=2, labels=range(5))
found["cross-entropy"] = metrics.log_loss(labels, logits.double().softmax(1), labels=range(5))
found["perplexity"] = np.exp(found["cross-entropy"])
keep("classes", {"prediction": logits, "target": labels}, found)
same = torch.full([9], 2, dtype=torch.int32)
keep("one class", {"prediction": normal("one class", 9, 5), "target": same},
     figures(same, normal("one class", 9, 5).argmax(1)))

# Scores: with many ties, without any, and infinite ones.
for name, scores in [("ties", (normal("ties", 41) * 2).round()), ("no ties", normal("no ties", 41)),
                     ("infinite", torch.tensor([-1e38, 0, 1e38, 0, 1e38, -1e38]))]:
    positive = (torch.arange(len(scores)) % 3 == 0).int()
    scores = scores + (positive * 0.5 if name == "no ties" else 0)
    keep(name, {"prediction": scores, "target": positive}, {
        "roc": metrics.roc_auc_score(positive, scores), "pr": metrics.average_precision_score(positive, scores)})

# Regression: three columns, the last without variance.
target = normal("target", 23, 3) + 100
target[:, 2] = 7
prediction = target + normal("noise", 23, 3)
keep("regression", {"prediction": prediction, "target": target}, {
    "r2": metrics.r2_score(target, prediction), "mae": metrics.mean_absolute_error(target, prediction),
    "mse": metrics.mean_squared_error(target, prediction)})

# Images.
target = normal("images", 5, 2, 13, 17).sigmoid() * 2
prediction = target + normal("image noise", 5, 2, 13, 17, scale=0.1)
pairs = list(zip(prediction.double().numpy(), target.double().numpy()))
keep("images", {"prediction": prediction, "target": target}, {
    "psnr": peak_signal_noise_ratio(target.double().numpy(), prediction.double().numpy(), data_range=2),
    "ssim": np.mean([structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=2, channel_axis=0)
        for a, b in pairs])})


# Texts of 3 to 12 tokens, negative where there is none.
def edits(a, b):
    table = np.zeros([len(a) + 1, len(b) + 1], dtype=int)
    table[:, 0], table[0, :] = range(len(a) + 1), range(len(b) + 1)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (x != y))
    return table[-1, -1]


random = np.random.default_rng(5)
target = np.full([11, 12], -1, dtype=np.int32)
prediction = np.full([11, 12], -1, dtype=np.int32)
for row in range(11):
    text = random.integers(0, 6, random.integers(3, 13))
    other = [random.integers(0, 6) if random.random() < 0.15 else token for token in text if random.random() > 0.1]
    target[row, :len(text)] = text
    prediction[row, :len(other)] = other
texts = [[[int(t) for t in row if t >= 0] for row in rows] for rows in (prediction, target)]
words = [[" ".join(map(str, row)) for row in rows] for rows in texts]
bleu = sacrebleu.corpus_bleu(words[0], [words[1]], tokenize="none", smooth_method="none", force=True)
keep("texts", {"prediction": prediction, "target": target}, {
    "bleu": bleu.score / 100,
    "edits": sum(edits(a, b) for a, b in zip(*texts)) / sum(len(text) for text in texts[1])})

# Boxes: 7 images of 3 classes, some shifted, some missed, some invented; equal scores among them.
found = np.full([7, 8, 6], -1, dtype=np.float32)
wanted = np.full([7, 5, 5], -1, dtype=np.float32)
for image in range(7):
    for box in range(random.integers(1, 6)):
        corner = random.integers(0, 60, 2)
        size = random.integers(8, 30, 2)
        wanted[image, box] = [*corner, *(corner + size), random.integers(0, 3)]
    for box in range(random.integers(2, 9)):
        like = wanted[image, box % 5] if random.random() < 0.75 else wanted[image, 0] + [20, 5, 20, 5, 0]
        if like[4] < 0:
            continue
        found[image, box, :4] = like[:4] + random.integers(-3, 4, 4)
        found[image, box, 4] = like[4]
        found[image, box, 5] = np.round(random.random(), 1)
coco = COCO()
annotations = [{"image_id": i, "category_id": int(b[4]), "bbox": [*b[:2], *(b[2:4] - b[:2])], "iscrowd": 0,
                "area": float(np.prod(b[2:4] - b[:2]))} for i in range(7) for b in wanted[i] if b[4] >= 0]
for identity, annotation in enumerate(annotations, 1):
    annotation["id"] = identity
coco.dataset = {"images": [{"id": i} for i in range(7)], "categories": [{"id": c} for c in range(3)],
                "annotations": annotations}
with contextlib.redirect_stdout(io.StringIO()):
    coco.createIndex()
    results = COCO()
    results.dataset = dict(coco.dataset, annotations=[
        {"image_id": i, "category_id": int(b[4]), "bbox": [float(x) for x in (*b[:2], *(b[2:4] - b[:2]))],
         "score": float(b[5]), "area": float(np.prod(b[2:4] - b[:2])), "id": 100 * i + k + 1, "iscrowd": 0}
        for i in range(7) for k, b in enumerate(found[i]) if b[4] >= 0])
    results.createIndex()
    evaluation = COCOeval(coco, results, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
keep("boxes", {"prediction": found, "target": wanted},
     {"ap": evaluation.stats[0], "ap 0.5": evaluation.stats[1], "ap 0.75": evaluation.stats[2]})
r.write()
