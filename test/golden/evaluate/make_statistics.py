# Made statistics.json with scikit-learn 1.9, SciPy 1.17 and statsmodels; kept so that the numbers can be made again.
# Run in this folder: python make_statistics.py
import json

import numpy as np
import statsmodels.api as sm
from scipy import special, stats
from sklearn.calibration import calibration_curve
from sklearn.manifold import trustworthiness
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(11)


def flat(a):
    return [float(x) for x in np.asarray(a).ravel()]


# Maps: coordinates that keep some of the space's neighbours.
space = rng.normal(size=(60, 6))
plane = space[:, :2] + 0.4 * rng.normal(size=(60, 2))
maps = {
    "width": 6,
    "space": flat(space),
    "map": flat(plane),
    "trustworthiness": {str(k): float(trustworthiness(space, plane, n_neighbors=k)) for k in (1, 5, 12, 29)},
}

# Paired tests.
tables = [(12, 30), (5, 5), (0, 7), (141, 98), (1, 0)]
tests = [
    {"firstOnly": b, "secondOnly": c, "pValue": float(mcnemar([[50, b], [c, 20]], exact=True).pvalue)} for b, c in tables
]
p_values = [[0.01, 0.04, 0.03, 0.005], [0.2, 0.9, 0.4], [0.001, 0.001, 0.5, 0.04, 0.8, 0.02], [0.6]]
adjusted = [{"pValues": p, "holm": flat(multipletests(p, method="holm")[1])} for p in p_values]

# Resampling: independent items, clusters of unequal size, and two crossed factors.
values = (rng.random(80) < 0.7).astype(float)
boot = stats.bootstrap((values,), np.mean, n_resamples=20000, method="percentile", rng=1)
cluster = np.repeat(np.arange(40), rng.integers(1, 9, 40))
clustered = 0.7 + 0.3 * rng.normal(size=40)[cluster] + 0.2 * rng.normal(size=len(cluster))
fit = sm.OLS(clustered, np.ones(len(clustered))).fit(cov_type="cluster", cov_kwds={"groups": cluster})
row, col = [g.ravel() for g in np.meshgrid(np.arange(30), np.arange(25), indexing="ij")]
keep = rng.random(len(row)) < 0.4
row, col = row[keep], col[keep]
crossed = 0.3 * rng.normal(size=30)[row] + 0.3 * rng.normal(size=25)[col] + 0.2 * rng.normal(size=len(row))
two = sm.OLS(crossed, np.ones(len(crossed))).fit(cov_type="cluster", cov_kwds={"groups": np.stack([row, col], 1)})
resampling = {
    "values": flat(values),
    "mean": float(values.mean()),
    "standardError": float(values.std(ddof=1) / np.sqrt(len(values))),
    "low": float(boot.confidence_interval.low),
    "high": float(boot.confidence_interval.high),
    "clusters": cluster.tolist(),
    "clustered": flat(clustered),
    "clusteredStandardError": float(fit.bse[0]),
    "rows": row.tolist(),
    "columns": col.tolist(),
    "crossed": flat(crossed),
    "crossedStandardError": float(two.bse[0]),
    "quantiles": [[q, float(np.quantile(values + np.arange(80) / 7, q))] for q in (0, 0.025, 0.5, 0.81, 1)],
}

# Confidence: reliability, risk and coverage, conformal sets.
n, k = 150, 4
truth = rng.integers(0, k, n)
logits = rng.normal(size=(n, k)) * 1.3
logits[np.arange(n), truth] += 1.2
p = special.softmax(logits, axis=1)
hit = (p.argmax(1) == truth).astype(float)
confidence = p.max(1)
accuracy, mean_confidence = calibration_curve(hit, confidence, n_bins=10, strategy="uniform")
order = np.argsort(-confidence)
risk = np.cumsum(1 - hit[order]) / np.arange(1, n + 1)
held, seen = slice(0, 60), slice(60, None)
scores = 1 - p[np.arange(n), truth]
conformal = []
for alpha in (0.05, 0.1, 0.3):
    level = np.ceil((60 + 1) * (1 - alpha)) / 60
    threshold = float(np.quantile(scores[held], level, method="inverted_cdf"))
    sets = 1 - p[seen] <= threshold
    conformal.append(
        {
            "alpha": alpha,
            "threshold": threshold,
            "coverage": float(sets[np.arange(n - 60), truth[seen]].mean()),
            "size": float(sets.sum(1).mean()),
            "single": float((sets.sum(1) == 1).mean()),
            "empty": float((sets.sum(1) == 0).mean()),
            "perLabel": [float(sets[truth[seen] == c, c].mean()) for c in range(k)],
        }
    )

# The additive projection as Hessel & Lee define it: all n² pairs.
texts, faces = rng.normal(size=12), rng.normal(size=12)


def model(t, v):
    return np.stack([t + 2 * v, t * v, np.sin(t * v) - v], -1)


grid = model(texts[:, None], faces[None, :])
additive = grid.mean(1) + grid.mean(0) - grid.mean((0, 1))

json.dump(
    {
        "maps": maps,
        "mcnemar": tests,
        "holm": adjusted,
        "resampling": resampling,
        "confidence": {
            "classes": k,
            "truth": truth.tolist(),
            "posteriors": flat(p),
            "reliability": {"accuracy": flat(accuracy), "confidence": flat(mean_confidence)},
            "risk": flat(risk),
            "area": float(risk.mean()),
            "held": 60,
            "conformal": conformal,
        },
        "emap": {"texts": flat(texts), "faces": flat(faces), "additive": flat(additive)},
    },
    open("statistics.json", "w"),
)
