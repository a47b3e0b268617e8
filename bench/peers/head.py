# The paper's gated head in PyTorch, one epoch a task; rows are gathered from tables in the loop, as in training.
import torch
import torch.nn.functional as F
from torch import nn

from rounds import options, serve

given = options()
threads, steps, batch = given["threads"], given["steps"], given["batch"]
width, hidden, labels = given["width"], given["hidden"], given["labels"]
torch.set_num_threads(threads)
torch.manual_seed(0)


class GatedHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.text = nn.Linear(given["text"], width)
        self.face = nn.Linear(given["face"], width)
        self.gate = nn.Linear(2 * width, width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.classifier = nn.Linear(hidden, labels)

    def forward(self, text, face):
        text, face = self.text(text), self.face(face)
        gate = torch.sigmoid(self.gate(torch.cat([face, text], 1)))
        fused = text + gate * (face - text)
        _, (state, _) = self.lstm(fused[:, None])
        return self.classifier(state[0])


texts, faces = torch.randn(given["rows"], given["text"]), torch.randn(given["rows"], given["face"])
items = torch.randint(0, given["rows"], (2, steps, batch))
targets = torch.randint(0, labels, (steps, batch))


def training(**settings):
    head = GatedHead()
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-4, **settings)

    def epoch():
        for (text, face), target in zip(items.unbind(1), targets):
            loss = F.cross_entropy(head(texts[text], faces[face]), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


serve(
    f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads",
    {"default": training(), "fused": training(fused=True)},
)
