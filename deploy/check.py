# Checks the files of this folder against the published schemas of Kubernetes, unknown fields included.
#
#   python3 -m venv VENV && VENV/bin/pip install kubernetes-validate    # outside of the repository
#   VENV/bin/python deploy/check.py [Kubernetes version, by default the oldest supported and the newest]
#
# The schema of an InferenceService is not published with those of Kubernetes. A custom predictor is a pod with a few
# fields of KServe's own: these are compared with the list below, the rest is checked as a pod.
import sys
from importlib.metadata import version
from pathlib import Path

import kubernetes_validate
import yaml

# Indexed Jobs with `backoffLimitPerIndex` are stable from 1.33, and on by default from 1.29.
VERSIONS = sys.argv[1:] or ["1.29", ".".join(version("kubernetes-validate").split(".")[:2])]
# ComponentExtensionSpec of serving.kserve.io/v1beta1.
KSERVE = {
    "minReplicas": int,
    "maxReplicas": int,
    "scaleTarget": int,
    "scaleMetric": str,
    "containerConcurrency": int,
    "timeout": int,
}


def resources(document):
    """What to check in place of a document that Kubernetes itself does not know."""
    if document["kind"] != "InferenceService":
        return document
    if set(document) != {"apiVersion", "kind", "metadata", "spec"} or set(document["spec"]) != {"predictor"}:
        raise ValueError("an InferenceService has a predictor in its spec, and here nothing else")
    predictor = document["spec"]["predictor"]
    for name, value in predictor.items():
        if name in KSERVE and type(value) is not KSERVE[name]:
            raise ValueError(f"{name} must be {KSERVE[name].__name__}")
    if predictor.get("scaleMetric") not in (None, "cpu", "memory", "concurrency", "rps"):
        raise ValueError("scaleMetric must be cpu, memory, concurrency or rps")
    if [container["name"] for container in predictor["containers"]] != ["kserve-container"]:
        raise ValueError("KServe expects one container with the name kserve-container")
    spec = {name: value for name, value in predictor.items() if name not in KSERVE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": document["metadata"], "spec": spec}


def main():
    failed = False
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    for file in files:
        for document in yaml.safe_load_all(file.read_text()):
            for kubernetes in VERSIONS:
                try:
                    kubernetes_validate.validate(resources(document), kubernetes, strict=True)
                    print(f"ok   {file.name}: {document['kind']}, Kubernetes {kubernetes}")
                except (kubernetes_validate.ValidationError, ValueError, KeyError) as error:
                    failed = True
                    # The whole error of a validation quotes the schema, over hundreds of lines.
                    reason = getattr(error, "message", error)
                    print(f"FAIL {file.name}: {document['kind']}, Kubernetes {kubernetes}: {reason}")
    return 1 if failed or not files else 0


sys.exit(main())
