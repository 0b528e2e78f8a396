"""The fields of a primitive: which are constants of the text, and whether a value may stand there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from archdsl.analysis.limits import MAX_SIDE
from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.given import is_flag, is_number, is_word
from archdsl.expr.nodes import Constant, Expr, ListOf, Lit
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.ops import Field
from archdsl.support.naming import did_you_mean


@dataclass(frozen=True)
class Plan:
    """The fields of a primitive in order: the constants of the text, checked once, and what is left to evaluate."""

    constant: Mapping[str, Constant]  # None in the place of each of the others
    rest: tuple[tuple[Field, Expr], ...]


def plan(node: ir.Primitive) -> Plan:
    """What of a primitive's fields is known without numbers; a constant that may not stand there is left to the run."""
    further = node.op.further
    more = [replace(further, name=n) for n in node.fields if node.op.field(n) is None] if further else []
    constant: dict[str, Constant] = {}
    rest: list[tuple[Field, Expr]] = []
    for item in (*node.op.fields, *node.op.derived, *more):
        expr = node.fields.get(item.name)
        if isinstance(expr, Lit) and item.kind != "formula":
            with suppress(SpecError):
                constant[item.name] = checked(item, expr.value, expr, place_of(item, node))
        if expr is not None and item.name not in constant:
            constant[item.name] = None
            rest.append((item, expr))
    return Plan(constant, tuple(rest))


def place_of(item: Field, node: ir.Primitive) -> Span:
    return node.field_spans.get(item.name, node.span)


def checked(item: Field, value: Constant, expr: Expr, span: Span) -> Constant:
    """The value of a field, or a fault at its place."""
    if type(value) is int and item.kind in COUNTS:
        limited(item, value, value, expr, span)
        return value
    if isinstance(value, str) and item.choices:
        known_word(item, value, span)
        return value
    if value is None and item.default is None:
        return None
    if isinstance(value, list) and lists_words(item):
        for place, entry in enumerate(value):
            if isinstance(entry, str):
                known_word(item, entry, place_of_entry(expr, place) or span)
    if not is_kind(item, value):
        raise unfit(item, value, expr, span, wanted(item))
    for number in value if isinstance(value, list) else [value]:
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            limited(item, number, value, expr, span)
    return value


def known_word(item: Field, word: str, span: Span) -> None:
    """Raises unless a word is one of those that a field takes."""
    if word not in item.choices:
        hint = did_you_mean(word, item.choices) or f"choose from {', '.join(item.choices)}"
        raise fault("bad-word", f"{item.name} does not accept '{word}'", span, help=hint)


def lists_words(item: Field) -> bool:
    """Whether the words of a field may stand in a list, beside numbers."""
    return item.kind == "ints" and bool(item.choices)


def place_of_entry(expr: Expr, place: int) -> Span | None:
    """Where an entry of a list stands, if the list is written out at the field."""
    return expr.items[place].span if isinstance(expr, ListOf) else None


def is_whole(value: Constant) -> bool:
    return type(value) is int


def are_whole(value: Constant) -> bool:
    entries = value if isinstance(value, list) else [value]
    return bool(entries) and all(map(is_whole, entries))


def are_numbers(value: Constant) -> bool:
    entries = value if isinstance(value, list) else [value]
    return bool(entries) and all(map(is_number, entries))


COUNTS = frozenset(("int", "number", "axes", "ints", "factors"))  # the kinds that a whole number is of
KINDS: Mapping[str, tuple[Callable[[Constant], bool], str]] = {
    "int": (is_whole, "a whole number"),
    "number": (is_number, "a number"),
    "bool": (is_flag, "true or false"),
    "text": (is_word, "text"),
    "axes": (are_whole, "a whole number or a list of them"),
    "ints": (are_whole, "a whole number or a list of them"),
    "factors": (are_numbers, "a number or a list of them"),
}


def is_kind(item: Field, value: Constant) -> bool:
    """Whether a value is of the kind that a field takes; a `word` is one of its choices and nothing else."""
    if isinstance(value, list) and lists_words(item):
        return bool(value) and all(is_whole(entry) or entry in item.choices for entry in value)
    return item.kind in KINDS and KINDS[item.kind][0](value)


def wanted(item: Field) -> str:
    return KINDS[item.kind][1] if item.kind in KINDS else f"one of {', '.join(item.choices)}"


def limited(item: Field, number: float, value: Constant, expr: Expr, span: Span) -> None:
    """Raises if a number is too small or too large for its field."""
    if item.minimum is not None and number < item.minimum:
        raise unfit(item, value, expr, span, f"at least {item.minimum:g}")
    if item.maximum is not None and number > item.maximum:
        raise unfit(item, value, expr, span, f"at most {item.maximum:g}")
    if abs(number) > MAX_SIDE:
        raise unfit(item, value, expr, span, f"at most {MAX_SIDE}")


def unfit(item: Field, value: Constant, expr: Expr, span: Span, wanted: str) -> SpecError:
    """The fault of a value that may not stand in a field."""
    rounded = isinstance(value, float) and item.kind in ("int", "axes", "ints")
    shown = f"{value!r}" if isinstance(expr, Lit) else f"{show(expr)} = {value!r}"
    help_ = "round it with int(), round() or make_divisible()" if rounded else ""
    return fault("bad-value", f"{item.name} takes {wanted}, not {shown}", span, help=help_)
