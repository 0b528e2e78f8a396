"""Python as a tree: what emitted source is made of, before `layout` sets it on lines.

Numbers, truth values and words stand in it as the expressions that they are (`archdsl.expr`); these nodes are what
Python has beside them. A name is a node, `Name` of expressions, and a dotted one is read from what its first part
means. So what is used, what is called anew and what must be imported are walks over the tree.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from archdsl.expr import nodes as numbers
from archdsl.expr.nodes import Expr, Name
from archdsl.expr.show import spelled


@dataclass(frozen=True)
class Call:
    """`function(a, b)`."""

    function: Tree
    args: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Keyword:
    """`name=value` among the arguments of a call."""

    name: str
    value: Tree


@dataclass(frozen=True)
class Starred:
    """`*values` among the items of a list or the arguments of a call."""

    value: Tree


@dataclass(frozen=True)
class Attribute:
    """`value.name` of what is no name itself: `f(x).shape`."""

    value: Tree
    name: str


@dataclass(frozen=True)
class Subscript:
    """`value[a, b]`."""

    value: Tree
    index: tuple[Tree, ...]


@dataclass(frozen=True)
class Slice:
    """`start:stop` in a subscript."""

    start: Tree | None = None
    stop: Tree | None = None


@dataclass(frozen=True)
class Tuple:
    """`(a, b)`; as what is assigned to, `a, b`."""

    items: tuple[Tree, ...]
    bracketed: bool = True


@dataclass(frozen=True)
class List:
    """`[a, b]`."""

    items: tuple[Tree, ...]


@dataclass(frozen=True)
class Dict:
    """`{key: value}`."""

    entries: tuple[tuple[Tree, Tree], ...]


@dataclass(frozen=True)
class Operation:
    """Operands of one precedence: the first, then each with the operator before it."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True)
class Prefixed:
    """`-value`, `not value`."""

    operator: str
    value: Tree


@dataclass(frozen=True)
class Bracketed:
    """`(value)`, where the brackets are for the reader."""

    value: Tree


@dataclass(frozen=True)
class Conditional:
    """`then if condition else other`."""

    then: Tree
    condition: Tree
    other: Tree


@dataclass(frozen=True)
class Comprehension:
    """`element for target in rows`, the inside of a bracket."""

    element: Tree
    target: Tree
    rows: Tree


@dataclass(frozen=True)
class Lambda:
    """A function of nothing: `lambda: value`."""

    value: Tree


@dataclass(frozen=True)
class Joined:
    """The words of some variables with dots between them: `f"{key}.{inner}"`."""

    words: tuple[Name, ...]


@dataclass(frozen=True)
class Foreign:
    """An expression that is known by Python's own tree alone: what the ops of a user may print."""

    node: ast.expr


Tree: TypeAlias = (
    "Expr | Call | Keyword | Starred | Attribute | Subscript | Slice | Tuple | List | Dict | Operation | Prefixed"
    " | Bracketed | Conditional | Comprehension | Lambda | Joined | Foreign"
)


@dataclass
class Assign:
    """`target: annotation = value`; without a value a declaration, with `also` a second target."""

    target: Tree
    value: Tree | None
    annotation: Tree | None = None
    operator: str = "="
    also: Tree | None = None


@dataclass
class Evaluate:
    """An expression as a statement; mypy is told where it is the call of a function `untyped` by its library."""

    value: Tree
    untyped: bool = False


@dataclass
class Return:
    """`return value`."""

    value: Tree


@dataclass
class Raise:
    """`raise value`."""

    value: Tree


@dataclass
class If:
    """`if condition:`; one that is alone under `else:` is an `elif`."""

    condition: Tree
    body: list[Statement]
    orelse: list[Statement] = field(default_factory=list)


@dataclass
class Chosen:
    """`target = then if condition else other` if it fits on a line, else with an `if`.

    What stands otherwise is made in that case `alone` where making it has no end.
    """

    target: Name
    then: Tree
    condition: Tree
    other: Tree
    alone: bool = False


@dataclass
class For:
    """`for target in rows:`."""

    target: Tree
    rows: Tree
    body: list[Statement]


@dataclass
class Append:
    """A module goes to the end of the container at hand, under a key of its own if it has one; `aimed` says which."""

    value: Tree
    key: Tree | None = None


@dataclass
class NextTurn:
    """The end of a turn of a table: its count goes up, where anything reads it; the table says which."""


Statement: TypeAlias = "Assign | Evaluate | Return | Raise | If | Chosen | For | Append | NextTurn"
Part: TypeAlias = "Tree | Statement"

IDENTITY = Call(Name("nn.Identity"))
NONE = numbers.Lit(None)


# --- making nodes
def call(function: str, *args: Tree) -> Call:
    """A call of what a name says."""
    return Call(Name(function), args)


def attribute(value: Tree, name: str) -> Tree:
    """An attribute; that of a name is a dotted name."""
    return Name(f"{value.id}.{name}") if isinstance(value, Name) else Attribute(value, name)


def assign(name: str, value: Tree) -> Assign:
    """`name = value`."""
    return Assign(Name(name), value)


def targets(words: Sequence[str]) -> Tree:
    """Names as what is assigned to: `a`, or `a, b`."""
    names_ = tuple(map(Name, words))
    return names_[0] if len(names_) == 1 else Tuple(names_, bracketed=False)


def side_by_side(items: Sequence[Tree]) -> Tuple:
    """`a, b`, or `a,`."""
    return Tuple(tuple(items), bracketed=False)


