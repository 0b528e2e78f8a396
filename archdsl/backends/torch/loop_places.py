"""Where the parts of a function stand in its loops, and the names that mean something else in each turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archdsl.expr.nodes import Compare, Expr, IfElse, Index, ListOf, Lit, names
from archdsl.ir import program as ir
from archdsl.syntax.identifiers import TABLE_NAMES, TURN_NAMES

ENTERING = ("c_in", "h_in", "w_in")  # in a stage they are those of what enters the innermost turn


class LoopPlaces:
    """The loops around each node of a function."""

    def __init__(self, function: ir.Function) -> None:
        self.around: dict[int, tuple[ir.Loop, ...]] = {}
        self.local = {*TURN_NAMES, *TABLE_NAMES, *(ENTERING if function.staged else ())}
        for region in (function.region, *(auxiliary.region for auxiliary in function.training.values())):
            self.place(region, ())

    def place(self, region: ir.Region, loops: tuple[ir.Loop, ...]) -> None:
        for node in region.nodes:
            self.around[node.id] = loops
            inside = loops
            if isinstance(node, ir.Loop):
                inside = (*loops, node)
                self.local |= bound_in(node)
            for inner in node.regions():
                self.place(inner, inside)

    def is_local(self, size: Iterable[Expr]) -> bool:
        """Whether a size is said by names that mean something else in other loops."""
        return any(name.id in self.local for n in size for name in names(n))

    def in_turns(self, node: ir.Operation, turns: Mapping[int, Mapping[str, Expr]]) -> dict[str, Expr]:
        """What names mean at a node, in these turns of the loops around it."""
        env: dict[str, Expr] = {}
        for loop in self.around.get(node.id, ()):
            bound = bound_in(loop)
            env = {name: value for name, value in env.items() if name not in bound}
            env |= turns.get(loop.id, {})
        return env


def bound_in(loop: ir.Loop) -> set[str]:
    """The names that each turn of a loop binds anew."""
    return {*TURN_NAMES, *loop.columns, *loop.let}


def turn_of(loop: ir.Loop) -> str:
    """The name for the number of a turn, from 0, which is the same in the loops inside of it."""
    return f"turn of {loop.id}"


def by_turn(sizes: Sequence[Expr], turn: Expr) -> Expr:
    """The size of the turn at hand, of those of all turns."""
    first, *others = sizes
    if all(n == first for n in others):
        return first
    if all(n == others[0] for n in others):
        return IfElse(Compare("==", turn, Lit(0)), first, others[0])
    return Index(ListOf(tuple(sizes)), turn)
