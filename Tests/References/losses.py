"""What torch.nn.functional's losses come to, with their gradients; torchvision's and others' by their formulas."""

import math

import torch
import torch.nn.functional as F

from recorder import Recorder, normal

r = Recorder(__file__)


def case(name, function, **inputs):
    """With each reduction, an output of its name."""
    reductions = ["mean", "sum", "none"]
    r.case(name, inputs, lambda **given: {kind: function(**given, reduction=kind) for kind in reductions})


def with_(function, **options):
    return lambda **given: function(**given, **options)


def fixed(function, **options):
    """Without the gradient of the target, which is NaN at 0."""
    return lambda target, **given: function(target=target.detach(), **given, **options)


def reduced(function):
    """A function that gives a loss for each element or row, with reductions."""

    def loss(reduction, **given):
        losses = function(**given)
        return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()

    return loss


# Regression.
x, y = normal("x", 5, 3), normal("y", 5, 3)
case("mse", F.mse_loss, input=x, target=y)
case("l1", F.l1_loss, input=x, target=y)
case("huber", F.huber_loss, input=x, target=y)
case("huber, delta 0.3", with_(F.huber_loss, delta=0.3), input=x, target=y)
case("smooth l1", F.smooth_l1_loss, input=x, target=y)
case("smooth l1, beta 0.3", with_(F.smooth_l1_loss, beta=0.3), input=x, target=y)
case("smooth l1, beta 0", with_(F.smooth_l1_loss, beta=0.0), input=x, target=y)
counts = torch.tensor([[0.0, 1, 2], [3, 0, 7], [1, 1, 20]])
logs = normal("logs", 3, 3)
case("poisson nll", F.poisson_nll_loss, input=logs, target=counts)
rates = dict(log_input=False, full=True, eps=1e-3)
case("poisson nll, full, of rates", fixed(F.poisson_nll_loss, **rates), input=logs.exp(), target=counts)
variance = normal("variance", 5, 3).exp()
variance[1, 2] = 0
case("gaussian nll", lambda variance, **k: F.gaussian_nll_loss(var=variance, **k), input=x, target=y, variance=variance)
case("gaussian nll, full", lambda variance, **k: F.gaussian_nll_loss(var=variance, full=True, eps=0.1, **k),
     input=x, target=y, variance=variance[:, :1])

# Classes.
z = normal("z", 6, 4, scale=3)
labels = torch.tensor([2, 0, 1, 1, 3, 2], dtype=torch.int32)
some = torch.tensor([2, -1, 1, -1, 0, 3], dtype=torch.int32)
weights = torch.tensor([0.5, 2, 0, 1.25])
shares = normal("shares", 6, 4).softmax(1)


def of_labels(function, **options):
    return lambda target, **given: function(target=target.long(), **given, **options)


smooth = dict(label_smoothing=0.1)
case("cross-entropy", of_labels(F.cross_entropy), input=z, target=labels)
case("cross-entropy, ignoring", of_labels(F.cross_entropy, ignore_index=-1), input=z, target=some)
case("cross-entropy, ignoring 1", of_labels(F.cross_entropy, ignore_index=1), input=z, target=labels)
case("cross-entropy, smoothing", of_labels(F.cross_entropy, **smooth), input=z, target=labels)
case("cross-entropy, weights", of_labels(F.cross_entropy, weight=weights), input=z, target=labels)
case("cross-entropy, all options", of_labels(F.cross_entropy, weight=weights, ignore_index=-1, **smooth),
     input=z, target=some)
case("cross-entropy, shares", F.cross_entropy, input=z, target=shares)
case("cross-entropy, shares, all options", with_(F.cross_entropy, weight=weights, **smooth), input=z, target=shares)
case("nll", of_labels(F.nll_loss), input=z.log_softmax(1), target=labels)
case("nll, all options", of_labels(F.nll_loss, weight=weights, ignore_index=-1), input=z.log_softmax(1), target=some)
case("multi-margin", of_labels(F.multi_margin_loss), input=z, target=labels)
case("multi-margin, squared", of_labels(F.multi_margin_loss, p=2, margin=2.5), input=z, target=labels)

# Yes and no.
some_shares = normal("t", 5, 3).sigmoid()
three = torch.tensor([0.5, 2, 1])
positive = torch.tensor([3, 0.25, 1])
signs = torch.tensor([[1.0, -1, 1], [-1, -1, 1], [1, 1, -1], [-1, 1, -1], [1, -1, -1]])
case("bce with logits", F.binary_cross_entropy_with_logits, input=x * 3, target=some_shares)
case("bce with logits, weights", with_(F.binary_cross_entropy_with_logits, weight=three, pos_weight=positive),
     input=x * 3, target=some_shares)
certain = torch.tensor([[0.0, 0, 1], [1, 0.5, 1e-20]])
bce = F.binary_cross_entropy
case("bce", bce, input=x.sigmoid(), target=some_shares)
case("bce, weights", with_(bce, weight=three), input=x.sigmoid(), target=some_shares)
case("bce, certain", fixed(bce), input=certain, target=torch.tensor([[0.0, 1, 0], [1, 0, 0]]))


def focal(input, target, alpha=0.25, gamma=2.0):
    """torchvision.ops.sigmoid_focal_loss."""
    p = input.sigmoid()
    loss = F.binary_cross_entropy_with_logits(input, target, reduction="none")
    loss = loss * (1 - (p * target + (1 - p) * (1 - target))) ** gamma
    return loss if alpha is None else (alpha * target + (1 - alpha) * (1 - target)) * loss


