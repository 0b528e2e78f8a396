"""Keys of modules, which are those of the state_dict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from archdsl.diagnostics.faults import Note, fault
from archdsl.diagnostics.spans import Span
from archdsl.lowering.refusals import RENAME
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import ATTRIBUTES


@dataclass
class Keys:
    """Where modules get their keys: a class (unique attribute names) or a container (position or given name).

    A name that a step gives is its key, or an error; one that follows from what it is gives way.
    """

    taken: set[str] = field(default_factory=lambda: set(ATTRIBUTES))
    prefix: str = ""
    container: bool = False
    given: set[str] = field(default_factory=set)  # those of `taken` that a `name:` asked for
    places: dict[str, Span] = field(default_factory=dict)

    def key(self, wanted: str | None, fallback: str, span: Span) -> str | None:
        """The key of a module: the name that its step gives, else one after what it is; None: its position."""
        if self.container:
            return wanted
        if wanted is None:
            name = self.prefix + self.free(fallback)
        else:
            name = self.prefix + wanted
            self.check(wanted, name, span)
            self.given.add(name)
        self.taken.add(name)
        self.places[name] = span
        return name

    def free(self, name: str) -> str:
        """A name that no module has here yet."""
        return unique(self.prefix + name, self.taken).removeprefix(self.prefix)

    def check(self, wanted: str, name: str, span: Span) -> None:
        if name not in self.taken:
            return
        place = self.places.get(name)
        notes = (Note("the other is here", place),) if place is not None else ()
        if name == wanted or name in self.given:
            again = f"; or, to run one module twice, write share: {wanted} instead of name:"
            help = f"{RENAME}{again if name in self.given else ''}"
            raise fault("bad-name", f"'{wanted}' names two modules here", span, notes=notes, help=help)
        who = "another module has" if place is not None else "torch's modules have"
        message = f"'{wanted}' cannot name this module: its key would be '{name}', which {who}"
        raise fault("bad-name", message, span, notes=notes, help=RENAME)

    @contextmanager
    def instead(self, before: frozenset[str]) -> Iterator[None]:
        """What is lowered meanwhile runs instead of what came after `before`: a name given there may be given again."""
        released = self.given - before
        self.taken -= released
        self.given -= released
        try:
            yield
        finally:
            self.taken |= released
            self.given |= released


CONTAINER = Keys(container=True)
