"""`archdsl check`: a spec and each of its variants counted, and compared with what it expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from archdsl.commands.options import to_own
from archdsl.commands.proof import PROVEN, verified, verified_as_one
from archdsl.commands.status import status_of
from archdsl.commands.terminal import say, tracked
from archdsl.diagnostics.faults import Collector, Diagnostic, SpecError

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph


@click.command("check")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option(
    "--deep",
    is_flag=True,
    help="Build every variant too, in both styles of source, and prove that it is what the spec says. Also "
    "finds what has no source (cannot-print).",
)
@click.option(
    "--update",
    is_flag=True,
    help="First write into expect: what the networks come to now, and the fingerprint of each that has a top1.",
)
@to_own
def command(*, specs: tuple[str, ...], form: str, deep: bool, update: bool) -> None:
    """Check specs, every variant too, and the numbers that they expect."""
    from archdsl.workspace.checking import check

    faults = Collector()
    for spec in specs:
        with faults.catch():
            touched = updated(spec) if update else ""
            checked = check(spec, prove if deep else None)
            if form == "text":
                say(f"{spec}: {checked}" + (f"; proven: {PROVEN}" if deep and checked.variants else "") + touched)
    tell(faults.found, form)


def updated(spec: str) -> str:
    """Brings what a spec states up to date, and says so."""
    from archdsl.workspace.restating import update

    names = update(spec)
    return f"; wrote expect: of {', '.join(names)}" if names else ""


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


def prove(graphs: Sequence[Graph]) -> None:
    """Builds the networks of a spec in both styles, and compares each with its graph."""
    for graph in tracked(graphs, f"proving {graphs[0].name}"):
        verified(graph)
    verified_as_one(graphs)
