"""What a page shows: groups that open, stacks of ops, the ends of the network, and the wires between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.backends.figures.anatomy import entering
from archdsl.backends.figures.outline import HEADS, Outline
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.syntax.spec import Figure

Part: TypeAlias = "Group | Stack | End"


@dataclass(eq=False)
class End:
    """An input or output of the network."""

    name: str
    tensor: Tensor
    leaves: bool

    @property
    def nodes(self) -> tuple[Node, ...]:
        return ()


@dataclass(eq=False)
class Stack:
    """Ops that are one box, a row each: a convolution with its normalisation and activation.

    `scopes` are the blocks that hold these ops alone, the outermost first.
    """

    nodes: tuple[Node, ...]
    figure: Figure  # what the spec calls ops
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, eq=False)
class Wire:
    """A tensor's way inside a group. Parts count from 0; entries are -1, -2, …; exits go on behind the parts.

    `leaves` and `enters` are the places of the tensor among the exits of its source and the entries of its target.
    """

    source: int
    target: int
    leaves: int = 0
    enters: int = 0


@dataclass(eq=False)
class Group:
    """A part that opens. `scopes`: it, and those that hold nothing but the next one (a stage that is one block)."""

    scopes: tuple[Scope, ...]
    parts: list[Part]
    nodes: tuple[Node, ...] = ()
    entries: list[Tensor] = field(default_factory=list)  # read inside, made outside
    exits: list[Tensor] = field(default_factory=list)  # made inside, read outside
    wires: list[Wire] = field(default_factory=list)


def whole(graph: Graph) -> Group:
    """The network as a group that is always open."""
    outline = Outline(graph)
    parts = [part for child in stacked(outline, graph.root) for part in child]
    inputs = [End(name, tensor, leaves=False) for name, tensor in only_one(graph.inputs, "input").items()]
    ends = [End(name, tensor, leaves=True) for name, tensor in only_one(graph.outputs, "output").items()]
    ends += [End(f"{name} (training)", tensor, leaves=True) for name, tensor in graph.training.items()]
    root = Group((graph.root,), [*inputs, *parts, *ends], tuple(graph.nodes))
    connect(root, Leaving(graph))
    return root


def only_one(tensors: Mapping[str, Tensor], name: str) -> Mapping[str, Tensor]:
    """A tensor that is the only one needs no name of its own."""
    return tensors if len(tensors) != 1 else dict.fromkeys([name], *tensors.values())


# --- what is a part
def stacked(outline: Outline, scope: Scope) -> Iterator[list[Part]]:
    """The parts of a scope; neighbouring ops that are one box are one."""
    run: list[Node] = []
    for child in seen_through(scope):
        if isinstance(child, Node) and run and run[0].op.role in HEADS and outline.joins(run[-1], child):
            run.append(child)
            continue
        if run:
            yield [stack(outline, run)]
        run = [child] if isinstance(child, Node) else []
        if isinstance(child, Scope):
            yield [part_of(outline, child)]
    if run:
        yield [stack(outline, run)]


def stack(outline: Outline, run: Sequence[Node]) -> Stack:
    return Stack(tuple(run), outline.figure)


def seen_through(scope: Scope) -> Iterator[Scope | Node]:
    """The ops and named parts of a scope; turns of a loop and branches without a label are not drawn."""
    for child in scope.children:
        if isinstance(child, Node) or named(child):
            if isinstance(child, Node) or next(child.nodes(), None) is not None:
                yield child
        else:
            yield from seen_through(child)


def named(scope: Scope) -> bool:
    return scope.kind in ("stage", "row") or scope.is_block or bool(scope.label)


def part_of(outline: Outline, scope: Scope) -> Part:
    """A scope as a group; one that holds a single stack or group as that, unless it is a stage of the network."""
    parts = [part for child in stacked(outline, scope) for part in child]
    only = parts[0] if len(parts) == 1 else None
    if isinstance(only, Group):
        return Group(around(scope, only.scopes), only.parts, only.nodes)
    if isinstance(only, Stack) and scope.kind != "stage":
        return Stack(only.nodes, only.figure, (scope, *only.scopes))
    return Group((scope,), parts, tuple(scope.nodes()))


def around(scope: Scope, inside: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """A scope and those in it that are the same group; a stage with a condition holds but itself."""
    first = inside[0]
    return inside if (first.kind, first.path) == (scope.kind, scope.path) else (scope, *inside)


# --- wires
class Leaving:
    """Which tensors leave a set of ops."""

    def __init__(self, graph: Graph) -> None:
        self.ends = {*graph.outputs.values(), *graph.training.values()}
        self.readers: dict[Tensor, set[int]] = {}
        for node in graph.nodes:
            for tensor in node.reads:
                self.readers.setdefault(tensor, set()).add(node.id)

    def exits(self, nodes: Sequence[Node]) -> list[Tensor]:
        inside = {node.id for node in nodes}
        return [
            tensor
            for node in nodes
            for tensor in node.outputs
            if tensor in self.ends or self.readers.get(tensor, set()) - inside
        ]


def connect(group: Group, leaving: Leaving) -> None:
    """Finds the entries, exits and wires of a group and of all in it."""
    for part in group.parts:
        if isinstance(part, Group):
            part.entries, part.exits = entering(part.nodes), leaving.exits(part.nodes)
            connect(part, leaving)
    source = {tensor: -1 - index for index, tensor in enumerate(group.entries)}
    source |= {tensor: index for index, part in enumerate(group.parts) for tensor in made(part)}
    leaves = {tensor: index for part in group.parts for index, tensor in enumerate(ways_out(part))}
    places = [*map(taken, group.parts), *([tensor] for tensor in group.exits)]
    group.wires = [
        Wire(source[tensor], target, leaves.get(tensor, 0), enters)
        for target, tensors in enumerate(places)
        for enters, tensor in enumerate(tensors)
    ]


def ways_out(part: Part) -> Sequence[Tensor]:
    """The tensors that leave a part, each at its own place."""
    if isinstance(part, Group):
        return part.exits
    return part.nodes[-1].outputs if isinstance(part, Stack) else ()


def made(part: Part) -> Iterable[Tensor]:
    if isinstance(part, End):
        return () if part.leaves else (part.tensor,)
    return (tensor for node in part.nodes for tensor in node.outputs)


def taken(part: Part) -> list[Tensor]:
    if isinstance(part, End):
        return [part.tensor] if part.leaves else []
    return entering(part.nodes)
