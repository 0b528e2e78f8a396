"""Rules of `init:` for single modules, whose keys follow the steps that patches move, replace and take out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from archdsl.support.naming import snake
from archdsl.syntax.patches.draft import Draft
from archdsl.syntax.patches.steps import Spot, head_of, name_of
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

_NUMBERED = re.compile(r"(.+?)_([0-9]+)")

Owner = tuple[Draft, Callable[[], Iterable[Spot]]]  # a block or stage: the list that keys count in, and all its steps


class Rules:
    """The parts that rules name, as they were before the patches."""

    def __init__(self, init: Node | None, part: Callable[[str], Owner | None]) -> None:
        self.entries = init.entries if isinstance(init, Mapping) else ()
        self.part = part
        self.before: dict[str, list[Draft]] = {}
        for key, _ in self.entries:
            owner, dot, _ = key.text.partition(".")
            found = part(owner) if dot and owner not in self.before else None
            if found is not None:
                self.before[owner] = [spot.step for spot in found[1]()]

    def settled(self) -> tuple[tuple[Scalar, Node], ...]:
        """The rules with the keys that their modules have now; those of modules that are gone are left out."""
        kept = []
        for key, value in self.entries:
            owner, _, rest = key.text.partition(".")
            name = rest if owner not in self.before else self.moved(owner, rest)
            if name is not None:
                text = f"{owner}.{name}" if name else owner
                kept.append((key if text == key.text else Scalar(text, text, key.quoted, key.span), value))
        return tuple(kept)

    def moved(self, owner: str, rest: str) -> str | None:
        """What a module is called now; None if it is gone."""
        word, dot, inner = rest.partition(".")
        found = self.part(owner)
        assert found is not None
        name = placed(found[0], int(word)) if word.isdigit() else self.named(owner, word, found[1])
        return None if name is None else f"{name}{dot}{inner}"

    def named(self, owner: str, word: str, steps: Callable[[], Iterable[Spot]]) -> str | None:
        """The key of a step by what it is, as `conv_2`, counted among those that stand there."""
        match = _NUMBERED.fullmatch(word)
        kind, rank = (match[1], int(match[2])) if match else (word, 1)
        known = [step for step in self.before[owner] if own_key(step.base) == kind]
        if not known or rank > len(known):
            return word
        step = standing(known[rank - 1])
        if step is None or own_key(step.node) != kind:
            return None
        same = [spot.step for spot in steps() if own_key(spot.step.node) == kind]
        if step not in same:  # the body that it stood in is another one
            return None
        number = same.index(step) + 1
        return kind if number == 1 else f"{kind}_{number}"


def own_key(step: Node) -> str:
    """The key that a step has by its name, or by what it is."""
    return name_of(step) or snake(head_of(step))


def standing(step: Draft) -> Draft | None:
    while step.moved is not None:
        step = step.moved
    return None if step.gone else step


def placed(body: Draft, number: int) -> str | None:
    """The place of a step of a list, counted as it stands now."""
    if not isinstance(body.base, Sequence) or number >= len(body.items):
        return str(number)
    step = standing(body.items[number])
    if step is None or head_of(step.node) != head_of(step.base):
        return None
    place = 0
    for part in body.parts():
        if part is step:
            return str(place)
        place += len(list(part.own_items()))
    return str(number)
