"""Patches that a call gives (`--set dense.stage3.layers=12`), as the file that would say the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True)
class Patches:
    """Settings by path, and the variants of the spec that are built with them."""

    settings: tuple[Setting, ...] = ()
    forms: tuple[str | None, ...] | None = None  # None: any

    def __bool__(self) -> bool:
        return bool(self.settings)


NO_PATCHES = Patches()


def values(patches: Patches) -> dict[str, Any]:
    """What is set at each path."""
    return {key.text: plain(value) for key, value in patches.settings}


def plain(node: Node) -> Any:
    """A node as Python's own data."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    return [plain(item) for item in node.items]


def as_file(base: Mapping, patches: Patches, used: Callable[[], Collection[str]]) -> Mapping:
    """What a file that extends the base would say; `used` gives the blocks of files in `use:`."""
    root = Branch(patches.settings[0][0])
    for key, value in patches.settings:
        section, below = placed(base, key, patches, used)
        branch = root
        for word in (section, *below):
            branch = branch.below.setdefault(word.text, Branch(word))
        branch.value = value
    found = root.node()
    assert isinstance(found, Mapping)
    return found


def placed(
    base: Mapping, key: Scalar, patches: Patches, used: Callable[[], Collection[str]]
) -> tuple[Scalar, list[Scalar]]:
    """The section that a path belongs to, and the keys below it: one path, or a word for each level."""
    first, *rest = parts_of_words(key)
    for section in BY_PATH[:3]:
        if first.text in names_in(base, section):
            refuse_stated(base, section, first, key, patches.forms)
            return Scalar(section, section, False, first.span), [key]
    if first.text in BY_PATH and rest:
        path = key.text[len(first.text) + 1 :]
        span = key.span._replace(col=key.span.col + len(first.text) + 1)
        return first.key, [Scalar(path, path, False, span)]
    if first.text in BY_NAME and rest:
        return first.key, [part.key for part in rest]
    elsewhere = used()
    if rest and first.text in elsewhere:
        return Scalar("blocks", "blocks", False, first.span), [key]
    known = [*(name for section in BY_PATH[:3] for name in names_in(base, section)), *elsewhere]
    said = f"(a path begins with one of them, or with {', '.join((*BY_PATH, *BY_NAME))})"
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


def refuse_stated(base: Mapping, section: str, first: Part, key: Scalar, forms: tuple[str | None, ...] | None) -> None:
    """Raises at a table that a variant states: the default would be changed, and not the variant."""
    variants = base.get("variants")
    if section != "params" or not isinstance(variants, Mapping):
        return
    default = base.get("default")
    standing = default.text if isinstance(default, Scalar) else None  # the variant that is built where none is chosen
    chosen = variants.keys() if forms is None else [form or standing for form in forms]
    built = [name for form in chosen for name in chain(variants, form)]
    stating = [name for name in built if isinstance(said := variants.get(name), Mapping) and first.text in said]
    if stating:
        message = f"the variant '{stating[0]}' states '{first.text}' itself"
        raise fault("unknown-override", message, first.span, help=f"name it too: variants.{stating[0]}.{key.text}")


def chain(variants: Mapping, name: str | None) -> list[str]:
    """A variant and those that it extends."""
    found: list[str] = []
    while name is not None and name not in found:
        found.append(name)
        said = variants.get(name)
        base = said.get("extends") if isinstance(said, Mapping) else None
        name = base.text if isinstance(base, Scalar) else None
    return found
