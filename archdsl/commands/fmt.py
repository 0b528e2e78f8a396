"""`archdsl fmt`: the layout of spec files made even."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archdsl.commands.options import to_only_specs
from archdsl.commands.status import CHANGES
from archdsl.commands.terminal import complain, deliver, piped
from archdsl.diagnostics.faults import Collector

if TYPE_CHECKING:
    from archdsl.diagnostics.spans import Source


@click.command("fmt")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing. The exit status is 3 if a file would change.")
@click.option("--diff", is_flag=True, help="Like --check, and print what would change.")
@to_only_specs
def command(*, files: tuple[str, ...], check: bool, diff: bool, specs_only: bool) -> None:
    """Format spec files.

    FILE is a file, a folder with specs, or '-' to read stdin and write stdout. Comments, key order and line breaks are
    kept, and the meaning of a file never changes.
    """
    from archdsl.workspace.folders import STDIN, gathered
    from archdsl.yaml.layout import formatted
    from archdsl.yaml.located import open_source

    faults, changed, kept = Collector(), 0, 0
    for name in gathered(files, specs_only=specs_only):
        with faults.catch():
            source = piped() if name == STDIN else open_source(Path(name))
            text = formatted(source)
            if name == STDIN and not (check or diff):
                deliver(text)
            elif text == source.text:
                kept += 1
                continue
            elif diff:
                deliver(difference(source, text))
            elif not check:
                save(Path(name), text)
            changed += 1
            if name != STDIN and not diff:
                complain(f"{name}: {'would change' if check else 'formatted'}")
    if changed + kept > 1 and not diff:
        complain(f"{counted(changed)} {'would change' if check else 'formatted'}, {counted(kept)} left as they are")
    faults.finish()
    if changed and (check or diff):
        click.get_current_context().exit(CHANGES)


def counted(files: int) -> str:
    return f"{files} file" + ("s" if files != 1 else "")


def difference(source: Source, text: str) -> str:
    """What changes, as `patch` takes it."""
    before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    lines = list(difflib.unified_diff(before, after, source.name, source.name))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def save(path: Path, text: str) -> None:
    """Writes the file whole, with the rights that it has."""
    from archdsl.support.output import write

    mode = path.stat().st_mode
    write(path, text)
    path.chmod(mode)
