"""Function -> Graph: every number computed, every shape inferred, every check made.

Beside the graph it notes, for each place of the function, whether its numbers ever differ and which
of the network's params are behind them (`Seen`); the source back end prints by those notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from archdsl.diagnostics.faults import Collector, Diagnostic, Note, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.evaluate import evaluate, items_in
from archdsl.expr.fold import substitute
from archdsl.expr.given import known_word, plain_value, shown, unboxed
from archdsl.expr.nodes import Compare, Constant, Expr, ListOf, Lit, Name, names, wrap
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ir.facts import Deps, Fact, Facts, Origin, Setting
from archdsl.ir.facts import Place as FactPlace
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ir.seal import seal
from archdsl.lowering.entry import lower
from archdsl.lowering.refusals import too_deep
from archdsl.lowering.vocabulary import INPUT, LONE_OUTPUT, TABLE_NAMES, TURN_NAMES
from archdsl.ops import REGISTRY, Field, Op
from archdsl.ops.base import FORM, OpFault, Shape
from archdsl.support.naming import did_you_mean, unique
from archdsl.syntax.identifiers import MAX_NAME, unfit_row
from archdsl.syntax.reading.values import clip
from archdsl.syntax.reading.variants import LONE_INPUT
from archdsl.syntax.spec import Spec, Variant

MAX_NODES, MAX_TURNS, MAX_CALLS = 25_000, 10_000, 10_000  # of a network: ops, turns of its loops, calls of its blocks
MAX_DEPTH, MAX_ELEMENTS, MAX_SIDE = 40, 2**40, 2**24  # of calls in calls; of a tensor; of an axis
MAX_LISTED = 1_000_000  # items of all lists that a network's places are given
MAX_NOTES = 3  # that tell where the names of an expression got their values

IMAGE = "in_chans"  # behind what hangs on the channels of the only input, as a param is
SIZE = "image_size"  # the height and width of the only input
ENTERS = "@size"  # of an op node: the spatial size of its first tensor; no argument of an op can be named so
MULTIPLE = "@multiple"  # of an op node: by how much it multiplies the channels that entered the block
MAX_SPELT = 3  # longer lists have no fixed length in their type

NONE: Deps = frozenset()


def elaborate(
    spec: Spec,
    variant: str | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    form: str = "train",
) -> Graph:
    """The graph of a spec, a variant of it, with params set over both.

    `inputs` overrides the C×H×W of the inputs (a bare one: of the only input); `form` is that of layers which are
    another thing once trained: train or deploy. Raises `SpecError`.
    """
    known_word("form", form, FORM.choices)
    program = lower(spec, form)
    try:
        return Elaborator(spec, program, variant).run(params or {}, inputs)
    except RecursionError:
        raise too_deep(spec.span) from None


@dataclass(eq=False)
class Frame:
    """One run of a function: its numbers, their origins, its tensors, its place in the module tree."""

    function: ir.Function
    values: dict[str, Constant]
    deps: dict[str, Deps]
    tensors: dict[ir.Value, Any]
    path: str
    scope: Scope
    containers: dict[ir.Operation, str] = field(default_factory=dict)
    given: dict[str, Span | None] = field(default_factory=dict)  # where names got their values; None: by the call
    tabled: bool = False  # in a table, whose turns are counted: elsewhere `turn` may be a param

    def note_given(self, name: str, expr: Expr, caller: Frame | None = None) -> None:
        """Takes note of where a name got its value: if it is another name's, where that one (of the caller) got it."""
        known = (caller or self).given
        if isinstance(expr, Name) and expr.id in known:
            self.given[name] = known[expr.id]
        elif expr.span is not None:
            self.given[name] = expr.span

    def origins_of(self, expr: Expr) -> tuple[Note, ...]:
        """What the names of an expression are, and where they got it."""
        found = [name for name in dict.fromkeys(name.id for name in names(expr)) if name in self.given]
        return tuple(self.origin_of(name) for name in found[:MAX_NOTES])

    def origin_of(self, name: str) -> Note:
        value, span = clip(show(wrap(self.values.get(name)))), self.given[name]
        return Note(f"{name} is {value}, given {'here' if span is not None else 'by the call'}", span)


@dataclass
class Place:
    """Where modules stand: in a class (container None) or as children of a container."""

    path: str
    count: int | None = None
    named: dict[str, Span] = field(default_factory=dict)  # the children that have names
    row: str | None = None  # the name of the row at work, whose only module has it

    def child(self, key: str | None, span: Span) -> str:
        key = self.row or key
        if self.count is not None:
            if key is not None and key in self.named:
                note = Note("the other one is here", self.named[key])
                raise fault("bad-name", f"'{key}' names two modules of one chain", span, notes=(note,))
            if key is not None:
                self.named[key] = span
            key = key or str(self.count)
            self.count += 1
        return f"{self.path}.{key}" if self.path else str(key)


