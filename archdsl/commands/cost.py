"""`archdsl cost`: the stage table of a network."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands.options import (
    format_of,
    latencies,
    network,
    to_choose_of_spec,
    to_file,
    to_format,
    to_latency,
    to_place,
)
from archdsl.commands.terminal import console, result


@click.command("cost")
@to_choose_of_spec
@to_latency
@to_format
@to_place
@to_file
def command(
    spec: str,
    latency: str | None,
    form: str | None,
    columns: tuple[str, ...],
    width: Any,
    caption: str | None,
    label: str | None,
    output: str | None,
    **choice: Any,
) -> None:
    """Print the stage table of a network and its cost."""
    from archdsl.analysis.cost import cost, timed
    from archdsl.backends.cost import FORMATS, show, written
    from archdsl.support.latex import Placement, expect_format
    from archdsl.workspace.expected import with_published

    placement = Placement(width, caption, label)
    chosen = format_of(form, output)
    expect_format(chosen, FORMATS, columns, placement)
    table = latencies(latency)
    found = timed(with_published(cost(network(spec, **choice))), table)
    if chosen == "text" and output is None:
        show(found, console(), columns)
    else:
        result(written(found, chosen, columns, placement), output)
