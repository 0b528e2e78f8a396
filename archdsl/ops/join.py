"""What joins several tensors: concat, add, mul, max, and formulas over them."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Binary, Call, Compare, Expr, Name, Unary, children, names, rebuild
from archdsl.expr.show import show
from archdsl.expr.simplify import simplify
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, Site, atom, times

if TYPE_CHECKING:
    from torch import Tensor


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def as_list(tensors: tuple[str, ...]) -> str:
    """Texts of branches as the source of a list; `*parts` alone is the list itself."""
    return tensors[0][1:] if len(tensors) == 1 and tensors[0].startswith("*") else f"[{', '.join(tensors)}]"


def unequal(op: Op, wanted: str, one: Shape, other: Shape, hint: str = "") -> OpFault:
    """The fault of tensors that do not go together."""
    return OpFault(f"{op.name} takes {wanted}, these are {times(one)} and {times(other)}", help=hint)


class Join(Op):
    """What joins share: branches, in the order of the file, printed as an expression."""

    group, role, many, fresh = "join", "join", True, True
    word: ClassVar[str]
    example = {"fields": {}, "inputs": [(8, 6, 6), (8, 6, 6), (8, 6, 6)]}

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        for shape in shapes[1:]:
            if shape != shapes[0]:
                raise unequal(self, "tensors of one shape", shapes[0], shape)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c[0]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.word


class Concat(Join, name="concat"):
    """Channels of all branches, one after another."""

    word, counts = "Concat", ""
    example = {"fields": {}, "inputs": [(8, 6, 6), (3, 6, 6), (5, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.cat(x, 1)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        for shape in shapes[1:]:
            if shape[1:] != shapes[0][1:]:
                raise unequal(self, "tensors that differ in channels alone", shapes[0], shape)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return sum(c[1:], start=c[0])

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def function(self, e: Site, *tensors: str) -> str:
        return f"torch.cat({as_list(tensors)}, 1)"


class Add(Join, name="add"):
    """Sum of the branches, all of one shape."""

    word, pairwise = "Add", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.add, x)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            return f"torch.stack({as_list(tensors)}).sum(0)"
        return chain("+", tensors)


class Reparam(Add, name="reparam"):
    """Sum of branches that become one convolution once the network is deployed."""


class Mul(Join, name="mul"):
    """Product of the branches; a C×1×1 one is spread over the others."""

    word, pairwise, rereads, lone_branch = "Mul", True, True, "gate"
    example = {"fields": {}, "inputs": [(8, 6, 6), (8, 1, 1)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.mul, x)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        whole = spread(shapes)
        for shape in shapes:
            if shape != whole and shape != (whole[0], *(1 for _ in whole[1:])):
                other = whole if shape == shapes[0] else shapes[0]
                flat = len(shape) != len(other)
                hint = "a flat tensor is not spread: use a 1×1 conv after global_avg_pool" if flat else ""
                raise unequal(self, "tensors of one shape, or C×1×1 ones", other, shape, hint)

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        return spread(shapes)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            return product(tensors)
        return chain("*", tensors)


class Max(Join, name="max"):
    """The greatest of the branches, element by element."""

    word, pairwise = "Max", True
    fresh = False

    def compute(self, run: Run, *x: Tensor) -> Any:
        return reduce(run.torch.maximum, x)

    def function(self, e: Site, *tensors: str) -> str:
        if any(text.startswith("*") for text in tensors):
            return f"torch.stack({as_list(tensors)}).amax(0)"
        text = tensors[0]
        for other in tensors[1:]:
            text = f"torch.maximum({text}, {other})"
        return text


def product(tensors: tuple[str, ...]) -> str:
    """`math.prod(parts, start=x)`: torch multiplies no list of tensors that it has yet to spread."""
    first = next((text for text in tensors if not text.startswith("*")), None)
    if first is None:
        whole = as_list(tensors)
        return f"math.prod({whole}[1:], start={whole}[0])"
    at = tensors.index(first)
    return f"math.prod({as_list((*tensors[:at], *tensors[at + 1 :]))}, start={first})"


def chain(sign: str, tensors: tuple[str, ...]) -> str:
    """`a + b + c`."""
    return f" {sign} ".join(atom(text) for text in tensors)


def spread(shapes: tuple[Shape, ...]) -> Shape:
    """The largest of shapes, to which the others are spread."""
    return max(shapes, key=lambda shape: (len(shape), math.prod(shape)))


class Formula(Op, name="formula"):
    """Arithmetic `+ - * max min` over tensors and numbers, as one step; C×1×1 tensors are spread."""

    group, role, fresh = "join", "join", True
    fields = (Field("expression", "formula", doc="the formula; `input` is the block's input"),)
    example = {
        "fields": {"expression": "max((t1 + 1) * t0 + t2 * t3, t0 - 0.5)"},
        "inputs": [(8, 6, 6), (8, 1, 1), (8, 1, 1), (8, 6, 6)],
    }

    def compute(self, run: Run, *x: Tensor) -> Any:
        return valued(run.f.expression, x, run)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        check_formula(f.expression, len(shapes))
        whole = spread(shapes)
        for shape in shapes:
            if shape != whole and shape != (whole[0], *(1 for _ in whole[1:])):
                raise unequal(self, "tensors of one shape, or C×1×1 ones", whole, shape)

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        return spread(shapes)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return max(1, products(f.expression)) * math.prod(out)

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def makes_memory(self, f: SimpleNamespace) -> bool:
        return not is_bare(f.expression)

    def function(self, e: Site, *tensors: str) -> str:
        return show(in_torch(e.f.expression, tensors), python=True)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return show(f.expression)


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
        case Call():
            pick = run.torch.maximum if expr.function == "max" else run.torch.minimum
            values = [valued(arg, x, run) for arg in expr.args]
            return reduce(pick, [v if run.torch.is_tensor(v) else run.torch.tensor(v).to(x[0]) for v in values])
    raise AssertionError(expr)


def is_tensor(expr: Expr) -> bool:
    """Whether a part of a formula has a tensor in it (`t0`, `t1`, …)."""
    return any(place(name) is not None for name in names(expr))


def place(name: Name) -> int | None:
    """Which tensor `t3` is; None for a number's name."""
    return int(name.id[1:]) if name.id[:1] == "t" and name.id[1:].isdecimal() else None


