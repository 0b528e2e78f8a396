"""What a strip is made of: a cell for each stage, or for each block of one that is opened, and who reads whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, takewhile
from typing import TypeAlias

from archdsl.analysis.stage_table.units import label as operator_text
from archdsl.backends.figures.arrows import Wire, wiring
from archdsl.backends.figures.dot import printable
from archdsl.backends.figures.levels import NETWORK, ends, has_rows
from archdsl.backends.figures.outline import CALLS, MOST_RUNS, Outline, View, brief, frame
from archdsl.backends.figures.picture import Box, Group, GroupKind, Item
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.strip.kinds import Kind, kinds, legend
from archdsl.backends.figures.strip.ordering import reordered
from archdsl.backends.figures.words import Words, evident, step
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.support.naming import did_you_mean

PERIOD = 4  # lines that may repeat together
CLOSED = View(closed=lambda scope: scope.kind in ("stage", "row") or scope.is_block, fold=0)
OPENED = View(closed=lambda scope: scope.is_block)


@dataclass(eq=False)
class Cell:
    """A stage of the strip."""

    box: Box
    place: int  # in the order of execution
    taps: list[Tensor] = field(default_factory=list)  # what others read of it that is not its result
    kind: Kind | None = None

    @property
    def name(self) -> str:
        """In bold: what the spec calls it; of an input or output, in plain: what it is."""
        return printable(self.box.heading)

    @property
    def lines(self) -> list[str]:
        """What it does: blocks and how often."""
        return [line for line in map(printable, self.box.lines) if line]

    @cached_property
    def output(self) -> Tensor:
        """What leaves it."""
        box = self.box
        if box.tensor is not None:
            return box.tensor
        call = box.calls[-1].output if box.calls else None
        return call if isinstance(call, Tensor) else box.nodes[-1].outputs[0]

    @property
    def colour(self) -> str:
        """That of its kind: a role's name, or `#rrggbb`."""
        return self.kind.colour if self.kind else self.box.colour or self.box.role

    @property
    def end(self) -> bool:
        """Whether it is an input or output of the network."""
        return self.box.role in ("input", "output")


@dataclass(eq=False)
class Frame:
    """Cells that stand together: a stage with rows, a run of identical calls."""

    kind: GroupKind
    label: str
    items: list[Part]

    def cells(self) -> Iterator[Cell]:
        for item in self.items:
            yield from item.cells() if isinstance(item, Frame) else (item,)


Part: TypeAlias = "Cell | Frame"


@dataclass(eq=False)
class Net:
    """A tensor, or several that go the same ways, beside the strip: from all `sources` to all `targets`."""

    sources: list[Cell]
    targets: list[Cell]
    tap: bool = False  # no source's result, but something from inside it

    @property
    def ends(self) -> list[Cell]:
        return [*self.sources, *self.targets]


@dataclass
class Strip:
    """A network in one dimension."""

    title: str
    items: list[Part]
    flows: list[tuple[Cell, Cell]]  # from a cell to the next one
    nets: list[Net]
    legend: dict[str, str]  # the colours with their meanings

    @cached_property
    def cells(self) -> list[Cell]:
        return [cell for item in self.items for cell in (item.cells() if isinstance(item, Frame) else (item,))]


