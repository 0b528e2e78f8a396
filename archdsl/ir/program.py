"""The lowered form of a spec: sugar gone, names and tensors resolved, numbers still symbolic.

A `Program` is the functions of a network: each block, and the network itself, as a region of eight kinds of operation
over values. `analysis/interpreter` runs it, with numbers for the graph; the source back end prints it. Every part has
an id that is dense in its program and survives copying and pickling: what is found out about a part is kept under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Lit
from archdsl.ops.base import Op
from archdsl.syntax.spec import Defaults, Param

UNNUMBERED = -1


@dataclass(eq=False)
class Numbered:
    """What has an id in its program."""

    id: int = field(default=UNNUMBERED, init=False)


@dataclass(eq=False)
class Value(Numbered):
    """A tensor of a function, or a list of them (`many`); `name` is the word for it in source."""

    name: str
    many: bool = False
    optional: bool = False  # the result of a branch that may not exist
    parts: tuple[str, ...] = ()  # the names its items are unpacked to
    items: tuple[Item, ...] = ()


@dataclass(eq=False)
class Item(Numbered):
    """One of a list of tensors."""

    var: Value
    index: Expr


@dataclass(eq=False)
class Tap(Numbered):
    """The output of a named child of a container, by the keys that lead there."""

    container: Container | Loop
    keys: tuple[str, ...]
    span: Span | None


Operand: TypeAlias = "Value | Item | Tap"


@dataclass(eq=False)
class Region(Numbered):
    """Nodes in order of execution, and what comes out."""

    nodes: list[Operation] = field(default_factory=list)
    result: Operand | None = None

    def walk(self) -> Iterator[Operation]:
        """Every node inside, nested regions included."""
        for node in self.nodes:
            yield node
            for region in node.regions():
                yield from region.walk()


@dataclass(eq=False, kw_only=True)
class Operation(Numbered):
    """What all nodes have: the result, the place, and the key under which a module stands (None: by position)."""

    out: Value
    span: Span
    key: str | None = None
    label: str | None = None
    stage: str | None = None  # the stage that this node is, at the top of a network
    source: int = UNNUMBERED  # in the program of which this one is a copy: the operation that this was
    merged: tuple[int, ...] = ()  # and, in order, it and those before and after it that are a part of it now
    reused: bool = False  # a later `Reuse` runs its module too

    def regions(self) -> tuple[Region, ...]:
        return ()

    def operands(self) -> tuple[Operand, ...]:
        return ()


@dataclass(eq=False, kw_only=True)
class Primitive(Operation):
    """A primitive over `ins` (a value that is `many` spreads), then the tensors of its tensor fields."""

    op: Op
    fields: Mapping[str, Expr]
    ins: tuple[Operand, ...]
    tensors: Mapping[str, Operand] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    field_spans: Mapping[str, Span] = field(default_factory=dict)
    called: tuple[str, ...] = ()  # of a formula: what the spec calls each of `ins`

    @property
    def functional(self) -> bool:
        return self.op.functional(self.given)

    def operands(self) -> tuple[Operand, ...]:
        return (*self.ins, *self.tensors.values())


@dataclass(eq=False, kw_only=True)
class Call(Operation):
    """A block applied to a tensor and, by name, to further ones; `out` is a list if the block gives several."""

    block: Function
    args: Mapping[str, Expr]
    ins: tuple[Operand, ...]
    tensors: Mapping[str, Operand] = field(default_factory=dict)

    def operands(self) -> tuple[Operand, ...]:
        return (*self.ins, *self.tensors.values())


@dataclass(eq=False, kw_only=True)
class Reuse(Operation):
    """The module of an earlier operation of the function, run on other tensors.

    It has the fields or arguments of that operation, with the numbers that they were there: names may mean something
    else here.
    """

    module: Primitive | Call
    ins: tuple[Operand, ...]
    tensors: Mapping[str, Operand] = field(default_factory=dict)

    def operands(self) -> tuple[Operand, ...]:
        return (*self.ins, *self.tensors.values())


@dataclass(eq=False, kw_only=True)
class If(Operation):
    """One region or the other; `branch` marks an optional branch of a join, absent if the condition is false."""

    condition: Expr
    then: Region
    other: Region
    word: str = ""  # a name for the condition (`residual`)
    branch: bool = False
    choices: tuple[str, ...] = ()  # of `choice:`, the names of all its bodies

    def regions(self) -> tuple[Region, ...]:
        return (self.then, self.other)


@dataclass(eq=False, kw_only=True)
class Nested(Operation):
    """A region that runs on the tensor that enters, which is `carry` inside of it."""

    entry: Operand
    carry: Value
    body: Region
    let: Mapping[str, Expr] = field(default_factory=dict)

    def regions(self) -> tuple[Region, ...]:
        return (self.body,)

    def operands(self) -> tuple[Operand, ...]:
        return (self.entry,)


@dataclass(eq=False, kw_only=True)
class Loop(Nested):
    """A chain repeated over rows (or `count` times); `parallel`: each row from the same tensor, all results kept.

    `carry` may be a list, of the tensors that a turn reads and gives.
    In a container the turns are its own children, otherwise they make a container of their own.
    `rows` of a table with a `name` column are keyed by it; `wrap` puts each row into a container.
    """

    count: Expr | None = None
    columns: tuple[str, ...] = ()
    column_defaults: Mapping[str, Expr] = field(default_factory=dict)
    rows: Expr | None = None
    parallel: bool = False
    inline: bool = False  # its turns are children of the enclosing container
    wrap: bool = False
    table: bool = False  # a table of rows of a stage
    counted: bool = False  # it reads `turn` or `turns`
    entries: tuple[Operand, ...] = ()  # of a column of tensors: what enters each row, `entry` being the first
    entered: str = ""  # the column that then holds the channels of what enters

    def operands(self) -> tuple[Operand, ...]:
        return self.entries or (self.entry,)


@dataclass(eq=False, kw_only=True)
class Container(Nested):
    """A chain of modules under one key: a stage, a branch, a row."""

    kind: str = "branch"


@dataclass(eq=False, kw_only=True)
class Stage(Nested):
    """A stage that is no chain: its steps are the network's own, keyed by the stage's name in front."""


@dataclass(eq=False, kw_only=True)
class Pack(Operation):
    """Several tensors as a list; with `running`, their running sums."""

    ins: tuple[Operand, ...]
    running: bool = False

    def operands(self) -> tuple[Operand, ...]:
        return self.ins


@dataclass(eq=False)
class Auxiliary(Numbered):
    """A stage that runs in training alone, if it exists."""

    condition: Expr
    region: Region


@dataclass(frozen=True, eq=False)
class NamedInit:
    """How one module of a function is initialised: the operations that lead to it, of calls and containers."""

    path: tuple[Operation, ...]
    values: Mapping[str, Expr]
    condition: Expr


@dataclass(eq=False)
class Function(Numbered):
    """A block, or the network, lowered."""

    name: str
    span: Span
    params: dict[str, Param]
    let: Mapping[str, Expr]
    inputs: dict[str, Value]  # the tensor that enters (`input`), then the further ones
    optional: frozenset[str]  # inputs that may be absent
    require: tuple[Expr, ...]
    region: Region
    network: bool = False
    staged: bool = False  # loops rebind c_in, as in stages
    outlined: bool = False  # the body of a loop that has no name in the spec
    outputs: dict[str, Operand] = field(default_factory=dict)  # of a network with several
    training: dict[str, Auxiliary] = field(default_factory=dict)  # stages that run in training alone
    implicit: dict[str, Param] = field(default_factory=dict)  # params of the file that it reads
    init: Mapping[str, Defaults] = field(default_factory=dict)
    init_when: Expr = field(default_factory=lambda: Lit(True))
    named_init: tuple[NamedInit, ...] = ()
    doc: str = ""
    channels_last: bool = False  # of a network: how its convolutions lie in memory
    of_variant: bool = False  # of a network: passes have made it for one setting of its params alone
    options: tuple[str, ...] | None = ()  # of a network: those of a command that makes it of its spec; None: none does
    source: int = UNNUMBERED  # as that of an operation

    @property
    def gives_several(self) -> bool:
        """Whether a call of it gives a list of tensors."""
        return isinstance(self.region.result, Value) and self.region.result.many

    def walk(self) -> Iterator[Operation]:
        """Every node, those of training alone last."""
        for region in (self.region, *(auxiliary.region for auxiliary in self.training.values())):
            yield from region.walk()

    def tensors(self) -> Iterator[Value]:
        """Every tensor: its inputs, what enters a loop or container, what its nodes make."""
        yield from self.inputs.values()
        for node in self.walk():
            yield node.out
            if isinstance(node, Nested):
                yield node.carry


@dataclass(eq=False)
class Program:
    """The functions of a network, each after those that it calls; the last is the network's own."""

    functions: tuple[Function, ...]

    def __post_init__(self) -> None:
        for number, part in enumerate(dict.fromkeys(parts(self.functions))):  # an item may be read several times
            part.id = number
        self.size = number + 1  # one more than the last id

    @property
    def main(self) -> Function:
        return self.functions[-1]


