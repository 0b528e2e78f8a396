"""What a turn of a loop needs, known before it is printed: whether the channels move, and in which variable.

A turn is followed once with a variable for the channels that enter it. Following a chain works out the channels of its
tensors as printing it does, and prints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archdsl.backends.torch.faults import placed
from archdsl.backends.torch.loop_channels import LoopChannels
from archdsl.backends.torch.numbers import LOOPED, UNKNOWN
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Expr, ListOf, Name, names
from archdsl.expr.simplify import same
from archdsl.ir import program as ir
from archdsl.support.naming import unique

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


@dataclass(frozen=True)
class Change:
    """What a turn does to the variable that carries its channels."""

    moves: bool  # whether the variable is needed at all
    within: bool  # whether a loop inside leaves in it what leaves the turn


class Standing:
    """What is known of channels and names at a place of a class, to go back to after looking ahead."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.channels = writer, writer.channels.noted()
        self.loops = replace(writer.loops, variables=set(writer.loops.variables))
        numbers = writer.numbers
        self.bound, self.used, self.sizes = dict(numbers.bound), set(numbers.used), dict(writer.sizes.found)
        writer.loops.mutated = set()

    def go_back(self) -> None:
        writer = self.writer
        writer.channels.go_back(self.channels)
        vars(writer.loops).update(vars(self.loops))
        writer.numbers.bound, writer.numbers.used, writer.sizes.found = self.bound, self.used, self.sizes


class LoopPlan(LoopChannels):
    """What the turns of one loop need."""

    def fixed_entry(self, start: Expr) -> Expr | None:
        """The channels that enter every turn, where it is told without looking at one."""
        node = self.node
        if node.parallel and not node.entries:
            return start
        constant = self.entering()
        return (constant or self.common_entry() or Name(node.entered)) if node.entries else constant

    def common_entry(self) -> Expr | None:
        """The channels of the tensors that enter the branches, each its own, where all of them have the same."""
        first, *others = map(self.writer.channels.of, self.node.entries)
        if isinstance(first, ListOf) or {UNKNOWN, LOOPED} & {*first.mentioned}:
            return None
        return self.from_inside(first) if all(same(first, other) for other in others) else None

    def entering(self) -> Expr | None:
        """The channels that enter each turn, if they are the same wherever the loop stands, with turns or without."""
        node = self.node
        idle = not node.parallel and 0 in self.writer.origin.facts.turns.get(node.id, ())
        if idle and self.numbers.constant((node.out.id, "c")) is None:
            return None
        return self.numbers.constant((node.carry.id, "c"))

    def variable(self, start: Expr) -> str:
        """The variable for channels that move: loops one after another share one, unless what it says is still read."""
        writer = self.writer
        carried = start.id[1:] if isinstance(start, Name) and start.id.startswith("@") else ""
        if carried and self.only_consumer() and self.is_free(carried):
            return carried
        word = "c_in" if writer.outermost else "channels"
        free = {"c_in"} - {carried} if writer.outermost and self.is_free("c_in") else set()
        return unique(word, (writer.words.taken | writer.loops.variables) - free)

    def is_free(self, variable: str) -> bool:
        """Whether no channels that are read from here on are expressed by a variable; constant ones need it no more."""
        writer, word = self.writer, f"@{variable}"
        entering = self.numbers.bound.get("c_in")
        said = isinstance(entering, Expr) and any(name.id == word for name in names(entering))
        if said and writer.order.reads_entry(self.node):
            return False
        for var, expr in writer.channels.known.items():
            read = {name.id for name in names(expr)}
            if word not in read and not (said and "c_in" in read):
                continue
            if writer.order.reads(var, self.node):
                constant = self.numbers.constant((var.id, "c"))
                if constant is None:
                    return False
                writer.channels[var] = constant
        return True

    def only_consumer(self) -> bool:
        return isinstance(self.node.entry, ir.Value) and self.writer.consumers[self.node.entry] == 1

    def change(self, start: Expr, variable: str) -> Change:
        """What a turn does to its variable, told without a trace."""
        standing = Standing(self.writer)
        self.follow_turn(Name(f"@{variable}"), variable)
        found = self.told(start, variable)
        standing.go_back()
        return found

    def follow_turn(self, entering: Expr, variable: str = "") -> None:
        """The channels of a turn that these enter."""
        with self.in_turn(entering, variable):
            follow(self.writer, self.node.body)

    def told(self, start: Expr, variable: str) -> Change:
        """What a turn that was followed has done to its variable."""
        result, carried = self.writer.channels.leaves(self.node.body), Name(f"@{variable}")
        inside = variable in self.writer.loops.mutated
        kept = same(result, carried)
        stays = kept or same(result, substitute(start, self.aside))
        return Change(moves=inside or not stays, within=inside and kept)

    def follow(self) -> None:
        """The channels after the loop."""
        channels = self.writer.channels
        start = channels.of(self.node.entry)
        if self.turn_count() == 0:
            channels[self.node.out] = start
            return
        self.settle(start, self.followed(start))

    def followed(self, start: Expr) -> str | None:
        """A turn, followed; the variable that carries the channels if they move."""
        entering, channels, loops = self.fixed_entry(start), self.writer.channels, self.writer.loops
        if entering is not None:
            self.follow_turn(entering)
            return None
        variable, standing = self.variable(start), Standing(self.writer)
        earlier = dict(channels.closed)  # what loops in front of this one made of the variables
        self.follow_turn(Name(f"@{variable}"), variable)
        if self.told(start, variable).moves:
            channels.closed = earlier
            loops.mutated = {*standing.loops.mutated, variable}
            loops.variables.add(variable)
            return variable
        if loops.mutated:  # the loops inside may share another variable with those around
            standing.go_back()
            self.follow_turn(start)
        else:
            loops.mutated = standing.loops.mutated
            channels.rename(f"@{variable}", substitute(start, self.aside))
        return None


def follow(writer: Writer, region: ir.Region) -> None:
    """Works out the channels of the tensors of a chain, in which there is no join."""
    for node in region.nodes:
        match node:
            case ir.Primitive():
                with placed(node.span):
                    writer.channels[node.out] = writer.channels.after(node)
            case ir.Call():
                with placed(node.span):
                    writer.channels[node.out] = writer.calls.left_by(node, writer.calls.given_in(node))
            case ir.If():
                follow_condition(writer, node)
            case ir.Loop():
                LoopPlan(writer, node).follow()
            case ir.Container():
                with writer.containers.inside(node):
                    follow(writer, node.body)


def follow_condition(writer: Writer, node: ir.If) -> None:
    """The channels after an optional part of a chain."""
    decided = writer.decided(node)
    if decided is None:
        shown = writer.numbers.shown(node.condition, (node.id, "condition"))
        with writer.numbers.given(shown, True):
            follow(writer, node.then)
        with writer.numbers.given(shown, False):
            follow(writer, node.other)
    else:
        follow(writer, node.then if decided else node.other)
    writer.containers.leave(node, decided)
