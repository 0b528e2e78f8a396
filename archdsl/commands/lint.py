"""`archdsl lint`: what is sound and still suspicious in networks."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.commands.opening import opened, tell
from archdsl.commands.options import to_only_specs, to_own
from archdsl.commands.terminal import console, empty_table, say
from archdsl.diagnostics.faults import Collector, Diagnostic
from archdsl.syntax.spec import Spec


@click.command("lint")
@click.argument("specs", nargs=-1, metavar="SPEC...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option("--list", "listed", is_flag=True, help="List the rules.")
@to_only_specs
@to_own
def command(*, specs: tuple[str, ...], form: str, listed: bool, specs_only: bool) -> None:
    """Find likely mistakes and inefficiencies in networks.

    SPEC is a file, a folder with specs, '-' for stdin, or the name of a shipped spec. The exit status is 3 if there are
    warnings.
    """
    from archdsl.workspace.folders import gathered

    if listed:
        show_rules()
        return
    if not specs:
        raise click.UsageError("give a spec, or --list")
    faults, warnings = Collector(), Collector()
    for name in gathered(specs, specs_only=specs_only):
        with faults.catch():
            found = linted(opened(name))
            warnings.found += found
            if form == "text":
                say(f"{name}: {counted(found)}")
    tell([*faults.found, *warnings.found], form)


def linted(spec: Spec, within: Path | None = None) -> list[Diagnostic]:
    """The warnings about a spec, in all its variants; settings of a project above `within` do not count."""
    from archdsl.analysis.elaborate import elaborate, lowered
    from archdsl.lint.run import lint
    from archdsl.lint.switches import chosen

    forms = spec.networks()
    if not forms:
        return []
    program = lowered(spec)
    folder = spec.path.parent if spec.path is not None else Path()
    return lint([elaborate(spec, variant, program=program) for variant in forms], chosen(folder, within))


def counted(found: list[Diagnostic]) -> str:
    return f"{len(found)} warning{'s' if len(found) != 1 else ''}" if found else "no warnings"


def show_rules() -> None:
    from archdsl.lint.rules import RULES

    rows = empty_table("rule", "finds", whole=("rule",))
    for code, rule in RULES.items():
        rows.add_row(code, rule.title)
    console().print(rows)
