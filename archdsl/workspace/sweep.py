"""A network counted in many settings: the rows, chunk by chunk, in this process or over all cores."""

from __future__ import annotations

import os
import pickle
import signal
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from archdsl.analysis.batches import Counts, Whole
from archdsl.analysis.cost import BYTES
from archdsl.analysis.setting import stated_values, variants
from archdsl.diagnostics.faults import Diagnostic, SpecError
from archdsl.passes.pipeline import Rewriting, graph_of, loses_joins
from archdsl.workspace.library import SpecLike
from archdsl.workspace.recent import Recent, recent_of
from archdsl.workspace.settings import given, patches_in
from archdsl.workspace.space import COUNTED, FAULT, LATENCY, Space

if TYPE_CHECKING:
    from concurrent.futures import Future

    from archdsl.analysis.latency import LatencyTable
    from archdsl.ir.graph import Graph

Row: TypeAlias = "dict[str, Any]"  # a setting and what it costs, by column

CHUNK = 4096  # settings that are counted at once
TIMED = 64  # those that are looked up in a latency table at once: each is a graph of its own
PATIENCE = 3.0  # seconds that are left, above which further processes are worth their start


@dataclass(frozen=True)
class Patched:
    """The networks of a spec with patches, each made when it is first asked for."""

    spec: SpecLike
    rewriting: Rewriting
    known: dict[str, Whole | Diagnostic] = field(default_factory=dict)

    def network(self, patches: Mapping[str, Any], variant: str | None) -> Whole | Diagnostic:
        """The network with these values at their paths, or what is wrong with them."""
        key = repr((patches, variant))
        if key not in self.known:
            try:
                self.known[key] = lowered(recent_of(self.spec, patches_in(given({}, patches), variant)), self.rewriting)
            except SpecError as error:
                self.known[key] = error.diagnostics[0]
        return self.known[key]

    def graph(self, space: Space, values: Sequence[Any]) -> Graph:
        """The network in a setting, by itself."""
        call = space.call(values)
        known = recent_of(self.spec, patches_in(given({}, space.given("patch", values)), call.variant))
        return graph_of(known.spec, call.variant, call.params, call.inputs, self.rewriting)

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: without the networks."""
        return Patched, (self.spec, self.rewriting)


@dataclass(frozen=True)
class Sweep:
    """A network, and the settings that it is counted in."""

    network: Whole
    space: Space
    patched: Patched
    stages: tuple[str, ...] = ()  # those whose shapes are told
    latency: LatencyTable | None = None

    @property
    def columns(self) -> list[str]:
        timed = [LATENCY] if self.latency is not None else []
        return [*self.space.columns, *COUNTED, *timed, *(f"stage.{name}" for name in self.stages), *FAULT]

    def rows(self, places: Sequence[int]) -> list[Row]:
        """The rows of some settings; raises `SpecError` with the ops of them that the latency table lacks."""
        settings = [self.space.at(place) for place in places]
        counted: list[Any] = [None] * len(settings)
        for network, members in self.networks(settings):
            calls = [self.space.call(settings[n]) for n in members]
            results = [network] * len(calls) if isinstance(network, Diagnostic) else network.each(calls)
            for n, result in zip(members, results, strict=True):
                counted[n] = result
        times = self.times(settings, counted)
        return [self.row(*parts) for parts in zip(settings, counted, times, strict=True)]

    def networks(self, settings: Sequence[Sequence[Any]]) -> Iterator[tuple[Whole | Diagnostic, list[int]]]:
        """The networks of settings, and which settings are those of each."""
        if not any(axis.kind == "patch" for axis in self.space.axes):
            yield self.network, list(range(len(settings)))
            return
        members: dict[int, list[int]] = {}
        found: list[Whole | Diagnostic] = []
        for n, values in enumerate(settings):
            variant = self.space.given("variant", values).get("variant")
            network = self.patched.network(self.space.given("patch", values), variant)
            at = next((place for place, known in enumerate(found) if known is network), len(found))
            found += [network] if at == len(found) else []
            members.setdefault(at, []).append(n)
        yield from ((found[at], group) for at, group in members.items())

    def times(
        self, settings: Sequence[Sequence[Any]], counted: Sequence[Counts | Diagnostic]
    ) -> Sequence[list[float | None]]:
        """The latency of each setting in milliseconds, as the cells that it has in a row."""
        if self.latency is None:
            return [[]] * len(settings)
        right = [n for n, found in enumerate(counted) if not isinstance(found, Diagnostic)]
        times = self.latency.of_each(self.patched.graph(self.space, settings[n]) for n in right)
        totals = {n: time.total_ms for n, time in zip(right, times, strict=True)}
        return [[totals.get(n)] for n in range(len(settings))]

    def row(self, values: Sequence[Any], found: Counts | Diagnostic, timed: Sequence[float | None]) -> Row:
        """A setting and what was found."""
        return dict(zip(self.columns, [*values, *self.cells(found, timed)], strict=True))

    def cells(self, found: Counts | Diagnostic, timed: Sequence[float | None]) -> list[Any]:
        if isinstance(found, Diagnostic):
            counts = len(COUNTED) + len(timed) + len(self.stages)
            return [None] * counts + [found.code, " ".join(found.message.split())]
        shapes = (found.stages.get(name) for name in self.stages)
        field = found.receptive_field
        field, *parts = (None if part is None else list(part) for part in (field, *shapes))
        return [found.params, found.macs, BYTES * found.peak, field, *timed, *parts, None, None]


def sweep_of(
    spec: SpecLike, space: Space, rewriting: Rewriting, *, stages: bool = False, latency: LatencyTable | None = None
) -> Sweep:
    """A sweep of a spec; raises where no setting could be right: for a param, a path or a variant that there is not."""
    known = recent_of(spec)
    function = known.lowered(rewriting)[1].main
    for axis in space.axes:
        if axis.kind == "param":
            stated_values(known.spec, function, (), dict.fromkeys([axis.name]))
        elif axis.kind == "variant":
            for name in axis.values:
                variants(known.spec, name)
    shown = tuple(known.spec.stages) if stages else ()
    found = Sweep(lowered(known, rewriting), space, Patched(spec, rewriting), shown, latency)
    refuse_lost(found)
    return found


def lowered(known: Recent, rewriting: Rewriting) -> Whole:
    """A network that is ready to be counted."""
    whole, wanted = known.lowered(Rewriting()), known.lowered(rewriting)
    before = whole[:2] if loses_joins(whole[1], wanted[1]) else None
    return Whole(*wanted[:2], before)


def refuse_lost(sweep: Sweep) -> None:
    """Raises at a path that meets nothing in the spec."""
    paths = [axis for axis in sweep.space.axes if axis.kind == "patch"]
    for axis in paths:
        found = sweep.patched.network({axis.name: axis.values[0]}, None)
        if isinstance(found, Diagnostic) and found.code == "unknown-override":
            raise SpecError(found)


def chunks(sweep: Sweep, places: Sequence[int], cores: int = 1) -> Iterator[list[Row]]:
    """The rows of settings in their order, as they are counted; further cores help where that takes long."""
    done, began = 0, perf_counter()
    most, first = (CHUNK, CHUNK // 8) if sweep.latency is None else (TIMED, TIMED)
    while done < len(places):
        if done and cores > 1 and (perf_counter() - began) / done * (len(places) - done) > PATIENCE:
            yield from spread(sweep, places[done:], cores)
            return
        part = places[done : done + (most if done or cores == 1 else first)]
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
