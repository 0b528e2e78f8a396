"""Optional steps and alternatives: folded where decided, else a conditional module, or an `if` in `forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl import ir
from archdsl.backends.torch_source.forward import Branching, Statement
from archdsl.backends.torch_source.layout import Cat, Doc, flat
from archdsl.backends.torch_source.pieces import Line, expr_doc, indent, text
from archdsl.expr import Compare, Expr, IfElse, ListOf, Lit, Name

if TYPE_CHECKING:
    from archdsl.backends.torch_source.classes import Writer

WIDTH = 80


def write_condition(writer: Writer, node: ir.IfNode) -> None:
    """A condition at the level of the class."""
    decided = writer.numbers.decided((id(node), "condition"))
    if decided is not None:
        one_side(writer, node, node.then if decided else node.other, absent=not decided and node.branch)
    elif not ternary(writer, node):
        two_sides(writer, node)


def one_side(writer: Writer, node: ir.IfNode, region: ir.Region, *, absent: bool) -> None:
    """The condition never differs: its side alone, or nothing of a branch that never exists."""
    if absent:
        writer.channels[node.out] = ListOf(())
        writer.absent.add(node.out)
        return
    node.out.optional = False
    result = writer.region(region)
    writer.channels[node.out] = writer.channels.of(result)
    writer.alias(node.out, result)


def keyed_single(region: ir.Region) -> ir.OpNode | ir.CallNode | None:
    """The only node of a region, if it is a module of one tensor whose output is the region's."""
    if len(region.nodes) == 1:
        node = region.nodes[0]
        single = isinstance(node, (ir.OpNode, ir.CallNode)) and node.key is not None and len(node.operands()) == 1
        if single and region.result is node.out:
            return node  # type: ignore[return-value]
    return None


def ternary(writer: Writer, node: ir.IfNode) -> bool:
    """`A(…) if condition else B(…)` (or nn.Identity()) as one attribute; False if it is no such case."""
    then, other = (keyed_single(r) for r in (node.then, node.other))
    if then is None or node.branch:
        return False
    entry = then.ins[0]
    if other is None and (node.other.nodes or node.other.result is not entry):
        return False
    if other is not None and (other.ins[0] is not entry or other.key != then.key):
        return False
    docs = [writer.module(then), writer.module(other) if other is not None else "nn.Identity()"]
    after = writer.channels.of(other.out if other is not None else entry)
    writer.channels[node.out] = writer.channels.merge(node.condition, writer.channels.of(then.out), after)
    condition = writer.numbers.shown(node.condition, (id(node), "condition"))
    writer.attributes.append(str(then.key))
    writer.lines += indent(
        conditional_attribute(str(then.key), condition, docs, writer.conditional_depth), writer.conditional_depth
    )
    writer.run_attribute(str(then.key), node.out, (entry,))
    return True


def conditional_attribute(key: str, condition: Expr, docs: list[Doc], depth: int) -> list[Line]:
    """On one line if it fits, else with an `if`."""
    whole = Cat((f"self.{key} = ", docs[0], f" if {text(condition)} else ", docs[1]))
    if len(flat(whole)) <= WIDTH - 4 * depth:
        return [Line(0, whole)]
    return [
        Line(0, Cat((f"self.{key}: nn.Module = ", docs[1]))),
        Line(0, Cat(("if ", expr_doc(condition))), ":"),
        Line(1, Cat((f"self.{key} = ", docs[0]))),
    ]


def two_sides(writer: Writer, node: ir.IfNode) -> None:
    """Modules of each side made under the condition; `forward` chooses by an attribute."""
    shown = writer.numbers.shown(node.condition, (id(node), "condition"))
    test = asked(writer, node, shown)
    then, then_result, then_lines = side(writer, node.then)
    other, other_result, other_lines = side(writer, node.other)
    assert then_result is not None
    if then_lines:
        writer.lines += [Line(writer.conditional_depth, Cat(("if ", expr_doc(shown))), ":"), *then_lines]
    if other_lines:
        otherwise = "else:" if then_lines else f"if not ({text(shown)}):"
        writer.lines += joined(writer.conditional_depth, otherwise, other_lines)
    if node.branch:
        there = sum(writer.channels.spread([then_result])[1:], start=writer.channels.spread([then_result])[0])
        writer.channels[node.out] = IfElse(node.condition, there, Lit(0))
    elif other_result is not None:
        after = [writer.channels.of(r) for r in (then_result, other_result)]
        writer.channels[node.out] = writer.channels.merge(node.condition, *after)
    writer.statements.append(
        Branching(
            node.out,
            test,
            then,
            writer.resolve(then_result),
            other,
            None if node.branch or other_result is None else writer.resolve(other_result),
        )
    )


def joined(depth: int, otherwise: str, lines: list[Line]) -> list[Line]:
    """`else:` over a lone `if` is an `elif`."""
    own = [flat(line.doc) + line.suffix for line in lines if line.depth == depth + 1]
    if otherwise == "else:" and own[0].startswith("if ") and all(t.startswith(("elif ", "else:")) for t in own[1:]):
        first, *rest = indent(lines, -1)
        return [Line(depth, Cat(("el", first.doc)), first.suffix), *rest]
    return [Line(depth, otherwise), *lines]


def asked(writer: Writer, node: ir.IfNode, shown: Expr) -> str:
    """The condition as `forward` asks it: whether a tensor was given, or an attribute."""
    if isinstance(shown, Name) and shown.id in writer.template.optional:
        return f"{shown.id} is not None"
    if isinstance(shown, Compare) and isinstance(shown.left, Name) and isinstance(shown.right, Lit):  # a choice
        return f"self.{writer.flag(shown.left.id, shown.left)} {shown.op} {text(shown.right)}"
    return f"self.{writer.flag(node.word or node.out.name, shown)}"


def side(writer: Writer, region: ir.Region) -> tuple[list[Statement], ir.Operand | None, list[Line]]:
    """The statements of one side, its result, and the lines that make its modules."""
    outer, writer.statements = writer.statements, []
    mark = len(writer.lines)
    writer.conditional_depth += 1
    result = writer.region(region) if region.result is not None else None
    writer.conditional_depth -= 1
    made = writer.lines[mark:]
    del writer.lines[mark:]
    found, writer.statements = writer.statements, outer
    return found, result, made
