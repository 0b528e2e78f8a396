"""Whether a program is one: what is wrong with it is a fault of what made it, never of a spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.expr.nodes import Expr
from archdsl.ir.program import (
    Call,
    Container,
    Function,
    If,
    Item,
    Loop,
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
    parts,
)
from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES


def verify(program: Program, after: str) -> None:
    """Raises `AssertionError` at the first operation that cannot be; `after` is what made the program."""
    known: set[Function] = set()
    for function in program.functions:
        Verifier(function, known, after).run()
        known.add(function)
    for number, part in enumerate(dict.fromkeys(parts(program.functions))):
        if part.id != number:
            raise AssertionError(f"after {after}: the ids are not dense and unique: part {number} has the id {part.id}")


class Verifier:
    """One function, in the order of execution."""

    def __init__(self, function: Function, known: set[Function], after: str) -> None:
        self.function, self.known, self.after = function, known, after
        self.made: set[Value] = set()  # every value that has been made, in scope or not
        self.scope: set[Value] = set()
        self.entered: set[Operation] = set()  # containers, which taps may lead into
        self.chained: set[Operation] = set()  # what stands in containers
        self.reused: set[Operation] = set()  # operations whose modules others run
        self.numbers: set[str] = set()

    def run(self) -> None:
        function = self.function
        self.expect(function not in self.known, "the function stands in the program twice", None)
        further = [name for name in function.inputs if name != "input"]
        self.numbers = {
            *MEASURES,
            *(f"c_{name}" for key, value in function.inputs.items() for name in (key, value.name)),
            *function.params,
            *function.implicit,
        }
        self.numbers |= {*function.optional, *function.let}
        self.expect(function.optional <= set(further), "an input that may be absent is none of its inputs", None)
        for value in function.inputs.values():
            self.define(value, None)
        self.region(function.region, None)
        for name, operand in function.outputs.items():
            self.readable(operand, None, f"the output '{name}'")
        for auxiliary in function.training.values():
            self.expressions({"its condition": auxiliary.condition}, None)
            self.region(auxiliary.region, None)
        for region in (function.region, *(auxiliary.region for auxiliary in function.training.values())):
            self.keys(region)
        for node in function.walk():
            self.expect(node.reused == (node in self.reused), "whether its module runs again is not what it says", node)

    def expect(self, fine: bool, problem: str, node: Operation | None) -> None:
        if not fine:
            raise AssertionError(f"after {self.after}: {self.where(node)}: {problem}")

    def where(self, node: Operation | None) -> str:
        """The operation, its function, and its place in the spec."""
        if node is None:
            return f"{self.function.name} ({self.function.span})"
        what = node.op.name if isinstance(node, Primitive) else type(node).__name__.lower()
        return f"{what} {node.id} of {self.function.name} ({node.span})"

    # --- values
    def define(self, value: Value, node: Operation | None) -> None:
        self.expect(value not in self.made, f"the value '{value.name}' is made twice", node)
        self.made.add(value)
        self.scope.add(value)

    def readable(self, operand: Operand, node: Operation | None, who: str) -> None:
        match operand:
            case Tap(container=container):
                self.expect(container in self.entered, f"{who} taps a container that is not there before it", node)
            case Item(var=var, index=index):
                self.expect(var.many, f"{who} reads an item of '{var.name}', which is no list", node)
                self.expect(var in self.scope, f"{who} reads '{var.name}' before it is made", node)
                self.expressions({f"the index of '{var.name}'": index}, node)
            case Value():
                self.expect(operand in self.scope, f"{who} reads '{operand.name}' before it is made", node)

    def region(self, region: Region, owner: Operation | None, *, empty: bool = False) -> None:
        """The operations of a region, and what it gives: something, unless it may be `empty`."""
        for node in region.nodes:
            for operand in node.operands():
                self.readable(operand, node, "it")
            self.operation(node)
            self.define(node.out, node)
        if region.result is not None:
            self.readable(region.result, owner, "the result of its region")
        self.expect(empty or region.result is not None, "its region gives nothing", owner)

    def inside(self, region: Region, owner: Operation, *names: Iterable[str], empty: bool = False) -> None:
        """A region whose values, and the names that it binds, are not seen outside of it."""
        values, numbers = self.scope, self.numbers
        self.scope, self.numbers = set(values), numbers.union(*names)
        self.region(region, owner, empty=empty)
        # A stage's steps are the network's own: what is made in them may be read in later stages.
        self.scope = self.scope if isinstance(owner, Stage) or owner.stage is not None else values
        self.numbers = numbers

    # --- operations
    def operation(self, node: Operation) -> None:
        match node:
            case Primitive():
                self.primitive(node)
            case Call():
                self.call(node)
            case Reuse():
                self.reuse(node)
            case If():
                self.expressions({"its condition": node.condition}, node)
                self.inside(node.then, node)
                self.inside(node.other, node, empty=node.branch or bool(node.choices))
            case Loop():
                self.loop(node)
            case Container() | Stage():
                self.chain(node)
            case Pack():
                self.expect(node.out.many, "it gives one tensor, no list", node)
            case _:
                self.expect(False, f"{type(node).__name__} is no kind of operation", node)

    def primitive(self, node: Primitive) -> None:
        op, formulas = node.op, False
        for item in op.fields:
            given = item.name in (node.tensors if item.kind == "tensor" else node.fields)
            self.expect(given or not item.required, "it lacks a field that its op needs", node)
            formulas |= item.kind == "formula"
        formulas |= any(item.name in node.fields for item in op.derived)
        if not op.further:
            wrong = [name for name in node.fields if op.field(name) is None]
            self.expect(not wrong, f"its op has no fields {wrong}", node)
        wrong = [name for name in node.tensors if (found := op.field(name)) is None or found.kind != "tensor"]
        self.expect(not wrong, f"its op takes no tensors {wrong}", node)
        self.expect(op.many or formulas or len(node.ins) == 1, "its op takes one tensor", node)
        if not formulas:  # which names its tensors t0, t1, … beside numbers
            self.expressions(node.fields, node)

    def call(self, node: Call) -> None:
        block = node.block
        self.expect(
            block in self.known or block is self.function,
            "the function that it calls does not stand before it in the program",
            node,
        )
        wrong = [name for name in node.args if name not in block.params and name not in block.implicit]
        self.expect(not wrong, f"{block.name} has no params {wrong}", node)
        wrong = [name for name, param in block.params.items() if param.default is None and name not in node.args]
        self.expect(not wrong, f"{block.name} is not given {wrong}", node)
        _, *further = block.inputs
        wrong = [name for name in node.tensors if name not in further]
        self.expect(not wrong, f"{block.name} has no inputs {wrong}", node)
        wrong = [name for name in further if name not in block.optional and name not in node.tensors]
        self.expect(not wrong, f"{block.name} is not given the tensors {wrong}", node)
        self.expect(len(node.ins) == 1, "a call takes one tensor, and further ones by name", node)
        self.expect(node.out.many == block.gives_several, "its result is a list, or its block's is", node)
        self.expressions(node.args, node)

    def reuse(self, node: Reuse) -> None:
        module = node.module
        self.reused.add(module)
        self.expect(module.out in self.scope, "the operation whose module it runs does not stand before it", node)
        self.expect(module.key is not None, "the operation whose module it runs makes none", node)
        self.expect(module not in self.chained, "the module that it runs stands in a container", node)
        self.expect(len(node.ins) == 1, "it takes one tensor, and further ones by name", node)
        self.expect(set(node.tensors) == set(module.tensors), "it is given other tensors than its module", node)

    def loop(self, node: Loop) -> None:
        self.expect((node.count is None) != (node.rows is None), "it has a count or rows", node)
        many = node.parallel or node.carry.many
        self.expect(node.out.many == many, "it gives a list if its rows are side by side or carry one", node)
        given = {"its count": node.count, "its rows": node.rows}
        self.expressions({word: expr for word, expr in given.items() if expr is not None}, node)
        self.entered.add(node)
        self.chained.update(node.body.walk())
        self.define(node.carry, node)
        self.inside(node.body, node, node.columns, node.let, TURN_NAMES, TABLE_NAMES)

    def chain(self, node: Container | Stage) -> None:
        if isinstance(node, Container):
            self.entered.add(node)
            self.chained.update(node.body.walk())
        self.define(node.carry, node)
        self.inside(node.body, node, node.let)

    def expressions(self, given: Mapping[str, Expr], node: Operation | None) -> None:
        """Every name that is read is one of the function's numbers."""
        for word, expr in given.items():
            unknown = [name for name in expr.mentioned if name not in self.numbers]
            self.expect(not unknown, f"{word} reads {unknown}, no numbers of its place", node)

    # --- keys
    def keys(self, region: Region) -> set[str]:
        """The keys of a class: each module has its own, but those that stand instead of each other.

        Names of the children of a container may clash as numbers tell, by turns of a loop: a run refuses them.
        """
        taken: set[str] = set()
        for node in region.nodes:
            for key in self.keys_of(node):
                self.expect(key not in taken, f"the key '{key}' is that of another module", node)
                taken.add(key)
        return taken

    def keys_of(self, node: Operation) -> set[str]:
        """The keys that an operation takes in its class."""
        match node:
            case If():
                return self.keys(node.then) | self.keys(node.other)
            case Stage():
                return self.keys(node.body)
            case Pack() | Reuse() | Primitive(functional=True, key=None):
                return set()
        self.expect(node.key is not None, "it has no key in its class", node)
        return {str(node.key)}
