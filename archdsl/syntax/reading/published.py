"""What was published of a variant: counts as papers write them, an accuracy, their source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.support.naming import did_you_mean
from archdsl.syntax.reading.numbers import percent, whole
from archdsl.syntax.reading.values import Context, as_mapping, as_text, clip, head
from archdsl.syntax.spec import Amount, Published
from archdsl.syntax.words import PUBLISHED
from archdsl.yaml.located import Node, Scalar

AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))? ?([KMG])", re.ASCII)
FACTORS = {"K": 3, "M": 6, "G": 9}  # powers of ten
COUNTS = ("params", "macs")
FORMS = ("train", "deploy")


def read_published(ctx: Context, node: Node) -> Published:
    """`published: {params: 4.8 M, macs: 529 M, top1: 73.8, source: authors' README, form: deploy}`."""
    mapping = as_mapping(node, "published:", "write {params: 3.4 M, macs: 300 M, top1: 72.0}")
    ctx.check_keys(mapping, PUBLISHED, "published:")
    words = {key.text for key, _ in mapping.entries}
    if words <= {"source", "form"}:
        raise fault("wrong-type", "published: has no number", head(node), help=f"it has {', '.join([*COUNTS, 'top1'])}")
    found: dict[str, Any] = {}
    for key, value in mapping.entries:
        with ctx.catch():
            if key.text in READERS:
                found[key.text] = READERS[key.text](value)
    return Published(**found)


def amount(node: Node, what: str) -> Amount:
    """`3.4 M`, or a whole number."""
    text = node.text if isinstance(node, Scalar) else ""
    found = AMOUNT.fullmatch(text)
    if found is None:
        return Amount(text, *exact(node, what))
    before, after, unit = found[1], found[2] or "", found[3]
    digit = FACTORS[unit] - len(after)
    if digit < 0:
        raise no_count(node, what)
    return Amount(text, int(before + after) * 10**digit, 10**digit)


def exact(node: Node, what: str) -> tuple[int, int]:
    try:
        value = whole(node, what)
    except SpecError:
        raise no_count(node, what) from None
    if value < 0:
        raise no_count(node, what)
    return value, 1


def no_count(node: Node, what: str) -> SpecError:
    return fault(
        "bad-value", f"{what} takes a count as it was published", head(node), help="write 3.4 M, 300 M, or 3504872"
    )


def known_form(node: Node) -> str:
    form = as_text(node, "form:")
    if form not in FORMS:
        help = did_you_mean(form, FORMS) or f"the form must be {' or '.join(FORMS)}"
        raise fault("bad-value", f"there is no form '{clip(form)}'", node.span, help=help)
    return form


READERS: Mapping[str, Callable[[Node], Any]] = {
    "params": lambda node: amount(node, "params"),
    "macs": lambda node: amount(node, "macs"),
    "top1": percent,
    "source": lambda node: as_text(node, "source:"),
    "form": known_form,
}


__all__ = ["read_published"]
