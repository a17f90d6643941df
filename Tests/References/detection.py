"""What torchvision leaves of boxes that overlap.

    torch/bin/pip install torchvision
"""

import torch
import torchvision

from recorder import Recorder, normal

r = Recorder(__file__)


def case(name, corners, extents, scores, labels, overlap):
    boxes = torch.cat([corners, corners + extents], 1)
    r.keep(name, "input", "boxes", boxes)
    r.keep(name, "input", "scores", scores)
    r.keep(name, "input", "labels", labels)
    r.keep(name, "input", "overlap", torch.tensor(overlap))
    r.keep(name, "output", "kept", torchvision.ops.nms(boxes, scores, overlap).int())
    r.keep(name, "output", "kept of each label", torchvision.ops.batched_nms(boxes, scores, labels, overlap).int())


for count, overlap in [(1, 0.5), (40, 0.5), (97, 0.3), (97, 0.0)]:
    name = f"{count} boxes at {overlap}"
    case(
        name, normal(f"{name} corners", count, 2, scale=6), normal(f"{name} extents", count, 2).abs() * 8 + 0.5,
        normal(f"{name} scores", count).sigmoid(), (torch.arange(count) * 7 % 3).int(), overlap)
# A grid of boxes of which each overlaps with its neighbours by a third.
grid = torch.stack(torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij"), -1).reshape(25, 2)
case("grid", grid, torch.full([25, 2], 2.0), torch.arange(25.0) * 7 % 25 / 25, torch.zeros(25).int(), 1 / 3 + 1e-3)
r.write()
