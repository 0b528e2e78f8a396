"""The domain of costs: numbers and shapes, and a trace of the ops that ran; no nodes, no spans, no scopes, no facts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

from archdsl.analysis.cost import Cost, cost_of
from archdsl.analysis.domain import Row
from archdsl.analysis.elaborate import elaborate, lowered
from archdsl.analysis.fields import Plan
from archdsl.analysis.frames import Frame
from archdsl.analysis.hard_to_print import Watch
from archdsl.analysis.interpreter import Interpreter, Known
from archdsl.analysis.limits import MAX_NODES
from archdsl.analysis.numbers import Numbers, made_with
from archdsl.analysis.setting import Setting, setting
from archdsl.analysis.trace import Leaf, Part, Step, Trace, Worker, is_operator
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Constant
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph
from archdsl.ir.rewrite import copied
from archdsl.ops.base import OpFault, Shape
from archdsl.syntax.spec import Spec

Inputs: TypeAlias = "Mapping[str, Sequence[int]] | Sequence[int] | None"
MAX_KEPT = 50_000  # ops and steps of calls that are kept over runs


@dataclass
class Kept:
    """What runs of one program share: what is known of its fields without numbers, and what ops and calls come to."""

    plans: dict[ir.Primitive, Plan] = field(default_factory=dict)
    workers: dict[Hashable, Worker] = field(default_factory=dict)  # by fields and shapes
    calls: dict[Hashable, Known] = field(default_factory=dict)  # by arguments and shapes
    steps: int = 0  # of the calls, and the ops
    watch: Watch | None = None  # where it is asked whether all of it can be printed

    def trim(self) -> None:
        """Forgets ops and calls where they have become many."""
        if self.steps > MAX_KEPT:
            self.workers.clear()
            self.calls.clear()
            self.steps = 0


class Counted(NamedTuple):
    """A tensor: its shape, and its number in the trace."""

    shape: Shape
    number: int


class Called(NamedTuple):
    """What a call has left in the trace."""

    steps: list[Step]
    first: int  # of the tensors that it made
    entering: tuple[int, ...]
    result: Any
    children: list[Part | Leaf]


@dataclass(frozen=True)
class Ran:
    """A network that was run for what it costs."""

    trace: Trace
    setting: Setting
    outputs: Mapping[str, Shape]
    made: Callable[[], Graph]

    def fingerprint(self) -> str:
        return self.trace.fingerprint() or self.made().fingerprint


def count(
    spec: Spec,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Inputs = None,
) -> Cost:
    """The cost of a variant of a spec, with params set over both; arguments as for `elaborate`."""
    return count_program(spec, lowered(spec), Kept(), variant, params or {}, inputs)


def count_program(
    spec: Spec,
    program: ir.Program,
    kept: Kept,
    variant: str | None,
    params: Mapping[str, Any],
    inputs: Inputs,
) -> Cost:
    """The same of a spec that has been lowered."""
    variant = spec.chosen(variant, params)
    found = run(spec, program, kept, variant, params, inputs)
    settings = {**spec.settings, **found.setting.given}
    return cost_of(found.trace, spec.name, variant, settings, found.setting.shapes, found.outputs, found.made)


def run(
    spec: Spec,
    program: ir.Program,
    kept: Kept,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Inputs = None,
) -> Ran:
    """Runs a network for what it costs.

    What is wrong with it, with all notes and everything else that is wrong with it, elaboration says.
    """
    variant = spec.chosen(variant, params or {})
    try:
        chosen = setting(spec, program.main, variant, params or {}, inputs)
        trace, outputs = traced(spec, program, kept, chosen.values, chosen.shapes)
    except (SpecError, RecursionError):
        elaborate(spec, variant, params, inputs, program)
        raise
    return Ran(trace, chosen, outputs, partial(graph_of_copy, spec, program, variant, params, inputs))


def graph_of_copy(
    spec: Spec, program: ir.Program, variant: str | None, params: Mapping[str, Any] | None, inputs: Inputs
) -> Graph:
    """The graph of a network that was counted: of copies, for a graph is its owner's to change."""
    return elaborate(deepcopy(spec), variant, params, inputs, copied(program))


