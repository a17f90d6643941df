"""What the classifiers of Fashion-MNIST have in common in PyTorch: `FashionOptions.classify` of Examples/ExampleSupport."""
import torch
import torch.nn.functional as F

import common


def flipped(images):
    """Half of the pictures, each from left to right."""
    return torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)


def moved(images, padding):
    """Each picture as a part of its size of one with zeros around it."""
    n, _, height, width = images.shape
    padded = F.pad(images, (padding,) * 4)
    row = torch.randint(0, 2 * padding + 1, (n, 1)) + torch.arange(height)
    column = torch.randint(0, 2 * padding + 1, (n, 1)) + torch.arange(width)
    return padded[torch.arange(n)[:, None, None], 0, row[:, :, None], column[:, None, :]].unsqueeze(1)


def classify(name, title, network, batch, epochs, rate, decay, must_reach, augment):
    parser = common.options(f"Examples/{name} in PyTorch")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--learning-rate", type=float, default=rate)
    arguments = common.begin(parser)
    results = common.Results(
        name, title, "tell ten kinds of clothing apart", "Fashion-MNIST: 60,000 pictures, 10,000 to test on", arguments)
    (images, labels), (test, test_labels) = common.fashion("train"), common.fashion("t10k")
    if arguments.quick:
        test, test_labels = test[:256], test_labels[:256]
    model = network()

    def evaluate(step):
        model.eval()
        with torch.no_grad():
            logits = torch.cat([model(part) for part in test.split(500)])
        model.train()
        accuracy = (logits.argmax(1) == test_labels).float().mean().item()
        results.point("test loss", step, F.cross_entropy(logits, test_labels))
        results.point("test accuracy", step, accuracy)
        print(f"step {step}: test accuracy {100 * accuracy:.2f} %", flush=True)
        return accuracy

    optimizer = torch.optim.AdamW(model.parameters(), arguments.learning_rate, weight_decay=decay)
    steps = -(-len(images) // arguments.batch) * arguments.epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.learning_rate, total_steps=steps, cycle_momentum=False)
    step = last = 0
    for epoch, indices in common.batches(
        len(images), arguments.batch, arguments.epochs, arguments.steps, arguments.seed
    ):
        if epoch != last:
            last = epoch
            evaluate(step)
        logits = model(augment(images[indices]))
        loss = F.cross_entropy(logits, labels[indices])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        step += 1
        results.point("training loss", step, loss)
        results.point("training accuracy", step, (logits.argmax(1) == labels[indices]).float().mean())
    results.add("test accuracy", 100 * evaluate(step), "%", "higher", must_reach)
    results.finish(model, step)
