"""`archdsl time`: how long networks take, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands import completion
from archdsl.commands.options import to_change, to_features, to_file, to_output_stride, to_pass
from archdsl.commands.progress import working
from archdsl.commands.proof import quiet_torch
from archdsl.commands.terminal import console, empty_table, progress, result, say
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from rich.table import Table

    from archdsl.runtime.timing import Asked, Timed, TimedNetwork

VERSION = 1  # of the JSON


def parse_words(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    """`--engine eager,compile`: words with commas, each once."""
    return list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


@click.command("time")
@click.argument(
    "specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...", shell_complete=completion.specs_and_variants
)
@click.option(
    "--engine",
    "engines",
    metavar="ENGINE,...",
    default="eager",
    show_default=True,
    callback=parse_words,
    help="What runs the networks: eager, compile, onnxruntime.",
)
@click.option(
    "--form",
    "forms",
    metavar="FORM,...",
    default="train",
    show_default=True,
    callback=parse_words,
    help="train, deploy.",
)
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Images per call.")
@click.option("--threads", type=click.IntRange(1), help="Threads of each engine. [default: as many as torch uses]")
@click.option(
    "--rounds", type=click.IntRange(1), default=20, show_default=True, help="Number of measured calls of each."
)
@click.option("--stages", is_flag=True, help="Time each stage, too (eager).")
@click.option(
    "--per-op",
    "table",
    metavar="FILE",
    help="Also time each op by itself, and add those that are missing to this latency table.",
)
@click.option("--format", "form", metavar="FORMAT", default="text", show_default=True, help="text, json.")
@to_change
@to_pass
@to_features
@to_output_stride
@to_file
def command(
    specs: tuple[str, ...],
    params: dict[str, Any],
    inputs: Any,
    engines: list[str],
    forms: list[str],
    passes: tuple[str, ...],
    features: Any,
    output_stride: int | None,
    batch: int,
    threads: int | None,
    rounds: int,
    stages: bool,
    table: str | None,
    form: str,
    output: str | None,
) -> None:
    """Time the forward pass of networks in eval mode.

    All networks run in turns, after a warm-up. Shown are the median, the quartiles, the CPU time, and the speed
    relative to the first line.
    """
    from archdsl.analysis.latency import Conditions
    from archdsl.commands import per_op

    expect_known(engines, forms, form)
    if form == "text" and output is not None:
        raise fault("bad-call", "the text format is only for the terminal", help="write --format json -o FILE")
    latencies = per_op.opened(table) if table is not None else None
    if latencies is not None:
        engines, batch, threads = per_op.as_begun(latencies, engines, batch, threads)
    if stages and "eager" not in engines:
        raise fault("bad-call", "stages are timed by the engine eager", help="add eager to --engine")
    with quiet_torch():
        from archdsl.runtime import timing
        from archdsl.runtime.in_training import Choice
        from archdsl.workspace.comparison import halves

        count = timing.threads_of(threads)
        machine = timing.machine(engines)
        if table is not None:
            now = Conditions(machine, engines[0], batch, count)
            latencies = per_op.begun(latencies, table, now, engines)
        choices = [Choice(*halves(spec), params, inputs, features, output_stride) for spec in specs]
        asked = [timing.Asked(choice, forms, passes, engines, batch, stages) for choice in choices]
        networks = built(asked, count)
        kernels = per_op.kernels_of(latencies, networks) if latencies is not None else []
        clock([*networks, *kernels], rounds, count)
        if latencies is not None:
            per_op.save(latencies, kernels, networks)
    if form == "json":
        result(as_json(networks, machine, count, rounds), output)
        return
    show(networks)
    how = f"batch {batch}, {count} thread{'s'[: count > 1]}, {rounds} round{'s'[: rounds > 1]}"
    rewritten = " ".join(choices[0].rewriting(passes=passes).options() or ())
    say("\n" + "; ".join(filter(None, (how, rewritten, ", ".join(said(machine))))))
    if latencies is not None:
        say(per_op.added(kernels, latencies.file))


def built(wanted: Sequence[Asked], threads: int) -> list[TimedNetwork]:
    """The networks, ready to be called."""
    from archdsl.runtime import timing

    found: list[TimedNetwork] = []
    with timing.limited(threads):
        for asked in wanted:
            with working(f"building {asked.network.spec}"):
                found += timing.made(asked, threads)
    return found


def clock(all_timed: Sequence[Timed], rounds: int, threads: int) -> None:
    """Takes the times of all."""
    from archdsl.runtime import timing

    with progress(len(all_timed), "warming up") as tell:
        timing.warm(all_timed, threads, tell)
    with progress(rounds, "timing") as tell:
        timing.measure(all_timed, rounds, threads, tell)


def expect_known(engines: Sequence[str], forms: Sequence[str], form: str) -> None:
    """Raises at a word that is none."""
    from archdsl.ops.base import FORM
    from archdsl.support.naming import did_you_mean

    known = {
        "--engine": (engines, ("eager", "compile", "onnxruntime")),
        "--form": (forms, FORM.choices),
        "--format": ([form], ("text", "json")),
    }
    for option, (given, words) in known.items():
        if not given:
            raise fault("bad-call", f"{option} is empty", help=f"there are {', '.join(words)}")
        for word in given:
            if word not in words:
                hint = did_you_mean(word, words) or f"there are {', '.join(words)}"
                raise fault("bad-call", f"{option} has no '{word}'", help=hint)


def said(machine: dict[str, str]) -> list[str]:
    return [value if key in ("device", "system") else f"{key} {value}" for key, value in machine.items()]


def show(networks: Sequence[TimedNetwork]) -> None:
    """The tables for a terminal."""
    console().print(as_table(networks))
    for one in networks:
        if one.clock is not None:
            say("")
            console().print(table_of_stages(one))


def as_table(networks: Sequence[TimedNetwork]) -> Table:
    """A line for each network, form and engine."""
    from statistics import median

    from rich.text import Text

    predicted = any(one.predicted_ms is not None for one in networks)
    further = ("sum of ops", "error") if predicted else ()
    made = empty_table("network", "form", "engine", "MACs", "median", "quartiles", "CPU", "speed", *further)
    for one in networks:
        low, high = (f"{1e3 * bound:.2f}" for bound in one.spent.quartiles)
        speed = median(first / own for first, own in zip(networks[0].wall, one.wall, strict=True))
        cells = (one.graph.called, one.form, one.engine, f"{one.macs:,}", f"{1e3 * one.spent.median:.2f} ms")
        more = (f"{low}–{high}", f"{1e3 * median(one.cpu):.2f} ms", f"{speed:.2f}×")
        made.add_row(*map(Text, (*cells, *more, *prediction(one))))
    return made


def prediction(one: TimedNetwork) -> tuple[str, ...]:
    """What the ops of a network take one by one, and how far that is off."""
    if one.predicted_ms is None or one.error is None:
        return ()
    return f"{one.predicted_ms:.2f} ms", f"{one.error:+.0%}".replace("-", "−")


def table_of_stages(one: TimedNetwork) -> Table:
    """A line for each stage of a network."""
    from rich.text import Text

    assert one.clock is not None
    made = empty_table(f"{one.graph.called}, {one.form}", "median", "quartiles", "share")
    medians = {name: spent.median for name, spent in one.clock.stages_spent.items()}
    for name, spent in one.clock.stages_spent.items():
        low, high = (f"{1e3 * bound:.2f}" for bound in spent.quartiles)
        share = f"{spent.median / (sum(medians.values()) or 1):.0%}"
        made.add_row(*map(Text, (name, f"{1e3 * spent.median:.2f} ms", f"{low}–{high}", share)))
    return made


def as_json(networks: Sequence[TimedNetwork], machine: dict[str, str], threads: int, rounds: int) -> str:
    """All of it for programs: times in milliseconds."""
    found = {
        "archdsl_time": VERSION,
        "machine": machine,
        "threads": threads,
        "rounds": rounds,
        "networks": [one.data() for one in networks],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
