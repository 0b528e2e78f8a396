"""The rules of `init:` for single modules, as source: behind the loop over all modules, whose rules they override."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.initialize import held_by, refuse_unfilled, rules
from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Call, Expr, Lit, Logic, Name
from archdsl.ir import program as ir
from archdsl.lowering.initialisation import modules
from archdsl.syntax.spec import Defaults

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

MANY = 1  # lines about one module, before it gets a name of its own
Statement: TypeAlias = "tuple[tuple[Expr, ...], list[py.Statement]]"  # what is asked, and the lines below


@dataclass(frozen=True)
class Target:
    """A module as source: its path, and in words; whether a type checker knows what it is, or even loses the way."""

    text: str
    words: tuple[str, ...]
    typed: bool
    lost: bool


def named_body(
    functions: Sequence[ir.Function], classes: Mapping[int, ClassSource], writer: Writer
) -> list[py.Statement]:
    """The statements for modules of blocks, in one loop over their calls, then for those of the network."""
    *blocks, network = functions
    return [*blocks_init(blocks, classes, writer), *written(statements(network, classes, "self", writer))]


def blocks_init(
    blocks: Iterable[ir.Function], classes: Mapping[int, ClassSource], writer: Writer
) -> list[py.Statement]:
    """The statements for modules of blocks, in one loop over their calls."""
    inside = written(statement for block in blocks for statement in statements(block, classes, "m", writer))
    return [py.For(Name("m"), py.call("self.modules"), inside)] if inside else []


def written(given: Iterable[Statement]) -> list[py.Statement]:
    """Statements, each under what is asked before it."""
    found: list[py.Statement] = []
    for tests, same in groupby(given, lambda statement: statement[0]):
        lines = [line for _, lines in same for line in lines]
        found += under(tests, lines)
    return found


def under(tests: Sequence[Expr], lines: list[py.Statement]) -> list[py.Statement]:
    if not tests:
        return lines
    whole = Logic("and", tuple(tests)) if len(tests) > 1 else tests[0]
    return [py.If(whole, lines)]


def statements(
    function: ir.Function, classes: Mapping[int, ClassSource], root: str, writer: Writer
) -> Iterator[Statement]:
    """What is done to modules in a function, whose own module is `root`; `writer` wrote the network's class."""
    source, classifier = classes[function.id], writer.classifier
    for init, shown in source.named_init:
        kinds, lines = filled(init, classes[owner(init.path, function).id], writer.plan.prelude)
        if not lines:
            continue
        last = classifier.layer if classifier is not None else None  # a classifier may be made without it
        target = target_of(init.path, function, root, last, certain=shown == Lit(True))
        asked: tuple[Expr, ...] = () if root == "self" else (is_a(root, [source.name]),)
        asked += () if shown == Lit(True) else (shown,)
        asked += (Name(classifier.param),) if classifier is not None and last in init.path[:-1] else ()
        text, made = target.text, list[py.Statement]()
        if target.lost or mentioned(lines, "m") > MANY:
            text = writer.words.word("_".join(target.words))
            lost = py.call(f"{root}.get_submodule", Lit(".".join(target.words)))
            made = [py.assign(text, lost if target.lost else Name(target.text))]
        lines = [py.changed(line, partial(py.renamed, old="m", new=text)) for line in lines]
        guard = () if target.typed else (is_a(text, kinds),)
        if made:
            yield asked, [*made, *under(guard, lines)]
        else:
            yield (*asked, *guard), lines


def mentioned(body: Sequence[py.Statement], word: str) -> int:
    """How many lines of a body mention a name."""
    found = 0
    for statement in body:
        if isinstance(statement, py.If):
            inside = mentioned(statement.body, word) + mentioned(statement.orelse, word)
            found += py.reads(statement.condition, word) + inside
        else:
            found += py.reads(statement, word)
    return found


def is_a(text: str, kinds: Sequence[str]) -> Expr:
    wanted = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
    return Call("isinstance", (Name(text), Name(wanted)))


def owner(path: Sequence[ir.Operation], function: ir.Function) -> ir.Function:
    """The function whose class makes a module."""
    calls = [node.block for node in path if isinstance(node, ir.Call)]
    return calls[-1] if calls else function


def filled(
    init: ir.NamedInit, source: ClassSource, renamed_kinds: Mapping[str, str]
) -> tuple[list[str], list[py.Statement]]:
    """The classes that a module may be of, and the statements that fill one called `m`."""
    node = init.path[-1]
    assert isinstance(node, ir.Primitive)
    op, made = node.op.name, source.weighted.get(node.op.name, set())
    kinds = sorted({renamed_kinds.get(held, held) for kind in made for held in held_by(op, kind)})
    entry = Defaults(op, node.span, init.values)
    refuse_unfilled(op, made, entry)
    if made and not kinds:
        rule = next(iter(init.values.values()))
        raise fault("bad-init", f"the modules of '{op}' are filled by their own constructors", rule.span or node.span)
    return kinds, rules(op, entry, kinds, source.biased.get(op, set())) if kinds and init.values else []


def target_of(
    path: Sequence[ir.Operation], function: ir.Function, root: str, last: ir.Operation | None, *, certain: bool
) -> Target:
    """A module by the way that leads to it; `certain` where no condition decides whether it is there.

    A type checker knows no module of a chain, and nothing behind it.
    """
    typed = certain or not next(conditions for node, conditions in modules(function) if node is path[0])
    text, words, unknown = root, [], 0
    for before, node in zip((None, *path), path, strict=False):
        inside = isinstance(before, ir.Container)
        place = before.body.nodes.index(node) if isinstance(before, ir.Container) and node.key is None else None
        unknown += 0 if typed else 1 if place is None else 2
        typed = typed and not inside and node is not last
        text += f".{node.key}" if place is None else f"[{place}]"
        words.append(str(node.key if place is None else place))
    return Target(text, tuple(words), typed, unknown > 1)
