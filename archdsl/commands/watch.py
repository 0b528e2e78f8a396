"""`archdsl watch`: a spec while it is edited, in a page of the browser that follows each save."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands.options import rewriting, to_choose_of_spec
from archdsl.commands.terminal import report, say
from archdsl.diagnostics.faults import SpecError, fault

if TYPE_CHECKING:
    from archdsl.ir.graph import Graph
    from archdsl.live.view import View

LOOK_ANEW = 1000  # milliseconds after which files are looked at though nothing was reported of their folders


@click.command("watch")
@to_choose_of_spec
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page. [default: a free one]")
@click.option("--no-browser", is_flag=True, help="Do not open a browser, only print the address.")
def command(spec: str, port: int, no_browser: bool, **choice: Any) -> None:
    """Preview a spec in the browser while you edit it.

    The figure, source, table and diagnostics are updated on each save. The page is served only on this machine
    (127.0.0.1). Press Ctrl-C to stop. It needs the packages of `archdsl[watch]`.
    """
    expect_watcher()
    from archdsl.live.server import Current, serving
    from archdsl.workspace.library import locate

    locate(spec)
    current = Current()
    with suppress(KeyboardInterrupt), serving(current, port) as address:
        say(f"{spec} is shown at {address} (Ctrl-C ends it)")
        for number, view in enumerate(views(spec, chooser(spec, **choice))):
            current.show(view)
            tell(view)
            if number == 0 and not no_browser:
                webbrowser.open(address)


def expect_watcher() -> None:
    """Raises a fault if the package is not there that watches files."""
    try:
        import watchfiles  # noqa: F401
    except ModuleNotFoundError:
        raise fault("no-package", "watching files needs watchfiles", help="pip install 'archdsl[watch]'") from None


def chooser(
    spec: str, *, variant: str | None, params: dict[str, Any], inputs: Any, **rewrite: Any
) -> Callable[[], Graph]:
    """What makes the network that the options choose, from the spec as it is then."""
    from archdsl.workspace.library import graph_of

    return lambda: graph_of(spec, variant, params, inputs, rewriting(**rewrite))


def views(spec: str, network: Callable[[], Graph]) -> Iterator[View]:
    """What there is to see now, and again after each save of a file that the spec is made of."""
    from watchfiles import watch

    from archdsl.live.view import look

    view = look(spec, network)
    while True:
        yield view
        folders = {path.parent for path in view.files if path.parent.is_dir()}
        for _ in watch(*folders, recursive=False, rust_timeout=LOOK_ANEW, yield_on_timeout=True, watch_filter=None):
            if not view.is_current():
                break
        view = look(spec, network, view)


def tell(view: View) -> None:
    """The view in the terminal: its totals, or what is wrong, and warnings."""
    now = time.strftime("%H:%M:%S")
    say(f"{now} {view.title}: {view.totals}" if not view.faults else f"{now} there are errors")
    if view.faults or view.warnings:
        report(SpecError(*view.faults, *view.warnings))
