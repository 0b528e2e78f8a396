"""Arithmetic over tensors and numbers as one step."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.evaluate import OF_TENSORS, evaluate
from archdsl.expr.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Expr,
    ListOf,
    Lit,
    Name,
    Unary,
    children,
    names,
    rebuild,
)
from archdsl.expr.show import show
from archdsl.expr.simplify import simplify
from archdsl.ops.axes import dim, place_of_axis
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, Site, atom
from archdsl.ops.join import check_spread, spread

if TYPE_CHECKING:
    from torch import Tensor

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
ELEMENTWISE = ("sqrt", "exp", "log", "abs")
DIGITS = 4  # of a number that readers see
KNOWN = f"+ - * / ** max min mean {' '.join(ELEMENTWISE)}"


class Formula(Op, name="formula"):
    """Arithmetic with tensors and numbers, as one step. An axis of size 1 is broadcast.

    It has `+ - * /`, `**` with a number as exponent, `max` and `min` element by element, `sqrt`, `exp`, `log`, `abs`,
    and `mean`: `mean(x)` over the spatial axes, `mean(x, 'c')` over the axes named, which are kept with size 1.
    """

    group, role, fresh, spreads = "join", "join", True, True
    fields = (Field("expression", "formula", doc="the formula; `input` is the block's input"),)
    example = {
        "fields": {"expression": "max((t1 + 1) * t0 + t2 * t3, t0 - 0.5)"},
        "inputs": [(8, 6, 6), (8, 1, 1), (8, 1, 1), (8, 6, 6)],
    }

    def compute(self, run: Run, *x: Tensor) -> Any:
        return valued(run.f.expression, x, run)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        check_formula(f.expression, len(shapes))
        check_spread_in(self, f.expression, shapes)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        if not size and any(is_mean(part) and not keeps_channels(part) for part in parts(f.expression)):
            raise OpFault("the channels depend on which tensors are averaged")  # the run knows the shapes
        return c

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        return shape_of(f.expression, shapes)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return max(1, products(f.expression)) * math.prod(out)

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def makes_memory(self, f: SimpleNamespace) -> bool:
        return not is_bare(f.expression)

    def function(self, e: Site, *tensors: str) -> str:
        return show(in_torch(e.f.expression, tensors, e.rank), python=True)

    def as_written(self, f: SimpleNamespace, called: Sequence[str]) -> str | None:
        return written(f.expression, called)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return show(f.expression)


def written(expression: Expr, called: Sequence[str]) -> str:
    """A formula for readers: its tensors as the spec calls them, and the numbers that its params are."""

    def visit(part: Expr) -> Expr:
        match part:
            case Name() if (index := place(part)) is not None:
                return Name(called[index])
            case Lit(value=float(value)):
                return Lit(float(f"{value:.{DIGITS}g}"))
        return rebuild(part, visit)

    return show(visit(expression))


# --- parts of a formula
def is_tensor(expr: Expr) -> bool:
    """Whether a part of a formula has a tensor in it (`t0`, `t1`, …)."""
    return any(place(name) is not None for name in names(expr))


def place(name: Name) -> int | None:
    """Which tensor `t3` is; None for a number's name."""
    return int(name.id[1:]) if name.id[:1] == "t" and name.id[1:].isdecimal() else None


def is_bare(expr: Expr) -> bool:
    """Whether a formula, as it is written or computed, may be no more than one of its tensors."""
    return isinstance(simplify(expr), Name)


