"""What a network costs: parameters, multiply-adds, other work, memory and receptive field, by stage and in all.

`backends/cost` prints the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from archdsl.analysis.lines import lines, runs, spelled
from archdsl.analysis.reach import Reach, stride
from archdsl.analysis.trace import Part, Trace, trace_of
from archdsl.analysis.work import Work, summed, work
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph, Node
from archdsl.ops.base import Shape
from archdsl.support.naming import set_texts
from archdsl.syntax.spec import Amount

if TYPE_CHECKING:
    from archdsl.analysis.latency import Latency, LatencyTable
    from archdsl.analysis.stage_table import StageTable
    from archdsl.support.latex import Width

BYTES = 4  # of a float32
BY = ("stage", "node")  # what records are made of

LAYERS = "MACs: multiply-adds of convolution and linear layers for one input, nothing else"
PRODUCTS = "MACs: multiply-adds of convolution and linear layers and of products of tensors (attention) for one input"
COUNTED = (
    "params: trained values, including the scale and shift of norms; buffers: running means and variances",
    "parts that run only in training (auxiliary heads): only params and buffers are counted",
    LAYERS,
    "norm, activation, pool, elementwise: elements computed by each kind (pool: elements read)",
    "activations: elements of all tensors; peak: of those alive at once, with nothing in place and without weights",
    "receptive field: that of the last feature map, without global pools (as in squeeze-and-excitation)",
)


@dataclass(frozen=True)
class Claim:
    """What was published of a network, in the form in which it is counted: none if it was of another network."""

    top1: float | None = None  # in percent
    source: str | None = None
    counts: Mapping[str, Amount] = field(default_factory=dict)  # params and macs, where they differ from ours
    elsewhere: str | None = None  # the form of the network that something was published of, if not this one

    def data(self) -> dict[str, Any]:
        counts = {name: amount.value for name, amount in self.counts.items()}
        return {"top1": self.top1, "source": self.source, "published": counts}


@dataclass(frozen=True, kw_only=True)
class StageCost(Work):
    """A line of the table: a stage, or a row of a stage that is a table."""

    name: str
    operator: str
    repeats: int
    stride: tuple[float, ...] | None  # None where there is no feature map any more
    input: Shape
    output: Shape
    latency_ms: float | None = field(default=None, compare=False)  # by a latency table, if there is one

    def data(self) -> dict[str, Any]:
        timed = {} if self.latency_ms is None else {"latency_ms": self.latency_ms}
        return {
            "stage": self.name,
            "input": list(self.input),
            "operator": self.operator,
            "repeats": self.repeats,
            "stride": list(self.stride) if self.stride else None,
            "output": list(self.output),
            **super().data(),
            **timed,
        }


@dataclass(frozen=True, kw_only=True)
class Cost(Work):
    """The cost of a network for one input, with a line for each stage."""

    name: str
    variant: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # params that were set over the variant's
    inputs: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    peak: int = 0  # elements alive at once
    receptive_field: tuple[int, ...] | None = None
    counted: tuple[str, ...] = COUNTED  # what the columns hold, a line each
    stages: list[StageCost] = field(default_factory=list)
    latency: Latency | None = field(default=None, repr=False, compare=False)  # by a latency table, if there is one
    made: Graph | Callable[[], Graph] = field(repr=False, compare=False)  # the graph, or what makes it
    look_up: Callable[[Cost], Claim] | None = field(default=None, repr=False, compare=False)  # finds what was published

    @cached_property
    def graph(self) -> Graph:
        """The network; one that was only counted is elaborated when asked for."""
        return self.made if isinstance(self.made, Graph) else self.made()

    @cached_property
    def published(self) -> Claim:
        """What was published of the network; nothing where its spec is not known."""
        return self.look_up(self) if self.look_up is not None else Claim()

    @property
    def table(self) -> StageTable:
        """The stage table as a paper prints it."""
        from archdsl.analysis.stage_table import stage_table

        return stage_table(self.graph, self.latency)

    @property
    def activation_bytes(self) -> int:
        return BYTES * self.activations

    @property
    def peak_bytes(self) -> int:
        return BYTES * self.peak

    def data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "variant": self.variant,
            "settings": dict(self.settings),
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "outputs": {name: list(shape) for name, shape in self.outputs.items()},
            **super().data(),
            "activation_bytes": self.activation_bytes,
            "peak": self.peak,
            "peak_bytes": self.peak_bytes,
            "receptive_field": list(self.receptive_field) if self.receptive_field else None,
            **(self.latency.data() if self.latency is not None else {}),
            "stages": [stage.data() for stage in self.stages],
            "counted": list(self.counted),
        }

    def to_records(self, by: Literal["stage", "node"] = "stage") -> list[dict[str, Any]]:
        """A flat dict for each line of the stage table, or for each node, which `pandas.DataFrame` takes."""
        if by not in BY:
            raise fault("bad-call", f"there are no records by '{by}'", help=f"by is one of {', '.join(BY)}")
        which = {"network": self.name, "variant": self.variant, "settings": ", ".join(set_texts(self.settings))}
        found = [line.data() for line in self.stages] if by == "stage" else list(self.node_records())
        return [which | record for record in found]

    def node_records(self) -> Iterator[dict[str, Any]]:
        """A record for each node."""
        for node in self.graph.nodes:
            timed = {} if self.latency is None else {"latency_ms": self.latency.of([node])}
            yield node_record(node) | timed

    def to_text(self, width: int = 120, *, columns: Sequence[str] = ()) -> str:
        """The table for a terminal, with totals and what is counted; `columns` are the columns to show, in order."""
        from archdsl.backends.cost import text

        return text(self, width, columns)

    def to_markdown(self, *, columns: Sequence[str] = ()) -> str:
        """The table with a column for each kind of work, or with these columns."""
        from archdsl.backends.cost import markdown

        return markdown(self, columns)

    def to_latex(
        self,
        *,
        width: Width | None = None,
        columns: Sequence[str] = (),
        caption: str | None = None,
        label: str | None = None,
    ) -> str:
        """The table as a paper prints it, in LaTeX for booktabs. With a caption, it is a float.

        `width` is the width to fit, `"column"` or `"page"`; `columns` are the columns to show, in order.
        """
        from archdsl.backends.cost.paper import latex
        from archdsl.support.latex import Placement

        return latex(self, columns, Placement(width, caption, label))

    def to_csv(self) -> str:
        """The table in plain numbers."""
        from archdsl.backends.cost import as_csv

        return as_csv(self)

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        from archdsl.backends.cost import html

        return html(self)


def node_record(node: Node) -> dict[str, Any]:
    """A node and its work as plain data."""
    stage = node.scope
    while stage.parent is not None and stage.kind != "stage":
        stage = stage.parent
    return {
        "id": node.id,
        "path": node.path,
        "stage": stage.name,
        "op": node.op.name,
        "input": list(node.inputs[0].shape),
        "output": list(node.shape),
        **work(node).data(),
    }


def cost(graph: Graph) -> Cost:
    """The cost of a graph."""
    trace, _ = trace_of(graph)
    outputs = {name: tensor.shape for name, tensor in graph.outputs.items()}
    inputs = {name: tensor.shape for name, tensor in graph.inputs.items()}
    return cost_of(trace, graph.name, graph.variant, graph.settings, inputs, outputs, graph)


def timed(found: Cost, table: LatencyTable | None) -> Cost:
    """A cost with latencies, of the whole and of each stage; as it is where there is no table."""
    if table is None:
        return found
    latency = table.of(found.graph)
    parts = zip(found.stages, lines(found.graph.root), strict=True)
    stages = [replace(stage, latency_ms=latency.within(scope)) for stage, (_, scope) in parts]
    return replace(found, latency=latency, stages=stages, counted=(*found.counted, latency.counted), made=found.graph)


def cost_of(
    trace: Trace,
    name: str,
    variant: str | None,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    made: Graph | Callable[[], Graph],
) -> Cost:
    """The cost of a network that has this trace."""
    reaches = trace.reaches()
    return Cost(
        **vars(trace.total()),
        name=name,
        variant=variant,
        settings=settings,
        inputs=dict(inputs),
        outputs=dict(outputs),
        peak=trace.peak(),
        receptive_field=trace.last_field(reaches),
        counted=counted_in(trace),
        stages=[line(name, part, trace, reaches) for name, part in lines(trace.root)],
        made=made,
    )


def counted_in(trace: Trace) -> tuple[str, ...]:
    """What is counted, with the products of tensors where there are any."""
    if not any(step.worker.op.multiplies for step in trace.steps):
        return COUNTED
    return tuple(PRODUCTS if text == LAYERS else text for text in COUNTED)


def line(name: str, part: Part, trace: Trace, reaches: list[Reach | None]) -> StageCost:
    """One line of the table."""
    steps, entry, result = trace.steps[part.start : part.stop], part.entry, part.result
    if steps:
        entry = steps[0].reads[0] if entry is None else entry
        result = steps[-1].first if result is None else result
    parts = runs(part.children)
    operator, repeats = parts[0] if len(parts) == 1 else (spelled(parts), 1)
    first, last = (reaches[n] if n is not None else None for n in (entry, result))
    return StageCost(
        *summed([step.worker.work for step in steps]),
        name=name,
        operator=operator,
        repeats=repeats,
        stride=stride(first, last),
        input=trace.shapes[entry] if entry is not None else (),
        output=trace.shapes[result] if result is not None else (),
    )
