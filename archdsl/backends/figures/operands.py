"""Which tensors the names in a formula are, so that a figure can say them at the arrows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.diagnostics.faults import SpecError
from archdsl.expr.nodes import Expr, Name, children
from archdsl.expr.parse import parse
from archdsl.ir.graph import Node, Tensor
from archdsl.ops.formula import place


def operands(node: Node) -> Mapping[Tensor, str]:
    """The tensors that a formula reads, by what it calls them; none of one that a label stands for."""
    expression = node.fields.get("expression")
    if node.op.name != "formula" or node.label is None or not isinstance(expression, Expr):
        return {}
    try:
        written = parse(node.label)
    except SpecError:
        return {}
    found = dict(called(expression, written))
    return {node.inputs[number]: name for number, name in found.items()} if len(found) == len(node.inputs) else {}


def called(expression: Expr, written: Expr) -> Iterator[tuple[int, str]]:
    """The place of each tensor with its name, from the two trees side by side."""
    if isinstance(expression, Name) and isinstance(written, Name):
        number = place(expression)
        if number is not None:
            yield number, written.id
        return
    inside, names = list(children(expression)), list(children(written))
    if type(expression) is type(written) and len(inside) == len(names):
        for one, other in zip(inside, names, strict=True):
            yield from called(one, other)
