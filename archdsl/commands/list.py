"""`archdsl list`: the shipped specs with their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from archdsl.commands.terminal import NUMBERS, console, deliver, empty_table
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from rich.table import Table

    from archdsl.syntax.spec import Spec

FORMATS = ("text", "json")
MARK = "*"  # behind the variant that is built where none is given
HEADINGS = {"specs": "Lightweight networks", "specs/beyond": "Other networks"}


@dataclass(frozen=True)
class Line:
    """A spec, or one of its forms, as it is listed; a file of blocks alone has no numbers."""

    spec: str
    variants: tuple[str, ...]
    default: str | None  # the variant that is built where none is given
    paper: str
    params: int | None = None
    macs: int | None = None

    def cells(self) -> tuple[str, ...]:
        counts = ("" if number is None else f"{number:,}" for number in (self.params, self.macs))
        return self.spec, ", ".join(map(self.named, self.variants)), *counts, self.paper

    def named(self, variant: str) -> str:
        return f"{variant}{MARK}" if variant == self.default else variant


@click.command("list")
@click.option("--variants", is_flag=True, help="List every variant.")
@click.option("--format", "form", metavar="FORMAT", default="text", show_default=True, help="text, json.")
def command(*, variants: bool, form: str) -> None:
    """List the shipped specs with their parameters and MACs."""
    from archdsl.support.naming import did_you_mean
    from archdsl.support.resources import SPECS

    if form not in FORMATS:
        known = f"choose from {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no list format '{form}'", help=did_you_mean(form, FORMATS) or known)
    found = {folder: folder_lines(folder, variants=variants) for folder in SPECS}
    if form == "json":
        deliver(as_json(found, variants=variants))
    else:
        show(found, variants=variants)


def folder_lines(folder: str, *, variants: bool) -> list[Line]:
    """A line for each shipped spec of a folder, or for each of its variants."""
    from archdsl.workspace.library import read, shipped

    return [line for name in shipped(folder) for line in spec_lines(name, read(name), variants=variants)]


def spec_lines(name: str, spec: Spec, *, variants: bool) -> Iterator[Line]:
    from archdsl.syntax.spec import DEFAULT

    forms = spec.networks()
    title = title_of(spec)
    if not forms:
        yield Line(name, (), None, title)
    elif not variants:
        yield Line(name, tuple(spec.variants), spec.standing(), title, *numbers(spec, spec.chosen(None)))
    else:
        # A variant that only names the network as it stands says it better than `default`.
        shown = forms if len(forms) == 1 or forms[0] is not None or DEFAULT in spec.expect else forms[1:]
        for form in shown:
            yield Line(name, () if form is None else (form,), spec.standing(), title, *numbers(spec, form))


def numbers(spec: Spec, form: str | None) -> tuple[int, int]:
    """Params and MACs: those that the spec expects (`check` holds it to them), else counted."""
    from archdsl.analysis.counting import count
    from archdsl.syntax.spec import DEFAULT

    stated = spec.expect.get(form or DEFAULT)
    if stated is not None and stated.params is not None and stated.macs is not None:
        return stated.params, stated.macs
    counted = count(spec, form)
    return counted.params, counted.macs


def title_of(spec: Spec) -> str:
    parts = [str(spec.paper[key]) for key in ("title", "year") if spec.paper.get(key)]
    return ", ".join(parts)


def show(found: dict[str, list[Line]], *, variants: bool) -> None:
    """The lines of each folder under its heading."""
    from rich.text import Text

    screen = console()
    for number, (folder, lines) in enumerate(found.items()):
        heading = Text(f"{HEADINGS[folder]} ({folder})", style="bold")
        screen.print(*[""] * (number > 0), heading, filled(lines, variants=variants), sep="\n")
    screen.print(f"\n{MARK} is built if you choose no variant")


def filled(lines: Sequence[Line], *, variants: bool) -> Table:
    """The table of some lines: the paper is told where a spec has one line."""
    from rich.text import Text

    columns = ("spec", "variant", "params", "MACs") if variants else ("spec", "variants", "params", "MACs", "paper")
    made = empty_table(*columns, whole=("spec", "variant", *NUMBERS))
    made.columns[1].min_width = max((len(word) for line in lines for word in line.cells()[1].split(", ")), default=0)
    for line in lines:
        made.add_row(*map(Text, line.cells()[: len(columns)]))
    return made


def as_json(found: dict[str, list[Line]], *, variants: bool) -> str:
    """An object for each line, with the folder of its spec."""
    import json

    made = []
    for folder, lines in found.items():
        for line in lines:
            forms: dict[str, object] = {"variant": next(iter(line.variants), None)}
            if not variants:
                forms = {"variants": line.variants, "default": line.default}
            counts = {"params": line.params, "macs": line.macs}
            made.append({"spec": line.spec, "folder": folder, **forms, **counts, "paper": line.paper})
    return json.dumps({"archdsl_list": 1, "specs": made}, indent=2, ensure_ascii=False) + "\n"
