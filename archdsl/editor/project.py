"""The files that a spec is made of, and those that are made of it: as they stand in the editor, else on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.support.paths import real
from archdsl.support.resources import spec_folders
from archdsl.syntax.compose import Files, Reference, references_of
from archdsl.workspace.folders import MARK, SUFFIXES
from archdsl.yaml.located import Mapping, Node, Scalar, open_source, read

MOST = 50_000  # files of a folder that are looked through
PASSED = frozenset({"node_modules", "site-packages", "__pycache__"})


def is_spec(name: str, text: str, language: str = "yaml") -> bool:
    """Whether a document is a spec: by its language or its name as an editor has them, or a line `archdsl: 1`."""
    named = language == "archdsl" or name.endswith((".arch.yaml", ".arch.yml"))
    return named or MARK.search(text.encode(errors="replace")) is not None


@dataclass(frozen=True, eq=False)
class File:
    """One file as a tree, and the files that it names."""

    path: Path
    source: Source
    tree: Mapping
    uses: tuple[Path, ...] = ()
    extends: Path | None = None
    named: tuple[tuple[Scalar, Path], ...] = ()  # the words that name files, and which they mean

    def entry(self, section: str, name: str) -> tuple[Scalar, Node] | None:
        """An entry of `blocks:`, `params:` or another section."""
        found = self.tree.get(section)
        if not isinstance(found, Mapping):
            return None
        return next((entry for entry in found.entries if entry[0].text == name), None)


@dataclass
class Project:
    """Finds files, with the texts of open documents in the place of what is saved."""

    open: dict[Path, str] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    files: dict[Path, File] = field(default_factory=dict)

    def load(self, path: Path) -> Source:
        """A file's text: of the editor, if it is open there."""
        text = self.open.get(real(path))
        name = str(real(path))  # by which places in it are found again
        return open_source(path, name) if text is None else Source(name, text)

    def with_texts(self, texts: dict[Path, str]) -> Project:
        """The same files, some with other texts."""
        return Project({**self.open, **texts}, self.folders)

    def file(self, path: Path) -> File | None:
        """A file; the last one that was YAML, if what is being written is none."""
        path = real(path)
        known = self.files.get(path)
        try:
            source = self.load(path)
            if known is not None and known.source.text == source.text:
                return known
            tree = read(source)
        except SpecError:
            return known
        if not isinstance(tree, Mapping):
            return known
        self.files[path] = self.linked(path, source, tree)
        return self.files[path]

    def linked(self, path: Path, source: Source, tree: Mapping) -> File:
        """A tree with the files that it names, as far as they are there."""
        uses, extends = self.links(tree, "use", path), self.links(tree, "extends", path)
        named = tuple((name, found) for name, found in (*uses, *extends))
        return File(path, source, tree, tuple(p for _, p in uses), extends[0][1] if extends else None, named)

    def links(self, tree: Mapping, section: str, path: Path) -> list[tuple[Scalar, Path]]:
        found: list[tuple[Scalar, Path]] = []
        try:
            references = references_of(tree.get(section), path.parent, None, section)
        except SpecError:
            return []
        for reference in references:
            where = self.find(reference)
            if where is not None:
                found.append((reference.name, real(where)))
        return found

    def find(self, reference: Reference) -> Path | None:
        try:
            return Files(self.load, tuple(spec_folders().values())).find(reference)
        except SpecError:
            return None

    # --- who names whom
    def bases(self, file: File) -> Iterator[File]:
        """A file and those that it extends, one after another."""
        seen: set[Path] = set()
        here: File | None = file
        while here is not None and here.path not in seen:
            seen.add(here.path)
            yield here
            here = self.file(here.extends) if here.extends is not None else None

    def all(self) -> Iterator[File]:
        """Every spec that is open or lies in a folder of the project."""
        for path in dict.fromkeys([*self.open, *(real(path) for folder in self.folders for path in below(folder))]):
            found = self.file(path)
            if found is not None and is_spec(path.name, found.source.text):
                yield found

    def made_of(self, paths: set[Path]) -> list[File]:
        """The specs that are some files or are made of them, directly or not."""
        files, found = list(self.all()), set(paths)
        while True:
            more = {f.path for f in files if {*f.uses, *([f.extends] if f.extends else [])} & found} - found
            if not more:
                return [f for f in files if f.path in found]
            found |= more


def below(folder: Path) -> Iterator[Path]:
    """The YAML files of a folder, hidden ones and those of packages left out; a fault if it is too large for that."""
    count = 0
    for where, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name not in PASSED)
        count += len(names) + 1
        if count > MOST:
            help = "open the folder of the specs in the editor"
            raise fault("too-large", f"'{folder.name}' has more than {MOST:,} files to look through", help=help)
        yield from (Path(where) / name for name in sorted(names) if name.endswith(SUFFIXES) and name[0] != ".")


def is_shipped(path: Path) -> bool:
    """Whether a file came with archdsl."""
    return any(path.is_relative_to(real(folder)) for folder in spec_folders().values())
