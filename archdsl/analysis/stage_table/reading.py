"""Which steps read the columns of a network's tables, and what they make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal, TypeAlias

from archdsl.analysis.stage_table.units import Child, Unit, arguments, is_open
from archdsl.diagnostics.spans import Span
from archdsl.expr.nodes import Expr, Name, names
from archdsl.ir import program as ir
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ops import REGISTRY

LABEL = "name"  # the column that names rows: no number of the network

Kind: TypeAlias = Literal["", "truth", "activation"]


@dataclass(frozen=True)
class Column:
    """A column of a network's own: the word of its table, the argument of a step that it reaches, what it holds."""

    word: str
    argument: str
    kind: Kind


@dataclass
class Sites:
    """Where the columns of a network's tables are read, by the place of the step."""

    graph: Graph
    tables: list[ir.Loop] = field(default_factory=list)
    read: dict[Span, dict[Column, bool]] = field(default_factory=dict)  # by step: column -> whether it is the argument

    def __post_init__(self) -> None:
        walked = [node for function in functions(self.graph) if function.staged for node in function.walk()]
        self.tables = [n for n in walked if isinstance(n, ir.Loop) and n.columns and not n.parallel]
        for table in self.tables:
            around = [other for other in self.tables if other is table or table in list(other.body.walk())]
            kinds = {word: kind for other in around for word, kind in self.kinds(other).items()}
            let = {name: expr for other in around for name, expr in other.let.items()}
            for step in table.body.walk():
                if isinstance(step, (ir.Call, ir.Primitive)):
                    self.read.setdefault(step.span, {}).update(claims(step, kinds, let))

    def kinds(self, table: ir.Loop) -> dict[str, Kind]:
        """The columns of a table with what their values are."""
        rows = [scope.row for scope in self.graph.root.scopes() if scope.row and scope.span is table.span]
        return {word: kind_of([row[word] for row in rows]) for word in table.columns if word != LABEL}

    def claimed(self, unit: Unit) -> dict[Column, tuple[Any, Any]]:
        """The columns that a unit reads: the value to show, and that of the argument which the column reaches."""
        found: dict[Column, tuple[Any, Any]] = {}
        for child in reading(unit):
            for column, exact in self.read.get(child.span, {}).items() if child.span else ():
                reached = arguments(child).get(column.argument)
                found.setdefault(column, (shown(column, reached, unit.bound, exact=exact), reached))
        return found

    def alike_arguments(self, unit: Unit, own: Iterable[Column]) -> dict[str, Any]:
        """For a unit that reads no such column: its argument of the same name (the kernel of a stem)."""
        known = {column.word for column in own}
        found: dict[str, Any] = {}
        for column in [c for read in self.read.values() for c, exact in read.items() if exact or c.kind]:
            given = [value for child in unit.children for value in named(child, column)]
            if given and column.word not in known and given[-1] != channels_of(unit):  # those have a column
                found.setdefault(column.word, bool(given[-1]) if column.kind == "truth" else given[-1])
        return found


def shown(column: Column, reached: Any, bound: Mapping[str, Any], *, exact: bool) -> Any:
    """What stands in a column: what a step really has; true only of a row that says so (`shortcut: not spp`)."""
    if column.kind == "truth":
        return bool(reached) and bool(bound.get(column.word, True))
    return reached if exact else bound.get(column.word)


def channels_of(unit: Unit) -> int | None:
    return unit.result.shape[0] if unit.result is not None else None


def kind_of(values: Sequence[Any]) -> Kind:
    """What the values of a column are."""
    if values and all(isinstance(value, bool) for value in values):
        return "truth"
    return "activation" if values and all(activation(value) for value in values) else ""


def activation(value: Any) -> str:
    """The name of an activation in figures; nothing for other values."""
    op = REGISTRY.get(value) if isinstance(value, str) else None
    return op.label(SimpleNamespace(), (), ()) if op is not None and op.role == "act" else ""


def named(child: Child, column: Column) -> Iterator[Any]:
    """What a step has for the argument behind a column: a number, or a word if the column holds activations."""
    if column.kind == "activation" and isinstance(child, Node) and child.op.role == "act":
        yield child.fields.get("kind", child.op.name)
    value = arguments(child).get(column.argument)
    if value is not None and (column.kind == "activation" or not isinstance(value, str)):
        yield value


def reading(unit: Unit) -> Iterator[Child]:
    """The steps of a unit that may read a column: of one that is a whole stage also those inside."""
    for child in unit.children:
        yield child
        if isinstance(child, Scope) and is_open(child):
            yield from child.scopes()


def functions(graph: Graph) -> Iterator[ir.Function]:
    """The network's function and those of the blocks that it calls, each once."""
    waiting, seen = [graph.origin.function] if graph.origin else [], set[int]()
    while waiting:
        function = waiting.pop(0)
        if function.id not in seen:
            seen.add(function.id)
            yield function
            waiting += [node.block for node in function.walk() if isinstance(node, ir.Call)]


def claims(step: ir.Call | ir.Primitive, kinds: Mapping[str, Kind], let: Mapping[str, Expr]) -> dict[Column, bool]:
    """The columns that the arguments of a step show, each with whether the argument is the column itself.

    An argument shows the first column that it is computed from, a column of true and false before others: so `exp` is
    shown by `make_divisible(exp * c_in / c)`, and `se` by `c_in // 4 if se else 0`. An argument that is the column, or
    a name for it (`let: {hidden: ...}`), has its true value; one computed on the spot (`e * c_in`) is another thing.
    """
    given = step.args if isinstance(step, ir.Call) else step.fields
    found: dict[str, tuple[Column, bool]] = {}
    for argument, expr in sorted(given.items(), key=lambda item: not isinstance(item[1], Name)):
        mentioned = [word for word in dict.fromkeys(origins(expr, let)) if word in kinds]
        for word in [word for word in mentioned if kinds[word] == "truth"][:1] or mentioned[:1]:
            found.setdefault(word, (Column(word, argument, kinds[word]), isinstance(expr, Name)))
    return dict(found.values())


def origins(expr: Expr, let: Mapping[str, Expr]) -> Iterator[str]:
    """The names behind an expression, lets followed, in order."""
    for name in names(expr):
        if name.id in let:
            yield from origins(let[name.id], {key: value for key, value in let.items() if key != name.id})
        else:
            yield name.id
