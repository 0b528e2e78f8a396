"""A network cut down to what a backbone gives: the maps of chosen stages instead of its own outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Name
from archdsl.ir.graph import Graph, Node, Tensor
from archdsl.lowering.sharing import shares
from archdsl.lowering.walks import step_names
from archdsl.passes.cutting import cut, needs
from archdsl.support.naming import did_you_mean
from archdsl.syntax.spec import Spec, Stage


def backbone(spec: Spec, features: Sequence[str], whole: Graph) -> Spec:
    """The spec up to the last of `features`, which become its outputs; `whole` is its graph.

    A feature is a stage, a row of a table of stages (`dense.stage2`, or by its place, `bottlenecks.3`), or a step or
    turn of a chain in one of these (`bottlenecks.3.0`).
    """
    stages = list(spec.stages)
    if not features:
        raise fault("bad-call", "a backbone returns at least one map", help=f"its stages are {', '.join(stages)}")
    for feature in features:
        check_feature(feature, stages, whole)
    named = {feature.partition(".")[0] for feature in features}
    last = max(named, key=stages.index)
    needed = behind(whole, features)
    scopes = {scope.name: scope for scope in whole.stages()}
    inner = {feature.partition(".")[0] for feature in features if "." in feature}
    kept = {
        name: cut(stage, scopes[name], whole, needed, inside=name in inner) if name in scopes else stage
        for name, stage in list(spec.stages.items())[: stages.index(last) + 1]
        if not stage.training and (name in named or name not in scopes or needs(scopes[name], needed))
    }
    for stage in kept.values():
        check_shared(stage, kept, spec)
    outputs = {feature.replace(".", "_"): Name(feature) for feature in features}
    init = tuple(entry for entry in spec.named_init if entry.path[0] not in spec.stages or entry.path[0] in kept)
    return replace(
        spec, stages=kept, outputs=outputs, detect=None, expect={}, named_init=init, features=tuple(features)
    )


def check_feature(feature: str, stages: Sequence[str], whole: Graph) -> None:
    """Raises unless a feature names a stage, or something in one that is no single block or op."""
    stage, _, inside = feature.partition(".")
    if stage in whole.inputs and stage not in stages:
        message = f"'{stage}' is an input of '{whole.name}', and a backbone gives maps that its stages compute"
        raise fault("unknown-tensor", message, help=f"its stages are {', '.join(stages)}")
    if stage not in stages:
        hint = did_you_mean(feature, stages) or f"its stages are {', '.join(stages)}"
        raise fault("unknown-tensor", f"'{whole.name}' has no stage '{feature}'", help=hint)
    found = next((scope for scope in whole.stages() if scope.name == stage), None)
    parts = found.children if found is not None else []
    alone = all(child.path == stage and (isinstance(child, Node) or child.kind == "block") for child in parts)
    if inside and alone:
        message = f"'{stage}' is a single module with one output: '{inside}' is inside it"
        raise fault("unknown-tensor", message, found.span if found is not None else None, help=f"take '{stage}'")


def check_shared(stage: Stage, kept: Mapping[str, Stage], spec: Spec) -> None:
    """Raises if a stage runs the module of one that is cut off."""
    own = set(step_names(stage.body))
    for share in shares(stage.body):
        owner = share.path.partition(".")[0]
        if share.path not in own and owner in spec.stages and owner not in kept:
            message = f"the stage '{stage.name}' runs a module of '{owner}', which leads to none of these maps"
            raise fault("bad-call", message, share.span, help=f"take {owner} too")


def expect_part(part: Graph, whole: Graph) -> None:
    """Raises if a step of a backbone is none of the network that it is cut from, with the same arguments and shapes."""
    known = Counter(map(facts, whole.nodes))
    for node in part.nodes:
        known[facts(node)] -= 1
        if known[facts(node)] < 0:
            message = f"'{node.path}' would be another step in this backbone than in '{whole.name}'"
            raise fault("bad-call", message, node.span, help="take the row or stage that contains it")


def facts(node: Node) -> tuple[object, ...]:
    shapes = [tensor.shape for tensor in (*node.inputs, *node.outputs)]
    return node.path, node.op.name, repr(sorted(node.fields.items())), *shapes


def behind(whole: Graph, features: Sequence[str]) -> set[int]:
    """The ids of the nodes that lead to features; to one that is a tensor inside a part, those of the part."""
    made = {node.path: node.outputs[0] for node in whole.nodes}
    made |= {scope.path: scope.output for scope in whole.root.scopes() if isinstance(scope.output, Tensor)}
    ahead = [made[path].node for path in (known(feature, made) for feature in features) if path]
    found: set[int] = set()
    while ahead:
        node = ahead.pop()
        if node is not None and node.id not in found:
            found.add(node.id)
            ahead += [tensor.node for tensor in node.inputs]
    return found


def beyond(whole: Graph, features: Sequence[str]) -> list[str]:
    """The stages that an input leads to: the first that leads to none of the features."""
    needed = behind(whole, features)
    read = {tensor for node in whole.nodes if node.id in needed for tensor in node.inputs}
    reached = set([tensor for tensor in whole.inputs.values() if tensor not in read][:1])
    for node in whole.nodes:
        if not node.training and not reached.isdisjoint(node.inputs):
            reached.update(node.outputs)
    return [scope.name for scope in whole.stages() if isinstance(scope.output, Tensor) and scope.output in reached]


def known(feature: str, paths: Container[str]) -> str:
    """The innermost part that a dotted path names."""
    while feature and feature not in paths:
        feature = feature.rpartition(".")[0]
    return feature
