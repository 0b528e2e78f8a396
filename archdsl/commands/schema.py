"""`archdsl schema`: the form of spec files, for editors."""

from __future__ import annotations

import json

import click

from archdsl.commands.options import to_file
from archdsl.commands.terminal import result


@click.command("schema")
@to_file
def command(output: str | None) -> None:
    """Print the JSON Schema of spec files."""
    from archdsl.syntax.json_schema import build

    result(json.dumps(build(), indent=2, ensure_ascii=False) + "\n", output)
