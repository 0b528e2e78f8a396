"""`archdsl lsp`: the language server, on standard input and output."""

from __future__ import annotations

import click

from archdsl.commands.options import to_own
from archdsl.diagnostics.faults import fault


@click.command("lsp")
@click.option("--stdio", is_flag=True, hidden=True, help="What some clients say; there is no other way.")
@to_own
def command(stdio: bool) -> None:
    """Serve an editor: faults as you type, completion, shapes, navigation. It speaks on standard input and output.

    Needs the packages of `archdsl[lsp]`.
    """
    try:
        from archdsl.editor.server import server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise fault("no-package", "the language server needs pygls", help="pip install 'archdsl[lsp]'") from None
    server().start_io()