# --- boxes
class Terse(Outline):
    """Boxes of a strip: stages, some of them opened."""

    def __init__(
        self, graph: Graph, opened: Collection[Scope], also: Sequence[str] = (), beside: Graph | None = None
    ) -> None:
        super().__init__(graph)
        self.words = Words(graph, also)
        self.opened = set(opened)
        for scope in beside.root.scopes() if beside is not None else ():
            if scope.name in self.calls and scope.is_block:
                self.calls[scope.name].append(scope)
        self.contents: dict[Box, list[Box]] = {}  # of stages

    def parts(self, child: Scope | Node, view: View) -> list[Node | list[Item]]:
        if view is CLOSED and isinstance(child, Scope) and self.opened.intersection(child.scopes()):
            view = NETWORK
        if isinstance(child, Scope) and child in self.opened:
            return [[frame("stage", self.heading(child), self.items(inside(child), OPENED))]]
        return super().parts(child, view)

    def summary(self, scope: Scope) -> Box:
        box = super().summary(scope)
        self.contents[box] = [inner for item in self.items(scope, CALLS) for inner in item.boxes()]
        if has_rows(scope):
            box.lines = totals([brief(inner).partition(",")[0] for inner in self.contents[box] if computes(inner)])
        return box

    def levelled(self, items: Sequence[Item]) -> list[Item]:
        """Neighbouring rows of a table whose maps have one resolution as one box each."""
        found: list[Item] = []
        for size, run in groupby(items, lambda item: resolution(item) if item in self.contents else None):
            inside = [replace(i, items=self.levelled(i.items)) if isinstance(i, Group) else i for i in run]
            rows = [item for item in inside if isinstance(item, Box)]
            found += inside if size is None or len(rows) == 1 else [self.one_of(rows)]
        return found

    def one_of(self, rows: Sequence[Box]) -> Box:
        """A box for several rows: the first and the last name, and how often each block is in them."""
        first, last = rows[0], rows[-1]
        inside = [box for row in rows for box in self.contents[row]]
        words = totals([brief(box).partition(",")[0] for box in inside if computes(box)])
        heading = f"{first.heading}\N{EN DASH}{last.heading}" if first.heading else ""
        if not heading and len(words) == 1:
            heading, words = words[0], ()
        nodes = tuple(node for row in rows for node in row.nodes)
        made = Box(first.role, words, nodes, heading, last.shape, tensor=last.tensor)
        self.contents[made] = inside
        return made

    def entitle(self, items: Sequence[Item]) -> None:
        """Rows without names are known by what they do, where each of a table does but one thing."""
        for group in (item for item in items if isinstance(item, Group)):
            self.entitle(group.items)
            rows = [
                item for item in group.items if isinstance(item, Box) and item in self.contents and not item.heading
            ]
            if all(len(self.runs(self.contents[box])) == 1 for box in rows):
                for box in rows:
                    box.heading, box.lines = box.lines[0], box.lines[1:]
                tell_apart(rows)

    def runs(self, inside: Sequence[Box]) -> list[list[str]]:
        """A line each, with its words in brackets; of one block alone the words get lines of their own."""
        inside = [box for box in inside if computes(box)] or inside
        runs = super().runs(inside)
        if len({brief(box) for box in inside}) == 1 < len(runs) and all(len(run) > 1 for run in runs):
            return [of_one_block(brief(inside[0]), runs, len(inside))]
        whole = periodic([bracketed(*self.run_text(brief(box), [box])) for box in inside])
        if len(runs) > MOST_RUNS:
            short = periodic([brief(box).partition(",")[0] for box in inside])
            return short if len(short) < len(whole) > MOST_RUNS else whole
        if len(whole) < len(runs):
            return whole
        return runs if len(runs) == 1 else [[bracketed(*run)] for run in runs]

    def said(self, calls: Sequence[Scope]) -> tuple[str, ...]:
        """What the table of the network says, which is what a paper prints; other arguments belong to the block."""
        text = self.words.of_rows(calls)
        if not text and not in_table(calls[0]):
            peers = self.peers(calls[0])
            text = self.words.of_arguments(calls, peers, evident(peers))  # a strip has the shape of each cell
        return (text,) if text else ()

    def peers(self, call: Scope) -> Sequence[Scope]:
        """The calls of its block beside which a call is seen: those inside closed blocks are not."""
        known = self.calls[call.name]
        return known if is_nested(call) else [other for other in known if not is_nested(other)]

    def row_of(self, box: Box) -> str:
        """Calls that differ in what is said of them are not equal."""
        return ", ".join(self.said(box.calls)) if box.calls else ""


def in_table(call: Scope) -> bool:
    """Whether a call stands in a row of a table; what is in a block of such a row does not."""
    return any(scope.kind == "row" for scope in takewhile(lambda scope: not scope.is_block, around(call)))


def is_nested(call: Scope) -> bool:
    """Whether a call stands in that of another block."""
    return any(scope.is_block for scope in around(call))


def around(scope: Scope) -> Iterator[Scope]:
    """What a part is in, from the inside out."""
    while scope.parent is not None:
        scope = scope.parent
        yield scope


def resolution(item: Item) -> tuple[int, ...] | None:
    """Of what leaves a row."""
    tensor = item.tensor if isinstance(item, Box) else None
    return tensor.shape[1:] if tensor is not None else None


