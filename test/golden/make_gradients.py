# Writes efficientnet_b0_gradients.safetensors: one training step of timm's EfficientNet-B0 on the formula of README.md.
# Needs PyTorch, timm and safetensors: python make_gradients.py
import zlib
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = Path(__file__).parent


def uniform(name, n):
    x = np.arange(n, dtype=np.uint64) + zlib.crc32(name.encode())
    mask = np.uint64(0xFFFFFFFF)
    x = (x & mask) * np.uint64(0x9E3779B9) & mask
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & mask
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & mask
    x ^= x >> np.uint64(16)
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32)


def weight(name, shape):
    u = uniform(name, int(np.prod(shape)))
    if name.endswith("running_var"):
        offset, scale = 1, 0.2
    elif name.endswith(("running_mean", "bias")):
        offset, scale = 0, 0.1
    elif len(shape) == 1:
        offset, scale = 1, 0.1
    else:
        offset, scale = 0, np.sqrt(6 / np.prod(shape[1:]))
    return (np.float32(offset) + u * np.float32(scale)).reshape(shape)


model = timm.create_model("efficientnet_b0", num_classes=7).train()
state = model.state_dict()
for name, value in state.items():
    if value.is_floating_point():
        state[name] = torch.from_numpy(weight(name, tuple(value.shape)))
model.load_state_dict(state)
images = torch.from_numpy(uniform("image_40", 4 * 3 * 40 * 40).reshape(4, 3, 40, 40))
loss = F.cross_entropy(model(images), torch.arange(4))
loss.backward()
gradients = {name: p.grad.numpy() for name, p in model.named_parameters()}
after = model.state_dict()
save_file(
    {
        "loss": np.array([loss.item()], np.float32),
        **{f"grad_norm.{name}": np.array([np.linalg.norm(g)], np.float32) for name, g in gradients.items()},
        **{f"grad.{name}": gradients[name] for name in ("conv_stem.weight", "blocks.4.0.conv_dw.weight")},
        "running_mean.blocks.4.0.bn2": after["blocks.4.0.bn2.running_mean"].numpy(),
        "running_var.blocks.4.0.bn2": after["blocks.4.0.bn2.running_var"].numpy(),
    },
    HERE / "efficientnet_b0_gradients.safetensors",
)
