"""`archdsl mcp`: a server for coding assistants, on standard input and output."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.diagnostics.faults import fault


@click.command("mcp")
def command() -> None:
    """Serve a coding assistant (Model Context Protocol): check, lint, diff, cost, draw and emit as its tools.

    It reads and writes below the current folder alone, and speaks on standard input and output. Needs the packages of
    `archdsl[mcp]`.
    """
    try:
        from archdsl.commands.assistant import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise fault("no-package", "the server needs the package mcp", help="pip install 'archdsl[mcp]'") from None
    server(Path()).run("stdio")
