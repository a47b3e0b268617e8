# Writes timm_layouts.json: what tensors timm's EfficientNets have, as a SHA-256 each of "name [shape]" lines.
# Run with timm installed: python make_layouts.py
import hashlib
import json
from pathlib import Path

import timm

SIZES = [f"efficientnet_b{i}" for i in range(8)] + ["efficientnetv2_s"]
NAMES = SIZES + [f"tf_{name}" for name in SIZES] + [f"tf_efficientnetv2_b{i}" for i in range(4)]


def layout(name: str) -> str:
    state = timm.create_model(name, num_classes=0).state_dict()
    lines = [f"{k} {list(v.shape)}" for k, v in state.items() if not k.endswith("num_batches_tracked")]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


path = Path(__file__).parent / "timm_layouts.json"
path.write_text(json.dumps({name: layout(name) for name in sorted(NAMES)}, indent=2) + "\n")
