"""Optional steps and alternatives: folded where decided, else a conditional module, or an `if` in `forward`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.choices import check_word, write_table
from archdsl.backends.torch.forward import negated
from archdsl.backends.torch.parse import parsed
from archdsl.backends.torch.statements import Branching, Statement
from archdsl.backends.torch.syntax import IDENTITY, NONE, Tree
from archdsl.expr.nodes import Compare, Expr, IfElse, ListOf, Lit, Logic, Name, Unary
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer

MODULE = Name("nn.Module")


def write_condition(writer: Writer, node: ir.If) -> None:
    """A condition at the level of the class."""
    read = set(writer.numbers.used)
    decided = writer.decided(node)
    if node.other.result is None and not node.branch:  # the last body of a choice: the name is no other
        decided = True
    elif decided is None and makes_no_difference(node):
        writer.numbers.used, decided = read, True  # nothing reads the condition
    mark = len(writer.body)
    if decided is not None:
        one_side(writer, node, node.then if decided else node.other, absent=not decided and node.branch)
        return
    if not ternary(writer, node) and not one_of_several(writer, node):
        two_sides(writer, node)
    table = any(isinstance(made, py.Assign) and isinstance(made.value, py.Dict) for made in writer.body[mark:])
    if node.choices and writer.plan.parametric and not table:
        check_word(writer, node)


def one_side(writer: Writer, node: ir.If, region: ir.Region, *, absent: bool) -> None:
    """The condition never differs: its side alone, or nothing of a branch that never exists."""
    if absent:
        writer.channels[node.out] = ListOf(())
        writer.absent.add(node.out)
        return
    writer.tensors.there.add(node.out)
    result = writer.region(region)
    writer.channels[node.out] = writer.channels.given(node.condition, region is node.then, writer.channels.of(result))
    writer.alias(node.out, result)


def makes_no_difference(node: ir.If) -> bool:
    """Whether both sides hand on what enters: identities under one key, or one that may be left out."""
    then, other = (keyed_single(region) for region in (node.then, node.other))
    if node.branch or not is_identity(then):
        return False
    if other is None:
        return not node.other.nodes and node.other.result is then.ins[0]
    return is_identity(other) and (other.key, other.ins[0]) == (then.key, then.ins[0])


def is_identity(node: ir.Operation | None) -> TypeGuard[ir.Primitive]:
    return isinstance(node, ir.Primitive) and node.op.name == "identity"


def keyed_single(region: ir.Region) -> ir.Primitive | ir.Call | None:
    """The only node of a region, if it is a module of one tensor whose output is the region's."""
    if len(region.nodes) == 1:
        node = region.nodes[0]
        owned = isinstance(node, ir.Primitive) and node.op.owned  # a tensor, no module
        keyed = isinstance(node, (ir.Primitive, ir.Call)) and node.key is not None and not owned
        single = keyed and len(node.operands()) == 1
        if single and region.result is node.out:
            return node  # type: ignore[return-value]
    return None


def ternary(writer: Writer, node: ir.If) -> bool:
    """`A(…) if condition else B(…)` (or nn.Identity()) as one attribute; False if it is no such case."""
    then, other = (keyed_single(r) for r in (node.then, node.other))
    if then is None or node.branch:
        return False
    entry = then.ins[0]
    if other is None and (node.other.nodes or node.other.result is not entry):
        return False
    if other is not None and (other.ins[0] is not entry or other.key != then.key):
        return False
    condition = writer.numbers.shown(node.condition, (node.id, "condition"))
    with writer.numbers.given(condition, True):
        made = writer.modules.module(then)
    with writer.numbers.given(condition, False):
        otherwise = writer.modules.module(other) if other is not None else IDENTITY
    after = writer.channels.of(other.out if other is not None else entry)
    writer.channels[node.out] = writer.channels.merge(node.condition, writer.channels.of(then.out), after)
    writer.attributes.append(str(then.key))
    itself = other is not None and any(isinstance(n, ir.Call) and n.block is writer.function for n in (then, other))
    match made:
        case py.Conditional(inner, Expr() as classes, other_module) if other_module == otherwise:
            made, condition = inner, Logic("and", (condition, classes))
    writer.body.append(py.Chosen(Name(f"self.{then.key}"), made, condition, otherwise, itself))
    writer.run_attribute(str(then.key), node.out, (entry,))
    return True


@dataclass
class Arm:
    """One outcome of a chain of conditions: a module of the tensor that enters, or none; the last has no condition."""

    condition: Expr | None
    module: ir.Primitive | ir.Call | None
    channels: Expr = field(default_factory=lambda: Lit(0))  # once its module is printed
    made: Tree = IDENTITY


