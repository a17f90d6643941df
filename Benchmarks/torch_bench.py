#!/usr/bin/env python3
"""PyTorch, on CUDA or on this machine's processor, over the benchmark cases, as JSON lines that `gpu-bench compare` reads.

    python torch_bench.py --cases cases.txt [--case CASE]… [--runs 7] [--tf32] [--device cuda|cpu] [--threads 2]

Each line: {"peer", "case", "pass": "fwd" | "fwdbwd", "ms" (median), "min_ms", "q1_ms", "q3_ms"}. Two warm-ups, then every
run is timed from an idle device to an idle device, as gpu-bench times its own. cudnn.benchmark is on. A case whose type is
tf32, or every float32 case with --tf32, may use TF32; the others may not.
"""
import argparse, json, statistics, sys, time

import torch
import torch.nn as nn
import torch.nn.functional as F

TYPES = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def parse(case):
    family, _, rest = case.partition(":")
    pairs = dict(pair.split("=") for pair in rest.split(",")) if rest else {}
    return family, {key: int(value) if value.lstrip("-").isdigit() else value for key, value in pairs.items()}


def operation(family, p, device):
    """The function of a case and its inputs."""
    get, dtype = p.get, TYPES[p.get("type", "f32")]

    def normal(*shape):
        return torch.randn(*shape, device=device).to(dtype)

    if family == "matmul":
        batch = (p["batch"],) if get("batch", 1) > 1 else ()

        def matrix(rows, columns, transposed):
            return normal(*batch, *((columns, rows) if transposed else (rows, columns)))

        ta, tb = get("ta", 0), get("tb", 0)
        inputs = matrix(p["m"], p["k"], ta), matrix(p["k"], p["n"], tb)
        return (lambda a, b: (a.mT if ta else a) @ (b.mT if tb else b)), inputs
    if family in ("conv1d", "conv2d", "conv3d"):
        groups, axes = get("groups", 1), int(family[4])
        options = dict(stride=get("stride", 1), padding=get("pad", 0), dilation=get("dilation", 1), groups=groups)
        extents, taps = "dhw"[-axes:], "trs"[-axes:]
        inputs = (
            normal(p["n"], p["c"], *(p[key] for key in extents)),
            normal(p["k"], p["c"] // groups, *(p[key] for key in taps)),
        )
        convolve = getattr(F, family)
        return (lambda x, w: convolve(x, w, **options)), inputs
    if family == "attention":
        inputs = [normal(p["b"], p["h"], rows, p["d"]) for rows in (p["sq"], p["sk"], p["sk"])]
        causal = bool(get("causal", 0))
        return (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal)), inputs
    if family == "softmax":
        return (lambda x: F.softmax(x, -1)), (normal(p["rows"], p["cols"]),)
    if family == "layernorm":
        c = p["cols"]
        return (lambda x, s, b: F.layer_norm(x, (c,), s, b)), (normal(p["rows"], c), normal(c), normal(c))
    if family == "batchnorm2d":
        c = p["c"]
        return (
            lambda x, s, b: F.batch_norm(x, None, None, s, b, training=True)
        ), (normal(p["n"], c, p["h"], p["w"]), normal(c), normal(c))
    if family == "maxpool2d":
        return (lambda x: F.max_pool2d(x, p["r"], p["stride"])), (normal(p["n"], p["c"], p["h"], p["w"]),)
    if family == "rmsnorm":
        c = p["cols"]
        return (lambda x, s: F.rms_norm(x, (c,), s)), (normal(p["rows"], c), normal(c))
    if family == "groupnorm":
        c = p["c"]
        inputs = normal(p["n"], c, p["h"], p["w"]), normal(c), normal(c)
        return (lambda x, s, b: F.group_norm(x, p["groups"], s, b)), inputs
    if family == "interpolate":
        order, size = get("order", 0), (p["p"], p["q"])
        options = {"align_corners": bool(get("aligned", 0))} if order else {}
        mode = {0: "nearest", 1: "bilinear", 3: "bicubic"}[order]
        return (lambda x: F.interpolate(x, size=size, mode=mode, **options)), (normal(p["n"], p["c"], p["h"], p["w"]),)
    if family == "gather":
        axis, count, shape = get("axis", 0), p["count"], [p["rows"], p["cols"]]
        extent, x = shape[axis], normal(*shape)
        shape[axis] = count
        if get("slices", 0):
            indices = torch.randint(0, extent, (count,), device=device)
            return (lambda x, indices: x.index_select(axis, indices)), (x, indices)
        return (lambda x, indices: x.gather(axis, indices)), (x, torch.randint(0, extent, shape, device=device))
    if family == "cumsum":
        return (lambda x: x.cumsum(get("axis", 0))), (normal(p["rows"], p["cols"]),)
    if family == "topk":
        return (lambda x: x.topk(p["k"])[0]), (normal(p["rows"], p["cols"]),)
    if family == "pool":
        extents = [p[key] for key in "dhw" if get(key, 0)]
        mode, k, stride = get("mode", "max"), p["k"], get("s", 0) or p["k"]
        options = dict(padding=get("p", 0), ceil_mode=bool(get("ceil", 0)))
        if mode == "norm":
            pool = lambda x: getattr(F, f"lp_pool{len(extents)}d")(x, 2.0, k, stride)
        else:
            function = getattr(F, {"max": "max_pool", "average": "avg_pool"}[mode] + f"{len(extents)}d")
            pool = lambda x: function(x, k, stride, **options)
        return pool, (normal(p["n"], p["c"], *extents),)
    raise KeyError(family)