def program(main: Function) -> Program:
    """A function and all that it calls, numbered."""
    found: dict[Function, None] = {}
    begun: set[Function] = set()  # a block may call itself

    def visit(function: Function) -> None:
        if function not in begun:
            begun.add(function)
            for node in function.walk():
                if isinstance(node, Call):
                    visit(node.block)
            found[function] = None

    visit(main)
    return Program(tuple(found))


def parts(functions: Iterable[Function]) -> Iterator[Numbered]:
    """Everything in some functions that has an id, in an order that depends on the spec alone."""
    for function in functions:
        yield function
        yield from function.inputs.values()
        yield from regions_within(function.region)
        for auxiliary in function.training.values():
            yield auxiliary
            yield from regions_within(auxiliary.region)
        yield from readings(function.outputs.values())


def entering(node: Operation) -> Operand | None:
    """What enters a stage: of one with a `when:`, what enters it where it is there."""
    while isinstance(node, If) and node.then.nodes:
        node = node.then.nodes[0]
    return next(iter(node.operands()), None)


def regions_within(region: Region) -> Iterator[Numbered]:
    """A region, its operations with what they make, and the regions inside of them."""
    yield region
    for node in region.nodes:
        yield node
        yield node.out
        if isinstance(node, Nested):
            yield node.carry
        yield from readings(node.operands())
        for inner in node.regions():
            yield from regions_within(inner)
    yield from readings([region.result])


def readings(operands: Iterable[Operand | None]) -> Iterator[Numbered]:
    """What reads a part of something made elsewhere."""
    return (operand for operand in operands if isinstance(operand, (Item, Tap)))
