"""What torch.nn.functional's losses come to, with their gradients."""

import torch
import torch.nn.functional as F

from recorder import Recorder, normal

r = Recorder(__file__)
x, y = normal("x", 5, 3), normal("y", 5, 3)
labels = torch.tensor([2, 0, 1, 1, 2], dtype=torch.int32)
some = torch.tensor([2, -1, 1, -1, 0], dtype=torch.int32)


def case(name, function, **inputs):
    """With each reduction, an output of its name."""
    reductions = ["mean"]
    r.case(name, inputs, lambda **given: {kind: function(**given, reduction=kind) for kind in reductions})


case("mse", F.mse_loss, input=x, target=y)
case("huber", F.huber_loss, input=x, target=y)
case("huber, delta 0.3", lambda **k: F.huber_loss(**k, delta=0.3), input=x, target=y)
case("bce with logits", F.binary_cross_entropy_with_logits, input=x * 3, target=y.sigmoid())


def cross_entropy(input, target, **k):
    return F.cross_entropy(input, target if target.is_floating_point() else target.long(), **k)


case("cross-entropy", cross_entropy, input=x, target=labels)
case("cross-entropy, ignoring", lambda **k: cross_entropy(**k, ignore_index=-1), input=x, target=some)
r.write()
