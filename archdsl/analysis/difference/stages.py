"""The stage tables of two networks as one: a row for each stage that is in either, in the order of the new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from archdsl.analysis.cost import Cost, StageCost, cost_of, timed
from archdsl.analysis.difference.structure import Part
from archdsl.analysis.latency import LatencyTable
from archdsl.analysis.lines import lines
from archdsl.analysis.reach import Reach
from archdsl.analysis.trace import Trace, trace_of
from archdsl.ir.graph import Graph, Node, Scope

Status: TypeAlias = Literal["same", "changed", "added", "removed"]


@dataclass(frozen=True)
class Stage:
    """A stage of one of the networks: its line of the table, its receptive field, and what it is in the graph."""

    cost: StageCost
    receptive_field: tuple[int, ...] | None
    part: Part


@dataclass(frozen=True)
class Row:
    """A stage in both networks, or in one of them; `kept` are the numbers among its weights that carry over."""

    before: Stage | None
    after: Stage | None
    kept: int
    touched: bool  # whether anything in it was changed

    @property
    def status(self) -> Status:
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        return "changed" if self.touched or self.before.cost != self.after.cost else "same"

    @property
    def name(self) -> str:
        """Its name in the new network."""
        stage = self.after or self.before
        assert stage is not None
        return stage.cost.name


def counted(graph: Graph, latency: LatencyTable | None = None) -> tuple[Cost, list[Stage]]:
    """The cost of a network, and its stages."""
    trace, _ = trace_of(graph)
    inputs, outputs = ({name: t.shape for name, t in side.items()} for side in (graph.inputs, graph.outputs))
    found = timed(cost_of(trace, graph.name, graph.variant, graph.settings, inputs, outputs, graph), latency)
    reaches = trace.reaches()
    parts = zip(lines(graph.root), lines(trace.root), found.stages, strict=True)
    return found, [
        Stage(cost, field_of(trace, reaches, line.stop), part_of(scope)) for (_, scope), (_, line), cost in parts
    ]


def field_of(trace: Trace, reaches: Sequence[Reach | None], stop: int) -> tuple[int, ...] | None:
    """The receptive field of the last tensor that a stage makes."""
    reach = reaches[trace.steps[stop - 1].first] if stop else None
    return tuple(map(round, reach.extent)) if reach is not None else None


def part_of(scope: Scope) -> Part:
    """What a line of the table is about."""
    return scope.children[0] if scope.kind == "step" else scope


def rows(
    before: Sequence[Stage],
    after: Sequence[Stage],
    partners: Mapping[Part, Part],
    kept: Mapping[Node, int],
    touched: frozenset[Part],
) -> list[Row]:
    """The rows of both; one that only the old network has comes before what followed it there."""
    known = paired(before, after, partners)
    olds = {known[stage.part]: stage for stage in before if stage.part in known}
    waiting = list(before)
    found: list[Row] = []
    for stage in after:
        old = olds.get(stage.part)
        if old is not None and old in waiting:
            found += gone(waiting[: waiting.index(old)], known)
            del waiting[: waiting.index(old) + 1]
        numbers = sum(kept.get(node, 0) for node in nodes_of(stage.part))
        inside = {*nodes_of(stage.part), *scopes_of(stage.part)}
        found.append(Row(old, stage, numbers, touched=not touched.isdisjoint(inside)))
    return found + gone(waiting, known)


def paired(before: Sequence[Stage], after: Sequence[Stage], partners: Mapping[Part, Part]) -> dict[Part, Part]:
    """The new stage for each old one that has one; stages without an op, which no structure tells, pair by name."""
    news = {stage.part for stage in after}
    empty = {stage.cost.name: stage.part for stage in after if is_empty(stage.part)}
    found = {}
    for stage in before:
        new = empty.get(stage.cost.name) if is_empty(stage.part) else partners.get(stage.part)
        if new is not None and new in news:
            found[stage.part] = new
    return found


def is_empty(part: Part) -> bool:
    return not any(True for _ in nodes_of(part))


def gone(stages: Sequence[Stage], known: Mapping[Part, Part]) -> list[Row]:
    return [Row(stage, None, 0, touched=True) for stage in stages if stage.part not in known]


def nodes_of(part: Part) -> Iterator[Node]:
    yield from [part] if isinstance(part, Node) else part.nodes()


def scopes_of(part: Part) -> Iterator[Scope]:
    yield from [] if isinstance(part, Node) else part.scopes()
