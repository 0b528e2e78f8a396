"""Graph -> the stage table as a paper prints it: a line for each run of equal units, in columns of the spec's words.

Beside what every table has (input, operator, channels c, repeats n, stride s, counts) a network's own columns are those
of the tables in its `stages:` whose values differ over the rows, by the spec's own words. What they show is what the
network really has: the argument of the block that a column reaches, so a width multiplier is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal, TypeAlias

from archdsl import ir
from archdsl.counting import Reaches, Work, describe, lines, receptive_fields, runs, spelled, stride, total, work
from archdsl.expr import Expr, Name, names
from archdsl.graph import Graph, Node, Scope, Tensor
from archdsl.ops import REGISTRY
from archdsl.ops.base import Shape
from archdsl.report import Span

CHANNELS, REPEATS, STRIDE = "c", "n", "s"
SPELLED = {CHANNELS: "channels", REPEATS: "repeats", STRIDE: "stride"}  # where a spec means another thing by the letter
LABEL = "name"  # the column that names rows: no number of the network
LONG = 60  # characters of an operator

Child: TypeAlias = "Scope | Node"
Kind: TypeAlias = Literal["", "truth", "activation"]


@dataclass(frozen=True)
class Column:
    """A column of a network's own: the word of its table, the argument of a step that it reaches, what it holds."""

    word: str
    argument: str
    kind: Kind


@dataclass(frozen=True)
class Heading:
    """A column of the table: `c`, `n` or `s`, which every network may have, or one of its own (no `standard`)."""

    word: str
    standard: str = ""


@dataclass(frozen=True)
class Line:
    """Units of one kind, one after another."""

    stage: str  # the path of the stage or of the row
    operator: str  # with the norm and the activation that belong to it
    main: str  # without them
    input: Shape
    output: Shape
    repeats: int
    stride: tuple[float, ...] | None  # None where there is no feature map any more
    values: Mapping[str, Any]  # by the words of the columns; absent: it has no such argument
    work: Work

    @property
    def channels(self) -> int | None:
        return self.output[0] if self.output else None

    def value(self, column: Heading) -> Any:
        """What stands in a column; None where it does not apply."""
        standard = {CHANNELS: self.channels, REPEATS: self.repeats, STRIDE: self.stride}
        return standard[column.standard] if column.standard else self.values.get(column.word)


@dataclass(frozen=True)
class StageTable:
    """The lines, and the columns between operator and counts: those of the standard that differ, and its own."""

    columns: tuple[Heading, ...]
    lines: tuple[Line, ...]


def stage_table(graph: Graph) -> StageTable:
    """The table of a graph."""
    sites, reach = Sites(graph), receptive_fields(graph)
    works = {id(node): work(node) for node in graph.nodes}
    found = [
        drawn(name, run, reach, sites, works) for name, scope in lines(graph.root) for run in grouped(units(scope))
    ]
    return StageTable(columns(found, sites), tuple(line for line, _ in found))


# --- lines
@dataclass
class Unit:
    """An operator with what belongs to it: the norm and the activation after a convolution."""

    texts: list[str]
    children: list[Child]
    entry: Tensor | None
    bound: Mapping[str, Any]  # the columns of the rows around it
    operators: list[str] = field(default_factory=list)  # those of the texts that are operators

    @property
    def text(self) -> str:
        return "; ".join(filter(None, self.texts))

    @property
    def main(self) -> str:
        return "; ".join(self.operators) or self.text

    @property
    def result(self) -> Tensor | None:
        last = self.children[-1]
        return last.outputs[0] if isinstance(last, Node) else last.output

    @property
    def place(self) -> Span | None:
        return self.children[0].span


def units(scope: Scope) -> list[Unit]:
    """The units of a stage or a row; one that is no chain is a single unit."""
    chain = flat(scope, {})
    if chain is None:
        entry = scope.inputs[0] if scope.inputs else None
        return [Unit([brief(runs(scope.children))], [scope], entry, scope.row)]
    found: list[Unit] = []
    for child, bound in chain:
        ahead = not found or found[-1].bound != bound  # what stands in front of the first operator belongs to it
        if ahead or (is_operator(child) and found[-1].operators):
            found.append(Unit([], [], entry_of(child), bound))
        unit = found[-1]
        unit.texts.append(label(child))
        unit.children.append(child)
        unit.operators += [label(child)] if is_operator(child) else []
    return merged(found)


def brief(parts: Sequence[tuple[str, int]]) -> str:
    """`A ×3; B; … 4 more`: as many operators as a column of a page has room for."""
    for length in range(len(parts), 1, -1):
        more = len(parts) - length
        text = spelled(parts[:length]) + (f"; … {more} more" if more else "")
        if len(text) <= LONG:
            return text
    return spelled(parts) if len(parts) == 1 else f"{spelled(parts[:1])}; … {len(parts) - 1} more"


