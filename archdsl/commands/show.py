"""`archdsl show`: the spec that results, as YAML."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands import completion
from archdsl.commands.options import to_file, to_own, to_set
from archdsl.commands.terminal import result


@click.command("show")
@completion.spec_argument("spec")
@click.option("--variant", "-v", metavar="NAME", shell_complete=completion.variants, help="A variant of the spec.")
@to_set
@click.option("--origin", is_flag=True, help="Say behind each line which file and line it comes from.")
@to_own
@to_file
def command(spec: str, variant: str | None, params: dict[str, Any], output: str | None, *, origin: bool) -> None:
    """Print the spec that results: all that it extends, patches and sets in one file that builds the same network."""
    from archdsl.workspace.showing import show

    result(show(spec, variant, params, origin=origin), output)
