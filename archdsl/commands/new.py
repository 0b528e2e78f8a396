"""`archdsl new`: a spec to start from."""

from __future__ import annotations

import os
from pathlib import Path

import click

from archdsl.commands.options import to_own
from archdsl.commands.terminal import say
from archdsl.diagnostics.faults import fault


@click.command("new")
@click.argument("file")
@click.option("--from", "base", metavar="SPEC", required=True, help="Spec to start from.")
@click.option("--copy", is_flag=True, help="Copy the spec instead of extending it.")
@click.option("--name", metavar="NAME", help="The network's name. [default: after the file]")
@to_own
def command(file: str, base: str, name: str | None, *, copy: bool) -> None:
    """Create a new spec from an existing one.

    The new spec extends the old one and lists in comments what it can change. With --copy it is a full copy instead.
    """
    from archdsl.support.output import write
    from archdsl.workspace.starting import start

    target = Path(file)
    if target.suffix not in (".yaml", ".yml"):
        raise fault("bad-call", f"a spec is a .yaml file, not '{file}'", help=f"archdsl new {file}.yaml --from {base}")
    if os.path.lexists(target):
        raise fault(
            "cannot-write", f"'{file}' already exists", help="choose another name; existing files are not overwritten"
        )
    if not target.parent.is_dir():
        raise fault("cannot-write", f"there is no folder '{target.parent}'", help="create it first")
    write(target, start(target, base, name, copy=copy))
    say(f"wrote {file}, which {'copies' if copy else 'extends'} {base}")
