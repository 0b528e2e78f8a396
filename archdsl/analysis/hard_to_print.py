"""Where a program may have no source: what a class needs differs between its calls, and has no expression there.

To print a network takes longer than to count it. So a check watches, while it counts, the few operations whose source
may be refused, and prints those networks alone in which something differs at one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.analysis.channel_names import SIZES, channel_names
from archdsl.expr.nodes import Expr, ListOf, Lit, names
from archdsl.ir import program as ir
from archdsl.ir.expressions import loops_of_sizes
from archdsl.ops.base import Shape


class Watch:
    """What is seen at the operations of a program whose source may be refused, in all of its networks."""

    def __init__(self, program: ir.Program) -> None:
        self.loops = loops_of_sizes(program)  # something in a turn depends on the size of the map
        self.others = frozenset(node for function in program.functions for node in hard_parts(function))
        self.seen: dict[ir.Operation, Any] = {}
        self.ranks: dict[ir.Operation, int] = {}
        self.turns: dict[ir.Loop, list[Shape]] = {}  # what entered the turn before
        self.growing: set[ir.Loop] = set()  # loops that leave other channels than enter them
        self.differs = False  # whether anything did at one of them

    def op(self, node: ir.Primitive, entering: Shape, leaving: int) -> None:
        """An op runs: on a map of this shape, with so many results."""
        self.differs = self.differs or self.ranks.setdefault(node, len(entering)) != len(entering)
        if node in self.others:
            self.note(node, (entering[1:], leaving))

    def turn(self, node: ir.Loop, index: int, count: int, carried: list[Shape]) -> None:
        """A turn of a loop begins, with these tensors."""
        before = self.turns.get(node, carried) if index else carried
        self.turns[node] = carried
        if node in self.loops and before[0][1:] != carried[0][1:]:
            self.differs = True
        if node in self.others:
            if [shape[0] for shape in before] != [shape[0] for shape in carried]:
                self.growing.add(node)
            if node.carry.many:
                self.differs = self.differs or node in self.growing
            elif node.parallel or node in self.growing:
                self.note(node, count)

    def note(self, node: ir.Operation, found: Any) -> None:
        self.differs = self.differs or self.seen.setdefault(node, found) != found


def hard_parts(function: ir.Function) -> Iterator[ir.Operation]:
    """The operations of a function that may have no expression where they differ between its calls."""
    for node in function.walk():
        if isinstance(node, ir.Loop):
            hard = node.carry.many or not (function.network or is_written_out(node))
        elif isinstance(node, ir.Primitive):
            hard = not function.network and (on_last_axis(node) or has_free_parts(node) or takes_size(node))
        else:
            hard = False
        if hard:
            yield node


def is_written_out(node: ir.Loop) -> bool:
    """Whether a loop has the same turns in every call."""
    said = node.count if node.count is not None else node.rows
    return isinstance(said, (Lit, ListOf)) and not reads_names(said)


def on_last_axis(node: ir.Primitive) -> bool:
    """Whether a layer is as wide as the last axis of a map is long."""
    axis = node.fields.get("axis")
    return axis is not None and axis != Lit("c") and not node.functional


def has_free_parts(node: ir.Primitive) -> bool:
    """Whether an op gives a number of tensors that may differ between calls."""
    return node.out.many and any(map(reads_names, node.fields.values()))


def takes_size(node: ir.Primitive) -> bool:
    """Whether channels are made of a height or width."""
    rule = channel_names(node.op)
    return rule is None or SIZES in rule


def reads_names(expr: Expr) -> bool:
    return any(True for _ in names(expr))
