"""One run of a function: what its names are worth, its tensors, and where its modules stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from archdsl.diagnostics.faults import Note, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Constant
from archdsl.ir import program as ir

ABSENT: Any = object()
Kept: TypeAlias = "list[tuple[Any, ...]]"  # names with what they were


@dataclass(eq=False, slots=True)
class Frame:
    """A function at work. Paths in it are those within the function; `path` is where its module stands."""

    function: ir.Function
    path: str = ""
    values: dict[str, Constant] = field(default_factory=dict)
    tensors: dict[ir.Value, Any] = field(default_factory=dict)
    containers: dict[ir.Operation, str] = field(default_factory=dict)
    by_path: dict[str, Any] = field(default_factory=dict)  # what the modules give that a tap can name
    blocks: dict[str, Frame] = field(default_factory=dict)  # calls, by path
    reusable: dict[ir.Operation, Ran] = field(default_factory=dict)  # modules that run again
    stems: dict[str, int] = field(default_factory=dict)  # how many ops without a module have a path so far
    tabled: bool = False  # in a table, whose turns are counted: elsewhere `turn` may be a param

    def keep(self, names: Iterable[str]) -> Kept:
        """What names are now, for `restore`."""
        return [(name, self.values.get(name, ABSENT)) for name in names]

    def restore(self, kept: Kept) -> None:
        """Names are again what they were."""
        for name, value in kept:
            if value is ABSENT:
                self.values.pop(name, None)
            else:
                self.values[name] = value

    def arguments(self) -> Any:
        """What is bound before a call runs, for `take`."""
        return dict(self.values)

    def take(self, arguments: Any) -> None:
        """Binds the arguments of another call of the same function."""
        self.values.update(arguments)

    def has(self, path: str) -> bool:
        """Whether a module has this path, in the function itself or in a call of it."""
        inside = ((block, path.removeprefix(f"{below}.")) for below, block in self.blocks.items())
        return path in self.by_path or any(within != path and block.has(within) for block, within in inside)

    def whole_path(self, path: str) -> str:
        """A path in the function as one of the network."""
        return f"{self.path}.{path}" if self.path and path else self.path or path

    def op_path(self, within: str, name: str) -> str:
        """The path of an op without a module: its own name, counted."""
        stem = joined(within, name)
        count = self.stems[stem] = self.stems.get(stem, 0) + 1
        return stem if count == 1 else f"{stem}_{count}"


@dataclass(frozen=True, slots=True)
class Ran:
    """The first run of a module that runs again: where it stands, and what it was made with."""

    path: str
    given: Any  # the fields of an op, or the arguments of a block
    entered: Sequence[Any]  # the tensors
    made: Sequence[Any]  # what the domain tells of the modules that ran


@dataclass(slots=True)
class Position:
    """Where modules stand: in a class (count None) or as children of a container."""

    path: str
    count: int | None = None
    named: dict[str, Span] = field(default_factory=dict)  # the children that have names
    row: str | None = None  # the name of the row at work, whose only module has it

    def child(self, key: str | None, span: Span) -> str:
        """The path of the next module."""
        key = self.row or key
        if self.count is not None:
            if key is not None and key in self.named:
                note = Note("the other is here", self.named[key])
                raise fault("bad-name", f"'{key}' names two modules of one chain", span, notes=(note,))
            if key is not None:
                self.named[key] = span
            key = key or str(self.count)
            self.count += 1
        return joined(self.path, str(key))


def joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
