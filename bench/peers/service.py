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

    text, face, fusion = (session(part) for part in ("text", "face", "fusion"))
    tokenizer = Tokenizer.from_file(f"{folder}/{manifest['text']['tokenizer']}")
    tokenizer.enable_truncation(manifest["text"]["maxTokens"])
    tokenizer.no_padding()

    # The image, and its mirror image where the bundle reads both.
    views = np.array([0, 1] if manifest["face"]["mirror"] else [0], dtype=np.int64)

    def posterior(part, logits):
        labels, scaled = manifest[part]["labels"], logits / manifest[part]["temperature"]
        powers = np.exp(scaled - scaled.max())
        return dict(zip(labels, (powers / powers.sum()).tolist()))

    def recognize(words, image):
        answer, embeddings = {}, {}
        if words is not None:
            ids = np.array([tokenizer.encode(words).ids], dtype=np.int32)
            embeddings["text"], logits = text.run(["embedding", "logits"], {"ids": ids})
            answer["text"] = posterior("text", logits[0])
        if image is not None:
            pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))).convert("RGB"))[None]
            embeddings["face"], logits = face.run(["embedding", "logits"], {"pixels": pixels, "views": views})
            answer["face"] = posterior("face", logits[0])
        if len(embeddings) == 2:
            (logits,) = fusion.run(["logits"], embeddings)
            answer["both"] = posterior("fusion", logits[0])
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
