"""The steps of a body, as paths find them: by `name:`, by op, block or word, by their place in a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.diagnostics.faults import Note, fault
from archdsl.syntax.patches.draft import Draft
from archdsl.syntax.patches.paths import Part, missed
from archdsl.syntax.patches.places import listed
from archdsl.syntax.reading.steps import StepReader
from archdsl.syntax.words import BESIDE, STEP, STRUCTURE
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence


@dataclass(frozen=True, eq=False)
class Spot:
    """A step, and the list that it stands in; in a list of branches each item is one branch."""

    step: Draft
    inside: Draft
    branches: bool = False

    def names(self) -> list[str]:
        """What a path may call it, the surest first."""
        return [name for name in (self.step.word, name_of(self.step.base), head_of(self.step.base)) if name]


# --- a step
def heads(node: Node) -> list[tuple[Scalar, Node]]:
    return StepReader.heads(node) if isinstance(node, Mapping) else []


def head_of(node: Node) -> str:
    """The op, block or word that a step is; of a list, nothing."""
    if isinstance(node, Scalar):
        return node.text if isinstance(node.value, str) else ""
    return next((key.text for key, _ in heads(node)), "")


def name_of(node: Node) -> str:
    name = node.get("name") if isinstance(node, Mapping) else None
    return name.text if isinstance(name, Scalar) else ""


def is_call(word: str) -> bool:
    """Whether a word is an op or a block, whose value is its arguments."""
    return word not in STRUCTURE and not StepReader.is_join(word)


def keys_of(word: str) -> list[str]:
    """The keys that stand beside a word, or under it, and are no arguments."""
    under = ["body", "if", "shortcut"] if word == "residual" else ["of"] if StepReader.is_join(word) else []
    return [*STEP, *BESIDE.get(word, ()), *under]


# --- all steps
def spots(body: Draft, *, branches: bool = False) -> Iterator[Spot]:
    """Every step of a body, and those in them, in the order of the file."""
    for step in body.parts() if isinstance(body.node, Sequence) else list(body.around()):
        if not step.gone:
            yield Spot(step, body, branches)
            yield from spots_in(step)


def spots_in(step: Draft) -> Iterator[Spot]:
    """The steps in a step."""
    if isinstance(step.node, Sequence):
        yield from spots(step)
    for body, branches in bodies(step):
        yield from spots(body, branches=branches)


def bodies(step: Draft) -> Iterator[tuple[Draft, bool]]:
    """The bodies of a step that is a mapping, and whether each is a list of branches."""
    head = head_of(step.node)
    for key, value in step.entries:
        if key.text == head:
            yield from bodies_of(head, value)
        elif key.text in ("body", "else"):
            yield value, False
        elif key.text == "of":
            yield from ((body, False) for _, body in value.entries)


def bodies_of(head: str, value: Draft) -> Iterator[tuple[Draft, bool]]:
    """Those in the value of its word."""
    if head == "residual" and isinstance(value.node, Mapping):
        yield from ((body, False) for key, body in value.entries if key.text in ("body", "shortcut"))
    elif head in ("body", "residual"):
        yield value, False
    elif head in ("running_sum", "fork") or StepReader.is_join(head):
        of = value.get("of")
        yield (value if of is None else of), True


# --- the steps that a path means
def found(body: Draft, known: list[Spot], part: Part, what: str) -> list[Spot]:
    """The steps that a word of a path means among those known of a body, at least one."""
    number = part.number()
    if number is not None:
        step = numbered(body, number, part, what)
        return [next((spot for spot in known if spot.step is step), Spot(step, body))]
    for names in (lambda spot: [spot.step.word, name_of(spot.step.base)], Spot.names):
        meant = [spot for spot in known if part.text in names(spot)]
        if meant:
            return chosen(meant, part, what)
    names_known = [spot.names()[0] for spot in known if spot.names()]
    raise missed(part, f"{what} has no step", names_known, "its steps are", body.base.span)


def numbered(body: Draft, number: int, part: Part, what: str) -> Draft:
    """The item of a list at a place, as the base counts."""
    items = body.items if isinstance(body.base, Sequence) else [body]
    if number >= len(items):
        message = f"{what} has no step {number}: its {len(items)} steps are numbered from 0"
        raise fault("unknown-override", message, part.span, notes=(Note("they stand here", body.base.span),))
    item = items[number]
    return standing(item, part)


def standing(item: Draft, part: Part) -> Draft:
    """The item where it stands now; a fault if it was taken out."""
    while item.moved is not None:
        item = item.moved
    if item.gone:
        raise fault("unknown-override", f"'{part.text}' is removed by another patch", part.span)
    return item


def chosen(meant: list[Spot], part: Part, what: str) -> list[Spot]:
    """Of steps of one name the one at its place, or all."""
    if part.every:
        return meant
    if part.place is not None and part.place < len(meant):
        return [meant[part.place]]
    if part.place is None and len(meant) == 1:
        return meant
    lines = list(dict.fromkeys(str(spot.step.base.span.line) for spot in meant[:10]))
    count = f"{len(meant)} steps" if len(meant) > 1 else "one step"
    message = f"{what} has {count} '{part.text}', on line{'s' * (len(lines) > 1)} {', '.join(lines)}"
    which = f"{part.text}[0] to {part.text}[{len(meant) - 1}], or all of them, {part.text}[*]"
    help = f"write {which}" if len(meant) > 1 else f"write {part.text}"
    raise fault("unknown-override", message, part.span, help=help)


def refuse_last(spot: Spot, part: Part) -> None:
    """Raises where taking a step out leaves nothing behind."""
    if len(listed(spot.inside)) < 2:
        message = f"'{part.text}' is the only step there and cannot be removed"
        raise fault("unknown-override", message, part.span, help="put identity in its place")
