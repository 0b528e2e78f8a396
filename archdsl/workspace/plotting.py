"""The numbers of plots: of networks named as in a comparison, what is counted and what was published of them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.cost import cost
from archdsl.analysis.lines import lines, places
from archdsl.analysis.trace import Trace, trace_of
from archdsl.backends.figures.plots.data import Axis, Bars, Curve, Curves, Data, Group, Mark, Scatter, Series
from archdsl.backends.figures.strip.said import cells_of
from archdsl.diagnostics.faults import fault
from archdsl.expr.given import known_word
from archdsl.ir.graph import Graph
from archdsl.support.tables import unit_of
from archdsl.workspace.comparison import Change, Compared, Comparison, Row, compare, rows_of
from archdsl.workspace.latency_file import read_latencies

if TYPE_CHECKING:
    from archdsl.analysis.latency import LatencyTable

KINDS = ("accuracy", "stages", "receptive")
COUNTS: Mapping[str, Axis] = {"macs": Axis("MACs"), "params": Axis("Parameters")}
AGAINST = (*COUNTS, "latency")


@dataclass(frozen=True)
class Plotted:
    """What a plot shows, and the networks that it cannot show, each with the reason."""

    data: Data
    missing: Mapping[str, str] = field(default_factory=dict)


def plotted(
    kind: str,
    specs: Sequence[Compared],
    change: Change | None = None,
    *,
    against: str | None = None,
    times: str | os.PathLike[str] | None = None,
    latency: str | os.PathLike[str] | None = None,
    variants: bool = False,
) -> Plotted:
    """The plot of a kind: `accuracy` against MACs, parameters or latency; `stages`; `receptive` (fields).

    In a plot of accuracies one spec alone stands for all its variants, as in a comparison; in the others for the
    network as it stands. Latencies come from `times`, the file of `archdsl time --format json`, or from `latency`, the
    table of `archdsl time --per-op`.
    """
    known_word("kind", kind, KINDS)
    if kind == "accuracy":
        axis = across(against, times, latency)
        table = read_latencies(latency) if latency is not None else None
        networks = compare(specs, change, variants=variants)
        return accuracy(networks, measure_of(axis, times, table))
    for word, given in {"against": against, "times": times, "latency": latency}.items():
        if given is not None:
            raise fault(
                "bad-call", f"a plot of kind '{kind}' does not take '{word}'", help="only the kind accuracy does"
            )
    if not specs:
        raise fault("bad-call", "there is nothing to plot", help="give the names of specs")
    rows = [row for spec in specs for row in rows_of(spec, change or Change(), every=variants)]
    return Plotted(stages(rows)) if kind == "stages" else receptive(rows)


def across(
    against: str | None, times: str | os.PathLike[str] | None, latency: str | os.PathLike[str] | None = None
) -> str:
    """What accuracy is plotted against: MACs, unless there are times."""
    chosen = against or ("macs" if times is None and latency is None else "latency")
    known_word("against", chosen, AGAINST)
    if chosen == "latency" and times is None and latency is None:
        help = "archdsl time … --format json -o times.json, or archdsl time … --per-op latency.json"
        raise fault("bad-call", "latencies are read from a file", help=help)
    if times is not None and latency is not None:
        raise fault("bad-call", "times and latency cannot be used together", help="remove one of the two")
    if chosen != "latency" and (times is not None or latency is not None):
        raise fault("bad-call", f"a plot against {chosen} does not use times", help="remove one of the two")
    return chosen


def called(row: Row) -> str:
    """`MobileNetV2 1.00-224`, with what was set over it."""
    return " ".join(filter(None, (row.name, row.variant, f"({row.set})" if row.settings else "")))


def title(what: str, rows: Sequence[Row]) -> str:
    return f"{what} of {', '.join(dict.fromkeys(row.name for row in rows))}"


# --- accuracy
Measure: TypeAlias = "tuple[Axis, Callable[[Row], float | None]]"  # None: it was not timed


def measure_of(against: str, times: str | os.PathLike[str] | None, table: LatencyTable | None) -> Measure:
    """What the networks are plotted against: its axis, and the number of each."""
    if table is not None:
        return latency_axis(table.conditions.batch), lambda row: table.of(row.made()).total_ms
    return (COUNTS[against], counts(against)) if times is None else timed(times)


def accuracy(found: Comparison, against: Measure) -> Plotted:
    """The published accuracy of each network against what it costs."""
    axis, measure = against
    missing: dict[str, str] = {}
    families: dict[str, list[Mark]] = {}
    for row in found.rows:
        if row.top1 is None:
            missing[called(row)] = (
                f"published of its form {row.elsewhere}" if row.elsewhere else "no accuracy published"
            )
            continue
        number = measure(row)
        if number is None:
            missing[called(row)] = "not timed"
            continue
        families.setdefault(row.name, []).append(Mark(row.variant or row.name, number, row.top1))
    if not families:
        why = "; ".join(dict.fromkeys(missing.values()))
        published = "state what was published in variants:, and plot the networks without --set or --input"
        help = "time these networks" if "not timed" in missing.values() else published
        raise fault("bad-call", f"there is nothing to plot: {why}", help=help)
    shown = [mark for marks in families.values() for mark in marks]
    series = [Series(name, marks) for name, marks in families.items()]
    y = Axis("Top-1 accuracy", "%")
    name = axis.name[0].lower() + axis.name[1:] if axis.name[1].islower() else axis.name
    words = f"Top-1 accuracy against {name}"
    named = title(words, [row for row in found.rows if called(row) not in missing])
    return Plotted(Scatter(named, scaled(axis, [mark.x for mark in shown]), y, series), missing)


def counts(against: str) -> Callable[[Row], float | None]:
    return lambda row: getattr(row, against)


def scaled(axis: Axis, numbers: Sequence[float]) -> Axis:
    """Counts in the unit of the one in the middle."""
    if axis.unit:
        return axis
    unit = unit_of([int(sorted(numbers)[len(numbers) // 2])])
    return Axis(axis.name, unit.name, unit.factor)


def latency_axis(batch: int) -> Axis:
    return Axis("Latency" if batch == 1 else f"Latency of {batch} images", "ms")


def timed(file: str | os.PathLike[str]) -> Measure:
    """The axis of a file of times, and the time of a network in it; raises `SpecError` if it is no such file."""
    path = Path(file)
    if not path.is_file():
        raise fault("missing-file", f"there is no file '{path}'", help="archdsl time … --format json writes it")
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        records = [
            ((one["graph"], one["form"]), finite(one["median_ms"]), one["engine"], one["batch"])
            for one in whole["networks"]
        ]
    except (ValueError, LookupError, TypeError):
        message = f"'{path}' does not hold the times of networks"
        raise fault("bad-call", message, help="archdsl time … --format json writes such a file") from None
    kinds = {(engine, batch) for _, _, engine, batch in records}
    if len(kinds) > 1:
        raise fault("bad-call", f"'{path}' has times of several engines", help="time the networks by one --engine")
    batch = next((batch for _, batch in kinds), 1)
    found: dict[str, dict[str, float]] = {}  # by fingerprint and form: a form may differ in the layout of memory alone
    for (graph, form), median, _, _ in records:
        found.setdefault(graph, {})[form] = median

    def time_of(row: Row) -> float | None:
        forms = found.get(row.made().fingerprint, {})
        return forms.get(row.form) if row.form is not None else next(iter(forms.values()), None)

    return latency_axis(batch), time_of


def finite(number: Any) -> float:
    found = float(number)
    if not isfinite(found):
        raise ValueError(number)
    return found


# --- stages
def row_names(paths: Sequence[str]) -> list[str]:
    """Stages and rows as tables call them, those of one name counted: `stages 1`, `stages 2`."""
    called = places(paths)
    counts: Counter[str] = Counter()
    found = []
    for name in called:
        counts[name] += 1
        found.append(f"{name} {counts[name]}" if called.count(name) > 1 else name)
    return found


def words_of(graph: Graph, names: Sequence[str]) -> list[str]:
    """The same, but rows that have no names are called as in strips, by what they do: `MBConv, k3, exp 72`."""
    parts = list(lines(graph.root))
    cells = cells_of(graph, [part.nodes() for _, part in parts])
    said = [", ".join(filter(None, [cell.name, *cell.lines])) if cell else "" for cell in cells]
    return [
        words if words and path.rpartition(".")[2].isdigit() else name
        for (path, _), name, words in zip(parts, names, said, strict=True)
    ]


def stages(rows: Sequence[Row]) -> Bars:
    """Parameters, MACs and activations of each stage."""
    axes = [Axis("Parameters"), Axis("MACs"), Axis("Activations")]
    groups = []
    for row in rows:
        graph = row.made()
        counted = cost(graph)
        names = row_names([line.name for line in counted.stages])
        counts = [(line.params, line.macs, line.activations) for line in counted.stages]
        groups.append(Group(called(row), [*zip(names, counts, strict=True)], words_of(graph, names)))
    return Bars(title("Cost by stage", rows), axes, groups)


# --- receptive fields
def receptive(rows: Sequence[Row]) -> Plotted:
    """The receptive field after so many convolutions, on the longest way to each map."""
    curves, sizes, missing, ranks = [], [], {}, set[int]()
    for row in rows:
        graph = row.made()
        made = curve(called(row), graph)
        if not any(depth for depth, _ in made.places):
            missing[made.name] = "it has no convolution whose receptive field is known"
            continue
        curves.append(made)
        sizes += [max(tensor.shape[1:], default=1) for tensor in graph.inputs.values()]
        ranks |= {len(tensor.shape) - 1 for tensor in graph.inputs.values()}
    if not curves:
        raise fault("bad-call", "no map of these networks has a receptive field")
    levels = [(f"input, {size:,}", float(size)) for size in dict.fromkeys(sizes)]
    x, y = Axis("Depth", "convolutions"), Axis("Receptive field", "pixels" if ranks != {1} else "samples")
    shown = [row for row in rows if called(row) not in missing]
    return Plotted(Curves(title("Receptive field", shown), x, y, curves, levels), missing)


def curve(name: str, graph: Graph) -> Curve:
    """How the receptive field of a network grows; of maps that are not square the longer side."""
    trace, _ = trace_of(graph)
    extents = [ceil(max(reach.extent, default=1)) if reach is not None else None for reach in trace.reaches()]
    depths = depths_of(trace, extents)
    seen = sorted((depth, extent) for depth, extent in zip(depths, extents, strict=True) if extent is not None)
    places = [
        (depth, widest)
        for (depth, _), widest in zip(seen, accumulate((extent for _, extent in seen), max), strict=True)
    ]
    ends = []
    parts = list(lines(trace.root))
    for stage, (_, part) in zip(row_names([path for path, _ in parts]), parts, strict=True):
        number = part.result if part.result is not None or not part.stop else trace.steps[part.stop - 1].first
        extent = extents[number] if number is not None else None
        if number is not None and extent is not None:
            ends.append(Mark(stage, depths[number], extent))
    return Curve(name, list(dict(places).items()), ends)


def depths_of(trace: Trace, extents: Sequence[int | None]) -> list[int]:
    """The most convolutions on a way to each tensor, along maps that have a receptive field."""
    depths = [0] * trace.inputs
    for worker, reads, _ in trace.steps:
        before = max((depths[number] for number in reads if extents[number] is not None), default=0)
        depths += [before + (worker.op.role == "conv")] * len(worker.outs)
    return depths