case("focal", reduced(focal), input=x, target=some_shares)
case("focal, gamma 0.5", reduced(with_(focal, alpha=None, gamma=0.5)), input=x, target=(signs > 0).float())
case("hinge", reduced(lambda input, target: (1 - input * target).relu()), input=x, target=signs)
case("hinge, squared", reduced(lambda input, target: (0.5 - input * target).relu() ** 2), input=x, target=signs)
case("kl", F.kl_div, input=z.log_softmax(1), target=shares)
case("kl, logarithmic", with_(F.kl_div, log_target=True), input=z.log_softmax(1), target=shares.log())
r.case("kl, batchmean", {"input": z.log_softmax(1), "target": shares},
       lambda **k: {"mean": F.kl_div(**k, reduction="batchmean")})

# Similarity.
a, b, c = normal("a", 5, 4), normal("b", 5, 4), normal("c", 5, 4)
sides = torch.tensor([1.0, -1, -1, 1, -1])
case("hinge embedding", F.hinge_embedding_loss, input=x.abs(), target=signs)
case("hinge embedding, margin 2", with_(F.hinge_embedding_loss, margin=2.0), input=x.abs(), target=signs)


def cosine(a, b, target, **k):
    return F.cosine_embedding_loss(a, b, target, **k)


case("cosine embedding", cosine, a=a, b=b, target=sides)
case("cosine embedding, margin 0.2", with_(cosine, margin=0.2), a=a, b=b, target=sides)


def ranking(a, b, target, **k):
    return F.margin_ranking_loss(a, b, target, **k)


case("margin ranking", ranking, a=x, b=y, target=signs)
case("margin ranking, margin 0.5", with_(ranking, margin=0.5), a=x, b=y, target=signs)


def triplet(a, b, c, **k):
    return F.triplet_margin_loss(a, b, c, **k)


case("triplet", triplet, a=a, b=b, c=c)
case("triplet, swapped, power 3", with_(triplet, margin=2.0, p=3, eps=1e-3, swap=True), a=a, b=b, c=c)
case("triplet, power 1", with_(triplet, p=1), a=a, b=b, c=c)


# Regions.
def dice(input, target, smoothing=1.0):
    both, total = (input * target).flatten(1).sum(1), (input + target).flatten(1).sum(1)
    return 1 - (2 * both + smoothing) / (total + smoothing)


masks = (normal("mask", 3, 2, 4) > 0).float()
masks[1] = 0
case("dice", reduced(dice), input=normal("p", 3, 2, 4).sigmoid(), target=masks)
case("dice, smoothing 0.1", reduced(with_(dice, smoothing=0.1)), input=normal("p", 3, 2, 4).sigmoid(), target=masks)


def box_iou(input, target, generalized, eps=1e-7):
    """torchvision.ops.generalized_box_iou_loss."""
    x1, y1, x2, y2 = input.unbind(-1)
    x1g, y1g, x2g, y2g = target.unbind(-1)
    width = torch.min(x2, x2g) - torch.max(x1, x1g)
    height = torch.min(y2, y2g) - torch.max(y1, y1g)
    shared = torch.where((width > 0) & (height > 0), width * height, torch.zeros(()))
    union = (x2 - x1) * (y2 - y1) + (x2g - x1g) * (y2g - y1g) - shared
    iou = shared / (union + eps)
    around = (torch.max(x2, x2g) - torch.min(x1, x1g)) * (torch.max(y2, y2g) - torch.min(y1, y1g))
    return 1 - (iou - (around - union) / (around + eps) if generalized else iou)


boxes = torch.tensor([[[0.0, 0, 2, 2], [1, 1, 3, 4]], [[0, 0, 1, 1], [2, 2, 2, 2]], [[-3, 0, 5, 1], [1, 0, 2, 8]]])
others = torch.tensor([[[1.0, 1, 3, 3], [1.5, 0, 2, 9]], [[5, 5, 6, 7], [0, 0, 1, 1]], [[0.5, -1, 1, 3], [0, 1, 3, 2]]])
case("iou", reduced(with_(box_iou, generalized=False)), input=boxes, target=others)
case("giou", reduced(with_(box_iou, generalized=True)), input=boxes, target=others)

# Sequences.
# The gradient of ctc_loss alone is one that only log_softmax makes right.
steps = normal("steps", 9, 4, 5)
words = torch.tensor([[1, 1, 2], [3, 4, 0], [2, 3, 4], [0, 0, 0]], dtype=torch.int32)
times = torch.tensor([9, 5, 7, 3], dtype=torch.int32)
lengths = torch.tensor([3, 2, 1, 0], dtype=torch.int32)


def ctc(steps, words, times, lengths, **k):
    return F.ctc_loss(steps.log_softmax(2), words.long(), times.long(), lengths.long(), **k)


case("ctc", ctc, steps=steps, words=words, times=times, lengths=lengths)
whole = torch.tensor([[1, 1, 2], [0, 3, 0], [2, 3, 1], [3, 0, 3]], dtype=torch.int32)
case("ctc, blank last", lambda steps, words, **k: F.ctc_loss(
    steps.log_softmax(2), words.long(), torch.full((4,), 9), torch.full((4,), 3), blank=4, **k), steps=steps, words=whole)
short = torch.tensor([4, 3, 2, 1], dtype=torch.int32)
case("ctc, zeroing", with_(ctc, zero_infinity=True), steps=steps, words=words, times=short, lengths=lengths)
r.write()
