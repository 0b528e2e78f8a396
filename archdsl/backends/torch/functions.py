"""Ops that are expressions in `forward`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.faults import printable
from archdsl.backends.torch.joins import write_conditional_join
from archdsl.backends.torch.lists import spread_out
from archdsl.backends.torch.parse import CHANNELS, printed
from archdsl.backends.torch.prelude import defined_in
from archdsl.backends.torch.statements import Step
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.fold import filled_in
from archdsl.expr.nodes import Expr, Index, ListOf, Lit, Name, names
from archdsl.ir import program as ir
from archdsl.ops.base import Site
from archdsl.ops.target import HEIGHT, WIDTH

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Functions:
    """The ops of one class that are expressions."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def functional(self, node: ir.Primitive) -> None:
        """An op that is an expression in `forward`."""
        if chosen := [name for name in node.fields if self.writer.modules.chooses(node, name)]:
            raise self.writer.modules.of_another_kind(node, chosen[0])
        site = self.writer.modules.site(node)
        self.fill_formulas(node, site)
        self.fill_fields(node, site)
        self.fill_channels(node, site)
        operands = self.writer.lists.terms(node, self.writer.resolved(node.operands()))
        spread = [self.writer.lists.spread(o) for o in operands]
        many = [item is not None for item in spread]

        names = self.writer.plan.prelude
        lazy = len(operands) == 1 and operands[0] in self.writer.lists.lazy

        def print_op(*trees: Tree) -> Tree:
            given: Sequence[Tree] = spread_out(trees, spread)
            if lazy:
                given = [py.Starred(py.List((py.Starred(trees[0]),)))]
            elif len(trees) == 1 and many[0]:
                given = [py.Starred(trees[0])]
            with printable(node):
                return printed(node.op, site, given, names)

        self.writer.channels[node.out] = (
            self.writer.channels.after(node) if not node.out.many else self.writer.channels.parts(node)
        )
        if node.op.many and len(operands) == 1 and not many[0]:
            self.writer.alias(node.out, operands[0])
            return
        if node.out.many:
            self.writer.lists.made_by_torch.add(node.out)
        if write_conditional_join(self.writer, node, operands, lambda *trees: printed(node.op, site, trees, names)):
            return
        if node.op.makes_memory(site.f) and not node.out.many:
            self.writer.modules.fresh.add(node.out)
        counted = len(operands) > 1 and any(map(self.writer.lists.is_counted, operands))
        named = counted or (any(many) and (node.op.rereads or not site.alike)) or rereads(node)
        again = repeated_in(print_op, operands)
        self.writer.statements.append(Step(node.out, operands, print_op, named=named, repeated=again))

    def fill_formulas(self, node: ir.Primitive, site: Site) -> None:
        """The formulas of an op, over attributes in place of the constructor's names."""
        for item in (*node.op.fields, *node.op.derived):
            if item.kind == "formula" and item.name in node.fields:
                expr = node.fields[item.name]
                inner = {
                    n.id: self.writer.kept.in_forward(n, n.id, (node.id, f"{item.name}.{n.id}"))
                    for n in names(expr)
                    if not is_tensor_name(n.id)
                }
                setattr(site.f, item.name, filled_in(expr, inner))

    def fill_fields(self, node: ir.Primitive, site: Site) -> None:
        """The other fields of an op, the same way."""
        for name, value in vars(site.f).items():
            if (
                name in node.fields
                and isinstance(value, Expr)
                and self.writer.numbers.open_names(value)
                and not self.is_formula(node, name)
            ):
                shown = self.writer.kept.in_forward(node.fields[name], name, (node.id, name))
                seen = self.writer.origin.facts.seen[(node.id, name)].value
                if isinstance(seen, list):
                    shown = ListOf(tuple(Index(shown, Lit(n)) for n in range(len(seen))))
                setattr(site.f, name, shown)

    def fill_channels(self, node: ir.Primitive, site: Site) -> None:
        """The channels that enter an op, if it prints them; what it prints of its prelude is noted."""
        with printable(node):
            asked = printed(node.op, site, [Name("x") for _ in node.operands()], {})
        if node.op.prelude and (pasted := py.words_read(asked) & defined_in(node.op.prelude_file())):
            self.writer.modules.classes.setdefault(node.op.name, set()).update(pasted)
        if py.reads(asked, CHANNELS.id):
            slot = (node.ins[0].id, "c")
            site.c = self.writer.kept.in_forward(
                self.writer.channels.by_name(self.writer.channels.of(node.ins[0])), "channels", slot
            )

    @staticmethod
    def is_formula(node: ir.Primitive, name: str) -> bool:
        item = node.op.field(name)
        return item is not None and item.kind == "formula"


def is_tensor_name(name: str) -> bool:
    """Whether a name in a formula is a tensor, or a size of one."""
    return name in (HEIGHT, WIDTH) or (name[:1] == "t" and name[1:].isdigit())


def rereads(node: ir.Primitive) -> bool:
    """Whether a formula mentions one of its tensors more than once: what makes that one must not stand there twice."""
    formulas = [node.fields[item.name] for item in node.op.fields if item.kind == "formula"]
    read = [name.id for expr in formulas for name in names(expr) if is_tensor_name(name.id)]
    return len(set(read)) < len(read)


def repeated_in(made: Callable[..., Tree], operands: Sequence[ir.Operand]) -> frozenset[ir.Operand]:
    """The operands that a tree reads several times: written out, each would be computed as often."""
    marks = [Name(f"argument_{number}") for number in range(len(operands))]
    read = Counter(name.partition(".")[0] for name in py.dotted_names(made(*marks)))
    return frozenset(operand for operand, mark in zip(operands, marks, strict=True) if read[mark.id] > 1)
