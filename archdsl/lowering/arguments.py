"""Arguments of steps: by position and by name, those of ops and those of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr
from archdsl.lowering.refusals import declared
from archdsl.ops import Op
from archdsl.support.naming import argument_elsewhere, did_you_mean
from archdsl.syntax import spec as s


def arguments(
    step: s.UseStep,
    known: Sequence[str],
    what: str,
    further: Sequence[str] = (),
    places: Mapping[str, Span | None] | None = None,
    *,
    faults: Collector,
) -> dict[str, Expr]:
    """Positional and named arguments by name; `further` are the names that an open-ended op also takes.

    Those that there are not go to `faults`, each.
    """
    with faults.catch():
        refuse_surplus(step, known, what)
    given = dict(zip(known, step.positional, strict=False))
    for name, value in step.named.items():
        with faults.catch():
            span = step.named_spans.get(name, step.span)
            if name not in known and name not in further:
                raise unknown_argument(name, known, what, span, places or {})
            if name in given:
                raise fault("surplus-argument", f"'{name}' is given twice", span)
            given[name] = value
    return given


def unknown_argument(
    name: str, known: Sequence[str], what: str, span: Span, places: Mapping[str, Span | None]
) -> SpecError:
    hint = argument_elsewhere(name, known) or did_you_mean(name, known)
    notes = declared(name, known, places)
    help = hint or f"it takes {', '.join(known) or 'no arguments'}"
    return fault("unknown-argument", f"{what} has no argument '{name}'", span, notes=notes, help=help)


def refuse_surplus(step: s.UseStep, known: Sequence[str], what: str) -> None:
    """Raises at the first argument by position that is too many."""
    if len(step.positional) > len(known):
        extra = step.positional[len(known)]
        takes = f"takes {', '.join(known)}" if known else "takes no arguments"
        raise fault("surplus-argument", f"{what} {takes}", extra.span or step.span, label="one too many")


def places_of(step: s.UseStep, op: Op) -> dict[str, Span]:
    """Where each argument of an op stands."""
    found = {f.name: e.span for f, e in zip(op.fields, step.positional, strict=False) if e.span}
    for name, value in step.named.items():
        place = value.span or step.named_spans.get(name)
        if place:
            found[name] = place
    return found
