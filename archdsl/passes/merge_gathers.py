"""Steps that pick channels, merged with those that picked or joined them.

The first channels of the first channels are the first of the whole, and all of them are the whole. The parts of a
concat that is split where it was joined are there already, and so is what was split and is joined again. A shuffle is
undone by its inverse. What another step reads too stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from archdsl.expr.nodes import Compare, ListOf, Lit
from archdsl.expr.simplify import same
from archdsl.ir.program import Function, Item, Operand, Primitive, Program, Region, Value
from archdsl.ir.program import program as program_of
from archdsl.ir.rewrite import Reader, copied, erase, readers, regions_of, replace_operands, replace_value
from archdsl.ops.base import is_lit
from archdsl.passes.base import Pass
from archdsl.passes.reordered import Fixed, Frame
from archdsl.passes.taking_out import is_free, left_where, taken_out
from archdsl.passes.widths import CONCAT, SHUFFLE, SPLIT, TAKE, parts_of, width


def merge_gathers(program: Program) -> Program:
    """Merges a step that picks channels with one that picked or joined them before, such as a split after a concat."""
    made = copied(program)
    for function in made.functions:
        while any(merge(function, region, node) for region, node in picking(function)):
            pass
        for region, node in list(picking(function)):
            take_where_needed(function, region, node)
    return program_of(made.main)


def picking(function: Function) -> Iterator[tuple[Region, Primitive]]:
    """The steps that pick or join channels."""
    for region in regions_of(function):
        for node in region.nodes:
            if isinstance(node, Primitive) and node.op.name in MERGES and is_free(function, node):
                yield region, node


def merge(function: Function, region: Region, node: Primitive) -> bool:
    """Merges a step with the one before it, or takes it out; whether that could be."""
    try:
        return MERGES[node.op.name](Frame(function), region, node)
    except Fixed:
        return False


def made_for(frame: Frame, region: Region, node: Primitive, operand: Operand, name: str) -> Primitive | None:
    """The op of a name that makes a tensor for this step alone, in the same region."""
    value = operand.var if isinstance(operand, Item) else operand
    found = next((other for other in region.nodes if other.out is value), None)
    if not isinstance(found, Primitive) or found.op.name != name or not is_free(frame.function, found):
        return None
    return found if set(readers(frame.function)[found.out]) == {node} else None


def merge_take(frame: Frame, region: Region, node: Primitive) -> bool:
    """The first channels: of the first channels, or all of them."""
    before = made_for(frame, region, node, node.ins[0], TAKE)
    if before is not None:
        return taken_out(frame.function, region, before)
    whole, wanted = width(frame, node.ins[0]), frame.told(node.fields["channels"])
    always = whole is not None and wanted is not None and same(whole, wanted)
    return always and taken_out(frame.function, region, node)


def take_where_needed(function: Function, region: Region, node: Primitive) -> None:
    """Leaves the first channels of a concat there where they are not all of them."""
    try:
        frame = Frame(function)
        if node.op.name != TAKE or made_for(frame, region, node, node.ins[0], CONCAT) is None:
            return
        whole, wanted = width(frame, node.ins[0]), frame.told(node.fields["channels"])
    except Fixed:
        return
    if whole is not None and wanted is not None:
        left_where(function, region, node, Compare("!=", whole, wanted))


def merge_split(frame: Frame, region: Region, node: Primitive) -> bool:
    """The parts of a concat, split where it was joined."""
    joined, parts = made_for(frame, region, node, node.ins[0], CONCAT), parts_of(frame, node.out)
    if joined is None or parts is None or not is_lit(joined.fields["axis"], "c") or len(parts) != len(joined.ins):
        return False
    for size, operand in zip(parts, joined.ins, strict=True):
        own = width(frame, operand)
        if own is None or not same(own, size):
            return False
    if is_read_whole(frame, node.out):
        return False

    def part(operand: Operand) -> Operand:
        place = place_of(operand, node.out)
        return joined.ins[place] if place is not None else operand

    replace_operands(frame.function, part)
    erase(region, node)
    erase(region, joined)
    return True


def merge_concat(frame: Frame, region: Region, node: Primitive) -> bool:
    """What was split, joined again in the same order."""
    split = made_for(frame, region, node, node.ins[0], SPLIT)
    if split is None or not is_lit(node.fields["axis"], "c"):
        return False
    sizes = split.fields["sizes"]
    count = len(sizes.items) if isinstance(sizes, ListOf) else sizes.value if isinstance(sizes, Lit) else None
    places = [place_of(operand, split.out) for operand in node.ins]
    if node.ins != (split.out,) and (count != len(places) or places != list(range(len(places)))):
        return False
    replace_value(frame.function, node.out, split.ins[0])
    erase(region, node)
    erase(region, split)
    return True


def merge_shuffle(frame: Frame, region: Region, node: Primitive) -> bool:
    """A shuffle and its inverse: as many groups as the other makes parts."""
    before = made_for(frame, region, node, node.ins[0], SHUFFLE)
    if before is None:
        return False
    channels = width(frame, before.ins[0])
    groups = [frame.told(shuffle.fields["groups"]) for shuffle in (before, node)]
    if channels is None or groups[0] is None or groups[1] is None or not same(groups[0] * groups[1], channels):
        return False
    replace_value(frame.function, node.out, before.ins[0])
    erase(region, node)
    erase(region, before)
    return True


def is_read_whole(frame: Frame, parts: Value) -> bool:
    """Whether anything reads some parts as a list, and not one of them."""
    return any(parts in operands_of(reader) for reader in readers(frame.function).get(parts, ()))


def operands_of(reader: Reader) -> Collection[Operand | None]:
    match reader:
        case Region(result=result):
            return (result,)
        case Function(outputs=outputs):
            return outputs.values()
    return reader.operands()


def place_of(operand: Operand | None, parts: Value) -> int | None:
    """Which of some parts a tensor is."""
    match operand:
        case Item(var=var, index=Lit(value=int() as place)) if var is parts:
            return place
    return None


MERGES: dict[str, Callable[[Frame, Region, Primitive], bool]] = {
    TAKE: merge_take,
    SPLIT: merge_split,
    CONCAT: merge_concat,
    SHUFFLE: merge_shuffle,
}
MERGE_GATHERS = Pass(merge_gathers)
