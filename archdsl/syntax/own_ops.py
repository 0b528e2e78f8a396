"""Ops of other packages come in: from a file that is named, or from what packages register as `archdsl.ops`.

A spec never brings any: it is data.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import archdsl.syntax.reading.structure  # noqa: F401 - imported for the words that register themselves
from archdsl.diagnostics.faults import Collector, Diagnostic, fault
from archdsl.expr.given import is_path, shown
from archdsl.ops import REGISTRY
from archdsl.ops.own import GROUP, said
from archdsl.support.naming import unique
from archdsl.support.paths import is_file, is_folder, real
from archdsl.support.plugins import NOT_OURS, blamed, loaded, registered
from archdsl.syntax.identifiers import RESERVED
from archdsl.syntax.words import BESIDE, STAGE, STEP, STRUCTURE

_installed: list[tuple[Diagnostic, ...]] = []  # the faults of packages, once they were loaded
_files: dict[Path, str] = {}  # the files of calls, and the modules that they became


def load_ops(file: str | os.PathLike[str]) -> list[str]:
    """Runs a Python file (or the folder of a package) with classes of ops; gives the names of its ops.

    They are ops of this process from then on, in every spec. A file that is loaded again replaces its ops. Raises
    `SpecError`, and adds no op, where the file fails or an op has the name of another one.
    """
    path = file_meant(file)
    with all_or_none():
        module = import_file(path)
        _files[path] = module.__name__
        found = [op.name for op in REGISTRY.own().values() if is_from(type(op).__module__, module.__name__)]
        if not found:
            message = f"there is no op in '{path}'"
            raise fault("bad-plugin", message, help='an op is a class such as: class Focus(archdsl.Op, name="focus")')
        refuse_words()
    return found


def loaded_files() -> dict[Path, list[Path]]:
    """The files that were loaded, in order, and those that each has imported of its package, itself among them."""
    return {path: [path, *parts_of(name).values()] for path, name in _files.items()}


def parts_of(package: str) -> dict[str, Path]:
    """The modules that were imported of a package, and their files."""
    found = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    return {name: Path(file) for name, file in found.items() if file and name.startswith(f"{package}.")}


def file_meant(file: str | os.PathLike[str]) -> Path:
    """The file of a call; that of a package is in its folder."""
    if not is_path(file):
        raise fault("bad-call", f"a file of ops is a path, not {shown(file)}")
    path = Path(file)
    path = path / "__init__.py" if is_folder(path) else path
    if not is_file(path):
        raise fault("missing-file", f"there is no file of ops '{path}'", help="give a Python file with classes of ops")
    return path


def import_file(path: Path) -> ModuleType:
    """A file as a module by its name, or if another module has that one, by a name like it."""
    whole = path.name == "__init__.py"
    place = real(path)
    stem = place.parent.name if whole else place.stem
    name = stem if stem.isidentifier() else "ops"
    known = getattr(sys.modules.get(name), "__file__", None)
    if name in sys.modules and (known is None or real(Path(known)) != place):
        others = [word for word, module in sys.modules.items() if getattr(module, "__file__", None) != str(place)]
        name = unique(name, others)
    loader = FromText(name, str(place))
    spec = importlib.util.spec_from_file_location(
        name, place, loader=loader, submodule_search_locations=[str(place.parent)] if whole else None
    )
    if spec is None or place.suffix != ".py":
        raise fault("bad-plugin", f"'{path}' is not a Python file", help="give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    before = {word: sys.modules.pop(word) for word in (name, *parts_of(name)) if word in sys.modules}
    sys.modules[name] = module
    try:
        with blamed(f"the file of ops '{path}'", "cannot be loaded", (str(place),)), no_bytecode():
            loader.exec_module(module)
    except BaseException:
        for word in (name, *parts_of(name)):
            del sys.modules[word]
        sys.modules.update(before)
        raise
    return module


class FromText(SourceFileLoader):
    """Compiles the text of a file, whatever bytecode lies beside it.

    Python takes bytecode for that of the text if both have one size and one second of change: an edit may have both.
    """

    def get_code(self, fullname: str) -> CodeType:
        file = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(file), file)
        return code


@contextmanager
def no_bytecode() -> Iterator[None]:
    """Nor do the other files of a package leave any."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def is_from(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


@contextmanager
def all_or_none() -> Iterator[None]:
    """After a fault there are the ops that there were before."""
    before = dict(REGISTRY)
    try:
        yield
    except BaseException:
        REGISTRY.clear()
        REGISTRY.update(before)
        REGISTRY.edition += 1
        raise


def load_installed() -> list[Diagnostic]:
    """Loads the ops of all packages that register any, once in a process; gives the faults of those that cannot be.

    That takes longer than reading most specs, so it is done where a spec has a word that is no op, or all ops are
    listed.
    """
    if not _installed:
        faults = Collector()
        for point in registered(GROUP):
            with faults.catch(), all_or_none():
                loaded("plug-in", point)
                refuse_words()
        _installed.append(tuple(faults.found))
    return list(_installed[0])


def refuse_words() -> None:
    """Raises where an op of another package has the name of a word of the language."""
    own = {key for words in BESIDE.values() for key in words}
    for name, op in REGISTRY.own().items():
        if name in own or name in RESERVED or any(name in words for words in (STRUCTURE, STEP, STAGE)):
            message = f"{said(type(op))} has the name of a word of the language"
            raise fault("bad-plugin", message, help=f"give it another name; {NOT_OURS}")
