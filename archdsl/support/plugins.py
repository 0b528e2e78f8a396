"""What is known by name: our own, and what other packages register under an entry point group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.faults import fault
from archdsl.support.naming import did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@dataclass(frozen=True)
class Plugins:
    """Things of one kind by name. Our own are `module:attribute`, relative to `package`, and go before others."""

    kind: str  # what messages call one: `back end`
    unknown: str  # the code of the fault of a name that none has
    group: str
    package: str
    built_in: Mapping[str, str]

    def registered(self) -> dict[str, EntryPoint]:
        """Those of other packages."""
        from importlib.metadata import entry_points  # takes longer to import than all else here

        return {point.name: point for point in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """All names, our own first."""
        return list(dict.fromkeys((*self.built_in, *sorted(self.registered()))))

    def load(self, name: str) -> Any:
        """The one of a name; only its own module is imported."""
        if name in self.built_in:
            module, attribute = self.built_in[name].split(":")
            return getattr(import_module(module, self.package), attribute)
        others = self.registered()
        if name not in others:
            known = self.names()
            hint = did_you_mean(name, known) or f"there are {', '.join(known)}"
            raise fault(self.unknown, f"there is no {self.kind} '{name}'", help=hint)
        return others[name].load()
