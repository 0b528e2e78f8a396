"""Files below one folder, for a caller that may read and write nothing else; links do not lead out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.diagnostics.spans import Source
from archdsl.support.paths import is_file, real
from archdsl.support.resources import spec_folders
from archdsl.syntax.patches.settings import NO_PATCHES, Patches
from archdsl.syntax.spec import Spec
from archdsl.workspace.library import all_shipped, in_memory, locate, read_from


@dataclass(frozen=True)
class Confined:
    """A folder that is all there is, beside the shipped specs, which may be read."""

    root: Path

    def holds(self, path: Path) -> bool:
        return real(path).is_relative_to(real(self.root))

    def inside(self, name: str) -> Path:
        """A file to be written; raises where it would lie elsewhere."""
        path = self.root / name
        if "\0" in name or not self.holds(path):
            raise outside(name)
        return path

    def spec(self, name: str, patches: Patches = NO_PATCHES) -> Spec:
        """A spec by its name, its file or its text, all of whose files may be read; patches are laid on it."""
        given = in_memory(name)
        if given is not None:
            return read_from(given, None, self.load, patches)
        path = self.found(name)
        return read_from(self.load(path), path, self.load, patches)

    def found(self, name: str) -> Path:
        """The file of a spec. Of what lies elsewhere nothing is told, not even whether it is there."""
        path = self.root / name
        if "\0" in name or not self.holds(path):
            raise outside(name)
        return locate(name if name in all_shipped() and not is_file(path) else str(path))

    def load(self, path: Path) -> Source:
        """The text of a file that a spec names."""
        from archdsl.yaml.located import open_source

        if not self.holds(path) and not is_shipped(path):
            raise outside(str(path))
        return open_source(path)


def is_shipped(path: Path) -> bool:
    return any(real(path).is_relative_to(real(folder)) for folder in spec_folders().values())


def outside(name: str) -> SpecError:
    message = f"'{name[:200]}' is not in the folder of this server"
    return fault("bad-call", message, help="only files below the folder that it was started in are read and written")
