"""Function -> class: what `__init__` makes and what `forward` does, by the facts of the runs.

The `Writer` walks the operations of a function in order. It holds what is written so far; each kind of thing that a
class is made of has a writer of its own beside it: `signature`, `modules`, `calls`, `containers`, `loops`, `functions`,
`lists`, `kept`, `widths`, `forward`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from archdsl.analysis.noting import IMAGE
from archdsl.backends.torch import scope
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.argument_checks import asked_for, refused_without
from archdsl.backends.torch.calls import Calls
from archdsl.backends.torch.channels import Channels
from archdsl.backends.torch.class_source import Argument, ClassSource
from archdsl.backends.torch.conditions import test_of, write_condition
from archdsl.backends.torch.containers import Containers
from archdsl.backends.torch.faults import placed
from archdsl.backends.torch.feature_info import feature_info
from archdsl.backends.torch.forward_body import ForwardBody
from archdsl.backends.torch.functions import Functions
from archdsl.backends.torch.initialize import init_body
from archdsl.backends.torch.kept import Kept
from archdsl.backends.torch.lists import Lists
from archdsl.backends.torch.loop_channels import Loops
from archdsl.backends.torch.modules import Modules
from archdsl.backends.torch.neighbours import merged
from archdsl.backends.torch.numbers import UNKNOWN
from archdsl.backends.torch.order import Order
from archdsl.backends.torch.own import write_own
from archdsl.backends.torch.plan import Done, Plan
from archdsl.backends.torch.repeated import replaced_in, with_variables
from archdsl.backends.torch.resetting import keep_features, last_layer, reset_body
from archdsl.backends.torch.signature import Signature
from archdsl.backends.torch.sizes import Sizes
from archdsl.backends.torch.statements import Statement, Step, base
from archdsl.backends.torch.syntax import Tree
from archdsl.backends.torch.taps import tapped
from archdsl.backends.torch.unread import without_unread
from archdsl.backends.torch.widths import Widths
from archdsl.diagnostics.faults import at
from archdsl.expr.nodes import Expr, Index, ListOf, Lit, Name
from archdsl.ir import program as ir
from archdsl.lowering.vocabulary import GENERIC, INPUT


def is_there(path: Sequence[ir.Operation], function: ir.Function) -> bool:
    """Whether a pass has left the operations that lead to a module."""
    inside = function.walk()
    for node in path:
        if node not in inside:
            return False
        inside = node.block.walk() if isinstance(node, ir.Call) else (n for r in node.regions() for n in r.walk())
    return True


class Writer:
    """Writes the class of one function."""

    def __init__(self, plan: Plan, done: Done, function: ir.Function) -> None:
        self.plan, self.done, self.function, self.origin = plan, done, function, plan.origin
        self.name = plan.names[function.id]
        self.outermost = function is plan.origin.function
        self.classifier, self.norm = plan.classifier, plan.norm
        self.words = scope.in_constructor(function)
        self.tensors, self.hidden = scope.named_tensors(function, self.name)
        self.spoken = scope.in_forward(function, self.name, self.tensors)
        self.consumers, self.order = count_consumers(function), Order(function)
        self.signature = Signature(self)
        self.numbers = self.signature.numbers()
        self.kept = Kept(self)
        self.modules = Modules(self)
        self.calls = Calls(self)
        self.lists = Lists(self)
        self.containers = Containers(self)
        self.functions = Functions(self)
        self.widths = Widths(self)
        self.forward = ForwardBody(self)
        self.loops = Loops()
        entering, given_to = self.calls.size_entering(), self.calls.given_to
        self.sizes = Sizes(plan.origin.facts, self.numbers, function, entering, self.channels_of, given_to, done.sizes)
        self.channels = Channels(plan.origin, self.numbers, function, self.sizes, self.tensors)
        self.body: list[py.Statement] = []  # of the constructor, or of the side of a condition in it
        self.checks: dict[str, py.Statement] = {}  # what the constructor refuses, by its argument
        self.sides: tuple[object, ...] = ()  # of the conditions around
        self.attributes: list[str] = []  # that hold modules, in the order in which they are made
        self.statements: list[Statement] = []  # of `forward`
        self.aliases: dict[ir.Value, ir.Operand] = {}
        self.absent: set[ir.Operand] = set()

    def write(self) -> ClassSource:
        function = self.function
        for name, var in function.inputs.items():
            word = f"c_{name}" if name != INPUT else "c_in"
            self.channels[var] = self.channels_of_list(name, word) if var.many else Name(word)
        if self.outermost:
            self.bind_network_inputs()
        result = self.region(function.region)
        inputs = [var for name, var in function.inputs.items() if self.is_given(name)]
        auxiliaries = self.forward.auxiliaries()
        features, head = self.forward.print_features(inputs, result, alone=bool(auxiliaries))
        forward, plain = self.forward.print_forward(inputs, result, auxiliaries)
        self.result_channels = self.channels.of(result)
        if self.outermost:
            self.body += feature_info(self, self.plan.reductions)
        asserted = self.forward.asserted_sizes(inputs) if self.outermost else []
        named_init = self.named_init()
        made = self.parts(inputs, auxiliaries, named_init)
        made.features, made.head, made.entering = features, head, self.forward.entering
        made.reset, made.last_layer = reset_body(self, made), last_layer(self)
        if self.outermost:
            keep_features(self)
            self.ask_init(made)
        norm = [self.norm.statement(self.numbers)] if self.signature.hands_norm and self.outermost and self.norm else []
        lets = [*self.signature.lets(), *norm]
        derived = self.signature.derived()
        arguments = self.signature.arguments(derived)
        if all(argument.name != self.signature.size for argument in arguments):  # else it is made for another one
            if auxiliaries and forward:
                forward[:0] = self.forward.asserted_in_training(inputs)
            for body in [features, forward] if auxiliaries else [features or forward]:
                body[:0] = asserted if body else []
        kept = self.forward.classes_kept() if self.outermost and auxiliaries else {}
        init = [
            *(replaced_in(statement, kept) for statement in derived.values()),
            *lets,
            *self.refusals(arguments),
            *self.checks.values(),
            *without_unread(with_variables(merged(self.body), self.widths.repeated_widths()), self.loops.variables),
        ]
        made.base, made.forward = ("nn.Sequential", []) if plain else ("nn.Module", forward)
        made.arguments, made.derived, made.init = arguments, list(derived), init
        return made

    def refusals(self, arguments: Sequence[Argument]) -> list[py.Statement]:
        """The refusal of no classes, in the constructor of a network whose scores cannot be left out."""
        param, classifier = self.plan.scored, self.classifier
        if not self.outermost or param is None or not any(a.name == param and a.type == "int" for a in arguments):
            return []
        left_out = classifier is not None and classifier.layer is not None
        return [] if left_out or asked_for(param, self.origin.facts) else [refused_without(param)]

    def parts(
        self, inputs: Sequence[ir.Value], training: Iterable[str], named_init: list[tuple[ir.NamedInit, Expr]]
    ) -> ClassSource:
        """What is known of the class beside its bodies and its constructor."""
        function = self.function
        return ClassSource(
            name=self.name,
            inputs=[self.tensors.word(var) for var in inputs],
            lists=[self.tensors.word(var) for var in inputs if var.many],
            further=[name for name in function.inputs if name != INPUT and self.is_given(name)],
            training=list(training),
            result=self.forward.result_type,
            optional=[self.tensors.word(function.inputs[n]) for n in self.undecided()],
            classes=self.classifier.param if self.classifier is not None else "",
            doc=function.doc,
            modules=self.modules.classes,
            weighted=self.modules.weighted,
            biased=self.modules.biased,
            named_init=named_init,
            learned=self.modules.learned,
        )

    def ask_init(self, made: ClassSource) -> None:
        """Notes that the constructor reads what `init:` asks by `when:`, if there are weights that it fills."""
        classes = [*self.done.classes.values(), made]
        if any(source.named_init for source in classes) or init_body(self.function.init, classes, self.plan.prelude):
            self.numbers.close(self.function.init_when)

    def named_init(self) -> list[tuple[ir.NamedInit, Expr]]:
        """The modules here, and inside of them, that have rules of their own, each with what its module is asked."""
        found = []
        for init in self.function.named_init:
            alike = (n for n in self.function.walk() if isinstance(n, ir.If) and n.condition == init.condition)
            node = next(alike, None)
            shown = self.numbers.shown(init.condition, (node.id, "condition") if node is not None else None)
            if not isinstance(shown, Lit) and not self.outermost:
                own = None if node is not None else Name(f"self.{self.kept.condition_flag('own_init', shown)}")
                asked = own if node is None else test_of(self, node, shown)
                shown = py.as_number(py.renamed(asked or shown, "self", "m"))
            if shown != Lit(False) and is_there(init.path, self.function):
                found.append((init, shown))
        return found

    def channels_of(self, operand: ir.Operand) -> Expr:
        return self.channels.of(operand)

    def channels_of_list(self, name: str, word: str) -> Expr:
        """The channels of an input that is a list: once if they are alike, else of each."""
        seen = self.origin.facts.seen[self.function.id, f"c_{name}"]
        if not isinstance(seen.value, list):
            return Name(word)
        return ListOf(tuple(Index(Name(f"c_{name}"), Lit(n)) for n in range(len(seen.value))))

    def rename(self, operand: ir.Operand | None, name: str) -> None:
        """Another word for a tensor that has none of its own; an argument keeps its name."""
        known = isinstance(operand, ir.Value) and operand in self.function.inputs.values()
        if isinstance(operand, ir.Value) and self.tensors.word(operand) in GENERIC and not known:
            self.tensors.called[operand] = name

    def bind_network_inputs(self) -> None:
        for name, var in zip(self.origin.spec.inputs, self.function.inputs.values(), strict=True):
            self.channels[var] = Name(IMAGE) if self.signature.image else self.channels_of_input(name, var)
            self.numbers.bound[f"c_{name}"] = self.channels.of(var)
        first = next(iter(self.function.inputs.values()))
        self.numbers.bound["c_in"] = self.channels.of(first)

    def channels_of_input(self, name: str, var: ir.Value) -> Expr:
        """The channels of an input of the network: what its shape says, if no variant gives it another."""
        constant = self.numbers.constant((var.id, "c"))
        if constant is not None:
            return constant
        spec = self.origin.spec
        shape = spec.inputs[name]
        stated = not any(name in variant.inputs for variant in spec.variants.values())
        return shape.items[0] if stated and isinstance(shape, ListOf) else Name(UNKNOWN, span=shape.span)

    def undecided(self) -> list[str]:
        """The inputs that come in some calls alone."""
        return [n for n in self.function.optional if self.numbers.decided((self.function.id, n)) is None]

    def is_given(self, name: str) -> bool:
        """Whether an optional input ever comes."""
        return name not in self.function.optional or self.numbers.decided((self.function.id, name)) is not False

    @contextmanager
    def on_one_side(self) -> Iterator[list[py.Statement]]:
        """What is made meanwhile is made under a condition."""
        outer = self.sides, self.body
        self.sides, self.body = (*self.sides, object()), []
        yield self.body
        self.sides, self.body = outer

    def region(self, region: ir.Region) -> ir.Operand:
        for node in region.nodes:
            if self.classifier is not None and node.stage == self.classifier.head and self.outermost:
                self.forward.head = len(self.statements)
            if node.stage is not None and (operand := ir.entering(node)) is not None:
                self.numbers.bound["c_in"] = self.entering(operand)
            before = set(self.channels.known)
            with placed(node.span):
                self.node(node)
            if node.stage is not None:
                entering = self.numbers.bound.get("c_in")
                self.channels.end_stage(before, {"c_in": entering} if isinstance(entering, Expr) else {})
                if self.statements and isinstance(self.statements[-1], Step):
                    self.statements[-1].alone = True
        assert region.result is not None
        return region.result

    def entering(self, operand: ir.Operand) -> Expr | tuple[int, str]:
        """What `c_in` means in a stage."""
        if self.channels.of(operand) == Name("c_in") and not self.outermost:
            return self.function.id, "c_in"
        return self.channels.as_c_in(operand)

    def node(self, node: ir.Operation) -> None:
        match node:
            case ir.Primitive() if node.op.owned:
                write_own(self, node)
            case ir.Primitive() if node.functional:
                with at(node.span):
                    self.functions.functional(node)
            case ir.Primitive() | ir.Call():
                self.attribute(str(node.key), self.modules.module(node))
                if isinstance(node, ir.Call) and node.tensors:
                    self.calls.run_call(node, node)
                else:
                    self.run_attribute(str(node.key), node.out, node.operands(), self.calls.kind_of(node))
            case ir.Reuse():
                self.calls.run_again(node)
            case ir.If():
                write_condition(self, node)
            case ir.Container():
                self.containers.set_attribute(str(node.key), self.containers.pieces(node), node.let, node)
                self.containers.run_container(node)
            case ir.Loop():
                self.containers.class_loop(node)
            case ir.Stage():
                self.channels[node.carry] = self.channels.of(node.entry)
                self.alias(node.carry, node.entry)
                self.open_stage(node)
            case ir.Pack():
                self.lists.listed(node)

    def alias(self, var: ir.Value, operand: ir.Operand) -> None:
        """`var` is another word for `operand`."""
        self.aliases[var] = operand
        target = base(operand)
        if target is not None and self.tensors.word(var) not in GENERIC and self.consumers[var] > 1:
            self.rename(target, self.tensors.word(var))

    def resolve(self, operand: ir.Operand) -> ir.Operand:
        while isinstance(operand, ir.Value) and operand in self.aliases:
            operand = self.aliases[operand]
        if isinstance(operand, ir.Item) and operand.var in self.aliases:
            return self.item_of(self.resolve(operand.var), operand)
        return operand

    @staticmethod
    def item_of(known: ir.Operand, item: ir.Item) -> ir.Operand:
        """An item of a list that `forward` knows under another word."""
        assert isinstance(known, ir.Value)
        if known.items and isinstance(item.index, Lit) and type(item.index.value) is int:
            return known.items[item.index.value]
        return ir.Item(known, item.index)

    def resolved(self, operands: Iterable[ir.Operand]) -> tuple[ir.Operand, ...]:
        """Operands as `forward` knows them; absent branches are left out."""
        return tuple(self.resolve(o) for o in operands if o not in self.absent)

    def open_stage(self, node: ir.Stage) -> None:
        kept = dict(self.numbers.bound)
        self.numbers.bound.update({name: (node.id, name) for name in node.let})
        mark, before = len(self.body), set(self.channels.known)
        result = self.region(node.body)
        self.channels.end_stage(before, node.let)
        wanted = [
            py.assign(n, self.numbers.close(e))
            for n, e in reversed(list(node.let.items()))
            if (node.id, n) in self.numbers.used
        ]
        self.body[mark:mark] = wanted[::-1]
        self.numbers.bound = kept
        self.channels[node.out] = self.channels.of(result)
        self.alias(node.out, result)

    # --- attributes
    def attribute(self, key: str, module: Tree) -> None:
        self.attributes.append(key)
        self.body.append(py.assign(f"self.{key}", module))

    def run_attribute(self, key: str, out: ir.Value, args: Sequence[ir.Operand], kind: str = "Tensor") -> None:
        called = lambda *trees: py.call(f"self.{key}", *trees)  # noqa: E731
        self.statements.append(Step(out, self.resolved(args), called, attribute=key, kind=kind))

    def decided(self, node: ir.If) -> bool | None:
        """A condition's value: if it never differs, or depends on one around it."""
        slot = node.id, "condition"
        never = self.numbers.decided(slot)
        return never if never is not None else self.numbers.truth(self.numbers.shown(node.condition, slot))


def count_consumers(function: ir.Function) -> Counter[ir.Value]:
    """How often each tensor is read."""
    found: Counter[ir.Value] = Counter()

    def add(operand: ir.Operand | None) -> None:
        if isinstance(operand, ir.Tap):
            found.update(tapped(operand))
        var = base(operand) if operand is not None else None
        if var is not None:
            found[var] += 1

    def visit(region: ir.Region) -> None:
        for node in region.nodes:
            for operand in node.operands():
                add(operand)
            for inner in node.regions():
                visit(inner)
                add(inner.result)

    for region in (function.region, *(auxiliary.region for auxiliary in function.training.values())):
        visit(region)
        add(region.result)
    for operand in function.outputs.values():
        add(operand)
    return found
