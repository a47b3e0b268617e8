# Parquet from and for other tools: tables written by pyarrow and DuckDB, labelled by `mien predict`, and read back by both.
#
#   python3 -m venv VENV && VENV/bin/pip install pyarrow duckdb       # outside of the repository
#   VENV/bin/python bench/parquet-round-trip.py
#
# Rows, their order and all values are compared with the JSONL of the same command; a difference ends it with status 1.
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ["I am so glad you came", "He lied to me again", "What a terrible smell", "I miss her 💔", None, ""]
ROWS = 200
ROWS_PER_PART = 90
checks = 0


def check(name, holds, seen=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"{name}: {seen}")


def mien(*args):
    command = ["node", str(ROOT / "packages/mien/bin/mien.js"), "predict", "--quiet", *map(str, args)]
    subprocess.run(command, check=True)


def write_tables(folder):
    """One table per compression, of several row groups; texts also as dictionary and as large strings."""
    texts = [TEXTS[i % len(TEXTS)] for i in range(ROWS)]
    types = {"snappy": pa.string(), "zstd": pa.large_string(), "gzip": pa.string(), "brotli": pa.string(), "none": pa.string()}
    for compression, kind in types.items():
        table = pa.table({"id": [f"{compression} {i}" for i in range(ROWS)], "text": pa.array(texts, kind)})
        pq.write_table(
            table,
            folder / f"{compression}.parquet",
            compression=compression,
            row_group_size=70,
            use_dictionary=compression != "none",
        )
    rows = pa.table({"id": [f"duckdb {i}" for i in range(ROWS)], "text": texts})  # noqa: F841 (DuckDB finds it by name)
    duckdb.sql("select * from rows").write_parquet(str(folder / "by-duckdb.parquet"), compression="zstd", row_group_size=2048)
    return sorted(folder.glob("*.parquet"))


def expected(lines):
    """Rows as in the columns of a table, from JSONL."""
    rows = []
    for line in map(json.loads, lines):
        row = {"id": line["id"], "label": line.get("label"), "error": line.get("error", {}).get("code")}
        row |= {f"p_{label}": value for label, value in line.get("probabilities", {}).items()}
        rows.append(row)
    return rows


def compare(name, rows, wanted):
    check(f"{name}: rows", len(rows) == len(wanted), f"{len(rows)} instead of {len(wanted)}")
    for row, want in zip(rows, wanted):
        for column, value in want.items():
            check(f"{name}: {column} of {want['id']}", row[column] == value, f"{row[column]} instead of {value}")
        if want["label"] is None:
            check(f"{name}: probabilities of {want['id']}", row["p_joy"] is None, row["p_joy"])


with tempfile.TemporaryDirectory() as root:
    root = Path(root)
    (root / "in").mkdir()
    files = write_tables(root / "in")
    pattern = root / "in" / "*.parquet"
    mien("--input", pattern, "--out", root / "all.jsonl")
    wanted = expected(open(root / "all.jsonl", encoding="utf-8"))
    check("rows of all tables", len(wanted) == ROWS * len(files), len(wanted))

    parts = root / "labelled"
    mien("--input", pattern, "--out", parts, "--format", "parquet", "--rows-per-part", ROWS_PER_PART)
    names = sorted(parts.glob("*.parquet"))
    check("parts", len(names) == len(files) * -(-ROWS // ROWS_PER_PART), len(names))
    dataset = pyarrow.dataset.dataset([str(name) for name in names])
    compare("parts, pyarrow", dataset.to_table().to_pylist(), wanted)

    whole = root / "whole.parquet"
    mien("merge", parts, whole)
    compare("merged, pyarrow", pq.read_table(whole).to_pylist(), wanted)
    single = root / "single.parquet"
    mien("--input", pattern, "--out", single)
    compare("one file, pyarrow", pq.read_table(single).to_pylist(), wanted)

    for name, source in [("parts", f"{parts}/*.parquet"), ("merged", whole), ("one file", single)]:
        # One thread, which keeps the order of rows.
        duckdb.sql("set threads = 1")
        found = duckdb.sql(f"select * from read_parquet('{source}')")
        rows = [dict(zip(found.columns, row)) for row in found.fetchall()]
        compare(f"{name}, DuckDB", rows, wanted)
        (counts,) = duckdb.sql(f"select count(*), count(distinct id), count(label) from '{source}'").fetchall()
        labels = sum(row["label"] is not None for row in wanted)
        check(f"{name}, DuckDB: counts", counts == (len(wanted), len(wanted), labels), counts)

print(f"{checks} checks hold: {len(wanted)} rows of {len(files)} tables, pyarrow {pa.__version__}, DuckDB {duckdb.__version__}")
