"""`detect:`, how objects are found in a detector's outputs."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.faults import fault
from archdsl.syntax.reading.numbers import number, whole
from archdsl.syntax.reading.values import Context, as_mapping, as_text, clip, head, is_null
from archdsl.syntax.spec import Detect
from archdsl.syntax.words import DETECT
from archdsl.yaml.located import Mapping, Node, Sequence

ROLES = ("boxes", "scores", "priors")
SHARES, COUNTS = ("confidence", "iou"), ("top_k", "keep", "background")


def read_detect(ctx: Context, tree: Mapping, outputs: list[str]) -> Detect | None:
    """The section with what it leaves out; each role is an output, by default the one of its name."""
    node = tree.get("detect")
    if node is None or is_null(node):
        return None
    with ctx.catch():
        return detect(ctx, as_mapping(node, "detect:", "write detect: {confidence: 0.01, iou: 0.45}"), outputs)
    return None  # type: ignore[unreachable]


def detect(ctx: Context, mapping: Mapping, outputs: list[str]) -> Detect:
    ctx.check_keys(mapping, DETECT, "detect:")
    roles = {role: output(ctx, mapping, role, outputs) for role in ROLES}
    values: dict[str, Any] = {}
    for key, value in mapping.entries:
        with ctx.catch():
            if key.text == "variances":
                values[key.text] = variances(value)
            elif key.text in SHARES:
                values[key.text] = within(number(value, key.text), 0, 1, value, key.text)
            elif key.text in COUNTS:
                values[key.text] = within(whole(value, key.text), int(key.text != "background"), None, value, key.text)
    return Detect(mapping.span, roles, **values)


def output(ctx: Context, mapping: Mapping, role: str, outputs: list[str]) -> str:
    """The output that holds the boxes, the scores or the prior boxes."""
    given = mapping.get(role)
    name = as_text(given, role) if given is not None else role
    if name not in outputs:
        help = ctx.hint(name, outputs) or f"name it in outputs:, or say here which it is: {role}: NAME"
        span = head(given) if given is not None else head(mapping)
        raise fault("unknown-name", f"there is no output '{clip(name)}'", span, help=help)
    return name


def variances(node: Node) -> tuple[float, ...]:
    items = node.items if isinstance(node, Sequence) else ()
    if len(items) != 4:
        raise fault("wrong-type", "variances are four numbers", head(node), help="write [0.1, 0.1, 0.2, 0.2]")
    return tuple(float(number(item, "a variance")) for item in items)


def within(value: float, low: int, high: int | None, node: Node, what: str) -> float:
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"from {low} to {high}"
        raise fault("bad-value", f"{what} is {limits}, not {value}", head(node))
    return value
