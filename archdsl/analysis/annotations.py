"""The types of values as emitted source writes them."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.expr.nodes import Constant

MAX_SPELT = 3  # longer lists have no fixed length in their type


def type_name(value: Constant) -> str:
    """The type of a value as emitted source has it: a list is a tuple there."""
    return annotation([value]) if isinstance(value, list) else scalar_type(value)


def annotation(values: Sequence[Constant]) -> str:
    """The type of all of some values; of a table, that of its rows."""
    lists = [value for value in values if isinstance(value, list)]
    found = scalar_types(values)
    if lists:
        found.add(f"tuple[{items_annotation(lists)}]")
    return " | ".join(sorted(found))


def scalar_type(value: Constant) -> str:
    return "None" if value is None else type(value).__name__


def scalar_types(values: Sequence[Constant]) -> set[str]:
    """The types of those values that are no lists; a whole number will do where floats are taken."""
    found = {scalar_type(value) for value in values if not isinstance(value, list)}
    return found - {"int"} if "float" in found else found


def items_annotation(lists: Sequence[list[Constant]]) -> str:
    """The types of the items of lists: spelled out for a few items, or for a row of a table."""
    items = [item for value in lists for item in value]
    if not items:
        return "()"
    size = len(lists[0])
    kinds = len(scalar_types(items)) + any(isinstance(item, list) for item in items)
    row = kinds > 1 and not isinstance(items[0], list)
    if all(len(value) == size for value in lists) and (size <= MAX_SPELT or row) and not is_table(lists):
        return ", ".join(annotation(column) for column in zip(*lists, strict=True))
    return f"{annotation(items)}, ..."


def is_table(lists: Sequence[list[Constant]]) -> bool:
    """Whether each list is one of rows."""
    return all(isinstance(item, list) and len(item) > 1 for value in lists for item in value)
