"""`archdsl sweep`: a network counted in many settings, a row each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands import completion
from archdsl.commands.options import halves, latencies, once, sizes, split_setting, to_form, to_latency, to_own, to_pass
from archdsl.commands.terminal import deliver, progress, say
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from archdsl.workspace.row_files import RowFile
    from archdsl.workspace.sweep import Sweep

CHECKED = 32  # rows of a file that are counted again before it grows


def parse_values(_: click.Context, where: click.Parameter, texts: Sequence[str]) -> dict[str, list[Any]]:
    """`--set growth=16,24,32 --set width=0.5:1.5:0.25`: the values of each."""
    from archdsl.workspace.space import values_of

    found: dict[str, list[Any]] = {}
    for text in texts:
        name, value = split_setting(where.opts[0], text)
        found.setdefault(name, []).extend(values_of(f"{where.opts[0]} {name}", value))
    return found


def parse_inputs(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> dict[str, list[list[int]]]:
    """`--input 3,192,192 --input 3,224,224`: sizes to try; of several inputs each by its name."""
    from archdsl.syntax.reading.variants import LONE_INPUT

    found: dict[str, list[list[int]]] = {}
    for name, equals, shape in map(halves, texts):
        found.setdefault(name.strip() if equals else LONE_INPUT, []).append(list(sizes(shape)))
    return found


@click.command("sweep")
@completion.spec_argument("spec")
@click.option(
    "--variant",
    "-v",
    "variants",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.variants,
    help="Variant. Repeatable.",
)
@click.option(
    "--set",
    "params",
    metavar="NAME=VALUES",
    multiple=True,
    callback=parse_values,
    help="Values of a param, or of a part by its path: 16,24,32 or 0.5:1.5:0.25. Repeatable.",
)
@click.option(
    "--input", "inputs", metavar="C,H,W", multiple=True, callback=parse_inputs, help="Input size. Repeatable."
)
@to_form
@to_own
@to_pass
@to_latency
@click.option("--stages", is_flag=True, help="Add a column with the output shape of each stage.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Count only N settings, drawn at random.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Random seed of --sample.")
@once("--format", "form", metavar="FORMAT", help="csv, jsonl, parquet. [default: from FILE's suffix, else csv]")
@once("-o", "--output", metavar="FILE", help="File to write. If it exists, only missing rows are added.")
def command(
    spec: str,
    variants: tuple[str, ...],
    params: dict[str, list[Any]],
    inputs: dict[str, list[list[int]]],
    layers: str,
    passes: tuple[str, ...],
    latency: str | None,
    stages: bool,
    sample: int | None,
    seed: int,
    form: str | None,
    output: str | None,
) -> None:
    """Count the cost of a network for many settings.

    Every combination of the given values is one row. A setting that is invalid has a row with its error.
    """
    from archdsl.workspace.library import rewritten
    from archdsl.workspace.row_files import format_of, lines_of, opened
    from archdsl.workspace.space import space_of
    from archdsl.workspace.sweep import sweep_of

    path = Path(output) if output not in (None, "-") else None
    form = format_of(path, form)
    space = space_of(variants, params, inputs)
    if not space.axes:
        raise fault("bad-call", "there is no setting to vary", help="for example --set growth=16,24,32")
    rewriting = rewritten(form=layers, passes=passes)
    sweep = sweep_of(spec, space, rewriting, stages=stages, latency=latencies(latency))
    places = space.places(sample, seed)
    if path is None:
        lines = lines_of(form, sweep)
        deliver(lines.head())
        for rows in counted(sweep, places):
            deliver("".join(map(lines.line, rows)))
        return
    file = opened(path, form, sweep)
    try:
        grown(file, sweep, places, path)
    finally:
        file.close()


def grown(file: RowFile, sweep: Sweep, places: Sequence[int], path: Path) -> None:
    """Writes the rows that a file lacks, and says what was done."""
    there = [place for place in places if file.done and file.has(setting_row(sweep, place))]
    refuse_stale(file, sweep, there, path)
    known = set(there)
    missing = [place for place in places if place not in known] if there else places
    faults: Counter[str] = Counter()
    for rows in counted(sweep, missing):
        file.write(rows)
        faults.update(row["code"] for row in rows if row["code"] is not None)
    file.finish()
    say(f"wrote {path}: {summary(len(missing), len(there), faults)}")


def setting_row(sweep: Sweep, place: int) -> dict[str, Any]:
    return dict(zip(sweep.space.columns, sweep.space.at(place), strict=True))


def refuse_stale(file: RowFile, sweep: Sweep, there: Sequence[int], path: Path) -> None:
    """Raises if rows of a file, some of which are counted again, are those of another network."""
    for row in sweep.rows(there[:: max(1, len(there) // CHECKED)]) if there else []:
        if not file.agrees(row):
            setting = ", ".join(f"{name}={row[name]}" for name in sweep.space.columns)
            measured = " and latency table, one of" if sweep.latency is not None else ","
            message = f"the row of {setting} in '{path}' does not match this spec{measured} which has changed since"
            raise fault("bad-call", message, help="write to another file")


def summary(count: int, there: int, faults: Counter[str]) -> str:
    """`12 rows (3 were there), 2 at fault: shape`."""
    parts = [f"{count:,} rows" if count != 1 else "1 row"]
    if there:
        parts[0] += f" ({there:,} were there)"
    if faults:
        parts.append(f"{faults.total():,} at fault: {', '.join(f'{n:,} {code}' for code, n in faults.most_common())}")
    return ", ".join(parts)


def counted(sweep: Sweep, places: Sequence[int]) -> Iterator[list[dict[str, Any]]]:
    """The rows, with a bar on a terminal."""
    from archdsl.workspace.sweep import chunks, cores_for

    with progress(len(places), "counting") as advance:
        for rows in chunks(sweep, places, cores_for(sweep)):
            yield rows
            advance(len(rows))
