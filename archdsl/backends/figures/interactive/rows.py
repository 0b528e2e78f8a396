"""The rows of a group: in which each part stands, and the tensors on their way down through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archdsl.backends.figures.interactive.parts import Group, Wire


@dataclass(eq=False)
class Net:
    """A tensor on its way from a part, or an entry, to all that read it."""

    number: int
    wires: list[Wire] = field(default_factory=list)

    @property
    def source(self) -> int:
        return self.wires[0].source


class Rows:
    """Entries are in row 0, exits in the last one, each part in the first one after all that it reads."""

    def __init__(self, group: Group) -> None:
        self.parts = [1] * len(group.parts)
        for wire in group.wires:  # those to one part after those to the parts before it
            if wire.source >= 0 and wire.target < len(self.parts):
                self.parts[wire.target] = max(self.parts[wire.target], self.parts[wire.source] + 1)
        self.last = max(self.parts, default=0) + 1
        self.nets = nets(group.wires)

    def of(self, place: int) -> int:
        """The row of a place as wires name it."""
        if place < 0:
            return 0
        return self.parts[place] if place < len(self.parts) else self.last

    def passed(self, net: Net) -> range:
        """The rows that a net passes before that of its last reader."""
        return range(self.of(net.source) + 1, max(self.of(wire.target) for wire in net.wires))


def nets(wires: Sequence[Wire]) -> list[Net]:
    """One for each tensor, in the order of the wires; the page's script counts them likewise."""
    found: dict[tuple[int, int], Net] = {}
    for wire in wires:
        found.setdefault((wire.source, wire.leaves), Net(len(found))).wires.append(wire)
    return list(found.values())
