"""What is said on stderr while a command works: notes, what takes longer than a second, and how long steps took."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import TextIO

from archdsl.commands.terminal import complain
from archdsl.diagnostics.faults import FigureWarning

PATIENCE = 1.0  # seconds after which somebody wants to know that something happens
CLEAR = "\r\x1b[K"


class Chosen:
    """What `-q` and `-v` of the command line said."""

    quiet = False
    verbose = False


def choose(*, quiet: bool, verbose: bool) -> None:
    Chosen.quiet, Chosen.verbose = quiet, verbose


def note(text: str) -> None:
    """Something that a user should know of a result."""
    if not Chosen.quiet:
        complain(f"archdsl: {text}")


@contextmanager
def noted() -> Iterator[None]:
    """Prints warnings about figures as notes."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, FigureWarning):
                note(str(message))
            else:
                usual(message, category, filename, lineno, file, line)

        warnings.simplefilter("always", FigureWarning)
        warnings.showwarning = show
        yield


@contextmanager
def working(what: str) -> Iterator[None]:
    """Says on a terminal what is done, once it takes longer than a second; with `-v` how long it took, anywhere."""
    started, done = monotonic(), Event()
    shown = sys.stderr.isatty() and not Chosen.quiet
    watcher = Thread(target=tell, args=(what, started, done), daemon=True)
    if shown:
        watcher.start()
    try:
        yield
    finally:
        done.set()
        if shown:
            watcher.join()
    if Chosen.verbose:
        complain(f"archdsl: {what}: {monotonic() - started:.2f} s")


def tell(what: str, started: float, done: Event) -> None:
    """Keeps one line up to date until the work is done, and leaves none."""
    told = False
    while not done.wait(PATIENCE):
        told = True
        sys.stderr.write(f"{CLEAR}{what} ({monotonic() - started:.0f} s)")
        sys.stderr.flush()
    if told:
        sys.stderr.write(CLEAR)
        sys.stderr.flush()
