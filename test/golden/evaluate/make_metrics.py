# Made metrics.json with scikit-learn 1.9 and SciPy 1.17; kept so that the numbers can be made again.
# Run in this folder: python make_metrics.py
import json
import warnings

import numpy as np
from scipy import optimize, special, stats
from sklearn.metrics import brier_score_loss, confusion_matrix, log_loss, precision_recall_fscore_support

warnings.simplefilter("ignore")
rng = np.random.default_rng(3)


def case(n, k, empty_truth=(), empty_prediction=()):
    """Random logits that know something; labels that never occur, and labels that are never predicted."""
    truth = rng.choice([c for c in range(k) if c not in empty_truth], n)
    logits = rng.normal(size=(n, k)).astype(np.float32) * 1.5
    logits[np.arange(n), truth] += 1.5
    for c in empty_prediction:
        logits[:, c] -= 7
    p = special.softmax(logits.astype(np.float64), axis=1)
    predicted = p.argmax(1)
    labels = list(range(k))
    per = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=0)
    macro = precision_recall_fscore_support(truth, predicted, labels=labels, average="macro", zero_division=0)
    confidence = p.max(1)
    edges = np.linspace(0, 1, 16)
    ece = 0.0
    for lo, hi in zip(edges[:-1], edges[1:]):
        inside = (confidence > lo) & (confidence <= hi)
        if inside.any():
            ece += inside.mean() * abs((predicted[inside] == truth[inside]).mean() - confidence[inside].mean())

    def nll(t):
        return -special.log_softmax(logits.astype(np.float64) / t, axis=1)[np.arange(n), truth].mean()

    fit = optimize.minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10})
    return {
        "classes": k,
        "truth": truth.tolist(),
        "logits": [float(x) for x in logits.ravel()],
        "confusion": confusion_matrix(truth, predicted, labels=labels).tolist(),
        "accuracy": float((truth == predicted).mean()),
        "perLabel": {m: v.tolist() for m, v in zip(("precision", "recall", "f1", "support"), per)},
        "macro": {m: float(v) for m, v in zip(("precision", "recall", "f1"), macro)},
        "brier": float(brier_score_loss(truth, p, labels=labels, scale_by_half=False)),
        "logLoss": float(log_loss(truth, p, labels=labels)),
        "ece": float(ece),
        "temperature": float(fit.x),
        "temperatureLoss": float(fit.fun),
    }


def interval(values):
    values = np.asarray(values)
    half = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
    return {"values": values.tolist(), "mean": values.mean(), "low": values.mean() - half, "high": values.mean() + half}


json.dump(
    {
        "cases": [case(40, 3), case(60, 5, empty_truth=(1,), empty_prediction=(4,)), case(80, 7, empty_prediction=(0, 2))],
        "intervals": [interval(rng.normal(0.7, 0.01, n)) for n in (2, 5, 10)],
    },
    open("metrics.json", "w"),
)