def one_of_several(writer: Writer, node: ir.If) -> bool:
    """`if … elif … else` over one attribute; False if the outcomes are no modules of one name over one tensor."""
    leaves = [n for n in walk_chain(node) if isinstance(n, (ir.Primitive, ir.Call))]
    if node.branch or not leaves or len({(leaf.key, leaf.operands()[0].id) for leaf in leaves}) > 1:
        return False
    key, entry = str(leaves[0].key), leaves[0].operands()[0]
    arms = arms_of(writer, ir.Region(nodes=[node], result=node.out), entry)
    if arms is None:
        return False
    for arm in arms:
        if arm.module is not None:
            arm.made = writer.modules.module(arm.module)
            arm.channels = writer.channels.of(arm.module.out)
    found = arms[-1].channels
    for arm in reversed(arms[:-1]):
        found = writer.channels.merge(arm.condition or Lit(True), arm.channels, found)
    writer.channels[node.out] = found
    writer.attributes.append(key)
    table = write_table(writer, key, arms) if node.choices else []
    writer.body += table or [*kind_of(key, arms), *chosen(writer, key, arms)]
    writer.run_attribute(key, node.out, (entry,))
    return True


def walk_chain(node: ir.If) -> Iterator[ir.Operation]:
    """The nodes of every outcome."""
    for region in node.regions():
        for inner in region.nodes:
            if isinstance(inner, ir.If):
                yield from walk_chain(inner)
            else:
                yield inner


def arms_of(writer: Writer, region: ir.Region, entry: ir.Operand) -> list[Arm] | None:
    """The outcomes of a region in order; None if one of them is more than a module."""
    if not region.nodes and region.result is entry:
        return [Arm(None, None, writer.channels.of(entry))]
    single = keyed_single(region)
    if single is not None:
        return [Arm(None, single)]
    node = region.nodes[0] if len(region.nodes) == 1 else None
    if not isinstance(node, ir.If) or region.result is not node.out:
        return None
    decided = writer.decided(node)
    if decided is not None:
        arms = arms_of(writer, node.then if decided else node.other, entry)
        for arm in arms or []:
            arm.channels = writer.channels.given(node.condition, decided, arm.channels)
        return arms
    then = arms_of(writer, node.then, entry)
    if node.other.result is None:  # the last body of a choice: the name is no other
        return then
    other = arms_of(writer, node.other, entry)
    if then is None or other is None or len(then) > 1:
        return None
    return [Arm(node.condition, then[0].module, then[0].channels), *other]


def kind_of(key: str, arms: list[Arm]) -> list[py.Statement]:
    """The attribute's type, where its first value does not tell it."""
    if arms[-1].module is None:  # its first value has it
        return []
    kinds = {arm.module.block if isinstance(arm.module, ir.Call) else arm.module for arm in arms}
    return [py.Assign(Name(f"self.{key}"), None, MODULE)] if len(kinds) > 1 else []


def chosen(writer: Writer, key: str, arms: list[Arm]) -> list[py.Statement]:
    """The statements that make the module of the outcome: what is there without a condition first if it is none."""
    last, target = arms[-1], f"self.{key}"
    found = [py.assign(target, last.made)] if last.module is not None else []
    rest: list[py.Statement] = [*found]
    for arm in reversed(arms[:-1]):
        condition = writer.numbers.shown(arm.condition) if arm.condition is not None else Lit(True)
        rest = [py.If(condition, [py.assign(target, arm.made)], rest)]
    return rest if last.module is not None else [py.Assign(Name(target), last.made, MODULE), *rest]


def two_sides(writer: Writer, node: ir.If) -> None:
    """Modules of each side made under the condition; `forward` chooses by an attribute, unless it is one in both."""
    shown = writer.numbers.shown(node.condition, (node.id, "condition"))
    one, mark = one_attribute(writer, node), len(writer.attributes)
    test: Expr | None = None
    given = isinstance(shown, Name) and shown.id in writer.function.optional  # a tensor, of which `forward` asks
    if one or given or not makes_one(node):
        test = Lit(True) if one else test_of(writer, node, shown)
    with writer.numbers.given(shown, True):
        then, then_result, then_body = side(writer, node.then)
    with writer.numbers.given(shown, False):
        other, other_result, other_body = side(writer, node.other)
    assert then_result is not None
    if one and not all(isinstance(region.nodes[0], ir.Container) for region in node.regions()):
        writer.body.append(py.Assign(Name(f"self.{one.key}"), None, MODULE))
    optional = optional_module(then_body, writer.attributes[mark:]) if test is None else None
    test = test or (is_made(optional) if optional is not None else test_of(writer, node, shown))
    if optional is not None:
        writer.body += made_or_none(optional, shown, then_body)
    elif then_body:
        writer.body.append(py.If(shown, then_body, other_body))
    elif other_body:
        writer.body.append(py.If(negated(shown), other_body))
    if node.branch:
        there = sum(writer.channels.spread([then_result])[1:], start=writer.channels.spread([then_result])[0])
        writer.channels[node.out] = IfElse(node.condition, there, Lit(0))
    else:
        assert other_result is not None
        after = [writer.channels.of(r) for r in (then_result, other_result)]
        writer.channels[node.out] = writer.channels.merge(node.condition, *after)
    if one:
        writer.attributes.remove(str(one.key))  # the one of the other side
        writer.run_attribute(str(one.key), node.out, one.operands()[:1])
        return
    writer.statements.append(
        Branching(
            node.out,
            test,
            then,
            writer.lists.as_list(writer.resolve(then_result), then),
            other,
            None if other_result is None else writer.resolve(other_result),
        )
    )


