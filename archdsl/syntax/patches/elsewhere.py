"""Patches that reach blocks and networks of the files in `use:`: which file each is laid on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from archdsl.syntax.patches.apply import heads_in
from archdsl.syntax.patches.paths import Part, missed, parts_of, within
from archdsl.syntax.patches.places import place_in
from archdsl.yaml.located import Mapping, Node, Scalar


@dataclass(frozen=True, eq=False)
class Layers:
    """What is laid on files in `use:`, by file, in the order in which it is laid."""

    files: dict[Path, tuple[Mapping, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.files)

    def of(self, path: Path) -> tuple[Mapping, ...]:
        return self.files.get(path, ())

    def under(self, other: Layers) -> Layers:
        """These, and those of a file further out on them."""
        if not self or not other:
            return self or other
        paths = dict.fromkeys((*self.files, *other.files))
        return Layers({path: self.of(path) + other.of(path) for path in paths})


NO_LAYERS = Layers()


@dataclass(frozen=True, eq=False)
class UsedFile:
    """A file in `use:`: as it is by itself, and with what the spec that uses it lays on it."""

    path: Path
    own: Mapping
    tree: Mapping
    layers: Layers  # what it lays itself on the files that it uses

    @property
    def network(self) -> str:
        """The name of its network, which is a block where the file is used."""
        name = self.tree.get("name")
        return name.text if isinstance(name, Scalar) and "stages" in self.tree else ""

    def blocks(self) -> list[str]:
        """The blocks that it has, its network among them."""
        return [*names_in(self.tree, "blocks"), *filter(None, [self.network])]

    @cached_property
    def heads(self) -> list[str]:
        """The ops and blocks that it calls."""
        return heads_in(self.tree)


Known = Callable[[], Sequence[UsedFile]]  # the files that can be reached, the nearest first


def divided(base: Mapping, over: Mapping, used: Known, used_by_base: Known) -> tuple[Mapping, Layers]:
    """A file without those of its patches that are meant for files in `use:`, and these.

    A path means a block of the spec itself, else one of the nearest file; `calls:` reaches all that the base uses.
    """
    split = Split(over)
    blocks = over.get("blocks")
    if isinstance(blocks, Mapping):
        own = [*names_in(base, "blocks"), *(key.text for key, _ in blocks.entries if "." not in key.text)]
        for key, value in blocks.entries:
            first = key.text.partition(".")[0]
            if first != key.text and first not in own:
                split.path(key, value, used(), own)
    calls = over.get("calls")
    known = used_by_base() if isinstance(calls, Mapping) else []
    if isinstance(calls, Mapping) and known:
        here = heads_in(base)
        for key, value in calls.entries:
            split.call(key, value, known, here)
    return split.rest(), Layers({path: (tree,) for path, tree in split.trees()})


@dataclass
class Split:
    """A file while its entries are given to the files that they are laid on."""

    over: Mapping
    taken: set[Scalar] = field(default_factory=set)
    found: dict[Path, dict[str, list[tuple[Scalar, Node]]]] = field(default_factory=dict)

    def give(self, file: UsedFile, section: str, key: Scalar, value: Node) -> None:
        self.found.setdefault(file.path, {}).setdefault(section, []).append((key, value))

    def path(self, key: Scalar, value: Node, known: Sequence[UsedFile], own: Sequence[str]) -> None:
        """A path goes to the file that has its block, or its network."""
        if not known:
            return
        first, *rest = parts_of(key)
        file = next((file for file in known if first.text in file.blocks()), None)
        if file is None:
            names = [*own, *(name for file in known for name in file.blocks())]
            raise missed(first, "there is no block", names, "the blocks are")
        self.taken.add(key)
        if first.text in names_in(file.tree, "blocks"):
            self.give(file, "blocks", key, value)
            return
        stages = names_in(file.tree, "stages")
        if rest[0].text not in stages and (len(rest) > 1 or place_in(value) is None):
            raise missed(rest[0], f"the network '{first.text}' has no stage", stages, "its stages are")
        text = key.text[len(first.text) + 1 :]
        place = within(key.span, len(first.text) + 1 + int(key.quoted), len(text))
        self.give(file, "stages", Scalar(text, text, False, place), value)

    def call(self, key: Scalar, value: Node, known: Sequence[UsedFile], here: Sequence[str]) -> None:
        """A change of every call goes to all files that have one."""
        files = [file for file in known if key.text in file.heads]
        for file in files:
            self.give(file, "calls", key, value)
        if files and key.text not in here:
            self.taken.add(key)
        elif key.text not in here:
            words = [*here, *(word for file in known for word in file.heads)]
            raise missed(Part(key), "the spec that this one extends has no step", words, "its steps are")

    def rest(self) -> Mapping:
        """What is laid on the spec itself."""
        if not self.taken:
            return self.over
        kept = []
        for key, value in self.over.entries:
            if key.text in ("blocks", "calls") and isinstance(value, Mapping):
                left = tuple(entry for entry in value.entries if entry[0] not in self.taken)
                if not left:
                    continue
                value = Mapping(left, value.span)
            kept.append((key, value))
        return Mapping(tuple(kept), self.over.span)

    def trees(self) -> Iterator[tuple[Path, Mapping]]:
        """For each file what a file that extends it would say."""
        for path, sections in self.found.items():
            entries = []
            for section, given in sections.items():
                span = given[0][0].span
                entries.append((Scalar(section, section, False, span), Mapping(tuple(given), span)))
            yield path, Mapping(tuple(entries), self.over.span)


def names_in(tree: Mapping, section: str) -> list[str]:
    found = tree.get(section)
    return found.keys() if isinstance(found, Mapping) else []
