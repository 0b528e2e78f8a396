"""How long a network takes by a table of measured kernels: the sum of what each takes alone."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.analysis.kernels import Kernel, kernels
from archdsl.diagnostics.faults import Diagnostic, SpecError, fault
from archdsl.ir.facts import Origin
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.support.naming import set_texts
from archdsl.support.resources import spec_folders


@dataclass(frozen=True)
class Conditions:
    """What times hold for: the machine with the versions of what ran, the engine, images in a call, threads."""

    machine: Mapping[str, str]
    engine: str
    batch: int
    threads: int

    def data(self) -> dict[str, Any]:
        return {"machine": dict(self.machine), "engine": self.engine, "batch": self.batch, "threads": self.threads}

    def __str__(self) -> str:
        """`AMD EPYC 7B12, 1 thread, batch 1, onnxruntime 1.20`."""
        package = self.engine if self.engine in self.machine else "torch"
        mode = "" if self.engine == package else f", {self.engine}"
        threads = f"{self.threads} thread{'s'[: self.threads > 1]}"
        device, version = self.machine.get("device", ""), self.machine.get(package, "")
        return f"{device}, {threads}, batch {self.batch}, {package} {version}{mode}"


@dataclass(frozen=True)
class Latency:
    """How long a network takes, in milliseconds: in all, and each of its nodes.

    A kernel of several nodes counts for the first of them.
    """

    conditions: Conditions
    nodes: Mapping[Node, float]

    @property
    def total_ms(self) -> float:
        return sum(self.nodes.values())

    def of(self, nodes: Iterable[Node]) -> float:
        """The time of some nodes."""
        return sum(self.nodes.get(node, 0.0) for node in nodes)

    def within(self, scope: Scope) -> float:
        """The time of a part of the network."""
        return self.of(scope.nodes())

    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {"latency_ms": self.total_ms, "latency": self.conditions.data()}

    @property
    def counted(self) -> str:
        """What a column of latencies holds."""
        return f"latency: the sum of the times of ops, each measured alone ({self.conditions})"

    @property
    def note(self) -> str:
        """The same below a table in a paper."""
        return f"Latency: {self.conditions}"


@dataclass(frozen=True)
class LatencyTable:
    """Measured kernels by their keys, each with what it is and its times in milliseconds; `file` is where they stand.

    `call_ms` is what a call of the engine takes, which is a part of the time of each kernel. `networks` are those that
    were measured as a whole, too, each with the error of the sum.
    """

    file: str
    conditions: Conditions
    kernels: Mapping[str, Mapping[str, Any]]
    call_ms: float = 0.0
    networks: tuple[Mapping[str, Any], ...] = ()

    def missing(self, graph: Graph) -> list[Kernel]:
        """The kernels of a network that were not measured, each once."""
        found = {kernel.key: kernel for kernel in kernels(graph, self.conditions.engine)}
        return [kernel for key, kernel in found.items() if key not in self.kernels]

    def of(self, graph: Graph) -> Latency:
        """The latency of a network; raises `SpecError` at the first kernel that was not measured."""
        missing = self.missing(graph)
        if missing:
            raise self.unmeasured(graph, missing)
        found = {kernel.nodes[0]: self.time_of(kernel) for kernel in kernels(graph, self.conditions.engine)}
        return Latency(self.conditions, found)

    def of_each(self, graphs: Iterable[Graph]) -> list[Latency]:
        """The latencies of networks; raises `SpecError` with the kernels that were not measured, each of them once."""
        found: list[Latency] = []
        faults: list[Diagnostic] = []
        told: set[str] = set()
        for graph in graphs:
            missing = self.missing(graph)
            if not missing:
                found.append(self.of(graph))
            elif new := [kernel for kernel in missing if kernel.key not in told]:
                told.update(kernel.key for kernel in new)
                faults += self.unmeasured(graph, new).diagnostics
        if faults:
            raise SpecError(*faults)
        return found

    def time_of(self, kernel: Kernel) -> float:
        """What a kernel takes within a network."""
        found: float = self.kernels[kernel.key]["median_ms"]
        return max(found - self.call_ms, 0.0)

    def unmeasured(self, graph: Graph, missing: list[Kernel]) -> SpecError:
        """What to say of a network with kernels that were not measured."""
        first = missing[0]
        others = {1: "", 2: ", nor of one other"}.get(len(missing), f", nor of {len(missing) - 1} others")
        message = f"'{self.file}' has no time of {first}{others}"
        command = self.measuring(graph, graph.origin) if graph.origin is not None else None
        help = f"measure what is missing: {command}" if command is not None else ""
        return fault("bad-call", message, first.nodes[0].span, help=help)

    def measuring(self, graph: Graph, origin: Origin) -> str | None:
        """The command that measures a network; None if it has a pass that no command knows."""
        options = origin.function.options
        if options is None:
            return None
        spec = short_name(Path(origin.spec.span.source.name))
        words = ["archdsl", "time", f"{spec}@{graph.variant}" if graph.variant is not None else spec]
        words += options
        for name, tensor in graph.inputs.items():
            size = ",".join(map(str, tensor.shape))
            words += ["--input", size if len(graph.inputs) == 1 else f"{name}={size}"]
        for text in set_texts(graph.settings):
            words += ["--set", text]
        return shlex.join([*words, "--per-op", self.file])


def short_name(path: Path) -> str:
    """A spec as a command takes it: a shipped one by its bare name."""
    return path.stem if path.parent in spec_folders().values() else str(path)
