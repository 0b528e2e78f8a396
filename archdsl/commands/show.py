"""`archdsl show`: the spec that results, as YAML."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands import completion
from archdsl.commands.options import to_file, to_own, to_set, to_variant
from archdsl.commands.terminal import result


@click.command("show")
@completion.spec_argument("spec")
@to_variant
@to_set
@click.option("--origin", is_flag=True, help="Add the file and line that each line comes from.")
@to_own
@to_file
def command(spec: str, variant: str | None, params: dict[str, Any], output: str | None, *, origin: bool) -> None:
    """Print the spec that results from extends:, patches and --set.

    The output is a single file that builds the same network.
    """
    from archdsl.workspace.showing import show

    result(show(spec, variant, params, origin=origin), output)
