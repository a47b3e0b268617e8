# A timm EfficientNet in PyTorch: channels-last, inference mode, the batch size that turns out fastest here.
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

import torchvision_ops  # noqa: F401  (before timm)

import timm
from PIL import Image
from safetensors.torch import load_file

from rounds import fastest, options, serve

given = options()
torch.set_num_threads(given["threads"])
size = given["size"]
files = json.load(open(given["files"]))
pixels = np.fromfile(given["pixels"], np.uint8).reshape(len(files), size, size, 3)

model = timm.create_model(given["architecture"], num_classes=0)
weights = {name: value for name, value in load_file(given["weights"]).items() if not name.startswith("classifier.")}
absent, unknown = model.load_state_dict(weights, strict=False)
assert not unknown and all(name.endswith("num_batches_tracked") for name in absent)
mean = torch.tensor(model.pretrained_cfg["mean"]) * 255
scale = 1 / (torch.tensor(model.pretrained_cfg["std"]) * 255)
plain = model.eval().to(memory_format=torch.channels_last)
with torch.inference_mode():
    example = torch.zeros(2, 3, size, size).to(memory_format=torch.channels_last)
    # Freezing folds the batch norms into the convolutions.
    models = {"plain": plain, "frozen": torch.jit.freeze(torch.jit.trace(plain, example))}


@torch.inference_mode()
def encode(images, choice):
    kind, batch = choice
    parts = []
    for start in range(0, len(images), batch):
        rows = torch.from_numpy(images[start : start + batch])
        # Rows of pixels are channels-last already: the permuted view needs no copy.
        parts.append(models[kind](((rows - mean) * scale).permute(0, 3, 1, 2)))
    return torch.cat(parts)


def decoded(part):
    images = [Image.open(file).convert("RGB").resize((size, size), Image.Resampling.BICUBIC) for file in part]
    return np.stack([np.asarray(image) for image in images])


def decode_and_encode(choice):
    """Decodes one batch while the one before is encoded."""
    batch = choice[1]
    batches = [files[start : start + batch] for start in range(0, len(files), batch)]
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(decoded, batches[0])
        parts = []
        for i in range(len(batches)):
            images = waiting.result()
            if i + 1 < len(batches):
                waiting = ahead.submit(decoded, batches[i + 1])
            parts.append(encode(images, choice))
    return torch.cat(parts)


def write(file, embeddings):
    embeddings.numpy().astype(np.float32).tofile(file)


def best(kind):
    batches = [(kind, batch) for batch in (8, 16, 32, 64) if batch <= len(files)]
    return fastest(batches, lambda candidate: encode(pixels[:256], candidate))


best_of = {kind: best(kind) for kind in models}
tasks = {
    "write": lambda file: write(file, encode(pixels, best_of["plain"])),
    "write from files": lambda file: write(file, decode_and_encode(best_of["plain"])),
}
for kind, choice in best_of.items():
    tasks[f"encode {kind}"] = lambda choice=choice: encode(pixels, choice)
    tasks[f"decode and encode {kind}"] = lambda choice=choice: decode_and_encode(choice)
serve(
    f"PyTorch {torch.__version__}, timm {timm.__version__}, {torch.get_num_threads()} threads, channels-last, "
    + ", ".join(f"{kind} model in batches of {batch}" for kind, batch in best_of.values())
    + " (fastest of those tried)",
    tasks,
)
