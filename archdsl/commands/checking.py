"""`archdsl check`: a spec and each of its variants elaborated, and what it expects compared with what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archdsl.analysis.cost import trained
from archdsl.analysis.elaborate import elaborate
from archdsl.commands.terminal import tracked
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError, fault
from archdsl.ir.graph import Graph
from archdsl.lowering.entry import lower_blocks
from archdsl.syntax.spec import DEFAULT, Expected
from archdsl.workspace.library import SpecLike, read

MAX_OPS = 200_000  # of all variants together
PROVEN = "outputs, arguments, parameters and MACs are those of the graph"


@dataclass(frozen=True)
class Checked:
    """What was looked at."""

    name: str
    variants: int
    expected: int

    def __str__(self) -> str:
        if not self.variants:
            return f"ok ({self.name}: blocks only)"
        form = "form" if self.variants == 1 else "forms"
        return f"ok ({self.name}: {self.variants} {form}, {self.expected} with expected numbers)"


def check(spec: SpecLike, *, deep: bool = False) -> Checked:
    """Raises `SpecError` with the faults of all variants, each once.

    With `deep` each network is built, in both styles, and proven to be its graph.
    """
    found, faults = read(spec), Collector()
    forms = found.networks()
    if not forms:
        lower_blocks(found)
    ops, graphs = 0, []
    for variant in forms:
        with faults.catch():
            graph = elaborate(found, variant)
            compare(graph, found.expect.get(variant or DEFAULT))
            if deep:
                graphs.append(graph)
            ops += len(graph.nodes)
        if ops > MAX_OPS:
            message = f"the variants have more than {MAX_OPS:,} ops in all"
            raise fault("too-large", message, found.variants[variant].span if variant else found.span)
    faults.finish()
    if graphs:
        prove(graphs)
    return Checked(found.name, len(forms), len(found.expect))


def prove(graphs: Sequence[Graph]) -> None:
    """Builds the networks of a spec in both styles, and compares each with its graph."""
    from archdsl.commands.building import verified, verified_as_one

    for graph in tracked(graphs, f"proving {graphs[0].name}"):
        verified(graph)
    verified_as_one(graphs)


def compare(graph: Graph, expected: Expected | None) -> None:
    """Raises a fault at the `expect:` line for a number that is not the one counted."""
    if expected is None:
        return
    params, macs = trained(graph)
    pairs = {"params": (expected.params, params), "macs": (expected.macs, macs)}
    wrong = {what: pair for what, pair in pairs.items() if pair[0] is not None and pair[0] != pair[1]}
    if wrong:
        raise SpecError(*(mismatch(graph, expected, what, *pair) for what, pair in wrong.items()))


def mismatch(graph: Graph, expected: Expected, what: str, wanted: int | None, counted: int) -> Diagnostic:
    form = f"{graph.name} {graph.variant or ''}".strip()
    return Diagnostic(
        "unexpected-count",
        f"{form} has {counted:,} {what}, expected are {wanted:,}",
        expected.span,
        help="compare the stages with the paper's table: archdsl cost; or correct the number",
    )
