"""Where a tensor that enters a frame parts: one arrow crosses the frame, its branches start inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backends.figures.picture import Box, Group, Item
from archdsl.ir.graph import Node, Tensor

Forks = dict[Tensor, Box]


def add_forks(items: Sequence[Item]) -> None:
    """A dot in each frame for each tensor from outside that several of its boxes read."""
    for item in items:
        if isinstance(item, Group):
            add_forks(item.items)
            item.items[:0] = [Box("fork", (), tensor=tensor) for tensor in parting(item)]


def parting(group: Group) -> Iterator[Tensor]:
    inside = set(group.nodes)
    readers: dict[Tensor, set[Box]] = {}
    for box, around in enclosing(group.items):
        for tensor in reads(box):
            if tensor.node is None or tensor.node not in inside:
                # readers behind the fork of an inner frame count as that fork
                fork = next((forks[tensor] for forks in reversed(around) if tensor in forks), box)
                readers.setdefault(tensor, set()).add(fork)
    return (tensor for tensor, boxes in readers.items() if len(boxes) > 1)


def reads(box: Box) -> list[Tensor]:
    """What a box takes; of folded copies, what the first one takes. Not that of which an op takes the size alone."""
    if box.role in ("output", "fork"):
        return [box.tensor] if box.tensor else []
    return [tensor for node in box.first_copy for tensor in (node.reads if box.calls else values(node))]


def values(node: Node) -> tuple[Tensor, ...]:
    """What an op computes with, without the tensor that `like:` names."""
    return node.reads if node.op.field("like") is None else node.reads[:1]


def sizes(box: Box) -> list[Tensor]:
    """The tensors of which the ops of a box take the size alone."""
    found = (tensor for node in box.first_copy for tensor in node.reads[len(values(node)) :])
    return [] if box.calls else [*found]


def forks_of(group: Group) -> Forks:
    forks = (item for item in group.items if isinstance(item, Box) and item.role == "fork")
    return {fork.tensor: fork for fork in forks if fork.tensor is not None}


def enclosing(items: Sequence[Item], around: tuple[Forks, ...] = ()) -> Iterator[tuple[Box, tuple[Forks, ...]]]:
    """Each box with the forks of the frames around it, the innermost first; a fork is not behind itself."""
    for item in items:
        if isinstance(item, Group):
            yield from enclosing(item.items, (forks_of(item), *around))
        else:
            yield item, around[1:] if item.role == "fork" else around
