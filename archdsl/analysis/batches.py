"""The domain of costs of many settings at once: a number that differs between them is an array with an entry for each.

One run costs all settings that take the same way through the program. Where a condition or a number of turns tells
them apart, the run begins anew for each side. What cannot be computed so, and every fault, is left to a run of the
setting alone, which is what each row equals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from archdsl.analysis.counting import Costs, Counted, Kept, run, traced_in
from archdsl.analysis.fields import checked, lists_words, place_of
from archdsl.analysis.frames import Frame
from archdsl.analysis.limits import MAX_SIDE
from archdsl.analysis.setting import setting_of
from archdsl.analysis.trace import Part, Trace, Worker
from archdsl.diagnostics.faults import Diagnostic, SpecError
from archdsl.expr.evaluate_many import evaluate
from archdsl.expr.fold import filled_in
from archdsl.expr.given import kind, plain_value
from archdsl.expr.many import Alone, Many, Split, entries, form, larger, settled, together, varies
from archdsl.expr.nodes import Constant, Expr, wrap
from archdsl.ir import program as ir
from archdsl.ops import REGISTRY, Field
from archdsl.syntax.spec import Spec

FEW = 16  # settings that are run one by one sooner than together

Inputs: TypeAlias = "Mapping[str, Sequence[int]] | Sequence[int] | None"


@dataclass(frozen=True)
class Call:
    """What a network is run with: a variant, params over it, the shapes of inputs."""

    variant: str | None
    params: Mapping[str, Any]
    inputs: Inputs


@dataclass(frozen=True)
class Counts:
    """What is counted of a network: of one setting, or with arrays of many."""

    params: Any
    macs: Any
    peak: Any  # elements alive at once
    receptive_field: Any
    stages: Mapping[str, Any]  # of each stage that gives one tensor, its shape


class Whole:
    """A network to be counted in many settings: its program, and what runs of it share."""

    def __init__(self, spec: Spec, program: ir.Program, before: tuple[Spec, ir.Program] | None = None) -> None:
        self.spec, self.program, self.kept = spec, program, Kept()
        self.before = Whole(*before) if before is not None else None  # the network whose joins passes took out
        own = REGISTRY.own()  # whose rules may do with a number what an array does not
        self.own = any(isinstance(node, ir.Primitive) and node.op.name in own for node in walk(program))

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process: without what runs have gathered here."""
        before = (self.before.spec, self.before.program) if self.before is not None else None
        return Whole, (self.spec, self.program, before)

    def each(self, calls: Sequence[Call]) -> list[Counts | Diagnostic]:
        """What is counted in each setting, or the first fault of it."""
        found: list[Any] = [None] * len(calls)
        waiting = self.alike(calls)
        while waiting:
            group = waiting.pop()
            chosen = [calls[n] for n in group]
            try:
                results = self.alone(chosen) if len(group) < FEW or self.own else self.together(chosen)
            except Split as split:
                waiting += [[group[n] for n in places] for places in split.groups]
                continue
            for place, result in zip(group, results, strict=True):
                found[place] = result
        return found

    def alike(self, calls: Sequence[Call]) -> list[list[int]]:
        """The settings whose numbers can stand side by side."""
        groups: dict[Any, list[int]] = {}
        for place, call in enumerate(calls):
            given = tuple((name, form(value)) for name, value in call.params.items())
            groups.setdefault((call.variant, given, form_of(call.inputs)), []).append(place)
        return list(groups.values())

    def together(self, calls: Sequence[Call]) -> list[Counts | Diagnostic]:
        """What is counted in settings of one form; raises `Split` where they do not go the same way."""
        try:
            with np.errstate(all="ignore"):
                if self.before is not None:
                    self.before.counted(calls)
                return of_each(self.counted(calls), len(calls))
        except (Alone, Exception):  # noqa: BLE001 - faults are told of each setting, and so is what arrays cannot do
            return self.alone(calls)

    def counted(self, calls: Sequence[Call]) -> Counts:
        spec, function = self.spec, self.program.main
        first = calls[0]
        variant = spec.chosen(first.variant, first.params)
        params = {name: together([plain_value(c.params[name], name) for c in calls]) for name in first.params}
        inputs = beside([c.inputs for c in calls])
        chosen = setting_of(spec, function, variant, params, inputs, evaluate)
        domain = Batches(Kept(self.kept.plans))
        trace, _ = traced_in(domain, spec, self.program, chosen.values, chosen.shapes)
        return counts(trace)

    def alone(self, calls: Sequence[Call]) -> list[Counts | Diagnostic]:
        return [self.one(call) for call in calls]

    def one(self, call: Call) -> Counts | Diagnostic:
        given = call.variant, call.params, call.inputs
        try:
            if self.before is not None:
                run(self.before.spec, self.before.program, self.before.kept, *given)
            return counts(run(self.spec, self.program, self.kept, *given).trace)
        except SpecError as error:
            return error.diagnostics[0]