def tell_apart(rows: Sequence[Box]) -> None:
    """Rows that say the same, and have the same shape, but not the same stride: all of the table say their stride."""
    steps: dict[object, set[int]] = {}
    for box in rows:
        steps.setdefault((box.heading, box.lines, box.nodes[-1].shape), set()).add(step_of(box))
    if any(len(found) > 1 for found in steps.values()):
        for box in rows:
            box.lines += (f"s{step_of(box)}",) if step_of(box) > 1 else ()


def step_of(box: Box) -> int:
    return step(box.nodes[0].inputs[0].shape, box.nodes[-1].shape)


def totals(words: Sequence[str]) -> tuple[str, ...]:
    """How often each stands there: `Inception ×5`."""
    return tuple(f"{word} ×{n}" if n > 1 else word for word, n in Counter(words).items())


def of_one_block(name: str, runs: Sequence[Sequence[str]], number: int) -> list[str]:
    """`Block ×4`, `k5_e6 ×2`, `k3_e3`, `k5_e1`."""
    return [f"{name} ×{number}", *(", ".join(words) + first.removeprefix(name) for first, *words in runs)]


def bracketed(first: str, *words: str) -> str:
    return f"{first} ({', '.join(words)})" if words else first


def computes(box: Box) -> bool:
    """Whether a box is worth a line: not a dropout, nor a vector flattened."""
    return bool(box.calls) or any(operator_text(node) for node in box.nodes)


def periodic(words: Sequence[str]) -> list[list[str]]:
    """Lines that come again and again as one with their number: `(Boxes, Scores) ×6`."""
    found: list[list[str]] = []
    while words:
        period, turns = max(((p, turns_of(words, p)) for p in range(1, PERIOD + 1)), key=lambda one: one[0] * one[1])
        if turns == 1:
            period = 1
        text = ("; " if any(", " in word for word in words[:period]) else ", ").join(words[:period])
        found.append([f"{f'({text})' if period > 1 else text} ×{turns}" if turns > 1 else text])
        words = words[period * turns :]
    return found


def turns_of(words: Sequence[str], period: int) -> int:
    """How often the first so many words follow each other."""
    turns = 1
    while words[:period] == words[turns * period : (turns + 1) * period] and len(words) >= (turns + 1) * period:
        turns += 1
    return turns if turns > 1 else 0 if period > 1 else 1


def inside(scope: Scope) -> Scope:
    """A stage that is one call is opened into what is in the block."""
    only = scope.children[0] if len(scope.children) == 1 else None
    return only if isinstance(only, Scope) and only.is_block else scope


# --- which stages are opened
def opened(graph: Graph, names: Sequence[str]) -> list[Scope]:
    """The stages or rows of these names; of a stage that is a table all rows."""
    known = [scope for stage in graph.stages() for scope in (stage, *rows(stage))]
    return [scope for name in names for stage in [found(graph, known, name)] for scope in rows(stage) or [stage]]


def rows(scope: Scope) -> list[Scope]:
    """The rows of a stage that is a table of them; a table within a row is that row's own affair."""
    inner = [child for child in scope.children if isinstance(child, Scope) and not child.is_block]
    if scope.kind == "row":
        return []
    return [row for child in inner for row in ([child] if child.kind == "row" else rows(child))]


def found(graph: Graph, stages: Sequence[Scope], name: str) -> Scope:
    """By its path, or by its own name where no other has it."""
    alike = [scope for scope in stages if scope.path == name] or [scope for scope in stages if scope.name == name]
    if len(alike) == 1:
        return alike[0]
    known = [scope.path for scope in stages]
    if alike:
        places = ", ".join(scope.path for scope in alike)
        raise fault("unknown-stage", f"several stages of '{graph.name}' are called '{name}'", help=f"write {places}")
    hint = did_you_mean(name, [*known, *(scope.name for scope in stages)]) or f"its stages are {', '.join(known)}"
    raise fault("unknown-stage", f"'{graph.name}' has no stage '{name}'", help=hint)


