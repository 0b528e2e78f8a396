"""`archdsl lsp`: the language server, on standard input and output."""

from __future__ import annotations

import click

from archdsl.commands.options import to_own
from archdsl.diagnostics.faults import fault


@click.command("lsp")
@click.option("--stdio", is_flag=True, hidden=True, help="Accepted because some clients pass it; it is always so.")
@to_own
def command(stdio: bool) -> None:
    """Run the language server for editors.

    An editor starts it and talks to it over stdin and stdout. It needs the packages of `archdsl[lsp]`.
    """
    try:
        from archdsl.editor.server import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise fault("no-package", "the language server needs pygls", help="pip install 'archdsl[lsp]'") from None
    server().start_io()