def merged(found: Sequence[Unit]) -> list[Unit]:
    """Without units that hold no operator at all: a dropout or an activation on its own belongs to its neighbour."""
    kept: list[Unit] = []
    for unit in found:
        if unit.operators or not kept:
            kept.append(unit)
        else:
            kept[-1].texts += unit.texts
            kept[-1].children += unit.children
    return kept


def flat(scope: Scope, bound: Mapping[str, Any]) -> list[tuple[Child, Mapping[str, Any]]] | None:
    """What a part does one after another, with the columns of the rows around each; None if it is no chain."""
    bound = {**bound, **scope.row}
    found: list[tuple[Child, Mapping[str, Any]]] = []
    current = scope.inputs[0] if scope.inputs else None
    for child in scope.children:
        entries = child.inputs
        if (current is not None and (not entries or entries[0] is not current)) or len(entries) > 1:
            return None
        inner = flat(child, bound) if isinstance(child, Scope) and is_open(child) else None
        found += inner if inner is not None else [(child, bound)]
        current = child.outputs[0] if isinstance(child, Node) else child.output
    return found


def is_open(scope: Scope) -> bool:
    """Whether a scope only gathers steps: a turn, a bracket, a body that was made a block; not a block of the spec."""
    return scope.label is None and (scope.kind != "block" or not scope.name[:1].isupper())


def is_operator(child: Child) -> bool:
    """Whether it has a line of its own: not a norm, an activation, a shuffle, a dropout."""
    if isinstance(child, Scope):
        return True
    return child.op.role in ("conv", "linear", "pool", "join") or child.op.counts == "elementwise" or bool(child.label)


def label(child: Child) -> str:
    """The text of an operator without its stride, which is a column; nothing for what computes nothing."""
    if isinstance(child, Scope) or child.label:
        return describe(child)
    if child.op.group == "regularisation" or (child.op.role == "shape" and len(child.shape) == 1):
        return ""
    fields = {**child.fields, "stride": 1} if "stride" in child.fields else child.fields
    return child.op.label(SimpleNamespace(**fields), child.inputs[0].shape, child.shape)


def entry_of(child: Child) -> Tensor | None:
    return child.inputs[0] if child.inputs else None


def grouped(found: Sequence[Unit]) -> Iterator[list[Unit]]:
    """Equal neighbours: turns of one step of the spec, or steps alike in arguments and channels."""
    run: list[Unit] = []
    for unit in found:
        if run and not alike(run[-1], unit):
            yield run
            run = []
        run.append(unit)
    if run:
        yield run


def alike(one: Unit, other: Unit) -> bool:
    if one.text != other.text or one.bound != other.bound:
        return False
    if one.place is not None and one.place == other.place:
        return True
    return described(one) == described(other)


def described(unit: Unit) -> list[Any]:
    """The arguments of a unit, and the shapes that enter and leave."""
    ends = [tensor.shape for tensor in (unit.entry, unit.result) if tensor is not None]
    return [*map(arguments, unit.children), ends]


def arguments(child: Child) -> Mapping[str, Any]:
    return child.fields if isinstance(child, Node) else child.arguments


def nodes_of(run: Iterable[Unit]) -> Iterator[Node]:
    for unit in run:
        for child in unit.children:
            yield from [child] if isinstance(child, Node) else child.nodes()


Drawn: TypeAlias = "tuple[Line, dict[Column, Any]]"  # a line, and beside it what its own columns' arguments are


def drawn(name: str, run: Sequence[Unit], reach: Reaches, sites: Sites, works: Mapping[int, Work]) -> Drawn:
    first, last = run[0], run[-1]
    entry, result = first.entry, last.result
    claimed = sites.claimed(first)
    line = Line(
        name,
        first.text,
        first.main,
        entry.shape if entry else (),
        result.shape if result else (),
        len(run),
        stride(entry, result, reach),
        {column.word: shown for column, (shown, _) in claimed.items()} | sites.alike_arguments(first, claimed),
        total(works[id(node)] for node in nodes_of(run)),
    )
    return line, {column: reached for column, (_, reached) in claimed.items()}


