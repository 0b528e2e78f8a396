"""Lines of source, broken as ruff format breaks them: whole, or one item a line with a trailing comma."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 88


@dataclass(frozen=True)
class Group:
    """A bracketed list: `head(a, b)`; `head` may itself hold text before the bracket."""

    head: str
    items: tuple[Doc, ...]
    open: str = "("
    close: str = ")"

    @property
    def end(self) -> str:
        """What stands on the last line where it is broken: the comma of a tuple of one is then behind its item."""
        return self.close.removeprefix(",")


@dataclass(frozen=True)
class Cat:
    """Parts one after another on a line; when it must break, its last group does."""

    parts: tuple[Doc, ...]


@dataclass(frozen=True)
class Comprehension:
    """`element for target in rows`, the inside of a bracket."""

    element: Doc
    clause: Doc


@dataclass(frozen=True)
class Ternary:
    """`then if condition else other`."""

    then: Doc
    condition: str
    other: Doc


@dataclass(frozen=True)
class Chain:
    """Operands of one precedence: the first, then each with the operator before it."""

    first: Doc
    rest: tuple[tuple[str, Doc], ...]


@dataclass(frozen=True)
class Bracketed:
    """An operand in brackets."""

    inside: Doc


@dataclass(frozen=True)
class Fluent:
    """Calls on what the one before gives, behind the head of a statement."""

    head: str
    calls: tuple[Doc, ...]


Doc: TypeAlias = "str | Group | Cat | Comprehension | Ternary | Chain | Bracketed | Fluent"


def flat(doc: Doc) -> str:
    """The text on one line."""
    match doc:
        case Group(head, items, start, end):
            return f"{head}{start}{', '.join(map(flat, items))}{end}"
        case Cat(parts):
            return "".join(map(flat, parts))
        case Comprehension(element, clause):
            return f"{flat(element)} for {flat(clause)}"
        case Ternary(then, condition, other):
            first = f"({flat(then)})" if isinstance(then, Ternary) else flat(then)
            return f"{first} if {condition} else {flat(other)}"
        case Bracketed(inside):
            return f"({flat(inside)})"
        case Fluent(head, calls):
            return head + "".join(map(flat, calls))
        case Chain(first, rest):
            return flat(first) + "".join(f" {operator} {flat(part)}" for operator, part in rest)
    return doc


def lines(doc: Doc, indent: int, suffix: str = "") -> list[str]:
    """The text as lines, each indented by `indent` spaces at least."""
    whole = " " * indent + flat(doc) + suffix
    if len(whole) <= WIDTH:
        return [whole]
    match doc:
        case Group(head, items, start) if items:
            return [f"{' ' * indent}{head}{start}", *inside(doc, indent + 4), f"{' ' * indent}{doc.end}{suffix}"]
        case Cat(parts):
            return _break_cat(parts, indent, suffix) or [whole]
        case Comprehension(element, clause):
            return [*lines(element, indent), *lines(Cat(("for ", clause)), indent, suffix)]
        case Ternary():
            return _ternary(doc, indent, suffix)
        case Bracketed():
            return _break_cat([doc], indent, suffix) or [whole]
        case Fluent(head, calls):
            together = " " * (indent + 4) + "".join(map(flat, calls))
            apart = [line for part in calls for line in lines(part, indent + 4)]
            return [
                f"{' ' * indent}{head}(",
                *([together] if len(together) <= WIDTH else apart),
                f"{' ' * indent}){suffix}",
            ]
        case Chain(first, rest):
            inner = [line for operator, part in rest[:-1] for line in lines(Cat((f"{operator} ", part)), indent)]
            return [*lines(first, indent), *inner, *lines(Cat((f"{rest[-1][0]} ", rest[-1][1])), indent, suffix)]
    return [whole]


def inside(group: Group, indent: int) -> list[str]:
    """What a broken bracket holds: plain arguments on one line if they fit, else one item a line."""
    whole = " " * indent + ", ".join(map(flat, group.items))
    if len(whole) <= WIDTH and group.head and all(is_plain(item) for item in group.items):
        return [whole]
    return [
        line for item in group.items for line in lines(item, indent, "" if isinstance(item, Comprehension) else ",")
    ]


def _ternary(doc: Ternary, indent: int, suffix: str) -> list[str]:
    """Each part on a line; one inside another goes on in the same column."""
    other = doc.other
    if isinstance(other, Ternary):
        first, *more = _ternary(other, indent, suffix)
        last = [f"{' ' * indent}else {first.strip()}", *more]
    else:
        last = lines(Cat(("else ", other)), indent, suffix)
    then = Bracketed(doc.then) if isinstance(doc.then, Ternary) else doc.then
    return [*lines(then, indent), f"{' ' * indent}if {doc.condition}", *last]


def is_plain(item: Doc) -> bool:
    """Whether an argument is a name, a number or an expression of them."""
    match item:
        case Cat(parts):
            return all(map(is_plain, parts))
        case Ternary(then, _, other):
            return is_plain(then) and is_plain(other)
        case Bracketed(inside):
            return is_plain(inside)
        case Chain(first, rest):
            return is_plain(first) and all(is_plain(part) for _, part in rest)
    return isinstance(item, str)


def _break_cat(parts: Sequence[Doc], indent: int, suffix: str) -> list[str] | None:
    """Breaks the last group that has items; text before and after stays on its first and last line."""
    parts = [inner for part in parts for inner in (part.parts if isinstance(part, Cat) else (part,))]
    for index in reversed(range(len(parts))):
        part = parts[index]
        if isinstance(part, (Ternary, Chain, Bracketed)):
            inner = part.inside if isinstance(part, Bracketed) else part
            before = "".join(map(flat, parts[:index]))
            after = "".join(map(flat, parts[index + 1 :])) + suffix
            return [f"{' ' * indent}{before}(", *lines(inner, indent + 4), f"{' ' * indent}){after}"]
        if isinstance(part, (Group, Cat)) and (not isinstance(part, Group) or part.items):
            before = "".join(map(flat, parts[:index]))
            after = "".join(map(flat, parts[index + 1 :])) + suffix
            broken = lines(part, indent, after)
            if len(broken) == 1:
                if not isinstance(part, Group):
                    continue
                first, last = f"{' ' * indent}{part.head}{part.open}", f"{' ' * indent}{part.end}{after}"
                broken = [first, *inside(part, indent + 4), last]
            broken[0] = " " * indent + before + broken[0].lstrip()
            return broken
    return None
