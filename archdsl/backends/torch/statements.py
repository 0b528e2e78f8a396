"""The statements of a `forward` before they are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archdsl.backends.torch.syntax import Tree
from archdsl.ir import program as ir


@dataclass(eq=False)
class Step:
    """`out = made(args)`."""

    out: ir.Value
    args: tuple[ir.Operand, ...]
    made: Callable[..., Tree]
    alone: bool = False  # a stage: a line of its own
    named: bool = False  # it reads the arguments more than once: they need names
    repeated: frozenset[ir.Operand] = frozenset()  # those of them that it reads so, if it is not all
    attribute: str | None = None  # the attribute called, of a plain `self.a(x)`
    kind: str = "Tensor"  # the type of what it gives, where a type checker sees none


@dataclass(eq=False)
class Branching:
    """`if condition:` over steps; both sides leave their value in `out`."""

    out: ir.Value
    condition: Tree
    then: list[Statement]
    then_result: ir.Operand
    other: list[Statement]
    other_result: ir.Operand | None  # None: an optional branch, absent


@dataclass(eq=False)
class Walked:
    """A container whose children are called one after another.

    Each takes `further` tensors; the outputs that lie on the `paths` are kept in `store` (if it has a name) by key.
    """

    out: ir.Value
    entry: ir.Operand
    attribute: str
    further: tuple[ir.Operand, ...] = ()
    store: str = ""
    paths: frozenset[tuple[str, ...]] = frozenset()
    chained: bool = False  # its children are containers, each of them
    named: bool = False  # its children have names


@dataclass(eq=False)
class Carried:
    """A container whose children are called one after another on several tensors, or a list of them, each giving such.

    `args` are what each child takes: the place among the tensors carried, a tensor from outside, or None.
    """

    out: ir.Value
    entries: tuple[ir.Operand, ...]
    attribute: str
    args: tuple[int | ir.Operand | None, ...]
    kind: str
    named: bool = False  # its children have names

    @property
    def further(self) -> Iterator[ir.Operand]:
        """The tensors from outside."""
        return (arg for arg in self.args if arg is not None and not isinstance(arg, int))


Statement = Step | Branching | Walked | Carried


def operands_of(statement: Statement) -> Iterator[ir.Operand]:
    """Every operand a statement reads, those of inner statements included."""
    match statement:
        case Step(args=args):
            yield from args
        case Walked(entry=entry, further=further):
            yield from (entry, *further)
        case Carried(entries=entries):
            yield from (*entries, *statement.further)
        case Branching():
            for inner in (*statement.then, *statement.other):
                yield from operands_of(inner)
            yield statement.then_result
            if statement.other_result is not None:
                yield statement.other_result


def base(operand: ir.Operand) -> ir.Value | None:
    return operand if isinstance(operand, ir.Value) else operand.var if isinstance(operand, ir.Item) else None
