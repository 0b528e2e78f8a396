"""What a figure is made of, whatever draws it: boxes, groups of them, arrows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from archdsl.ir.graph import Node, Scope, Tensor

Item: TypeAlias = "Box | Group"
ArrowKind: TypeAlias = Literal["flow", "skip", "tap", "entry"]
GroupKind: TypeAlias = Literal["stage", "block", "repeat", "case"]


@dataclass(eq=False)
class Box:
    """One shape of the figure and the ops that it stands for.

    `nodes` hold every copy where identical calls are folded into one; the first `copy` of them are
    those of the first call, which the arrows that enter are taken from.
    """

    role: str  # its colour: an op's role, or block, input, output, fork (where a tensor that enters a frame parts)
    lines: tuple[str, ...]  # what it does
    nodes: tuple[Node, ...] = ()
    heading: str = ""  # its name, above the lines
    shape: str = ""  # C×H×W that leaves, where the box says so
    keys: frozenset[object] = frozenset()  # boxes that share one are copies of each other
    copy: int = 0
    calls: tuple[Scope, ...] = ()  # of a block
    tensor: Tensor | None = None  # of an input, output or fork; of a stage what leaves it
    colour: str = ""  # a role's or `#rrggbb`, where the spec gives it one that is not its role's
    space: float | None = None  # on a narrow page: points to which its words are broken, with little room around them

    def __post_init__(self) -> None:
        self.copy = self.copy or len(self.nodes)

    @property
    def first_copy(self) -> tuple[Node, ...]:
        return self.nodes[: self.copy]

    def boxes(self) -> Iterator[Box]:
        yield self

    def same(self, other: Item) -> bool:
        """Whether the other is a copy of this."""
        return isinstance(other, Box) and self.role == other.role and bool(self.keys & other.keys)


@dataclass(eq=False)
class Group:
    """A frame around boxes: a stage, a block, a run of identical calls (`×4`), one case of a block."""

    kind: GroupKind
    label: str
    items: list[Item]
    space: float | None = None  # as that of a box

    def boxes(self) -> Iterator[Box]:
        for item in self.items:
            yield from item.boxes()

    def same(self, other: Item) -> bool:
        return (
            isinstance(other, Group)
            and (self.kind, self.label, len(self.items)) == (other.kind, other.label, len(other.items))
            and all(one.same(copy) for one, copy in zip(self.items, other.items, strict=True))
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(node for box in self.boxes() for node in box.nodes)


@dataclass(frozen=True, eq=False)
class Arrow:
    """A tensor on its way from one box to another; a skip passes by other boxes, a tap leaves from inside one."""

    source: Box
    target: Box
    label: str = ""
    kind: ArrowKind = "flow"
    tensor: Tensor | None = None
    shape: str = ""  # of the tensor, whether the label says it or not


@dataclass
class Picture:
    """A figure: items in the order of execution, arrows in the order of branches."""

    title: str
    items: list[Item] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def boxes(self) -> list[Box]:
        return [box for item in self.items for box in item.boxes()]
