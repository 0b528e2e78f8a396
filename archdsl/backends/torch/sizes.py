"""Heights and widths of the tensors of a function that differ between its calls, as expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias

from archdsl.analysis.noting import SPREAD
from archdsl.backends.torch.loop_places import LoopPlaces, bound_in, by_turn, turn_of
from archdsl.backends.torch.numbers import Numbers
from archdsl.backends.torch.taps import step_of
from archdsl.expr.fold import fold, substitute
from archdsl.expr.nodes import Constant, Expr, IfElse, Index, ListOf, Lit, Name, is_long, names, wrap
from archdsl.expr.simplify import same, simplify
from archdsl.ir import program as ir
from archdsl.ir.facts import Facts
from archdsl.ops.base import NEEDS_NUMBERS, Field, OpFault

MAX_UNROLLED = 64  # turns of which the sizes are worked out one by one
Size: TypeAlias = "tuple[Expr, ...]"


class Sizes:
    """The spatial sizes of the tensors of one function: numbers where they never differ, else what ops make of them.

    They are worked out from what is asked for backwards, since few are ever asked for: channels that depend on a size
    (after `flatten`, or a rearrangement), and the sizes that a call of a block is given.
    """

    def __init__(
        self,
        facts: Facts,
        numbers: Numbers,
        function: ir.Function,
        entering: Size | None,
        channels: Callable[[ir.Operand], Expr],
        arguments: Callable[[ir.Call], Mapping[str, Expr]],
        callees: Mapping[int, Size | None],
    ) -> None:
        self.function = function
        self.facts, self.numbers, self.callees = facts, numbers, callees
        self.channels, self.arguments = channels, arguments
        self.entering = entering  # of the tensor that enters
        self.first = next(iter(function.inputs.values()))
        self.found: dict[ir.Value, Size | None] = {}
        self.places = LoopPlaces(function)
        self.following: dict[int, Mapping[str, Expr]] = {}  # the loops whose turns are followed -> what a turn binds
        self.made: dict[ir.Value, ir.Operation] = {}
        self.carried: dict[ir.Value, ir.Operation] = {}
        for node in function.walk():
            self.made[node.out] = node
            if isinstance(node, ir.Nested):
                self.carried[node.carry] = node

    def of(self, operand: ir.Operand | None) -> Size | None:
        """The size of a tensor; None if it has no expression."""
        match operand:
            case ir.Value():
                if operand not in self.found:
                    self.found[operand] = None  # of what is read inside of itself
                    self.found[operand] = self.value(operand)
                return self.found[operand]
            case ir.Item(var=var, index=index):
                source = self.made.get(var)
                if isinstance(source, ir.Primitive):  # the parts of a split
                    return self.of(var)
                lone = isinstance(source, ir.Pack) and not source.running and not any(map(is_list, source.ins))
                if isinstance(source, ir.Pack) and lone and isinstance(index, Lit) and type(index.value) is int:
                    return self.of(source.ins[index.value])
            case ir.Tap():
                step = step_of(operand)
                return self.of(step.out) if step is not None else None
        return None

    def at(self, node: ir.Call) -> Size | None:
        """The size of what enters a call, by names that mean this where the call is printed."""
        loops, operand = self.places.around.get(node.id, ()), node.ins[0]
        source = self.made.get(getattr(operand, "var", operand))  # type: ignore[arg-type]
        outer = self.places.around.get(source.id, ()) if source is not None else loops
        found = self.of(operand) if outer == loops else self.lasting(operand, outer)
        return self.followed(operand, outer) if found is None and outer else found

    def value(self, var: ir.Value) -> Size | None:
        seen = self.facts.seen.get((var.id, "size"))
        if seen is not None and not seen.varies and not seen.deps & self.numbers.symbolic:
            return tuple(map(Lit, seen.value))
        if var is self.first:
            return self.entering
        if var in self.carried:
            node = self.carried[var]
            return self.entering_turn(node) if isinstance(node, ir.Loop) else self.of(*node.operands())
        match self.made.get(var):
            case ir.Primitive() as node:
                return self.after(node)
            case ir.Call() as node:
                return self.returned(node)
            case ir.Reuse() as node:
                return self.again(node)
            case ir.If() as node:
                return self.chosen(node)
            case ir.Container(body=body) | ir.Stage(body=body):
                return self.of(body.result)
            case ir.Loop() as node:
                return self.looped(node)
        return None

    def after(self, node: ir.Primitive) -> Size | None:
        """What an op's rule makes of the sizes that enter, computed with expressions."""
        entering = [self.of(operand) for operand in node.ins]
        if node.op.spreads and self.agree(node):
            return next((size for size in entering if size is not None), None)
        if any(size is None for size in entering):
            return None
        known = [size for size in entering if size is not None]
        if node.op.spreads:
            whole, shapes = longest_of(known), [(Lit(1), *size) for size in known]
            return whole if whole is None or node.op.many else self.of_formula(node, shapes)
        if node.op.many:
            return self.joined(node, known)
        if node.op.keeps_size:
            return known[0]
        fields = self.fields(node)
        if fields is None:
            return None
        try:
            shape: Any = (self.channels(node.ins[0]), *known[0])
            result = node.op.result(fields, shape)
        except NEEDS_NUMBERS:  # it has no expression
            return None
        return short(result[1:])

    def agree(self, node: ir.Primitive) -> bool:
        """Whether the tensors of a join are of one shape in every call: none is spread over another."""
        seen = self.facts.seen.get((node.id, SPREAD))
        return seen is not None and not seen.varies and not seen.value

    @staticmethod
    def of_formula(node: ir.Primitive, shapes: Any) -> Size:
        """What a formula leaves of tensors that agree but where they are spread."""
        found: Any = node.op.result(SimpleNamespace(**node.fields), *shapes)[1:]
        return tuple(found)

    def joined(self, node: ir.Primitive, known: Sequence[Size]) -> Size | None:
        """What tensors come to along the axis of their `concat`; None if one stands for several along it."""
        fields = self.fields(node)
        shapes: Any = [(Lit(1), *size) for size in known]
        if fields is None:
            return None
        try:
            along_channels = bool(node.op.result(fields, shapes[0], shapes[0])[1:] == shapes[0][1:])
            if along_channels or any(map(is_list, node.ins)):
                return known[0] if along_channels else None
            return short(node.op.result(fields, *shapes)[1:])
        except OpFault:  # an axis that the tensor has not in this call
            return None

    def fields(self, node: ir.Primitive) -> SimpleNamespace | None:
        """The fields of an op as its rule of sizes takes them; None if one chooses what the rule is."""
        found: dict[str, Any] = {}
        for name, expr in node.fields.items():
            value = self.numbers.constant((node.id, name)) or self.meant(node, expr)
            item = node.op.field(name)
            if item is not None and item.kind == "formula":
                found[name] = expr
                continue
            if not isinstance(value, (Lit, ListOf)) and item is not None and not self.is_number(node, item):
                return None
            seen = self.facts.seen.get((node.id, name))
            if seen is not None and isinstance(seen.value, list) and not isinstance(value, (Lit, ListOf)):
                value = ListOf(tuple(Index(value, Lit(n)) for n in range(len(seen.value))))
            found[name] = plain(value)
        for name, operand in node.tensors.items():
            size = self.of(operand)
            if size is None:
                return None
            found[name] = (None, *size)
        return SimpleNamespace(**found)

    def is_number(self, node: ir.Primitive, item: Field) -> bool:
        """Whether a field is a whole number in every call, or a list of them in every call."""
        seen = self.facts.seen.get((node.id, item.name))
        return item.kind in ("int", "axes") and seen is not None and len(seen.kinds) == 1 and not seen.words

    def again(self, node: ir.Reuse) -> Size | None:
        """What leaves a module on another run, of the sizes that enter it then."""
        module = replace(node.module, ins=node.ins, tensors=node.tensors)
        module.id = node.module.id
        return self.after(module) if isinstance(module, ir.Primitive) else self.returned(module)

    def chosen(self, node: ir.If) -> Size | None:
        decided = self.numbers.decided((node.id, "condition"))
        if decided is not None or node.other.result is None:  # the last body of a choice: the name is no other
            return self.of(node.then.result if decided in (True, None) else node.other.result)
        then, other = self.of(node.then.result), self.of(node.other.result)
        if then is None or other is None or len(then) != len(other):
            return None
        condition = self.meant(node, node.condition)
        return tuple(fold(IfElse(condition, a, b)) for a, b in zip(then, other, strict=True))

    def meant(self, node: ir.Operation, expr: Expr) -> Expr:
        """An expression at a node in the turns that are followed."""
        known = self.places.in_turns(node, self.following)
        return substitute(expr, known) if known else expr

    def looped(self, node: ir.Loop) -> Size | None:
        """What leaves a loop: what enters if its turns leave that as it is, else turn by turn."""
        size = self.of(node.entry)
        if size is None or node.parallel:
            return self.branches(node, size)
        if self.turn(node, size, {}) == size:
            return size
        turns = self.turns(node)
        if not turns and 0 not in self.facts.turns.get(node.id, {0}):
            turns = self.first_and_others(node, size)
        for cells in turns:
            size = None if size is None else self.turn(node, size, cells)
        return size if turns else None

    def branches(self, node: ir.Loop, size: Size | None) -> Size | None:
        """What leaves each branch of a parallel loop, if it is the same."""
        if size is None or node.entries:
            return None
        first, *others = [self.turn(node, size, cells) for cells in self.turns(node)] or [None]
        return first if all(other == first for other in others) else None

    def entering_turn(self, node: ir.Loop) -> Size | None:
        """What enters each turn of a loop: the same, or what the turns before have left, chosen by the turn."""
        loops = self.places.around.get(node.id, ())
        size = self.lasting(node.entry, loops)
        if size is None or node.parallel or self.turn(node, size, {}) == size:
            return size
        found = self.by_turn(node, size, node.carry)
        if found is not None or not loops or loops[-1].id in self.following:
            return found
        return self.followed(node.carry, loops)

    def lasting(self, operand: ir.Operand, loops: Sequence[ir.Loop]) -> Size | None:
        """The size of a tensor in these loops, by names that mean the same in the loops inside of them."""
        size = self.of(operand)
        if size is None or not self.places.is_local(size):
            return size
        return self.followed(operand, loops) if loops else None

    def followed(self, operand: ir.Operand, loops: Sequence[ir.Loop]) -> Size | None:
        """The size that a tensor in these loops has in each turn of the innermost one."""
        entering = self.lasting(loops[-1].entry, loops[:-1])
        return None if entering is None else self.by_turn(loops[-1], entering, operand)

    def by_turn(self, node: ir.Loop, entering: Size, operand: ir.Operand) -> Size | None:
        """The size that a tensor of a loop has in the turn at hand; None where a turn cannot be followed."""
        found: list[Size] = []
        size: Size | None = entering
        turns = self.turns(node) or self.first_and_others(node, entering)
        for cells in turns:
            own = None if size is None else self.turn(node, size, cells, operand)
            if own is None or len(own) != len(entering) or self.places.is_local(own):
                return None
            found.append(own)
            size = None if size is None else self.turn(node, size, cells)
        return tuple(by_turn(axis, Name(turn_of(node))) for axis in zip(*found, strict=True)) if found else None

    def turn(
        self, node: ir.Loop, entering: Size, cells: Mapping[str, Expr], operand: ir.Operand | None = None
    ) -> Size | None:
        """What leaves one turn of what enters it, or the size of a tensor in it; nothing is kept of it."""
        inside = {value for inner in node.body.walk() for value in (inner.out, getattr(inner, "carry", None))}
        known, following = self.found, self.following
        self.found = {value: size for value, size in known.items() if value not in inside} | {node.carry: entering}
        if cells:
            own = named_size(entering) if self.function.staged else {}
            self.following = {**following, node.id: {**cells, **own}}
        size = self.of(operand or node.body.result)
        self.found, self.following = known, following
        return None if size is None else short(size)

    def first_and_others(self, node: ir.Loop, entering: Size) -> list[dict[str, Expr]]:
        """What two turns bind, of a loop of which only the first changes the size; else nothing."""
        cells: list[dict[str, Expr]] = [{"i": Lit(0), "first": Lit(True)}, {"first": Lit(False)}]
        left = self.turn(node, entering, cells[0]) if node.count is not None else None
        if left is None or any(name.id in bound_in(node) for n in left for name in names(n)):
            return []
        return cells if self.turn(node, left, cells[1]) == left else []

    def turns(self, node: ir.Loop) -> list[dict[str, Expr]]:
        """What each turn binds, of a loop with as many turns in every call; none where that differs."""
        cells = self.rows(node) if node.count is None else self.counted(node)
        for n, cell in enumerate(cells):
            cell |= {"i": Lit(n), "first": Lit(n == 0), "last": Lit(n == len(cells) - 1), turn_of(node): Lit(n)}
            for name, expr in node.let.items():
                cell[name] = substitute(expr, cell)
        return cells

    def counted(self, node: ir.Loop) -> list[dict[str, Expr]]:
        assert node.count is not None
        count = self.numbers.constant((node.id, "count")) or self.meant(node, node.count)
        turns = count.value if isinstance(count, Lit) and type(count.value) is int else 0
        return [{} for _ in range(turns)] if turns <= MAX_UNROLLED else []

    def rows(self, node: ir.Loop) -> list[dict[str, Expr]]:
        known = self.facts.rows.get(node.id, [])
        fixed = self.numbers.constant((node.id, "rows")) or node.rows
        open_ = any(n.id not in node.columns for expr in node.column_defaults.values() for n in names(expr))
        told = isinstance(fixed, (Lit, ListOf)) and not any(True for _ in names(fixed)) and not open_
        if not told or len(known) > MAX_UNROLLED:
            return []
        return [{name: wrap(row[name]) for name in node.columns} for row in known]

    def returned(self, node: ir.Call) -> Size | None:
        inside, entering = self.callees.get(node.block.id), self.of(node.ins[0])
        if inside is None or not named_size(entering):
            return None
        given = {name: self.meant(node, expr) for name, expr in self.arguments(node).items()} | named_size(entering)
        return short(tuple(substitute(n, given) for n in inside))


