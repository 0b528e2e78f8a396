"""The norm that a network has everywhere: one function of its channels, in place of its constants in each call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TypeAlias

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.breaks import statement_lines
from archdsl.backends.torch.network_params import network_param
from archdsl.backends.torch.numbers import Numbers
from archdsl.backends.torch.scope import numbers_of
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Expr, Lit, Name, names, wrap
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin
from archdsl.ops.base import Module, Site, is_lit
from archdsl.support.naming import unique

CONSTANTS = ("eps", "momentum")  # what a norm has beside its channels and whether it learns
KIND = "Callable[[int], nn.Module]"
FEWEST = 2  # places from which on the constants are said once

Constants: TypeAlias = "tuple[tuple[str, Expr], ...]"  # by name, over the params of the network


@dataclass(frozen=True)
class SharedNorm:
    """What makes the norms of some operations."""

    word: str  # its name in the file
    made: Module  # with the constants, over the params of the network
    nodes: frozenset[int]
    handed: bool  # it reads params: the network makes it, and hands it to its blocks

    def statement(self, numbers: Numbers) -> py.Statement:
        """`norm = partial(nn.BatchNorm2d, eps=eps)`, in the constructor of the network."""
        given = [py.Keyword(name, numbers.shown(value)) for name, value in given_constants(self.made)]
        return py.assign(self.word, py.call("partial", Name(self.made.cls), *given))

    def definition(self) -> str:
        """The function of the file, where the constants are numbers."""
        given = [py.Keyword(name, value) for name, value in given_constants(self.made)]
        body = statement_lines([py.Return(py.call(self.made.cls, Name("channels"), *given))], 1)
        about = '    """Make a norm with the constants of this network."""'
        return "\n".join([f"def {self.word}(channels: int) -> {self.made.cls}:", about, *body])


def given_constants(made: Module) -> list[tuple[str, Expr]]:
    """The constants that are not those of torch."""
    pairs = ((name, wrap(value), default) for name, (value, default) in made.kwargs.items())
    return [(name, value) for name, value, default in pairs if not is_lit(value, default)]


def shared_norm(
    functions: Sequence[ir.Function],
    origin: Origin,
    symbolic: frozenset[str],
    taken: Iterable[str],
    prelude: Mapping[str, str],
) -> SharedNorm | None:
    """The norm of the class that a network has most, if all of them have the same constants, other than torch's.

    `prelude` has what classes of the prelude are called in this file, where that is another name.
    """
    numbers = Numbers(origin.facts.seen, symbolic, {})
    found = [(node, function) for function in functions for node in function.walk() if is_norm(node, origin)]
    kinds = {node: class_of(node, origin) for node, _ in found}
    if not kinds:
        return None
    most = Counter(kinds.values()).most_common(1)[0][0]
    alike = [(node, constants(node, function, origin, numbers)) for node, function in found if kinds[node] == most]
    same = {values for _, values in alike}
    first = next(iter(same))
    if len(same) > 1 or len(alike) < FEWEST or first is None:
        return None
    made = module_of(alike[0][0], origin, dict(first))
    if not given_constants(made):
        return None
    words = {*taken, *(word for function in functions for word in numbers_of(function))}
    handed = any(True for _, value in first for _ in names(value))
    if handed and "partial" in words:
        return None
    made = replace(made, cls=prelude.get(made.cls, made.cls))
    return SharedNorm(unique("norm", words), made, frozenset(node.id for node, _ in alike), handed)


def is_norm(node: ir.Operation, origin: Origin) -> bool:
    """Whether an operation that ran is a norm of channels alone."""
    if not isinstance(node, ir.Primitive) or node.op.role != "norm":
        return False
    known = {item.name for item in node.op.fields}
    return "affine" in known and known <= {*CONSTANTS, "affine"} and node.id in origin.facts.ranks


def module_of(node: ir.Operation, origin: Origin, values: Mapping[str, Expr]) -> Module:
    """The module of a norm that learns."""
    assert isinstance(node, ir.Primitive)
    f = SimpleNamespace(**values, affine=Lit(True))
    return node.op.module(Site(f, Name("channels"), origin.facts.ranks[node.id]))


def class_of(node: ir.Operation, origin: Origin) -> str:
    return module_of(node, origin, dict.fromkeys(CONSTANTS, Lit(0))).cls


def constants(node: ir.Operation, function: ir.Function, origin: Origin, numbers: Numbers) -> Constants | None:
    """The constants of a norm over the params of the network, if they and its learning are not its block's own."""
    assert isinstance(node, ir.Primitive)
    if not is_lit(numbers.shown(node.fields["affine"], (node.id, "affine")), True):
        return None
    found = {name: constant(node, name, function, origin, numbers) for name in CONSTANTS if name in node.fields}
    known = tuple((name, value) for name, value in found.items() if value is not None)
    return known if len(known) == len(found) else None


def constant(node: ir.Primitive, field: str, function: ir.Function, origin: Origin, numbers: Numbers) -> Expr | None:
    """One of them."""
    known = numbers.constant((node.id, field)) or node.fields[field]
    if isinstance(known, Lit):
        return known
    renamed: dict[str, Expr] = {}
    for name in names(node.fields[field]):
        param = network_param(name.id, function, origin)
        if param is None:
            return None
        renamed[name.id] = Name(param)
    return substitute(node.fields[field], renamed)
