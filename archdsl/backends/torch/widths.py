"""Words for the widths that a constructor prints repeatedly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from archdsl.backends.torch.numbers import LOOPED, UNKNOWN
from archdsl.backends.torch.repeated import repeated
from archdsl.expr.nodes import Expr, names
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Widths:
    """The widths of one class that have variables."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def repeated_widths(self) -> dict[Expr, str]:
        """The widths that the constructor prints repeatedly, each with a word for it: that of the step they leave."""
        lasting = (width for width in self.writer.channels.entered if self.writer.numbers.lasting(width))
        found: dict[Expr, str] = {}
        for width in repeated(lasting, self.writer.body):
            kept = tuple(name for name, flag in self.writer.kept.flags.items() if flag.value == width)
            found[width] = self.writer.words.word(*(kept or self.width_words(width)))
        return found

    def width_words(self, width: Expr) -> tuple[str, ...]:
        """What channels are called: `stem_out` where they leave the stem, `stem_width` where they do inside of it."""
        for node in steps_of(self.writer.function.region):
            inside = [inner for region in node.regions() for inner in region.walk()]
            keys = [node.stage, node.key, *(inner.key for inner in inside if isinstance(node, ir.If))]
            word = next(filter(None, keys), None)
            if word is not None and self.leaves(node, width):
                return f"{word}_out", f"{word}_width"
            if word is not None and any(self.leaves(inner, width) for inner in inside):
                return (f"{word}_width",)
        return ("width",)

    def leaves(self, node: ir.Operation, width: Expr) -> bool:
        """Whether these channels leave a node."""
        known = self.writer.channels.known.get(node.out)
        if known is None or any(name.id in (UNKNOWN, LOOPED) for name in names(known)):
            return False
        return self.writer.numbers.shown(known) == width


def steps_of(region: ir.Region) -> Iterator[ir.Operation]:
    """The steps of a class in order, on both sides of its conditions."""
    for node in region.nodes:
        yield node
        if isinstance(node, ir.If) and node.stage is None:
            for side in node.regions():
                yield from steps_of(side)