def longest_of(known: Sequence[Size]) -> Size | None:
    """The size of tensors that are spread over each other; None if those that are not 1 along an axis differ there."""
    found: list[Expr] = []
    if len(set(map(len, known))) > 1:  # where one of them is no map in this call, its expressions tell nothing
        return None
    for axis in zip(*known, strict=True):
        long = [n for n in axis if n != Lit(1)] or [Lit(1)]
        if not all(same(n, long[0]) for n in long):
            return None
        found.append(long[0])
    return tuple(found)


def named_size(size: Size | None) -> dict[str, Expr]:
    """The size of what enters a block, by its names there: of a sequence `w_in` is the length. Nothing of others."""
    if size is None or not 1 <= len(size) <= 2:
        return {}
    return {"h_in": size[0] if len(size) == 2 else Lit(None), "w_in": size[-1]}


def is_list(operand: ir.Operand) -> bool:
    return isinstance(operand, ir.Value) and (operand.many or operand.optional)


def plain(expr: Expr) -> Constant | Expr:
    """A literal as its value; the rules of ops compare with such."""
    if isinstance(expr, ListOf):
        return [plain(item) for item in expr.items]
    return expr.value if isinstance(expr, Lit) else expr


def short(size: tuple[Any, ...]) -> Size | None:
    """A size, simplified, unless it is longer than anyone reads, or made of channels that have no lasting expression.

    A variable of the source may move before the size is read.
    """
    found = tuple(n if isinstance(n, Expr) else Lit(n) for n in size)
    vague = any(name.id.startswith("@") for n in found for name in names(n))
    return None if vague or any(map(is_long, found)) else tuple(map(simplify, found))
