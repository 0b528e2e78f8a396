"""`archdsl check`: a spec and each of its variants counted, and compared with what it expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.commands.options import to_own
from archdsl.commands.proof import PROVEN, verified, verified_as_one
from archdsl.commands.status import status_of
from archdsl.commands.terminal import say, tracked
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError, fault

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph
    from archdsl.syntax.spec import Expected, Spec
    from archdsl.workspace.library import SpecLike, Stamp

MAX_OPS = 200_000  # of all variants together


@click.command("check")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option(
    "--deep",
    is_flag=True,
    help="Build every variant too, in both styles of source, and prove that it is what the spec says. Also "
    "finds what has no source (cannot-print).",
)
@to_own
def command(*, specs: tuple[str, ...], form: str, deep: bool) -> None:
    """Check specs, every variant too, and the numbers that they expect."""
    faults = Collector()
    for spec in specs:
        with faults.catch():
            checked = check(spec, deep=deep)
            if form == "text":
                say(f"{spec}: {checked}" + (f"; proven: {PROVEN}" if deep and checked.variants else ""))
    tell(faults.found, form)


def tell(found: list[Diagnostic], form: str) -> None:
    """Diagnostics in the format chosen: for people on stderr; for programs they are the result, on stdout."""
    if form == "text":
        if found:
            raise SpecError(*found)
        return
    from archdsl.diagnostics.rendering import render_github, render_json

    text = render_json(found) if form == "json" else render_github(found)
    if text:
        say(text)
    if found:
        click.get_current_context().exit(status_of(found))


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
    from archdsl.analysis.counting import Kept, run
    from archdsl.analysis.elaborate import elaborate, lowered
    from archdsl.analysis.partial import with_numbers
    from archdsl.lowering.entry import UnsoundError, lower_blocks
    from archdsl.passes.reparameterize import expect_mergeable
    from archdsl.workspace.library import read
    from archdsl.workspace.validation import expect_valid

    files: dict[Path, Stamp] = {}
    found, faults = read(spec, files), Collector()
    forms = found.networks()
    if not forms:
        lower_blocks(found)
        expect_valid(spec, files)
        return Checked(found.name, 0, len(found.expect))
    try:
        program, kept = lowered(found), Kept()
    except UnsoundError as error:
        raise SpecError(*with_numbers(error, found)) from None
    expect_mergeable(program)
    ops, graphs = 0, []
    for variant in forms:
        with faults.catch():
            trace = run(found, program, kept, variant).trace
            counted = trace.total()
            compare(found, variant, counted.params, counted.macs)
            if deep:
                graphs.append(elaborate(found, variant))
            ops += len(trace.steps)
        if ops > MAX_OPS:
            message = f"the variants have more than {MAX_OPS:,} ops in all"
            raise fault("too-large", message, found.variants[variant].span if variant else found.span)
    faults.finish()
    expect_valid(spec, files)
    if graphs:
        prove(graphs)
    return Checked(found.name, len(forms), len(found.expect))


def prove(graphs: Sequence[Graph]) -> None:
    """Builds the networks of a spec in both styles, and compares each with its graph."""
    for graph in tracked(graphs, f"proving {graphs[0].name}"):
        verified(graph)
    verified_as_one(graphs)


def compare(spec: Spec, variant: str | None, params: int, macs: int) -> None:
    """Raises a fault at the `expect:` line for a number that is not the one counted."""
    from archdsl.syntax.spec import DEFAULT

    expected = spec.expect.get(variant or DEFAULT)
    if expected is None:
        return
    pairs = {"params": (expected.params, params), "macs": (expected.macs, macs)}
    wrong = {what: pair for what, pair in pairs.items() if pair[0] is not None and pair[0] != pair[1]}
    if wrong:
        name = f"{spec.name} {variant or ''}".strip()
        raise SpecError(*(mismatch(name, expected, what, *pair) for what, pair in wrong.items()))


def mismatch(name: str, expected: Expected, what: str, wanted: int | None, counted: int) -> Diagnostic:
    return Diagnostic(
        "unexpected-count",
        f"{name} has {counted:,} {what}, expected are {wanted:,}",
        expected.span,
        help="compare the stages with the paper's table: archdsl cost; or correct the number",
    )
