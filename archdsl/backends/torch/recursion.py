"""The class of a block, once and of one that contains itself: what its own call is like is assumed until it holds."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backends.torch.class_source import ClassSource
from archdsl.backends.torch.classes import Writer
from archdsl.backends.torch.numbers import UNKNOWN
from archdsl.backends.torch.plan import Done, Plan
from archdsl.backends.torch.sizes import Size
from archdsl.diagnostics.faults import SpecError
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import Expr, Name, is_long
from archdsl.expr.simplify import same, simplify
from archdsl.ir import program as ir


def sizes_left(writer: Writer, function: ir.Function) -> Size | None:
    """Height and width of what leaves a function, over its params alone."""
    leaving = writer.sizes.of(function.region.result)
    return None if leaving is None else tuple(expand(n, function) for n in leaving)


def channels_left(writer: Writer, function: ir.Function) -> Expr:
    """The channels of what leaves a function, over its params alone."""
    outside = expand(writer.channels.outside(writer.result_channels), function)
    return simplify(outside, writer.numbers.facts)


def expand(expr: Expr, function: ir.Function) -> Expr:
    """Channels that leave a block over its params alone."""
    for name, value in reversed(list(function.let.items())):
        expr = substitute(expr, {name: value})
        if is_long(expr):
            return Name(UNKNOWN, span=function.span)
    return expr


def calls_itself(function: ir.Function) -> bool:
    """Whether a block contains itself."""
    return any(isinstance(node, ir.Call) and node.block is function for node in function.walk())


def assume(plan: Plan, done: Done, function: ir.Function) -> None:
    """Fills in what a call of a block inside of itself takes and gives.

    Its arguments are those that its class reads, this call included. Channels and sizes are such as prove themselves:
    assumed of the call inside, they follow for the whole.
    """
    key, writer = function.id, Writer(plan, done, function)
    done.classes[key] = ClassSource(writer.name, [], [], [], [], [], "Tensor")
    done.sizes[key] = None
    for guess in channels_guessed(writer):
        done.channels[key] = guess
        try:
            writer = settled(plan, done, function)
        except SpecError:
            continue  # another guess may be right
        if same(channels_left(writer, function), expand(guess, function), writer.numbers.facts):
            break
    else:
        done.channels[key] = Name(UNKNOWN, span=function.span)
        writer = settled(plan, done, function)
    done.sizes[key] = writer.calls.size_entering()
    if done.sizes[key] is not None and sizes_left(settled(plan, done, function), function) != done.sizes[key]:
        done.sizes[key] = None


def channels_guessed(writer: Writer) -> Iterator[Expr]:
    """What channels a block that contains itself may give: a number, those that enter, or a name for them."""
    function = writer.function
    result = function.region.result
    constant = writer.numbers.constant((result.id, "c")) if isinstance(result, ir.Value) else None
    yield from [constant] if constant is not None else []
    yield from map(Name, ("c_in", *function.params, *function.implicit, *function.let))


def settled(plan: Plan, done: Done, function: ir.Function) -> Writer:
    """Writes the class of a function until its own calls in it give what it takes."""
    while True:
        known = called_as(done.classes[function.id])
        writer = Writer(plan, done, function)
        done.classes[function.id] = writer.write()
        if called_as(done.classes[function.id]) == known:
            return writer


def called_as(source: ClassSource) -> tuple[list[str], list[str], str]:
    """What a call of a class depends on: its arguments, the tensors that it takes, and what it gives."""
    return [argument.name for argument in source.arguments], source.further, source.result
