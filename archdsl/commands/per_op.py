"""`archdsl time --per-op`: the ops of the networks that a latency table lacks are timed with them, and added to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.analysis.latency import Conditions, LatencyTable
from archdsl.commands.options import was_given
from archdsl.commands.terminal import progress
from archdsl.diagnostics.faults import fault
from archdsl.workspace import latency_file

if TYPE_CHECKING:
    from archdsl.runtime.latency.measuring import TimedCall, TimedKernel
    from archdsl.runtime.timing import TimedNetwork


def opened(file: str) -> LatencyTable | None:
    """The table in a file that is there; of one that is not, its folder must be, before anything is measured."""
    path = Path(file)
    if path.exists():
        return latency_file.read_latencies(path)
    if not path.parent.is_dir():
        raise fault("cannot-write", f"cannot write '{path}': there is no folder '{path.parent}'")
    return None


def as_begun(
    table: LatencyTable, engines: list[str], batch: int, threads: int | None
) -> tuple[list[str], int, int | None]:
    """How a table was measured, where the call does not say otherwise."""
    then = table.conditions
    return (
        engines if was_given("engines") else [then.engine],
        batch if was_given("batch") else then.batch,
        threads if was_given("threads") else then.threads,
    )


def begun(table: LatencyTable | None, file: str, now: Conditions, engines: Sequence[str]) -> LatencyTable:
    """The table to add to, measured as now; a new one if there is none."""
    if len(engines) > 1:
        raise fault(
            "bad-call", "a latency table is valid for one engine", help="give one --engine, and a file for each"
        )
    if table is None:
        return LatencyTable(file, now, {})
    latency_file.expect_same(table, now)
    return table


def kernels_of(table: LatencyTable, networks: Sequence[TimedNetwork]) -> list[TimedKernel | TimedCall]:
    """What the table lacks, built."""
    from archdsl.runtime.latency import measuring
    from archdsl.runtime.timing import limited

    wanted = measuring.missing(table, [one.graph for one in networks])
    found: list[TimedKernel | TimedCall] = [] if measuring.is_begun(table) else [measuring.bare_call(table.conditions)]
    with progress(len(wanted), "building ops") as tell, limited(table.conditions.threads):
        for one in measuring.made(wanted, table.conditions):
            found.append(one)
            tell(1)
    return found


def save(table: LatencyTable, kernels: Sequence[TimedKernel | TimedCall], networks: Sequence[TimedNetwork]) -> None:
    """Writes the table with what was measured, and says of each network what it predicts."""
    from archdsl.runtime.latency import measuring
    from archdsl.support.output import write

    made = measuring.with_errors(measuring.with_measured(table, kernels), networks)
    write(Path(table.file), latency_file.written(made))


def added(measured: Sequence[TimedKernel | TimedCall], file: str) -> str:
    """What has come into the table, in words."""
    from archdsl.runtime.latency.measuring import TimedKernel

    count = sum(isinstance(one, TimedKernel) for one in measured)
    return f"{count} op{'s'[: count > 1]} measured and added to {file}" if count else f"{file} already has all ops"