def operation_passes(family, p, device):
    function, inputs = operation(family, p, device)
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    cotangent = torch.randn_like(function(*inputs))

    def forward():
        with torch.no_grad():
            function(*inputs)

    def both():
        for leaf in leaves:
            leaf.grad = None
        function(*leaves).backward(cotangent)

    return forward, both


def recurrent_passes(family, p, device):
    module = {"lstm": nn.LSTM, "gru": nn.GRU}[family](p["i"], p["h"]).to(device)
    x = torch.randn(p["t"], p["b"], p["i"], device=device)
    cotangent = torch.randn(p["t"], p["b"], p["h"], device=device)

    def forward():
        with torch.no_grad():
            module(x)

    def both():
        module.zero_grad()
        leaf = x.clone().requires_grad_()
        module(leaf)[0].backward(cotangent)

    return forward, both


class CharLSTM(nn.Module):
    def __init__(self, vocabulary=96, width=256):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(vocabulary, width), nn.LSTM(width, width)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.output(self.lstm(self.embedding(x))[0])


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.output(attended.transpose(1, 2).reshape(batch, steps, width))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class TinyTransformer(nn.Module):
    """4 blocks, width 256, 8 heads, context 256, vocabulary 96."""

    def __init__(self, vocabulary=96, width=256, context=256):
        super().__init__()
        self.embedding, self.position = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(context, width))
        self.blocks = nn.Sequential(*[Block(width, 8) for _ in range(4)])
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, x):
        return self.output(self.norm(self.blocks(self.embedding(x) + self.position)))


class SequenceTransformer(nn.Module):
    """An encoder and a decoder of 2 layers each with 4 heads over one vocabulary."""

    def __init__(self, vocabulary, width, inner, steps=12):
        super().__init__()
        self.embedding, self.output = nn.Embedding(vocabulary, width), nn.Linear(width, vocabulary)
        self.dropout = nn.Dropout(0.1)
        self.transformer = nn.Transformer(
            width, 4, 2, 2, inner, 0.1, activation="gelu", batch_first=True, norm_first=True)
        for module in self.modules():
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0
        angle = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)[None]
        self.register_buffer("positions", torch.stack([angle.sin(), angle.cos()], -1).flatten(-2))
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(steps))

    def forward(self, source, tokens):
        source, tokens = (self.dropout(self.embedding(x) + self.positions) for x in (source, tokens))
        return self.output(self.transformer(source, tokens, tgt_mask=self.mask, tgt_is_causal=True))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if inputs != outputs or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class FashionResNet(nn.Module):
    """A convolution, three residual blocks of 32, 64 and 128 channels, the mean, a linear map."""

    def __init__(self, width=32):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(
            ResidualBlock(width, width, 1), ResidualBlock(width, 2 * width, 2), ResidualBlock(2 * width, 4 * width, 2))
        self.output = nn.Linear(4 * width, 10)

    def forward(self, x):
        return self.output(self.blocks(F.relu(self.norm(self.stem(x)))).mean((2, 3)))


class DeepCross(nn.Module):
    """DCN-v2: 26 categorical fields of 1000 values embedded to 16, 13 dense; 3 cross layers beside an MLP 256-128."""

    def __init__(self, fields=26, values=1000, embedded=16, dense=13):
        super().__init__()
        width = fields * embedded + dense
        self.embedding = nn.Embedding(fields * values, embedded)
        self.register_buffer("first", torch.arange(fields) * values)
        self.cross = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        self.deep = nn.Sequential(nn.Linear(width, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        self.output = nn.Linear(width + 128, 1)

    def forward(self, categories, x):
        start = torch.cat([self.embedding(categories + self.first).flatten(1), x], 1)
        x = start
        for layer in self.cross:
            x = start * layer(x) + x
        return self.output(torch.cat([x, self.deep(start)], 1)).squeeze(1)


class RecurrentClassifier(nn.Module):
    """An embedding, a recurrent layer over sequences of 1 to 12 tokens, and a linear map of its last states; of both directions,
    of the greatest outputs."""

    def __init__(self, cell, vocabulary, classes, width, hidden, bidirectional=False):
        super().__init__()
        self.embedding, self.recurrence = nn.Embedding(vocabulary, width), cell(width, hidden, bidirectional=bidirectional)
        self.output = nn.Linear(2 * hidden if bidirectional else hidden, classes)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, enforce_sorted=False)
        outputs, last = self.recurrence(packed)
        if self.recurrence.bidirectional:
            return self.output(nn.utils.rnn.pad_packed_sequence(outputs)[0].amax(0).relu())
        return self.output((last[0] if isinstance(last, tuple) else last).transpose(0, 1).flatten(1))


class StackedCross(nn.Module):
    """DCN-v2, stacked: four categorical columns embedded to 16; 2 cross layers before an MLP 64-32."""

    def __init__(self, counts):
        super().__init__()
        self.embedding, width = nn.Embedding(sum(counts), 16), 16 * len(counts)
        self.register_buffer("first", torch.tensor([sum(counts[:column]) for column in range(len(counts))]))
        self.cross = nn.ModuleList([nn.Linear(width, width) for _ in range(2)])
        self.deep = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, categories):
        x = start = self.embedding(categories + self.first).flatten(1)
        for layer in self.cross:
            x = start * layer(x) + x
        return self.deep(x).squeeze(1)


