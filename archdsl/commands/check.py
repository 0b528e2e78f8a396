"""`archdsl check`: a spec and each of its variants counted, and compared with what it expects."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from archdsl.commands.completion import spec_argument
from archdsl.commands.opening import tell
from archdsl.commands.options import to_only_specs, to_own
from archdsl.commands.progress import working
from archdsl.commands.proof import PROVEN, verified, verified_as_one
from archdsl.commands.terminal import piped, say, tracked
from archdsl.diagnostics.faults import Collector, fault

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph


@click.command("check")
@spec_argument("specs", nargs=-1, required=True, metavar="SPEC...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option(
    "--deep",
    is_flag=True,
    help="Also build every variant in both styles of source, and verify it against the spec.",
)
@click.option(
    "--update",
    is_flag=True,
    help="First update the numbers and fingerprints under expect: in the file.",
)
@to_only_specs
@to_own
def command(*, specs: tuple[str, ...], form: str, deep: bool, update: bool, specs_only: bool) -> None:
    """Validate specs and all of their variants.

    SPEC is a file, a folder with specs, '-' for stdin, or the name of a shipped spec. The numbers that a spec states
    under expect: are checked too.
    """
    from archdsl.workspace.checking import check
    from archdsl.workspace.folders import STDIN, gathered

    faults = Collector()
    for spec in gathered(specs, specs_only=specs_only):
        with faults.catch():
            touched = updated(spec) if update else ""
            with nullcontext() if deep else working(f"checking {spec}"):  # a proof has a bar of its own
                checked = check(piped() if spec == STDIN else spec, prove if deep else None)
            if form == "text":
                say(f"{spec}: {checked}" + (f"; proven: {PROVEN}" if deep and checked.variants else "") + touched)
    if not faults.clean and not faults.found:
        raise AssertionError("a spec was refused without an error")
    tell(faults.found, form)


def updated(spec: str) -> str:
    """Brings what a spec states up to date, and says so."""
    from archdsl.workspace.folders import STDIN
    from archdsl.workspace.restating import update

    if spec == STDIN:
        raise fault("bad-call", "--update writes into a file, so it cannot be used with stdin", help="name the file")
    names = update(spec)
    return f"; wrote expect: of {', '.join(names)}" if names else ""


def prove(graphs: Sequence[Graph]) -> None:
    """Builds the networks of a spec in both styles, and compares each with its graph."""
    for graph in tracked(graphs, f"proving {graphs[0].name}"):
        verified(graph, elsewhere=True)
    verified_as_one(graphs)
