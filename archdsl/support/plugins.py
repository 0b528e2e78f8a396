"""What is known by name: our own, and what other packages register as entry points; and whose fault a fault is."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

NOT_OURS = "this is a fault of the plug-in, neither of archdsl nor of the spec"


# --- entry points
def registered(group: str) -> list[EntryPoint]:
    """What other packages register under a group, in the order of names."""
    from importlib.metadata import entry_points  # takes longer to import than all else here

    return sorted(dict.fromkeys(entry_points(group=group)), key=lambda point: (point.name, point.value))


def shown(point: EntryPoint) -> str:
    """`my_package.passes:thin` of my-package 1.0."""
    package = f" of {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    return f"{point.value}{package}"


def loaded(kind: str, point: EntryPoint) -> Any:
    """What an entry point names."""
    with blamed(f"the {kind} '{point.name}' ({shown(point)})", "cannot be loaded"):
        return point.load()


@dataclass(frozen=True)
class Plugins:
    """Things of one kind by name. Our own are `module:attribute`, relative to `package`; no other has their names."""

    kind: str  # what messages call one: `back end`
    unknown: str  # the code of the fault of a name that none has
    group: str
    package: str
    built_in: Mapping[str, str]

    def registered(self) -> dict[str, EntryPoint]:
        """Those of other packages."""
        return {point.name: point for point in registered(self.group)}

    def names(self) -> list[str]:
        """All names, our own first."""
        self.refuse_two(None)
        return list(dict.fromkeys((*self.built_in, *sorted(self.registered()))))

    def load(self, name: str) -> Any:
        """The one of a name; only its own module is imported."""
        self.refuse_two(name)
        if name in self.built_in:
            module, attribute = self.built_in[name].split(":")
            return getattr(import_module(module, self.package), attribute)
        others = self.registered()
        if name not in others:
            known = self.names()
            hint = did_you_mean(name, known) or f"choose from {', '.join(known)}"
            raise fault(self.unknown, f"there is no {self.kind} '{name}'", help=hint)
        return loaded(self.kind, others[name])

    def said(self, name: str) -> str:
        """What names one of other packages in messages; nothing of our own."""
        point = None if name in self.built_in else self.registered().get(name)
        return f"the {self.kind} '{name}' ({shown(point)})" if point is not None else ""

    def refuse_two(self, name: str | None) -> None:
        """Raises where a name (None: any) means two things."""
        for taken, (one, other) in twice(self.group, tuple(self.built_in)).items():
            if name in (None, taken):
                message = f"two plug-ins have the name of the {self.kind} '{taken}': {one} and {other}"
                if taken in self.built_in:
                    message = f"the {self.kind} '{taken}' ({other}) has the name of a {self.kind} of archdsl"
                raise fault("bad-plugin", message, help="uninstall it, or have it register another name")


@cache
def twice(group: str, built_in: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The names that mean two things, and what; looked up once in a process."""
    found: dict[str, list[str]] = {name: ["archdsl"] for name in built_in}
    for point in registered(group):
        found.setdefault(point.name, []).append(shown(point))
    return {name: (those[0], those[1]) for name, those in found.items() if len(those) > 1}


# --- faults
def home_of(thing: object) -> str:
    """The package and the file that a class or function of others stands in: `myops (/path/myops/ops.py)`."""
    module = str(getattr(thing, "__module__", "") or "__main__")
    file = file_of(module)
    return f"{module.partition('.')[0]} ({from_here(file)})" if file else module.partition(".")[0]


def from_here(file: str) -> str:
    """A path as a user in the current folder would write it."""
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def file_of(module: str) -> str:
    """The file of a module; nothing where it has none, as that of a notebook."""
    return str(getattr(sys.modules.get(module), "__file__", "") or "")


def failed(what: str, how: str, error: BaseException, files: tuple[str, ...] = ()) -> SpecError:
    """The fault of a plug-in that raised something: `what` names it, `how` says what it was doing."""
    if os.environ.get("ARCHDSL_DEBUG"):
        traceback.print_exception(error)
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in files:
            place = f" (line {trace.tb_lineno})"
        elif not files and not file.startswith("<frozen"):
            place = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    message = f"{what} {how}: {type(error).__name__}: {error}{place}"
    return fault("bad-plugin", message, help=NOT_OURS)


@contextmanager
def blamed(what: str, how: str, files: tuple[str, ...] = ()) -> Iterator[None]:
    """What is raised inside, but for faults of a spec, is the fault of the plug-in that `what` names."""
    try:
        yield
    except SpecError:
        raise
    except (Exception, SystemExit) as error:  # a plug-in that ends the process would end it without a word
        raise failed(what, how, error, files) from error