def is_bare(expr: Expr) -> bool:
    """Whether a formula, as it is written or computed, may be no more than one of its tensors."""
    return isinstance(simplify(expr), Name)


def parts(expr: Expr) -> Iterator[Expr]:
    """Every part of a formula that has a tensor in it."""
    if is_tensor(expr):
        yield expr
        for child in children(expr):
            yield from parts(child)


def products(expr: Expr) -> int:
    """Multiplications of tensors, for each element."""
    return sum(isinstance(part, Binary) and part.op == "*" for part in parts(expr))


def check_formula(expr: Expr, tensors: int) -> None:
    """Only `+ - *`, max and min reach a tensor; a part that is all numbers may be anything."""
    if not is_tensor(expr):
        raise OpFault("a formula needs a tensor", field="expression")
    for part in parts(expr):
        match part:
            case Name() if (index := place(part)) is None or index < tensors:
                continue
            case Binary(op="+" | "-" | "*") | Unary(op="-"):
                continue
            case Call(function="max" | "min", keywords=()) if len(part.args) > 1:
                continue
        message = f"a formula has + - * max min over tensors, no {kind_of(part)}"
        raise OpFault(message, field="expression")


def kind_of(part: Expr) -> str:
    """What a part of a formula does."""
    match part:
        case Binary(op=word) | Unary(op=word) | Compare(op=word) | Call(function=word):
            return f"'{word}'"
    return type(part).__name__.lower().replace("ifelse", "if")


def in_torch(expr: Expr, tensors: tuple[str, ...]) -> Expr:
    """A formula with the texts of its tensors, max and min in torch's words."""
    if isinstance(expr, Name):
        index = place(expr)
        return expr if index is None else Name(atom(tensors[index]))
    if not is_tensor(expr):
        return expr
    if isinstance(expr, Call):
        return extreme(expr.function, [(in_torch(arg, tensors), is_tensor(arg)) for arg in expr.args])
    return rebuild(expr, lambda part: in_torch(part, tensors))


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
