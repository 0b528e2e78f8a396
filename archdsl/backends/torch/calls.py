"""Calls of blocks: the arguments that their classes take, and the channels that leave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.numbers import UNKNOWN
from archdsl.backends.torch.pieces import text
from archdsl.backends.torch.sizes import Size, named_size
from archdsl.backends.torch.spelling import one_line
from archdsl.backends.torch.statements import Step
from archdsl.backends.torch.syntax import NONE, Tree
from archdsl.diagnostics.faults import fault
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Compare, Expr, Index, ListOf, Lit, Logic, Name, Unary, is_long
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import INPUT

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class Calls:
    """The calls of blocks in one class."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def channels_given(self, node: ir.Call, name: str) -> Expr:
        """The channels of a further tensor of a call; of a list whose tensors are alike those of the first."""
        found, operand = self.writer.channels.of(node.tensors[name]), node.tensors[name]
        seen = self.writer.origin.facts.seen.get((node.block.id, f"c_{name}"))
        if not isinstance(operand, ir.Value) or not operand.many or seen is None:
            return self.writer.channels.by_name(found)
        if any("tuple" in kind for kind in seen.kinds) and len(seen.kinds) > 1:
            message = (
                f"the tensors in '{operand.name}' have equal channels in one call and different channels in another"
            )
            raise fault("cannot-print", message, node.span, help="give all of these tensors the same channels")
        if isinstance(found, ListOf) and not isinstance(seen.value, list):
            found = found.items[0]
        return self.writer.channels.by_name(found)

    def given_to(self, node: ir.Call) -> dict[str, Expr]:
        """What a call of a block gives, by the names of the block, but for heights and widths."""
        callee = node.block
        entering = self.writer.channels.of(node.ins[0])
        if isinstance(entering, ListOf):
            given: dict[str, Expr] = {"c_in": self.writer.channels.by_name(entering.items[0]), "c_input": entering}
        else:
            given = {"c_in": self.writer.channels.by_name(entering)}
        given |= {name: Lit(name in node.tensors) for name in callee.optional}
        given |= {f"c_{name}": Lit(0) for name in callee.inputs if name not in node.tensors and name != INPUT}
        given |= {f"c_{name}": self.channels_given(node, name) for name in node.tensors}
        for name, param in {**callee.implicit, **callee.params}.items():
            if name in node.args:
                given[name] = node.args[name]
            elif param.default is not None:
                given[name] = substitute(param.default, given)
        return given

    def block(self, node: ir.Call) -> Tree:
        """A call of a block's class, with its arguments as the class takes them."""
        callee, source = node.block, self.writer.done.classes[node.block.id]
        given = self.given_in(node)
        self.writer.channels[node.out] = self.left_by(node, given)
        slots = {name: (node.id, name) for name in node.args} | (
            {"c_in": (node.ins[0].id, "c")} if isinstance(node.ins[0], ir.Value) else {}
        )
        items: list[Tree] = []
        named = False
        if self.writer.norm is not None and any(
            argument.name == self.writer.norm.word for argument in source.arguments
        ):
            given[self.writer.norm.word] = Name(self.writer.norm.word)
            self.writer.modules.norm_used = True
        for argument in source.arguments:
            if argument.name not in given:
                message = f"'{argument.name}' of {callee.name} differs between the turns of a loop"
                raise fault("cannot-print", message, node.span, help="write the turns one after another")
            print_as = self.writer.channels.printed if argument.name == "c_in" else self.writer.numbers.shown
            shown = print_as(given[argument.name], slots.get(argument.name))
            named = named or argument.default is not None or says_nothing(argument.name, shown)
            if not named:
                items.append(shown)
            elif argument.default is None or text(shown) != one_line(argument.default):
                items.append(py.Keyword(argument.name, shown))
        return py.call(source.name, *items)

    def given_in(self, node: ir.Call) -> dict[str, Expr]:
        """What a call of a block gives, by the names of the block."""
        return {**self.given_to(node), **self.sizes_given(node)}

    def left_by(self, node: ir.Call, given: Mapping[str, Expr]) -> Expr:
        """The channels that leave a call to which these numbers are given."""
        found = substitute(self.writer.done.channels[node.block.id], {"c_input": given["c_in"], **given})
        return simplify(found) if not is_long(found) else Name(UNKNOWN, span=node.span)

    def sizes_given(self, node: ir.Call) -> dict[str, Expr]:
        """Height and width that enter a call: numbers where they never differ, else by those that enter this class."""
        seen, parts = (self.writer.origin.facts.seen.get((node.id, word)) for word in ("size", "ratio"))
        if seen is not None and seen.value and not seen.varies and not seen.deps & self.writer.numbers.symbolic:
            return {"h_in": Lit(seen.value[-2] if len(seen.value) > 1 else None), "w_in": Lit(seen.value[-1])}
        told = parts is not None and not parts.varies and not parts.deps & self.writer.numbers.symbolic
        if parts is None or not told or not isinstance(parts.value, list):
            return named_size(self.writer.sizes.at(node))
        pairs = zip(("h_in", "w_in"), self.entered(), parts.value, strict=True)
        return {name: own * times if part == 1 else own // part for name, own, (times, part) in pairs}

    def takes_size(self, node: ir.Call) -> bool:
        """Whether the class of a block is given a height or a width."""
        made = self.writer.done.classes.get(node.block.id)
        return made is not None and any(argument.name in ("h_in", "w_in") for argument in made.arguments)

    def entered(self) -> Size:
        """Height and width of the tensor that enters this class, by their names."""
        if self.writer.outermost:
            return tuple(Index(Name(self.writer.signature.size), Lit(axis)) for axis in (0, 1))
        return Name("h_in"), Name("w_in")

    def size_entering(self) -> Size | None:
        """Height and width that enter, if it is a map in every call; the length, if it is a sequence in every call."""
        seen = self.writer.origin.facts.seen
        if self.writer.outermost:
            image = seen.get((self.writer.function.id, self.writer.signature.size))
            return self.entered() if image is not None and len(image.value) == 2 else None
        height, width = (seen[self.writer.function.id, name].kinds for name in ("h_in", "w_in"))
        if width != {"int"} or len(height) > 1:
            return None
        return self.entered() if height == {"int"} else (Name("w_in"),)

    def run_call(self, node: ir.Call | ir.Reuse, module: ir.Call) -> None:
        """A block on several tensors; one that is left out in front of another is None."""
        taken = self.writer.done.classes[module.block.id].further
        places = [place for place, name in enumerate(taken) if name in node.tensors]
        names_ = taken[: places[-1] + 1] if places else []

        def print_call(entry: Tree, *further: Tree) -> Tree:
            given = dict(zip(node.tensors, further, strict=True))
            return py.call(f"self.{module.key}", entry, *(given.get(name, NONE) for name in names_))

        self.writer.statements.append(
            Step(node.out, self.writer.resolved(node.operands()), print_call, kind=self.kind_of(module))
        )

    def run_again(self, node: ir.Reuse) -> None:
        """The module of an earlier step on other tensors."""
        module = node.module
        self.writer.channels[node.out] = self.writer.channels.again(node)
        if isinstance(module, ir.Call) and node.tensors:
            self.run_call(node, module)
            return
        if module.out in self.writer.modules.fresh:
            self.writer.modules.fresh.add(node.out)
        self.writer.run_attribute(str(module.key), node.out, node.operands(), self.kind_of(module))

    def kind_of(self, node: ir.Operation) -> str:
        """The type of what an attribute gives."""
        return self.writer.done.classes[node.block.id].result if isinstance(node, ir.Call) else "Tensor"


def says_nothing(name: str, value: Expr) -> bool:
    """Whether nobody can tell from a value alone which argument it is: numbers but for channels, sizes, and truths."""
    if isinstance(value, Lit) and not isinstance(value.value, str):
        return isinstance(value.value, bool) or not (name == "out" or name.startswith("c_"))
    if name in ("h_in", "w_in"):
        return not isinstance(value, Name)
    return isinstance(value, (ListOf, Compare, Logic)) or (isinstance(value, Unary) and value.op == "not")
