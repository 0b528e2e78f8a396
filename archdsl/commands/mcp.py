"""`archdsl mcp`: a server for coding assistants, on standard input and output."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.diagnostics.faults import fault


@click.command("mcp")
def command() -> None:
    """Run a Model Context Protocol server for coding assistants.

    Its tools check, lint, compare, count, draw and emit networks. It reads and writes only below the current folder,
    and talks over stdin and stdout. It needs the packages of `archdsl[mcp]`.
    """
    try:
        from archdsl.commands.assistant import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise fault("no-package", "the server needs the package mcp", help="pip install 'archdsl[mcp]'") from None
    server(Path()).run("stdio")
