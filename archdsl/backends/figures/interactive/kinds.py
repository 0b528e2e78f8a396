"""The words and the colours of groups: those that the figures of the network give them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from archdsl.backends.figures.interactive.parts import Group
from archdsl.backends.figures.outline import Outline
from archdsl.backends.figures.strip.cells import Cell, Terse, strip
from archdsl.backends.figures.strip.kinds import Kind, legend
from archdsl.backends.figures.style import LEGEND
from archdsl.ir.graph import Graph, Node

BLOCK = "block"  # the colour of blocks that no colour of the strip stands for
Text = tuple[str, Sequence[str]]  # a title, and lines


class Kinds:
    """Of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.colours = graph, graph.figure.colours
        self.outline, self.terse = Outline(graph), Terse(graph, ())
        self.cells: Mapping[tuple[Node, ...], Cell] = {cell.box.nodes: cell for cell in strip(graph).cells if cell.kind}
        self.blocks = {cell.kind.word: cell.colour for cell in self.cells.values() if cell.kind}

    # --- words
    def words(self, group: Group) -> Text:
        """A stage: its name and what it is made of; a block: its name and what sets this call apart."""
        scope, inner = group.scopes[0], group.scopes[-1]
        cell = self.cells.get(group.nodes) if not scope.is_block else None
        if cell is not None:
            title, lines = cell.name, cell.lines
        elif scope.is_block:
            title, lines = self.outline.heading(scope), [*self.outline.told([scope])]
        elif inner.is_block:
            title, lines = self.outline.heading(scope), [self.outline.heading(inner), *self.outline.told([inner])]
        else:
            title, lines = self.outline.heading(scope), [*self.terse.summary(scope).lines]
        if title:
            return title, lines
        return (lines[0], lines[1:]) if lines else (scope.kind, ())

    # --- colours
    def colour(self, group: Group) -> str:
        """A role's name, or `#rrggbb`."""
        scope, inner = group.scopes[0], group.scopes[-1]
        if not scope.is_block and group.nodes in self.cells:
            return self.cells[group.nodes].colour
        if inner.is_block:
            return self.colours.get(inner.name) or self.blocks.get(self.outline.heading(inner), BLOCK)
        return self.commonest(group.nodes)

    def commonest(self, nodes: Iterable[Node]) -> str:
        """The colour of most of what a stage of rows holds."""
        inside, sizes = set(nodes), Counter[str]()
        for held, cell in self.cells.items():
            if inside.issuperset(held):
                sizes[cell.colour] += len(held)
        return sizes.most_common(1)[0][0] if sizes else BLOCK

    def of_op(self, node: Node) -> str:
        return self.colours.get(node.op.name, node.op.role)

    def legend(self, groups: Iterable[str]) -> list[tuple[str, str]]:
        """Each colour with its meanings, those of the strip first; `groups` are the colours in use for groups."""
        kinds = [cell.kind for cell in self.cells.values() if cell.kind]
        used = {self.of_op(node) for node in self.graph.nodes} | set(groups) - {kind.colour for kind in kinds}
        roles = [Kind(role, word) for role, word in LEGEND.items() if role in used]
        return [*legend([*kinds, *roles]).items()]