def makes_one(node: ir.If) -> bool:
    """Whether the first side makes one module, and the other one none."""
    made = [inner for inner in node.then.nodes if inner.key is not None]
    asked = any(isinstance(inner, (ir.If, ir.Stage)) for inner in node.then.nodes)
    return len(made) == 1 and not asked and not node.other.nodes


def optional_module(made: list[py.Statement], attributes: list[str]) -> Name | None:
    """The attribute of the only module that a side makes, if it makes nothing else."""
    match made:
        case [py.Assign(Name(target), annotation=None), *rest] if [target] == [f"self.{key}" for key in attributes]:
            return Name(target) if all(fills(statement) for statement in rest) else None
    return None


def fills(statement: py.Statement) -> bool:
    """Whether a statement does nothing but to fill a container that is there."""
    targets = [part.target for part in py.walk(statement) if isinstance(part, (py.Assign, py.Chosen))]
    return not any(isinstance(target, Name) and target.id.startswith("self.") for target in targets)


def is_made(attribute: Name) -> Expr:
    """Whether an attribute holds a module."""
    return Compare("is not", attribute, NONE)


def made_or_none(attribute: Name, condition: Expr, made: list[py.Statement]) -> list[py.Statement]:
    """The statements that make an attribute's module under a condition; otherwise it is None, as `forward` asks."""
    if len(made) == 1 and isinstance(made[0], py.Assign) and made[0].value is not None:
        return [py.Chosen(attribute, made[0].value, condition, NONE)]
    kind = parsed("nn.Sequential | None")
    return [py.Assign(attribute, NONE, kind), py.If(condition, made)]


def one_attribute(writer: Writer, node: ir.If) -> ir.Primitive | ir.Call | ir.Container | None:
    """The only module of the first side, if the other one too is a single module, of its name, over its tensor."""
    then, other = (single_module(writer, region) for region in node.regions())
    if then is None or other is None or then.key != other.key or then.operands()[0] is not other.operands()[0]:
        return None
    return then


def single_module(writer: Writer, region: ir.Region) -> ir.Primitive | ir.Call | ir.Container | None:
    """The only node of a region, if it is a module over one tensor or a chain that nothing else reads from."""
    chain = region.nodes[0] if len(region.nodes) == 1 and region.result is region.nodes[0].out else None
    if not isinstance(chain, ir.Container):
        return keyed_single(region)
    tapped = writer.origin.facts.taps.get(chain.id)
    return chain if chain.key is not None and len(chain.operands()) == 1 and not tapped else None


def test_of(writer: Writer, node: ir.If, shown: Expr) -> Expr:
    """The condition as `forward` asks it: whether a tensor was given, or an attribute."""
    if isinstance(shown, Name) and shown.id in writer.function.optional:
        return Compare("is not", Name(writer.tensors.word(writer.function.inputs[shown.id])), NONE)
    if isinstance(shown, Compare) and isinstance(shown.left, Name) and isinstance(shown.right, Lit):  # a choice
        return Compare(shown.op, Name(f"self.{writer.kept.flag(shown.left.id, shown.left)}"), shown.right)
    if isinstance(shown, Unary) and shown.op == "not" and isinstance(shown.operand, Name):
        return Unary("not", Name(f"self.{writer.kept.flag(shown.operand.id, shown.operand)}"))
    return Name(f"self.{writer.kept.condition_flag(node.word or writer.tensors.word(node.out), shown)}")


def side(writer: Writer, region: ir.Region) -> tuple[list[Statement], ir.Operand | None, list[py.Statement]]:
    """The statements of one side in `forward`, its result, and those of the constructor that make its modules."""
    outer, writer.statements = writer.statements, []
    with writer.on_one_side() as made:
        result = writer.region(region) if region.result is not None else None
    found, writer.statements = writer.statements, outer
    return found, result, made