# --- the strip
def strip(
    graph: Graph,
    expand: Sequence[str] = (),
    *,
    closed: bool = False,
    levelled: bool = False,
    ends_in_map: bool = False,
    free: bool = False,
    also: Sequence[str] = (),
    beside: Graph | None = None,
) -> Strip:
    """The stages of a network in the order of execution, with the ways between them.

    Each row of a table is a cell; `levelled`: those of one resolution are; `closed`: all of them are.
    An output that says what the last stage said is left out; `ends_in_map`: but for a map.
    `free`: in another order of execution than the spec's, where fewer lines would cross.
    `also`: columns of tables that are told where no row differs in them.
    `beside`: a network from whose calls of a block those of this one are told apart too.
    """
    outline = Terse(graph, opened(graph, expand), also, beside)
    inputs = {"input" if len(graph.inputs) == 1 else name: t for name, t in graph.inputs.items()}
    outputs = {"output" if len(graph.outputs) == 1 else name: t for name, t in graph.outputs.items()}
    stages = outline.items(graph.root, CLOSED if closed else NETWORK)
    stages = outline.levelled(stages) if levelled else stages
    outline.entitle(stages)
    items = [*ends("input", inputs, Shapes()), *stages, *ends("output", outputs, Shapes())]
    boxes = [box for item in items for box in item.boxes()]
    wires = list(wiring(items, boxes))
    colours = kinds({box: outline.contents.get(box, [box]) for box in boxes if box.nodes}, wires, graph.figure)
    if free:
        items = reordered(items, wires)
        boxes = [box for item in items for box in item.boxes()]
    cells = {box: Cell(box, place, kind=colours.get(box)) for place, box in enumerate(boxes)}
    if superfluous(boxes, wires) and not (ends_in_map and is_map(cells[boxes[-1]], rank_of(graph))):
        gone = boxes[-1]
        items, wires = items[:-1], [wire for wire in wires if wire.target is not gone]
    flows, nets = ways(wires, cells)
    return Strip(graph.called, [part(item, cells) for item in items], flows, nets, legend([*colours.values()]))


def is_map(cell: Cell, rank: int) -> bool:
    """Whether what leaves a cell has as many axes as the input, so a resolution."""
    return len(cell.output.shape) == rank


def rank_of(graph: Graph) -> int:
    """Of the first input."""
    return len(next(iter(graph.inputs.values())).shape)


def part(item: Item, cells: dict[Box, Cell]) -> Part:
    if isinstance(item, Group):
        return Frame(item.kind, printable(item.label), [part(inner, cells) for inner in item.items])
    return cells[item]


def superfluous(boxes: Sequence[Box], wires: Sequence[Wire]) -> bool:
    """Whether the last box is the only output, and the one before it has already said so."""
    last = [wire for wire in wires if wire.target is boxes[-1]]
    single = sum(box.role == "output" for box in boxes) == 1 and len(boxes) > 2
    return single and boxes[-1].role == "output" and [wire.source for wire in last] == [boxes[-2]]


def ways(wires: Sequence[Wire], cells: dict[Box, Cell]) -> tuple[list[tuple[Cell, Cell]], list[Net]]:
    """Arrows to the next cell, and what goes beside the strip; tensors on the same ways share one line."""
    readers: dict[Tensor, tuple[Cell, list[Cell]]] = {}
    for wire in wires:
        source, target = cells[wire.source], cells[wire.target]
        known = readers.setdefault(wire.tensor, (source, []))[1]
        if target not in known:
            known.append(target)
    flows: list[tuple[Cell, Cell]] = []
    nets: list[Net] = []
    bundles: dict[tuple[int, ...], list[Cell]] = {}
    for made, (source, targets) in readers.items():
        targets.sort(key=lambda cell: cell.place)
        if made is not source.output:
            inner = any(not target.end for target in targets)  # else it is a further result, and the output says it
            nets.append(Net([source], targets, tap=inner))
            source.taps += [made] if inner else []
        else:
            bundles.setdefault(tuple(target.place for target in targets), []).append(source)
    by_place = {cell.place: cell for cell in cells.values()}
    for places, sources in [*bundles.items()]:
        if len(places) > 1 and len(sources) == 1 and sources[0].place + 1 == places[0]:
            del bundles[places]  # to the next cell an arrow, to the others with what goes to them too
            flows.append((sources[0], by_place[places[0]]))
            bundles.setdefault(places[1:], []).append(sources[0])
    for places, sources in bundles.items():
        targets = [by_place[place] for place in places]
        direct = [source for source in sources if source.place + 1 == places[0]] if len(targets) == 1 else []
        beside = [source for source in sources if source not in direct]
        flows += [(source, targets[0]) for source in direct]
        if beside:
            nets.append(Net(sorted(beside, key=lambda cell: cell.place), targets))
    nets.sort(key=lambda net: (net.sources[0].place, net.targets[-1].place, net.tap))
    return sorted(flows, key=lambda flow: flow[0].place), nets