# --- walks
def children(part: Part) -> Iterable[Part]:
    """The direct parts of a node, in the order in which they stand in the text."""
    match part:
        case Expr():
            return numbers.children(part)
        case Call(function, args):
            return (function, *args)
        case Keyword(_, value) | Starred(value) | Attribute(value, _) | Prefixed(_, value) | Bracketed(value):
            return (value,)
        case Evaluate(value) | Return(value) | Raise(value) | Lambda(value):
            return (value,)
        case Assign(target, value, annotation, _, also):
            return [found for found in (target, annotation, also, value) if found is not None]
        case Subscript(value, index):
            return (value, *index)
        case Slice(start, stop):
            return [found for found in (start, stop) if found is not None]
        case Tuple(items) | List(items):
            return items
        case Dict(entries):
            return [item for entry in entries for item in entry]
        case Operation(first, rest):
            return (first, *(operand for _, operand in rest))
        case Conditional(then, condition, other):
            return (then, condition, other)
        case Comprehension(element, target, rows):
            return (element, target, rows)
        case Joined(words):
            return words
        case Foreign(node):
            return [Name(inner.id) for inner in ast.walk(node) if isinstance(inner, ast.Name)]
        case If(condition, body, orelse):
            return (condition, *body, *orelse)
        case Chosen(target, then, condition, other):
            return (target, then, condition, other)
        case For(target, rows, body):
            return (target, rows, *body)
        case Append(value, key):
            return (value,) if key is None else (key, value)
        case NextTurn():
            return ()
    raise AssertionError(part)


def walk(*parts: Part) -> Iterator[Part]:
    """Every node, each before its parts."""
    todo = list(reversed(parts))
    while todo:
        part = todo.pop()
        yield part
        todo += reversed(tuple(children(part)))


def dotted_names(*parts: Part) -> Iterator[str]:
    """Every name as it is written, `nn.Conv2d` and `self.conv` whole; functions of expressions are names too."""
    for part in walk(*parts):
        if isinstance(part, Name):
            yield part.id
        elif isinstance(part, numbers.Call):
            yield spelled(part.function)


def words_read(*parts: Part) -> set[str]:
    """The names that must mean something where the parts stand: of dotted ones the first."""
    return {name.partition(".")[0] for name in dotted_names(*parts)}


def reads(part: Part, word: str) -> bool:
    """Whether a part mentions a name."""
    return word in words_read(part)


def leftmost(tree: Tree) -> Tree:
    """The part of a tree that its text begins with."""
    match tree:
        case Call(inner) | Attribute(inner) | Subscript(inner) | Operation(inner) | Conditional(inner):
            return leftmost(inner)
    return tree


# --- changes
def rebuild(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The same node over changed parts; parts of an expression stay expressions."""
    match tree:
        case Call(function, args):
            return Call(change(function), tuple(map(change, args)))
        case Keyword() | Starred() | Prefixed() | Bracketed() | Lambda():
            return replace(tree, value=change(tree.value))
        case Attribute(value, name):
            return attribute(change(value), name)
        case Subscript(value, index):
            return Subscript(change(value), tuple(map(change, index)))
        case Slice(start, stop):
            return Slice(*(None if bound is None else change(bound) for bound in (start, stop)))
        case Tuple() | List():
            return replace(tree, items=tuple(map(change, tree.items)))
        case Dict(entries):
            return Dict(tuple((change(key), change(value)) for key, value in entries))
        case Operation(first, rest):
            return Operation(change(first), tuple((operator, change(operand)) for operator, operand in rest))
        case Conditional(then, condition, other):
            return Conditional(change(then), change(condition), change(other))
        case Comprehension(element, target, rows):
            return Comprehension(change(element), change(target), change(rows))
        case Foreign(node):
            return Foreign(Changing(change).visit(deepcopy(node)))
    return tree


class Changing(ast.NodeTransformer):
    """A change of the names in what is known by Python's own tree alone."""

    def __init__(self, change: Callable[[Tree], Tree]) -> None:
        self.change = change

    def visit_Name(self, node: ast.Name) -> ast.expr:
        made = self.change(Name(node.id))
        return ast.parse(made.id, mode="eval").body if isinstance(made, Name) else node


def changed(statement: Statement, change: Callable[[Tree], Tree]) -> Statement:
    """The same statement over changed trees."""
    match statement:
        case Assign(target, value, also=also):
            second, made = (None if tree is None else change(tree) for tree in (also, value))
            return replace(statement, target=change(target), value=made, also=second)
        case Evaluate() | Return() | Raise() | Append():
            return replace(statement, value=change(statement.value))
        case If(condition, body, orelse):
            return If(change(condition), *([changed(inner, change) for inner in part] for part in (body, orelse)))
        case Chosen(target, then, condition, other, alone):
            return Chosen(target, change(then), change(condition), change(other), alone)
        case For(target, rows, body):
            return For(change(target), change(rows), [changed(inner, change) for inner in body])
        case NextTurn():
            return statement


def over_bodies(statement: Statement, change: Callable[[list[Statement]], list[Statement]]) -> Statement:
    """The same statement over changed bodies."""
    match statement:
        case If(condition, body, orelse):
            return If(condition, change(body), change(orelse))
        case For(target, rows, body):
            return For(target, rows, change(body))
    return statement


def renamed(tree: Tree, old: str, new: str) -> Tree:
    """A tree in which a name is another; the names of arguments and attributes stay."""
    if isinstance(tree, Name):
        first, dot, rest = tree.id.partition(".")
        return Name(f"{new}{dot}{rest}") if first == old else tree
    if isinstance(tree, Expr):
        return numbers.rebuild(tree, lambda part: as_number(renamed(part, old, new)))
    return rebuild(tree, lambda part: renamed(part, old, new))


def as_number(tree: Tree) -> Expr:
    """A tree that is an expression."""
    assert isinstance(tree, Expr)
    return tree
