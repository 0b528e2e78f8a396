"""A latency table as a file: read, held against how somebody measures now, and written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from archdsl.analysis.kernels import key_of
from archdsl.analysis.latency import Conditions, LatencyTable
from archdsl.diagnostics.faults import fault

FORMAT = 1
MADE_BY = "archdsl time SPEC --per-op FILE writes such a file"
TIMES = ("median_ms", "low_ms", "high_ms")


def read_latencies(file: str | os.PathLike[str]) -> LatencyTable:
    """The table in a file; raises `SpecError` if there is none."""
    path = Path(file)
    if not path.is_file():
        raise fault("missing-file", f"there is no file '{path}'", help=MADE_BY)
    try:
        return table_in(json.loads(path.read_text(encoding="utf-8")), str(path))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise fault("bad-call", f"'{path}' is not a latency table", help=MADE_BY) from None


def table_in(document: Mapping[str, Any], name: str) -> LatencyTable:
    """The table in a document; raises `ValueError` and others of its kind if it is none."""
    if document["archdsl_latency"] != FORMAT:
        raise ValueError(document["archdsl_latency"])
    machine = {str(key): str(value) for key, value in document["machine"].items()}
    conditions = Conditions(machine, str(document["engine"]), int(document["batch"]), int(document["threads"]))
    records = {key_of(record): record for record in document["kernels"]}
    if not all(isfinite(number) and number >= 0 for record in records.values() for number in times_of(record)):
        raise ValueError(name)
    return LatencyTable(name, conditions, records, float(document["call_ms"]), tuple(document["networks"]))


def times_of(record: Mapping[str, Any]) -> Iterable[float]:
    return [float(record[name]) for name in TIMES]


def written(table: LatencyTable) -> str:
    """The table as JSON, a kernel on each line."""
    head = json.dumps(
        {"archdsl_latency": FORMAT, **table.conditions.data(), "call_ms": table.call_ms}, ensure_ascii=False, indent=2
    )
    joined = ",\n".join([listed("kernels", table.kernels.values()), listed("networks", table.networks)])
    return f"{head[:-2]},\n{joined}\n}}\n"


def listed(name: str, records: Iterable[Mapping[str, Any]]) -> str:
    lines = ",\n".join(f"    {json.dumps(record, ensure_ascii=False)}" for record in records)
    return f'  "{name}": [\n{lines}\n  ]'


def expect_same(table: LatencyTable, now: Conditions) -> None:
    """Raises where a table was measured in another way than somebody measures now: its times do not compare."""
    then = table.conditions
    pairs = {
        "engine": (then.engine, now.engine),
        "batch": (then.batch, now.batch),
        "threads": (then.threads, now.threads),
        **{name: (then.machine.get(name), now.machine.get(name)) for name in {**then.machine, **now.machine}},
    }
    for name, (old, new) in pairs.items():
        if old != new:
            message = f"'{table.file}' was measured with {name} {old}, this is {name} {new}"
            raise fault("bad-call", message, help="name another file: a latency table holds for one way of measuring")
