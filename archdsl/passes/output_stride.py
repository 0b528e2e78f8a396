"""Strides past a limit as dilations: maps that stay larger, under the same weights.

What a network gives then agrees, at each so many-th place, with what it gave before. What sees all of a map at once
(the mean of squeeze-and-excitation, a group norm) sees the places between too: behind it numbers are near, not equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from types import SimpleNamespace
from typing import NamedTuple

from archdsl.diagnostics.faults import fault
from archdsl.expr.given import shown
from archdsl.expr.nodes import Constant, Expr, Lit
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node
from archdsl.ir.program import Operation, Primitive, Program
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import copied
from archdsl.ops.base import OpFault, once, per_axis
from archdsl.ops.windows import KEEP, SAME, border_of
from archdsl.passes.per_run import PerRun, Run, runs_of
from archdsl.passes.spacing import refused, spacings

STRIDES = (1, 2, 4, 8, 16, 32)
STATED = "padding"  # a field that says the same number in several words


class Planned(NamedTuple):
    """A node with the fields that it is to have."""

    node: Node
    run: Run | None
    fields: Mapping[str, Constant]
    changes: bool


def expect_stride(limit: int) -> None:
    """Raises unless maps may be that many times smaller than the image."""
    if type(limit) is not int or limit not in STRIDES:
        known = ", ".join(map(str, STRIDES[:-1]))
        raise fault("bad-call", f"output_stride is one of {known} and {STRIDES[-1]}, not {shown(limit)}")


def with_output_stride(graphs: Sequence[Graph], limit: int) -> Program:
    """The program of some graphs, with dilations in place of the strides that make maps more than `limit` smaller.

    It holds for these graphs: in another variant of their spec, other strides may come past the limit.
    """
    made = copied(origin_of(graphs[0]).program)
    operations = {node.source: node for function in made.functions for node in function.walk()}
    brought, plans = PerRun(made, turns_of(graphs)), planned(graphs, limit)
    for operation, parts in plans.items():
        if any(part.changes for part in parts):
            bring(operations[operation], parts, brought)
    brought.write()
    return program_of(made.main)


def turns_of(graphs: Sequence[Graph]) -> dict[int, int]:
    """The most turns of each loop."""
    found: dict[int, int] = {}
    for graph in graphs:
        for loop, turns in origin_of(graph).facts.turns.items():
            found[loop] = max(found.get(loop, 0), *turns)
    return found


def planned(graphs: Sequence[Graph], limit: int) -> dict[int, list[Planned]]:
    """What becomes of the windows of some graphs, by the operations that they were made of."""
    plans: dict[int, list[Planned]] = {}
    for number, graph in enumerate(graphs):
        runs, found = runs_of(graph, number), spacings(graph, limit)
        for node, operation in zip(graph.nodes, origin_of(graph).made, strict=True):
            if node in found:
                own = found[node]
                plans.setdefault(operation, []).append(Planned(node, runs.get(node), own.fields(node), own.changes))
    return plans


def bring(operation: Operation, parts: Sequence[Planned], brought: PerRun) -> None:
    """Notes the fields of an operation that change in any of its runs, as they are in each of them."""
    for name in dict.fromkeys(name for part in parts for name in part.fields):
        assert isinstance(operation, Primitive)
        # of a module that runs again, the first run tells
        own = [part for part in parts if part.run is not None and matters(part, name)]
        values = [part.fields.get(name, said(part.node, name)) for part in own]
        if name == STATED:
            padding = padding_of_all(operation.fields[name], own)
            if padding is not None:
                operation.fields = {**operation.fields, name: padding}
                continue
            values = [0 if value == SAME else value for value in values]
        elif name != "ceil" and all(value == said(part.node, name) for part, value in zip(own, values, strict=True)):
            continue
        for part, value in zip(own, values, strict=True):
            assert part.run is not None
            brought.note(operation, name, part.run, value)


def matters(part: Planned, name: str) -> bool:
    """Whether a field makes a difference: the dilation of a kernel of one element makes none."""
    return name != "dilation" or set(per_axis(part.node.fields["kernel"], 1)) != {1}


def told(part: Planned, name: str) -> bool:
    """Whether a field has to be as planned: not a border, which several words say, nor ceil of a window that stays."""
    return name != STATED and (part.changes or name != "ceil")


def said(node: Node, name: str) -> Constant:
    """A field of a node with one number for all axes, where they have the same."""
    f, rank = node.fields, len(node.inputs[0].shape) - 1
    value = f["kernel"] if name == "stride" and f[name] is None else f[name]
    return value if isinstance(value, (str, bool)) or value is None else once(per_axis(value, rank))


def padding_of_all(written: Expr, parts: Sequence[Planned]) -> Expr | None:
    """One padding that is the border of every run: as it is written, or a word; None where there is none."""
    known = parts[0].node.op.field(STATED)
    words = [Lit(word) for word in (KEEP, SAME) if known is not None and word in known.choices]
    return next((word for word in (written, *words) if all(means(word, part) for part in parts)), None)


def means(word: Expr, part: Planned) -> bool:
    """Whether a padding is the border that a run is to have."""
    rank, wanted = len(part.node.inputs[0].shape) - 1, part.fields.get(STATED)
    given = word.value if isinstance(word, Lit) else part.node.fields[STATED]
    f = SimpleNamespace(**{"dilation": 1, **part.node.fields, "stride": said(part.node, "stride"), **part.fields})
    if not part.changes and given == part.node.fields[STATED]:
        return True
    if given == SAME and (wanted == SAME or fits_evenly(part)):
        return True
    try:
        borders = [border_of(SimpleNamespace(**{**vars(f), STATED: padding}), rank) for padding in (wanted, given)]
    except (OpFault, TypeError):  # TensorFlow's, which depends on the size; one that the op knows by itself
        return False
    return borders[0] == borders[1]


def fits_evenly(part: Planned) -> bool:
    """Whether a window that stays as it is needs no border of TensorFlow's: two by two, on a map of even size."""
    f, size = part.node.fields, part.node.inputs[0].shape[1:]
    shape = once(per_axis(f["kernel"], len(size))), said(part.node, "stride"), part.fields.get(STATED)
    return not part.changes and shape == (2, 2, 0) and f.get("dilation", 1) == 1 and all(n % 2 == 0 for n in size)


def expect_as_planned(before: Graph, after: Graph, limit: int) -> None:
    """Raises at the first node that does not have the fields that it should, or other weights than before."""
    plans = {part.node: part for parts in planned([before], limit).values() for part in parts}
    for old, new in zip_longest(before.nodes, after.nodes):
        if old is None or new is None:
            raise refused(old or new, "it only exists at one size of the map", "conditions must not read sizes")
        if (old.path, old.op) != (new.path, new.op):
            raise refused(
                old, f"there would be another step in its place, '{new.path}'", "conditions must not read sizes"
            )
        part = plans.get(old)
        names = [] if part is None else [name for name in part.fields if told(part, name) and matters(part, name)]
        if part is not None and any(said(new, name) != part.fields[name] for name in names):
            raise refused(old, "its module runs on maps of several spacings", "give each of them a module of its own")
        known = part.fields if part is not None else {}
        others = [name for name in old.fields if name not in known and old.fields[name] != new.fields[name]]
        if others:
            raise refused(old, f"its {others[0]} depends on the size of its map", "write it as a number")
        if weights(old) != weights(new):
            raise refused(old, "its weights are made for a map of one size")


def weights(node: Node) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the tensors of its module."""
    return node.op.state(SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape)
