"""Scopes to boxes: which parts are closed boxes, which are opened, which are frames; ops fused, repeats folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from archdsl.backends.figures.anatomy import Readers, anatomy, entering
from archdsl.backends.figures.picture import Box, Group, GroupKind, Item
from archdsl.backends.figures.shapes import Shapes
from archdsl.backends.figures.wording import frozen, op_text
from archdsl.backends.figures.words import Words
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.support.naming import spaced

HEADS = frozenset({"conv", "linear", "norm"})  # an op that the normalisation and activation after it join in one box
TAILS = frozenset({"norm", "act"})
MOST_RUNS, MOST_LINES = 6, 10  # lines of a summary; more are summed up, and of still more only the ends are shown
SHARED = "shared"  # the word at a module that runs elsewhere too


@dataclass(frozen=True)
class View:
    """What a level opens. A scope that is neither closed nor framed is seen through."""

    closed: Callable[[Scope], bool]
    frame: Callable[[Scope], GroupKind | None] = lambda _: None
    fold: int = 2  # so many copies in a chain become one; 0: never


class Outline:
    """Makes the boxes of one graph."""

    def __init__(self, graph: Graph, shapes: Shapes | None = None) -> None:
        self.figure = graph.figure
        self.shapes = shapes or Shapes()
        self.words = Words(graph)
        self.readers = Readers(graph.nodes, [*graph.outputs.values()])
        self.shared = set(directly_shared(graph.root))  # paths of modules that run several times
        self.marked: set[Node] = set()  # ops of such a block that no box or frame stands for
        self.calls: dict[str, list[Scope]] = {}
        for scope in graph.root.scopes():
            if scope.is_block:
                self.calls.setdefault(scope.name, []).append(scope)

    def items(self, scope: Scope, view: View) -> list[Item]:
        """The inside of a scope as boxes and frames, in order."""
        parts = [part for child in scope.children for part in self.parts(child, view)]
        return self.folded(self.fused(parts), view)

    def parts(self, child: Scope | Node, view: View) -> list[Node | list[Item]]:
        """A child as bare ops, still to be fused with their neighbours, or as finished items."""
        if isinstance(child, Node):
            return [child]
        if next(child.nodes(), None) is None:
            return []
        if view.closed(child):
            return self.bare(child) if self.is_run(child) else [[self.closed(child)]]
        kind = view.frame(child)
        if kind or child.label:
            label = ", ".join([self.heading(child), *self.sharing(child)])
            return [[frame(kind or "block", label, self.items(child, view))]]
        if self.sharing(child):
            self.bare(child)
        if child.kind in ("turn", "row"):
            return [self.items(child, view)]
        return [part for inner in child.children for part in self.parts(inner, view)]

    def bare(self, scope: Scope) -> list[Node | list[Item]]:
        """The ops of a block that is seen through."""
        if self.sharing(scope):
            self.marked.update(scope.nodes())
        return [*scope.nodes()]

    def sharing(self, part: Scope | Node) -> tuple[str, ...]:
        """What is said of a module that runs elsewhere too."""
        module = part.kind == "block" if isinstance(part, Scope) else not part.functional
        direct = module and part.path in self.shared
        inside = isinstance(part, Node) and part in self.marked and part.op.role in HEADS
        return (SHARED,) if direct or inside else ()

    def sharing_of(self, box: Box) -> tuple[str, ...]:
        """The same of the call or the ops of a box."""
        first = box.calls[0] if box.calls else box.nodes[0] if box.nodes else None
        return self.sharing(first) if first is not None else ()

    # --- ops
    def fused(self, parts: Sequence[Node | list[Item]]) -> list[list[Item]]:
        """Runs of ops that belong together as one box each."""
        found: list[list[Item]] = []
        run: list[Node] = []
        for part in parts:
            if isinstance(part, Node) and run and self.joins(run[-1], part) and run[0].op.role in HEADS:
                run.append(part)
                continue
            if run:
                found.append([self.op_box(run)])
            run = [part] if isinstance(part, Node) else []
            if not isinstance(part, Node):
                found.append(part)
        return [*found, [self.op_box(run)]] if run else found

    def is_run(self, scope: Scope) -> bool:
        """Whether a block is but one convolution with what belongs to it, which no one has given words or a colour."""
        nodes = list(scope.nodes())
        own = scope.name in self.figure.labels or scope.name in self.figure.colours
        said = own or any(inner.label for inner in scope.scopes())
        alone = scope.is_block and not said and nodes[0].op.role in HEADS
        return alone and all(self.joins(node, after) for node, after in pairwise(nodes))

    def joins(self, node: Node, after: Node) -> bool:
        """Whether `after` is drawn in the box of `node`; one normalisation a box."""
        twice = after.op.role == "norm" == node.op.role
        return after.op.role in TAILS and not twice and node.op.role in HEADS | TAILS and self.readers.only(node, after)

    def op_box(self, run: Sequence[Node]) -> Box:
        """`3×3 Conv, s2` above `BN, ReLU`."""
        first, *rest = run
        texts = [op_text(node, self.figure, self.shapes.fields.get(node.id)) for node in run]
        lines = (texts[0], ", ".join(texts[1:])) if rest and first.op.role != "norm" else (", ".join(texts),)
        lines = (*lines, *self.sharing(first))
        keys = frozenset([(lines, hard_fields(run))])
        return Box(first.op.role, lines, tuple(run), keys=keys, colour=self.figure.colours.get(first.op.name, ""))

    # --- calls and stages
    def closed(self, scope: Scope) -> Box:
        return self.call(scope) if scope.is_block else self.summary(scope)

    def call(self, scope: Scope) -> Box:
        """A block in a figure: its ops if they are one box anyway, else its name and what sets this call apart."""
        inside = self.items(scope, OPEN)
        if len(inside) == 1 and isinstance(inside[0], Box):
            box = inside[0]
            heading = scope.label or self.figure.labels.get(scope.name, box.heading)
            says_it = not box.calls and heading == box.lines[0].partition(",")[0]  # `3×3 Conv`, as its op is called
            box.heading = "" if says_it else heading
            box.colour = self.figure.colours.get(scope.name, box.colour)
            box.lines = (*box.lines, *self.sharing(scope))
            return box
        nodes = tuple(scope.nodes())
        given = tuple((name, frozen(value)) for name, value in scope.arguments.items())
        wiring = anatomy(nodes)
        # calls with equal arguments, or whose ops differ in a dropout rate and the like alone
        keys = frozenset([("given", scope.name, given, wiring), ("hard", scope.name, hard_fields(nodes), wiring)])
        colour = self.figure.colours.get(scope.name, "")
        heading = self.heading(scope)
        return Box("block", self.told([scope]), nodes, heading, keys=keys, calls=(scope,), colour=colour)

    def told(self, calls: Sequence[Scope]) -> tuple[str, ...]:
        """What sets these calls apart, and whether their module is shared."""
        return (*self.said(calls), *self.sharing(calls[0]))

    def said(self, calls: Sequence[Scope]) -> tuple[str, ...]:
        """In the words of the network's tables, or else in those of arguments."""
        text = self.words.of_rows(calls) or self.words.of_arguments(calls, self.calls[calls[0].name])
        return (text,) if text else ()

    def summary(self, scope: Scope) -> Box:
        """A stage in the figure of the network: what it is made of and what leaves it."""
        nodes = tuple(scope.nodes())
        inside = [box for item in self.items(scope, CALLS) for box in item.boxes()]
        runs = self.runs(inside)
        role = inside[0].role if len(inside) == 1 else "block"
        output = scope.output if isinstance(scope.output, Tensor) else nodes[-1].outputs[0]
        several = scope.output if isinstance(scope.output, list) else [output]
        shapes = ", ".join(map(self.shapes.of, several))
        return Box(role, shortened(runs), nodes, self.heading(scope), shapes, tensor=output)

    def runs(self, inside: Sequence[Box]) -> list[list[str]]:
        """Equal neighbours count as one; calls that the table of the network tells apart are not equal."""
        found = groupby(inside, lambda box: (brief(box), self.sharing_of(box), self.row_of(box)))
        return [self.run_text(text, list(run)) for (text, *_), run in found]

    def row_of(self, box: Box) -> str:
        return self.words.of_rows(box.calls) if box.calls else ""

    def run_text(self, text: str, run: Sequence[Box]) -> list[str]:
        """`Block ×3` and the arguments that this run has in common and other calls do not."""
        first = f"{text} ×{len(run)}" if len(run) > 1 else text
        calls = [call for box in run for call in box.calls]
        return [first, *(self.told(calls) if calls else self.sharing_of(run[0]))]

    def heading(self, scope: Scope) -> str:
        """What the spec calls it, stages in words; a row of a table that has no name is known by its content alone."""
        word = self.figure.labels.get(scope.name, scope.name) if scope.is_block else spaced(scope.name)
        return scope.label or ("" if word.isdigit() else word)

    # --- repeats
    def merged(self, chunks: Sequence[Sequence[Item]]) -> list[Item]:
        """The first of several copies, its boxes standing for the ops of all."""
        columns = zip(*([box for item in copy for box in item.boxes()] for copy in chunks), strict=True)
        for box, *others in columns:
            box.nodes += tuple(node for other in others for node in other.nodes)
            box.calls += tuple(call for other in others for call in other.calls)
            if box.calls:
                box.lines = self.told(box.calls)
        return list(chunks[0])

    def folded(self, chunks: list[list[Item]], view: View) -> list[Item]:
        """Runs of equal chunks, each fed by the one before, as one frame with `×N`."""
        found: list[Item] = []
        while chunks:
            count = self.alike(chunks) if view.fold else 1
            if not view.fold or count < view.fold:
                count = 1
                found += chunks[0]
            else:
                found.append(Group("repeat", f"×{count}", self.merged(chunks[:count])))
            chunks = chunks[count:]
        return found

    def alike(self, chunks: Sequence[list[Item]]) -> int:
        """How many chunks from the first on are copies in a chain."""
        count = 1
        for one, other in pairwise(chunks):
            if not copies(one, other) or not self.chained(one, other):
                break
            count += 1
        return count

    def chained(self, one: Sequence[Item], other: Sequence[Item]) -> bool:
        """Whether `other` reads from `one` alone, and `one` is read in `other` alone."""
        before = [node for item in one for node in item.nodes]
        after = [node for item in other for node in item.nodes]
        made = set(before)
        return all(t.node is not None and t.node in made for t in entering(after)) and self.readers.within(
            before, after
        )