def traced(
    spec: Spec, program: ir.Program, kept: Kept, values: Mapping[str, Constant], shapes: Mapping[str, Shape]
) -> tuple[Trace, dict[str, Shape]]:
    """The trace of a network, and the shapes that leave it."""
    kept.trim()
    return traced_in(Costs(kept), spec, program, values, shapes)


def traced_in(
    domain: Costs, spec: Spec, program: ir.Program, values: Mapping[str, Constant], shapes: Mapping[str, Shape]
) -> tuple[Trace, dict[str, Shape]]:
    """The same in a domain of costs."""
    trace, frame = domain.trace, domain.frame(program.main, "")
    frame.values.update(values)
    entering = {name: Counted(shape, trace.enter(shape)) for name, shape in shapes.items()}
    outputs, training = Interpreter(domain, domain.kept.calls).network(spec, frame, entering)
    trace.outputs = [tensor.number for tensor in outputs.values()]
    trace.training = [tensor.number for tensor in training.values()]
    if trace.idle([*trace.outputs, *trace.training]):
        raise fault("unused-step", "nothing reads the result of a step", spec.span)
    return trace, {name: tensor.shape for name, tensor in outputs.items()}


class Costs(Numbers[Counted, Frame]):
    """Counts what runs. Calls with the same arguments on tensors of the same shapes are computed once."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.plans)
        self.kept = kept
        self.trace = Trace()
        self.part: Part | None = self.trace.root  # None: within what no table looks into
        self.training = False

    def frame(self, function: ir.Function, path: str) -> Frame:
        return Frame(function, path)

    # --- primitives
    def primitive(
        self,
        node: ir.Primitive,
        fields: SimpleNamespace,
        tensors: Sequence[Counted],
        further: Sequence[Counted],
        path: str,
        frame: Frame,
    ) -> Sequence[Counted]:
        inputs = (*tensors, *further)
        worker = self.worker(node, fields, inputs)
        if self.kept.watch is not None:
            self.kept.watch.op(node, inputs[0].shape, len(worker.outs))
        if self.part is not None:
            self.part.children.append(
                Leaf(frame.whole_path(path), self.label_of(node, fields), worker, len(self.trace.steps))
            )
        first = self.trace.run(worker, tuple([tensor.number for tensor in inputs]))
        self.bounded()
        return [Counted(shape, number) for number, shape in enumerate(worker.outs, first)]

    def worker(self, node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[Counted]) -> Worker:
        """The op with these fields on tensors of these shapes."""
        values = vars(fields)
        given = tuple([told_apart(values[item.name]) for item, _ in self.plans[node].rest])
        shapes = tuple([tensor.shape for tensor in inputs])
        key = node, given, shapes, self.training, bool(self.reusing)
        found = self.kept.workers.get(key)
        if found is None:
            found = self.kept.workers[key] = self.made(node, fields, inputs)
            self.kept.steps += 1
        return found

    def made(self, node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[Counted]) -> Worker:
        values, shapes = vars(fields), tuple([tensor.shape for tensor in inputs])
        values.update(zip(node.tensors, shapes[len(shapes) - len(node.tensors) :], strict=True))
        outs, module = self.shapes(node, fields, inputs), not node.functional
        shared = bool(self.reusing)
        return Worker(node.op, values, shapes, outs, training=self.training, shared=shared, module=module)

    def bounded(self) -> None:
        if len(self.trace.steps) > MAX_NODES:
            raise fault("too-large", f"the network has more than {MAX_NODES} ops", self.trail.here)

    def refused(
        self, node: ir.Primitive, problem: OpFault, fields: SimpleNamespace, inputs: Sequence[Counted]
    ) -> Sequence[Shape]:
        raise fault("shape", problem.message, self.step_of(node).span)

    def holds(self, auxiliary: ir.Auxiliary, frame: Frame) -> bool:
        self.training = True  # these stages come after all others
        return super().holds(auxiliary, frame)

    def bind_row(self, node: ir.Loop, row: Row, index: int, count: int, frame: Frame) -> None:
        super().bind_row(node, row, index, count, frame)
        if self.kept.watch is not None:
            carried = frame.tensors[node.carry]
            tensors = carried if isinstance(carried, list) else [carried]
            self.kept.watch.turn(node, index, count, [tensor.shape for tensor in tensors])

    # --- parts, as far as a table looks into them: a block with a name of its own is one operator
    def open(self, kind: str, name: str, path: str, node: ir.Operation, entry: Any, frame: Frame) -> Part | None:
        outer = self.part
        if outer is None:
            return None
        whole = path if kind == "stage" else frame.whole_path(path)
        call = node.module if isinstance(node, ir.Reuse) else node
        outlined = isinstance(call, ir.Call) and call.block.outlined
        kind = "turn" if outlined else kind
        part = Part(kind, name, whole, node.label, start=len(self.trace.steps), parent=outer)
        part.entry = entry.number if isinstance(entry, Counted) else None
        outer.children.append(part)
        seen_through = outlined or not isinstance(call, ir.Call) or call.block.network or not is_operator(name)
        self.part = part if seen_through or kind == "stage" else None
        return part

    def close(self, scope: Part | None, output: Any) -> None:
        if scope is not None:
            scope.stop = len(self.trace.steps)
            scope.result = output.number if isinstance(output, Counted) else None
            self.part, scope.parent = scope.parent, None

    # --- calls that were computed before
    def key(self, inner: Frame, tensors: Sequence[Counted], further: Mapping[str, Any]) -> Hashable:
        if self.part is not None and inner.function.network:
            return None  # its stages have lines of their own
        arguments = tuple(
            [(name, value if type(value) is int else told_apart(value)) for name, value in inner.values.items()]
        )
        shapes = tuple([tensor.shape for tensor in tensors])
        others = tuple([(name, shapes_of(value)) for name, value in further.items()])
        numbers = entering(tensors, further)
        alike = tuple(map(numbers.index, numbers)) if len(numbers) > 1 else ()  # which of them are the same tensor
        return inner.function.id, arguments, shapes, others, alike, self.training, bool(self.reusing), self.part is None

    def modules(self, mark: tuple[int, int]) -> Sequence[Any]:
        workers = (step.worker for step in self.trace.steps[mark[0] :] if step.worker.module)
        return [made_with(worker.op, worker.fields, worker.entries[0]) for worker in workers]

    def mark(self) -> tuple[int, int]:
        return len(self.trace.steps), len(self.trace.shapes)

    def record(
        self,
        mark: tuple[int, int],
        scope: Part | None,
        tensors: Sequence[Counted],
        further: Mapping[str, Any],
        result: Any,
    ) -> Called:
        start, first = mark
        steps = self.trace.steps[start:]
        self.kept.steps += len(steps) + 1
        return Called(steps, first, entering(tensors, further), result, scope.children if scope is not None else [])

    def repeat(self, record: Called, scope: Part | None, tensors: Sequence[Counted], further: Mapping[str, Any]) -> Any:
        known = dict(zip(record.entering, entering(tensors, further), strict=True))
        shift = self.trace.again(record.steps, record.first, known)
        self.bounded()
        if scope is not None:
            scope.children = record.children
        return moved(record.result, record.first, shift, known)


def moved(value: Any, first: int, shift: int, known: Mapping[int, int]) -> Any:
    """Tensors of a call as those of one that is like it."""
    if isinstance(value, Counted):
        number = value.number
        return Counted(value.shape, number + shift if number >= first else known[number])
    return [moved(item, first, shift, known) for item in value] if isinstance(value, list) else value


def entering(tensors: Sequence[Counted], further: Mapping[str, Any]) -> tuple[int, ...]:
    """The numbers of the tensors that enter a call."""
    if not further:
        return tuple([tensor.number for tensor in tensors])
    others = [item for value in further.values() for item in (value if isinstance(value, list) else [value])]
    return tuple([tensor.number for tensor in (*tensors, *others) if tensor is not None])


def shapes_of(value: Any) -> Any:
    if isinstance(value, list):
        return "list", tuple(map(shapes_of, value))
    return None if value is None else value.shape


def told_apart(value: Constant) -> Hashable:
    """A value that equals another one only if it is of the same type: 1 is not 1.0, and not true."""
    kind = type(value)
    if kind is list:
        return kind, tuple(map(told_apart, value))
    return value if kind is int or kind is str else (kind, value)
