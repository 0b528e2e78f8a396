"""`after:` and `before:` of a patch: where a new part goes, and where one that is there moves to."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics.faults import fault
from archdsl.syntax.patches.draft import Draft, draft
from archdsl.syntax.patches.paths import Part
from archdsl.syntax.reading.values import as_text
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

PLACES = ("after", "before")
Find = Callable[[Scalar], Draft]  # the part that a word of `after:` means


def place_in(value: Node) -> tuple[str, Scalar] | None:
    """What `after:` or `before:` of a patch says."""
    if not isinstance(value, Mapping):
        return None
    said = [(key, node) for key, node in value.entries if key.text in PLACES]
    if not said:
        return None
    if len(said) > 1:
        raise fault("wrong-type", "a part can have after: or before:, not both", said[1][0].span)
    word, node = said[0][0].text, said[0][1]
    as_text(node, f"{word}:")
    assert isinstance(node, Scalar)
    return word, node


def without_place(value: Node) -> Mapping:
    """What a patch says beside its place."""
    assert isinstance(value, Mapping)
    return Mapping(tuple(entry for entry in value.entries if entry[0].text not in PLACES), value.span)


def end_of(items: list[Draft], word: str, name: Scalar) -> Draft | None:
    """The part that `after: last` and `before: first` mean."""
    if not items or (word, name.text) not in (("after", "last"), ("before", "first")):
        return None
    return items[-1] if word == "after" else items[0]


def insert(made: Draft, anchor: Draft, word: str) -> None:
    """Puts a part beside another; several of one place stand in the order of the file."""
    (anchor.after if word == "after" else anchor.before).append(made)


def move(part: Draft, anchor: Draft, word: str, path: Part) -> None:
    """Takes a part from its place and puts it beside another."""
    if anchor is part:
        raise fault("unknown-override", f"'{path.text}' cannot be placed {word} itself", path.span)
    part.moved = draft(part.own(), part.word)
    part.moved.base, part.moved.spread, part.gone = part.base, part.spread, True
    insert(part.moved, anchor, word)


def is_gone(value: Node) -> bool:
    """Whether a patch takes its part out: `null`, written."""
    return isinstance(value, Scalar) and value.value is None and not value.empty


def listed(draft: Draft) -> list[Draft]:
    """What still stands in a list."""
    return [item for item in draft.parts() if not item.gone] if isinstance(draft.node, Sequence) else [draft]
