"""A case of a block in layers, for boxes that hang together in no simple order: any graph at all.

Each box stands in a row. A line goes down beside the boxes of a row, and across between two rows. The engine orders
what stands in a row and says where across; it is given boxes and lines alike, each line cut into pieces of one row.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, count, pairwise
from typing import Any, TypeAlias

from archdsl.backends.figures.bands import Bands
from archdsl.backends.figures.columns import BAR_FROM, LABEL_GAP
from archdsl.backends.figures.engine import render
from archdsl.backends.figures.picture import Arrow, Box, Group, Item
from archdsl.backends.figures.ranks import Rows
from archdsl.backends.figures.sheet import Part, Sizes, margins
from archdsl.backends.figures.strands import Flow

STOP = 2.0  # points that the engine gives a line


@dataclass(eq=False)
class Net:
    """A tensor on its way from a box down to all that read it: a trunk that arrows leave."""

    source: Box
    arrows: list[Arrow] = field(default_factory=list)
    stops: dict[int, Stop] = field(default_factory=dict)  # by row

    @property
    def said(self) -> Arrow | None:
        """The arrow that has its words."""
        return next((arrow for arrow in self.arrows if arrow.label), None)


@dataclass(eq=False)
class Stop:
    """Where a tensor passes by the boxes of a row."""

    net: Net


Place: TypeAlias = "Box | Stop"


class Layers:
    """The rows of one case, and where across everything in them stands."""

    def __init__(self, part: Part, sizes: Sizes) -> None:
        self.part, self.flow, self.sizes, self.gaps = part, part.flow, sizes, sizes.gaps
        self.nets = nets(part.flow)
        self.from_box: dict[Box, list[Net]] = {box: [] for box in self.flow.boxes}
        for net in self.nets:
            self.from_box[net.source].append(net)
        self.width = {box: self.wide(box) for box in self.flow.boxes}
        self.row = self.rows()
        for net in self.nets:
            last = max(self.row[arrow.target] for arrow in net.arrows)
            net.stops = {row: Stop(net) for row in range(self.row[net.source] + 1, last)}
        self.x = self.across()
        if ends := self.ends():
            ordered = self.across(ends)
            if self.crossings(ordered) <= self.crossings(self.x):
                self.x = ordered

    def rows(self) -> dict[Box, int]:
        """By the longest way from an input; a row that is too wide stands in several."""
        level = Rows([self.flow], [self.flow.whole()]).row
        bands = Bands(self.flow, level, self.fits)
        return {box: number for number, row in enumerate(bands.rows()) for box in row}

    def fits(self, row: Sequence[Box], passing: int, is_part: bool) -> bool:
        """Whether boxes beside so many lines fit the page, or as a part of a row the width that parts have."""
        most, parted = self.sizes.most
        wide = sum(self.width[box] + self.gaps.columns for box in row) + passing * (STOP + self.gaps.columns)
        return wide <= (parted if is_part else most)

    def wide(self, box: Box) -> float:
        """Wide enough for its words, for what enters it from above, and for words between lines that leave it."""
        width = self.sizes.boxes[box][0]
        if len(self.flow.entering[box]) >= BAR_FROM:
            width = max(width, len(self.flow.entering[box]) * self.gaps.ports + self.gaps.overhang)
        if len(self.from_box[box]) > 1:
            width = max(width, sum(self.room(net) + self.gaps.ports for net in self.from_box[box]))
        return width

    def room(self, net: Net) -> float:
        """What the words of a tensor take right of its line."""
        return self.sizes.labels[net.said][0] + LABEL_GAP if net.said is not None else 0.0

    def is_bar(self, box: Box) -> bool:
        return len(self.flow.entering[box]) >= BAR_FROM or self.width[box] > self.sizes.boxes[box][0] + 0.01

    def above(self, arrow: Arrow) -> Place:
        """What an arrow comes from in the row before that of its end."""
        net = next(net for net in self.from_box[arrow.source] if arrow in net.arrows)
        return net.stops.get(self.row[arrow.target] - 1, arrow.source)

    def ends(self) -> list[tuple[Box, Box]]:
        """Neighbours in the order of the block among inputs, and among outputs, that stand in one row."""
        boxes = self.flow.boxes
        inputs = [box for box in boxes if box.role == "input"]
        outputs = [box for box in boxes if box.role == "output"]
        pairs = [*pairwise(inputs), *pairwise(outputs)]
        return [(one, other) for one, other in pairs if self.row[one] == self.row[other]]

    def crossings(self, x: Mapping[Place, float]) -> int:
        """How many lines cross between rows, boxes and lines being there across."""
        level: dict[Place, int] = dict(self.row.items())
        level |= {stop: row for net in self.nets for row, stop in net.stops.items()}
        by_row: dict[int, list[tuple[float, float]]] = {}
        for one, other, _ in self.pieces():
            by_row.setdefault(level[one], []).append((x[one], x[other]))
        pairs = (pair for found in by_row.values() for pair in combinations(found, 2))
        return sum((a - b) * (c - d) < 0 for (a, c), (b, d) in pairs)

    # --- the engine
    def across(self, ends: Sequence[tuple[Box, Box]] = ()) -> dict[Place, float]:
        """By the engine: few crossings, straight lines; of each of these pairs the first one left of the other."""
        graphviz: Any = importlib.import_module("graphviz")
        graph = graphviz.Digraph(
            graph_attr={"nodesep": f"{self.gaps.columns / 72:.4f}", "ranksep": "0.3"},
            node_attr={"shape": "box", "fixedsize": "true", "label": "", "height": "0.3"},
            edge_attr={"dir": "none"},
        )
        places: list[Place] = [*self.flow.boxes, *self.stops()]
        names = {place: f"n{n}" for n, place in enumerate(places)}
        for one, other, weight in self.pieces():
            graph.edge(names[one], names[other], weight=str(weight))
        graph.node("root")
        for box in self.flow.boxes:  # what begins stands in its row
            if not self.flow.entering[box]:
                graph.edge("root", names[box], weight="0", minlen=str(self.row[box] + 1))
        self.place(graph, self.part.items, names, count())
        for stop in self.stops():
            graph.node(names[stop], width=f"{STOP / 72:.4f}")
        for one, other in ends:
            with graph.subgraph(graph_attr={"rank": "same"}) as level:
                level.edge(names[one], names[other])
        answer = json.loads(render(graph.source, "json"))
        found = {thing["name"]: float(thing["pos"].split(",")[0]) for thing in answer["objects"] if "pos" in thing}
        return {place: found[name] for place, name in names.items()}

    def stops(self) -> Iterator[Stop]:
        for net in self.nets:
            yield from net.stops.values()

    def pieces(self) -> Iterator[tuple[Place, Place, int]]:
        """The pieces of all lines, from row to row, in the order of branches; long lines are straight before others."""
        drawn: set[Stop] = set()
        for arrow in self.flow.arrows:
            net = next(net for net in self.from_box[arrow.source] if arrow in net.arrows)
            before: Place = arrow.source
            for row in range(self.row[arrow.source] + 1, self.row[arrow.target]):
                stop = net.stops[row]
                if stop not in drawn:
                    drawn.add(stop)
                    yield before, stop, 2 if isinstance(before, Box) else 8
                before = stop
            main = sum(other.kind != "skip" for other in self.flow.entering[arrow.target]) <= 1
            yield before, arrow.target, 1 if arrow.kind == "skip" else 8 if main else 2

    def place(self, graph: Any, items: Sequence[Item], names: Mapping[Place, str], numbers: Iterator[int]) -> None:
        """Boxes with their margins; frames hold theirs, and the lines between these, together."""
        aside = margins(self.part.frames, self.sizes)
        for item in items:
            if isinstance(item, Box):
                beside = max(*aside.get(item, (0.0, 0.0)), 0.0)
                ports = self.from_box[item]
                words = self.room(ports[0]) if len(ports) == 1 else 0.0
                width = max(self.width[item] + 2 * beside, 2 * words)
                graph.node(names[item], width=f"{width / 72:.4f}")
                continue
            with graph.subgraph(name=f"cluster{next(numbers)}") as inside:
                for stop in self.held(item):
                    inside.node(names[stop])
                self.place(inside, item.items, names, numbers)

    def held(self, frame: Group) -> Iterator[Stop]:
        boxes = set(frame.boxes())
        for net in self.nets:
            if net.source in boxes and all(arrow.target in boxes for arrow in net.arrows):
                yield from net.stops.values()


def nets(flow: Flow) -> list[Net]:
    """One for each tensor that leaves a box."""
    found: dict[tuple[Box, object], Net] = {}
    for arrow in flow.arrows:
        found.setdefault((arrow.source, arrow.tensor), Net(arrow.source)).arrows.append(arrow)
    return list(found.values())
