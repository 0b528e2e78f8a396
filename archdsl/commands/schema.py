"""`archdsl schema`: the form of spec files, for editors."""

from __future__ import annotations

import json

import click

from archdsl.commands.options import all_ops, to_file, to_own
from archdsl.commands.terminal import result


@click.command("schema")
@to_own
@to_file
def command(output: str | None) -> None:
    """Print the JSON Schema of spec files, with the ops of all packages that are installed."""
    from archdsl.syntax.json_schema import build

    all_ops()
    result(json.dumps(build(), indent=2, ensure_ascii=False) + "\n", output)
