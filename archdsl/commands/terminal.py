"""What the command line shows: results on stdout, faults on stderr, legible on any terminal."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO, TypeVar

from archdsl.diagnostics.faults import SpecError, fault

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from archdsl.diagnostics.spans import Source

T = TypeVar("T")

PLAIN = {"×": "x", "−": "-", "–": "-", "—": "-", "·": ".", "…": "~", "→": ">", "✓": "v"}  # one for one: columns stay
PLAIN["\u2007"] = " "  # a blank as wide as a digit
STDERR = 2  # the last of the numbers of streams that every process has
PIPE_WIDTH = 160  # of a table that no terminal limits
NUMBERS = ("params", "MACs")  # columns whose entries stand right


class Closed(io.TextIOBase):
    """In the place of a stdout that was closed before we began: nothing can be written to it."""

    def write(self, _: str, /) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def prepare() -> None:
    """Streams that are closed are there all the same, and characters that a terminal cannot show become plain ones."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        occupy()
    sys.stdout = sys.stdout or Closed()
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115 - open to the end, as the one it stands for
    codecs.register_error("archdsl", replaced)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="archdsl")


def occupy() -> None:
    """No file that is opened later gets a number of these, at which other programs write what they say."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(number)


def replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """The codec error handler of `prepare`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(mark, "?") for mark in error.object[error.start : error.end]), error.end


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")


def deliver(data: str | bytes) -> None:
    """A result that is a file's content: UTF-8 whatever the terminal speaks."""
    raw = data.encode() if isinstance(data, str) else data
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:  # a replaced stdout, as in a notebook
        sys.stdout.write(raw.decode(errors="replace"))
        return
    sys.stdout.flush()
    buffer.write(raw)
    buffer.flush()


def piped() -> Source:
    """What comes in on stdin, as a source to point at."""
    from archdsl.yaml.located import MAX_BYTES, decoded

    stream = getattr(sys.stdin, "buffer", None)
    data = sys.stdin.read().encode(errors="surrogateescape") if stream is None else stream.read(MAX_BYTES + 1)
    return decoded(data, "<stdin>")


def result(data: str | bytes, output: str | None) -> None:
    """To the file `output` or to stdout; binary never to a terminal."""
    from archdsl.support.output import write

    if output not in (None, "-"):
        write(Path(str(output)), data)
    elif isinstance(data, bytes) and not printable(data) and sys.stdout.isatty():
        raise fault("bad-call", "the output is binary and cannot go to a terminal", help="give -o FILE")
    else:
        deliver(data)


def printable(data: bytes) -> bool:
    return b"\0" not in data and not data.startswith(b"%PDF")


def colored(stream: TextIO) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR says otherwise (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def report(error: SpecError) -> None:
    """Faults, on stderr."""
    from archdsl.diagnostics.rendering import render_text

    complain(render_text(error.diagnostics, color=colored(sys.stderr)))


def complain(text: str) -> None:
    """Lines on stderr; where it takes none, the exit status alone tells."""
    with suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def console() -> Console:
    """A rich console that prints what it is given: no markup, no emoji, no guessing at numbers."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(
        width=width, color_system="auto" if colored(sys.stdout) else None, markup=False, emoji=False, highlight=False
    )


def empty_table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """A table of rich without rows; columns that are `whole` are never broken, and numbers stand right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in NUMBERS else "left"
        made.add_column(column, justify=side, overflow="fold", no_wrap=column in whole)
    return made


def tracked(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one after another, with a bar on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    yield from track(items, what, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


@contextmanager
def progress(count: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on stderr where that is a terminal; gives what to call with how many more are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    hidden = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task(what, total=count)
        yield lambda more: bar.advance(task, more)


def quiet() -> None:
    """After the reader of a pipe has gone, or a disk is full: nothing more is written, not even at exit."""
    with suppress(OSError, ValueError):  # one that was closed before we began has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
