"""DOT text to a laid-out drawing, by the Graphviz inside pygraphviz, or else a `dot` on PATH."""

from __future__ import annotations

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from archdsl.backends.figures import fonts
from archdsl.backends.figures.theme import DPI
from archdsl.diagnostics.faults import fault

REMARK = re.compile("^Fontconfig |Scaling by")
_LOCK = Lock()  # the library keeps global state


def render(text: str, format: str, layout: str = "dot", *, dpi: float = DPI) -> bytes:
    """`format` is one that the engine surely knows: an unknown one makes the library crash; so is `layout`.

    The layout `nop2` leaves everything where the text says.
    """
    assert format in ("svg", "pdf", "png", "json"), format
    assert layout in ("dot", "nop2"), layout
    settings = {"dpi": f"{dpi:.9g}"} if format == "png" else {}
    with _LOCK, fonts.known(), hushed():
        try:
            library: Any = importlib.import_module("pygraphviz")
        except ImportError:
            return by_program(text, format, layout, settings)
        graph = library.AGraph(string=text)
        try:
            graph.graph_attr.update(settings)
            drawing: bytes = graph.draw(format=format, prog=layout)
        finally:
            graph.close()
        return drawing


def by_program(text: str, format: str, layout: str, settings: dict[str, str]) -> bytes:
    """The same by the program on PATH."""
    graphviz: Any = importlib.import_module("graphviz")
    said = "".join(f"{name}={value};" for name, value in settings.items())
    head, brace, rest = text.partition("{")
    engine, still = ("neato", 2) if layout == "nop2" else (layout, None)
    data = f"{head}{brace}{said}{rest}".encode()
    try:
        drawing: bytes = graphviz.pipe(engine, format, data, neato_no_op=still, quiet=True)
    except graphviz.ExecutableNotFound:
        message = "a figure needs Graphviz, and there is none"
        raise fault("no-engine", message, help="pip install pygraphviz, or ask for format dot") from None
    except graphviz.CalledProcessError as failed:
        raise fault("engine", f"dot failed: {failed.stderr.decode(errors='replace').strip()}") from None
    return drawing


@contextmanager
def hushed() -> Iterator[None]:
    """Keeps off the terminal what the engine says of font settings and of scaling a tall png; passes on the rest."""
    try:
        terminal = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            lines = [line for line in said.read().decode(errors="replace").splitlines() if not REMARK.search(line)]
            sys.stderr.write("".join(f"{line}\n" for line in lines))
