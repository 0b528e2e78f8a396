"""The size that an op gives its map: a number, that of another map, or one over that."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from archdsl.expr.fold import filled_in
from archdsl.expr.given import kind
from archdsl.expr.nodes import Expr, Lit, Name, wrap
from archdsl.expr.show import show
from archdsl.ops.base import Field, Op, OpFault, Shape, atom, per_axis

HEIGHT, WIDTH = "like.h", "like.w"  # of the map that `like` names, in an expression for a size
SIDES = Field("sides", "formula", None, "the output sizes, relative to those of `like`")


def check_target(op: Op, f: SimpleNamespace, shape: Shape, ways: tuple[str, ...]) -> None:
    """Exactly one way to say the size that leaves, and `like` of the same rank."""
    given = [way for way in ways if getattr(f, way, None) is not None]
    if len(given) != 1:
        message = f"{op.name} takes {' or '.join(ways)}" + (f", not {' and '.join(given)}" if given else "")
        raise OpFault(message, field=given[-1] if given else None)
    if given == ["like"] and getattr(f, SIDES.name, None) is not None:
        check_sides(f, len(shape) - 1)
    elif given == ["like"] and len(f.like) != len(shape):
        raise OpFault(f"like has {len(f.like) - 1} spatial axes, the tensor {len(shape) - 1}", field="like")


def check_sides(f: SimpleNamespace, rank: int) -> None:
    """Sizes over those of a map are whole numbers, one for each axis."""
    if len(per_axis(f.sides, rank)) != rank:
        raise OpFault(f"size has {len(per_axis(f.sides, rank))} entries for {rank} spatial axes", field="size")
    for n in size_like(f, rank):
        if kind(n) is not int or n < 1:
            help = "round it with int(), round() or ceil()" if isinstance(n, float) else ""
            raise OpFault(f"size takes whole numbers from 1 on, not {n!r}", field="size", help=help)


def size_like(f: SimpleNamespace, rank: int) -> tuple[Any, ...]:
    """The sizes that leave an op with `like`: numbers, or expressions where those of the map are such."""
    sides: Any = getattr(f, SIDES.name, None)
    if sides is None:
        return tuple(f.like[1:])
    measures = {HEIGHT: wrap(f.like[-2] if len(f.like) > 2 else None), WIDTH: wrap(f.like[-1])}
    found = [filled_in(side, measures) for side in per_axis(sides, rank)]
    return tuple(side.value if isinstance(side, Lit) else side for side in found)


def sides_text(f: SimpleNamespace, like: str, rank: int) -> str | None:
    """The sizes over those of a map, as source; None if they are the map's own."""
    sides: Expr | None = getattr(f, SIDES.name, None)
    if sides is None:
        return None
    measures = {HEIGHT: Name(f"{atom(like)}.size(-2)"), WIDTH: Name(f"{atom(like)}.size(-1)")}
    texts = [show(filled_in(side, measures), python=True) for side in per_axis(sides, rank)]
    return texts[0] if rank == 1 else f"({', '.join(texts)})"


def axes_like(like: str, rank: int) -> str:
    """The spatial sizes of a tensor, as source."""
    return f"{atom(like)}.shape[-{rank}:]"


def targets(f: SimpleNamespace, size: Sequence[int]) -> tuple[Any, ...]:
    """The sizes that leave, of an op that takes `size` or `like`."""
    return size_like(f, len(size)) if getattr(f, "like", None) is not None else per_axis(f.size, len(size))
