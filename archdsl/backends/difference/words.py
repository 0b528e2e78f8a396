"""What was changed in words: statements, the numbers of both networks, what carries over."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.analysis.cost import Cost
from archdsl.analysis.difference import Difference
from archdsl.analysis.difference.statements import ARROW
from archdsl.ops.base import times
from archdsl.support.tables import NOTHING, grouped, milliseconds

COUNTS = {"params": "params", "macs": "MACs", "activations": "activations"}
SAME = "nothing was changed: both are the same network"
NAMES_ALONE = "both are the same network, by other words"
OTHER_START = "both are the same network, initialised in another way"
UNTOLD = "the same ops, wired in another way"


def title(found: Difference) -> str:
    """`PeleeNet 1.0 → PeleeNet 1.0, growth=24`."""
    return f"{found.before.name} {ARROW} {found.after.name}"


def title_in_print(found: Difference) -> str:
    """`PeleeNet 1.0 → PeleeNet 1.0, growth 24`."""
    return f"{found.before.printed} {ARROW} {found.after.printed}"


def said(found: Difference) -> list[str]:
    """The statements; of networks that are the same, that they are."""
    lines = [str(statement) for statement in found.changes]
    if found.is_empty:
        kinds = {change.kind for statement in found.changes for change in statement.changes}
        return [SAME if not lines else OTHER_START if "init" in kinds else NAMES_ALONE, *lines]
    return lines or [UNTOLD]


def both(before: str, after: str) -> str:
    """Two texts, or the one that both are."""
    if before == after or not before:
        return after
    return f"{before} {ARROW} {after}" if after else before


def signed(number: float, text: Callable[..., str] = grouped) -> str:
    """`+1,234`; nothing for none."""
    if not number:
        return ""
    return f"{'+' if number > 0 else '−'}{text(abs(number))}"


def percent(before: float, after: float) -> str:
    """` (−12.5 %)`; nothing where there is none to compare with, or no difference."""
    return f" ({after / before - 1:+.1%})".replace("%", " %").replace("-", "−") if before and before != after else ""


def totals(found: Difference) -> list[str]:
    """The numbers of both networks, and what of the weights carries over."""
    before, after = found.before.cost, found.after.cost
    parts = [counted(before, after, name) for name in ("params", "buffers", "macs", "activations", "peak")]
    fields = both(*(times(cost.receptive_field or ()) or NOTHING for cost in (before, after)))
    first, second = ", ".join(parts[:3]), ", ".join([*parts[3:], f"receptive field {fields}"])
    return [first, second, *latency(before, after), weights(found)]


def latency(before: Cost, after: Cost) -> list[str]:
    """The latencies of both networks in one line, if a table tells them."""
    if before.latency is None or after.latency is None:
        return []
    one, other = before.latency.total_ms, after.latency.total_ms
    text = milliseconds(max(one, other))
    return [f"latency (ms) {both(text(one), text(other))}{percent(one, other)}; {after.latency.conditions}"]


def counted(before: Cost, after: Cost, name: str) -> str:
    one, other = getattr(before, name), getattr(after, name)
    return f"{COUNTS.get(name, name)} {both(f'{one:,}', f'{other:,}')}{percent(one, other)}"


def weights(found: Difference) -> str:
    """What carries over, in one line."""
    w = found.weights
    tensors = len(w.carried) + len(w.new)
    share = f" ({w.kept / w.total:.1%})".replace("%", " %") if w.total else ""
    numbers = f"{w.kept:,} of {w.total:,} numbers{share}"
    left = f"; {len(w.new)} are new, {len(w.dropped)} are dropped" if w.new or w.dropped else ""
    return f"weights that carry over: {numbers}, {len(w.carried)} of {tensors} tensors{left}"
