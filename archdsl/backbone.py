"""A network cut down to what a backbone gives: the maps of chosen stages instead of its own outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from archdsl.elaborate import elaborate
from archdsl.expr import ListOf, Name
from archdsl.graph import Graph, Scope
from archdsl.names import did_you_mean
from archdsl.report import fault
from archdsl.spec import LoopStep, Spec, Stage


def graph_of_backbone(
    spec: Spec,
    features: Sequence[str] | bool,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    form: str = "train",
) -> Graph:
    """The graph of a backbone; `features` true: the last map of each resolution."""
    if isinstance(features, bool):
        features = pyramid(elaborate(spec, variant, params, inputs))
    return elaborate(backbone(spec, features), variant, params, inputs, form)


def backbone(spec: Spec, features: Sequence[str]) -> Spec:
    """The spec up to the last of `features`, which become its outputs.

    A feature is a stage, or a row of a table of stages (`dense.stage2`, or by its place, `bottlenecks.3`).
    """
    stages = list(spec.stages)
    if not features:
        raise fault("bad-call", "a backbone gives at least one map", help=f"its stages are {', '.join(stages)}")
    for feature in features:
        if feature.partition(".")[0] not in spec.stages:
            hint = did_you_mean(feature, stages) or f"its stages are {', '.join(stages)}"
            raise fault("unknown-tensor", f"'{spec.name}' has no stage '{feature}'", help=hint)
    last = max(features, key=lambda feature: stages.index(feature.partition(".")[0]))
    until = stages.index(last.partition(".")[0])
    kept = {
        name: cut(stage, [f for f in features if f.partition(".")[0] == name]) if name == stages[until] else stage
        for name, stage in list(spec.stages.items())[: until + 1]
        if not stage.training
    }
    outputs = {feature.replace(".", "_"): Name(feature) for feature in features}
    return replace(spec, stages=kept, outputs=outputs, detect=None, expect={})


def cut(stage: Stage, features: Sequence[str]) -> Stage:
    """The last stage without the rows that no feature needs, where the spec writes them out."""
    only = stage.body[0] if len(stage.body) == 1 else None
    rows = [feature.partition(".")[2].split(".")[0] for feature in features]
    if not isinstance(only, LoopStep) or not isinstance(only.rows, ListOf) or not all(rows):
        return stage
    names = row_names(only, only.rows)
    places = [names.index(row) if row in names else int(row) if row.isdigit() else len(names) - 1 for row in rows]
    return replace(stage, body=[replace(only, rows=replace(only.rows, items=only.rows.items[: max(places) + 1]))])


def row_names(loop: LoopStep, rows: ListOf) -> list[str]:
    """What the rows of a table are called; their places where no column names them."""
    if "name" not in loop.columns:
        return [str(index) for index in range(len(rows.items))]
    column = loop.columns.index("name")
    cells = [row.items[column] if isinstance(row, ListOf) else row for row in rows.items]
    return [cell.id if isinstance(cell, Name) else str(getattr(cell, "value", "")) for cell in cells]


def pyramid(graph: Graph) -> list[str]:
    """The last map of each resolution: what detectors and segmentation heads take from a classifier."""
    found: dict[tuple[int, ...], str] = {}
    for scope in parts(graph.root):
        shape = scope.output.shape if scope.output is not None else ()
        if len(shape) > 1 and max(shape[1:]) > 1:
            found[shape[1:]] = scope.path
    return list(found.values())


def parts(root: Scope) -> Iterator[Scope]:
    """Stages, and of a table its rows instead, in order."""
    for stage in (child for child in root.children if isinstance(child, Scope)):
        inner = [child for child in stage.children if isinstance(child, Scope) and child.kind in ("stage", "row")]
        rows = [row for part in inner for row in (parts(stage) if part.kind == "stage" else [part])]
        yield from rows or [stage]
