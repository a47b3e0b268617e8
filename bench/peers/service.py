# The same bundle behind FastAPI and uvicorn, as a Python team would put it there: pydantic models, ONNX Runtime, PIL.
# Run as a script it starts uvicorn's workers; they load this file as the module `service`.
import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request


def load(folder, threads):
    import numpy as np
    import onnx
    import onnx.utils
    import onnxruntime as ort
    from PIL import Image
    from tokenizers import Tokenizer

    manifest = json.load(open(f"{folder}/manifest.json"))
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def session(part):
        path = f"{folder}/{manifest[part]['model']}"
        return ort.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def session_of_decision():
        """The part of the decision that joins words and face; cut out once, the rest is not computed at every request."""
        voice = "text+face " if "voice" in manifest else ""
        graph = onnx.load(f"{folder}/{manifest['decision']}")
        given = {value.name for value in graph.graph.input}
        wanted = {"label weights", "divided out"} | {
            f"{part} {output}" for part in ("text", "face") for output in ("embedding", "logits")
        }
        cut = onnx.utils.Extractor(graph).extract_model(sorted(given & wanted), [f"{voice}answer"])
        model = ort.InferenceSession(cut.SerializeToString(), settings, providers=["CPUExecutionProvider"])
        return model, [value.name for value in model.get_inputs()]

    text, face = session("text"), session("face")
    decision, decision_inputs = session_of_decision()
    # As trained: every label as likely as it was, nothing divided out.
    labels = {label for part in ("text", "face", "voice") for label in manifest.get(part, {}).get("labels", ())}
    prior = {
        "label weights": np.zeros(len(labels), dtype=np.float32),
        "divided out": np.array(0, dtype=np.float32),
    }
    tokenizer = Tokenizer.from_file(f"{folder}/{manifest['text']['tokenizer']}")
    tokenizer.enable_truncation(manifest["text"]["maxTokens"])
    tokenizer.no_padding()

    # The mirror image as well, where the bundle reads both.
    views = {"views": np.array([0, 1], dtype=np.int64)} if manifest["face"].get("mirror") else {}

    def posterior(part, logits):
        labels, scaled = manifest[part]["labels"], logits / manifest[part]["temperature"]
        powers = np.exp(scaled - scaled.max())
        return dict(zip(labels, (powers / powers.sum()).tolist()))

    def recognize(words, image):
        answer, encoded = {}, {}
        if words is not None:
            ids = np.array([tokenizer.encode(words).ids], dtype=np.int32)
            encoded["text embedding"], logits = text.run(["embedding", "logits"], {"ids": ids})
            encoded["text logits"], answer["text"] = logits, posterior("text", logits[0])
        if image is not None:
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))).convert("RGB"))[None]
            encoded["face embedding"], logits = face.run(["embedding", "logits"], {"pixels": pixels, **views})
            encoded["face logits"], answer["face"] = logits, posterior("face", logits[0])
        if words is not None and image is not None:
            feeds = {**prior, **encoded}
            (joint,) = decision.run(None, {name: feeds[name] for name in decision_inputs})
            answer["probabilities"] = dict(zip(manifest["fusion"]["labels"], joint[0].tolist()))
        return answer

    return manifest["name"], recognize


def application(name, recognize):
    from fastapi import FastAPI
    from pydantic import BaseModel, Field

    class Item(BaseModel):
        id: str | None = Field(default=None, max_length=256)
        text: str | None = Field(default=None, max_length=20_000)
        image: str | None = None

    class Recognize(BaseModel):
        items: list[Item] = Field(min_length=1, max_length=64)
        faces: str = "detect"

    app = FastAPI()

    # One coroutine at a time computes: with one thread a process this is faster than FastAPI's pool of 40 threads.
    @app.post("/v1/recognize")
    async def post(request: Recognize):
        return {
            "model": name,
            "results": [{"id": item.id, **recognize(item.text, item.image)} for item in request.items],
        }

    @app.get("/readyz")
    async def ready():
        return {"status": "ready"}

    return app


SETTING = "MIEN_BENCH_SERVICE"

if __name__ != "__main__":
    given = json.loads(os.environ[SETTING])
    app = application(*load(given["folder"], given["threads"]))
else:
    import fastapi
    import onnxruntime
    import uvicorn

    from rounds import options, serve

    given = options()
    port, processes = str(given["port"]), str(given["processes"])
    command = [sys.executable, "-m", "uvicorn", "service:app", "--app-dir", os.path.dirname(__file__)]
    command += ["--port", port, "--workers", processes, "--no-access-log", "--log-level", "warning"]
    child = subprocess.Popen(command, env={**os.environ, SETTING: json.dumps(given)}, stdout=sys.stderr)
    # So that the workers end with it, however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").read()
                break
            except OSError:
                if child.poll() is not None:
                    sys.exit("uvicorn ended")
                time.sleep(0.1)
        serve(
            f"FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__}, ONNX Runtime {onnxruntime.__version__}, "
            f"{processes} workers of {given['threads']} threads",
            {},
        )
    finally:
        child.terminate()
        child.wait()
