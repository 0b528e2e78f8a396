"""The blocks and networks that steps may call, each lowered once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.diagnostics.faults import Collector, SpecError, fault
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr
from archdsl.ir import program as ir
from archdsl.lowering.refusals import Skip, declared
from archdsl.ops import REGISTRY
from archdsl.support.naming import did_you_mean, op_elsewhere, snake
from archdsl.syntax import spec as s

Key: TypeAlias = "tuple[s.Spec, str]"  # a file, and the name of a block of it
NETWORK = ""  # stands in a key for the network of the file


@dataclass
class Library:
    """Finds the function of a name as a file sees it, and lowers it if that is not yet done."""

    outermost: s.Spec
    faults: Collector
    lower_block: Callable[[Library, s.Spec, s.Block], ir.Function]
    lower_network: Callable[[Library, s.Spec], ir.Function]
    done: dict[Key, ir.Function] = field(default_factory=dict)
    failed: set[Key] = field(default_factory=set)
    sound: list[str] = field(default_factory=list)  # the stages of the network before the first at fault
    open: list[Key] = field(default_factory=list)  # those being lowered, each called by the one before it
    begun: dict[Key, ir.Function] = field(default_factory=dict)  # those being lowered, for calls inside of themselves

    def blocks(self, home: s.Spec) -> None:
        """Every block of a file, used or not."""
        for name in home.blocks:
            with self.faults.catch():
                self.block(home, name)

    def find(self, home: s.Spec, name: str, span: Span) -> ir.Function:
        """The block `name` as seen from the file `home`."""
        if (home, name) in self.done:  # the body of a loop too, which no file holds
            return self.done[home, name]
        if name in home.blocks:
            return self.block(home, name)
        for used in reversed(home.uses):
            if name in used.blocks:
                return self.block(used, name)
            if name == used.name and used.stages:
                return self.network(used)
        if name in home.lost:
            raise Skip
        raise unknown_block(home, name, span)

    def found(self, home: s.Spec, name: str, span: Span) -> ir.Function | None:
        """The block `name` for a question about it; None where it is at fault, which is told, for once."""
        try:
            return self.find(home, name, span)
        except SpecError as error:
            self.faults.keep(error)
            return None

    def block(self, home: s.Spec, name: str) -> ir.Function:
        block, key = home.blocks[name], (home, name)
        if key in self.failed:
            raise Skip
        if key in self.open:
            if key == self.open[-1] and key in self.begun:
                return self.begun[key]
            ring = " -> ".join([*(n for _, n in self.open[self.open.index(key) :]), name])
            message = f"the block '{name}' contains itself ({ring})"
            help = "a block may contain itself directly, under a when: that ends it"
            raise fault("recursive-block", message, block.span, help=help)
        if key not in self.done:
            with self.lowering(key):
                made = self.lower_block(self, home, block)
                if block.torn:
                    raise Skip
                self.faults.clean &= not block.holed
                self.done[key] = made
        return self.done[key]

    @contextmanager
    def all_or_skip(self) -> Iterator[Collector]:
        """Gathers the faults of the parts of one thing; if there are any, the thing is left out."""
        own = Collector()
        with own.catch():
            yield own
        if not own.clean:
            raise SpecError(*own.found)

    @contextmanager
    def lowering(self, key: Key) -> Iterator[None]:
        """While a block is lowered it is open; one that is at fault is not tried again."""
        self.open.append(key)
        try:
            yield
        except Exception:  # a fault of the spec or of ours; it is raised again
            self.failed.add(key)
            raise
        finally:
            self.begun.pop(self.open.pop(), None)

    def network(self, home: s.Spec) -> ir.Function:
        key = (home, NETWORK)
        if key not in self.done:
            self.done[key] = self.lower_network(self, home)
        return self.done[key]

    def names(self, home: s.Spec) -> set[str]:
        """Every name that is a block's in a file, those of outlined loops included."""
        used = (name for spec in home.uses for name in (*spec.blocks, spec.name))
        return {*home.blocks, *used, *(name for spec, name in self.done if spec is home)}

    def defaults(self, home: s.Spec, target: str) -> Mapping[str, tuple[Expr, s.Spec]]:
        """What `defaults:` give an op or block, and where: those of the file, under those of the outermost spec."""
        found: dict[str, tuple[Expr, s.Spec]] = {}
        for spec in (home, self.outermost):
            if target in spec.defaults:
                found.update({name: (value, spec) for name, value in spec.defaults[target].values.items()})
        return found


def unknown_block(home: s.Spec, name: str, span: Span) -> SpecError:
    known = [*home.blocks, *(n for used in home.uses for n in [*used.blocks, used.name])]
    hint = did_you_mean(name, known) or op_elsewhere(name) or did_you_mean(snake(name), REGISTRY)
    blocks = {n: block.span for spec in (*home.uses, home) for n, block in spec.blocks.items()}
    return fault(
        "unknown-block",
        f"'{name}' is not a block",
        span,
        notes=declared(name, known, blocks),
        help=hint or "write it under blocks:, or name its file in use:",
    )
