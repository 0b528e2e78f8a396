"""Specs that were read and lowered, kept while their files stay as they are: for those who count many networks of one.

What is kept is shared, so nothing may change it: a run gets a spec and a program to read, and a graph that is made
later is made of a program of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from archdsl.analysis.cost import Cost, cost
from archdsl.analysis.counting import Kept, count_program
from archdsl.diagnostics.faults import SpecError
from archdsl.ir.program import Program
from archdsl.ops import REGISTRY
from archdsl.passes.pipeline import Rewriting, loses_joins, rewritten
from archdsl.support.resources import spec_folders
from archdsl.syntax.patches.settings import NO_PATCHES, Patches
from archdsl.syntax.spec import Spec
from archdsl.workspace.expected import with_published
from archdsl.workspace.library import (
    Inputs,
    SpecLike,
    asks_beside,
    elaborated,
    in_memory,
    locate,
    read,
    read_from,
)
from archdsl.workspace.settings import patches_in
from archdsl.yaml.located import keeping, open_source

MOST = 32  # specs that are kept


@dataclass(frozen=True)
class Recent:
    """A spec with the texts of the files that it was read from, and the programs that it was lowered to, by passes."""

    spec: Spec
    texts: Mapping[Path, str]
    absent: tuple[Path, ...]  # files that `use:` would have found before those that it did find
    programs: dict[Rewriting, tuple[Spec, Program, Kept]] = field(default_factory=dict)
    edition: int = field(default_factory=lambda: REGISTRY.edition)  # of the ops

    def is_current(self) -> bool:
        """Whether reading the spec again would find the same; the texts decide, not the times of the files."""
        if self.edition != REGISTRY.edition:
            return False
        try:
            same = all(open_source(path).text == text for path, text in self.texts.items())
        except SpecError:
            return False
        return same and not any(path.exists() for path in self.absent)

    def lowered(self, rewriting: Rewriting) -> tuple[Spec, Program, Kept]:
        if rewriting not in self.programs:
            if len(self.programs) >= MOST:
                self.programs.clear()
            self.programs[rewriting] = *rewritten(self.spec, rewriting), Kept()
        return self.programs[rewriting]


RECENT: dict[Path, Recent] = {}
ORDER = Lock()  # held where they change


def cost_of(
    spec: SpecLike, variant: str | None, params: Mapping[str, Any], inputs: Inputs | None, rewriting: Rewriting
) -> Cost:
    """The cost of a variant of a spec; a file that is counted again and again is read and lowered once."""
    known = recent_of(spec, patches_in(params, variant))
    if asks_beside(known.spec, params):
        return with_published(cost(elaborated(known.spec, variant, params, inputs, rewriting)))
    whole, wanted = known.lowered(Rewriting()), known.lowered(rewriting)
    if loses_joins(whole[1], wanted[1]):
        count_program(*whole, variant, params, inputs)
    return with_published(count_program(*wanted, variant, params, inputs))


def recent_of(spec: SpecLike, patches: Patches = NO_PATCHES) -> Recent:
    """A spec with the programs that it is lowered to, kept if it is a file without patches."""
    alone = patches or in_memory(spec)
    return Recent(read(spec, patches=patches), {}, ()) if alone else recent(locate(spec))


def recent(path: Path) -> Recent:
    """The spec of a file, read if that was not done before, or if it has changed since."""
    with ORDER:
        known = RECENT.pop(path, None)
    if known is None or not known.is_current():
        known = opened(path)
    with ORDER:
        RECENT[path] = known  # the last one now
        while len(RECENT) > MOST:
            del RECENT[next(iter(RECENT))]
    return known


def opened(path: Path) -> Recent:
    texts: dict[Path, str] = {}
    load = keeping(texts)
    spec = read_from(load(path), path, load)
    return Recent(spec, texts, tuple(found for found in before(texts) if not found.exists()))


def before(paths: Mapping[Path, str]) -> Iterator[Path]:
    """Where `use:` looks first for what it has found among the shipped specs."""
    folders = list(spec_folders().values())
    for path in paths:
        for number, folder in enumerate(folders):
            if path.is_relative_to(folder):
                name = path.relative_to(folder)
                yield from (other.parent / name for other in paths)
                yield from (earlier / name for earlier in folders[:number])
