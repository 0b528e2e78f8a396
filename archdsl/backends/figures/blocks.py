"""The figure of a block: its usual case, or several side by side, the blocks inside it closed or open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archdsl.backends.figures.anatomy import entering
from archdsl.backends.figures.cases import Case, chosen, letter, meets
from archdsl.backends.figures.hiding import visible
from archdsl.backends.figures.levels import ends, picture
from archdsl.backends.figures.outline import OPEN, Outline, View
from archdsl.backends.figures.picture import Box, Group, GroupKind, Item, Picture
from archdsl.backends.figures.shapes import Shapes, inside
from archdsl.backends.figures.theme import Look
from archdsl.diagnostics.faults import fault
from archdsl.ir.graph import Graph, Scope, Tensor
from archdsl.support.naming import did_you_mean

# what is opened without being asked for: so many blocks of so many boxes each, in figures of so many boxes
MOST_OPENED, MOST_INSIDE, MOST_IN_ALL = 2, 6, 9


@dataclass(frozen=True)
class Drawn:
    """A call that is drawn, and what stands under it."""

    block: str
    text: str
    call: Scope


def blocks(
    graph: Graph,
    names: Sequence[str],
    cases: Sequence[Case] = (),
    expand: Sequence[str] = (),
    *,
    deep: bool = False,
    look: Look | None = None,
) -> Picture:
    """The inside of blocks; their cases stand side by side.

    The blocks in them that `expand` names are drawn open, all of them if `deep`; else those that are small.
    """
    look = look or Look()
    outline = Outline(visible(graph, (*names, *expand)))
    calls = outline.calls
    drawn = [
        Drawn(name, text, call)
        for name in names
        for text, call in chosen(name, calls[name], cases or stated(graph, name, calls[name]), outline.words)
    ]
    view = chosen_view(outline, drawn, expand, deep=deep)
    title = ", ".join(names)
    shapes = [inside(graph, one.call, look.shapes, look.axes) for one in drawn]
    bodies = [block_body(outline, one.call, view, known) for one, known in zip(drawn, shapes, strict=True)]
    if len(drawn) == 1 and not drawn[0].text:
        return picture(title, bodies[0], shapes)
    called = {name: graph.figure.labels.get(name, name) if len(names) > 1 else "" for name in names}
    said = [", ".join(filter(None, (called[one.block], one.text))) for one in drawn]
    if len(drawn) > 1:
        said = [f"({letter(n)}) {text}" for n, text in enumerate(said)]
    return picture(title, [Group("case", *one) for one in zip(said, bodies, strict=True)], shapes)


def stated(graph: Graph, name: str, calls: Sequence[Scope]) -> list[str]:
    """The cases that the spec names; not those that this form of the network has not."""
    return [case for case in graph.figure.cases.get(name, ()) if any(meets(call, case) for call in calls)]


def block_body(outline: Outline, call: Scope, view: View, shapes: Shapes) -> list[Item]:
    found = call.output if isinstance(call.output, (list, tuple)) else [call.output]
    leaving = [tensor for tensor in found if tensor is not None]
    outline.shapes = shapes
    outputs = {f"output {n}" if len(leaving) > 1 else "output": tensor for n, tensor in enumerate(leaving, 1)}
    return [
        *ends("input", inputs(call), shapes),
        *outline.items(call, view),
        *ends("output", outputs, shapes),
    ]


def inputs(call: Scope) -> dict[str, Tensor]:
    """What enters a call, by the names that the block gives it."""
    first = call.inputs[:1]
    names = {tensor: name for name, tensor in reversed([*call.tensors.items()])}
    found = [*first, *(tensor for tensor in entering([*call.nodes()]) if tensor not in first)]
    return {names.get(t) or t.name or f"input {n}": t for n, t in enumerate(found, 1)}


# --- blocks inside
def chosen_view(outline: Outline, drawn: Sequence[Drawn], expand: Sequence[str], *, deep: bool) -> View:
    """What is closed."""
    if deep:
        return all_open(outline)
    if expand:
        known = [name for one in drawn for name in names_inside(one.call)]
        for name in expand:
            if name not in known:
                raise not_inside(drawn[0].block, name, list(dict.fromkeys(known)))
        return opening(expand)
    return opening(small(outline, drawn))


def all_open(outline: Outline) -> View:
    """Every block in a frame, but for those that are one box anyway."""

    def frame(scope: Scope) -> GroupKind | None:
        one_box = outline.is_run(scope) or len([*scope.nodes()]) == 1
        return "block" if scope.is_block and not one_box else None

    return View(lambda _: False, frame, OPEN.fold)


def opening(names: Sequence[str]) -> View:
    """Blocks of these names in a frame, all others closed."""
    return View(
        closed=lambda scope: scope.is_block and scope.name not in names,
        frame=lambda scope: "block" if scope.is_block else None,
        fold=OPEN.fold,
    )


def names_inside(part: Scope) -> Iterator[str]:
    """The blocks that a call, or a whole network, calls: a name for each time."""
    return (scope.name for scope in part.scopes() if scope.is_block and scope is not part)


def not_inside(block: str, name: str, known: Sequence[str]) -> Exception:
    help_ = did_you_mean(name, tuple(known)) or f"in it are {', '.join(known) or 'none'}"
    return fault("unknown-block", f"the block '{block}' has no block '{name}' in it", help=help_)


def small(outline: Outline, drawn: Sequence[Drawn]) -> list[str]:
    """The blocks that a reader is told more by if they are open: few boxes each, and few in all.

    One to which the spec gives a label or a colour is known by that.
    """
    known = {*outline.figure.labels, *outline.figure.colours}
    found: dict[str, None] = {}
    for one in drawn:
        boxes = list(boxes_of(outline, one.call))
        inner = [box.calls[0] for box in boxes if box.calls]
        inner = [call for call in inner if call.name not in known]
        sizes = [sum(1 for _ in boxes_of(outline, call)) for call in inner]
        in_all = len(boxes) + sum(sizes) - len(sizes)
        if len(inner) > MOST_OPENED or max(sizes, default=0) > MOST_INSIDE or in_all > MOST_IN_ALL:
            return []
        found |= dict.fromkeys(call.name for call in inner)
    return [*found]


def boxes_of(outline: Outline, call: Scope) -> Iterator[Box]:
    return (box for item in outline.items(call, OPEN) for box in item.boxes())
