"""`archdsl table`: networks side by side."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands.completion import specs_and_variants
from archdsl.commands.options import (
    format_of,
    latencies,
    rewriting,
    to_change,
    to_file,
    to_format,
    to_latency,
    to_place,
    to_rewrite,
)
from archdsl.commands.progress import working
from archdsl.commands.terminal import console, result
from archdsl.diagnostics.faults import fault

BOLD = ("latex", "md")  # the formats that have it


@click.command("table")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...", shell_complete=specs_and_variants)
@click.option("--variants", is_flag=True, help="Compare all variants of each spec.")
@click.option("--sort", metavar="COLUMN", help="params, macs, top1 or latency. [default: the order given]")
@click.option("--stages", is_flag=True, help="Show the stages of the networks side by side (text, md, latex).")
@click.option("--bold", is_flag=True, help="Print the best of each column in bold (latex, md).")
@to_change
@to_rewrite
@to_latency
@to_format
@to_place
@to_file
def command(
    specs: tuple[str, ...],
    variants: bool,
    sort: str | None,
    stages: bool,
    bold: bool,
    params: dict[str, Any],
    inputs: Any,
    layers: str,
    latency: str | None,
    form: str | None,
    columns: tuple[str, ...],
    width: Any,
    caption: str | None,
    label: str | None,
    output: str | None,
    **rewrite: Any,
) -> None:
    """Compare networks in a table: parameters, MACs, accuracy, latency."""
    from archdsl.support.latex import Placement, expect_format
    from archdsl.workspace import side_by_side
    from archdsl.workspace.comparison import Change, compare
    from archdsl.workspace.printing import FORMATS, show, written

    placement = Placement(width, caption, label)
    chosen = format_of(form, output)
    expect_format(chosen, side_by_side.FORMATS if stages else FORMATS, columns, placement)
    if stages and bold:
        raise fault("bad-call", "--stages cannot print the best in bold", help="remove --bold")
    if bold and chosen not in BOLD:
        raise fault("bad-call", f"{chosen} does not support --bold", help=f"--bold works with {' and '.join(BOLD)}")
    with working("counting networks"):
        change = Change(inputs, params, layers, rewriting(layers=layers, **rewrite))
        found = compare(specs, change, variants=variants, sort=sort, latency=latencies(latency))
    if stages:
        result(side_by_side.written(found.stages, chosen, columns, placement), output)
    elif chosen == "text" and output is None:
        show(found, console(), columns)
    else:
        result(written(found, chosen, columns, placement, bold=bold), output)
