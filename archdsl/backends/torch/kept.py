"""What `forward` reads of the constructor's numbers and conditions: attributes that keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.backends.torch import scope
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import Flag
from archdsl.expr.nodes import Expr, Name

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

FEATURES = "num_features"  # of a classifier: the channels that enter its last layer


class Kept:
    """The attributes of one class that keep numbers and conditions."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.flags: dict[str, Flag] = {}
        self.own: set[str] = set()  # attributes that a classifier offers
        # the attributes that there may be
        self.keys = {node.key for node in writer.function.walk() if node.key is not None}

    def in_forward(self, expr: Expr, word: str, slot: tuple[int, str] | None = None) -> Expr:
        """An expression of `__init__` as it can be read in `forward`: a literal or an attribute."""
        shown = self.writer.numbers.shown(expr, slot)
        if not self.writer.numbers.open_names(shown):
            return shown
        name = self.flag(word, shown)
        return Name(f"self.{name}")

    def keep(self, attribute: str, value: Expr) -> None:
        """An attribute of a name that is known."""
        self.own.add(attribute)
        self.writer.body.append(py.assign(f"self.{attribute}", value))

    def condition_flag(self, word: str, expr: Expr) -> str:
        """An attribute that keeps a condition under which there is a module of that name."""
        return self.flag(f"has_{word}" if word in self.keys else word, expr)

    def flag(self, word: str, expr: Expr) -> str:
        """An attribute that keeps a number or a condition for `forward`."""
        for name, known in self.flags.items():
            if known.value == expr and self.writer.sides[: len(known.sides)] == known.sides:
                return name
        if isinstance(expr, Name) and expr.id.isidentifier() and expr.id not in self.writer.loops.variables:
            word = f"has_{expr.id}" if expr.id in self.keys and self.is_truth(expr.id) else expr.id
        name = scope.attribute(word, {*self.flags, *self.keys, *self.own})
        self.flags[name] = Flag(expr, self.writer.sides)
        self.writer.body.append(py.assign(f"self.{name}", expr))
        return name

    def is_truth(self, name: str) -> bool:
        """Whether a name of the constructor is a truth value."""
        slot = self.writer.numbers.bound.get(name)
        return (
            isinstance(slot, tuple)
            and slot in self.writer.numbers.seen
            and self.writer.numbers.seen[slot].kinds == {"bool"}
        )

    def forget(self, variable: str) -> None:
        """What attributes keep of a variable is no longer what it says."""
        for known in self.flags.values():
            if known.value is not None and py.reads(known.value, variable):
                known.value = None
