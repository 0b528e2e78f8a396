"""Numbers of a spec that do not depend on params."""

from __future__ import annotations

from archdsl.diagnostics.faults import fault
from archdsl.expr.evaluate import evaluate
from archdsl.syntax.reading.values import head, to_expr
from archdsl.yaml.located import Node


def percent(node: Node) -> float:
    value = float(number(node, "top1"))
    if not 0 < value <= 100:
        raise fault("bad-value", f"top1 is in percent, not {value:g}", head(node), help="write 71.8 for 71.8 %")
    return value


def number(node: Node, what: str) -> float:
    """A number written as such, or computed from such."""
    value = evaluate(to_expr(node), {})
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise fault("wrong-type", f"{what} is a number", head(node))
    return value


def whole(node: Node, what: str) -> int:
    value = number(node, what)
    if not isinstance(value, int):
        raise fault("wrong-type", f"{what} is a whole number", head(node))
    return value


__all__ = ["number", "percent", "whole"]
