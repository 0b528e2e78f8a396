"""What rewrites a program: a copy of it, who reads a value, one value in the place of another, an operation erased."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias, TypeVar

from archdsl.ir.program import (
    Auxiliary,
    Call,
    Container,
    Function,
    Item,
    Loop,
    Nested,
    Operand,
    Operation,
    Pack,
    Primitive,
    Program,
    Region,
    Reuse,
    Stage,
    Tap,
    Value,
)

Reader: TypeAlias = "Operation | Region | Function"  # a region reads what it gives, a network's function its outputs
Change: TypeAlias = "Callable[[Operand], Operand]"
Named = TypeVar("Named")


# --- copies
def copied(program: Program) -> Program:
    """A program of its own, with the same ids; `source` of a function or operation is the one that it is a copy of."""
    copier = Copier()
    return Program(tuple(copier.function(function) for function in program.functions))


class Copier:
    """Copies functions, those that are called before their callers."""

    def __init__(self) -> None:
        self.functions: dict[Function, Function] = {}
        self.values: dict[Value, Value] = {}
        self.items: dict[Item, Item] = {}
        self.containers: dict[Operation, Container | Loop] = {}
        self.operations: dict[Operation, Operation] = {}
        self.modules: dict[Operation, Primitive | Call] = {}  # that run again

    def function(self, function: Function) -> Function:
        inputs = self.named(function.inputs, self.value)
        region = self.region(function.region)
        training = {
            name: Auxiliary(auxiliary.condition, self.region(auxiliary.region))
            for name, auxiliary in function.training.items()
        }
        outputs = self.named(function.outputs, self.operand)
        made = replace(function, inputs=inputs, region=region, training=training, outputs=outputs)
        made.params, made.implicit, made.source = dict(function.params), dict(function.implicit), function.id
        kept = (init for init in function.named_init if all(node in self.operations for node in init.path))
        made.named_init = tuple(replace(init, path=tuple(self.operations[n] for n in init.path)) for init in kept)
        self.functions[function] = made
        for node in made.walk():
            if isinstance(node, Call) and node.block is function:  # it calls itself
                node.block = made
        return made

    @staticmethod
    def named(parts: Mapping[str, Named], copy: Callable[[Named], Named]) -> dict[str, Named]:
        return {name: copy(part) for name, part in parts.items()}

    def region(self, region: Region) -> Region:
        nodes = [self.operation(node) for node in region.nodes]
        return Region(nodes, self.operand(region.result) if region.result is not None else None)

    def operation(self, node: Operation) -> Operation:
        made = self.operations[node] = replace(node, source=node.id, merged=())
        change_operands(made, self.operand)
        if isinstance(made, Nested):
            made.carry = self.value(made.carry)
        if isinstance(node, (Loop, Container)):
            assert isinstance(made, (Loop, Container))
            self.containers[node] = made  # what is inside of it may tap it
        if isinstance(made, Call):
            made.block = self.functions.get(made.block, made.block)
        if isinstance(made, (Primitive, Call)) and made.reused:
            self.modules[node] = made
        if isinstance(made, Reuse):
            made.module = self.modules[made.module]
        change_regions(made, self.region)
        made.out = self.value(node.out)
        return made

    def value(self, value: Value) -> Value:
        if value not in self.values:
            made = self.values[value] = replace(value, items=())
            made.items = tuple(self.item(item) for item in value.items)
        return self.values[value]

    def item(self, item: Item) -> Item:
        if item not in self.items:
            self.items[item] = Item(self.value(item.var), item.index)
        return self.items[item]

    def operand(self, operand: Operand) -> Operand:
        match operand:
            case Value():
                return self.value(operand)
            case Item():
                return self.item(operand)
            case Tap():
                return replace(operand, container=self.containers[operand.container])


# --- what an operation is made of
def change_operands(node: Operation, change: Change) -> None:
    """Changes what an operation reads by itself, its regions left out."""
    match node:
        case Primitive() | Call() | Reuse():
            node.ins = tuple(map(change, node.ins))
            node.tensors = {name: change(operand) for name, operand in node.tensors.items()}
        case Loop():
            node.entry, node.entries = change(node.entry), tuple(map(change, node.entries))
        case Container() | Stage():
            node.entry = change(node.entry)
        case Pack():
            node.ins = tuple(map(change, node.ins))


def change_regions(node: Operation, change: Callable[[Region], Region]) -> None:
    """Changes the regions of an operation."""
    for name in ("then", "other", "body"):
        region = getattr(node, name, None)
        if isinstance(region, Region):
            setattr(node, name, change(region))


def regions_of(function: Function) -> Iterator[Region]:
    """Every region of a function, each before those inside of it."""
    ahead = [function.region, *(auxiliary.region for auxiliary in function.training.values())]
    while ahead:
        region = ahead.pop()
        yield region
        ahead += [inner for node in region.nodes for inner in node.regions()]


# --- values
def readers(function: Function) -> dict[Value, list[Reader]]:
    """Who reads each value, or an item of it, once for each time: the operations, the regions that it leaves."""
    found: dict[Value, list[Reader]] = {}

    def read(operand: Operand, reader: Reader) -> None:
        if not isinstance(operand, Tap):
            found.setdefault(operand.var if isinstance(operand, Item) else operand, []).append(reader)

    for region in regions_of(function):
        for node in region.nodes:
            for operand in node.operands():
                read(operand, node)
        if region.result is not None:
            read(region.result, region)
    for operand in function.outputs.values():
        read(operand, function)
    return found


def taps(function: Function) -> Iterator[Tap]:
    """Every reading of what stands inside a container."""
    for region in regions_of(function):
        for node in region.nodes:
            yield from (operand for operand in node.operands() if isinstance(operand, Tap))
        if isinstance(region.result, Tap):
            yield region.result
    yield from (operand for operand in function.outputs.values() if isinstance(operand, Tap))


def replace_value(function: Function, old: Value, new: Operand) -> None:
    """Lets everything that reads one value read another; of a list, no item may be read."""
    replace_operands(function, lambda operand: new if operand is old else operand)


def replace_operands(function: Function, change: Change) -> None:
    """Changes whatever a function reads."""
    for region in regions_of(function):
        for node in region.nodes:
            change_operands(node, change)
        if region.result is not None:
            region.result = change(region.result)
    for name, operand in function.outputs.items():
        function.outputs[name] = change(operand)


def erase(region: Region, node: Operation) -> None:
    """Takes an operation out of a region; nothing may read its result any more."""
    region.nodes = [other for other in region.nodes if other is not node]
