"""Two networks side by side: what was changed, what that does to each stage, which weights carry over.

Parts are matched by structure (`structure`), changes told one by one (`changes`) and put into the words of a paper
(`statements`); `stages` has the table, `weights` what `archdsl port --between` carries over.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archdsl.analysis.cost import Cost
from archdsl.analysis.difference.changes import changes
from archdsl.analysis.difference.phrases import phrases
from archdsl.analysis.difference.stages import Row, counted, rows
from archdsl.analysis.difference.statements import Statement, statements
from archdsl.analysis.difference.structure import Part, Structure, is_idle
from archdsl.analysis.difference.weights import Carried, carried, tensors_of
from archdsl.analysis.latency import LatencyTable
from archdsl.ir.graph import Graph, Node

if TYPE_CHECKING:
    from archdsl.support.latex import Width

FORMAT = 1  # of the data


@dataclass(frozen=True)
class Side:
    """One of the networks: as it is called here and in print, its graph, and what it costs."""

    name: str
    printed: str
    graph: Graph = field(repr=False)
    cost: Cost = field(repr=False)


@dataclass(frozen=True)
class Weights:
    """What of a state_dict of the old network the new one takes: pairs of keys, and keys that one alone has."""

    carried: tuple[Carried, ...]
    new: tuple[str, ...]
    dropped: tuple[str, ...]
    kept: int  # numbers that carry over
    total: int  # numbers of the new network


@dataclass(frozen=True)
class Difference:
    """What changed between two networks: `changes` in words, `rows` of stages, `weights` that carry over."""

    before: Side
    after: Side
    changes: tuple[Statement, ...]
    rows: tuple[Row, ...]
    weights: Weights
    structure: Structure = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether both are the same network. Names may differ, and so may the order of parallel steps."""
        return self.before.graph.fingerprint == self.after.graph.fingerprint

    @cached_property
    def phrases(self) -> list[str]:
        """The changes in the words of figures and of papers; without those that no figure shows, as a dropout of 0."""
        return phrases(self.changes, self.before.graph, self.after.graph)

    def data(self) -> dict[str, Any]:
        """As plain data."""
        from archdsl.backends.difference import data

        return data(self)

    def to_text(self, width: int = 120) -> str:
        """For a terminal."""
        from archdsl.backends.difference import text

        return text(self, width)

    def to_markdown(self) -> str:
        """The changes as a list, the stages as a GitHub table."""
        from archdsl.backends.difference import markdown

        return markdown(self)

    def to_latex(self, *, width: Width | None = None) -> str:
        """The stages as a booktabs tabular that fits a `width`, `"column"` or `"page"`; the changes in comments."""
        from archdsl.backends.difference import latex
        from archdsl.support.latex import Placement

        return latex(self, Placement(width))

    def to_json(self) -> str:
        """All of the difference, as a JSON document."""
        from archdsl.backends.difference import as_json

        return as_json(self)

    def to_html(self) -> str:
        """An html page with the changes, the stages and the figure."""
        from archdsl.backends.difference import page
        from archdsl.backends.figures import draw_difference

        return page(self, str(draw_difference(self, told=False)))

    def draw(self, format: str = "svg") -> str | bytes:
        """The two networks side by side, the changes in colour: svg, pdf, png, dot and others; html is `to_html()`."""
        from archdsl.backends.figures import draw_difference

        return self.to_html() if format == "html" else draw_difference(self, format)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """In a notebook: the changes, and the stages as a table."""
        from archdsl.backends.difference import html

        return html(self)


def difference(
    before: Graph,
    after: Graph,
    names: tuple[str, str] | None = None,
    latency: LatencyTable | None = None,
    printed: tuple[str, str] | None = None,
) -> Difference:
    """What makes the network `after` of the network `before`, which are called by `names`, in print by `printed`."""
    structure = Structure(before, after)
    (cost, olds), (cost_after, news) = counted(before, latency), counted(after, latency)
    called = names or (name_of(before), name_of(after))
    in_print = printed or called
    weights, kept = weights_of(before, after)
    return Difference(
        Side(called[0], in_print[0], before, cost),
        Side(called[1], in_print[1], after, cost_after),
        tuple(statements(changes(before, after, structure), structure)),
        tuple(rows(olds, news, structure.partners, kept, touched(structure))),
        weights,
        structure,
    )


def name_of(graph: Graph) -> str:
    return " ".join(filter(None, (graph.name, graph.variant)))


def touched(structure: Structure) -> frozenset[Part]:
    """The parts of the new network in which something stands that the old has not, or stands otherwise.

    What does nothing, as a dropout of 0, is nothing here.
    """
    found: set[Part] = set()
    for pair in structure.root.walk():
        alone = [item.part for gap in pair.gaps for item in (*gap.removed, *gap.added)]
        fields = isinstance(pair.new.part, Node) and pair.old.traits != pair.new.traits  # what arguments do is in these
        differs = pair.moved or fields or pair.old.word != pair.new.word
        idle = is_idle(pair.old.part) and is_idle(pair.new.part)
        if not all(map(is_idle, alone)) or (differs and not idle):
            found.add(pair.new.part)
    return frozenset(found)


def weights_of(before: Graph, after: Graph) -> tuple[Weights, Counter[Node]]:
    """What carries over, in all and by op."""
    old, new = tensors_of(before), tensors_of(after)
    pairs = {pair.after: pair for pair in carried(before, old, after, new)}
    taken = {pair.before for pair in pairs.values()}
    kept: Counter[Node] = Counter()
    for node in after.nodes:
        kept[node] = sum(math.prod(shape) for key, shape in new.get(node.id, {}).items() if key in pairs)
    keys = {key: shape for shapes in new.values() for key, shape in shapes.items()}
    dropped = tuple(key for shapes in old.values() for key in shapes if key not in taken)
    total = sum(map(math.prod, keys.values()))
    found = tuple(pairs[key] for key in keys if key in pairs)
    return Weights(found, tuple(key for key in keys if key not in pairs), dropped, kept.total(), total), kept


__all__ = ["Difference", "difference"]
