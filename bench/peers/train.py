# Training steps of an encoder in PyTorch: EfficientNetV2-B0 channels-last, or a BERT; fused AdamW over all weights.
import json

import torch
import torch.nn.functional as F
from torch import nn

import torchvision_ops  # noqa: F401  (before timm and transformers)

from rounds import options, serve

given = options()
torch.set_num_threads(given["threads"])
torch.manual_seed(0)
batch, steps, classes = given["batch"], given["steps"], given["classes"]
targets = torch.arange(steps * batch).view(steps, batch) % classes

if given["kind"] == "face":
    import timm

    size = given["size"]
    model = timm.create_model("tf_efficientnetv2_b0", num_classes=classes, drop_path_rate=given["dropPath"])
    model = model.to(memory_format=torch.channels_last)
    inputs = [torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last) for _ in range(steps)]
else:
    from transformers import BertConfig, BertModel

    config = BertConfig(**json.load(open(given["config"])))
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = given["dropout"]

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = BertModel(config, add_pooling_layer=False)
            self.classifier = nn.Sequential(nn.Dropout(given["dropout"]), nn.Linear(config.hidden_size, classes))

        def forward(self, ids):
            mask = torch.ones_like(ids)
            states = self.encoder(ids, attention_mask=mask)[0]
            return self.classifier((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))

    model = Classifier()
    inputs = torch.randint(0, config.vocab_size, (steps, batch, given["tokens"])).unbind(0)

model.train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)


def run():
    for x, target in zip(inputs, targets):
        loss = F.cross_entropy(model(x), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


serve(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads", {"steps": run})
