"""The lines of a stage table: the parts of a network that get one, and what it says of the operators in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import TypeAlias, TypeVar, overload

from archdsl.analysis.trace import Leaf, Part, is_operator
from archdsl.ir.graph import Node, Scope

P = TypeVar("P", Scope, Part)  # a part of a graph, or of a trace
Child: TypeAlias = "Scope | Part | Node | Leaf"
Labels: TypeAlias = Mapping[str, str]  # of blocks: the words for them
NO_LABELS: Labels = {}
LISTED = 6  # operators spelled out in one line of the table


def lines(root: P) -> Iterator[tuple[str, P]]:
    """The parts that get a line: stages, the rows of a stage that is a table, the stages of a nested network."""
    for child in root.children:
        if isinstance(child, (Node, Leaf)):
            yield child.path, alone(child, root)
        else:
            yield from split(child)


@overload
def alone(step: Leaf, within: Part) -> Part: ...
@overload
def alone(step: Node, within: Scope) -> Scope: ...
def alone(step: Node | Leaf, within: Scope | Part) -> Scope | Part:
    """A step as a part of its own."""
    if isinstance(step, Leaf):
        return Part("step", step.path, step.path, children=[step], start=step.number, stop=step.number + 1)
    assert isinstance(within, Scope)
    return Scope("step", step.path, step.path, within, children=[step])


def split(scope: P) -> Iterator[tuple[str, P]]:
    """A stage as one line or several."""
    inside = lone_part(scope)
    if inside is not None and inside.kind == "stage":
        scope = inside  # a stage with a `when:`
    inside = lone_part(scope)
    if inside is not None and inside.kind == "block" and has(inside, "stage"):
        yield from lines(inside)
    elif has(scope, "row"):
        for child in scope.children:
            inner = alone(child, scope) if isinstance(child, (Node, Leaf)) else child
            yield inner.path or inner.name, inner
    elif scope.children:
        yield scope.path or scope.name, scope


def places(paths: Sequence[str]) -> list[str]:
    """What stages and rows are called: a row that has a name by that, and one without as its stage.

    The rows of a stage have the stage before their names if one of them is called as a row of another stage.
    """
    parts = [tuple(part for part in path.split(".") if not part.isdigit()) or (path,) for path in paths]
    homes: dict[str, set[tuple[str, ...]]] = {}
    for words in parts:
        homes.setdefault(words[-1], set()).add(words[:-1])
    unclear = {home for found in homes.values() if len(found) > 1 for home in found}
    return [" ".join(words[-2:] if words[:-1] in unclear else words[-1:]) for words in parts]


def lone_part(scope: P) -> P | None:
    """The part that a part consists of, if it is one."""
    only = scope.children[0] if len(scope.children) == 1 else None
    return None if only is None or isinstance(only, (Node, Leaf)) else only


def has(scope: Scope | Part, kind: str) -> bool:
    """Whether a part has parts of this kind in it."""
    return any(not isinstance(child, (Node, Leaf)) and child.kind == kind for child in scope.children)


def runs(children: Iterable[Child], labels: Labels = NO_LABELS) -> list[tuple[str, int]]:
    """The operators of a part, equal neighbours counted."""
    texts = [text for child in children if (text := describe(child, labels))]
    return [(text, len(list(group))) for text, group in groupby(texts)]


def describe(child: Child, labels: Labels = NO_LABELS) -> str:
    """An operator in the table: the block's name or label, the op's label, or what a turn or branch holds."""
    if child.label:
        return child.label
    if isinstance(child, Leaf):
        return child.worker.label
    if isinstance(child, Node):
        return child.op.label(SimpleNamespace(**child.fields), child.inputs[0].shape, child.shape)
    if child.kind == "stage" or (child.is_block and is_operator(child.name)):  # else: steps gathered by us
        return labels.get(child.name, child.name)
    inside = spelled(runs(child.children, labels))
    return f"[{inside}]" if child.kind == "branch" else inside


def spelled(parts: Sequence[tuple[str, int]]) -> str:
    """`A ×3; B`, the tail of a long list counted."""
    texts = [text if n == 1 else f"({text}) ×{n}" if ";" in text else f"{text} ×{n}" for text, n in parts]
    if len(texts) > LISTED:
        texts[LISTED - 1 :] = [f"… {len(texts) - LISTED + 1} more"]
    return "; ".join(texts)
