"""Examples/detect in PyTorch: a detector of one stage, without anchors, on scenes of Fashion-MNIST's items.

The scenes are those of the program, which writes them: RELEASE is the folder that it is in (default .build/release). Average
precision is pycocotools' definition, as the program's.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import common

CLASSES, STRIDE, PRIOR, EXTENT = 10, 8, -4.595, 96
KINDS = ["top", "trouser", "dress", "bag", "shoe"]
KIND_OF_CLASS = [0, 1, 0, 2, 0, 4, 0, 4, 3, 4]


def convolution(inputs, outputs, stride=1):
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


class ItemDetector(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.backbone = nn.Sequential(
            *convolution(1, 16, 2), *convolution(16, 32, 2), *convolution(32, 64), *convolution(64, width, 2),
            Block(width), Block(width))
        self.classTower = nn.Sequential(*convolution(width, width), nn.Conv2d(width, CLASSES, 3, padding=1))
        self.boxTower = nn.Sequential(*convolution(width, width), nn.Conv2d(width, 4, 3, padding=1))

    def forward(self, x):
        features = self.backbone(x)
        return torch.cat([self.classTower(features) + PRIOR, self.boxTower(features)], 1).flatten(2).transpose(1, 2)


def network():
    return ItemDetector()


EXCHANGES = [common.Exchange(network, lambda: {"input": torch.rand(4, 1, EXTENT, EXTENT)})]


def places():
    """The middles of the grid's places, `[144, 2]` of x and y."""
    middles = (torch.arange(EXTENT // STRIDE) + 0.5) * STRIDE
    y, x = torch.meshgrid(middles, middles, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)


def decoded(output):
    distances = F.softplus(output[..., CLASSES:]) * STRIDE
    return output[..., :CLASSES], places().repeat(1, 2) + torch.tensor([-1.0, -1, 1, 1]) * distances


def wanted(items):
    """What a detector should say at each place: labels, -1 where nothing is, and boxes, of items `[n, 6, 5]`."""
    x, y = places().unbind(1)
    left, top, right, bottom = (items[..., side, None] for side in range(4))
    isIn = (x > left) & (x < right) & (y > top) & (y < bottom) & (items[..., 4, None] >= 0)
    isNear = ((x - (left + right) / 2).abs() <= STRIDE) & ((y - (top + bottom) / 2).abs() <= STRIDE)
    areas = torch.where(isIn & isNear, (right - left) * (bottom - top), torch.inf)
    area, item = areas.min(1)
    chosen = items.gather(1, item[..., None].expand(-1, -1, 5))
    isItem = area < torch.inf
    return torch.where(isItem, chosen[..., 4], -1).long(), chosen[..., :4] * isItem[..., None]


def generalized_overlap(a, b):
    """torchvision.ops.generalized_box_iou of pairs."""
    def area(box):
        return (box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1])

    sides = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    shared = sides.prod(-1)
    covered = area(a) + area(b) - shared
    around = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return shared / (covered + 1e-7) - (around - covered) / (around + 1e-7)


def losses(output, labels, boxes):
    logits, found = decoded(output)
    isItem = (labels >= 0).float()
    count = isItem.sum().clamp_min(1)
    target = (labels[..., None] == torch.arange(CLASSES)).float()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = logits.sigmoid()
    miss = p * (1 - target) + (1 - p) * target
    focal = entropy * miss**2 * (0.25 * target + 0.75 * (1 - target))
    return focal.sum() / count, ((1 - generalized_overlap(found, boxes)) * isItem).sum() / count


def overlaps(box, boxes):
    sides = (torch.minimum(box[2:], boxes[:, 2:]) - torch.maximum(box[:2], boxes[:, :2])).clamp_min(0)
    shared = sides.prod(-1)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp_min(0).prod(-1)
    return shared / (areas + (box[2:] - box[:2]).clamp_min(0).prod() - shared).clamp_min(1e-12)


def suppressed(boxes, scores):
    """torchvision.ops.nms at 0.5: the places that are left, the highest score first."""
    rest, kept = scores.argsort(descending=True, stable=True), []
    while len(rest):
        kept.append(rest[0].item())
        rest = rest[1:][overlaps(boxes[rest[0]], boxes[rest[1:]]) <= 0.5]
    return kept


def average_precision(probabilities, boxes, items, kinds):
    """The mean over kinds of average precisions at an overlap of 0.5."""
    found, counts = {}, {}
    scores = torch.zeros(*probabilities.shape[:2], max(kinds) + 1)
    for label, kind in enumerate(kinds):
        scores[..., kind] += probabilities[..., label]
    for image in range(len(items)):
        truth = items[image][items[image, :, 4] >= 0]
        kind_of = torch.tensor([kinds[int(label)] for label in truth[:, 4]])
        for kind in range(scores.shape[2]):
            true = truth[kind_of == kind, :4]
            counts[kind] = counts.get(kind, 0) + len(true)
            at = (scores[image, :, kind] >= 0.05).nonzero()[:, 0]
            if not len(at):
                continue
            candidates, certain = boxes[image, at], scores[image, at, kind].clamp_max(1)
            taken = set()
            for place in suppressed(candidates, certain):
                share = overlaps(candidates[place], true)
                for other in taken:
                    share[other] = -1
                best = int(share.argmax()) if len(share) else -1
                isRight = best >= 0 and share[best] >= 0.5
                if isRight:
                    taken.add(best)
                found.setdefault(kind, []).append((certain[place].item(), isRight))
    values = []
    for kind, count in counts.items():
        if not count:
            continue
        ranked = [isRight for _, isRight in sorted(found.get(kind, []), key=lambda entry: -entry[0])]
        hits = torch.tensor(ranked, dtype=torch.float64).cumsum(0)
        precision = hits / torch.arange(1, len(ranked) + 1)
        best = [precision[hits / count >= step / 100] for step in range(101)]
        values.append(sum(part.max().item() if len(part) else 0 for part in best) / 101)
    return sum(values) / len(values)


@torch.no_grad()
def evaluate(model, images, items):
    model.eval()
    parts = [decoded(model(part)) for part in images.split(250)]
    model.train()
    probabilities = torch.cat([logits.sigmoid() for logits, _ in parts])
    boxes = torch.cat([boxes for _, boxes in parts])
    return {
        "mAP@0.5": average_precision(probabilities, boxes, items, KIND_OF_CLASS),
        "mAP@0.5 of ten classes": average_precision(probabilities, boxes, items, list(range(CLASSES)))}


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    arguments = common.begin(parser)
    data = common.generated("detect", arguments)
    images, items = data["train_images"], data["train_items"]
    test, test_items = data["test_images"].float().div(255).unsqueeze(1), data["test_items"]
    results = common.Results(
        "detect", "Clothing in scenes, by a detector",
        "find the items in a cluttered scene, with boxes: tops, trousers, dresses, bags and shoes",
        f"{len(images)} scenes of Fashion-MNIST's pictures; {len(test)} of pictures held out to test on", arguments)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    steps = arguments.epochs * -(-len(images) // arguments.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps, cycle_momentum=False)
    step = last = 0
    for epoch, indices in common.batches(len(images), arguments.batch, arguments.epochs, arguments.steps, arguments.seed):
        if epoch != last:
            last = epoch
            for name, value in evaluate(model, test, test_items).items():
                results.point(f"test {name}", step, value)
        labels, boxes = wanted(items[indices])
        found = losses(model(images[indices].float().div(255).unsqueeze(1)), labels, boxes)
        optimizer.zero_grad()
        sum(found).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimizer.step()
        schedule.step()
        step += 1
        for name, loss in zip(("classes", "boxes"), found):
            results.point(f"training {name}", step, loss)
    for name, value in evaluate(model, test, test_items).items():
        results.point(f"test {name}", step, value)
        results.add(name, value, "", "higher", 0.95 if name == "mAP@0.5" else None)
    results.finish(model, step)


if __name__ == "__main__":
    main()
