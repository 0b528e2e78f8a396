"""What the rules of an op say of one node: its fields where other shapes enter, and the modules that it may have."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from types import NoneType, SimpleNamespace
from typing import Any

from archdsl.expr.nodes import wrap
from archdsl.ir.facts import Window
from archdsl.ir.graph import Node, Tensor
from archdsl.ops.base import Module, Shape, Site

Shapes = Mapping[Tensor, Shape]
PLAIN = frozenset({int, float, str, bool, NoneType})  # types of values that equal each other only if they are alike


def runs_by_module(nodes: Iterable[Node]) -> dict[str, list[Node]]:
    """The nodes of each module, in order: several where it is shared."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.path, []).append(node)
    return found


def tensor_fields(node: Node) -> list[str]:
    """The tensor fields that a step gives; their tensors are the last that enter."""
    return [item.name for item in node.op.fields if item.kind == "tensor" and node.fields.get(item.name) is not None]


def fields_at(node: Node, shapes: Sequence[Shape]) -> SimpleNamespace:
    """The fields of a node, its tensor fields with the shapes that now enter."""
    names = tensor_fields(node)
    return SimpleNamespace(**{**node.fields, **dict(zip(names, shapes[len(shapes) - len(names) :], strict=True))})


def moves(node: Node, shapes: Sequence[Any], window: Window) -> bool:
    """Whether a window that becomes dilated would be another one where these shapes enter; raises `OpFault`."""
    both = shapes, [tensor.shape for tensor in node.inputs]
    now, whole = (node.op.spaced(fields_at(node, given), given[0][1:], *window) for given in both)
    return now != whole


def macs_of(node: Node, shapes: Shapes) -> int:
    """The multiply-adds of a node where its tensors have these shapes."""
    given = [shapes[tensor] for tensor in node.inputs]
    return node.op.macs(fields_at(node, given), given[0], shapes[node.outputs[0]])


def kinds_of(nodes: Iterable[Node]) -> dict[Node, int]:
    """The number of the kind of each node: nodes of one kind have one op, equal fields and equal shapes that enter.

    A node with a field that is no plain value stands alone.
    """
    numbers: dict[Hashable, int] = {}
    found: dict[Node, int] = {}
    for node in nodes:
        values = [plain(value) for value in node.fields.values()]
        shapes = tuple([tensor.shape for tensor in node.inputs])
        alike = node.op, node.functional, tuple(node.fields), tuple(values), shapes
        key: Hashable = node if None in values else alike
        found[node] = numbers.setdefault(key, len(numbers))
    return found


def plain(value: Any) -> Hashable:
    """A plain value, told apart from those of other types (1 is not 1.0, and not true); None for anything else."""
    kind = type(value)
    if kind in (list, tuple):
        items = tuple(map(plain, value))
        return None if None in items else (list, items)
    return (kind, value) if kind in PLAIN else None


def modules_of(node: Node, shapes: Sequence[Shape]) -> Iterator[Module]:
    """The modules that a node may have where these shapes enter."""
    given = tensor_fields(node)
    fields = {name: wrap(True if name in given else value) for name, value in node.fields.items()}
    c, *size = shapes[0]
    site = Site(SimpleNamespace(**fields), wrap(c), len(size), tuple(size))
    return node.op.alternatives(site)
