"""How many channels tensors of a block have, in names of the block, where what made them says so."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.expr.fold import fold
from archdsl.expr.nodes import Expr, ListOf, Lit
from archdsl.expr.simplify import same
from archdsl.ir.program import Call, Container, If, Item, Operand, Primitive, Value
from archdsl.ops.base import is_lit
from archdsl.passes.reordered import CONVOLUTION, DEPTHWISE, JOINS, KEEP_ORDER, Frame, first_of

CONCAT, SPLIT, TAKE, SHUFFLE = "concat", "split", "take", "channel_shuffle"
STATED = {CONVOLUTION: "out", "conv_transpose": "out", "learned_group_conv": "out", TAKE: "channels"}


def width(frame: Frame | None, operand: Operand | None) -> Expr | None:
    """The channels of a tensor; None if they are not known."""
    if frame is None:
        return None
    match operand:
        case Item(var=Value() as parts, index=Lit(value=int() as place)):
            found = parts_of(frame, parts)
            return found[place] if found is not None else None
        case Value(many=False, optional=False):
            return made(frame, operand)
    return None


def made(frame: Frame, value: Value) -> Expr | None:
    """The channels of a tensor that was made here, or enters."""
    node = frame.makers.get(value)
    match node:
        case None if value is first_of(frame.function):
            return width(frame.outer, frame.call.ins[0]) if frame.call is not None else frame.known.get("c_in")
        case Primitive():
            return computed(frame, node)
        case Call():
            return width(frame.entered(node), node.block.region.result)
        case Container():
            return width(frame, node.entry if value is node.carry else node.body.result)
        case If(branch=False):
            one, other = (width(frame, side.result) for side in node.regions())
            return one if one is not None and other is not None and same(one, other) else None
    return None


def computed(frame: Frame, node: Primitive) -> Expr | None:
    """The channels that leave an op."""
    name = node.op.name
    if name in STATED:
        return frame.told(node.fields[STATED[name]])
    if name == CONCAT:
        return total([width(frame, operand) for operand in node.ins]) if is_lit(node.fields["axis"], "c") else None
    entering = [width(frame, operand) for operand in node.ins]
    first = entering[0]
    if first is None or any(other is None or not same(first, other) for other in entering):
        return None
    if name == DEPTHWISE:
        multiplier = frame.told(node.fields["multiplier"])
        return fold(first * multiplier) if multiplier is not None else None
    return first if name in KEEP_ORDER or name in JOINS or name == SHUFFLE else None


def total(widths: Sequence[Expr | None]) -> Expr | None:
    """The channels of tensors one after another."""
    known = [expr for expr in widths if expr is not None]
    return fold(sum(known[1:], start=known[0])) if len(known) == len(widths) else None


def parts_of(frame: Frame, parts: Value) -> list[Expr] | None:
    """The channels of each part of what is split."""
    node = frame.makers.get(parts)
    if not isinstance(node, Primitive) or node.op.name != SPLIT:
        return None
    sizes = node.fields["sizes"]
    if isinstance(sizes, ListOf):
        found = [frame.told(size) for size in sizes.items]
        return [size for size in found if size is not None] if None not in found else None
    whole = width(frame, node.ins[0])
    if whole is None or not isinstance(sizes, Lit) or not isinstance(sizes.value, int):
        return None
    return [fold(whole // sizes)] * sizes.value
