"""The one convolution that the branches of a `reparam` become, in expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.fold import fold
from archdsl.expr.nodes import Call, Expr, IfElse, ListOf, Lit, wrap
from archdsl.expr.simplify import same
from archdsl.ir.program import Operand, Operation, Primitive
from archdsl.ops import REGISTRY, Op
from archdsl.ops.base import is_lit
from archdsl.ops.windows import keep_expr
from archdsl.passes.windows import ENTERING, KEPT, ONE, Window, axes, refused, windows

REPARAM = "reparam"
KEEP_HELP = "with padding: keep, windows of any odd sizes are aligned"

Fields: TypeAlias = "Mapping[str, Expr]"


def merged(node: Primitive, entry: Operand, nodes: Sequence[Operation], channels: Expr | None) -> tuple[Op, Fields]:
    """The op and the fields of what takes the place of a sum of branches; a `SpecError` says why there is none.

    `nodes` are the operations before the sum, `channels` those of the tensor that enters, if they have an expression.
    """
    found = [known(window, channels, node.span) for window in windows(node, entry, nodes)]
    if not any(window.learned for window in found):
        raise fault("bad-reparam", "no branch of this reparam has weights", node.span, help="use add for a plain sum")
    moving = [window for window in found if window.moves]
    wide = [window.dilation for window in moving if not is_lit(window.kernel, 1)]
    stride = alike([window.stride for window in moving], "stride", node.span)
    dilation = alike(wide, "dilation", node.span)
    kernel, padding = laid_over(found, dilation, node.span)
    fields = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "bias": Lit(True)}
    if all(window.groups is None and window.out is None for window in found):
        return layer("dwconv", fields)
    out, in_groups = leaving(found, channels, node.span), groups(found, channels, node.span)
    return layer("conv", {**fields, "out": out, "groups": in_groups})


def layer(name: str, given: Fields) -> tuple[Op, Fields]:
    """An op with all its fields."""
    op = REGISTRY[name]
    rest = {item.name: wrap(item.default) for item in op.fields if item.kind != "tensor" and not item.required}
    return op, {**rest, **given}


def known(window: Window, channels: Expr | None, span: Span) -> Window:
    """A window in the names of the function that the sum stands in."""
    if not any(ENTERING.id in expr.mentioned for expr in window.expressions):
        return window
    if channels is None:
        raise refused("computes with the channels that enter, which have no name here", span, "make the sum a block")
    return window.named({ENTERING.id: channels})


def alike(given: Sequence[Expr], what: str, span: Span) -> Expr:
    """What is the same in all branches."""
    first = given[0] if given else ONE
    if not all(same(first, other) for other in given):
        raise refused(f"has another {what}", span, f"give all branches the same {what}, written in the same way")
    return first


# --- windows over each other
def laid_over(found: Sequence[Window], dilation: Expr, span: Span) -> tuple[Expr, Expr]:
    """The kernel and padding of the window that holds all others, each where it is over the map."""
    if len({len(expr.items) for window in found for expr in window.expressions if isinstance(expr, ListOf)}) > 1:
        raise refused("has another number of axes", span)
    first = found[0]
    if all(same(window.kernel, first.kernel) and same(window.padding, first.padding) for window in found):
        return first.kernel, first.padding
    kernel = largest(found, span)
    if all(window.padding == KEPT for window in found) and (is_lit(dilation, 1) or is_centred(found)):
        return kernel, KEPT
    kernels = integers([window.kernel for window in found])
    paddings = integers([keep_expr(w.kernel, ONE, 1) if w.padding == KEPT else w.padding for w in found])
    if not is_lit(dilation, 1) or kernels is None or paddings is None:
        raise refused("may not be aligned with the others", span, KEEP_HELP)
    return in_numbers(kernels, paddings, span)


def is_centred(found: Sequence[Window]) -> bool:
    """Whether dilated windows have their middle on a tap: all of one odd size, but for those of a single tap."""
    wide = [window.kernel for window in found if not is_lit(window.kernel, 1)]
    taps = integers(wide[:1])
    return taps is not None and all(n % 2 for n in taps[0]) and all(kernel == wide[0] for kernel in wide)


def largest(found: Sequence[Window], span: Span) -> Expr:
    """The size of a window that holds all, those that may not exist under their conditions."""
    always = [window.kernel for window in found if window.when is None]
    least = greatest([kernel for kernel in always if is_number(kernel)] or [ONE], span)
    terms = [kernel for kernel in dict.fromkeys(always) if not is_number(kernel)]
    for window in found:
        covered = window.kernel in terms or (
            is_number(window.kernel) and greatest([least, window.kernel], span) == least
        )
        if window.when is not None and not covered:
            terms.append(IfElse(window.when, window.kernel, ONE))
    return greatest([*([] if terms and is_lit(least, 1) else [least]), *dict.fromkeys(terms)], span)


def is_number(kernel: Expr) -> bool:
    return all(isinstance(item, Lit) for item in axes(kernel, 1))


def greatest(kernels: Sequence[Expr], span: Span) -> Expr:
    """The greatest of sizes, axis by axis; what cannot be computed of them is at fault where the sum stands."""
    if len(kernels) == 1:
        return kernels[0]
    rank = rank_of(kernels)
    parts = zip(*(axes(kernel, rank) for kernel in kernels), strict=True)
    items = tuple(fold(Call("max", axis, span=span)) for axis in parts)
    return items[0] if len(set(items)) == 1 else ListOf(items)


def rank_of(given: Sequence[Expr]) -> int:
    return max((len(expr.items) for expr in given if isinstance(expr, ListOf)), default=1)


def integers(given: Sequence[Expr]) -> list[tuple[int, ...]] | None:
    """Sizes as numbers, if all are written so."""
    values = [[item.value if isinstance(item, Lit) else None for item in axes(expr, rank_of([expr]))] for expr in given]
    found = [tuple(value for value in row if type(value) is int) for row in values]
    return found if all(len(row) == len(known) for row, known in zip(values, found, strict=True)) else None


def in_numbers(kernels: Sequence[Sequence[int]], paddings: Sequence[Sequence[int]], span: Span) -> tuple[Expr, Expr]:
    """As `laid_over`, of numbers."""
    rank = max(map(len, [*kernels, *paddings]))
    taps, zeros = ([list(row) * (rank // len(row)) for row in rows] for rows in (kernels, paddings))
    kernel, padding = ([max(axis) for axis in zip(*rows, strict=True)] for rows in (taps, zeros))
    for own, before in zip(taps, zeros, strict=True):
        for whole, border, k, p in zip(kernel, padding, own, before, strict=True):
            if border - p + k > whole:
                raise refused("does not lie within the largest window", span, KEEP_HELP)
    return joined(kernel), joined(padding)


def joined(numbers: Sequence[int]) -> Expr:
    return Lit(numbers[0]) if len(set(numbers)) == 1 else ListOf(tuple(map(Lit, numbers)))


# --- channels
def leaving(found: Sequence[Window], channels: Expr | None, span: Span) -> Expr:
    """The channels that leave, of a branch that is there in any case."""
    stated = next((w.out for w in found if w.out is not None and w.when is None), None)
    out = stated if stated is not None else channels if any(w.when is None for w in found) else None
    if out is None:
        message = "reparam needs a convolution that is always there, because it sets the number of output channels"
        raise fault("bad-reparam", message, span, help="remove the when: of one branch, or put the sum into a block")
    return out


def groups(found: Sequence[Window], channels: Expr | None, span: Span) -> Expr:
    """The groups that are those of each branch, or several of its groups in one."""
    stated = list(dict.fromkeys(window.groups for window in found if window.groups is not None))
    if not stated and channels is None:
        raise refused("has as many groups as channels enter, which have no name here", span, "write dwconv")
    if not stated and channels is not None:
        return channels
    if ONE in stated:
        return ONE
    return stated[0] if len(stated) == 1 else fold(Call("gcd", tuple(stated)))
