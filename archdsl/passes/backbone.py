"""A network cut down to what a backbone gives: the maps of chosen stages instead of its own outputs."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import ListOf, Name, wrap
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.lowering.sharing import shares
from archdsl.lowering.walks import step_names
from archdsl.support.naming import did_you_mean
from archdsl.syntax.spec import LoopStep, Spec, Stage


def backbone(spec: Spec, features: Sequence[str], whole: Graph) -> Spec:
    """The spec up to the last of `features`, which become its outputs; `whole` is its graph.

    A feature is a stage, or a row of a table of stages (`dense.stage2`, or by its place, `bottlenecks.3`).
    """
    stages = list(spec.stages)
    if not features:
        raise fault("bad-call", "a backbone gives at least one map", help=f"its stages are {', '.join(stages)}")
    for feature in features:
        if feature.partition(".")[0] not in spec.stages:
            hint = did_you_mean(feature, stages) or f"its stages are {', '.join(stages)}"
            raise fault("unknown-tensor", f"'{spec.name}' has no stage '{feature}'", help=hint)
    named = {feature.partition(".")[0] for feature in features}
    last = max(named, key=stages.index)
    needed = behind(whole, features)
    scopes = {scope.name: scope for scope in whole.stages()}
    kept = {
        name: cut(stage, scopes[name], whole, needed) if name in scopes else stage
        for name, stage in list(spec.stages.items())[: stages.index(last) + 1]
        if not stage.training and (name in named or name not in scopes or needs(scopes[name], needed))
    }
    for stage in kept.values():
        check_shared(stage, kept, spec)
    outputs = {feature.replace(".", "_"): Name(feature) for feature in features}
    init = tuple(entry for entry in spec.named_init if entry.path[0] not in spec.stages or entry.path[0] in kept)
    return replace(spec, stages=kept, outputs=outputs, detect=None, expect={}, named_init=init)


def check_shared(stage: Stage, kept: Mapping[str, Stage], spec: Spec) -> None:
    """Raises if a stage runs the module of one that is cut off."""
    own = set(step_names(stage.body))
    for share in shares(stage.body):
        owner = share.path.partition(".")[0]
        if share.path not in own and owner in spec.stages and owner not in kept:
            message = f"the stage '{stage.name}' runs a module of '{owner}', which leads to none of these maps"
            raise fault("bad-call", message, share.span, help=f"take {owner} too")


def behind(whole: Graph, features: Sequence[str]) -> set[int]:
    """The ids of the nodes that lead to features; to one that is a tensor inside a part, those of the part."""
    made = {scope.path: scope.output for scope in whole.root.scopes() if isinstance(scope.output, Tensor)}
    ahead = [made[path].node for path in (known(feature, made) for feature in features) if path]
    found: set[int] = set()
    while ahead:
        node = ahead.pop()
        if node is not None and node.id not in found:
            found.add(node.id)
            ahead += [tensor.node for tensor in node.inputs]
    return found


def known(feature: str, paths: Container[str]) -> str:
    """The innermost part that a dotted path names."""
    while feature and feature not in paths:
        feature = feature.rpartition(".")[0]
    return feature


def needs(scope: Scope, needed: Container[int]) -> bool:
    """Whether a part leads to a feature; one that computes nothing stays where it is."""
    nodes = list(scope.nodes())
    return not nodes or any(node.id in needed for node in nodes)


def cut(stage: Stage, scope: Scope, whole: Graph, needed: Container[int]) -> Stage:
    """A stage without the last rows of its table that no feature needs; the spec or a param writes the table out."""
    loop = stage.body[0] if len(stage.body) == 1 else None
    if not isinstance(loop, LoopStep):
        return stage
    table, rows = table_of(loop, whole), rows_of(scope)
    used = [place for place, row in enumerate(rows) if needs(row, needed)]
    if table is None or len(rows) != len(table.items) or not used or used[-1] == len(rows) - 1:
        return stage
    return replace(stage, body=[replace(loop, rows=replace(table, items=table.items[: used[-1] + 1]))])


def table_of(loop: LoopStep, whole: Graph) -> ListOf | None:
    """The rows as the spec writes them out, or as its params give them; none if they hang on more."""
    if loop.rows is None or isinstance(loop.rows, ListOf):
        return loop.rows
    try:
        table = wrap(evaluate(loop.rows, whole.params))
    except SpecError:
        return None
    return table if isinstance(table, ListOf) else None


def rows_of(scope: Scope) -> list[Scope]:
    """The rows of a stage that is a table."""
    inner = [child for child in scope.children if isinstance(child, Scope)]
    if len(inner) == 1 and inner[0].kind == "stage":
        return rows_of(inner[0])
    return [child for child in inner if child.kind == "row"]


def pyramid(graph: Graph) -> list[str]:
    """The last map of each resolution: what detectors and segmentation heads take from a classifier."""
    found: dict[tuple[int, ...], str] = {}
    for scope in parts(graph.root):
        shape = scope.output.shape if isinstance(scope.output, Tensor) else ()
        if len(shape) > 1 and max(shape[1:]) > 1:
            found[shape[1:]] = scope.path
    return list(found.values())


def parts(root: Scope) -> Iterator[Scope]:
    """Stages, and of a table its rows instead, in order; none that runs in training alone."""
    for stage in (child for child in root.children if isinstance(child, Scope)):
        if any(node.training for node in stage.nodes()):
            continue
        inner = [child for child in stage.children if isinstance(child, Scope) and child.kind in ("stage", "row")]
        rows = [row for part in inner for row in (parts(stage) if part.kind == "stage" else [part])]
        yield from rows or [stage]
