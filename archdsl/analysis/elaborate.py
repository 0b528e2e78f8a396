"""Program -> Graph: the domain that makes of every number and shape a graph, with facts for those who print it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from archdsl.analysis import refusals
from archdsl.analysis.interpreter import Interpreter
from archdsl.analysis.limits import MAX_NODES
from archdsl.analysis.noting import NONE, NotedFrame, Noting
from archdsl.analysis.numbers import after_fault, made_with
from archdsl.analysis.setting import Setting, setting
from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir
from archdsl.ir.facts import Facts, Origin
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ir.seal import seal
from archdsl.ir.verify import verify
from archdsl.lowering.entry import lower
from archdsl.lowering.refusals import too_deep
from archdsl.ops.base import Field, Op, OpFault, Shape
from archdsl.syntax.spec import Spec


def elaborate(
    spec: Spec,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    program: ir.Program | None = None,
) -> Graph:
    """The graph of a spec, a variant of it, with params set over both.

    `inputs` overrides the C×H×W of the inputs (a bare one: of the only input); `program` is what passes have made of
    that of the spec. Raises `SpecError`.
    """
    program = program or lowered(spec)
    variant = spec.chosen(variant, params or {})
    try:
        return Elaborator(spec, program, variant).run(params or {}, inputs)
    except RecursionError:
        raise too_deep(spec.span) from None


def lowered(spec: Spec) -> ir.Program:
    """The program of a spec, verified."""
    program = lower(spec)
    verify(program, "lowering")
    return program


class Elaborator:
    """Makes graphs of a program, over facts that several may share."""

    def __init__(self, spec: Spec, program: ir.Program, variant: str | None, facts: Facts | None = None) -> None:
        self.spec, self.program, self.variant, self.facts = spec, program, variant, facts or Facts()

    def run(self, params: Mapping[str, Any], inputs: Mapping[str, Sequence[int]] | Sequence[int] | None) -> Graph:
        """The graph with these params, and inputs of these shapes."""
        spec, function = self.spec, self.program.main
        self.facts.ran.add(function.id)
        chosen = setting(spec, function, self.variant, params, inputs)
        tensors = {name: Tensor(shape, None, 0, name) for name, shape in chosen.shapes.items()}
        graphs = Graphs(spec, function, self.facts, chosen, tensors)
        interpreter = Interpreter(graphs)
        graphs.faults = interpreter.faults
        frame = graphs.main_frame(chosen)
        graphs.begin(frame, tensors, spec.inputs)
        outputs, training = interpreter.network(spec, frame, tensors)
        graphs.root.output = next(iter(outputs.values()))
        graphs.used_inputs(tensors)
        graphs.used_steps([*outputs.values(), *training.values()])
        behind = NONE.union(*(graphs.origins.get(tensor, NONE) for tensor in outputs.values()))
        origin = Origin(spec, self.program, self.facts, behind, graphs.made, graphs.opened)
        graph = Graph(
            name=spec.name,
            variant=self.variant,
            params=chosen.values,
            inputs=tensors,
            outputs=outputs,
            nodes=graphs.nodes,
            root=graphs.root,
            paper=dict(spec.paper),
            training=training,
            figure=spec.figure,
            settings={**spec.settings, **chosen.given},
            origin=origin,
        )
        origin.seal = seal(graph)
        return graph


def changes_shape(op: Op) -> bool:
    """Whether what leaves an op may have another shape than what enters."""
    return type(op).channels is not Op.channels or type(op).size is not Op.size or op.many


class Graphs(Noting[Tensor]):
    """Makes a node of every primitive, and a scope of every part that a reader sees."""

    def __init__(
        self, spec: Spec, main: ir.Function, facts: Facts, chosen: Setting, inputs: Mapping[str, Tensor]
    ) -> None:
        super().__init__(main, facts, (chosen.values, chosen.shapes))
        self.spec = spec
        self.nodes: list[Node] = []
        self.made: list[int] = []  # of each node, the operation that it was made from
        self.opened: list[int] = []  # and of each scope
        self.root = self.scope = Scope("network", spec.name, "", None, tuple(inputs.values()), span=spec.span)
        self.faults = Collector()
        self.refusing = self.guessing = False  # whether the op at work refused its tensor, or lacks a field
        self.unfit: set[Tensor] = set()  # what comes of one that did not fit: that it does not elsewhere is no news
        self.guessed: set[Tensor] = set()  # and what of a field that is at fault: its shape may be another
        self.training = False

    def main_frame(self, chosen: Setting) -> NotedFrame:
        """The network about to run."""
        values = chosen.values
        frame = self.frame(self.main, "")
        frame.values.update(values)
        frame.deps.update({name: frozenset([name]) for name in values})
        frame.given.update({name: expr.span if expr is not None else None for name, expr in chosen.stated.items()})
        return frame

    # --- primitives
    def primitive(
        self,
        node: ir.Primitive,
        fields: SimpleNamespace,
        tensors: Sequence[Tensor],
        further: Sequence[Tensor],
        path: str,
        frame: NotedFrame,
    ) -> Sequence[Tensor]:
        inputs, step = (*tensors, *further), self.step_of(node)
        for name, tensor in zip(node.tensors, further, strict=True):
            setattr(fields, name, tensor.shape)
        self.note_entry(node, tensors[0])
        self.refusing = False
        shapes = self.shapes(node, fields, inputs)
        made = Node(
            id=len(self.nodes),
            op=node.op,
            fields=vars(fields),
            inputs=inputs,
            outputs=(),
            path=frame.whole_path(path),
            scope=self.scope,
            span=step.span,
            label=self.label_of(node, fields),
            training=self.training,
            functional=node.functional,
            shared=bool(self.reusing) and (node.op.owned or not node.functional),
        )
        made.outputs = tuple(Tensor(shape, made, index) for index, shape in enumerate(shapes))
        if self.refusing or not self.unfit.isdisjoint(inputs):
            self.unfit.update(made.outputs)
        if self.guessing or not self.guessed.isdisjoint(inputs):
            self.guessed.update(made.outputs)
        self.nodes.append(made)
        self.made.append(node.id)
        self.scope.children.append(made)
        if len(self.nodes) > MAX_NODES:
            message = f"the network has more than {MAX_NODES} ops"
            raise self.trail.placed(fault("too-large", message, step.span))
        self.note_result(node, tensors, further, made.outputs, frame)
        return made.outputs

    def fields(self, node: ir.Primitive, frame: NotedFrame) -> SimpleNamespace:
        self.guessing = False
        return super().fields(node, frame)

    def field(self, node: ir.Primitive, item: Field, expr: Expr, frame: NotedFrame) -> Any:
        """Takes note of a value that may not stand there, and goes on with the default, to find independent faults."""
        try:
            return super().field(node, item, expr, frame)
        except SpecError as error:
            if item.required or item.kind == "formula":
                raise
            self.faults.found += error.diagnostics
            self.guessing = changes_shape(node.op)
            return item.default

    def mark(self) -> int:
        return len(self.nodes)

    def modules(self, mark: int) -> Sequence[Any]:
        made = [node for node in self.nodes[mark:] if not node.functional]
        return [(node.path, *made_with(node.op, node.fields, node.inputs[0].shape)) for node in made]

    def refused(
        self, node: ir.Primitive, problem: OpFault, fields: SimpleNamespace, inputs: Sequence[Tensor]
    ) -> Sequence[Shape]:
        """Takes note of the fault, and goes on as if there were none, to find independent ones."""
        if not self.guessed.isdisjoint(inputs) or (problem.field is None and not self.unfit.isdisjoint(inputs)):
            return after_fault(node, fields, [tensor.shape for tensor in inputs])
        if problem.field is None and not node.op.many:
            self.refusing = True
        maker = inputs[0].node
        node = replace(node, span=self.step_of(node).span)
        entry = maker.span if maker is not None and maker.span != node.span else None
        sources = [(tensor.shape, self.made_at(tensor)) for tensor in inputs]
        self.faults.found += self.trail.placed(refusals.misfit(node, problem, sources, entry)).diagnostics
        return after_fault(node, fields, [tensor.shape for tensor in inputs])

    def made_at(self, tensor: Tensor) -> Span | None:
        """The step that a tensor comes from; of an input, its shape in the spec."""
        if tensor.node is not None:
            return tensor.node.span
        return self.spec.inputs[tensor.name].span if tensor.name in self.spec.inputs else None

    def holds(self, auxiliary: ir.Auxiliary, frame: NotedFrame) -> bool:
        self.training = True  # these stages come after all others
        return super().holds(auxiliary, frame)

    # --- scopes
    def open(self, kind: str, name: str, path: str, node: ir.Operation, entry: Any, frame: NotedFrame) -> Scope:
        inputs = (entry,) if isinstance(entry, Tensor) else ()
        whole = path if kind == "stage" else frame.whole_path(path)
        scope = Scope(kind, name, whole, self.scope, inputs, span=node.span, label=node.label)
        scope.shared = kind == "block" and isinstance(node, ir.Reuse)
        if isinstance(node, ir.Loop) and kind != "stage":
            scope.row = {column: frame.values[column] for column in node.columns}
        self.opened.append(node.id)
        self.scope.children.append(scope)
        self.scope = scope
        return scope

    def arguments(self, scope: Scope, inner: NotedFrame) -> None:
        scope.outlined = inner.function.outlined
        scope.arguments = {name: inner.values[name] for name in inner.function.params}
        for name, value in inner.function.inputs.items():
            entering = inner.tensors[value]
            several = entering if isinstance(entering, list) else []
            scope.tensors.update((f"{name}{n}", tensor) for n, tensor in enumerate(several, 1))
            if isinstance(entering, Tensor):
                scope.tensors[name] = entering

    def close(self, scope: Scope, output: Any) -> None:
        scope.output = output
        assert scope.parent is not None
        self.scope = scope.parent

    # --- what nobody reads
    def used_inputs(self, tensors: Mapping[str, Tensor]) -> None:
        used = self.read()
        for name, tensor in tensors.items():
            if tensor not in used:
                raise refusals.unread_input(name, self.spec.inputs[name].span or self.spec.span)

    def read(self) -> set[Tensor]:
        """What steps compute with."""
        return {tensor for node in self.nodes for tensor in node.reads}

    def used_steps(self, outputs: Iterable[Tensor]) -> None:
        """Every result leads to an output: one that does not is work for nothing, and mostly a slip."""
        used = self.read().union(outputs)
        unused = [node for node in self.nodes if used.isdisjoint(node.outputs)]
        for span in dict.fromkeys(node.span for node in unused):
            runs = [node for node in self.nodes if node.span == span]
            one_op = len({node.op.name for node in runs}) == 1
            where = [number for number, node in enumerate(runs, 1) if used.isdisjoint(node.outputs)]
            self.faults.found += refusals.unread_step(span, where if one_op else [], len(runs)).diagnostics
        self.faults.finish()
