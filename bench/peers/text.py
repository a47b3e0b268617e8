# A BERT in PyTorch, mean over tokens: batches sorted by length, inference mode, the attention and batch size that
# turn out fastest here; and the products of its linear layers alone.
import json

import numpy as np
import torch

import torchvision_ops  # noqa: F401  (before transformers)

import transformers
from transformers import AutoTokenizer, BertModel

from rounds import fastest, options, serve

given = options()
torch.set_num_threads(given["threads"])
transformers.logging.set_verbosity_error()
texts, ids = json.load(open(given["texts"])), json.load(open(given["ids"]))
tokenizer = AutoTokenizer.from_pretrained(given["folder"])
models = {
    attention: BertModel.from_pretrained(
        given["folder"], add_pooling_layer=False, attn_implementation=attention
    ).eval()
    for attention in ("sdpa", "eager")
}


@torch.inference_mode()
def encode(rows, choice):
    attention, batch = choice
    model = models[attention]
    out = torch.empty(len(rows), model.config.hidden_size)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        lengths = torch.tensor([len(rows[i]) for i in chosen])
        longest = int(lengths[-1])
        padded = torch.tensor([rows[i] + [0] * (longest - len(rows[i])) for i in chosen])
        mask = (torch.arange(longest) < lengths[:, None]).long()
        # Without padding no mask is needed, and attention takes its faster way.
        full = int(lengths[0]) == longest
        states = model(padded, attention_mask=None if full else mask).last_hidden_state
        weights = mask[..., None].float()
        out[chosen] = (states * weights).sum(1) / weights.sum(1)
    return out


def tokenize():
    return tokenizer(texts, truncation=True, max_length=given["maxTokens"])["input_ids"]


LAYERS, WIDTH, INNER = 6, 384, 1536
SHAPES = [(WIDTH, WIDTH)] * 4 + [(WIDTH, INNER), (INNER, WIDTH)]
matrices = [torch.randn(outer, inner) / inner**0.5 for _ in range(LAYERS) for inner, outer in SHAPES]


@torch.inference_mode()
def products(rows, runs):
    for _ in range(runs):
        x = torch.ones(rows, WIDTH)
        for matrix in matrices:
            x = torch.nn.functional.linear(x, matrix)
        x.mean().item()


every = max(1, len(ids) // 200)
choice = fastest(
    [(attention, batch) for attention in models for batch in (16, 32, 64, 128)],
    lambda candidate: encode(ids[::every], candidate),
)
serve(
    f"PyTorch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads, "
    f"{choice[0]} attention and batches of {choice[1]} (fastest of those tried)",
    {
        "encode": lambda: encode(ids, choice),
        "tokenize and encode": lambda: encode(tokenize(), choice),
        "products": products,
        "write": lambda file: encode(ids, choice).numpy().astype(np.float32).tofile(file),
    },
)
