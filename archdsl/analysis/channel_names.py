"""What the channels that leave an op depend on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from archdsl.expr.nodes import Constant, Expr, Name, names
from archdsl.ops import Op
from archdsl.ops.base import NEEDS_NUMBERS

SIZES = "@sizes"  # no field can be named so
_CHANNEL_NAMES: dict[tuple[str, Constant, bool], frozenset[str] | None] = {}


def channel_names(op: Op, *, axis: Constant = None, flat: bool = False) -> frozenset[str] | None:
    """The fields that an op's channel rule reads, of a map or a `flat` tensor; None if it cannot be told.

    Among them are `c` for the channels that enter, and `SIZES` for any of the spatial axes.

    `axis` is that of an op which works along one, if it is not the default.
    """
    key = op.name, axis, flat
    if key not in _CHANNEL_NAMES:
        marks = SimpleNamespace(**{f.name: Name(f.name) for f in op.fields})
        vars(marks).update({f.name: f.default if axis is None else axis for f in op.fields if f.name == "axis"})
        try:
            size: Any = () if flat else (Name(SIZES), Name(SIZES))
            rule: Any = op.channels(marks, [Name("c"), Name("c")] if op.many else Name("c"), size)
            _CHANNEL_NAMES[key] = frozenset(n.id for n in names(rule)) if isinstance(rule, Expr) else None
        except NEEDS_NUMBERS:  # it tells nothing
            _CHANNEL_NAMES[key] = None
    return _CHANNEL_NAMES[key]
