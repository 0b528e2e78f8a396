"""Arrows between boxes: from the tensors that the ops behind the boxes read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from archdsl.backends.figures.forks import enclosing, reads, sizes, values
from archdsl.backends.figures.operands import operands
from archdsl.backends.figures.picture import Arrow, ArrowKind, Box, Item
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.wording import typeset
from archdsl.ir.graph import Tensor

INPUT = "input"  # the name of what enters a block


@dataclass(frozen=True, eq=False)
class Wire:
    """One reading of a tensor, seen from the boxes."""

    source: Box
    target: Box
    tensor: Tensor


def arrows(items: Sequence[Item], shapes: Shapes) -> list[Arrow]:
    """Every arrow once, in the order in which branches stand left to right."""
    boxes = [box for item in items for box in item.boxes()]
    wires = in_branch_order(list(wiring(items, boxes)), boxes)
    followers: dict[Box, list[Box]] = {}
    for wire in wires:
        followers.setdefault(wire.source, []).append(wire.target)
    order = {box: index for index, box in enumerate(boxes)}
    found = [Arrow(w.source, w.target, "", kind(w, followers, order), w.tensor, shapes.of(w.tensor)) for w in wires]
    labels = labelled(wires, found, shapes)
    return [replace(arrow, label=labels.get(index, "")) for index, arrow in enumerate(found)]


def wiring(items: Sequence[Item], boxes: Sequence[Box]) -> Iterator[Wire]:
    """What each box reads from another, from the nearest place where it can be had.

    A tensor of which an op takes the size alone has an arrow only where nothing else reads it: papers draw none.
    """
    made = {tensor: box for box in boxes for node in box.nodes for tensor in node.outputs}
    given = {box.tensor: box for box in boxes if box.role == "input" and box.tensor is not None}
    read = {tensor for box in boxes for tensor in reads(box)}
    for box, around in enclosing(items):
        for tensor in dict.fromkeys([*reads(box), *(each for each in sizes(box) if each not in read)]):
            places = (place[tensor] for place in (*around, given, made) if tensor in place)
            source = next(places, box)
            if source is not box:
                yield Wire(source, box, tensor)


def in_branch_order(wires: Sequence[Wire], boxes: Sequence[Box]) -> list[Wire]:
    """Backwards from each end, a join's branches in its order: so the engine lays out neighbours left to right."""
    entering: dict[Box, list[Wire]] = {box: [] for box in boxes}
    for wire in wires:
        entering[wire.target].append(wire)
    found: list[Wire] = []
    visited: set[Box] = set()
    for end in reversed(boxes):
        if end in visited:
            continue
        visited.add(end)
        stack = [iter(entering[end])]
        while stack:
            ahead = next(stack[-1], None)
            if ahead is None:
                stack.pop()
                continue
            found.append(ahead)
            if ahead.source not in visited:
                visited.add(ahead.source)
                stack.append(iter(entering[ahead.source]))
    return found


def kind(wire: Wire, followers: Mapping[Box, Sequence[Box]], order: Mapping[Box, int]) -> ArrowKind:
    """An entry leads to a fork, a tap carries what is not its box's result, a skip has a longer way beside it."""
    if wire.target.role == "fork":
        return "entry"
    if wire.source.shape and wire.source.nodes and wire.tensor.node is not wire.source.nodes[-1]:
        return "tap"
    starts = [box for box in followers[wire.source] if box is not wire.target]
    return "skip" if reaches(starts, wire.target, followers, order) else "flow"


def reaches(starts: Sequence[Box], end: Box, followers: Mapping[Box, Sequence[Box]], order: Mapping[Box, int]) -> bool:
    stack, seen = list(starts), set(starts)
    while stack:
        box = stack.pop()
        if box is end:
            return True
        ahead = {after for after in followers.get(box, ()) if order[after] <= order[end]} - seen
        seen |= ahead
        stack += ahead
    return False


def labelled(wires: Sequence[Wire], found: Sequence[Arrow], shapes: Shapes) -> dict[int, str]:
    """C×H×W where a box changed it, once a tensor, beside the main way rather than a skip."""
    labels: dict[int, str] = {}
    done: set[Tensor] = set()
    for index in sorted(range(len(wires)), key=lambda i: (found[i].kind == "skip", i)):
        wire, arrow = wires[index], found[index]
        if wire.tensor not in done and worth_saying(wire, arrow, shapes):
            done.add(wire.tensor)
            labels[index] = shapes.of(wire.tensor)
    return labels | dict(named(wires, labels))


def named(wires: Sequence[Wire], labels: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """What a formula calls a tensor stands at its arrow, before its shape; parts of a tensor have theirs from that."""
    for index, wire in enumerate(wires):
        nodes = wire.target.first_copy
        name = operands(nodes[0]).get(wire.tensor, INPUT) if len(nodes) == 1 and len(nodes[0].inputs) > 1 else INPUT
        if name != INPUT:  # which the figure says already
            part = wire.tensor.node is not None and len(wire.tensor.node.outputs) > 1
            said = typeset(name)
            yield index, said if part else ": ".join(filter(None, (said, labels.get(index))))


def worth_saying(wire: Wire, arrow: Arrow, shapes: Shapes) -> bool:
    source, target = wire.source, wire.target
    if source.role in ("input", "fork") or target.role == "output":
        return False  # the box itself, or the arrow before it, says it
    if source.shape:
        return arrow.kind == "tap"
    first = source.first_copy[0]
    return shapes.of(wire.tensor) not in map(shapes.of, values(first) or first.inputs)
