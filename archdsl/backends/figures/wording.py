"""The words in boxes: what ops, calls and stages are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from archdsl.diagnostics.faults import at
from archdsl.ir.graph import Node, Scope, Tensor
from archdsl.syntax.spec import Figure

Arguments = Mapping[str, Any]
_NAME = re.compile(r"\b[a-z]\w*")
_LETTERS = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau phi chi psi omega"
GREEK = dict(zip(_LETTERS.split(), "αβγδεζηθκλμνξρστφχψω", strict=True))


class Spelt(int):
    """A number that is written as what it is made of."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return self.text


def spelt_as(number: int, text: str) -> Spelt:
    made = Spelt(number)
    made.text = text
    return made


def op_text(node: Node, figure: Figure | None = None, spelt: Mapping[str, str] | None = None) -> str:
    """`3×3 Conv, s2`, or what the spec says with `label:`, or in `figure:` for all of its kind.

    `spelt`: fields whose whole numbers are written so.
    """
    said = node.label or (figure.labels.get(node.op.name) if figure else None)
    if said:
        return typeset(said) if node.op.name == "formula" else said
    entry = node.inputs[0].shape if node.inputs else ()
    numbers = {name: node.fields[name] for name in spelt or () if type(node.fields[name]) is int}
    texts = {name: spelt_as(number, (spelt or {})[name]) for name, number in numbers.items()}
    with at(node.span):
        return node.op.label(SimpleNamespace(**{**node.fields, **texts}), entry, node.shape)


def typeset(formula: str) -> str:
    """With the signs of mathematics, and Greek letters where names are those of letters."""
    signs = formula.replace(" * ", " · ").replace(" - ", " \N{MINUS SIGN} ")
    return _NAME.sub(lambda name: GREEK.get(name[0], name[0]), signs)


def value_text(value: Any) -> str:
    """An argument's value as the spec would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return f"[{', '.join(map(value_text, value))}]"
    return str(value)


def frozen(value: Any) -> object:
    """An argument's value as one that can be compared and hashed; 1 and true stay apart."""
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else (type(value).__name__, str(value))


def arguments_text(arguments: Arguments, names: Iterable[str]) -> str:
    return ", ".join(f"{name}={value_text(arguments[name])}" for name in names if name in arguments)


def differing(calls: Sequence[Scope]) -> tuple[str, ...]:
    """Parameters to which these calls of one block give different values.

    Not those that merely say how many channels leave: the figure has that as C×H×W.
    """
    names = dict.fromkeys(name for call in calls for name in call.arguments)
    return tuple(
        name
        for name in names
        if len({frozen(call.arguments.get(name)) for call in calls}) > 1
        and any(call.arguments.get(name) != channels(call.output) for call in calls)
    )


def channels(tensor: Any) -> int | None:
    return tensor.shape[0] if isinstance(tensor, Tensor) else None
