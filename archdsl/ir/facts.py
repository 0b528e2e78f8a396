"""What was found out about the parts of a program while it ran, and where a graph came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from archdsl.expr.nodes import Constant
from archdsl.ir.program import Function, Program
from archdsl.ir.seal import Seal
from archdsl.ops.base import Shape
from archdsl.syntax.spec import Spec

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph, Node

Deps: TypeAlias = "frozenset[str]"
Place: TypeAlias = "tuple[int, str]"  # the id of a part, and a word for what of it: a field, `c`, `condition`
Window: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"  # the spacing of the map that enters, and the step now
Given: TypeAlias = "tuple[dict[str, Constant], dict[str, Shape]]"  # a run's params and the shapes of its inputs


@dataclass
class Fact:
    """What a place was over all runs: its last value, whether it differed, the network's params behind it."""

    value: Constant
    varies: bool = False
    deps: Deps = frozenset()
    kinds: set[str] = field(default_factory=set)  # its types, as emitted source has them
    words: dict[str, None] = field(default_factory=dict)  # those among its values, in order


@dataclass
class Facts:
    """What the places of a program were over all runs; parts are known by their ids."""

    seen: dict[Place, Fact] = field(default_factory=dict)
    rows: dict[int, list[dict[str, Constant]]] = field(default_factory=dict)  # of loops, as they ran first
    ranks: dict[int, int] = field(default_factory=dict)  # spatial axes of the tensor that enters a primitive
    mixed: dict[int, set[int]] = field(default_factory=dict)  # where these differ from call to call: all of them
    turns: dict[int, set[int]] = field(default_factory=dict)  # of loops, how often they turned
    ran: set[int] = field(default_factory=set)  # functions and sides that took part, bodies that were repeated
    reached: dict[int, Given] = field(default_factory=dict)  # a condition or loop -> a network that comes there
    taps: dict[int, set[tuple[str, ...]]] = field(default_factory=dict)  # a tapped container -> the paths into it


@dataclass(frozen=True)
class Undilated:
    """A network before strides became dilations, with each window that they changed."""

    graph: Graph
    windows: Mapping[Node, Window]


@dataclass
class Origin:
    """Where a graph came from: for the source back end."""

    spec: Spec
    program: Program
    facts: Facts
    output_deps: Deps  # the params behind the channels of the outputs
    made: list[int]  # of each node of the graph, the operation that it was made from
    opened: list[int]  # and of each scope below the root, in the order of `scopes`
    seal: Seal | None = None  # the graph as it was made
    before: Undilated | None = None  # of one whose strides became dilations

    @property
    def function(self) -> Function:
        """The network's own."""
        return self.program.main


def origin_of(graph: Graph) -> Origin:
    """Where a graph came from, of one that was not made by hand."""
    assert graph.origin is not None
    return graph.origin
