"""Writes whisper-small.safetensors: Whisper's front end, encoder and decoder in NumPy, float64, for a small configuration.

Weights come from the formula in README.md, the sound from `made_sound`. Needs numpy only.
With arguments FOLDER GOLDEN it checks itself instead: the published weights in FOLDER against PyTorch's outputs in GOLDEN.
"""

import json
import struct
import sys
import zlib
from math import erf
from pathlib import Path

import numpy as np

CONFIG = dict(bands=80, width=24, layers=2, heads=3, inner=40, positions=50)
DECODER = dict(vocabulary=60, width=24, layers=2, heads=2, inner=36, positions=20)
TOKENS = [5, 17, 3, 41, 59, 0, 17]


def uniform(name, n):
    x = (np.arange(n, dtype=np.uint64) + zlib.crc32(name.encode())) & 0xFFFFFFFF
    x = (x * 0x9E3779B9) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> 16
    return (x / 2**31 - 1).astype(np.float32)


def weight(name, shape):
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("bias") or ".bias_" in name or "embeddings.weight" in name:
        return u * np.float32(0.1)
    if len(shape) == 1:
        return 1 + u * np.float32(0.1)
    return u * np.float32(np.sqrt(6 / np.prod(shape[1:])))


def made_sound(n):
    t = np.arange(n) / 16000
    tones = 0.4 * np.sin(2 * np.pi * 220 * t) + 0.2 * np.sin(2 * np.pi * 1750 * t)
    return (tones * np.sin(2 * np.pi * 3 * t) ** 2 + 0.01 * uniform("sound", n)).astype(np.float32)


def mel_filters(bands):
    step = np.log(6.4) / 27
    mel = lambda f: f * 3 / 200 if f < 1000 else 15 + np.log(f / 1000) / step
    hertz = lambda m: m * 200 / 3 if m < 15 else 1000 * np.exp((m - 15) * step)
    edges = [hertz(m) for m in np.linspace(0, mel(8000), bands + 2)]
    f = np.linspace(0, 8000, 201)
    rows = []
    for a, b, c in zip(edges, edges[1:], edges[2:]):
        rows.append(np.maximum(0, np.minimum((f - a) / (b - a), (c - f) / (c - b))) * 2 / (c - a))
    return np.array(rows)


def log_mel(x, bands):
    x = np.pad(x.astype(np.float64), 200, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.stack([x[i : i + 400] * window for i in range(0, len(x) - 399, 160)])[:-1]
    power = np.abs(np.fft.rfft(frames)) ** 2
    y = np.log10(np.maximum(mel_filters(bands) @ power.T, 1e-10))
    return (np.maximum(y, y.max() - 8) + 4) / 4


gelu = np.vectorize(lambda v: v * (1 + erf(v / np.sqrt(2))) / 2)


def conv(x, w, b, stride):
    x = np.pad(x, ((0, 0), (1, 1)))
    return np.stack([np.tensordot(w, x[:, t : t + 3], 2) + b for t in range(0, x.shape[1] - 2, stride)], 1)


def norm(x, scale, shift):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c**2).mean(-1, keepdims=True) + 1e-5) * scale + shift


def encode(mel, get, width, layers, heads, inner, positions, bands):
    lin = lambda x, name, out, inp, bias=True: x @ get(name + ".weight", [out, inp]).T + (
        get(name + ".bias", [out]) if bias else 0
    )
    ln = lambda x, name: norm(x, get(name + ".weight", [width]), get(name + ".bias", [width]))
    x = gelu(conv(mel, get("conv1.weight", [width, bands, 3]), get("conv1.bias", [width]), 1))
    x = gelu(conv(x, get("conv2.weight", [width, width, 3]), get("conv2.bias", [width]), 2)).T
    x = x + get("embed_positions.weight", [positions, width])[: len(x)]
    states = [x]
    for i in range(layers):
        at = f"layers.{i}."
        y = ln(x, at + "self_attn_layer_norm")
        split = lambda name, bias=True: lin(y, at + "self_attn." + name, width, width, bias).reshape(len(y), heads, -1)
        q, k, v = split("q_proj"), split("k_proj", False), split("v_proj")
        s = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(width / heads)
        s = np.exp(s - s.max(-1, keepdims=True))
        s /= s.sum(-1, keepdims=True)
        x = x + lin(np.einsum("hqk,khd->qhd", s, v).reshape(len(y), width), at + "self_attn.out_proj", width, width)
        y = gelu(lin(ln(x, at + "final_layer_norm"), at + "fc1", inner, width))
        x = x + lin(y, at + "fc2", width, inner)
        states.append(x)
    return states, ln(x, "layer_norm")


