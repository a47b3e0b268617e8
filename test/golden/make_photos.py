# Writes photos.safetensors: photographs as PIL decodes and resizes them, and what timm makes of them with real weights.
# Run with torch, timm, pillow and safetensors installed, and MIEN_WEIGHTS set: python make_photos.py
import io
import os
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
FOLDER = Path(os.environ["MIEN_WEIGHTS"]) / "tf_efficientnetv2_b0.in1k"
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

model = timm.create_model("tf_efficientnetv2_b0", num_classes=0).eval()
weights = load_file(FOLDER / "model.safetensors")
model.load_state_dict({k: v for k, v in weights.items() if not k.startswith("classifier.")}, strict=False)

photo = Image.open(HERE.parent / "fixtures" / "astronaut.png").convert("RGB")
face = photo.crop((170, 40, 270, 140))
jpeg, grey = io.BytesIO(), io.BytesIO()
face.save(jpeg, "JPEG", quality=90)
face.convert("L").resize((48, 48), Image.BICUBIC).save(grey, "PNG")

out = {}
sources = {"astronaut": photo, "face_jpeg": Image.open(jpeg), "grey_48": Image.open(grey)}
for name, image in sources.items():
    for size in (96, 75):
        pixels = np.array(image.convert("RGB").resize((size, size), Image.BICUBIC))
        x = ((torch.from_numpy(pixels).float() / 255 - MEAN) / STD).permute(2, 0, 1)[None]
        out[f"{name}.pixels_{size}"] = torch.from_numpy(pixels)
        with torch.inference_mode():
            out[f"{name}.embedding_{size}"] = model(x.contiguous())[0].clone()
out["face_jpeg.file"] = torch.frombuffer(bytearray(jpeg.getvalue()), dtype=torch.uint8)
out["grey_48.file"] = torch.frombuffer(bytearray(grey.getvalue()), dtype=torch.uint8)
save_file(out, HERE / "photos.safetensors")