def is_mean(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "mean"


def parts(expr: Expr) -> Iterator[Expr]:
    """Every part of a formula that has a tensor in it."""
    if is_tensor(expr):
        yield expr
        for child in children(expr):
            yield from parts(child)


def products(expr: Expr) -> int:
    """Multiplications and divisions of tensors, for each element."""
    return sum(isinstance(part, Binary) and part.op in ("*", "/", "**") for part in parts(expr))


def keeps_channels(mean: Expr) -> bool:
    """Whether a `mean` is over spatial axes alone, by what names them: the last axis may be that of the channels."""
    assert isinstance(mean, Call)
    return all(isinstance(arg, Lit) and arg.value in ("d", "h", "w", 1, 2, 3) for arg in mean.args[1:])


def axes_of(call: Call, rank: int) -> tuple[Constant, ...]:
    """The axes of a `mean`: those named, else the spatial ones."""
    return tuple(arg.value for arg in call.args[1:] if isinstance(arg, Lit)) or tuple(range(1, rank + 1))


# --- what may stand in one
def check_formula(expr: Expr, tensors: int) -> None:
    """Only what tensors have reaches a tensor; a part that is all numbers may be anything."""
    if not is_tensor(expr):
        raise OpFault("a formula must read a tensor", field="expression")
    for part in parts(expr):
        match part:
            case Name() if (index := place(part)) is None or index < tensors:
                continue
            case Binary(op="+" | "-" | "*" | "/") | Unary(op="-"):
                continue
            case Binary(op="**", right=exponent) if not is_tensor(exponent):
                continue
            case Call(function="max" | "min", keywords=()) if len(part.args) > 1:
                continue
            case Call(function=word, keywords=()) if word in ELEMENTWISE and len(part.args) == 1:
                continue
            case Call(function="mean", keywords=()) if all(isinstance(arg, Lit) for arg in part.args[1:]):
                continue
        message = f"a formula has {KNOWN} over tensors, no {kind_of(part)}"
        raise OpFault(message, field="expression", help=help_of(part))


def kind_of(part: Expr) -> str:
    """What a part of a formula does."""
    match part:
        case Call(function=word) if word in OF_TENSORS:
            return f"'{show(part)}'"
        case Binary(op=word) | Unary(op=word) | Compare(op=word) | Call(function=word):
            return f"'{word}'"
    return type(part).__name__.lower().replace("ifelse", "if")


def help_of(part: Expr) -> str:
    match part:
        case Call(function="mean"):
            return "write mean(x), or mean(x, 'c') with the axes in quotes"
        case Binary(op="**"):
            return "the exponent is a number"
    return ""


def check_spread_in(op: Op, expr: Expr, shapes: Sequence[Shape]) -> None:
    """Raises unless the tensors of each operation go together."""
    inner = [child for child in children(expr) if is_tensor(child)]
    for child in inner:
        check_spread_in(op, child, shapes)
    if isinstance(expr, Call) and expr.function == "mean":
        shape = shape_of(expr.args[0], shapes)
        axes = axes_of(expr, len(shape) - 1)
        if not axes:
            help = "write mean(x, 'c')"
            raise OpFault(
                "mean averages over the spatial axes, and this tensor has none", field="expression", help=help
            )
        places = [place_of_axis(axis, shape) for axis in axes]
        if len(set(places)) < len(places):
            raise OpFault("a mean cannot name an axis twice", field="expression")
    check_spread(op, [shape_of(child, shapes) for child in inner])


def shape_of(expr: Expr, shapes: Sequence[Shape]) -> Shape:
    """The shape that a part of a formula has, of tensors of these shapes."""
    if isinstance(expr, Name):
        return shapes[place(expr) or 0]
    inner = [shape_of(child, shapes) for child in children(expr) if is_tensor(child)]
    if isinstance(expr, Call) and expr.function == "mean":
        (shape,) = inner
        gone = {place_of_axis(axis, shape) for axis in axes_of(expr, len(shape) - 1)}
        return tuple(1 if index in gone else n for index, n in enumerate(shape))
    return spread(inner)


# --- meaning
def valued(expr: Expr, x: Sequence[Tensor], run: Run) -> Any:
    """What a formula comes to, part by part."""
    if not is_tensor(expr):
        return evaluate(expr, {})
    match expr:
        case Name():
            return x[place(expr) or 0]
        case Unary():
            return -valued(expr.operand, x, run)
        case Binary():
            return OPERATORS[expr.op](valued(expr.left, x, run), valued(expr.right, x, run))
        case Call(function="mean"):
            found = valued(expr.args[0], x, run)
            shape = tuple(found.shape[1:])
            axes = sorted(1 + place_of_axis(axis, shape) for axis in axes_of(expr, len(shape) - 1))
            return found.mean(axes, keepdim=True)
        case Call(function="max" | "min"):
            pick = run.torch.maximum if expr.function == "max" else run.torch.minimum
            values = [valued(arg, x, run) for arg in expr.args]
            return reduce(pick, [v if run.torch.is_tensor(v) else run.torch.tensor(v).to(x[0]) for v in values])
        case Call():
            return getattr(run.torch, expr.function)(valued(expr.args[0], x, run))
    raise AssertionError(expr)


# --- source
def in_torch(expr: Expr, tensors: tuple[str, ...], rank: int) -> Expr:
    """A formula with the texts of its tensors, and its functions in torch's words."""
    if isinstance(expr, Name):
        index = place(expr)
        return expr if index is None else Name(atom(tensors[index]))
    if not is_tensor(expr):
        return expr
    if not isinstance(expr, Call):
        return rebuild(expr, lambda part: in_torch(part, tensors, rank))
    args = [(in_torch(arg, tensors, rank), is_tensor(arg)) for arg in expr.args]
    if expr.function == "mean":
        dims = tuple(Lit(dim(axis)) for axis in axes_of(expr, rank))
        word = f"{atom(show(args[0][0], python=True))}.mean"
        return Call(word, (dims[0] if len(dims) == 1 else ListOf(dims),), (("keepdim", Lit(True)),))
    if expr.function in ELEMENTWISE:
        return Call(f"torch.{expr.function}", (args[0][0],))
    return extreme(expr.function, args)


def extreme(word: str, args: list[tuple[Expr, bool]]) -> Expr:
    """`torch.maximum` of the tensors, then `clamp` by the numbers (max is bounded below)."""
    found, *more = [arg for arg, tensor in args if tensor]
    for arg in more:
        found = Call(f"torch.{word}imum", (found, arg))
    numbers = [arg for arg, tensor in args if not tensor]
    if numbers:
        bound = numbers[0] if len(numbers) == 1 else Call(word, tuple(numbers))
        found = Call("torch.clamp", (found,), (({"max": "min", "min": "max"}[word], bound),))
    return found
