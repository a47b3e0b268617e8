# timm and transformers import torchvision, whose compiled operators do not load beside a CPU-only build of PyTorch.
# Nothing here uses them: declaring the two it registers rules for lets the import succeed.
import torch

try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
