"""`archdsl passes`: the passes that there are."""

from __future__ import annotations

import click

from archdsl.commands.terminal import console, empty_table


@click.command("passes")
def command() -> None:
    """List the passes, which transform networks."""
    from rich.text import Text

    from archdsl.passes import named, names

    made = empty_table("pass", "what it does")
    for name in names():
        made.add_row(Text(name), Text(named(name).doc))
    console().print(made)
