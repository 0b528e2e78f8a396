"""The networks that one class of all variants may be: those of the variants, and others that a call may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice

from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Constant
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.ir.program import Program
from archdsl.passes.output_stride import expect_as_planned, planned

MOST = 12  # other values of each param that are tried


def all_networks(graph: Graph, limit: int) -> list[Graph]:
    """A graph and those of all variants of its spec, and of other values of the params behind their changed strides.

    Where one of these has other dilations, no class can say them all, which is found where they are brought together.
    """
    origin = origin_of(graph)
    found = [graph, *(elaborate(origin.spec, name, program=origin.program) for name in origin.spec.networks())]
    plans = planned(found, limit)
    changed = [part.node for parts in plans.values() for part in parts if part.changes]
    for name, value in settings(found, plans) if changed else ():
        try:
            other = elaborate(origin.spec, graph.variant, {**graph.settings, name: value}, program=origin.program)
        except SpecError:  # a value that cannot be
            continue
        try:
            planned([other], limit)
        except SpecError:
            message = f"output_stride makes dilations of strides that depend on {name}, which one class cannot express"
            help = "use the specialized style, which prints a single network"
            raise fault("cannot-print", message, changed[0].span, help=help) from None
        found.append(other)
    return found


def settings(graphs: Sequence[Graph], windows: Iterable[int]) -> Iterator[tuple[str, Constant]]:
    """Other values, one at a time, of the params that the strides of some operations depend on."""
    behind: set[str] = set()
    for graph in graphs:
        seen = origin_of(graph).facts.seen
        behind |= {name for place in windows if (fact := seen.get((place, "stride"))) for name in fact.deps}
    for name in sorted(behind & graphs[0].params.keys()):
        yield from ((name, value) for value in islice(near(graphs[0].params[name]), MOST))


def near(value: Constant) -> Iterator[Constant]:
    """Values like one: a number that is greater by 1, a list with another item."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in near(item))


def expect_for_all(graph: Graph, program: Program, limit: int) -> None:
    """Raises where the program has not the dilations that it should have with other values of its params."""
    origin = origin_of(graph)
    for given in further(graph):
        settings = {**graph.settings, **given}
        try:
            before = elaborate(origin.spec, graph.variant, settings, program=origin.program)
        except SpecError:  # a value that cannot be
            continue
        try:
            expect_as_planned(before, elaborate(origin.spec, graph.variant, settings, program=program), limit)
        except SpecError as error:
            message = (
                f"output_stride makes dilations that depend on {' and '.join(given)}, which one class cannot express"
            )
            help = "use the specialized style, which prints a single network"
            raise fault("cannot-print", message, error.diagnostics[0].span, help=help) from None


def further(graph: Graph) -> Iterator[dict[str, Constant]]:
    """Other values of each param, and of each two: what is near, and twice as far."""
    values = {name: [*islice(far(value), MOST)] for name, value in graph.params.items()}
    for name, others in values.items():
        yield from ({name: other} for other in others)
    for one, other in combinations([name for name, others in values.items() if others], 2):
        yield {one: values[one][0], other: values[other][0]}


def far(value: Constant) -> Iterator[Constant]:
    for other in near(value):
        yield other
        yield from near(other) if not isinstance(other, bool) else ()