def decode(tokens, states, get, vocabulary, width, layers, heads, inner, positions):
    """Logits `[tokens, vocabulary]` of the next token after each, all tokens at once."""
    lin = lambda x, name, out, inp: x @ get(name + ".weight", [out, inp]).T + get(name + ".bias", [out])
    ln = lambda x, name: norm(x, get(name + ".weight", [width]), get(name + ".bias", [width]))
    table = get("embed_tokens.weight", [vocabulary, width])
    n = len(tokens)
    x = table[tokens] + get("embed_positions.weight", [positions, width])[:n]

    def attend(name, query, source, mask):
        cut = lambda y: y.reshape(len(y), heads, -1)
        q, v = cut(lin(query, name + ".q_proj", width, width)), cut(lin(source, name + ".v_proj", width, width))
        k = cut(source @ get(name + ".k_proj.weight", [width, width]).T)
        s = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(width / heads) + mask
        s = np.exp(s - s.max(-1, keepdims=True))
        s /= s.sum(-1, keepdims=True)
        return lin(np.einsum("hqk,khd->qhd", s, v).reshape(n, width), name + ".out_proj", width, width)

    causal = np.where(np.tri(n) > 0, 0, -np.inf)
    for i in range(layers):
        at = f"layers.{i}."
        y = ln(x, at + "self_attn_layer_norm")
        x = x + attend(at + "self_attn", y, y, causal)
        x = x + attend(at + "encoder_attn", ln(x, at + "encoder_attn_layer_norm"), states, 0)
        y = gelu(lin(ln(x, at + "final_layer_norm"), at + "fc1", inner, width))
        x = x + lin(y, at + "fc2", width, inner)
    return ln(x, "layer_norm") @ table.T


def save(path, tensors):
    header, data = {}, b""
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value, np.float32).tobytes()
        header[name] = dict(dtype="F32", shape=list(value.shape), data_offsets=[len(data), len(data) + len(raw)])
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
    raw = Path(path).read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in ("F32", "I32"):
            a, b = entry["data_offsets"]
            dtype = np.float32 if entry["dtype"] == "F32" else np.int32
            out[name] = np.frombuffer(raw[8 + n + a : 8 + n + b], dtype).reshape(entry["shape"])
    return out


if len(sys.argv) == 3:
    weights, golden = load(Path(sys.argv[1]) / "model.safetensors"), load(sys.argv[2])
    mel = log_mel(golden["mid_pcm"], 80)
    part = lambda which: lambda name, shape: weights[f"model.{which}.{name}"].astype(np.float64)
    _, last = encode(mel, part("encoder"), 384, 4, 6, 1536, 1500, 80)
    found = [("mid_log_mel", mel), ("mid_encoder", last)]
    # The logits are those after the whole clip, padded to 30 s.
    padded = np.pad(golden["pcm"], (0, 480000 - len(golden["pcm"])))
    _, last = encode(log_mel(padded, 80), part("encoder"), 384, 4, 6, 1536, 1500, 80)
    # The logits are those after the prompt of two tokens and after each of the two that follow.
    logits = decode(golden["greedy_ids"][:4], last, part("decoder"), 51864, 384, 4, 6, 1536, 448)
    found.append(("decoder_logits_first3", logits[1:]))
    for name, found in found:
        print(name, np.abs(found - golden[name]).max() / np.abs(golden[name]).max())
else:
    samples = made_sound(8037)
    mel = log_mel(samples, CONFIG["bands"])
    get = lambda name, shape: weight(name, shape).astype(np.float64)
    states, last = encode(mel, get, **CONFIG)
    outputs = dict(samples=samples, mel=mel, **{f"layer{i}": s for i, s in enumerate(states)}, last=last)
    outputs["logits"] = decode(TOKENS, last, get, **DECODER)
    save(Path(__file__).parent / "whisper-small.safetensors", outputs)
