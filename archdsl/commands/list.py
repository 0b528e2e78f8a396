"""`archdsl list`: the shipped specs with their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from archdsl.commands.terminal import NUMBERS, console, empty_table

if TYPE_CHECKING:
    from rich.console import Console

    from archdsl.syntax.spec import Spec


@click.command("list")
@click.option("--variants", is_flag=True, help="A line for each variant.")
def command(*, variants: bool) -> None:
    """List the shipped specs with their numbers."""
    show_specs(console(), variants=variants)


def show_specs(console: Console, *, variants: bool) -> None:
    """A line for each shipped spec, or for each of its variants."""
    from rich.text import Text

    from archdsl.workspace.library import read, shipped

    columns = ("spec", "variant", "params", "MACs") if variants else ("spec", "variants", "params", "MACs", "paper")
    made = empty_table(*columns, whole=("spec", "variant", *NUMBERS))
    rows = [row for name in shipped() for row in spec_rows(name, read(name), variants=variants)]
    made.columns[1].min_width = max(len(word) for row in rows for word in row[1].split() or [""])
    for row in rows:
        made.add_row(*map(Text, row[: len(columns)]))
    console.print(made)


def spec_rows(name: str, spec: Spec, *, variants: bool) -> Iterator[tuple[str, ...]]:
    from archdsl.syntax.spec import DEFAULT

    forms = spec.networks()
    title = title_of(spec)
    if not forms:
        yield name, "", "", "", title
    elif not variants:
        others = ", ".join(spec.variants)
        yield name, others, *numbers(spec, forms[0]), title
    else:
        # A variant that only names the network as it stands says it better than `default`.
        shown = forms if len(forms) == 1 or forms[0] is not None or DEFAULT in spec.expect else forms[1:]
        for form in shown:
            yield name, form or "", *numbers(spec, form), title


def numbers(spec: Spec, form: str | None) -> tuple[str, str]:
    """Params and MACs: those that the spec expects (`check` holds it to them), else counted."""
    from archdsl.analysis.counting import count
    from archdsl.syntax.spec import DEFAULT

    stated = spec.expect.get(form or DEFAULT)
    if stated is not None and stated.params is not None and stated.macs is not None:
        return f"{stated.params:,}", f"{stated.macs:,}"
    counted = count(spec, form)
    return f"{counted.params:,}", f"{counted.macs:,}"


def title_of(spec: Spec) -> str:
    parts = [str(spec.paper[key]) for key in ("title", "year") if spec.paper.get(key)]
    return ", ".join(parts)
