"""Tensors of the network's own, learned or fixed: attributes that `forward` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.faults import printable
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.pieces import text
from archdsl.backends.torch.statements import Step
from archdsl.backends.torch.syntax import Tree
from archdsl.expr.nodes import Expr, Index, ListOf, Lit, Name
from archdsl.ir import program as ir
from archdsl.ops.tensors import Own

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


def write_own(writer: Writer, node: ir.Primitive) -> None:
    """The attribute, and what `forward` reads: the tensor, for all samples where not every reader spreads it."""
    assert isinstance(node.op, Own)
    key, sizes = str(node.key), sizes_of(writer, node)
    with printable(node):
        made = parsed(node.op.source(writer.modules.site(node), ", ".join(map(text, (Lit(1), *sizes)))))
    writer.channels[node.out] = writer.channels.after(node)
    if node.op.trained:
        writer.attribute(key, py.call("nn.Parameter", made))
    else:
        writer.attributes.append(key)
        writer.body.append(py.Assign(Name(f"self.{key}"), None, annotation=Name("Tensor")))
        writer.body.append(py.Evaluate(py.call("self.register_buffer", Lit(key), made)))
    if is_spread(writer.function, node.out):
        writer.statements.append(Step(node.out, (), lambda: Name(f"self.{key}")))
        return

    def expanded(entering: Tree) -> Tree:
        samples = py.Call(py.attribute(entering, "size"), (Lit(0),))
        return py.call(f"self.{key}.expand", samples, *[Lit(-1) for _ in sizes])

    writer.statements.append(Step(node.out, writer.resolved((node.ins[0],)), expanded, named=True))


def sizes_of(writer: Writer, node: ir.Primitive) -> Sequence[Expr]:
    """The sizes of the tensor, to print."""
    shown = writer.numbers.shown(node.fields["shape"], (node.id, "shape"))
    if isinstance(shown, ListOf):
        return shown.items
    seen = writer.origin.facts.seen[node.id, "shape"]
    return [Index(shown, Lit(number)) for number in range(len(seen.value))]


def is_spread(function: ir.Function, out: ir.Value) -> bool:
    """Whether each reader of a tensor spreads it over one that has all samples."""
    own = {node.out for node in function.walk() if isinstance(node, ir.Primitive) and node.op.owned}
    results = [operand for node in function.walk() for region in node.regions() for operand in [region.result]]
    results += [function.region.result, *function.outputs.values()]
    results += [auxiliary.region.result for auxiliary in function.training.values()]
    if out in results:
        return False
    for node in function.walk():
        if out in node.operands() and not (
            isinstance(node, ir.Primitive) and node.op.spreads and any(is_whole(o, own) for o in node.ins)
        ):
            return False
    return True


def is_whole(operand: ir.Operand, own: set[ir.Value]) -> bool:
    """Whether an operand is a tensor of all samples that is there in any case."""
    if isinstance(operand, ir.Value):
        return operand not in own and not operand.many and not operand.optional
    return True
