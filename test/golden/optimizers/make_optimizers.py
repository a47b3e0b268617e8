# Parameters after every step of PyTorch's optimisers, for gradients from the formula of test/golden/README.md.
# Run with PyTorch 2.x: python make_optimizers.py > optimizers.json
import json
import zlib

import numpy as np
import torch

SHAPES = {"weight": [2, 3], "bias": [3], "scale": []}
STEPS = 6


def uniform(name, n):
    """The formula of test/golden/README.md."""
    x = np.arange(n, dtype=np.uint64) + zlib.crc32(name.encode())
    mask = np.uint64(0xFFFFFFFF)
    x = (x & mask) * np.uint64(0x9E3779B9) & mask
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & mask
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & mask
    x ^= x >> np.uint64(16)
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32).astype(np.float64)


def tensor(name, shape):
    return torch.tensor(uniform(name, int(np.prod(shape)))).reshape(shape)


def run(make, clip=None, rate=None):
    """Parameters after each step, flattened, in float64."""
    parameters = {name: torch.nn.Parameter(tensor(name, shape)) for name, shape in SHAPES.items()}
    optimizer = make(parameters)
    after = []
    for step in range(STEPS):
        for name, shape in SHAPES.items():
            parameters[name].grad = tensor(f"gradient {step} {name}", shape)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters.values(), clip)
        if rate is not None:
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
        optimizer.step()
        after.append({name: value.detach().flatten().tolist() for name, value in parameters.items()})
    return after


def everything(optimizer, **options):
    return lambda parameters: optimizer(parameters.values(), **options)


def weights_decay(parameters):
    return torch.optim.AdamW(
        [
            {"params": [parameters["weight"]], "weight_decay": 0.5},
            {"params": [parameters["bias"], parameters["scale"]], "weight_decay": 0.0},
        ],
        lr=0.05,
    )


optim = torch.optim
cases = {
    "sgd": run(everything(optim.SGD, lr=0.1)),
    "sgd with momentum": run(everything(optim.SGD, lr=0.1, momentum=0.9)),
    "sgd with momentum and penalty": run(everything(optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.2)),
    "adam": run(everything(optim.Adam, lr=0.05)),
    "adam with other constants": run(everything(optim.Adam, lr=0.05, betas=(0.7, 0.9), eps=1e-2)),
    "adam with penalty": run(everything(optim.Adam, lr=0.05, weight_decay=0.2)),
    "adam with a changing rate": run(everything(optim.Adam, lr=1.0), rate=lambda step: 0.02 * (step + 1)),
    "adamW": run(everything(optim.AdamW, lr=0.05)),
    "adamW with a changing rate": run(
        everything(optim.AdamW, lr=1.0, weight_decay=0.3), rate=lambda step: 0.02 * (step + 1)
    ),
    "adamW where only weights decay": run(weights_decay),
    "sgd after clipping": run(everything(optim.SGD, lr=0.1), clip=0.5),
    "sgd after clipping at a norm that is not reached": run(everything(optim.SGD, lr=0.1), clip=50.0),
    "adam after clipping": run(everything(optim.Adam, lr=0.05, eps=0.1), clip=0.5),
}
print(json.dumps({"torch": torch.__version__, "shapes": SHAPES, "steps": STEPS, "cases": cases}))