# --- columns
@dataclass
class Sites:
    """Where the columns of a network's tables are read, by the place of the step."""

    graph: Graph
    tables: list[ir.LoopNode] = field(default_factory=list)
    read: dict[Span, dict[Column, bool]] = field(default_factory=dict)  # by step: column -> whether it is the argument

    def __post_init__(self) -> None:
        walked = [node for template in templates(self.graph) if template.staged for node in template.walk()]
        self.tables = [n for n in walked if isinstance(n, ir.LoopNode) and n.columns and not n.parallel]
        for table in self.tables:
            around = [other for other in self.tables if other is table or table in list(other.body.walk())]
            kinds = {word: kind for other in around for word, kind in self.kinds(other).items()}
            let = {name: expr for other in around for name, expr in other.let.items()}
            for step in table.body.walk():
                if isinstance(step, (ir.CallNode, ir.OpNode)):
                    self.read.setdefault(step.span, {}).update(claims(step, kinds, let))

    def kinds(self, table: ir.LoopNode) -> dict[str, Kind]:
        """The columns of a table with what their values are."""
        rows = [scope.row for scope in self.graph.root.scopes() if scope.row and scope.span is table.span]
        return {word: kind_of([row[word] for row in rows]) for word in table.columns if word != LABEL}

    def claimed(self, unit: Unit) -> dict[Column, tuple[Any, Any]]:
        """The columns that a unit reads: the value to show, and that of the argument which the column reaches."""
        found: dict[Column, tuple[Any, Any]] = {}
        for child in reading(unit):
            for column, exact in self.read.get(child.span, {}).items() if child.span else ():
                reached = arguments(child).get(column.argument)
                shown = bool(reached) if column.kind == "truth" else reached if exact else unit.bound.get(column.word)
                found.setdefault(column, (shown, reached))
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


def templates(graph: Graph) -> Iterator[ir.Template]:
    """The network's template and those of the blocks that it calls, each once."""
    waiting, seen = [graph.origin.template] if graph.origin else [], set[int]()
    while waiting:
        template = waiting.pop(0)
        if id(template) not in seen:
            seen.add(id(template))
            yield template
            waiting += [node.block for node in template.walk() if isinstance(node, ir.CallNode)]


def claims(step: ir.CallNode | ir.OpNode, kinds: Mapping[str, Kind], let: Mapping[str, Expr]) -> dict[Column, bool]:
    """The columns that the arguments of a step show, each with whether the argument is the column itself.

    An argument shows the first column that it is computed from, a column of true and false before others: so `exp` is
    shown by `make_divisible(exp * c_in / c)`, and `se` by `c_in // 4 if se else 0`. An argument that is the column, or
    a name for it (`let: {hidden: ...}`), has its true value; one computed on the spot (`e * c_in`) is another thing.
    """
    given = step.args if isinstance(step, ir.CallNode) else step.fields
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


def columns(found: Sequence[Drawn], sites: Sites) -> tuple[Heading, ...]:
    """The columns in the order of the spec's tables, `c`, `n` and `s` in the place of those that mean them."""
    order = [heading(word, table, found) for table in sites.tables for word in table.columns if word != LABEL]
    own = {column.word for column in order if column is not None and not column.standard}
    standard = [Heading(letter, letter) for letter in (CHANNELS, REPEATS, STRIDE)]
    shown = dict.fromkeys([*filter(None, order), *standard])
    return tuple(
        Heading(SPELLED[column.word], column.standard) if column.standard and column.word in own else column
        for column in shown
        if not column.standard or varied(line.value(column) for line, _ in found)
    )


MEANINGS: Mapping[str, Callable[[Line, Any], bool]] = {
    CHANNELS: lambda line, value: value == line.channels,
    STRIDE: lambda line, value: line.stride is not None and set(line.stride) == {value},
    "": lambda line, value: bool(line.input) and value == line.input[0],
}


def heading(word: str, table: ir.LoopNode, found: Sequence[Drawn]) -> Heading | None:
    """What a column of a spec is in the table: itself, one of `c`, `n`, `s`, or nothing if no row differs in it."""
    if counts_turns(word, table):
        return Heading(REPEATS, REPEATS)
    reads = [(line, column, value) for line, own in found for column, value in own.items() if column.word == word]
    for letter, means in MEANINGS.items():
        if reads and all(not column.kind and means(line, value) for line, column, value in reads):
            return Heading(letter, letter) if letter else None
    return Heading(word) if varied(line.values.get(word) for line, _, _ in reads) else None


def counts_turns(word: str, table: ir.LoopNode) -> bool:
    """Whether a column says how often something is repeated."""
    loops = [node for node in table.body.walk() if isinstance(node, ir.LoopNode) and node.count is not None]
    return any(word in origins(loop.count, table.let) for loop in loops if loop.count is not None)


def varied(values: Iterable[Any]) -> bool:
    """Whether values differ."""
    return len({repr(value) for value in values}) > 1


__all__ = ["Heading", "Line", "StageTable", "activation", "stage_table"]