def training_passes(p, device):
    batch, name = p["b"], p["model"]

    def integers(limit, *shape):
        return torch.randint(0, limit, shape, device=device)

    if name == "fashion-cnn":
        module = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
        inputs, target = (torch.randn(batch, 1, 28, 28, device=device),), integers(10, batch)
    elif name == "fashion-resnet":
        module = FashionResNet()
        inputs, target = (torch.randn(batch, 1, 28, 28, device=device),), integers(10, batch)
    elif name == "char-lstm":
        module, inputs, target = CharLSTM(), (integers(96, 64, batch),), integers(96, 64, batch)
    elif name == "tiny-transformer":
        module, inputs, target = TinyTransformer(), (integers(96, batch, 256),), integers(96, batch, 256)
    elif name == "deep-cross":
        module = DeepCross()
        inputs = integers(1000, batch, 26), torch.randn(batch, 13, device=device)
        target = integers(2, batch).float()
    elif name in ("package-sections", "word-language"):
        vocabulary, classes = (11592, 58) if name == "package-sections" else (51, 7)
        module = (
            RecurrentClassifier(nn.GRU, vocabulary, classes, 128, 128, bidirectional=True)
            if name == "package-sections" else RecurrentClassifier(nn.LSTM, vocabulary, classes, 64, 128))
        # Packing asks for lengths that the processor has.
        inputs, target = (integers(vocabulary, 12, batch), torch.randint(1, 13, (batch,))), integers(classes, batch)
    elif name == "movie-ratings":
        counts = [673, 4803, 100, 716]
        module = StackedCross(counts)
        inputs, target = (torch.stack([integers(count, batch) for count in counts], 1),), torch.randn(batch, device=device)
    elif name in ("translate", "stemming"):
        vocabulary, width, inner = {"translate": (4000, 256, 512), "stemming": (30, 128, 512)}[name]
        module = SequenceTransformer(vocabulary, width, inner)
        inputs, target = [integers(vocabulary, batch, 12) for _ in range(2)], integers(vocabulary, batch, 12)
    else:
        raise KeyError(name)
    module = module.to(device)

    def loss():
        y = module(*inputs)
        if name == "deep-cross":
            return F.binary_cross_entropy_with_logits(y, target)
        if name == "movie-ratings":
            return F.mse_loss(y, target)
        return F.cross_entropy(y.flatten(0, -2), target.flatten())

    optimizer = torch.optim.Adam(module.parameters(), fused=device.type == "cuda")

    def forward():
        with torch.no_grad():
            module(*inputs)

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return forward, step


def milliseconds(run, runs, synchronize):
    for _ in range(2):
        run()
    synchronize()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    first, _, third = statistics.quantiles(times, n=4, method="inclusive") if runs > 1 else times * 3
    figures = {"ms": statistics.median(times), "min_ms": min(times), "q1_ms": first, "q3_ms": third}
    return {name: round(figure, 4) for name, figure in figures.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases")
    arguments.add_argument("--case", action="append", default=[])
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--tf32", action="store_true")
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--threads", type=int, help="of the processor")
    arguments = arguments.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device")
    synchronize = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    cases = list(arguments.case)
    if arguments.cases:
        with open(arguments.cases) as lines:
            cases += [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for case in cases:
        family, p = parse(case)
        tf32 = p.get("type") == "tf32" or arguments.tf32
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        try:
            if family in ("lstm", "gru"):
                passes = recurrent_passes(family, p, device)
            elif family == "train":
                passes = training_passes(p, device)
            else:
                passes = operation_passes(family, p, device)
            for name, run in zip(("fwd", "fwdbwd"), passes):
                figures = milliseconds(run, arguments.runs, synchronize)
                peer = f"torch {torch.__version__}" + (" tf32" if tf32 else "")
                row = {"peer": peer, "case": case, "pass": name, **figures}
                print(json.dumps(row), flush=True)
        except torch.OutOfMemoryError as error:
            print(f"{case}: {error}", file=sys.stderr)
        del passes
        if device.type == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
