"""Examples/moving-items in PyTorch: convolutions in three dimensions on clips, and in two on a single frame.

The clips are those of the program, which writes them: RELEASE is the folder that it is in (default .build/release).
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import common

CLASSES, DIRECTIONS = 5, 8


class MovingItemsNetwork(nn.Module):
    def __init__(self, view="clip"):
        super().__init__()
        self.view = view
        convolution, norm, pool, stride, extent = (
            (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, (1, 2, 2), 2 * 4 * 4) if view == "clip"
            else (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, 2, 4 * 4))
        self.features = nn.Sequential(
            convolution(1, 16, 3, stride, 1, bias=False), norm(16), nn.ReLU(),
            convolution(16, 32, 3, 1, 1, bias=False), norm(32), nn.ReLU(), pool(2),
            convolution(32, 64, 3, 1, 1, bias=False), norm(64), nn.ReLU(), pool(2),
            nn.Flatten(), nn.Linear(extent * 64, 128), nn.ReLU())
        self.classes, self.directions = nn.Linear(128, CLASSES), nn.Linear(128, DIRECTIONS)

    def forward(self, x):
        features = self.features(x if self.view == "clip" else x[:, :, x.shape[2] // 2])
        return torch.cat([self.classes(features), self.directions(features)], 1)


EXCHANGES = [
    common.Exchange(
        lambda view=view: MovingItemsNetwork(view), lambda: {"input": torch.rand(4, 1, 8, 32, 32)},
        arguments=["--view", view], name=view)
    for view in ("clip", "frame")
]


@torch.no_grad()
def evaluate(model, clips, classes, directions):
    model.eval()
    output = torch.cat([model(part.float().div(255).unsqueeze(1)) for part in clips.split(250)])
    model.train()
    return {
        "direction accuracy": 100 * (output[:, CLASSES:].argmax(1) == directions).float().mean().item(),
        "class accuracy": 100 * (output[:, :CLASSES].argmax(1) == classes).float().mean().item()}


def train(view, data, arguments, results):
    """Gives the trained network, its number of steps and its figures."""
    model = MovingItemsNetwork(view)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    count = len(data["train_clips"])
    steps = arguments.epochs * -(-count // arguments.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, cycle_momentum=False)
    test = [data["test_clips"], data["test_classes"], data["test_directions"]]
    step = last = 0
    for epoch, indices in common.batches(count, arguments.batch, arguments.epochs, arguments.steps, arguments.seed):
        if epoch != last and view == "clip":
            last = epoch
            for name, value in evaluate(model, *test).items():
                results.point(f"test {name}", step, value / 100)
        output = model(data["train_clips"][indices].float().div(255).unsqueeze(1))
        losses = {
            "class": F.cross_entropy(output[:, :CLASSES], data["train_classes"][indices].long()),
            "direction": F.cross_entropy(output[:, CLASSES:], data["train_directions"][indices].long())}
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        schedule.step()
        step += 1
        if view == "clip":
            for name, loss in losses.items():
                results.point(f"training {name}", step, loss)
    return model, step, evaluate(model, *test)


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=64)
    arguments = common.begin(parser)
    data = common.generated("moving-items", arguments)
    results = common.Results(
        "moving-items", "Moving clothing, by convolutions in three dimensions",
        "tell what moves in a noisy clip of eight frames, five classes, and where to, eight directions",
        f"{len(data['train_clips'])} clips of Fashion-MNIST's pictures; {len(data['test_clips'])} of pictures held out to test on",
        arguments)
    model, step, whole = train("clip", data, arguments, results)
    for name, value in whole.items():
        results.point(f"test {name}", step, value / 100)
        results.add(name, value, "%", "higher", 95)
    for name, value in train("frame", data, arguments, results)[2].items():
        results.add(f"{name} from one frame", value, "%", "higher")
        results.add(name.replace(" accuracy", ": gain over one frame"), whole[name] - value, "%", "higher", 0)
    results.finish(model, step)


if __name__ == "__main__":
    main()
