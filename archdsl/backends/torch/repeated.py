"""Widths that a constructor would print again and again: each gets a local variable, made where it is first read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from archdsl.backends.torch.layout import Cat, flat
from archdsl.backends.torch.pieces import Line, expr_doc, mentions, text
from archdsl.expr.nodes import Call, Expr, IfElse, Name, children, rebuild


def repeated(widths: Iterable[Expr], lines: Iterable[Line]) -> Iterator[Expr]:
    """Those of some widths that are worth a variable: more than arithmetic, and in these lines more than once."""
    whole = "\n".join(flat(line.doc) for line in lines)
    for width in sorted(dict.fromkeys(widths), key=lambda width: (-len(text(width)), text(width))):
        shown = text(width)
        if is_laborious(width) and whole.count(shown) > 1:
            yield width
            whole = whole.replace(shown, "")


def is_laborious(expr: Expr) -> bool:
    """Whether more is done than arithmetic."""
    return isinstance(expr, (Call, IfElse)) or any(map(is_laborious, children(expr)))


def with_variables(expr: Expr, words: Mapping[Expr, str]) -> Expr:
    """An expression with variables for the widths in it."""
    if expr in words:
        return Name(words[expr])
    return rebuild(expr, lambda part: with_variables(part, words)) if words else expr


def with_assignments(lines: Sequence[Line], words: Mapping[Expr, str]) -> list[Line]:
    """The lines of a constructor, the variables for widths made in front of the statement that reads them first."""
    found = list(lines)
    for expr, word in words.items():
        reader = next((n for n, line in enumerate(found) if mentions(line.doc, word)), None)
        if reader is not None:
            others = {other: name for other, name in words.items() if other != expr}
            made = Line(0, Cat((f"{word} = ", expr_doc(with_variables(expr, others)))))
            found.insert(statement(found, reader), made)
    return found


def statement(lines: Sequence[Line], at: int) -> int:
    """Where the statement of the constructor begins that a line is part of."""
    return max(n for n in range(at + 1) if lines[n].depth == 0 and not flat(lines[n].doc).startswith(("else", "elif ")))
