"""`archdsl schema`: the form of spec files, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.commands.options import all_ops, to_file, to_own
from archdsl.commands.terminal import result, say
from archdsl.diagnostics.faults import fault


@click.command("schema")
@click.option(
    "--install",
    type=click.Choice(["project", "user"]),
    help="Install it for VS Code, in this project or for this user.",
)
@click.option(
    "--files",
    metavar="GLOB",
    multiple=True,
    help="With --install: which files are specs. Repeatable. [default: *.arch.yaml]",
)
@to_own
@to_file
def command(install: str | None, files: tuple[str, ...], output: str | None) -> None:
    """Print the JSON Schema of spec files for editors.

    It includes the ops of all installed packages.
    """
    from archdsl.syntax.json_schema import FILE, text

    all_ops()
    if install is None:
        if files:
            raise fault("bad-call", "--files needs --install", help="archdsl schema --install project")
        address = Path(output).resolve() if output and output != "-" else FILE
        result(text(address.as_uri()), output)
        return
    if output is not None:
        raise fault("bad-call", "--install chooses the place of the schema itself", help="remove --output")
    from archdsl.editor.settings import SPECS, install_for_project, install_for_user, modeline

    globs = files or SPECS
    written = install_for_project(Path(), globs) if install == "project" else install_for_user(globs)
    say(f"wrote {', '.join(map(str, written))}")
    say(f"specs are {', '.join(globs)}; another file is one that begins with\n{modeline(written[0])}")
