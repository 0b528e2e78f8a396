"""The domain of numbers and shapes: every expression has its value, a condition one side, a loop all of its turns."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

from archdsl.analysis import refusals
from archdsl.analysis.domain import Domain, F, Row
from archdsl.analysis.fields import Plan, checked, place_of, plan
from archdsl.analysis.limits import MAX_ELEMENTS, MAX_TURNS
from archdsl.analysis.tables import needed
from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.expr.evaluate import evaluate, items_in
from archdsl.expr.fold import filled_in
from archdsl.expr.nodes import Compare, Constant, Expr, Name, wrap
from archdsl.ir import program as ir
from archdsl.ops import Field, Op
from archdsl.ops.base import NEEDS_NUMBERS, OpFault, Shape, times
from archdsl.syntax.identifiers import TURN_NAMES, unfit_row


class Shaped(Protocol):
    """What a tensor of this domain has."""

    @property
    def shape(self) -> Shape: ...


S = TypeVar("S", bound=Shaped)


class Numbers(Domain[S, F]):
    """Computes every number and every shape, and makes every check; what a tensor is beside its shape stays open."""

    def __init__(self, plans: dict[ir.Primitive, Plan] | None = None) -> None:
        super().__init__()
        self.plans = plans if plans is not None else {}

    # --- names and values
    compute = staticmethod(evaluate)  # the value of an expression

    @staticmethod
    def settled(value: Constant) -> Constant:
        """A value that the run itself follows: how often a loop turns, which tensor of a list is meant."""
        return value

    def value(self, expr: Expr, owner: ir.Numbered, word: str, frame: F) -> Constant:
        """The value of an expression that stands at a place of the program."""
        if isinstance(expr, Name) and expr.id in frame.values:  # most arguments are, and nothing is made
            return frame.values[expr.id]
        return self.evaluated(expr, frame.values)

    def evaluated(self, expr: Expr, values: Mapping[str, Constant]) -> Constant:
        """The value of an expression; the lists that it makes are counted."""
        value = self.compute(expr, values)
        if type(value) is list and not isinstance(expr, Name):
            self.listed(items_in(value))
        return value

    def origins_of(self, expr: Expr, frame: F) -> tuple[Note, ...]:
        """Notes that tell where the names of an expression got their values."""
        return ()

    def let(self, owner: ir.Numbered, name: str, expr: Expr, frame: F) -> None:
        frame.values[name] = self.evaluated(expr, frame.values)

    def argument(self, node: ir.Call, name: str, expr: Expr, frame: F, inner: F) -> None:
        inner.values[name] = self.value(expr, node, name, frame)

    def state(self, owner: ir.Numbered, name: str, value: Constant, frame: F) -> None:
        frame.values[name] = value

    def enter(self, frame: F, tensor: S, block: ir.Function | None = None) -> None:
        values, shape = frame.values, tensor.shape
        values["c_in"] = shape[0]
        values["h_in"] = shape[-2] if len(shape) > 2 else None
        values["w_in"] = shape[-1] if len(shape) > 1 else None

    def measure(self, owner: ir.Numbered | None, name: str, value: S | list[S], frame: F) -> None:
        frame.values[name] = channels_of(value)

    def position(self, item: ir.Item, frame: F) -> Constant:
        return self.settled(self.compute(item.index, frame.values))

    # --- primitives
    def fields(self, node: ir.Primitive, frame: F) -> SimpleNamespace:
        known = self.plans.get(node)
        if known is None:
            known = self.plans[node] = plan(node)
        values = dict(known.constant)
        for item, expr in known.rest:
            values[item.name] = self.field(node, item, expr, frame)
        return SimpleNamespace(**values)

    def field(self, node: ir.Primitive, item: Field, expr: Expr, frame: F) -> Any:
        """The value of a field; a formula stays an expression, over the numbers that it reads."""
        if item.kind == "formula":
            known = {name: frame.values[name] for name in expr.mentioned if name in frame.values}
            return filled_in(expr, {name: wrap(value) for name, value in known.items()})
        try:
            return checked(item, self.value(expr, node, item.name, frame), expr, place_of(item, node))
        except SpecError as error:
            patched = refusals.patched_step(node, place_of(item, node))
            raise self.trail.placed(error, (*self.origins_of(expr, frame), *patched)) from None

    def shapes(self, node: ir.Primitive, fields: SimpleNamespace, inputs: Sequence[S]) -> Sequence[Shape]:
        """The shapes that leave a primitive."""
        try:
            found: Sequence[Shape] = node.op.shapes(fields, *(tensor.shape for tensor in inputs))
        except OpFault as problem:
            found = self.refused(node, problem, fields, inputs)
        for shape in found:
            if math.prod(shape) > MAX_ELEMENTS:
                raise self.trail.placed(fault("too-large", f"a tensor of {times(shape)} is too large", node.span))
        return found

    @abstractmethod
    def refused(
        self, node: ir.Primitive, problem: OpFault, fields: SimpleNamespace, inputs: Sequence[S]
    ) -> Sequence[Shape]:
        """An op refuses what it got: raises, or takes note of it and tells what would leave nonetheless."""

    # --- calls and conditions
    def require(self, block: ir.Function, expr: Expr, frame: F) -> None:
        if self.settled(self.compute(expr, frame.values)) is not True:
            raise self.trail.placed(refusals.unmet(block, expr, frame.values))

    def truth(self, node: ir.If, frame: F) -> bool:
        """Whether a condition holds."""
        try:
            value = self.value(node.condition, node, "condition", frame)
        except SpecError as error:
            raise self.trail.placed(error, self.origins_of(node.condition, frame)) from None
        if not isinstance(value, (bool, int)) and value is not None:
            origins = self.origins_of(node.condition, frame)
            raise self.trail.placed(refusals.no_truth(node, value), origins)
        return bool(value)

    def sides(self, node: ir.If, frame: F) -> Sequence[ir.Region]:
        return (node.then,) if self.truth(node, frame) else (node.other,)

    def either(self, node: ir.If, results: Sequence[Any], frame: F) -> Any:
        return results[0]

    def bad_choice(self, node: ir.If, frame: F) -> SpecError:
        assert isinstance(node.condition, Compare)
        return refusals.no_choice(node, evaluate(node.condition.left, frame.values))

    def holds(self, auxiliary: ir.Auxiliary, frame: F) -> bool:
        return bool(self.value(auxiliary.condition, auxiliary, "condition", frame))

    # --- modules that run again
    def fits(self, entered: Sequence[Any], tensors: Sequence[Any]) -> bool:
        """The same channels, and as many axes; their lengths may differ."""
        return list(map(fixed_part, entered)) == list(map(fixed_part, tensors))

    # --- loops
    def rows(self, node: ir.Loop, frame: F) -> list[Row]:
        return [{} for _ in range(self.count(node, frame))] if node.count is not None else self.table(node, frame)

    def count(self, node: ir.Loop, frame: F) -> int:
        """How often a loop turns that has no rows."""
        assert node.count is not None
        count = self.settled(self.value(node.count, node, "count", frame))
        if type(count) is not int or count < 0:
            raise self.trail.placed(refusals.no_count(node, count), self.origins_of(node.count, frame))
        if count > MAX_TURNS:
            message = f"{count} repeats are too many (at most {MAX_TURNS})"
            raise self.trail.placed(fault("too-large", message, node.count.span or node.span))
        return count

    def table(self, node: ir.Loop, frame: F) -> list[Row]:
        """The rows of a loop by column."""
        assert node.rows is not None
        rows, span = self.value(node.rows, node, "rows", frame), node.rows.span or node.span
        if not isinstance(rows, list) or not rows:
            raise self.trail.placed(fault("bad-rows", "in: takes a list of at least one row", span))
        if len(rows) > MAX_TURNS:
            raise self.trail.placed(fault("too-large", f"{len(rows)} rows are too many (at most {MAX_TURNS})", span))
        return [self.row(node, row, index, frame.values) for index, row in enumerate(rows)]

    def row(self, node: ir.Loop, row: Constant, index: int, values: Mapping[str, Constant]) -> Row:
        """The cells of a row, those that it leaves out by the defaults of their columns."""
        cells = row if isinstance(row, list) and (len(node.columns) > 1 or len(row) == 1) else [row]
        if len(cells) > len(node.columns):
            message = f"this row has {len(cells)} entries for the columns {', '.join(node.columns)}"
            raise self.trail.placed(fault("bad-rows", message, refusals.row_span(node, index)))
        found: Row = dict(zip(node.columns, cells, strict=False))
        for name in node.columns[len(cells) :]:
            if name not in node.column_defaults:
                message = f"this row has no entry for '{name}'"
                raise self.trail.placed(fault("bad-rows", message, refusals.row_span(node, index)))
            found[name] = self.evaluated(node.column_defaults[name], {**values, **found})
        return found

    def entered(self, node: ir.Loop, row: Row, tensor: S) -> None:
        row[node.entered] = tensor.shape[0]

    def begin_table(self, node: ir.Loop, rows: Sequence[Row], frame: F) -> None:
        frame.values["turn"] = 0
        frame.values["turns"] = self.turns_of(node, rows, frame) if node.counted else len(rows)

    def turns_of(self, node: ir.Loop, rows: Sequence[Row], frame: F) -> int:
        """How many turns a table has in all: those of the repeats in its rows, or the rows themselves."""
        inner = [n for n in node.body.nodes if isinstance(n, ir.Loop)]
        if not inner:
            return len(rows)
        total, wanted = 0, needed(inner, node.let)
        kept = frame.keep((*node.columns, *node.let, *TURN_NAMES))
        for index, row in enumerate(rows):
            frame.values.update(row)
            frame.values.update(turn_values(index, len(rows)))
            for name in wanted:
                frame.values[name] = self.compute(node.let[name], frame.values)
            total += sum(len(self.rows(loop, frame)) for loop in inner)
        frame.restore(kept)
        return total

    def next_turn(self, frame: F) -> None:
        frame.values["turn"] += 1

    def bind_row(self, node: ir.Loop, row: Row, index: int, count: int, frame: F) -> None:
        frame.values.update(row)
        frame.values.update(turn_values(index, count))

    def row_name(self, node: ir.Loop, name: Any) -> str:
        # A table that is a param's value is checked here, a written one where it is read.
        reason = unfit_row(name)
        if reason is not None:
            raise self.trail.placed(refusals.unfit_row_name(node, name, reason))
        return str(name)

    def left(self, node: ir.Loop, rows: Sequence[Row], entry: S, current: S, results: Sequence[Any], frame: F) -> Any:
        return results if node.parallel else current


def fixed_part(value: Any) -> Any:
    """What of the shape of a tensor, or of each of a list, the module that it enters is made for."""
    return list(map(fixed_part, value)) if isinstance(value, list) else (value.shape[0], len(value.shape))


def made_with(op: Op, fields: Mapping[str, Any], entered: Shape) -> tuple[Any, ...]:
    """What tells the modules of an op apart that may be one: what they are made with, not the size that enters."""
    own = {name: value for name, value in fields.items() if (item := op.field(name)) is None or item.kind != "tensor"}
    return op.name, own, entered[0], len(entered)


def turn_values(index: int, count: int) -> dict[str, Constant]:
    """`i`, `first` and `last` of a turn."""
    return dict(zip(TURN_NAMES, (index, index == 0, index == count - 1), strict=True))


def channels_of(value: Shaped | Sequence[Shaped]) -> Constant:
    """The channels of a tensor, or of each of a list, once if they are alike."""
    if not isinstance(value, list):
        return value.shape[0]  # type: ignore[union-attr]
    channels = [tensor.shape[0] for tensor in value]
    return channels[0] if all(c == channels[0] for c in channels) else channels


def after_fault(node: ir.Primitive, fields: SimpleNamespace, shapes: Sequence[Shape]) -> Sequence[Shape]:
    """The shape that an op's rule gives without its check, to find independent faults behind it."""
    first, op = shapes[0], node.op
    c: Any = [shape[0] for shape in shapes] if op.many else first[0]
    try:
        found = (op.channels(fields, c, first[1:]), *op.size(fields, first[1:]))
    except NEEDS_NUMBERS:
        raise SpecError from None
    if node.out.many or not all(type(n) is int and n > 0 for n in found):
        raise SpecError from None
    return (found,)
