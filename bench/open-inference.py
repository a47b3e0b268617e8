# The Open Inference Protocol spoken by its real clients: tritonclient[http], and KServe's own where it is installed.
#
#   python3 -m venv VENV && VENV/bin/pip install 'tritonclient[http]' kserve       # outside of the repository
#   VENV/bin/python bench/open-inference.py                                        # starts mien serve by itself
#   VENV/bin/python bench/open-inference.py --url http://127.0.0.1:8080            # or asks one that runs
#
# Every answer is compared with that of /v1/recognize for the same items; a difference ends it with status 1.
import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

ROOT = Path(__file__).resolve().parent.parent
# A grey PNG of 48 pixels, made here so that no data set is needed: `cropped` faces are not looked for.
SIDE = 48
TOLERANCE = 1e-6
checks = 0


def check(name, holds, seen=""):
    global checks
    checks += 1
    print(f"{'ok  ' if holds else 'FAIL'} {name}{'' if holds else f': {seen}'}")
    if not holds:
        sys.exit(1)


def png(grey):
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes((grey + x + y) % 256 for x in range(SIDE)) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


ITEMS = [
    {"text": "At last we won!"},
    {"text": "I miss her so much – every day."},
    {"image": png(20)},
    {"text": "This is disgusting.", "image": png(120)},
    {},
]


def recognized(url):
    """What /v1/recognize answers."""
    items = [
        {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in item.items()} for item in ITEMS
    ]
    body = json.dumps({"items": items, "faces": "cropped"}).encode()
    request = urllib.request.Request(f"{url}/v1/recognize", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)["results"]


def compare(name, expected, label, probabilities, origin, error, labels):
    text = lambda value: value.decode() if isinstance(value, bytes) else value
    labels = [text(one) for one in labels]
    for i, result in enumerate(expected):
        if "error" in result:
            seen = (text(error[i]), text(label[i]), float(np.sum(probabilities[i])))
            check(f"{name}, item {i}", seen == (result["error"]["code"], "", 0.0), seen)
            continue
        wanted = [result["probabilities"].get(one, 0.0) for one in labels]
        gap = float(np.max(np.abs(np.asarray(probabilities[i]) - wanted)))
        seen = (text(label[i]), text(origin[i]), text(error[i]), gap)
        check(f"{name}, item {i}", seen[:3] == (result["label"], result["from"], "") and gap < TOLERANCE, seen)


def columns(as_text):
    """The items as arrays of objects: an empty element is missing."""
    texts = np.array([item.get("text", "") for item in ITEMS], dtype=np.object_)
    images = [item.get("image", b"") for item in ITEMS]
    if as_text:
        images = [base64.b64encode(image).decode() for image in images]
    return {"text": texts, "image": np.array(images, dtype=np.object_)}


OUTPUTS = ["label", "probabilities", "from", "error", "labels"]


