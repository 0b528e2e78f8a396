"""Numbers that differ from run to run of an operation, brought into a program as expressions.

A graph tells what a field is each time that its operation runs: in each call of its block, in each turn of a loop. The
program gets one expression for all of them: a constant, a choice between the first turn and the others, a column of the
table, a param of the block, which each of its calls then gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Constant, Expr, IfElse, Index, ListOf, Lit, Name, wrap
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph, Node, Scope
from archdsl.ir.program import Call, Function, Loop, Nested, Operation, Primitive, Program, Region
from archdsl.passes.turns import MISSING, Tree, filled, first_and_rest, is_uniform, merged, put, value_of
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES
from archdsl.syntax.spec import Param

CALL = -1  # in the place of a turn
NETWORK = -1  # in the place of an operation: what stands first in all runs
FIRST, TURN = Name("first"), Name("i")
Run: TypeAlias = "tuple[tuple[int, int], ...]"  # the ids of the calls and loops around an operation, with the turn
Slots: TypeAlias = "dict[str, list[Constant]]"  # names without a meaning yet, with what they are in each of some trees


def runs_of(graph: Graph, number: int = 0) -> dict[Node, Run]:
    """By which calls and turns each node came to be; of those of modules that run once more, nothing.

    `number` is that of the graph among those that have one program.
    """
    origin = origin_of(graph)
    operations = {node.id: node for function in origin.program.functions for node in function.walk()}
    found: dict[Scope, Run] = {graph.root: ((NETWORK, number),)}
    turns: dict[tuple[Scope, int], int] = {}
    again: set[Scope] = set()
    for scope, opened in zip(list(graph.root.scopes())[1:], origin.opened, strict=True):
        assert scope.parent is not None
        own: Run = ()
        if scope.kind != "stage" and isinstance(operations[opened], Loop):
            turn = turns[scope.parent, opened] = turns.get((scope.parent, opened), -1) + 1
            own = ((opened, turn),)
        elif scope.kind == "block":
            own = ((opened, CALL),)
        found[scope] = found[scope.parent] + own
        if scope.shared or scope.parent in again:
            again.add(scope)
    return {node: found[node.scope] for node in graph.nodes if not node.shared and node.scope not in again}


@dataclass
class PerRun:
    """Brings values into a copy of a program; a run is told by the ids of the operations that were copied."""

    program: Program
    turns: Mapping[int, int]  # how often each loop turns at most
    values: dict[Operation, dict[str, dict[Run, Constant]]] = field(default_factory=dict)

    def note(self, operation: Operation, name: str, run: Run, value: Constant) -> None:
        """What a field of a primitive, or an argument of a call, is in one of its runs."""
        plain = tuple(value) if isinstance(value, list) else value
        self.values.setdefault(operation, {}).setdefault(name, {})[run] = plain

    def write(self) -> None:
        """Gives every field and argument its expression, those of blocks before those of their callers."""
        for function in self.program.functions:
            writer = Writer(function, self)
            for operation in list(function.walk()):
                for name, values in self.values.get(operation, {}).items():
                    found = writer.expression(operation, name, values)
                    if isinstance(operation, Primitive):
                        operation.fields = {**operation.fields, name: found}
                    elif isinstance(operation, Call) and found != operation.block.params[name].default:
                        operation.args = {**operation.args, name: found}


class Writer:
    """The expressions of one function."""

    def __init__(self, function: Function, whole: PerRun) -> None:
        self.function, self.whole = function, whole
        regions = (function.region, *(auxiliary.region for auxiliary in function.training.values()))
        self.loops = {node: loops for region in regions for node, loops in loops_around(region, ())}
        self.columns: dict[tuple[Loop, str], str] = {}
        self.params: dict[str, tuple[str, dict[Run, Constant]]] = {}

    def expression(self, operation: Operation, name: str, values: Mapping[Run, Constant]) -> Expr:
        """What a field or an argument is wherever its operation runs, as an expression of this function."""
        loops = self.loops[operation]
        trees: dict[Run, Tree] = {}  # by the call of this function
        for run, value in values.items():
            outer = run[: len(run) - len(loops)]
            turns = [turn for _, turn in run[len(outer) :]]
            trees[outer] = put(trees.get(outer, MISSING), turns, value)
        word = WORDS.get(name, name)
        whole = merged(trees.values())
        if whole is not None:
            return self.within(whole, loops, word)
        template, slots = common(list(trees.values()), loops, word, operation)
        named = {
            slot: self.param(slot, dict(zip(trees, parts, strict=True)), operation) for slot, parts in slots.items()
        }
        return substitute(template, named)

    # --- turns of loops
    def within(self, tree: Tree, loops: Sequence[Loop], word: str) -> Expr:
        """A value for each turn of some loops, the outermost first, as an expression inside of them all."""
        if is_uniform(tree):
            return wrap(value_of(tree))
        outer, *inner = loops
        if not inner:
            pair = first_and_rest(tree)
            return IfElse(FIRST, *map(wrap, pair)) if pair is not None else self.column(outer, word, tree)
        alike = merged(tree)
        if alike is not None:
            return self.within(alike, inner, word)
        template, slots = common(tree, inner, word, outer)
        return substitute(template, {slot: self.column(outer, slot, parts) for slot, parts in slots.items()})

    def column(self, loop: Loop, word: str, turns: Sequence[Tree]) -> Expr:
        """A value for each turn of a loop under a name: a column of its table, or else one of its lets."""
        most = len(loop.rows.items) if isinstance(loop.rows, ListOf) else self.whole.turns.get(loop.source, 0)
        values = filled([*turns, *[MISSING] * (most - len(turns))])
        key = loop, repr(values)
        if key not in self.columns:
            name = self.columns[key] = unique(bare(word), taken(self.function))
            cells = cells_of(loop, len(values))
            if cells is not None and isinstance(loop.rows, ListOf):
                rows = zip(loop.rows.items, cells, values, strict=True)
                items = tuple(ListOf((wrap(value), *row), span=old.span) for old, row, value in rows)
                loop.rows, loop.columns = replace(loop.rows, items=items), (name, *loop.columns)
            else:
                loop.let = {name: Index(wrap(values), TURN), **loop.let}
        return Name(self.columns[key])

    # --- calls of the function
    def param(self, word: str, given: dict[Run, Constant], operation: Operation) -> Expr:
        """A param of the function, which each of its calls gives; one that is there if it is the same."""
        for name, (known, values) in self.params.items():
            same = all(values.get(run, value) == value for run, value in given.items())
            if given == values or (same and known == word):
                return self.noted(name, word, {**values, **given})
        if self.function.network:
            message = (
                "output_stride makes another dilation of a stride in other variants, which one class cannot express"
            )
            raise fault(
                "cannot-print", message, operation.span, help="use the specialized style, which prints a single network"
            )
        name = unique(bare(word), taken(self.function))
        usual = 1 if 1 in given.values() else next(iter(given.values()))
        self.function.params = {**self.function.params, name: Param(name, operation.span, wrap(usual))}
        return self.noted(name, word, given)

    def noted(self, name: str, word: str, given: dict[Run, Constant]) -> Expr:
        """A param, with what it is in each call."""
        self.params[name] = word, given
        calls = {
            node.source: node
            for function in self.whole.program.functions
            for node in function.walk()
            if isinstance(node, Call) and node.block is self.function
        }
        for run, value in given.items():
            *outer, (call, _) = run
            if self.loops.get(calls[call]) is not None:
                message = f"the block {self.function.name} calls itself, which output_stride cannot tell apart"
                raise fault("bad-call", message, calls[call].span, help="write its calls out")
            self.whole.note(calls[call], name, tuple(outer), value)
        return Name(name)


WORDS = {"stride": "step"}  # what a value is called beside the param that says it in the spec
HIDDEN = "\0"  # before the name of a slot


def bare(slot: str) -> str:
    return slot.removeprefix(HIDDEN)


def common(trees: Sequence[Tree], loops: Sequence[Loop], word: str, operation: Operation) -> tuple[Expr, Slots]:
    """One expression for trees that differ, over slots, and what each slot is in each of the trees."""
    if all(map(is_uniform, trees)):
        slot = HIDDEN + bare(word)
        return Name(slot), {slot: [value_of(tree) for tree in trees]}
    pairs = [first_and_rest(tree) if tree is not MISSING else (MISSING, MISSING) for tree in trees]
    if len(loops) == 1 and None not in pairs:
        sides: list[Expr] = []
        slots: Slots = {}
        for place, slot in enumerate((f"{HIDDEN}first_{bare(word)}", HIDDEN + bare(word))):
            parts = [pair[place] for pair in pairs if pair is not None]
            alike = is_uniform(parts)
            sides.append(wrap(value_of(parts)) if alike else Name(slot))
            slots |= {} if alike else {slot: parts}
        return IfElse(FIRST, *sides), slots
    if len(loops) == 1:
        slot = f"{HIDDEN}{bare(word)}s"
        return Index(Name(slot), TURN), {slot: [tuple(filled(tree)) for tree in trees]}
    message = (
        "output_stride would need different dilations in the turns of these loops, and different ones in each call"
    )
    raise fault("bad-call", message, operation.span, help="write the inner loop as a block")


def loops_around(region: Region, around: tuple[Loop, ...]) -> Iterator[tuple[Operation, tuple[Loop, ...]]]:
    """Every operation of a region, with the loops that it stands in, the outermost first."""
    for node in region.nodes:
        yield node, around
        for inner in node.regions():
            yield from loops_around(inner, (*around, node) if isinstance(node, Loop) else around)


def cells_of(loop: Loop, count: int) -> list[tuple[Expr, ...]] | None:
    """The cells of each row of a table that is written out; None of another, or of one whose rows are names."""
    rows = loop.rows
    if not isinstance(rows, ListOf) or len(rows.items) != count:
        return None
    found: list[tuple[Expr, ...]] = []
    for row in rows.items:
        if isinstance(row, ListOf) and (len(loop.columns) > 1 or len(row.items) == 1):
            found.append(row.items)
        elif isinstance(row, Lit) or len(loop.columns) == 1:
            found.append((row,))
        else:
            return None
    return found


def taken(function: Function) -> set[str]:
    """The names that a further one of a function may not have."""
    found = {
        *function.params,
        *function.implicit,
        *function.let,
        *function.inputs,
        *MEASURES,
        *TURN_NAMES,
        *TABLE_NAMES,
    }
    for value in function.tensors():
        found |= {value.name, *value.parts}
    for node in function.walk():
        if isinstance(node, Nested):
            found |= {*node.let}
        if isinstance(node, Loop):
            found |= {*node.columns}
        found.add(node.key or "")
    return found
