"""What Python's onnxruntime says of the bundled models, for lite.test.ts to hold ours against.

    python test/golden/make_bundle_outputs.py models/lite > test/golden/bundle_outputs.json
"""
import json
import sys
from pathlib import Path

import numpy
import onnxruntime

folder = Path(sys.argv[1])


def run(name, feeds):
    session = onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
    known = [given.name for given in session.get_inputs()]
    # A model that reads a face once has no input of views.
    feeds = {key: value for key, value in feeds.items() if key in known}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def rounded(array):
    return [float(f"{value:.7g}") for value in numpy.asarray(array).ravel()]


texts = [
    [101, 2057, 2180, 1996, 2345, 2012, 2197, 999, 102],
    [101, 2010, 17082, 2018, 2275, 2006, 2026, 4248, 1012, 102],
    [101, 102],
]
row, column, channel = numpy.mgrid[0:100, 0:90, 0:3]
faces = {
    "gradient": (row * 2 + column + channel * 20) % 256,
    "pattern": (row * row * 3 + column * 7 * (channel + 1)) % 256,
}

found = {"version": onnxruntime.__version__, "texts": [], "faces": {}}
# Under the training prior: nothing is weighted, nothing divided out.
decision = onnxruntime.InferenceSession(folder / "decision.onnx", providers=["CPUExecutionProvider"])
labels = {given.name: given.shape for given in decision.get_inputs()}["label weights"][0]
feeds = {"label weights": numpy.zeros([labels], numpy.float32), "divided out": numpy.zeros([], numpy.float32)}
for ids in texts:
    out = run("text.onnx", {"ids": numpy.array([ids], numpy.int32)})
    found["texts"].append({"ids": ids, "logits": rounded(out["logits"])})
    feeds |= {"text logits": out["logits"], "text embedding": out["embedding"], "text fine logits": out.get("fine")}
for name, pixels in faces.items():
    views = numpy.array([0, 1], numpy.int64)
    out = run("face.onnx", {"pixels": pixels.astype(numpy.uint8)[None], "views": views})
    found["faces"][name] = rounded(out["logits"])
    feeds |= {"face logits": out["logits"], "face embedding": out["embedding"]}
# A bundle that hears voices too has its answers to texts and faces under other names, and wants all inputs.
shapes = {given.name: given.shape for given in decision.get_inputs()}
voice = {name: numpy.zeros([1, shape[1]], numpy.float32) for name, shape in shapes.items() if name.startswith("voice ")}
both = "text+face " if voice else ""
out = run("decision.onnx", feeds | voice)
outputs = {"logits": both, "answer": both, "agreement": both, "text answer": "", "face answer": ""}
found["decision"] = {name: rounded(out[prefix + name]) for name, prefix in outputs.items()}
print(json.dumps(found, indent=1))
