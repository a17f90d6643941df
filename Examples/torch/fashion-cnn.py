"""Examples/fashion-cnn in PyTorch: two convolutions on Fashion-MNIST."""
import torch
import torch.nn as nn
import torch.nn.functional as F

import common


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


EXCHANGES = [common.Exchange(network, lambda: {"input": torch.rand(8, 1, 28, 28)})]


@torch.no_grad()
def evaluate(model, images, labels):
    """The mean loss and the accuracy."""
    model.eval()
    logits = torch.cat([model(part) for part in images.split(500)])
    model.train()
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).float().mean().item()


def main():
    parser = common.options(__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=128)
    arguments = common.begin(parser)
    results = common.Results(
        "fashion-cnn", "Clothing, by two convolutions", "tell ten kinds of clothing apart",
        "Fashion-MNIST: 60,000 pictures, 10,000 to test on", arguments)
    (images, labels), (test, test_labels) = common.fashion("train"), common.fashion("t10k")
    if arguments.quick:
        test, test_labels = test[:256], test_labels[:256]
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    step = 0
    last = 0
    for epoch, indices in common.batches(len(images), arguments.batch, arguments.epochs, arguments.steps, arguments.seed):
        if epoch != last:
            last = epoch
            loss, accuracy = evaluate(model, test, test_labels)
            results.point("test loss", step, loss)
            results.point("test accuracy", step, accuracy)
        logits = model(images[indices])
        loss = F.cross_entropy(logits, labels[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        results.point("training loss", step, loss)
        results.point("training accuracy", step, (logits.argmax(1) == labels[indices]).float().mean())
    loss, accuracy = evaluate(model, test, test_labels)
    results.point("test loss", step, loss)
    results.point("test accuracy", step, accuracy)
    results.add("test accuracy", 100 * accuracy, "%", "higher")
    results.finish(model, step)


if __name__ == "__main__":
    main()