def by_triton(url, model, expected):
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    check("live, ready", client.is_server_live() and client.is_server_ready())
    check("model ready", client.is_model_ready(model) and client.is_model_ready(model, "1"))
    check("other model not ready", not client.is_model_ready("none"))
    server = client.get_server_metadata()
    check("server metadata", server["extensions"] == ["binary_tensor_data"], server)
    metadata = client.get_model_metadata(model)
    names = [[one["name"] for one in metadata[side]] for side in ("inputs", "outputs")]
    check("model metadata", names == [["text", "image", "audio"], OUTPUTS], metadata)

    def infer(arrays, binary_in, binary_out, version="", shape=None):
        inputs = []
        for name, array in arrays.items():
            given = array.reshape(shape) if shape else array
            tensor = triton.InferInput(name, list(given.shape), "BYTES")
            inputs.append(tensor.set_data_from_numpy(given, binary_data=binary_in))
        outputs = [triton.InferRequestedOutput(name, binary_data=binary_out) for name in OUTPUTS]
        # Without outputs the client asks for all of them in binary.
        return client.infer(
            model,
            inputs,
            model_version=version,
            outputs=None if binary_out is None else outputs,
            request_id="7",
            parameters={"faces": "cropped"},
        )

    for binary_in in (True, False):
        for binary_out in (True, False, None):
            result = infer(columns(as_text=not binary_in), binary_in, binary_out)
            name = f"infer, {'binary' if binary_in else 'JSON'} in, {binary_out} out"
            compare(name, expected, *(result.as_numpy(output) for output in OUTPUTS))
            check(f"{name}, id", result.get_response()["id"] == "7")
    shaped = infer(columns(False), True, True, "1", (len(ITEMS), 1))
    check("infer, [n, 1] and version", shaped.as_numpy("label").shape == (len(ITEMS),))
    dtype = shaped.as_numpy("probabilities").dtype
    check("probabilities are float32", dtype == np.float32, dtype)

    def refused(name, status, act):
        try:
            act()
        except InferenceServerException as error:
            check(f"refused: {name}", error.status() == status and error.message(), (error.status(), error.message()))
            print(f"       {error.message()}")
        else:
            check(f"refused: {name}", False, "accepted")

    one = {"text": np.array(["joy"], dtype=np.object_)}
    two = {**one, "image": np.array([b"", b""], dtype=np.object_)}
    refused("shapes that differ", "400", lambda: infer(two, True, True))
    wide = {"text": np.array([["a", "b"], ["c", "d"]], dtype=np.object_)}
    refused("shape [2, 2]", "400", lambda: infer(wide, True, True))
    refused("shape [2, 2] in JSON", "400", lambda: infer(wide, False, False))
    numbers = triton.InferInput("text", [1], "FP32").set_data_from_numpy(np.zeros(1, np.float32))
    refused("FP32 texts", "400", lambda: client.infer(model, [numbers]))
    refused("unknown input", "400", lambda: infer({"txt": one["text"]}, True, True))
    texts = [triton.InferInput("text", [1], "BYTES").set_data_from_numpy(one["text"])]
    unknown = [triton.InferRequestedOutput("lable")]
    refused("unknown output", "400", lambda: client.infer(model, texts, outputs=unknown))
    classes = [triton.InferRequestedOutput("probabilities", class_count=3)]
    refused("classification", "400", lambda: client.infer(model, texts, outputs=classes))
    refused("unknown model", "404", lambda: client.infer("none", texts))
    refused("unknown version", "404", lambda: client.infer(model, texts, model_version="2"))
    gzip = lambda: client.infer(model, texts, request_compression_algorithm="gzip")
    refused("compressed body", "415", gzip)
    client.close()


def by_kserve(url, model, expected):
    try:
        from kserve import InferenceRESTClient, InferInput, InferOutput, InferRequest, RESTConfig  # noqa: F401
    except ImportError as error:
        print(f"kserve is not installed, left out ({error})")
        return

    async def run():
        client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
        check("kserve: live", await client.is_server_live(url))
        check("kserve: ready", await client.is_server_ready(url))
        check("kserve: model ready", await client.is_model_ready(url, model))
        for binary in (False, True):
            inputs = []
            for name, array in columns(as_text=not binary).items():
                tensor = InferInput(name, [len(ITEMS)], "BYTES")
                tensor.set_data_from_numpy(array, binary_data=binary)
                inputs.append(tensor)
            request = InferRequest(model, inputs, request_id="7", parameters={"faces": "cropped"})
            response = await client.infer(url, request, model_name=model)
            tensors = {output.name: output.as_numpy() for output in response.outputs}
            compare(f"kserve: infer, {'binary' if binary else 'JSON'}", expected, *(tensors[name] for name in OUTPUTS))
        await client.close()

    asyncio.run(run())


def started():
    """`mien serve` on a free port, and its address."""
    command = ["node", "packages/mien/bin/mien.js", "serve", "--port", "0", "--processes", "1", "--threads", "1"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "listening":
            return process, event["url"]
    sys.exit(f"mien serve ended with {process.wait()}: build it first (npm run build)")


def main():
    parser = argparse.ArgumentParser(description="Checks the Open Inference Protocol of mien serve with real clients.")
    parser.add_argument("--url", help="of a service that runs; it must not require a token")
    given = parser.parse_args()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    process, url = (None, given.url) if given.url else started()
    try:
        with urllib.request.urlopen(f"{url}/v1/model") as response:
            model = json.load(response)["name"]
        expected = recognized(url)
        by_triton(url, model, expected)
        by_kserve(url, model, expected)
        print(f"{checks} checks passed")
    finally:
        if process:
            process.terminate()
            process.communicate()


main()
