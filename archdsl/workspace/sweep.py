"""A network counted in many settings: the rows, chunk by chunk, in this process or over all cores."""

from __future__ import annotations

import os
import pickle
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.batches import Counts, Whole
from archdsl.analysis.cost import BYTES
from archdsl.analysis.setting import stated_values, variants
from archdsl.diagnostics.faults import Diagnostic
from archdsl.passes.pipeline import Rewriting, loses_joins
from archdsl.workspace.library import SpecLike
from archdsl.workspace.recent import recent_of
from archdsl.workspace.space import COUNTED, FAULT, Space

if TYPE_CHECKING:
    from concurrent.futures import Future

Row: TypeAlias = "dict[str, Any]"  # a setting and what it costs, by column

CHUNK = 4096  # settings that are counted at once
PATIENCE = 3.0  # seconds that are left, above which further processes are worth their start


@dataclass(frozen=True)
class Sweep:
    """A network, and the settings that it is counted in."""

    network: Whole
    space: Space
    stages: tuple[str, ...] = ()  # those whose shapes are told

    @property
    def columns(self) -> list[str]:
        return [*self.space.columns, *COUNTED, *(f"stage.{name}" for name in self.stages), *FAULT]

    def rows(self, places: Sequence[int]) -> list[Row]:
        """The rows of some settings."""
        settings = [self.space.at(place) for place in places]
        counted = self.network.each([self.space.call(values) for values in settings])
        return [self.row(values, found) for values, found in zip(settings, counted, strict=True)]

    def row(self, values: Sequence[Any], found: Counts | Diagnostic) -> Row:
        """A setting and what was found."""
        return dict(zip(self.columns, [*values, *self.cells(found)], strict=True))

    def cells(self, found: Counts | Diagnostic) -> list[Any]:
        if isinstance(found, Diagnostic):
            return [None] * (len(COUNTED) + len(self.stages)) + [found.code, " ".join(found.message.split())]
        shapes = (found.stages.get(name) for name in self.stages)
        field = found.receptive_field
        parts = (None if part is None else list(part) for part in (field, *shapes))
        return [found.params, found.macs, BYTES * found.peak, *parts, None, None]


def sweep_of(spec: SpecLike, space: Space, rewriting: Rewriting, *, stages: bool = False) -> Sweep:
    """A sweep of a spec; raises where no setting could be right: for a param or a variant that there is not."""
    known = recent_of(spec)
    whole, wanted = known.lowered(Rewriting()), known.lowered(rewriting)
    function = wanted[1].main
    for axis in space.axes:
        if axis.kind == "param":
            stated_values(known.spec, function, (), dict.fromkeys([axis.name]))
        elif axis.kind == "variant":
            for name in axis.values:
                variants(known.spec, name)
    before = whole[:2] if loses_joins(whole[1], wanted[1]) else None
    names = tuple(known.spec.stages) if stages else ()
    return Sweep(Whole(*wanted[:2], before), space, names)


def chunks(sweep: Sweep, places: Sequence[int], cores: int = 1) -> Iterator[list[Row]]:
    """The rows of settings in their order, as they are counted; further cores help where that takes long."""
    done, began = 0, perf_counter()
    while done < len(places):
        if done and cores > 1 and (perf_counter() - began) / done * (len(places) - done) > PATIENCE:
            yield from spread(sweep, places[done:], cores)
            return
        part = places[done : done + (CHUNK if done or cores == 1 else CHUNK // 8)]
        yield sweep.rows(part)
        done += len(part)


# --- over processes
def spread(sweep: Sweep, places: Sequence[int], cores: int) -> Iterator[list[Row]]:
    """The same in processes of their own, which are started anew: what is loaded here is no matter of theirs."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    size = max(64, min(CHUNK, len(places) // (4 * cores)))
    parts = (places[start : start + size] for start in range(0, len(places), size))
    pool = ProcessPoolExecutor(cores, get_context("spawn"), initializer=begin, initargs=(pickle.dumps(sweep),))
    waiting: deque[Future[list[Row]]] = deque()
    try:
        for part in parts:
            waiting.append(pool.submit(rows_here, part))
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


HERE: list[Sweep] = []  # in a process of a pool: what it counts


def begin(sweep: bytes) -> None:
    """A process of a pool begins; who stops the sweep stops the first process, which stops this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    HERE[:] = [pickle.loads(sweep)]  # noqa: S301 - our own


def rows_here(places: Sequence[int]) -> list[Row]:
    return HERE[0].rows(places)


def cores_for(sweep: Sweep) -> int:
    """How many cores a sweep may use: ops of other packages are known in this process alone."""
    return (
        1
        if sweep.network.own
        else len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
