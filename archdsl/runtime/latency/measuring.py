"""The kernels of networks, each timed alone: what a latency table is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from archdsl.analysis.kernels import FUSING, Kernel
from archdsl.analysis.latency import Conditions, LatencyTable
from archdsl.ir.graph import Graph
from archdsl.runtime import module
from archdsl.runtime.latency.networks import network_of
from archdsl.runtime.timing import CALLS, Timed, TimedNetwork, random_inputs
from archdsl.workspace.library import graph_of

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCHED_MAP = 4  # axes: N, C, H, W
DIGITS = 6  # of milliseconds


@dataclass(kw_only=True)
class TimedKernel(Timed):
    """One kernel by one engine."""

    kernel: Kernel

    @property
    def called(self) -> str:
        return str(self.kernel)

    def data(self) -> dict[str, Any]:
        """As a latency table has it, times to the nanosecond."""
        return {**self.kernel.data(), **{name: round(time, DIGITS) for name, time in self.spent.data().items()}}


@dataclass(kw_only=True)
class TimedCall(Timed):
    """An engine with next to nothing to do."""

    @property
    def called(self) -> str:
        return "a network of one number"


def missing(table: LatencyTable, graphs: Sequence[Graph]) -> list[Kernel]:
    """The kernels of all networks that a table lacks, each once."""
    return list({kernel.key: kernel for graph in graphs for kernel in table.missing(graph)}.values())


def made(kernels: Sequence[Kernel], conditions: Conditions) -> Iterator[TimedKernel]:
    """Each kernel as a network of its own, ready to be called."""
    for kernel in kernels:
        graph = network_of(kernel)
        inputs = tuple(laid_out(x, kernel) for x in random_inputs(graph, conditions.batch))
        call = CALLS[conditions.engine](network(graph), graph, inputs, conditions.threads)
        yield TimedKernel(kernel=kernel, engine=conditions.engine, call=call)


def bare_call(conditions: Conditions) -> TimedCall:
    """What every call of an engine takes, ready to be called."""
    graph = graph_of({"archdsl": 1, "name": "Bare", "input": [1], "stages": {"number": "relu"}})
    call = CALLS[conditions.engine](network(graph), graph, random_inputs(graph, 1), conditions.threads)
    return TimedCall(engine=conditions.engine, call=call)


def is_begun(table: LatencyTable) -> bool:
    """Whether it is known what a call takes; eager calls an op in a network as it does alone."""
    return bool(table.kernels) or table.conditions.engine not in FUSING


def network(graph: Graph) -> nn.Module:
    """The module in eval mode, with the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = module.build(graph)
    if callable(condense := getattr(found, "condense", None)):
        condense()
    return found.eval()


def laid_out(x: Tensor, kernel: Kernel) -> Tensor:
    """A tensor as it lies in memory where the kernel stands in its network."""
    if kernel.channels_last and x.dim() == BATCHED_MAP:
        return x.contiguous(memory_format=torch.channels_last)
    return x


def with_measured(table: LatencyTable, measured: Sequence[TimedKernel | TimedCall]) -> LatencyTable:
    """The table and what was now measured."""
    found = {one.kernel.key: one.data() for one in measured if isinstance(one, TimedKernel)}
    calls = [round(1e3 * one.spent.median, DIGITS) for one in measured if isinstance(one, TimedCall)]
    return replace(table, kernels={**table.kernels, **found}, call_ms=calls[0] if calls else table.call_ms)


def with_errors(table: LatencyTable, networks: Sequence[TimedNetwork]) -> LatencyTable:
    """The table with what it predicts of each network beside what was measured; each network learns it, too."""
    for one in networks:
        one.predicted_ms = table.of(one.graph).total_ms
    kept = {(record["graph"], record["form"]): record for record in table.networks}
    kept |= {(one.graph.fingerprint, one.form): record_of(one) for one in networks}
    return replace(table, networks=tuple(kept.values()))


def record_of(one: TimedNetwork) -> dict[str, Any]:
    """A network as a latency table has it."""
    words = ("network", "variant", "settings", "inputs", "graph", "form", "options")
    times = ("predicted_ms", "median_ms", "low_ms", "high_ms", "error")
    data = one.data()
    return {name: data[name] for name in (*words, *times)}
