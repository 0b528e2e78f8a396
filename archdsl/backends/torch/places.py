"""Where a module stands in a class that may be several networks: the attributes and indices that lead to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Lit, Name
from archdsl.ir.graph import Graph


@dataclass(frozen=True)
class Place:
    """The index of a module in its container, from the front and from the end; None where networks differ."""

    start: int | None
    end: int | None

    @property
    def index(self) -> int | None:
        """The index by which all find it: -1 for the last one."""
        return self.start if self.start is not None and self.end != -1 else self.end


Way: TypeAlias = "tuple[str | Place, ...]"  # the attributes and places that lead to a module


def way_to(path: str, graph: Graph) -> Way:
    """How a path leads to its module."""
    found: list[str | Place] = []
    before = ""
    for part in path.split("."):
        if part.isdigit():
            beside = {n.path[len(before) :].split(".")[0] for n in graph.nodes if n.path.startswith(before)}
            count = 1 + max(int(b) for b in beside if b.isdigit())
            found.append(Place(int(part), int(part) - count))
        else:
            found.append(part)
        before += f"{part}."
    return tuple(found)


def common_way(ways: Sequence[Way]) -> Way | None:
    """The one way that leads to a module in all networks, if there is one."""
    if len({len(way) for way in ways}) > 1:
        return None
    found: list[str | Place] = []
    for parts in zip(*ways, strict=True):
        places = [part for part in parts if isinstance(part, Place)]
        if not places and len(set(parts)) == 1:
            found.append(parts[0])
            continue
        starts, ends = {place.start for place in places}, {place.end for place in places}
        place = Place(*(next(iter(found)) if len(found) == 1 else None for found in (starts, ends)))
        if len(places) < len(parts) or place.index is None:
            return None
        found.append(place)
    way = tuple(found)
    return way if is_plain(way) or path_of(way) is not None else None


def is_plain(way: Way) -> bool:
    """Whether a module stands in a container that is an attribute: `self.head[-1]`."""
    return [isinstance(part, Place) for part in way] == [False, True]


def at(way: Way) -> Tree:
    """A module as an attribute of the network: `self.head[-1]`."""
    found: Tree = Name("self")
    for part in way:
        found = py.attribute(found, part) if isinstance(part, str) else py.Subscript(found, (Lit(part.index),))
    return found


def path_of(way: Way) -> str | None:
    """The path of a module, if it is the same in all networks."""
    parts = [part if isinstance(part, str) else part.start for part in way]
    return None if None in parts else ".".join(map(str, parts))