def walk(program: ir.Program) -> Sequence[ir.Operation]:
    return [node for function in program.functions for node in function.walk()]


def form_of(inputs: Inputs) -> Any:
    """What the shapes of inputs have in common that can stand side by side."""
    if isinstance(inputs, Mapping):
        return tuple((name, form(list(shape))) for name, shape in inputs.items())
    return None if inputs is None else form(list(inputs))


def beside(inputs: Sequence[Inputs]) -> Inputs:
    """The shapes of inputs in all settings."""
    first = inputs[0]
    if isinstance(first, Mapping):
        found: dict[str, Any] = {name: together([list(one[name]) for one in inputs]) for name in first}  # type: ignore[index, call-overload]
        return found
    return None if first is None else together([list(one) for one in inputs])  # type: ignore[arg-type]


def counts(trace: Trace) -> Counts:
    total = trace.total()
    parts = [part for part in trace.root.children if isinstance(part, Part) and part.kind == "stage"]
    stages = {part.name: trace.shapes[part.result] for part in parts if part.result is not None}
    return Counts(total.params, total.macs, trace.peak(), trace.last_field(trace.reaches()), stages)


def of_each(found: Counts, count: int) -> list[Counts | Diagnostic]:
    """Counts with arrays as those of each setting."""
    names = list(found.stages)
    columns = (found.params, found.macs, found.peak, found.receptive_field, *found.stages.values())
    rows = zip(*(entries(column, count) for column in columns), strict=True)
    return [
        Counts(params, macs, peak, field, dict(zip(names, shapes, strict=True)))
        for params, macs, peak, field, *shapes in rows
    ]


class Traces(Trace):
    """A trace of many settings."""

    @staticmethod
    def larger(left: Any, right: Any) -> Any:
        return larger(left, right)


class Batches(Costs):
    """Counts what runs, of many settings."""

    compute = staticmethod(evaluate)
    settled = staticmethod(settled)

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept)
        self.trace = Traces()
        self.part = self.trace.root

    def field(self, node: ir.Primitive, item: Field, expr: Expr, frame: Frame) -> Any:
        if item.kind == "formula":
            known = {name: settled(frame.values[name]) for name in expr.mentioned if name in frame.values}
            return filled_in(expr, {name: wrap(value) for name, value in known.items()})
        value = self.value(expr, node, item.name, frame)
        if item.kind in ("bool", "word", "text"):
            value = settled(value)
        if not varies(value):
            return checked(item, value, expr, place_of(item, node))
        fit(item, value)
        return value

    def truth(self, node: ir.If, frame: Frame) -> bool:
        value = self.value(node.condition, node, "condition", frame)
        if isinstance(value, Many) and value.kind is not float:
            return bool(value)
        return super().truth(node, frame)

    def worker(self, node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[Counted]) -> Worker:
        return self.made(node, fields, inputs)

    def key(self, inner: Frame, tensors: Sequence[Counted], further: Mapping[str, Any]) -> None:
        """Calls are not compared: arrays take as long to tell apart as to compute."""


WHOLE, NUMBER = frozenset(("int", "axes", "ints")), frozenset(("number", "factors"))


def fit(item: Field, value: Constant) -> None:
    """Raises unless values may stand in a field in every setting."""
    many = isinstance(value, list)
    if item.kind not in WHOLE | NUMBER or (many and item.kind in ("int", "number")):
        raise Alone
    for entry in value if many else [value]:
        if isinstance(entry, str) and entry in item.choices and lists_words(item):
            continue
        if kind(entry) is not int and (kind(entry) is not float or item.kind in WHOLE):
            raise Alone
        below = item.minimum is not None and entry < item.minimum
        if below or (item.maximum is not None and entry > item.maximum) or abs(entry) > MAX_SIDE:
            raise Alone
