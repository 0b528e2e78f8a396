"""`archdsl cost`: the stage table of a network."""

from __future__ import annotations

from typing import Any

import click

from archdsl.commands.options import network, to_choose_of_spec, to_features, to_format
from archdsl.commands.terminal import console, deliver
from archdsl.diagnostics.faults import fault


@click.command("cost")
@to_choose_of_spec
@to_features
@to_format
def command(spec: str, form: str, **choice: Any) -> None:
    """Print the stage table of a network and its cost."""
    from archdsl.analysis.cost import cost
    from archdsl.backends.cost import FORMATS, show
    from archdsl.support.naming import did_you_mean

    if form not in FORMATS:
        known = f"known are {', '.join(FORMATS)}"
        raise fault("unknown-format", f"there is no table format '{form}'", help=did_you_mean(form, FORMATS) or known)
    found = cost(network(spec, **choice))
    if form == "text":
        show(found, console())
    else:
        deliver(FORMATS[form](found))
