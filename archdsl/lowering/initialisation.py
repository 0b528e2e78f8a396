"""The modules that `init:` names: by their keys in the network, or in each call of a block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from archdsl.diagnostics.faults import SpecError, fault
from archdsl.expr.nodes import Expr, Lit, Logic, Unary, names
from archdsl.ir import program as ir
from archdsl.lowering.library import Library
from archdsl.ops.base import FORM, Op, is_lit
from archdsl.support.naming import did_you_mean
from archdsl.syntax import spec as s
from archdsl.syntax.identifiers import MEASURES, is_block_name
from archdsl.syntax.words import INIT_NAMES, WITHOUT_BIAS

Conditions: TypeAlias = "tuple[Expr, ...]"
Found: TypeAlias = "tuple[tuple[ir.Operation, ...], Conditions]"


def initialise(network: ir.Function, library: Library, spec: s.Spec) -> None:
    """Notes in each function which of its modules have rules of their own; the faults of every entry are found."""
    for entry in spec.named_init:
        with library.faults.catch():
            head, *keys = entry.path
            if is_block_name(head):
                block = library.find(spec, head, entry.span)
                block.named_init += named(entry, block, keys)
            else:
                network.named_init += named(entry, network, entry.path)


def named(entry: s.NamedInit, function: ir.Function, keys: Sequence[str]) -> tuple[ir.NamedInit, ...]:
    """The module that an entry means, or those of one key on the sides of a condition."""
    found = list(members(function, keys, entry))
    if not found:
        raise unnamed(entry, "is not a module", near(function, keys))
    when = () if entry.when is None else (entry.when,)
    for path, conditions in found:
        check_rules(entry, path[-1])
        for condition in (*conditions, *when):
            check_condition(entry, condition, function)
    return tuple(ir.NamedInit(path, entry.values, whole((*conditions, *when))) for path, conditions in found)


# --- paths
def modules(function: ir.Function) -> Iterator[tuple[ir.Operation, Conditions]]:
    """What has a key in a class, each with the conditions under which it is there."""
    yield from keyed(function.region, ())
    for auxiliary in function.training.values():
        yield from keyed(auxiliary.region, () if auxiliary.condition == Lit(True) else (auxiliary.condition,))


def keyed(region: ir.Region, conditions: Conditions) -> Iterator[tuple[ir.Operation, Conditions]]:
    for node in region.nodes:
        match node:
            case ir.If():
                yield from keyed(node.then, (*conditions, node.condition))
                yield from keyed(node.other, (*conditions, Unary("not", node.condition)))
            case ir.Stage():
                yield from keyed(node.body, conditions)
            case _ if node.key is not None:
                yield node, conditions


def members(function: ir.Function, keys: Sequence[str], entry: s.NamedInit) -> Iterator[Found]:
    """The operations that keys lead to, in a class."""
    for node, conditions in modules(function):
        if node.key == keys[0]:
            for path in inside(node, keys[1:], entry):
                yield (node, *path), conditions


def inside(node: ir.Operation, keys: Sequence[str], entry: s.NamedInit) -> Iterator[tuple[ir.Operation, ...]]:
    """What comes behind an operation on the way that keys lead."""
    match node:
        case ir.Primitive() if not keys:
            yield ()
        case ir.Call() if keys:
            for path, conditions in members(node.block, keys, entry):
                if conditions:
                    raise unnamed(entry, "is under a condition", f"write {node.block.name}.{'.'.join(keys)}")
                yield path
        case ir.Container() if keys:
            yield from children(node, keys, entry)
        case ir.Loop():
            raise turned(entry)
        case _ if not keys:
            raise unnamed(entry, "holds several modules", "name one of them")


def children(container: ir.Container, keys: Sequence[str], entry: s.NamedInit) -> Iterator[tuple[ir.Operation, ...]]:
    """The same inside of a chain, where a module has its position, or its name."""
    for index, node in enumerate(container.body.nodes):
        if isinstance(node, ir.If) or (isinstance(node, ir.Loop) and node.inline):
            if keys[0].isdigit() and isinstance(node, ir.Loop):
                raise turned(entry)
            if keys[0].isdigit():
                raise unnamed(entry, "has a position that differs", "give the step a name:")
        elif keys[0] == (node.key or str(index)):
            for path in inside(node, keys[1:], entry):
                yield (node, *path)
            return


def near(function: ir.Function, keys: Sequence[str]) -> str:
    """What keys may have meant: the names in the part where they lead nowhere."""
    known = {str(node.key): node for node, _ in modules(function)}
    node = known.get(keys[0])
    if isinstance(node, ir.Call) and len(keys) > 1:
        return near(node.block, keys[1:])
    if isinstance(node, ir.Container):
        steps = [str(step.key or index) for index, step in enumerate(node.body.nodes)]
        return f"its modules have the keys of the state_dict: {', '.join(f'{keys[0]}.{step}' for step in steps)}"
    return did_you_mean(keys[0], known) or f"choose from {', '.join(known)}"


# --- what is checked
def check_rules(entry: s.NamedInit, node: ir.Operation) -> None:
    """The tensors are there, and the rules read what such a module has."""
    assert isinstance(node, ir.Primitive)
    op, known = node.op, INIT_NAMES.get("linear" if node.op.name == "linear" else node.op.group, ())
    for tensor, rule in entry.values.items():
        if not has(node, tensor):
            raise unnamed(entry, f"is {op.name}, and has no {tensor} to fill", "leave out the rule")
        for read in names(rule):
            if read.id not in known:
                help = f"of {op.name} it reads {', '.join(known) or 'numbers alone'}"
                raise fault("unknown-name", f"'{read.id}' is not known to this initialisation", read.span, help=help)


def has(node: ir.Primitive, tensor: str) -> bool:
    """Whether the module of an op has a weight, or a bias, of its own."""
    op = node.op
    if type(op).params is Op.params or node.tensors or FORM in op.fields:
        return False
    flags = [item.name for item in op.fields if item.name in ("affine", "bias")]
    if tensor == "weight":
        flags = [name for name in flags if name == "affine"]
    elif op.name in WITHOUT_BIAS or not (flags or op.role == "norm"):
        return False
    return not any(is_lit(node.fields[name], False) for name in flags)


def check_condition(entry: s.NamedInit, condition: Expr, function: ir.Function) -> None:
    """A condition is in the numbers that the constructor of the class knows."""
    known = {*function.params, *function.let, *(() if function.network else MEASURES)}
    for read in names(condition):
        if read.id not in known and condition is entry.when:
            help = did_you_mean(read.id, known) or f"it reads {', '.join(sorted(known)) or 'no names'}"
            raise fault("unknown-name", f"'{read.id}' is not a number of {function.name}", read.span, help=help)
        if read.id not in known:
            raise unnamed(entry, f"is under a condition that reads '{read.id}'", "put the steps into a block")


def whole(conditions: Conditions) -> Expr:
    return Logic("and", conditions) if len(conditions) > 1 else conditions[0] if conditions else Lit(True)


def turned(entry: s.NamedInit) -> SpecError:
    return unnamed(entry, "is in a loop, or behind one", "name a module in each call of its block, as Unit.conv")


def unnamed(entry: s.NamedInit, why: str, help: str) -> SpecError:
    return fault("bad-init", f"'{'.'.join(entry.path)}' {why}", entry.span, help=help)
