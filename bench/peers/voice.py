# The encoder of a Whisper in PyTorch up to a block, at each clip's own length, mean over time.
import json
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F

from rounds import options, serve

given = options()
torch.set_num_threads(given["threads"])
torch.set_num_interop_threads(1)


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            data = np.frombuffer(body[start:end], np.float32).reshape(entry["shape"])
            tensors[name.removeprefix("model.").removeprefix("encoder.")] = torch.from_numpy(data.copy())
    return tensors


config = json.load(open(os.path.join(given["folder"], "config.json")))
width, heads = config["d_model"], config["encoder_attention_heads"]
weights = read_safetensors(os.path.join(given["folder"], "model.safetensors"))
filters = torch.tensor(np.fromfile(given["filters"], np.float32)).reshape(config["num_mel_bins"], 201)
clips = [torch.tensor(row) for row in np.split(np.fromfile(given["clips"], np.float32), np.cumsum(given["lengths"])[:-1])]
window = torch.hann_window(400)


def linear(name, x):
    return F.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def norm(name, x):
    return F.layer_norm(x, (width,), weights[f"{name}.weight"], weights[f"{name}.bias"])


def log_mel(samples):
    power = torch.stft(samples, 400, 160, window=window, return_complex=True)[:, :-1].abs().square()
    decades = (filters @ power).clamp(min=1e-10).log10()
    return (torch.maximum(decades, decades.max() - 8) + 4) / 4


@torch.inference_mode()
def encode(samples):
    x = log_mel(samples)[None]
    x = F.gelu(F.conv1d(x, weights["conv1.weight"], weights["conv1.bias"], padding=1))
    x = F.gelu(F.conv1d(x, weights["conv2.weight"], weights["conv2.bias"], stride=2, padding=1))
    x = x.transpose(1, 2)
    x = x + weights["embed_positions.weight"][: x.shape[1]]
    for block in range(given["block"]):
        at = f"layers.{block}"
        y = norm(f"{at}.self_attn_layer_norm", x)
        q, k, v = (
            linear(f"{at}.self_attn.{part}_proj", y).view(1, -1, heads, width // heads).transpose(1, 2) for part in "qkv"
        )
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, -1, width)
        x = x + linear(f"{at}.self_attn.out_proj", y)
        y = F.gelu(linear(f"{at}.fc1", norm(f"{at}.final_layer_norm", x)))
        x = x + linear(f"{at}.fc2", y)
    return x.mean(1)[0]


serve(
    f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads",
    {
        "encode": lambda: [encode(clip) for clip in clips],
        "write": lambda file: torch.stack([encode(clip) for clip in clips]).numpy().tofile(file),
    },
)
