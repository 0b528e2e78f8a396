"""Lists of tensors in `forward`: written out, spread over others, walked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.statements import Statement, Step
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Call, ListOf, Lit, Name
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import INPUT

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

Spread: TypeAlias = Callable[[Tree], Tree]  # how the items of a list stand among other tensors
MOST_TERMS = 4  # of a list that are added one by one


class Lists:
    """The lists of tensors of one class."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.packed: dict[ir.Value, tuple[ir.Operand, ...]] = {}  # the tensors of lists that are written out
        self.lazy: set[ir.Operand] = set()  # lists that are iterators
        # lists that tracing cannot walk; one that turns of a loop carry is Python's
        self.made_by_torch = {var for name, var in writer.function.inputs.items() if var.many and name != INPUT}

    def spelt(self, operands: tuple[ir.Operand, ...], *, alone: bool = False) -> tuple[ir.Operand, ...]:
        """Operands with the lists that torch makes as their items: torch.fx traces no walk through such a list.

        One that is the only operand is handed on whole, unless it is to be walked `alone` too.
        """
        if len(operands) == 1 and not alone:
            return operands
        return tuple(inner for operand in operands for inner in self.items_of(operand))

    def terms(self, node: ir.Primitive, operands: tuple[ir.Operand, ...]) -> tuple[ir.Operand, ...]:
        """What an op takes, lists spelt out; the few terms of a sum or product one by one."""
        if not node.op.pairwise:
            return self.spelt(operands)
        found = tuple(inner for operand in self.spelt(operands, alone=True) for inner in self.packed_in(operand))
        if len(found) > MOST_TERMS:
            return self.spelt(operands)
        spelt = [operand for operand in operands if self.is_spelt_here(operand)]
        self.writer.statements = [made for made in self.writer.statements if made.out not in spelt]
        return found

    def packed_in(self, operand: ir.Operand) -> tuple[ir.Operand, ...]:
        """The tensors of a list of `fork`: themselves where nothing else reads it, else by their places in it."""
        items = self.packed.get(operand) if isinstance(operand, ir.Value) else None
        if items is None or not isinstance(operand, ir.Value):
            return (operand,)
        return items if self.is_spelt_here(operand) else tuple(ir.Item(operand, Lit(n)) for n in range(len(items)))

    def is_spelt_here(self, operand: ir.Operand) -> bool:
        """Whether a list is made among the statements at hand, for one reader alone."""
        if not isinstance(operand, ir.Value) or operand not in self.packed or self.writer.consumers[operand] != 1:
            return False
        return any(made.out is operand for made in self.writer.statements)

    def items_of(self, operand: ir.Operand) -> tuple[ir.Operand, ...]:
        """The items of a list that torch makes, if their number is known; any other operand as it is."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return (operand,)
        count = self.writer.channels.count(operand)
        if not isinstance(count, Lit):
            return (operand,)
        return tuple(ir.Item(operand, Lit(index)) for index in range(int(count.value or 0)))

    def is_counted(self, operand: ir.Operand) -> bool:
        """Whether it is a list that torch makes, of a number of tensors that differs between calls."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return False
        return not isinstance(self.writer.channels.count(operand), Lit)

    def spread(self, operand: ir.Operand) -> Spread | None:
        """How the items of a list stand among other tensors; None of a single tensor."""
        if not isinstance(operand, ir.Value) or not (operand.many or self.writer.tensors.may_lack(operand)):
            return None
        if not self.is_counted(operand):
            return py.Starred
        count = Call("range", (self.writer.kept.in_forward(self.writer.channels.count(operand), "parts"),))
        index = Name("i")
        return lambda tree: py.Starred(py.Bracketed(py.Comprehension(py.Subscript(tree, (index,)), index, count)))

    def as_list(self, operand: ir.Operand, statements: list[Statement]) -> ir.Operand:
        """A list that torch makes as one of Python's, which `extend` can take."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return operand
        items, made = self.items_of(operand), ir.Value("parts", many=True)
        spread = [self.spread(item) for item in items]
        statements.append(Step(made, items, lambda *trees: in_brackets(spread_out(trees, spread)), named=True))
        return made

    def listed(self, node: ir.Pack) -> None:
        operands = self.spelt(self.writer.resolved(node.ins), alone=True)
        spread = [self.spread(o) for o in operands]
        many = [item is not None for item in spread]
        counted = any(map(self.is_counted, operands))

        def print_list(*trees: Tree) -> Tree:
            lone = len(trees) == 1 and many[0] and not counted
            inside = trees[0] if lone else py.List(spread_out(trees, spread))
            if not node.running:
                return inside
            match inside:
                case py.List((py.Comprehension() as generated,)):
                    return py.call("accumulate", generated)
            return py.call("accumulate", inside)

        if self.writer.channels.any_number(node.ins):
            self.writer.channels[node.out] = self.writer.channels.alike(node)
            self.writer.statements.append(Step(node.out, operands, print_list, named=counted))
            return
        items = self.writer.channels.spread(node.ins)
        single = len(node.ins) == 1 and many[0]
        self.writer.channels[node.out] = self.writer.channels.of(node.ins[0]) if single else ListOf(tuple(items))
        self.writer.channels.vague[node.out] = self.writer.channels.entries(node.ins)
        if node.running:
            self.lazy.add(node.out)
        source = node.ins[0]
        if single and isinstance(source, ir.Value) and source in self.writer.channels.counts:
            self.writer.channels.counts[node.out] = self.writer.channels.counts[source]
            if source in self.writer.channels.sums and not node.running:
                self.writer.channels.sums[node.out] = self.writer.channels.sums[source]
        last = self.writer.statements[-1] if self.writer.statements else None
        whole = single and not node.running and not counted
        if whole and isinstance(last, Step) and last.out is operands[0] and self.writer.consumers[last.out] == 1:
            last.out = node.out  # another word for the list that has just been made
            return
        self.writer.statements.append(Step(node.out, operands, print_list, named=counted))
        if not node.running and not any(many):
            self.packed[node.out] = operands

    def tensors_given(self, given: ir.Value) -> Sequence[ir.Operand] | None:
        """The tensors of a list that is given back, where each is one of `fork` or has a name."""
        if given.parts:
            return given.items
        items = self.items_of(given)
        if items != (given,):
            return items
        if not self.is_spelt_here(given):
            return None
        self.writer.statements = [made for made in self.writer.statements if made.out is not given]
        return self.packed[given]

    def entries_of(self, node: ir.Loop) -> tuple[ir.Operand, ...]:
        """What enters a loop that carries several tensors: each of them, or a list of Python's."""
        entry = self.writer.resolve(node.entry)
        assert isinstance(entry, ir.Value)
        if not node.carry.items:
            listed = self.as_list(entry, self.writer.statements)
            if listed is not entry:
                # what the turns carry has the name that the spec gives both
                self.writer.tensors.called[entry] = "parts"
            return (listed,)
        self.writer.statements = [made for made in self.writer.statements if made.out is not entry]
        return self.packed[entry]


def listing(made: Callable[..., Tree]) -> Callable[..., Tree]:
    """What makes several tensors as one that makes a list of Python's."""

    def make_list(*trees: Tree) -> Tree:
        found = made(*trees)
        return found if isinstance(py.leftmost(found), py.List) else py.call("list", found)

    return make_list


def in_brackets(trees: tuple[Tree, ...]) -> Tree:
    """A list of tensors; a lone walk through one is a comprehension."""
    match trees:
        case (py.Starred(py.Bracketed(py.Comprehension() as walk)),):
            return py.List((walk,))
    return py.List(trees)


def spread_out(trees: Sequence[Tree], spread: Sequence[Spread | None]) -> tuple[Tree, ...]:
    """Tensors, and the items of lists of them."""
    return tuple(tree if how is None else how(tree) for tree, how in zip(trees, spread, strict=True))
