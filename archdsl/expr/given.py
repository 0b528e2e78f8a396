"""What a call of the Python API is given beside the spec: each argument of the kind that its function says.

The values of params, which a spec computes with, are made plain here: numbers of other libraries become Python's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.evaluate import MAX_DEPTH, MAX_ITEMS, bounded
from archdsl.expr.nodes import Constant, Name
from archdsl.expr.parse import MAX_TEXT
from archdsl.support.naming import did_you_mean

LONGEST = 60  # characters of a value in a message


def shown(value: Any) -> str:
    """A value short enough to stand in a message; of what is no plain value, its type."""
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        text = repr(value)
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
    return f"a {type(value).__name__}"


# --- kinds of arguments
def is_word(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind(value: Any) -> type:
    """The type of a value; of the numbers of many settings, which are computed at once, that of each."""
    found: type = getattr(value, "kind", type(value))
    return found


def is_path(value: Any) -> bool:
    """Whether it names a file as text: a path of bytes has no place in messages."""
    return isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str))


def is_module(value: Any) -> bool:
    """Whether it is a module, told without torch."""
    return callable(getattr(value, "state_dict", None)) and not isinstance(value, type)


def are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def are_features(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) or type(item) is int for item in value)


def are_cases(value: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (str, Mapping)) for item in items)


def are_renamed(value: Any) -> bool:
    """Whether a value has words by words."""
    return isinstance(value, Mapping) and all(is_word(word) for item in value.items() for word in item)


KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(
        ("form", "style", "level", "format", "orient", "arrange", "theme", "palette", "font", "sort"),
        (is_word, "a word"),
    ),
    "key": (is_word, "a name"),
    "figure": (is_word, 'the number of a figure, as "2b"'),
    "features_only": (
        lambda value: is_flag(value) or are_features(value),
        'a list of stages, as ["stem"], or a truth value',
    ),
    "out_indices": (are_features, "a list of numbers, as (1, 2, 3), or of stages"),
    "block": (lambda value: is_word(value) or are_names(value), "the name of a block or a list of them"),
    "expand": (are_names, 'a list of stages, as ["stem"]'),
    "cases": (are_cases, 'a list of cases, as ["stride=1"]'),
    **dict.fromkeys(
        ("width", "height"),
        (lambda value: is_word(value) or is_number(value), 'a length, as "86mm", or a number of inches'),
    ),
    "dpi": (lambda value: type(value) is int, "a whole number"),
    "sample": (lambda value: type(value) is int and value > 0, "a whole number, at least 1"),
    "seed": (lambda value: type(value) is int, "a whole number"),
    "stages": (is_flag, "a truth value"),
    "origin": (is_flag, "a truth value"),
    "any_size": (is_flag, "a truth value"),
    "legend": (is_flag, "a truth value"),
    "variants": (is_flag, "a truth value"),
    **dict.fromkeys(("file", "times", "latency"), (is_path, "a path")),
    "model": (is_module, "a module"),
    "reference": (lambda value: is_module(value) or is_path(value), "a module, its name or a path"),
    "map": (are_renamed, "a dict of paths, as {'old': 'new'}"),
    "weights": (lambda value: is_path(value) or isinstance(value, Mapping), "a state_dict or a path"),
}


def checked(*optional: str, **arguments: Any) -> None:
    """Raises at the first argument that is not of its kind; the `optional` ones may be None."""
    for name, value in arguments.items():
        fits, kind = KINDS[name]
        if not fits(value) and not (value is None and name in optional):
            raise fault("bad-call", f"{name} is {kind}, not {shown(value)}", help=as_word(name, value))


def as_word(name: str, value: Any) -> str:
    """What to say of a number or a truth value where a word is expected."""
    word = KINDS[name][0] is is_word and (is_number(value) or is_flag(value))
    return f"words are quoted: {name}='{value}'" if word else ""


def known_word(what: str, word: object, known: Iterable[str]) -> None:
    """Raises unless a word is one of those that there are."""
    if not isinstance(word, str):
        raise fault("bad-call", f"{what} is a word, not {shown(word)}", help=f"choose from {', '.join(known)}")
    if word not in (words := list(known)):
        raise fault(
            "bad-call",
            f"there is no {what} '{word}'",
            help=did_you_mean(word, words) or f"choose from {', '.join(words)}",
        )


# --- values of params
class Placed(dict[str, Any]):
    """Params with their values, and the places where a command line gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Span] = {}


def plain_value(value: Any, name: str) -> Constant:
    """A param given from outside: numbers, truth values, words, and lists of them."""
    left = MAX_ITEMS

    def plain(item: Any, depth: int) -> Constant:
        nonlocal left
        left -= 1
        if left < 0 or depth > MAX_DEPTH:
            bound = f"has more than {MAX_ITEMS} items" if left < 0 else f"is nested more than {MAX_DEPTH} deep"
            raise fault("too-large", f"the list given for '{name}' {bound}")
        if isinstance(item, (list, tuple)):
            return [plain(inner, depth + 1) for inner in item]
        return plain_scalar(item, name)

    return plain(value, 0)


def plain_scalar(value: Any, name: str) -> Constant:
    value = unboxed(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise fault("too-large", f"the text given for '{name}' has more than {MAX_TEXT} characters")
        return str(value)
    if isinstance(value, (int, float)):
        number = int(value) if isinstance(value, int) else float(value)
        return bounded(number, Name(name))
    raise not_a_value(value, name)


def unboxed(value: Any) -> Any:
    """A number of another library (an array or tensor without axes) as one of Python's."""
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return value.item()
    return value


def not_a_value(value: Any, name: str) -> SpecError:
    return fault(
        "bad-value",
        f"the param '{name}' cannot be a {type(value).__name__}",
        help="give a number, a truth value, a word or a list of them",
    )
