"""The graphs that together show what the params of a spec can make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from archdsl.analysis.elaborate import Elaborator
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Compare, Constant, Expr, ListOf, Lit, children
from archdsl.ir import program as ir
from archdsl.ir.facts import Facts, origin_of
from archdsl.ir.graph import Graph
from archdsl.syntax.spec import Spec

MOST = 24  # networks that are tried for a step that no variant runs
NUMBERS = (0, 1, 2, 3, 0.25)


@dataclass(frozen=True, eq=False)
class OpenRegion:
    """A region that an open param decides about, and the params that do."""

    node: ir.If | ir.Loop | ir.Auxiliary
    region: ir.Region
    params: frozenset[str]


def covering_graphs(graph: Graph) -> list[Graph]:
    """The graphs of all variants of a graph's spec, and last the graph itself, over facts that they share.

    What none of them runs, because a param with one value in all of them says so, is run by further graphs between:
    other values of that param are tried, those that the spec speaks of among them. Raises `SpecError` where none helps.
    """
    origin = origin_of(graph)
    facts, spec = Facts(), origin.spec
    shapes = {name: tensor.shape for name, tensor in graph.inputs.items()}
    with same_maps(spec):
        found = [Elaborator(spec, origin.program, variant, facts).run({}, None) for variant in spec.networks()]
    itself = Elaborator(spec, origin.program, graph.variant, facts).run(graph.params, shapes)
    while (place := next(unseen(origin.function, facts), None)) is not None:
        given, inputs = facts.reached[place.node.id]
        for values in islice(others(place, origin.function, given), MOST):
            params, scratch = {**given, **values}, Facts()
            try:
                Elaborator(spec, origin.program, None, scratch).run(params, inputs)
            except SpecError:
                continue
            if place.region.id in scratch.ran:
                found.append(Elaborator(spec, origin.program, None, facts).run(params, inputs))
                break
        if place.region.id not in facts.ran:
            raise unknown(place)
    if len(found) > len(spec.networks()):  # the values that were noted last are those of the graph itself
        itself = Elaborator(spec, origin.program, graph.variant, facts).run(graph.params, shapes)
    return [*found, itself]


def with_params(graph: Graph, values: Mapping[str, Constant]) -> Graph | None:
    """The network of a graph with other values of params; None where the spec refuses these."""
    origin, inputs = origin_of(graph), {name: tensor.shape for name, tensor in graph.inputs.items()}
    try:
        return Elaborator(origin.spec, origin.program, None, Facts()).run({**graph.params, **values}, inputs)
    except SpecError:
        return None


@contextmanager
def same_maps(spec: Spec) -> Iterator[None]:
    """The variants of a backbone run: one that computes more than leads to the chosen maps has other maps."""
    try:
        yield
    except SpecError as error:
        first = error.diagnostics[0]
        if not spec.features or first.code != "unused-step":
            raise
        message = f"another variant has steps that none of the maps {', '.join(spec.features)} needs"
        help = "the specialized style prints one network; in this one, choose maps after which no variant has steps"
        raise fault("cannot-print", message, first.span, help=help) from None


def unseen(network: ir.Function, facts: Facts) -> Iterator[OpenRegion]:
    """The regions with steps that no graph ran so far, though a param may let them run."""
    checked: set[int] = set()

    def visit(region: ir.Region) -> Iterator[OpenRegion]:
        for node in region.nodes:
            match node:
                case ir.If():
                    yield from decided(node, sides(node, facts), "condition")
                case ir.Loop() if not isinstance(node.rows, ListOf):
                    yield from decided(node, [node.body], "count" if node.count is not None else "rows")
                case ir.Call() if node.block.id not in checked:
                    checked.add(node.block.id)
                    yield from visit(node.block.region)
            for inner in node.regions():
                if inner.id in facts.ran or not isinstance(node, ir.If):
                    yield from visit(inner)

    def decided(node: ir.If | ir.Loop | ir.Auxiliary, regions: list[ir.Region], word: str) -> Iterator[OpenRegion]:
        seen = facts.seen.get((node.id, word))
        behind = seen.deps.intersection(network.params) if seen is not None else frozenset()
        if behind:
            yield from (OpenRegion(node, region, behind) for region in regions if region.id not in facts.ran)

    yield from visit(network.region)
    for auxiliary in network.training.values():
        yield from decided(auxiliary, [auxiliary.region], "condition")
        if auxiliary.region.id in facts.ran:
            yield from visit(auxiliary.region)


def sides(node: ir.If, facts: Facts) -> list[ir.Region]:
    """The sides of a condition that make a difference to what comes after."""
    found = [side for side in node.regions() if side.nodes]
    there = [side for side in node.regions() if side.nodes or side.result is not None or node.branch]
    empty = next((side for side in there if not side.nodes), None)
    if empty is None:  # after the last body of a choice there is no other side
        return found
    tensors = [node.out, empty.result or node.out]
    left, entered = ([facts.seen.get((tensor.id, word)) for word in ("c", "size")] for tensor in tensors)
    pairs = zip(left, entered, strict=True)
    alike = all(a and b and not a.varies and not b.varies and a.value == b.value for a, b in pairs)
    return found if alike else there


def others(place: OpenRegion, network: ir.Function, params: Mapping[str, Constant]) -> Iterator[dict[str, Constant]]:
    """Other values for the params behind a place, the likeliest first."""
    near = list(constants(place.node))
    for name in sorted(place.params):
        value = params[name]
        if isinstance(value, bool):
            candidates: list[Constant] = [not value]
        elif isinstance(value, (int, float)):
            close = [n + by for n in near if type(n) is int for by in (0, 1, -1)]
            candidates = [*close, *(n for n in near if type(n) is float), value + 1, value - 1, *NUMBERS, None]
        elif isinstance(value, str):
            candidates = [word for word in (*near, *words(network), "") if isinstance(word, str)]
        else:
            candidates = [*near, True, *NUMBERS] if value is None else [None, [], value * 2]
        tried: list[Constant] = [value]
        for candidate in candidates:
            if not any(candidate == known and type(candidate) is type(known) for known in tried):
                tried.append(candidate)
                yield {name: candidate}


def constants(node: ir.If | ir.Loop | ir.Auxiliary) -> Iterator[Constant]:
    """The constants that a condition or a count speaks of."""
    if isinstance(node, ir.If):
        yield from node.choices
    expr = node.count or node.rows if isinstance(node, ir.Loop) else node.condition
    if expr is not None:
        yield from literals(expr)


def literals(expr: Expr) -> Iterator[Constant]:
    if isinstance(expr, Lit):
        yield expr.value
    for child in children(expr):
        yield from literals(child)


def words(network: ir.Function) -> Iterator[str]:
    """The words that the conditions of a network and its blocks compare with."""
    checked: set[int] = set()

    def visit(function: ir.Function) -> Iterator[str]:
        for node in function.walk():
            if isinstance(node, ir.If) and isinstance(node.condition, Compare):
                yield from (value for value in constants(node) if isinstance(value, str))
            elif isinstance(node, ir.Call) and node.block.id not in checked:
                checked.add(node.block.id)
                yield from visit(node.block)

    yield from visit(network)


def unknown(place: OpenRegion) -> SpecError:
    named = ", ".join(f"'{name}'" for name in sorted(place.params))
    first = next(iter(place.region.nodes), None)
    if isinstance(place.node, ir.Loop):
        message, span = (
            f"no variant runs this loop more than zero times, although {named} would allow it",
            place.node.span,
        )
    elif first is None:
        assert isinstance(place.node, ir.If)
        message, span = f"no variant leaves this step out, although {named} would allow it", place.node.span
    else:
        message, span = f"no variant runs this step, although {named} would allow it", first.span
    return fault(
        "cannot-print", f"{message}; the shapes in that case are not known", span, help="add a variant that does"
    )
