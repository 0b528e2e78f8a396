"""The specs that a call names, and what is found in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.commands.status import CHANGES, status_of
from archdsl.commands.terminal import piped, report, say
from archdsl.diagnostics.faults import Diagnostic, SpecError

if TYPE_CHECKING:
    from archdsl.syntax.spec import Spec


def opened(name: str) -> Spec:
    """A spec by its file or name, or what comes in on stdin; files that this one names lie in the current folder."""
    from archdsl.workspace.folders import STDIN
    from archdsl.workspace.library import read, read_from

    return read_from(piped(), Path()) if name == STDIN else read(name)


def tell(found: Sequence[Diagnostic], form: str) -> None:
    """Diagnostics in the format chosen: for people on stderr; for programs they are the result, on stdout."""
    faults = [item for item in found if item.severity == "error"]
    if form == "text":
        if found:
            report(SpecError(*found))
    else:
        from archdsl.diagnostics.rendering import render_github, render_json

        text = render_json(found) if form == "json" else render_github(found)
        if text:
            say(text)
    if found:
        click.get_current_context().exit(status_of(faults) if faults else CHANGES)
