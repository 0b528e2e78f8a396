"""What ops cost, for one input: parameters, multiply-adds, and the other kinds of work."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import Any, TypeAlias

from archdsl.diagnostics.faults import at
from archdsl.ir.graph import Graph, Node
from archdsl.ops import Op
from archdsl.ops.base import Shape

WORK = ("norm", "activation", "pool", "elementwise")
Columns: TypeAlias = "tuple[int, ...]"  # of a Work, in its order


@dataclass(frozen=True)
class Work:
    """What a set of ops costs, for one input."""

    params: int = 0
    macs: int = 0
    buffers: int = 0
    norm: int = 0
    activation: int = 0
    pool: int = 0
    elementwise: int = 0
    activations: int = 0  # elements of the tensors made

    def data(self) -> dict[str, Any]:
        """As plain data, in a fixed order."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(item.name for item in fields(Work))
PLACE = {kind: COLUMNS.index(kind) for kind in WORK}


def counted(
    op: Op, f: SimpleNamespace, shape: Shape, outs: Sequence[Shape], *, training: bool, shared: bool = False
) -> Columns:
    """What one op costs; the parameters of a shared module are those of its first run."""
    out = outs[0]
    params, buffers = (0, 0) if shared else (op.params(f, shape, out), op.buffers(f, shape, out))
    if training:  # an auxiliary head costs parameters alone
        return (params, 0, buffers, 0, 0, 0, 0, 0)
    found = [params, op.macs(f, shape, out), buffers, 0, 0, 0, 0, sum(map(math.prod, outs))]
    if op.counts in PLACE:
        found[PLACE[op.counts]] = op.work(f, shape, out)
    return tuple(found)


def summed(works: Iterable[Columns]) -> Columns:
    """The sum of works, column by column."""
    rows = list(works)
    return tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * len(COLUMNS)


def work(node: Node) -> Work:
    """What a node of a graph costs."""
    f, outs = SimpleNamespace(**node.fields), [tensor.shape for tensor in node.outputs]
    shape = node.inputs[0].shape
    with at(node.span):
        return Work(*counted(node.op, f, shape, outs, training=node.training, shared=node.shared))


def total(works: Iterable[Work]) -> Work:
    """The sum of works, column by column."""
    return Work(*summed(tuple(getattr(item, name) for name in COLUMNS) for item in works))


def trained(graph: Graph) -> tuple[int, int]:
    """Parameters and MACs alone, for those who want no more."""
    params = macs = 0
    for node in graph.nodes:
        f, shape, out = SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape
        with at(node.span):
            params += 0 if node.shared else node.op.params(f, shape, out)
            macs += 0 if node.training else node.op.macs(f, shape, out)
    return params, macs
