"""Patches that a call gives (`--set dense.stage3.layers=12`), as the file that would say the same."""

from __future__ import annotations

from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import fault
from archdsl.syntax.patches.paths import Part, missed, parts_of
from archdsl.yaml.located import Mapping, Node, Scalar

Setting = tuple[Scalar, Node]  # a path, and the value that its part gets
BY_PATH = ("stages", "blocks", "params", "variants")  # sections whose entries are patched by path
BY_NAME = ("calls", "defaults", "init", "figure")  # those that are laid on by name, level by level


@dataclass
class Branch:
    """A mapping while it is put together."""

    key: Scalar
    value: Node | None = None
    below: dict[str, Branch] = field(default_factory=dict)

    def node(self) -> Node:
        if self.value is not None:
            return self.value
        return Mapping(tuple((branch.key, branch.node()) for branch in self.below.values()), self.key.span)


def as_file(base: Mapping, settings: SequenceABC[Setting]) -> Mapping:
    """What a file that extends the base would say."""
    root = Branch(settings[0][0])
    for key, value in settings:
        section, below = placed(base, key)
        branch = root
        for word in (section, *below):
            branch = branch.below.setdefault(word.text, Branch(word))
        branch.value = value
    found = root.node()
    assert isinstance(found, Mapping)
    return found


def placed(base: Mapping, key: Scalar) -> tuple[Scalar, list[Scalar]]:
    """The section that a path belongs to, and the keys below it: one path, or a word for each level."""
    first, *rest = parts_of_words(key)
    for section in BY_PATH[:3]:
        if first.text in names_in(base, section):
            refuse_stated(base, section, first, key)
            return Scalar(section, section, False, first.span), [key]
    if first.text in BY_PATH and rest:
        path = key.text[len(first.text) + 1 :]
        span = key.span._replace(col=key.span.col + len(first.text) + 1)
        return first.key, [Scalar(path, path, False, span)]
    if first.text in BY_NAME and rest:
        return first.key, [part.key for part in rest]
    known = [name for section in BY_PATH[:3] for name in names_in(base, section)]
    said = f"a path begins with one of them, or with {', '.join((*BY_PATH, *BY_NAME))}"
    raise missed(first, "there is no stage, block or param", known, "there are", said=said)


def parts_of_words(key: Scalar) -> list[Part]:
    """The words of a path; those of a variant (`variants.0.5-224.width`) may be others."""
    if key.text.startswith("variants."):
        word = Scalar("variants", "variants", False, key.span)
        return [Part(word), Part(key)]
    return parts_of(key)


def names_in(base: Mapping, section: str) -> list[str]:
    found = base.get(section)
    return found.keys() if isinstance(found, Mapping) else []


def refuse_stated(base: Mapping, section: str, first: Part, key: Scalar) -> None:
    """Raises at a table that variants state: the default would be changed, and no variant."""
    variants = base.get("variants")
    if section != "params" or not isinstance(variants, Mapping):
        return
    stating = [name.text for name, said in variants.entries if isinstance(said, Mapping) and first.text in said]
    if stating:
        message = f"'{first.text}' is stated by the variants {', '.join(stating)}"
        raise fault("unknown-override", message, first.span, help=f"name the one: variants.{stating[0]}.{key.text}")
