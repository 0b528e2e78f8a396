"""What may be named at a place: numbers and tensors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from archdsl.diagnostics.faults import Note, fault
from archdsl.diagnostics.spans import Span
from archdsl.ir import program as ir
from archdsl.lowering.context import Context
from archdsl.lowering.refusals import RENAME
from archdsl.syntax.identifiers import TURN_NAMES


@dataclass
class Scope:
    """The names at a place of a function, beside the params of its file."""

    context: Context
    numbers: dict[str, Span | None] = field(default_factory=dict)  # where each is declared, if a spec does
    tensors: dict[str, ir.Operand] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()  # inputs that may be absent: their name asks whether they were given
    modules: dict[str, ir.Primitive | ir.Call] = field(default_factory=dict)  # that later steps may share, by name

    def inner(self) -> Scope:
        """A scope whose names are not seen outside (a branch, an optional part)."""
        return Scope(self.context, dict(self.numbers), dict(self.tensors), self.optional, dict(self.modules))

    def conditional(self) -> Scope:
        """The same names at a place that may not be reached: what is made there is not sure to be made."""
        return replace(self, modules=dict(self.modules))

    def named_module(self, name: str | None, operation: ir.Primitive | ir.Call) -> None:
        """The module of a step that has a name may be shared from here on."""
        if name is not None:
            self.modules[name] = operation

    def is_unknown(self, name: str) -> bool:
        """Whether nothing in scope has this name (a dotted one is a path)."""
        named = "." in name or name in self.numbers or name in self.tensors
        return not named and not self.context.file_param(name)

    def no_shadow(self, name: str, span: Span | None) -> None:
        """A new number needs a name that has no meaning yet."""
        if name in self.numbers and name not in TURN_NAMES:
            place = self.numbers[name]
            notes = (Note(f"the other '{name}'", place),) if place else ()
            raise fault("shadowed-name", f"'{name}' already has a meaning here", span, notes=notes, help=RENAME)
        if name in self.tensors:
            raise fault("shadowed-name", f"'{name}' already names a tensor", span, help=RENAME)
