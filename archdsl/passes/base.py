"""What a pass is: a rewrite of programs, and what becomes of the weights of a trained network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from archdsl.diagnostics.spans import Span
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ir.program import Operation, Program
from archdsl.support.plugins import blamed, file_of, home_of

if TYPE_CHECKING:
    from torch import Tensor, nn

Weights: TypeAlias = "dict[str, Tensor]"  # of one module, by name
Rewrite: TypeAlias = "Callable[[Program], Program]"
Calls: TypeAlias = "tuple[tuple[str, Span | None, int], ...]"
Run: TypeAlias = "tuple[int, Calls]"
WeightRule: TypeAlias = "Callable[[Carry], Mapping[Node, Weights]]"


@dataclass(frozen=True)
class Pass:
    """A rewrite of networks by the name of its function; the first line of its docstring says what it does.

    It gives another program, made of a copy (`archdsl.ir.rewrite`), and leaves the one it is given as it is. What stays
    of a network keeps its weights; `weights` gives those of the modules whose weights become others.
    """

    rewrite: Rewrite
    weights: WeightRule | None = None
    called: str | None = field(default=None, compare=False)  # the name that a call gave for it

    @property
    def name(self) -> str:
        return getattr(self.rewrite, "__name__", type(self.rewrite).__name__)

    @property
    def said(self) -> str:
        """What names it in messages; one of another package, with its file."""
        own = self.rewrite.__module__.startswith("archdsl.")
        return f"the pass {self.name}" if own else f"the pass {self.name} of {home_of(self.rewrite)}"

    @contextmanager
    def blamed(self, how: str) -> Iterator[None]:
        """What is raised inside is its fault, if it is one of another package."""
        if self.rewrite.__module__.startswith("archdsl."):
            yield
            return
        with blamed(self.said, how, (file_of(self.rewrite.__module__),)):
            yield

    @property
    def doc(self) -> str:
        return (self.rewrite.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True)
class Chain:
    """The runs of each operation that has become a part of another, in the order in which they stood around it."""

    leading: list[list[Node]]
    following: list[list[Node]]


@dataclass(frozen=True, eq=False)
class Carry:
    """A trained network before a pass, and its graph afterwards."""

    model: nn.Module
    before: Graph
    after: Graph

    @cached_property
    def kept(self) -> dict[Node, Node]:
        """The nodes that are left, each with the one that it was: of the same operation in the same call and turn."""
        were = runs(self.before, {operation.id: operation.id for operation in operations(self.before)})
        found: dict[Node, Node] = {}
        for run, nodes in runs(
            self.after, {operation.id: operation.source for operation in operations(self.after)}
        ).items():
            old = were.get(run, [])
            assert len(old) in (0, len(nodes)), f"'{nodes[0].path}' was {len(old)} nodes and is {len(nodes)}"
            found.update(zip(nodes, old, strict=False))
        return found

    @cached_property
    def merged(self) -> dict[Node, Chain]:
        """For each node that others are a part of now, all runs of the operations that came before and after it."""
        old, new = made_by(self.before), made_by(self.after)
        found: dict[Node, Chain] = {}
        for operation in operations(self.after):
            if operation.merged:
                place = operation.merged.index(operation.source)
                parts = [old.get(source, []) for source in operation.merged]
                chain = Chain(parts[:place], parts[place + 1 :])
                found.update(dict.fromkeys(new.get(operation.id, []), chain))
        return found

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """Those of the network before, by path: the weights of each are asked for."""
        return dict(self.model.named_modules())

    def weights(self, node: Node) -> Weights:
        """Those of a node before; none of one that has no module in this network (a head taken off)."""
        if node.op.owned:
            return {"": self.model.state_dict()[node.path]}
        module = self.modules.get(node.path)
        return module.state_dict() if module is not None else {}


def made_by(graph: Graph) -> dict[int, list[Node]]:
    """The nodes that each operation made, in order of execution."""
    found: dict[int, list[Node]] = {}
    for node, operation in zip(graph.nodes, origin_of(graph).made, strict=True):
        found.setdefault(operation, []).append(node)
    return found


def runs(graph: Graph, numbers: Mapping[int, int]) -> dict[Run, list[Node]]:
    """The nodes of each operation, known by some number, in each call and turn."""
    places = calls_of(graph)
    found: dict[Run, list[Node]] = {}
    for node, operation in zip(graph.nodes, origin_of(graph).made, strict=True):
        found.setdefault((numbers[operation], places[node.scope]), []).append(node)
    return found


def calls_of(graph: Graph) -> dict[Scope, Calls]:
    """In which calls and turns each scope stands, by their places in the spec."""
    found: dict[Scope, Calls] = {graph.root: ()}
    for scope in graph.root.scopes():
        turns: Counter[tuple[str, Span | None]] = Counter()
        for child in scope.children:
            if isinstance(child, Scope):
                place = child.kind, child.span
                own = ((*place, turns[place]),) if child.kind in ("block", "row", "turn") else ()
                turns[place] += 1
                found[child] = (*found[scope], *own)
    return found


def operations(graph: Graph) -> Iterator[Operation]:
    """Every operation of the program that a graph was made from."""
    for function in origin_of(graph).program.functions:
        yield from function.walk()
