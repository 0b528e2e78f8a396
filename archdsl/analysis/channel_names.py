"""What the channels that leave an op hang on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from archdsl.expr.nodes import Expr, Name, names
from archdsl.ops import Op

_CHANNEL_NAMES: dict[str, frozenset[str] | None] = {}


def channel_names(op: Op) -> frozenset[str] | None:
    """The fields (and `c`) that an op's channel rule reads; None if it cannot be told."""
    if op.name not in _CHANNEL_NAMES:
        marks = SimpleNamespace(**{f.name: Name(f.name) for f in op.fields})
        try:
            rule: Any = op.channels(marks, [Name("c"), Name("c")] if op.many else Name("c"), (1, 1))
            _CHANNEL_NAMES[op.name] = frozenset(n.id for n in names(rule)) if isinstance(rule, Expr) else None
        except Exception:  # noqa: BLE001 - a rule that needs numbers tells nothing
            _CHANNEL_NAMES[op.name] = None
    return _CHANNEL_NAMES[op.name]
