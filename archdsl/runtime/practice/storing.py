"""The texts of a spec and of all files that it takes, as a configuration holds them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from archdsl.diagnostics.faults import fault
from archdsl.diagnostics.spans import Source
from archdsl.support.resources import folder, folders_in
from archdsl.syntax.compose import ROOT_MARKS
from archdsl.syntax.patches.settings import Patches
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import SpecLike, in_memory, locate, read_from
from archdsl.yaml.located import keeping, open_source


@dataclass(frozen=True)
class Stored:
    """The texts by their paths: of files of the user, from a folder that holds all, and of specs that archdsl ships."""

    files: dict[str, str]
    shipped: dict[str, str] | None  # None: they are those of the archdsl that reads
    main: str  # the path of the spec itself

    def is_whole(self) -> bool:
        """Whether a configuration of others may be what it should: texts by paths that lead nowhere else."""
        texts = [texts for texts in (self.files, self.shipped) if texts is not None]
        if not all(isinstance(part, Mapping) and all(isinstance(t, str) for t in part.values()) for part in texts):
            return False
        paths = [PurePosixPath(name) for part in texts for name in part]
        return any(self.main in part for part in texts) and not any(p.is_absolute() or ".." in p.parts for p in paths)

    def read(self, patches: Patches) -> Spec:
        """The spec. Its faults name the files as they are stored."""
        if not self.is_whole():
            help_ = "it is one that archdsl.hub.build has saved"
            raise fault("bad-call", "the configuration holds no spec", help=help_)
        with tempfile.TemporaryDirectory() as place:
            own, specs = Path(place, "own"), Path(place, "specs")
            write(self.files, own)
            write(self.shipped or {}, specs)
            (own / ROOT_MARKS[0]).touch()  # files may name others anywhere in the folder that holds all
            path = (own if self.main in self.files else specs) / self.main
            load = partial(load_stored, (own, specs))
            shipped = None if self.shipped is None else tuple(folders_in(specs).values())
            return read_from(load(path), path, load, patches, shipped=shipped)


def load_stored(folders: tuple[Path, ...], path: Path) -> Source:
    """The text of a file under the name by which it is stored."""
    near = os.path.normpath(path)
    names = [os.path.relpath(near, folder) for folder in folders if Path(near).is_relative_to(folder)]
    return open_source(path, Path(names[0]).as_posix() if names else None)


def write(texts: Mapping[str, str], folder: Path) -> None:
    folder.mkdir()
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def texts(spec: SpecLike) -> Stored:
    """The texts of a spec and of the files that it takes."""
    found: dict[Path, str] = {}
    load = keeping(found)
    given = in_memory(spec)
    if given is not None:
        load_shown(read_from(given, None, load), load)
        return Stored({"spec.yaml": given.text}, below(folder("specs"), found), "spec.yaml")
    main = locate(spec)
    load_shown(read_from(load(main), main, load), load)
    shipped = below(folder("specs"), found)
    own = {whole(path): text for path, text in found.items() if not is_below(path, folder("specs"))}
    root = Path(os.path.commonpath([path.parent for path in own])) if own else folder("specs")
    return Stored(below(root, own), shipped, (whole(main) if own else main).relative_to(root).as_posix())


def load_shown(spec: Spec, load: Callable[[Path], Source]) -> None:
    """Loads the specs that the figures of the paper name: they must be there, also where none is drawn."""
    for file in (spec, *spec.uses):
        for figure in file.figure.paper.values():
            if figure.spec is not None:
                load(figure.spec)


def below(folder: Path, found: Mapping[Path, str]) -> dict[str, str]:
    """Those of some texts whose files lie in a folder, by their paths from there."""
    return {path.relative_to(folder).as_posix(): text for path, text in found.items() if is_below(path, folder)}


def whole(path: Path) -> Path:
    """A path from the root. A link stays one: specs name files by it."""
    return Path(os.path.normpath(Path.cwd() / path))


def is_below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and ".." not in path.parts
