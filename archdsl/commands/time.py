"""`archdsl time`: how long networks take, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from archdsl.commands import completion
from archdsl.commands.options import format_of, once, to_change, to_features, to_file, to_output_stride, to_pass
from archdsl.commands.progress import working
from archdsl.commands.proof import quiet_torch
from archdsl.commands.terminal import progress, result, say
from archdsl.diagnostics.faults import fault

if TYPE_CHECKING:
    from archdsl.runtime.timing import Asked, Timed, TimedNetwork
    from archdsl.workspace.library import SpecLike

FORMATS = ("text", "json", "csv")


def parse_words(_: click.Context, __: click.Parameter, value: str) -> list[str]:
    """`--engine eager,compile`: words with commas, each once."""
    return list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


@click.command("time")
@click.argument(
    "specs", nargs=-1, required=True, metavar="SPEC[@VARIANT]...", shell_complete=completion.specs_and_variants
)
@click.option("--variants", is_flag=True, help="Time all variants of each spec.")
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
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Measured calls of each network.")
@click.option("--stages", is_flag=True, help="Also time each stage (eager only).")
@click.option(
    "--per-op",
    "table",
    metavar="FILE",
    help="Also time each op by itself, and add the times to this latency table. Ops that it has are not timed again.",
)
@once("--format", "form", metavar="FORMAT", help="text, json, csv. [default: from FILE's suffix, else text]")
@to_change
@to_pass
@to_features
@to_output_stride
@to_file
def command(
    specs: tuple[str, ...],
    variants: bool,
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
    form: str | None,
    output: str | None,
) -> None:
    """Time the forward pass of networks in eval mode.

    The networks take turns, after a warm-up. Each line shows the median, the quartiles, the CPU time, and the speed
    relative to the first line.
    """
    from archdsl.analysis.latency import Conditions
    from archdsl.commands import per_op, timed

    chosen = format_of(form, output)
    expect_known(engines, forms, chosen)
    expect_room(chosen, output, stages=stages)
    latencies = per_op.opened(table) if table is not None else None
    if latencies is not None:
        engines, batch, threads = per_op.as_begun(latencies, engines, batch, threads)
    if stages and "eager" not in engines:
        raise fault("bad-call", "stages are timed by the engine eager", help="add eager to --engine")
    with quiet_torch():
        from archdsl.runtime import timing
        from archdsl.runtime.in_training import Choice

        count = timing.threads_of(threads)
        machine = timing.machine(engines)
        if table is not None:
            now = Conditions(machine, engines[0], batch, count)
            latencies = per_op.begun(latencies, table, now, engines)
        choices = [Choice(*one, params, inputs, features, output_stride) for one in named(specs, every=variants)]
        asked = [timing.Asked(choice, forms, passes, engines, batch, stages) for choice in choices]
        networks = built(asked, count)
        kernels = per_op.kernels_of(latencies, networks) if latencies is not None else []
        clock([*networks, *kernels], rounds, count)
        if latencies is not None:
            per_op.save(latencies, kernels, networks)
    if chosen != "text":
        made = timed.csv_of(networks, count) if chosen == "csv" else timed.as_json(networks, machine, count, rounds)
        result(made, output)
        return
    timed.show(networks)
    how = f"batch {batch}, {count} thread{'s'[: count > 1]}, {rounds} round{'s'[: rounds > 1]}"
    rewritten = " ".join(choices[0].rewriting(passes=passes).options() or ())
    say("\n" + "; ".join(filter(None, (how, rewritten, ", ".join(timed.said(machine))))))
    if latencies is not None:
        say(per_op.added(kernels, latencies.file))


def named(specs: Sequence[str], *, every: bool) -> Iterator[tuple[SpecLike, str | None]]:
    """The specs with their variants; with `every`, each spec without one stands for all of its own."""
    from archdsl.workspace.comparison import all_forms, halves
    from archdsl.workspace.library import read

    for text in specs:
        spec, variant = halves(text)
        yield from ((spec, name) for name in (all_forms(read(spec)) if every and variant is None else [variant]))


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


def expect_room(form: str, output: str | None, *, stages: bool) -> None:
    """Raises for a format that has no room for what is asked for."""
    if form == "text" and output is not None:
        raise fault("bad-call", "the text format is only for the terminal", help="give -o FILE.json or FILE.csv")
    if form == "csv" and stages:
        raise fault("bad-call", "csv has no times of stages", help="json has them")


def expect_known(engines: Sequence[str], forms: Sequence[str], form: str) -> None:
    """Raises at a word that is none."""
    from archdsl.ops.base import FORM
    from archdsl.support.naming import did_you_mean

    known = {
        "--engine": (engines, ("eager", "compile", "onnxruntime")),
        "--form": (forms, FORM.choices),
        "--format": ([form], FORMATS),
    }
    for option, (given, words) in known.items():
        if not given:
            raise fault("bad-call", f"{option} is empty", help=f"choose from {', '.join(words)}")
        for word in given:
            if word not in words:
                hint = did_you_mean(word, words) or f"choose from {', '.join(words)}"
                raise fault("bad-call", f"{option} does not accept '{word}'", help=hint)
