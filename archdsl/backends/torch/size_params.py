"""The params of a network that change which heights and widths it takes: those behind strides, and behind its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from archdsl.diagnostics.faults import at
from archdsl.expr.nodes import ListOf
from archdsl.ir import program as ir
from archdsl.ir.facts import Deps, Facts, origin_of
from archdsl.ir.graph import Graph, Node
from archdsl.ops.base import NEEDS_NUMBERS

NONE: Deps = frozenset()


def behind_sizes(graphs: Sequence[Graph], functions: Sequence[ir.Function]) -> Deps:
    """These params, over graphs of one program: where it is not certain that one changes nothing, it is among them."""
    moved = dict(pair for graph in graphs for pair in moving(graph))
    known = Known(origin_of(graphs[-1]).facts, moved, scopes_that_keep_sizes(graphs))
    return NONE.union(*map(known.behind, functions))


def scopes_that_keep_sizes(graphs: Sequence[Graph]) -> set[int]:
    """The operations that open scopes, as calls do, in which no size moves, whatever the params that are true or false.

    Each has run with all values of such a param: what one decides in a block may hang on another one around its call.
    """
    flags = [name for name, value in graphs[-1].params.items() if type(value) is bool]
    values = {(name, graph.params[name]) for graph in graphs for name in flags}
    seen: dict[int, set[tuple[str, object]]] = {}
    moving: set[int] = set()
    for graph in graphs:
        given = {(name, graph.params[name]) for name in flags}
        for scope, opened in zip(list(graph.root.scopes())[1:], origin_of(graph).opened, strict=True):
            seen.setdefault(opened, set()).update(given)
            if any(map(moves, scope.nodes())):
                moving.add(opened)
    return {opened for opened, known in seen.items() if known == values} - moving


def moves(node: Node) -> bool:
    """Whether a step gives a map of another size than it takes."""
    return any(tensor.shape[1:] != node.inputs[0].shape[1:] for tensor in node.outputs if node.inputs)


def moving(graph: Graph) -> Iterator[tuple[int, frozenset[str]]]:
    """The operations that give a map of another size than they take, and the fields that their rules then read."""
    for node, made in zip(graph.nodes, origin_of(graph).made, strict=True):
        if moves(node):
            fields = Read(node.fields)
            shapes = [tensor.shape for tensor in node.inputs]
            with suppress(*NEEDS_NUMBERS), at(node.span):
                if node.op.many or node.op.size(fields, shapes[0][1:]) != node.shape[1:]:
                    node.op.result(fields, *shapes)
            yield made, frozenset(fields.read)


class Read(SimpleNamespace):
    """Fields that note which of them a rule reads."""

    def __init__(self, fields: Any) -> None:
        super().__init__(**fields, read=set())

    def __getattribute__(self, name: str) -> Any:
        if name != "read":
            super().__getattribute__("read").add(name)
        return super().__getattribute__(name)


class Known:
    """What is known of a program whose operations that move sizes are told."""

    def __init__(self, facts: Facts, moved: dict[int, frozenset[str]], still: set[int]) -> None:
        self.facts, self.moved = facts, moved
        self.still = still  # the calls in which no size moves, though their blocks may move some in other calls
        self.functions: dict[int, bool] = {}  # whether one has steps that move sizes

    def behind(self, function: ir.Function) -> Deps:
        """The params behind the sizes in a function."""
        found = NONE
        several = len(function.inputs) > 1 or self.moving(function)
        for node in function.walk():
            match node:
                case ir.Primitive():
                    found = found.union(*(self.deps(node, name) for name in self.moved.get(node.id, ())))
                case ir.If() if any(self.tells(region, several) for region in node.regions()):
                    found |= self.deps(node, "condition")
                case ir.Loop() if self.tells(node.body, several):
                    found |= self.deps(node, "count") | (NONE if self.is_table(node) else self.deps(node, "rows"))
        for auxiliary in function.training.values():
            found |= self.deps(auxiliary, "condition")
        return found

    def deps(self, node: ir.Numbered, word: str) -> Deps:
        seen = self.facts.seen.get((node.id, word))
        return seen.deps if seen is not None else NONE

    @staticmethod
    def is_table(node: ir.Loop) -> bool:
        """Whether its rows are written in the text: how many there are, no param says."""
        return isinstance(node.rows, ListOf)

    def tells(self, region: ir.Region, several: bool) -> bool:
        """Whether a size may depend on whether these steps run: they move sizes, or join maps that may have several."""
        for node in region.walk():
            joins = isinstance(node, ir.Primitive) and node.op.many and several
            if node.id in self.moved or joins or (isinstance(node, ir.Call) and self.moves_inside(node)):
                return True
        return False

    def moves_inside(self, call: ir.Call) -> bool:
        """Whether a call may move sizes."""
        return call.id not in self.still and self.moving(call.block)

    def moving(self, function: ir.Function) -> bool:
        """Whether a function has steps that move sizes; one that calls itself is asked once."""
        if function.id not in self.functions:
            self.functions[function.id] = True
            self.functions[function.id] = any(
                node.id in self.moved or (isinstance(node, ir.Call) and self.moves_inside(node))
                for node in function.walk()
            )
        return self.functions[function.id]