def directly_shared(scope: Scope) -> Iterator[str]:
    """The paths of the modules that steps share, without those in them."""
    for child in scope.children:
        if child.shared:
            yield child.path
        elif isinstance(child, Scope):
            yield from directly_shared(child)


def frame(kind: GroupKind, label: str, items: list[Item]) -> Group:
    """A frame; one that holds nothing but another of the same name is that other."""
    only = items[0] if len(items) == 1 else None
    if isinstance(only, Group) and (only.kind, only.label) == (kind, label):
        return only
    return Group(kind, label, items)


def copies(one: Sequence[Item], other: Sequence[Item]) -> bool:
    return len(one) == len(other) and all(item.same(copy) for item, copy in zip(one, other, strict=True))


def hard_fields(nodes: Sequence[Node]) -> tuple[object, ...]:
    """What decides shapes and parameters."""
    return tuple(
        (node.op.name, *((f.name, frozen(node.fields.get(f.name))) for f in node.op.fields if not f.soft))
        for node in nodes
    )


def brief(box: Box) -> str:
    """A box in one line of a summary."""
    return box.heading or box.lines[0]


def shortened(runs: Sequence[Sequence[str]], most: int = MOST_LINES) -> tuple[str, ...]:
    """The lines of a summary; of a long one the beginning and the end."""
    if len(runs) > most:
        runs = [*runs[: most - 2], [f"… ({len(runs) - most + 1} more)"], runs[-1]]
    return tuple(line for run in runs for line in run)


OPEN = View(closed=lambda scope: scope.is_block, fold=3)  # papers draw two layers as two
CALLS = View(closed=lambda scope: scope.is_block, fold=0)
