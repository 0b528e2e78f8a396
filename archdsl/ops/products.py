"""Products of matrices whose factors are both tensors of the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Expr, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Field, Op, OpFault, Run, Shape, Site, atom, is_lit, times

if TYPE_CHECKING:
    from torch import Tensor


class Product(Op):
    """What products share: they work on the last two axes, the axes before these are batches."""

    group, role, fresh, counts, placeless, multiplies = "attention", "linear", True, "", True, True

    def functional(self, given: frozenset[str]) -> bool:
        return True

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def expect_batches(self, one: Shape, other: Shape, field: str) -> None:
        """Both have a matrix of two axes, and the same axes before it."""
        if len(one) < 2:
            message = f"{self.name} takes a tensor with two axes or more, this one is {times(one)}"
            raise OpFault(message, help="rearrange it, or use linear for a flat tensor")
        if len(one) != len(other) or one[:-2] != other[:-2]:
            message = f"{self.name} takes tensors that differ only in the last two axes, but these are {times(one)}"
            raise OpFault(f"{message} and {times(other)}", field=field, help="rearrange one of them")


def expect_tensors(op: Op, f: SimpleNamespace, *names: str) -> None:
    """Raises unless tensors that an op needs beside the one that enters are given."""
    for name in names:
        if getattr(f, name, None) is None:
            help = f"write {op.name}: {{{', '.join(f'{word}: ...' for word in names)}}}"
            raise OpFault(f"{op.name} needs {' and '.join(names)}, tensors by name", help=help)


class MatMul(Product, name="matmul"):
    """The matrix product x · by over the last two axes. The axes before them are batch axes, like that of samples."""

    fields = (
        Field("by", "tensor", None, "the second factor"),
        Field("transpose", "bool", False, "whether to swap the last two axes of the input first"),
        Field("transpose_by", "bool", False, "whether to swap the last two axes of the second factor"),
    )
    example = {"fields": {"transpose_by": True}, "inputs": [(4, 8, 6), (4, 5, 6)], "tensors": ["by"]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        one, other = x
        rows, columns = "ki" if run.f.transpose else "ik", "jk" if run.f.transpose_by else "kj"
        return run.torch.einsum(f"...{rows},...{columns}->...ij", one, other)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        expect_tensors(self, f, "by")
        self.expect_batches(shapes[0], shapes[1], "by")
        inner, other = shapes[0][-2 if f.transpose else -1], shapes[1][-1 if f.transpose_by else -2]
        if inner != other:
            message = f"a sum over {inner} elements of the first and {other} of the second: {times(shapes[0])}"
            help = "transpose and transpose_by swap the last two axes"
            raise OpFault(f"matmul cannot take {message} and {times(shapes[1])}", field="by", help=help)

    def result(self, f: SimpleNamespace, *shapes: Shape) -> Shape:
        one, other = shapes[0], tuple(f.by)
        rows, columns = one[-1 if f.transpose else -2], other[-2 if f.transpose_by else -1]
        return (*one[:-2], rows, columns)

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        swapped = not is_lit(wrap(f.transpose), False)
        if len(size) == 1 and swapped:
            if not is_lit(wrap(f.transpose), True):
                raise OpFault("the number of rows differs between calls")
            return size[-1]
        return c

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> Sequence[tuple[frozenset[int], Sequence[Expr]]]:
        one, both = ranks[0], sum(ranks[:2])
        rows, columns = last_axes(one, f.transpose, 0), last_axes(both, f.transpose_by, 1)
        return [*((frozenset([n]), ()) for n in range(one - 2)), (rows, ()), (columns, ())]

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(out) * int(shape[-2 if f.transpose else -1])

    def function(self, e: Site, *tensors: str) -> str:
        one, other = (atom(text) for text in tensors)
        return f"{swapped(one, e.f.transpose)} @ {swapped(other, e.f.transpose_by)}"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"Matmul{' ᵀ·' if f.transpose else ''}{' ·ᵀ' if f.transpose_by else ''}"


def last_axes(end: int, transpose: Expr, number: int) -> frozenset[int]:
    """Which of the last two axes before `end` is the first (0) or second (1) one, swapped if that is asked for."""
    return frozenset(end - 2 + (number ^ swap) for swap in (False, True) if not is_lit(transpose, not swap))


def swapped(text: str, transpose: Any) -> str:
    """A tensor, its last two axes swapped if that is asked for."""
    if is_lit(transpose, False):
        return text
    if is_lit(transpose, True):
        return f"{text}.transpose(-2, -1)"
    raise OpFault("transpose has a different value in each call: write one step for each value")


class ScaledDotProductAttention(Product, name="scaled_dot_product_attention"):
    """softmax(scale · q kᵀ + bias) v over the last two axes, positions × features. The axes before them are heads.

    The input is q. Write the projections as separate steps, and you can build any attention from it.
    """

    sized_by = ()
    fields = (
        Field("k", "tensor", None, "the keys, with as many features as the queries"),
        Field("v", "tensor", None, "the values, one for each key"),
        Field("bias", "tensor", None, "added to the scores before the softmax, with the shape heads × queries × keys"),
        Field("scale", "number", None, "factor of the scores; 1/√features if not given"),
    )
    example = {"fields": {}, "inputs": [(4, 7, 8), (4, 5, 8), (4, 5, 6)], "tensors": ["k", "v"]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        q, k, v, *bias = x
        scale = run.f.scale if run.f.scale is not None else 1 / math.sqrt(q.size(-1))
        scores = run.torch.einsum("...ld,...sd->...ls", q, k) * scale
        weights = (scores + bias[0] if bias else scores).softmax(-1)
        return run.torch.einsum("...ls,...se->...le", weights, v)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        expect_tensors(self, f, "k", "v")
        q, k, v = shapes[:3]
        self.expect_batches(q, k, "k")
        self.expect_batches(q, v, "v")
        if q[-1] != k[-1]:
            help = "project them to one number of features"
            raise OpFault(f"queries have {q[-1]} features, but keys have {k[-1]}", field="k", help=help)
        if k[-2] != v[-2]:
            help = "take both from one tensor: the positions are the last axis but one"
            raise OpFault(
                f"the number of keys ({k[-2]}) differs from the number of values ({v[-2]})", field="v", help=help
            )
        wanted = (*q[:-1], k[-2])
        if len(shapes) > 3 and shapes[3] != wanted:
            help = f"give it the shape {times(wanted)}"
            raise OpFault(
                f"the scores have the shape {times(wanted)}, but their bias is {times(shapes[3])}",
                field="bias",
                help=help,
            )

    def size(self, f: SimpleNamespace, size: tuple[int, ...]) -> tuple[int, ...]:
        return (*size[:-1], f.v[-1])

    def comes_of(self, f: SimpleNamespace, *ranks: int) -> Sequence[tuple[frozenset[int], Sequence[Expr]]]:
        features = sum(ranks[:3]) - 1  # of the values
        return [*((frozenset([n]), ()) for n in range(ranks[0] - 1)), (frozenset([features]), ())]

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return (math.prod(shape) + math.prod(out)) * int(f.k[-2])

    def function(self, e: Site, *tensors: str) -> str:
        q, k, v, *bias = tensors
        more = f", attn_mask={bias[0]}" if bias else ""
        if not is_lit(e.f.scale, None):
            more += f", scale={show(wrap(e.f.scale), python=True)}"
        return f"F.scaled_dot_product_attention({q}, {k}, {v}{more})"

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Attention"