class Elaborator:
    """Runs a function with numbers."""

    def __init__(self, spec: Spec, program: ir.Program, variant: str | None, facts: Facts | None = None) -> None:
        self.spec, self.program, self.variant = spec, program, variant
        self.function = program.main
        self.nodes: list[Node] = []
        self.facts = facts or Facts()
        self.seen = self.facts.seen
        self.origins: dict[Tensor, Deps] = {}  # of the channels of a tensor
        self.by_path: dict[str, Tensor] = {}
        self.blocks: dict[str, ir.Function] = {}  # that are called, by path
        self.paths: dict[str, int] = {}
        self.image: list[Constant] = []  # height and width of the only input
        self.trail: list[Note] = []
        self.here: Span | None = None  # the step at work
        self.faults = Collector()
        self.turns = self.calls = self.cells = 0
        self.training = False
        self.constants: dict[int, tuple[dict[str, Constant], list[tuple[Field, Expr]]]] = {}
        self.made: list[int] = []
        self.called_with: Setting = {}, {}
        self.stated: dict[str, Expr | None] = {}  # the values of params in the spec; None: given by the call

    # --- the network
    def run(self, params: Mapping[str, Any], inputs: Mapping[str, Sequence[int]] | Sequence[int] | None) -> Graph:
        self.facts.ran.add(self.function.id)
        chosen = self.variants(self.variant)
        values = self.completed(self.params(chosen, params))
        tensors = self.inputs(chosen, inputs, values)
        self.called_with = values, {name: tensor.shape for name, tensor in tensors.items()}
        root = Scope("network", self.spec.name, "", None, tuple(tensors.values()), span=self.spec.span)
        deps = {name: frozenset([name]) for name in values}
        frame = Frame(self.function, dict(values), deps, {}, "", root)
        entry = list(tensors.values())
        if len(entry) == 1 and IMAGE not in values:
            self.origins[entry[0]] = frozenset([IMAGE])
            self.note((self.function.id, IMAGE), entry[0].shape[0], frozenset([IMAGE]))
        if len(entry) == 1:
            self.image = list(entry[0].shape[1:])
            self.note((self.function.id, size_word(values)), self.image, NONE)
        for var, (name, tensor) in zip(self.function.inputs.values(), tensors.items(), strict=True):
            shape = self.spec.inputs[name]
            if tensor not in self.origins and isinstance(shape, ListOf):
                self.origins[tensor] = self.behind(shape.items[0], frame)
            self.set(var, tensor, frame)
        for name, tensor in tensors.items():
            frame.values.setdefault(f"c_{name}", tensor.shape[0])
        for name in values:
            self.note((self.function.id, name), values[name], deps[name])
        for name, expr in self.stated.items():
            frame.given[name] = expr.span if expr is not None else None
        self.enter(frame, entry[0])
        result = None
        with self.faults.catch():
            result = self.region(self.function.region, frame, Place(""))
        if result is None or self.faults.found:
            self.faults.finish()
        training = self.auxiliaries(frame)
        outputs = self.outputs(frame, result)
        root.output = next(iter(outputs.values()))
        self.used_inputs(tensors)
        self.used_steps([*outputs.values(), *training.values()])
        behind = frozenset().union(*(self.origins.get(t, NONE) for t in outputs.values()))
        origin = Origin(
            self.spec,
            self.program,
            self.facts,
            behind,
            self.made,
        )
        graph = Graph(
            self.spec.name,
            self.variant,
            values,
            tensors,
            outputs,
            self.nodes,
            root,
            dict(self.spec.paper),
            training,
            self.spec.figure,
            origin,
        )
        origin.seal = seal(graph)
        return graph

    def auxiliaries(self, frame: Frame) -> dict[str, Tensor]:
        """The stages of training alone, after all others."""
        found: dict[str, Tensor] = {}
        self.training = True
        for name, auxiliary in self.function.training.items():
            self.facts.reached.setdefault(auxiliary.id, self.called_with)
            value, deps = self.value(auxiliary.condition, frame, (auxiliary.id, "condition"))
            self.note((auxiliary.id, "condition"), value, deps)
            if value:
                self.facts.ran.add(auxiliary.region.id)
                with self.faults.catch():
                    found[name] = self.region(auxiliary.region, frame, Place(""))
        self.faults.finish()
        return found

    def variants(self, name: str | None) -> list[Variant]:
        """The chosen variant and those it extends, the base first."""
        chain: list[Variant] = []
        span: Span | None = self.spec.span
        while name is not None:
            if not isinstance(name, str) or name not in self.spec.variants:
                known = ", ".join(self.spec.variants) or "none"
                hint = did_you_mean(str(name)[:MAX_NAME], self.spec.variants)
                lacks = f"'{self.spec.name}' has no variant '{name}'"
                raise fault(
                    "unknown-variant",
                    lacks if isinstance(name, str) else f"variants are names, not {shown(name)}",
                    span if chain else None,
                    help=f"{hint + ' ' if hint else ''}its variants are {known}",
                )
            variant = self.spec.variants[name]
            if variant in chain:
                raise fault("recursive-variant", f"the variant '{name}' extends itself", variant.span)
            chain.append(variant)
            name, span = variant.extends, variant.span
        return chain[::-1]

    def params(self, chosen: Sequence[Variant], given: Mapping[str, Any]) -> dict[str, Constant]:
        known = self.function.params
        for name in given:
            if name not in known:
                raise fault(
                    "unknown-param",
                    f"'{self.spec.name}' has no param '{name}'",
                    help=did_you_mean(name, known) or f"its params are {', '.join(known) or 'none'}",
                )
        for variant in chosen:
            for name, expr in variant.values.items():
                if name not in known:
                    raise fault(
                        "unknown-param",
                        f"'{self.spec.name}' has no param '{name}'",
                        expr.span or variant.span,
                        help=did_you_mean(name, known),
                    )
        values: dict[str, Constant] = {}
        for name, param in known.items():
            stated = next((v.values[name] for v in reversed(chosen) if name in v.values), param.default)
            self.stated[name] = stated if name not in given else None
            if name in given:
                values[name] = plain_value(given[name], name)
            elif stated is None:
                raise fault(
                    "missing-param",
                    f"the param '{name}' has no default and must be given",
                    param.span,
                    help=self.variant_help(),
                )
            else:
                values[name] = evaluate(stated, values)
        return values

    def completed(self, values: dict[str, Constant]) -> dict[str, Constant]:
        """The params, tables among them with the cells that their rows leave out."""
        for node in self.function.region.walk():
            if not isinstance(node, ir.Loop) or not node.column_defaults or not isinstance(node.rows, Name):
                continue
            rows = values.get(node.rows.id)
            if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
                values[node.rows.id] = [complete(node, row, values) for row in rows if isinstance(row, list)]
        return values

    def input_help(self) -> str:
        known = [name for name in self.spec.inputs if name != LONE_INPUT]
        return f"its inputs are {', '.join(known)}" if known else "its only input has no name: give C,H,W alone"

    def variant_help(self) -> str:
        names_ = ", ".join(self.spec.variants)
        return f"choose a variant: {names_}" if names_ else "set it with --set"

    def inputs(self, chosen: Sequence[Variant], given: Any, values: dict[str, Constant]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        if given is not None and not isinstance(given, Mapping):
            if len(self.spec.inputs) != 1:
                raise fault("bad-input", f"'{self.spec.name}' has {len(self.spec.inputs)} inputs: give each by name")
            given = {next(iter(self.spec.inputs)): given}
        for name in given or {}:
            if name not in self.spec.inputs:
                raise fault(
                    "bad-input",
                    f"'{self.spec.name}' has no input '{name}'",
                    help=did_you_mean(name, self.spec.inputs) or self.input_help(),
                )
        for name, expr in self.spec.inputs.items():
            chosen_expr = next((v.inputs[name] for v in reversed(chosen) if name in v.inputs), expr)
            shape = given[name] if given and name in given else evaluate(chosen_expr, values)
            shape = [unboxed(n) for n in shape] if isinstance(shape, (list, tuple)) else shape
            span = None if given and name in given else chosen_expr.span
            if (
                not isinstance(shape, (list, tuple))
                or not shape
                or not all(type(n) is int and 1 <= n <= MAX_SIDE for n in shape)
                or len(shape) > 4
            ):
                raise fault("bad-input", "an input is a list of whole numbers [C, H, W], each at least 1", span)
            if math.prod(shape) > MAX_ELEMENTS:
                raise fault("too-large", f"an input of {math.prod(shape)} elements is too large", span)
            found[name] = Tensor(tuple(shape), None, 0, name)
        return found

    def outputs(self, frame: Frame, result: Any) -> dict[str, Tensor]:
        if not self.function.outputs:
            return {LONE_OUTPUT: result}
        found: dict[str, Tensor] = {}
        for name, ref in self.function.outputs.items():
            self.here = self.spec.outputs[name].span
            found[name] = self.operand(ref, frame)
        return found

    def used_inputs(self, tensors: Mapping[str, Tensor]) -> None:
        used = {t for node in self.nodes for t in node.inputs}
        for name, tensor in tensors.items():
            if tensor not in used:
                raise fault(
                    "unused-input",
                    f"nothing reads the input '{name}'",
                    self.spec.inputs[name].span or self.spec.span,
                    help=f"take it out, or read it with from: {name}",
                )

    def used_steps(self, outputs: Sequence[Tensor]) -> None:
        """Every result leads to an output: one that does not is work for nothing, and mostly a slip."""
        used = {t for node in self.nodes for t in node.inputs} | set(outputs)
        unused = [node for node in self.nodes if not any(t in used for t in node.outputs)]
        for span in dict.fromkeys(node.span for node in unused):
            help_ = "read it, take it out, or give it the when: of what reads it"
            self.faults.found.extend(
                fault("unused-step", "nothing reads the result of this step", span, help=help_).diagnostics
            )
        self.faults.finish()

    # --- notes for the source back end
    def note(self, slot: FactPlace, value: Constant, deps: Deps) -> None:
        seen = self.seen.get(slot)
        if isinstance(value, list) and (seen is None or seen.value is not value):
            self.cells += items_in(value)
            if self.cells > MAX_LISTED:
                message = f"the lists of this network have more than {MAX_LISTED:,} items in all"
                raise self.placed(fault("too-large", message, self.here or self.spec.span))
        if seen is None:
            seen = self.seen[slot] = Fact(value, deps=deps)
            known_kind(seen, value)
            return
        if seen.value is not value and (seen.value != value or type(seen.value) is not type(value)):
            seen.varies, seen.value = True, value
            known_kind(seen, value)
        if deps is not NONE and not deps <= seen.deps:
            seen.deps |= deps

    def behind(self, expr: Expr, frame: Frame) -> Deps:
        """The network's params behind an expression."""
        found = NONE
        for name in expr.mentioned:
            found |= frame.deps.get(name, NONE)
        return found

    def value(self, expr: Expr, frame: Frame, slot: FactPlace) -> tuple[Constant, Deps]:
        """An expression's value and origins, noted under `slot` unless it is a constant of the text."""
        if isinstance(expr, Lit):
            return expr.value, NONE
        value, deps = evaluate(expr, frame.values), self.behind(expr, frame)
        self.note(slot, value, deps)
        return value, deps

    # --- regions
    def enter(self, frame: Frame, tensor: Tensor) -> None:
        """Binds `c_in`, `h_in`, `w_in` to the tensor that enters."""
        shape = tensor.shape
        frame.values["c_in"], frame.deps["c_in"] = shape[0], self.origins.get(tensor, NONE)
        frame.values["h_in"], frame.values["w_in"] = (
            shape[-2] if len(shape) > 2 else None,
            shape[-1] if len(shape) > 1 else None,
        )

    def region(self, region: ir.Region, frame: Frame, place: Place) -> Any:
        for node in region.nodes:
            if node.stage is not None:
                self.staged(node, frame, place)
            else:
                self.node(node, frame, place)
        return self.operand(region.result, frame) if region.result is not None else None

    def staged(self, node: ir.Operation, frame: Frame, place: Place) -> None:
        """A stage: `c_in` is what enters it; its steps make one scope of the graph."""
        entry = self.operand(node.operands()[0], frame) if node.operands() else None
        if isinstance(entry, Tensor):
            self.enter(frame, entry)
        with self.scope(frame, "stage", str(node.stage), str(node.stage), node, entry) as scope:
            self.node(node, frame, place)
            scope.output = frame.tensors.get(node.out)

    @contextmanager
    def scope(self, frame: Frame, kind: str, name: str, path: str, node: ir.Operation, entry: Any) -> Any:
        outer = frame.scope
        inner = Scope(
            kind, name, path, outer, (entry,) if isinstance(entry, Tensor) else (), span=node.span, label=node.label
        )
        if isinstance(node, ir.Loop) and kind != "stage":
            inner.row = {column: frame.values[column] for column in node.columns}
        outer.children.append(inner)
        frame.scope = inner
        try:
            yield inner
        finally:
            frame.scope = outer

    def node(self, node: ir.Operation, frame: Frame, place: Place) -> None:
        self.here = node.span
        match node:
            case ir.Primitive():
                self.op(node, frame, place)
            case ir.Call():
                self.call(node, frame, place)
            case ir.If():
                self.condition(node, frame, place)
            case ir.Loop():
                self.loop(node, frame, place)
            case ir.Container():
                self.container(node, frame, place)
            case ir.Stage():
                frame.tensors[node.carry] = self.operand(node.entry, frame)
                with self.names(frame, node.let):
                    self.lets(node, node.let, frame)
                    self.set(node.out, self.region(node.body, frame, place), frame)
            case ir.Pack():
                self.listed(node, frame, place)
            case _:
                raise AssertionError(node)

    def set(self, var: ir.Value, value: Any, frame: Frame) -> None:
        """Binds a var; the channels of a single tensor are noted."""
        frame.tensors[var] = value
        if isinstance(value, Tensor):
            self.note((var.id, "c"), value.shape[0], self.origins.get(value, NONE))
            self.note((var.id, "size"), value.shape[1:], NONE)
        elif isinstance(value, list) and value:
            self.note((var.id, "c"), *self.channels_of(value))
            self.note((var.id, "size"), value[0].shape[1:], NONE)
            self.note((var.id, "count"), len(value), NONE)

    def channels_of(self, value: Tensor | list[Tensor]) -> tuple[Constant, Deps]:
        """The channels of a tensor, or of each of a list, once if they are alike; and what is behind them."""
        tensors = value if isinstance(value, list) else [value]
        channels = [tensor.shape[0] for tensor in tensors]
        deps = NONE.union(*(self.origins.get(tensor, NONE) for tensor in tensors))
        return channels[0] if len(set(channels)) == 1 else channels, deps

    def operand(self, operand: ir.Operand, frame: Frame) -> Any:
        match operand:
            case ir.Value():
                if operand not in frame.tensors:
                    raise self.placed(self.left_out(operand.name, self.here))
                return frame.tensors[operand]
            case ir.Item(var=var, index=index):
                items = frame.tensors[var]
                position = evaluate(index, frame.values)
                if type(position) is not int or not -len(items) <= position < len(items):
                    raise self.placed(
                        fault(
                            "bad-index", f"there is no part {position}: the {len(items)} parts count from 0", index.span
                        )
                    )
                return items[position]
            case ir.Tap(container=container, keys=keys, span=span):
                path = f"{frame.containers.get(container, '')}.{'.'.join(keys)}"
                if container not in frame.containers:
                    raise self.placed(self.left_out(keys[-1], span))
                if path not in self.by_path:
                    below = path.rsplit(".", 1)[0] + "."
                    known = [
                        p[len(below) :]
                        for p in self.by_path
                        if p.startswith(below) and "." not in p[len(below) :] and not p[len(below) :].isdigit()
                    ]
                    help_ = did_you_mean(keys[-1], known) or (
                        f"its named steps are {', '.join(known)}" if known else "give the step a name:"
                    )
                    raise self.placed(
                        fault("unknown-tensor", f"there is no step '{'.'.join(keys)}' to tap", span, help=help_)
                    )
                tensor = self.by_path[path]
                self.note((operand.id, "c"), tensor.shape[0], self.origins.get(tensor, NONE))
                self.reachable(operand, frame)
                self.facts.taps.setdefault(container.id, set()).add(keys)
                return tensor
        raise AssertionError(operand)

    def reachable(self, tap: ir.Tap, frame: Frame) -> None:
        """A tap leads through chains alone: what stands in a block is not seen from outside of it."""
        path = frame.containers[tap.container]
        for number, key in enumerate(tap.keys[:-1]):
            path = f"{path}.{key}"
            if path not in self.blocks:
                continue
            block, within = self.blocks[path], ".".join(tap.keys[number + 1 :])
            if block.staged and not block.network:  # the body of a loop
                message = f"'{within}' cannot be tapped: each turn of its loop joins, splits or names tensors"
                help_ = "tap what the turn gives, or write it as a stage and name the tensor with as:"
            else:
                message = f"'{within}' cannot be tapped: it stands inside the block {block.name}"
                help_ = "tap what the block gives, or write its steps in the stage and name the tensor with as:"
            raise self.placed(fault("unknown-tensor", message, tap.span, help=help_))

    @staticmethod
    def left_out(name: str, span: Span | None) -> SpecError:
        message = f"'{name}' is not there: the stage it stands in is left out by its when:"
        return fault("unknown-tensor", message, span, help="give what reads it the same when:")

    def operands(self, operands: Iterable[ir.Operand], frame: Frame) -> list[Tensor]:
        """Tensors of a join: lists spread, absent branches left out."""
        found: list[Tensor] = []
        for operand in operands:
            value = self.operand(operand, frame)
            found.extend(value if isinstance(value, list) else [] if value is None else [value])
        return found

    def placed(self, error: SpecError, notes: tuple[Note, ...] = ()) -> SpecError:
        """The error with the call trail that led here, and further notes."""
        trail = tuple(reversed(self.trail))
        return SpecError(
            *(
                Diagnostic(d.code, d.message, d.span, d.label, (*d.notes, *notes), d.help, d.trail or trail)
                for d in error.diagnostics
            )
        )

    @contextmanager
    def names(self, frame: Frame, *bound: Iterable[str]) -> Any:
        """Names bound inside are as before afterwards."""
        kept = [
            (name, frame.values.get(name, _ABSENT), frame.deps.get(name, NONE)) for group in bound for name in group
        ]
        try:
            yield
        finally:
            for name, value, deps in kept:
                if value is _ABSENT:
                    frame.values.pop(name, None)
                    frame.deps.pop(name, None)
                else:
                    frame.values[name], frame.deps[name] = value, deps

    def lets(self, owner: ir.Numbered, let: Mapping[str, Expr], frame: Frame) -> None:
        for name, expr in let.items():
            try:
                value, deps = evaluate(expr, frame.values), self.behind(expr, frame)
            except SpecError as error:
                raise self.placed(error) from None
            self.note((owner.id, name), value, deps)
            frame.values[name], frame.deps[name] = value, deps
            frame.note_given(name, expr)

    # --- ops
    def op(self, node: ir.Primitive, frame: Frame, place: Place) -> None:
        op = node.op
        tensors = self.operands(node.ins, frame)
        if not tensors:
            if not op.many:
                raise self.placed(self.not_given(f"a {op.name}", node))
            raise self.placed(
                fault(
                    "empty-join",
                    f"'{op.name}' has no branch left: each has a when: that is false here",
                    node.span,
                    help="give the join a when: too, or one of the branches none",
                )
            )
        further = [self.operand(operand, frame) for operand in node.tensors.values()]
        fields, deps = self.fields(node, frame)
        for name, tensor in zip(node.tensors, further, strict=True):
            setattr(fields, name, tensor.shape)
        path = self.path(node, place)
        inputs = (*tensors, *further)
        self.facts.ranks[node.id] = len(tensors[0].shape) - 1
        self.note((node.id, ENTERS), tensors[0].shape[1:], NONE)
        shapes = self.infer(node, fields, inputs)
        made = Node(
            id=len(self.nodes),
            op=op,
            fields=vars(fields),
            inputs=inputs,
            outputs=(),
            path=path,
            scope=frame.scope,
            span=node.span,
            label=node.label,
            training=self.training,
            functional=node.functional,
        )
        made.outputs = tuple(Tensor(shape, made, index) for index, shape in enumerate(shapes))
        self.nodes.append(made)
        self.made.append(node.id)
        frame.scope.children.append(made)
        if len(self.nodes) > MAX_NODES:
            raise self.placed(fault("too-large", f"the network has more than {MAX_NODES} ops", node.span))
        origin = self.channel_origin(op, deps, tensors)
        if origin:
            self.origins.update((t, origin) for t in made.outputs)
        if channel_names(op) is None:  # the source then needs a number, or a multiple of what enters
            self.note((node.id, MULTIPLE), multiple(made.outputs[0].shape[0], frame.values.get("c_in")), NONE)
        result = list(made.outputs) if node.out.many else made.outputs[0]
        self.named_parts(node, len(made.outputs), "parts")
        self.set(node.out, result, frame)
        if node.key is not None or place.count is not None:
            self.by_path[path] = made.outputs[0]

    @staticmethod
    def not_given(what: str, node: ir.Operation) -> SpecError:
        help_ = "what it reads is not given in this call: say with from: which tensor it takes then"
        return fault("shape", f"{what} needs a tensor", node.span, help=help_ if node.operands() else "")

    def path(self, node: ir.Primitive, place: Place) -> str:
        """The module's path; an op without a module gets one of its own name."""
        if not node.functional:
            return place.child(node.key, node.span)
        stem = f"{place.path}.{node.op.name}" if place.path else node.op.name
        count = self.paths[stem] = self.paths.get(stem, 0) + 1
        return stem if count == 1 else f"{stem}_{count}"

    def fields(self, node: ir.Primitive, frame: Frame) -> tuple[SimpleNamespace, dict[str, Deps]]:
        constant, rest = self.fields_of(node)
        values: dict[str, Constant] = dict(constant)
        origins: dict[str, Deps] = {}
        for item, expr in rest:
            if item.kind == "formula":
                known = {name.id: frame.values[name.id] for name in names(expr) if name.id in frame.values}
                for name, value in known.items():
                    self.note((node.id, f"{item.name}.{name}"), value, frame.deps.get(name, NONE))
                values[item.name] = substitute(expr, {name: wrap(value) for name, value in known.items()})
                continue
            try:
                value, deps = self.value(expr, frame, (node.id, item.name))
                values[item.name] = checked(item, value, expr, node.field_spans.get(item.name, node.span))
            except SpecError as error:
                raise self.placed(error, frame.origins_of(expr)) from None
            if deps:
                origins[item.name] = deps
        return SimpleNamespace(**values), origins

    def fields_of(self, node: ir.Primitive) -> tuple[dict[str, Constant], list[tuple[Field, Expr]]]:
        """The fields in order, those that are constants of the text checked once; and the others."""
        known = self.constants.get(node.id)
        if known is not None:
            return known
        further = node.op.further
        more = [replace(further, name=n) for n in node.fields if node.op.field(n) is None] if further else []
        constant: dict[str, Constant] = {}
        rest: list[tuple[Field, Expr]] = []
        for item in (*node.op.fields, *more):
            expr = node.fields.get(item.name)
            if isinstance(expr, Lit) and item.kind != "formula":
                try:
                    constant[item.name] = checked(item, expr.value, expr, node.field_spans.get(item.name, node.span))
                except SpecError as error:
                    raise self.placed(error) from None
            elif expr is not None:
                constant[item.name] = None  # in its place
                rest.append((item, expr))
        self.constants[node.id] = constant, rest
        return constant, rest

    def infer(self, node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[Tensor]) -> tuple[Shape, ...]:
        """The shapes that leave; after a fault the rule goes on without its check, to find independent ones."""
        shapes = [t.shape for t in inputs]
        try:
            found = node.op.shapes(fields, *shapes)
        except OpFault as problem:
            error = self.op_fault(node, problem, inputs)
            self.faults.found.extend(error.diagnostics)
            try:
                first = shapes[0]
                c: Any = [s[0] for s in shapes] if node.op.many else first[0]
                found = ((node.op.channels(fields, c, first[1:]), *node.op.size(fields, first[1:])),)
            except Exception:  # noqa: BLE001 - the rule may fail in any way on what it has just refused
                raise SpecError from None
            if node.out.many or not all(type(n) is int and n > 0 for n in found[0]):
                raise SpecError from None
        for shape in found:
            if math.prod(shape) > MAX_ELEMENTS:
                raise self.placed(
                    fault("too-large", f"a tensor of {'×'.join(map(str, shape))} is too large", node.span)
                )
        return found

    def op_fault(self, node: ir.Primitive, problem: OpFault, inputs: Sequence[Tensor]) -> SpecError:
        span = node.field_spans.get(problem.field or "", node.span)
        notes = []
        help_ = problem.help
        if node.op.many:
            notes = [Note(f"this branch gives {'×'.join(map(str, t.shape))}", self.made_at(t)) for t in inputs]
            if node.span.source.line(node.span.line)[node.span.col - 1 :].startswith("residual"):
                help_ = help_ or "give it a shortcut:, or an if: that is false here"
        elif problem.field in node.tensors:
            index = len(inputs) - len(node.tensors) + list(node.tensors).index(problem.field or "")
            source = inputs[index]
            notes = [Note(f"that tensor is {'×'.join(map(str, source.shape))}", self.made_at(source))]
        elif inputs[0].node is not None and inputs[0].node.span != node.span:
            notes = [
                Note(f"the tensor that enters is {'×'.join(map(str, inputs[0].shape))}, made here", inputs[0].node.span)
            ]
        if (
            not node.op.many
            and node.span
            and span is not node.span
            and node.field_spans.get(problem.field or "") is None
        ):
            span = node.span
        return self.placed(fault("shape", problem.message, span, notes=tuple(notes), help=help_))

    def made_at(self, tensor: Tensor) -> Span | None:
        """The step that a tensor comes from; of an input, its shape in the spec."""
        if tensor.node is not None:
            return tensor.node.span
        return self.spec.inputs[tensor.name].span if tensor.name in self.spec.inputs else None

    def channel_origin(self, op: Op, deps: Mapping[str, Deps], tensors: Sequence[Tensor]) -> Deps:
        """The params behind the channels that leave."""
        rule = channel_names(op)
        found = NONE
        if rule is None or "c" in rule:
            for tensor in tensors:
                found |= self.origins.get(tensor, NONE)
        for name, origin in deps.items():
            if rule is None or name in rule:
                found |= origin
        return found

    # --- blocks
    def call(self, node: ir.Call, frame: Frame, place: Place) -> None:
        block = node.block
        tensors = self.operands(node.ins, frame)
        if not tensors:
            raise self.placed(self.not_given(f"the block {block.name}", node))
        further = {name: self.operand(operand, frame) for name, operand in node.tensors.items()}
        path = place.child(node.key, node.span)
        self.blocks[path] = block
        self.note((node.id, "size"), tensors[0].shape[1:], NONE)
        entered = self.image if frame.function is self.function else [frame.values["h_in"], frame.values["w_in"]]
        self.note((node.id, "ratio"), ratio(tensors[0].shape, entered), NONE)
        self.facts.ran.add(block.id)
        inner = Frame(block, {}, {}, {}, path, frame.scope)
        try:
            for name, expr in node.args.items():
                value, deps = self.value(expr, frame, (node.id, name))
                inner.values[name], inner.deps[name] = value, deps
                inner.note_given(name, expr, frame)
        except SpecError as error:
            raise self.placed(error) from None
        self.calls += 1
        if self.calls > MAX_CALLS:
            raise self.placed(fault("too-large", f"more than {MAX_CALLS} calls of blocks in all", node.span))
        self.trail.append(Note(f"{block.name}, called here", node.span))
        if len(self.trail) > MAX_DEPTH:
            raise self.placed(fault("too-deep", f"blocks are nested more than {MAX_DEPTH} deep", node.span))
        try:
            with self.scope(frame, "block", block.name, path, node, tensors[0]) as scope:
                inner.scope = scope
                self.bind_inputs(inner, block, tensors, further)
                self.bind_params(inner, block)
                scope.arguments = {name: inner.values[name] for name in block.params}
                self.lets(block, block.let, inner)
                self.requirements(block, inner)
                result = self.region(block.region, inner, Place(path))
                scope.output = result
        finally:
            self.trail.pop()
        self.set(node.out, result, frame)
        self.by_path[path] = result

    def bind_inputs(
        self,
        frame: Frame,
        block: ir.Function,
        tensors: Sequence[Tensor],
        further: Mapping[str, Tensor | list[Tensor]],
    ) -> None:
        self.enter(frame, tensors[0])
        self.note((block.id, "c_in"), tensors[0].shape[0], frame.deps["c_in"])
        for name in ("h_in", "w_in"):
            self.note((block.id, name), frame.values[name], NONE)
        for name, var in block.inputs.items():
            tensor = tensors[0] if name == INPUT else further.get(name)
            frame.tensors[var] = tensor
            if name in block.optional:
                frame.values[name] = tensor is not None
                self.note((block.id, name), tensor is not None, NONE)
            if tensor is not None:
                self.set(var, tensor, frame)
                channels, deps = self.channels_of(tensor)
                frame.values[f"c_{name}"], frame.deps[f"c_{name}"] = channels, deps
                self.note((block.id, f"c_{name}"), channels, deps)

    def bind_params(self, frame: Frame, block: ir.Function) -> None:
        """Arguments not given take their defaults, which may read earlier ones."""
        for name, param in {**block.implicit, **block.params}.items():
            if name not in frame.values:
                if param.default is None:
                    raise self.placed(fault("missing-param", f"the param '{name}' has no value here", param.span))
                try:
                    frame.values[name], frame.deps[name] = (
                        evaluate(param.default, frame.values),
                        self.behind(param.default, frame),
                    )
                    frame.note_given(name, param.default)
                except SpecError as error:
                    raise self.placed(error) from None
            self.note((block.id, name), frame.values[name], frame.deps.get(name, NONE))

    def requirements(self, block: ir.Function, frame: Frame) -> None:
        for expr in block.require:
            if evaluate(expr, frame.values) is not True:
                values = ", ".join(
                    f"{n} = {frame.values[n]}" for n in dict.fromkeys(x.id for x in names(expr)) if n in frame.values
                )
                raise self.placed(
                    fault("require", f"{block.name} requires {show(expr)}, but {values}", expr.span or block.span)
                )

    # --- structure
    def truth(self, expr: Expr, frame: Frame, node: ir.Operation) -> bool:
        try:
            value, _ = self.value(expr, frame, (node.id, "condition"))
        except SpecError as error:
            raise self.placed(error, frame.origins_of(expr)) from None
        if isinstance(expr, Lit):
            self.note((node.id, "condition"), value, NONE)
        if not isinstance(value, (bool, int)) and value is not None:
            raise self.placed(
                fault(
                    "bad-value",
                    f"a condition is true or false, this is {value!r}",
                    expr.span or node.span,
                    help=f"compare it: {show(expr)} == {value!r}" if isinstance(value, str) else "",
                ),
                frame.origins_of(expr),
            )
        return bool(value)

    def condition(self, node: ir.If, frame: Frame, place: Place) -> None:
        self.facts.reached.setdefault(node.id, self.called_with)
        chosen = node.then if self.truth(node.condition, frame, node) else node.other
        self.facts.ran.add(chosen.id)
        if chosen is node.other and node.branch:
            frame.tensors[node.out] = None
            return
        if chosen.result is None:
            raise self.placed(self.bad_choice(node, frame))
        result = self.region(chosen, frame, place)
        self.set(node.out, result, frame)
        seen = self.seen.get((node.out.id, "c"))
        if seen is not None and seen.varies and isinstance(result, Tensor):  # it hangs on the condition too
            self.origins[result] = self.origins.get(result, NONE) | self.behind(node.condition, frame)

    @staticmethod
    def bad_choice(node: ir.If, frame: Frame) -> SpecError:
        assert isinstance(node.condition, Compare)
        value = evaluate(node.condition.left, frame.values)
        help_ = did_you_mean(str(value), node.choices) or f"there are {', '.join(node.choices)}"
        return fault(
            "bad-choice", f"this choice has no body {value!r}", node.condition.left.span or node.span, help=help_
        )

    def container(self, node: ir.Container, frame: Frame, place: Place) -> None:
        path = place.child(node.key, node.span)
        frame.containers[node] = path
        entry = self.operand(node.entry, frame)
        self.set(node.carry, entry, frame)
        inner = Place(path, 0)
        with self.names(frame, node.let):
            self.lets(node, node.let, frame)
            if node.kind == "stage":
                result = self.region(node.body, frame, inner)
            else:
                with self.scope(frame, "branch", str(node.key), path, node, entry) as scope:
                    result = self.region(node.body, frame, inner)
                    scope.output = result
        self.set(node.out, result, frame)
        self.by_path[path] = result

    def loop(self, node: ir.Loop, frame: Frame, place: Place) -> None:
        self.facts.reached.setdefault(node.id, self.called_with)
        rows = self.table(node, frame)
        inside = place if node.inline else Place(place.child(node.key, node.span), 0)
        frame.containers[node] = inside.path
        entries = [self.operand(operand, frame) for operand in node.entries]
        for row, tensor in zip(rows, entries, strict=False):
            row[node.entered] = (tensor.shape[0], self.origins.get(tensor, NONE))
        entry = current = self.operand(node.entry, frame)
        results = []
        seen: list[dict[str, Constant]] | None = None if node.id in self.facts.rows else []
        staged = frame.function.staged
        bound = (
            node.columns,
            TURN_NAMES,
            node.let,
            ("c_in", "h_in", "w_in") if staged else (),
            TABLE_NAMES if node.table else (),
        )
        outside, frame.tabled = frame.tabled, frame.tabled or node.table
        with self.names(frame, *bound):
            if node.table:
                frame.values["turn"] = 0
                frame.values["turns"] = self.turns_of(node, frame, rows) if node.counted else len(rows)
                self.note((node.id, "turns"), frame.values["turns"], NONE)
            for index, row in enumerate(rows):
                self.budget(node)
                current = entries[index] if entries else current
                if staged:
                    self.enter(frame, current)
                self.set(node.carry, current, frame)
                self.bind_row(node, frame, row, index, len(rows))
                if seen is not None:
                    seen.append({n: frame.values[n] for n in (*node.columns, *node.let)})
                result = self.turn(node, frame, inside, row, current)
                if frame.tabled and not any(isinstance(inner, ir.Loop) for inner in node.body.nodes):
                    frame.values["turn"] += 1
                results.append(result)
                current = entry if node.parallel else result
        frame.tabled = outside
        if seen is not None:
            self.facts.rows[node.id] = seen
        self.facts.turns.setdefault(node.id, set()).add(len(rows))
        if len(rows) > 1:
            self.facts.ran.add(node.body.id)
        if isinstance(current, Tensor) and isinstance(entry, Tensor) and current.shape[0] != entry.shape[0]:
            self.origins[current] = self.origins.get(current, NONE) | self.count_origin(node, frame)
        self.set(node.out, results if node.parallel else current, frame)
        if not node.inline and not node.parallel:
            self.by_path[inside.path] = current

    def count_origin(self, node: ir.Loop, frame: Frame) -> Deps:
        """The params behind how often a loop turns."""
        expr = node.count if node.count is not None else node.rows
        return self.behind(expr, frame) if expr is not None and not isinstance(expr, ListOf) else NONE

    def turns_of(self, node: ir.Loop, frame: Frame, rows: Sequence[Mapping[str, tuple[Constant, Deps]]]) -> int:
        """How many turns a table has in all: those of the repeats in its rows, or the rows themselves."""
        inner = [n for n in node.body.nodes if isinstance(n, ir.Loop)]
        if not inner:
            return len(rows)
        total, wanted = 0, needed(inner, node.let)
        with self.names(frame, node.columns, node.let, TURN_NAMES):
            for index, row in enumerate(rows):
                frame.values.update({name: value for name, (value, _) in row.items()})
                frame.values.update(zip(TURN_NAMES, (index, index == 0, index == len(rows) - 1), strict=True))
                for name in wanted:
                    frame.values[name] = evaluate(node.let[name], frame.values)
                total += sum(len(self.table(loop, frame)) for loop in inner)
        return total

    def budget(self, node: ir.Operation) -> None:
        self.turns += 1
        if self.turns > MAX_TURNS:
            raise self.placed(fault("too-large", f"more than {MAX_TURNS} repeats in all", node.span))

    def bind_row(
        self, node: ir.Loop, frame: Frame, row: Mapping[str, tuple[Constant, Deps]], index: int, count: int
    ) -> None:
        for position, (name, (value, deps)) in enumerate(row.items()):
            frame.values[name], frame.deps[name] = value, deps
            frame.note_given(name, cell_of(node.rows, index, position))
            self.note((node.id, name), value, deps)
        for name, value in zip(TURN_NAMES, (index, index == 0, index == count - 1), strict=True):
            frame.values[name] = value
            frame.deps[name] = NONE
            self.note((node.id, name), value, NONE)
        self.lets(node, node.let, frame)

    def turn(
        self, node: ir.Loop, frame: Frame, inside: Place, row: Mapping[str, tuple[Constant, Deps]], entry: Any
    ) -> Any:
        """One row or turn; a row of a table is a scope, and with `wrap` a container of its own."""
        name = self.row_name(node, row["name"][0]) if node.table and "name" in row else None
        if not node.wrap:
            if name is not None:
                return self.named_turn(node, frame, inside, name)
            kind = "row" if node.table else "turn"
            with self.scope(frame, kind, str(inside.count), f"{inside.path}.{inside.count}", node, entry) as scope:
                scope.output = self.region(node.body, frame, inside)
            return scope.output
        path = inside.child(name, node.span)
        with self.scope(
            frame, "row" if node.table else "branch", name or path.rsplit(".", 1)[-1], path, node, entry
        ) as scope:
            scope.output = self.by_path[path] = self.region(node.body, frame, Place(path, 0))
        return scope.output

    def row_name(self, node: ir.Loop, name: Constant) -> str:
        """The key of a row: a table that is a param's value is checked here, a written one where it is read."""
        reason = unfit_row(name)
        if reason is not None:
            span = (node.rows.span if node.rows is not None else None) or node.span
            raise self.placed(fault("bad-name", f"'{name}' cannot name a row: {reason}", span, help="choose another"))
        return str(name)

    def named_turn(self, node: ir.Loop, frame: Frame, inside: Place, name: str) -> Any:
        """A row that is one module: that has the row's name."""
        entry = self.operand(node.carry, frame)
        inside.row = name
        try:
            with self.scope(frame, "row", name, f"{inside.path}.{name}", node, entry) as scope:
                scope.output = self.region(node.body, frame, inside)
        finally:
            inside.row = None
        return scope.output

    def table(self, node: ir.Loop, frame: Frame) -> list[dict[str, tuple[Constant, Deps]]]:
        """The rows of a loop, each a value and its origins by column."""
        if node.count is not None:
            count, _ = self.value(node.count, frame, (node.id, "count"))
            if type(count) is not int or count < 0:
                raise self.placed(
                    fault(
                        "bad-value",
                        f"repeat takes a whole number, at least 0, not {show(node.count)} = {count!r}",
                        node.count.span or node.span,
                        help="round it with ceil(), int() or round()" if isinstance(count, float) else "",
                    ),
                    frame.origins_of(node.count),
                )
            if count > MAX_TURNS:
                raise self.placed(
                    fault(
                        "too-large", f"{count} repeats are too many (at most {MAX_TURNS})", node.count.span or node.span
                    )
                )
            return [{}] * count
        assert node.rows is not None
        rows, deps = self.value(node.rows, frame, (node.id, "rows"))
        if not isinstance(rows, list) or not rows:
            raise self.placed(fault("bad-rows", "in: takes a list of rows, at least one", node.rows.span or node.span))
        if len(rows) > MAX_TURNS:
            message = f"{len(rows)} rows are too many (at most {MAX_TURNS})"
            raise self.placed(fault("too-large", message, node.rows.span or node.span))
        return [self.row(node, frame, row, index, deps) for index, row in enumerate(rows)]

    def row(
        self, node: ir.Loop, frame: Frame, row: Constant, index: int, deps: Deps
    ) -> dict[str, tuple[Constant, Deps]]:
        cells = row if isinstance(row, list) and (len(node.columns) > 1 or len(row) == 1) else [row]
        span = node.span
        items = getattr(node.rows, "items", None)
        if items and index < len(items) and items[index].span:
            span = items[index].span
        if len(cells) > len(node.columns):
            raise self.placed(
                fault("bad-rows", f"this row has {len(cells)} entries for the columns {', '.join(node.columns)}", span)
            )
        found: dict[str, tuple[Constant, Deps]] = {
            name: (value, deps) for name, value in zip(node.columns, cells, strict=False)
        }
        for name in node.columns[len(cells) :]:
            if name not in node.column_defaults:
                raise self.placed(fault("bad-rows", f"this row has no entry for '{name}'", span))
            known = {**frame.values, **{n: v for n, (v, _) in found.items()}}
            found[name] = (evaluate(node.column_defaults[name], known), deps)
        return found

    def listed(self, node: ir.Pack, frame: Frame, place: Place) -> None:
        tensors = self.operands(node.ins, frame)
        if node.running:
            tensors = self.running(node, tensors, frame, place)
        self.named_parts(node, len(tensors), "branches")
        self.set(node.out, tensors, frame)

    def named_parts(self, node: ir.Operation, count: int, what: str) -> None:
        """Raises if a list has other names than it has tensors."""
        names_ = node.out.parts
        if names_ and len(names_) != count:
            named = f"{len(names_)} name{'s' * (len(names_) > 1)}"
            raise self.placed(fault("several-names", f"{named} for {count} {what}", node.span))

    def running(self, node: ir.Pack, tensors: list[Tensor], frame: Frame, place: Place) -> list[Tensor]:
        """b1, b1 + b2, …, each sum an `add`."""
        sums, add = tensors[:1], REGISTRY["add"]
        for tensor in tensors[1:]:
            left, right = ir.Value("x"), ir.Value("x")
            frame.tensors[left], frame.tensors[right] = sums[-1], tensor
            step = ir.Primitive(op=add, fields={}, ins=(left, right), out=ir.Value("x"), span=node.span)
            step.id, step.out.id = node.id, node.out.id  # what is found out about the sums is the list's
            self.op(step, frame, place)
            sums.append(frame.tensors[step.out])
        return sums


_ABSENT: Any = object()


def cell_of(rows: Expr | None, index: int, position: int) -> Expr:
    """The cell of a table that the spec writes out, else the row or the whole."""
    found: Expr = rows if rows is not None else Lit(None)
    for place in (index, position):
        if isinstance(found, ListOf) and place < len(found.items):
            found = found.items[place]
    return found


def size_word(params: Iterable[str]) -> str:
    """What a network calls the height and width of its only input, beside its own params."""
    return unique(SIZE, params)


def is_image(origin: Origin) -> bool:
    """Whether the argument IMAGE is the channels of the only input: a param of that name may be anything else."""
    if IMAGE not in origin.function.params:
        return True
    shapes = [shape for shape in origin.spec.inputs.values() if isinstance(shape, ListOf)]
    return len(shapes) == 1 and shapes[0].items[:1] == (Name(IMAGE),)


def ratio(shape: Shape, entered: Sequence[Constant]) -> Constant:
    """Height and width of a map as multiples (or parts) of those that entered the block; None if they are none."""
    found: list[Constant] = []
    for own, size in zip(entered, shape[-2:] if len(shape) == 3 else (), strict=False):
        if not isinstance(own, int) or (own % size and size % own):
            return None
        found.append([size // own, 1] if size % own == 0 else [1, own // size])
    return found or None


def complete(node: ir.Loop, row: list[Constant], values: Mapping[str, Constant]) -> list[Constant]:
    """A row with the cells that it leaves out, as far as the params and the row itself tell them."""
    for name in node.columns[len(row) :]:
        known = {**values, **dict(zip(node.columns, row, strict=False))}
        default = node.column_defaults.get(name)
        if default is None or any(n.id not in known for n in names(default)):
            break
        row = [*row, evaluate(default, known)]
    return row


def multiple(channels: int, entering: Constant) -> Constant:
    """By how much the channels that entered the block are to be multiplied and divided; None if that is not whole."""
    if not isinstance(entering, int) or (channels % entering and entering % channels):
        return None
    return [channels // entering, 1] if channels % entering == 0 else [1, entering // channels]


def needed(loops: Iterable[ir.Loop], let: Mapping[str, Expr]) -> list[str]:
    """The lets on which the turns of loops hang, in order."""
    read = {n.id for loop in loops for expr in (loop.count, loop.rows) if expr is not None for n in names(expr)}
    for name, expr in reversed(list(let.items())):
        if name in read:
            read |= {n.id for n in names(expr)}
    return [name for name in let if name in read]


def checked(item: Field, value: Constant, expr: Expr, span: Span) -> Constant:
    """The value of a field, or a fault at its place."""

    def wrong(wanted: str) -> SpecError:
        help_ = (
            "round it with int(), round() or make_divisible()"
            if isinstance(value, float) and item.kind in ("int", "axes", "ints")
            else ""
        )
        text = show(expr)
        shown = f"{value!r}" if isinstance(expr, Lit) else f"{text} = {value!r}"
        return fault("bad-value", f"{item.name} takes {wanted}, not {shown}", span, help=help_)

    if isinstance(value, str) and item.choices:
        if value in item.choices:
            return value
        hint = did_you_mean(value, item.choices) or f"known are {', '.join(item.choices)}"
        raise fault("bad-word", f"{item.name} has no word '{value}'", span, help=hint)
    if value is None and item.default is None:
        return None
    match item.kind:
        case "int":
            if type(value) is not int:
                raise wrong("a whole number")
        case "number":
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise wrong("a number")
        case "bool":
            if not isinstance(value, bool):
                raise wrong("true or false")
        case "word":
            raise wrong(f"one of {', '.join(item.choices)}")
        case "text":
            if not isinstance(value, str):
                raise wrong("text")
        case "axes" | "ints":
            entries = value if isinstance(value, list) else [value]
            if not entries or not all(type(n) is int for n in entries):
                raise wrong("a whole number or a list of them")
    limits = [
        n
        for n in (value if isinstance(value, list) else [value])
        if isinstance(n, (int, float)) and not isinstance(n, bool)
    ]
    if item.minimum is not None and any(n < item.minimum for n in limits):
        raise wrong(f"at least {item.minimum:g}")
    if item.maximum is not None and any(n > item.maximum for n in limits):
        raise wrong(f"at most {item.maximum:g}")
    if any(abs(n) > MAX_SIDE for n in limits):
        raise wrong(f"at most {MAX_SIDE}")
    return value


def known_kind(seen: Fact, value: Constant) -> None:
    """Adds what a value is to what those of its place were."""
    seen.kinds.add(type_name(value))
    if isinstance(value, str):
        seen.words[value] = None


def type_name(value: Constant) -> str:
    """The type of a value as emitted source has it: a list is a tuple there."""
    return annotation([value])


def annotation(values: Sequence[Constant]) -> str:
    """The type of all of some values; of a table, that of its rows."""
    lists = [value for value in values if isinstance(value, list)]
    found = scalar_types(values)
    if lists:
        found.add(f"tuple[{items_annotation(lists)}]")
    return " | ".join(sorted(found))


def scalar_types(values: Sequence[Constant]) -> set[str]:
    """The types of those values that are no lists; a whole number will do where floats are taken."""
    found = {"None" if v is None else type(v).__name__ for v in values if not isinstance(v, list)}
    return found - {"int"} if "float" in found else found


def items_annotation(lists: Sequence[list[Constant]]) -> str:
    """The types of the items of lists: spelled out for a few items, or for a row of a table."""
    items = [item for value in lists for item in value]
    if not items:
        return "()"
    size = len(lists[0])
    kinds = len(scalar_types(items)) + any(isinstance(item, list) for item in items)
    row = kinds > 1 and not isinstance(items[0], list)
    if all(len(value) == size for value in lists) and (size <= MAX_SPELT or row) and not is_table(lists):
        return ", ".join(annotation(column) for column in zip(*lists, strict=True))
    return f"{annotation(items)}, ..."


def is_table(lists: Sequence[list[Constant]]) -> bool:
    """Whether each list is one of rows."""
    return all(isinstance(item, list) and len(item) > 1 for value in lists for item in value)


_CHANNEL_NAMES: dict[str, frozenset[str] | None] = {}


def channel_names(op: Op) -> frozenset[str] | None:
    """The fields (and `c`) that an op's channel rule reads; None if it cannot be told."""
    if op.name not in _CHANNEL_NAMES:
        marks = SimpleNamespace(**{f.name: Name(f.name) for f in op.fields})
        try:
            rule: Any = op.channels(marks, [Name("c"), Name("c")] if op.many else Name("c"), (1, 1))
            _CHANNEL_NAMES[op.name] = frozenset(n.id for n in names(rule)) if isinstance(rule, Expr) else None
        except Exception:  # noqa: BLE001 - a rule that needs numbers tells nothing
            _CHANNEL_NAMES[op.name] = None
    return _CHANNEL_NAMES[op.name]


__all__ = ["Elaborator", "elaborate"]
