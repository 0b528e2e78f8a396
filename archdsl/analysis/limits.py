"""How large a network may become before it is refused."""

from __future__ import annotations

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span

MAX_NODES, MAX_TURNS, MAX_CALLS = 25_000, 10_000, 10_000  # of a network: ops, turns of its loops, calls of its blocks
MAX_DEPTH, MAX_ELEMENTS, MAX_SIDE = 40, 2**40, 2**24  # of calls in calls; of a tensor; of an axis
MAX_LISTED = 1_000_000  # items of all lists that a network's expressions make


def too_many_items(span: Span | None) -> SpecError:
    message = f"the lists of this network have more than {MAX_LISTED:,} items in all"
    return fault("too-large", message, span)
