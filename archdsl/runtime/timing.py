"""How long networks take: warm, in rounds that take turns, as a median with the quartiles around it."""

from __future__ import annotations

import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import torch

from archdsl.analysis.work import trained
from archdsl.diagnostics.faults import fault
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node
from archdsl.ir.nodes import runs_by_module
from archdsl.runtime.in_training import Choice, carried_over, in_training

if TYPE_CHECKING:
    from torch import Tensor, nn

ENGINES = ("eager", "compile", "onnxruntime")
WARM = 3  # calls before the clock runs: the first ones allocate, choose kernels and compile
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Spent:
    """The times of some calls, in seconds."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.times)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.times) == 1:
            return self.times[0], self.times[0]
        low, _, high = quantiles(self.times, n=4, method="inclusive")
        return low, high

    def data(self) -> dict[str, float]:
        low, high = self.quartiles
        return {"median_ms": 1e3 * self.median, "low_ms": 1e3 * low, "high_ms": 1e3 * high}


@dataclass(kw_only=True)
class Timed:
    """Something that an engine calls, and how long its calls took: on the clock and of the CPU."""

    engine: str
    call: Callable[[], object]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def called(self) -> str:
        raise NotImplementedError

    @property
    def spent(self) -> Spent:
        return Spent(tuple(self.wall))

    def run(self) -> None:
        """One call more."""
        start, used = time.perf_counter(), time.process_time()
        kept = self.call()
        self.wall.append(time.perf_counter() - start)
        self.cpu.append(time.process_time() - used)
        del kept


@dataclass(kw_only=True)
class TimedNetwork(Timed):
    """One network by one engine, the times of its stages, and what a latency table says that it takes."""

    graph: Graph
    form: str
    batch: int
    clock: StageClock | None = None
    predicted_ms: float | None = None

    @property
    def called(self) -> str:
        return self.graph.called

    @property
    def error(self) -> float | None:
        """How far the prediction is off, of what was measured."""
        return None if self.predicted_ms is None else self.predicted_ms / (1e3 * self.spent.median) - 1

    @property
    def macs(self) -> int:
        return trained(self.graph)[1]

    def data(self) -> dict[str, Any]:
        """As plain data, with times in milliseconds."""
        stages = self.clock.stages_spent if self.clock is not None else {}
        return {
            "network": self.graph.name,
            "variant": self.graph.variant,
            "settings": self.graph.settings,
            "graph": self.graph.fingerprint,
            "inputs": {name: list(tensor.shape) for name, tensor in self.graph.inputs.items()},
            "form": self.form,
            "options": list(origin_of(self.graph).function.options or ()),
            "engine": self.engine,
            "batch": self.batch,
            "macs": self.macs,
            **self.spent.data(),
            "cpu_ms": 1e3 * median(self.cpu),
            "stages": [{"stage": name, **spent.data()} for name, spent in stages.items()],
            **({} if self.predicted_ms is None else {"predicted_ms": self.predicted_ms, "error": self.error}),
        }


class StageClock:
    """The time of each stage in calls of a module: from the call of one of its layers to that of the next layer."""

    def __init__(self, network: nn.Module, graph: Graph, inputs: Sequence[Tensor]) -> None:
        self.network, self.inputs = network, inputs
        self.stages = {node: stage_of(node) for node in graph.nodes if not node.training}
        modules = dict(network.named_modules())
        nodes = [node for node in self.stages if not node.functional and node.path in modules]
        self.runs = {modules[path]: found for path, found in runs_by_module(nodes).items()}
        self.spent: dict[str, list[float]] = {name: [] for name in dict.fromkeys(self.stages.values())}

    @property
    def stages_spent(self) -> dict[str, Spent]:
        return {name: Spent(tuple(times)) for name, times in self.spent.items()}

    def run(self) -> None:
        """One call, with hooks that look at the clock."""
        marks: list[tuple[str, float]] = []
        calls: Counter[nn.Module] = Counter()

        def hook(module: nn.Module, _: object) -> None:
            runs = self.runs[module]
            marks.append((self.stages[runs[min(calls[module], len(runs) - 1)]], time.perf_counter()))
            calls[module] += 1

        hooks = [module.register_forward_pre_hook(hook) for module in self.runs]
        try:
            self.network(*self.inputs)
        finally:
            end = time.perf_counter()
            for handle in hooks:
                handle.remove()
        found: defaultdict[str, float] = defaultdict(float)
        for (stage, start), (_, after) in zip(marks, [*marks[1:], ("", end)], strict=True):
            found[stage] += after - start
        for stage, times in self.spent.items():
            times.append(found[stage])


def stage_of(node: Node) -> str:
    """The stage that a node stands in."""
    scope = node.scope
    while scope.parent is not None and scope.kind != "stage":
        scope = scope.parent
    return scope.name


@dataclass(frozen=True)
class Asked:
    """Which network is timed, in which forms, by which engines."""

    network: Choice
    forms: Sequence[str]
    passes: Sequence[str]
    engines: Sequence[str]
    batch: int
    stages: bool = False


def made(asked: Asked, threads: int) -> Iterator[TimedNetwork]:
    """The network in each form by each engine, all with the same weights and the same random inputs."""
    network = in_training(asked.network, None)
    for form in asked.forms:
        carried = carried_over(network, asked.network, form, asked.passes)
        one, graph = carried.network, carried.graph
        inputs = random_inputs(graph, asked.batch)
        for engine in asked.engines:
            call = CALLS[engine](one, graph, inputs, threads)
            found = TimedNetwork(graph=graph, form=form, engine=engine, batch=asked.batch, call=call)
            if asked.stages and engine == "eager":
                found.clock = StageClock(one, graph, inputs)
            yield found


def random_inputs(graph: Graph, batch: int) -> tuple[Tensor, ...]:
    """The same in each form."""
    random = torch.Generator().manual_seed(0)
    return tuple(torch.randn(batch, *tensor.shape, generator=random) for tensor in graph.inputs.values())


# --- engines
def eager(network: nn.Module, graph: Graph, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    return lambda: network(*inputs)


def compiled(network: nn.Module, graph: Graph, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    faster = torch.compile(network)
    return lambda: faster(*inputs)


def in_onnxruntime(network: nn.Module, graph: Graph, inputs: tuple[Tensor, ...], threads: int) -> Callable[[], object]:
    from archdsl.runtime import onnx
    from archdsl.runtime.exporting import session_of

    session = session_of(onnx.emit(graph, network.state_dict()), threads)
    given = dict(zip(graph.inputs, (x.numpy() for x in inputs), strict=True))
    return lambda: session.run(None, given)


CALLS = dict(zip(ENGINES, (eager, compiled, in_onnxruntime), strict=True))


# --- rounds
def warm(all_timed: Sequence[Timed], threads: int, tell: Callable[[int], None]) -> None:
    """Calls each a few times, which compiles it, too; `tell` counts those that are warm."""
    with torch.inference_mode(), limited(threads):
        for one in all_timed:
            for _ in range(WARM):
                warmed(one)
            tell(1)


def measure(all_timed: Sequence[Timed], rounds: int, threads: int, tell: Callable[[int], None]) -> None:
    """Calls all one after another, round by round, every other round backwards; `tell` counts the rounds.

    What else the machine does then meets all of them alike, and each comes after each other one.
    """
    with torch.inference_mode(), limited(threads):
        for count in range(rounds):
            for one in all_timed if count % 2 == 0 else reversed(all_timed):
                one.run()
            for one in all_timed:
                if isinstance(one, TimedNetwork) and one.clock is not None:
                    one.clock.run()
            tell(1)


def warmed(one: Timed) -> None:
    """A call that is not measured; `torch.compile` needs a compiler, and says late that it has none."""
    try:
        one.call()
    except Exception as error:
        if one.engine != "compile":
            raise
        why = str(error).strip().partition("\n")[0]
        message = f"torch cannot compile {one.called}: {why}"
        raise fault("bad-call", message, help="leave compile out of --engine") from None


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """With so many threads of torch; afterwards with those that there were."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_of(wanted: int | None) -> int:
    """The threads that are asked for, or else those that torch uses."""
    return wanted or torch.get_num_threads()


def machine(engines: Sequence[str]) -> dict[str, str]:
    """What the times hold for: the processor, and the versions of what has run."""
    packages = ["archdsl", "torch", *(["onnxruntime"] if "onnxruntime" in engines else [])]
    found = {"device": processor(), "system": platform.system(), "python": platform.python_version()}
    return found | {package: version_of(package) for package in packages}


def version_of(package: str) -> str:
    from archdsl import __version__

    return __version__ if package == "archdsl" else version(package)


def processor() -> str:
    """The name of the CPU."""
    lines = CPUINFO.read_text(encoding="utf-8").splitlines() if CPUINFO.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
