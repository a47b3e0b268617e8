# Writes heads.safetensors: fusion heads on the formula of README.md, each in another form than mien computes it in.
# Needs PyTorch and safetensors: python make_heads.py
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = Path(__file__).parent
BATCH, TEXT, FACE, WIDTH, HIDDEN, LABELS, RANK = 8, 12, 20, 16, 8, 5, 3


def uniform(name, shape):
    n = int(np.prod(shape))
    mask = np.uint64(0xFFFFFFFF)
    x = np.arange(n, dtype=np.uint64) + zlib.crc32(name.encode())
    x = (x & mask) * np.uint64(0x9E3779B9) & mask
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & mask
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & mask
    x ^= x >> np.uint64(16)
    return (x.astype(np.float64) / 2**31 - 1).astype(np.float32).reshape(shape)


class Parameters(dict):
    """Leaf tensors by name, made by the formula when they are first asked for."""

    def get(self, name, *shape):
        if name not in self:
            u = uniform(name, shape)
            bias = name.endswith("bias") or ".bias_" in name
            if bias:
                offset, scale = 0, 0.1
            elif len(shape) == 1:
                offset, scale = 1, 0.1
            else:
                offset, scale = 0, np.sqrt(6 / np.prod(shape[1:]))
            self[name] = torch.from_numpy(np.float32(offset) + u * np.float32(scale)).requires_grad_()
        return self[name]

    def linear(self, name, x, width):
        return F.linear(x, self.get(f"{name}.weight", width, x.shape[-1]), self.get(f"{name}.bias", width))

    def one_step(self, x):
        bias = self.get("lstm.bias_ih_l0", 3 * HIDDEN) + self.get("lstm.bias_hh_l0", 3 * HIDDEN)
        i, g, o = (x @ self.get("lstm.weight_ih_l0", 3 * HIDDEN, x.shape[-1]).T + bias).chunk(3, dim=1)
        return o.sigmoid() * (i.sigmoid() * g.tanh()).tanh()


def low_rank(p):
    """The whole weight tensor, of which mien knows the factors only."""
    text = p.linear("text", torch.from_numpy(uniform("text", (BATCH, TEXT))), WIDTH)
    face = p.linear("face", torch.from_numpy(uniform("face", (BATCH, FACE))), WIDTH)

    def factors(name):
        weight = p.get(f"low-rank.{name}.weight", RANK * WIDTH, WIDTH)
        bias = p.get(f"low-rank.{name}.bias", RANK * WIDTH)
        return torch.cat([weight, bias[:, None]], dim=1).reshape(RANK, WIDTH, WIDTH + 1)

    tensor = torch.einsum("rot,rov->otv", factors("text"), factors("face"))
    one = torch.ones(BATCH, 1)
    z_text, z_face = torch.cat([text, one], dim=1), torch.cat([face, one], dim=1)
    fused = torch.einsum("otv,bt,bv->bo", tensor, z_text, z_face) + p.get("low-rank.bias", WIDTH)
    return p.linear("classifier", p.one_step(fused), LABELS)


golden = {}
for name, head in {"low-rank": low_rank}.items():
    parameters = Parameters()
    logits = head(parameters)
    loss = F.cross_entropy(logits, torch.arange(BATCH) % LABELS)
    loss.backward()
    golden[f"{name} logits"] = logits.detach().numpy()
    golden[f"{name} loss"] = np.array([loss.item()], np.float32)
    for key, value in parameters.items():
        golden[f"{name} grad.{key}"] = value.grad.numpy()
save_file(golden, HERE / "heads.safetensors")
