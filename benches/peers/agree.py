"""Do the engines give the same answer? Every cell of every column is compared before a time counts.

``python -m peers.agree dump JOB FILE`` writes one engine's result in a plain form; ``python -m peers.agree compare
FILE...`` compares such files and prints one line of JSON. Both run as children, so that the parent stays small.

Normalised away, because it is representation and not content: dictionary and view types, the order of rows, a map or
its JSON text, no list or an empty one, and the core API group as null or "". Bodies are compared as JSON values;
whether the text is also the bytes of the line is reported beside.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from synth.text import go_json

from peers import common
from peers.run import COLUMNS, Job, perform

_SHOWN = 300


def _plain(column: common.Column, value: Any) -> Any:  # noqa: ANN401 (one line a kind)
    """Return a cell in the common form."""
    match column.kind:
        case "list":
            return list(value or ())
        case "map" | "maplist":
            # pyarrow hands maps over as lists of pairs; other engines give the JSON text.
            pairs = json.loads(value) if isinstance(value, str) else dict(value or ())
            return pairs or {}
        case "json":
            return None if value is None else go_json(json.loads(value))
        case "text" if column.name in common.EMPTY_IS_NULL:
            return value or None
        case _:
            return value


def _cells(column: common.Column, data: Any) -> list[Any]:  # noqa: ANN401 (pyarrow has no types)
    if column.kind == "time":
        data = data.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    values = data.to_pylist()
    return [_plain(column, value) for value in values]


def _is_exact(data: Any) -> bool:  # noqa: ANN401
    """Say whether bodies are the bytes of the line; in a canonical log these are what Go writes for the value."""
    return all(text is None or text == go_json(json.loads(text)) for text in data.to_pylist())


def dump(job: Job, target: Path) -> None:
    """Run one engine and write its result as plain Python values, sorted by audit ID and stage."""
    table = perform(job, job.path, job.out)
    if table is None:
        table = pq.read_table(job.out)
    columns = COLUMNS[job.columns]
    if columns is None:
        message = "engines are compared on named columns only"
        raise ValueError(message)
    cells = {column.name: _cells(column, table.column(column.name)) for column in columns}
    keys = list(zip(cells["audit_id"], cells["stage"], strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    exact = all(_is_exact(table.column(column.name)) for column in columns if column.kind == "json")
    result = {
        "engine": job.engine,
        "exact": exact,
        "keys": [keys[i] for i in order],
        "cells": {name: [values[i] for i in order] for name, values in cells.items()},
    }
    target.write_bytes(pickle.dumps(result))


def _difference(reference: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the first difference between two results, or an empty string."""
    if reference["keys"] != other["keys"]:
        return f"rows differ: {len(reference['keys'])} and {len(other['keys'])}, or other audit IDs and stages"
    for name, expected in reference["cells"].items():
        for key, left, right in zip(reference["keys"], expected, other["cells"][name], strict=True):
            if left != right:
                return f"{name} of {key[0]} {key[1]}: {str(left)[:_SHOWN]!r} and {str(right)[:_SHOWN]!r}"
    return ""


def compare(files: list[Path]) -> dict[str, Any]:
    """Compare all results with the first."""
    # The files are our own, written a moment ago by dump().
    reference = pickle.loads(files[0].read_bytes())  # noqa: S301
    report: dict[str, Any] = {"reference": reference["engine"], "rows": len(reference["keys"]), "differences": {}}
    report["exact"] = {reference["engine"]: reference["exact"]}
    for file in files[1:]:
        other = pickle.loads(file.read_bytes())  # noqa: S301
        report["exact"][other["engine"]] = other["exact"]
        if difference := _difference(reference, other):
            report["differences"][other["engine"]] = difference
    return report


if __name__ == "__main__":
    if sys.argv[1] == "dump":
        dump(Job(**json.loads(sys.argv[2])), Path(sys.argv[3]))
        print("{}")
    else:
        print(json.dumps(compare([Path(name) for name in sys.argv[2:]])))
