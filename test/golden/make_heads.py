# Writes heads.safetensors: fusion heads on the formula of README.md, each in another form than mien computes it in.
# Needs PyTorch and safetensors: python make_heads.py
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

HERE = Path(__file__).parent
BATCH, TEXT, FACE, WIDTH, HIDDEN, LABELS, RANK, NARROW = 8, 12, 20, 16, 8, 5, 3, 4
TOKENS, REGIONS, HEADS, LAYERS = 5, 4, 2, 2


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


def tensor(p):
    """The outer product of both sides, each projected and with a 1 appended."""
    text = p.linear("text", torch.from_numpy(uniform("text", (BATCH, TEXT))), WIDTH)
    face = p.linear("face", torch.from_numpy(uniform("face", (BATCH, FACE))), WIDTH)
    one = torch.ones(BATCH, 1)
    z_text, z_face = (torch.cat([p.linear(f"tensor.{name}", of, NARROW), one], dim=1)
                      for name, of in (("text", text), ("face", face)))
    fused = torch.einsum("bt,bv->btv", z_text, z_face).reshape(BATCH, -1)
    return p.linear("classifier", p.one_step(fused), LABELS)


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


def sequences(p):
    """Projected tokens and regions, and which are there: item i has 1 + i mod 5 tokens, and all regions."""
    text = p.linear("text", torch.from_numpy(uniform("tokens", (BATCH, TOKENS, TEXT))), WIDTH)
    face = p.linear("face", torch.from_numpy(uniform("regions", (BATCH, REGIONS, FACE))), WIDTH)
    there = torch.arange(TOKENS) < 1 + torch.arange(BATCH)[:, None] % TOKENS
    return text, face + p.get("regions.position", REGIONS, WIDTH), there, torch.ones(BATCH, REGIONS, dtype=bool)


def layer_norm(p, name, x):
    return F.layer_norm(x, (WIDTH,), p.get(f"{name}.weight", WIDTH), p.get(f"{name}.bias", WIDTH))


def attention(p, name, queries, memory, there):
    weights = [p.get(f"{name}.{part}.weight", WIDTH, WIDTH) for part in ("query", "key", "value")]
    # A bias of the keys would move all scores of a query alike: it changes nothing.
    biases = [p.get(f"{name}.query.bias", WIDTH), torch.zeros(WIDTH), p.get(f"{name}.value.bias", WIDTH)]
    output = p.get(f"{name}.output.weight", WIDTH, WIDTH), p.get(f"{name}.output.bias", WIDTH)
    return F.multi_head_attention_forward(
        *(x.transpose(0, 1) for x in (queries, memory, memory)),
        embed_dim_to_check=WIDTH, num_heads=HEADS, in_proj_weight=torch.cat(weights), in_proj_bias=torch.cat(biases),
        bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0.0,
        out_proj_weight=output[0], out_proj_bias=output[1], key_padding_mask=~there,
    )[0].transpose(0, 1)


def cross_attention(p):
    text, face, tokens, regions = sequences(p)

    def joined(name, queries, own, memory, there):
        taken = attention(p, name, queries, memory, there)
        states = layer_norm(p, f"{name}.norm", queries + taken)
        return torch.stack([row[which].mean(dim=0) for row, which in zip(states, own)])

    both = [joined("face-to-text", face, regions, text, tokens), joined("text-to-face", text, tokens, face, regions)]
    return p.linear("classifier", p.one_step(torch.cat(both, dim=1)), LABELS)


def transformer(p):
    """All states of all layers are computed, where mien leaves out what the class token does not need."""
    text, face, tokens, regions = sequences(p)
    first = p.get("class", 1, 1, WIDTH).expand(BATCH, 1, WIDTH)
    x = torch.cat([first, text + p.get("modality.text", 1, WIDTH), face + p.get("modality.face", 1, WIDTH)], dim=1)
    there = torch.cat([torch.ones(BATCH, 1, dtype=bool), tokens, regions], dim=1)
    for i in range(LAYERS):
        name = f"layers.{i}"
        before = layer_norm(p, f"{name}.norm1", x)
        x = x + attention(p, f"{name}.attention", before, before, there)
        inner = F.gelu(p.linear(f"{name}.linear1", layer_norm(p, f"{name}.norm2", x), 2 * WIDTH))
        x = x + p.linear(f"{name}.linear2", inner, WIDTH)
    return p.linear("classifier", layer_norm(p, "norm", x)[:, 0], LABELS)


golden = {}
for name, head in {"tensor": tensor, "low-rank": low_rank, "cross-attention": cross_attention, "transformer": transformer}.items():
    parameters = Parameters()
    logits = head(parameters)
    loss = F.cross_entropy(logits, torch.arange(BATCH) % LABELS)
    loss.backward()
    golden[f"{name} logits"] = logits.detach().numpy()
    golden[f"{name} loss"] = np.array([loss.item()], np.float32)
    for key, value in parameters.items():
        golden[f"{name} grad.{key}"] = value.grad.numpy()
save_file(golden, HERE / "heads.safetensors")
