"""Function -> class: what `__init__` makes and what `forward` does, by the facts of the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, TypeAlias

from archdsl.analysis.noting import ENTERS, IMAGE, is_image, size_word
from archdsl.backends.torch import scope
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.channels import Channels
from archdsl.backends.torch.classifier import Classifier, chosen_pool, exchangeable, read_by, width_of
from archdsl.backends.torch.conditions import test_of, write_condition
from archdsl.backends.torch.faults import placed, printable
from archdsl.backends.torch.forward import Carried, ForwardPrinter, Statement, Step, Walked, base, operands_of
from archdsl.backends.torch.joins import write_conditional_join
from archdsl.backends.torch.loops import LoopWriter
from archdsl.backends.torch.norms import CONSTANTS, KIND, SharedNorm
from archdsl.backends.torch.numbers import LOOPED, UNKNOWN, Numbers, divisibility
from archdsl.backends.torch.order import Order
from archdsl.backends.torch.own import write_own
from archdsl.backends.torch.parse import CHANNELS, LAST, parsed, printed
from archdsl.backends.torch.pieces import (
    Piece,
    aimed,
    appended,
    container,
    joined_pieces,
    module_call,
    text,
    value_tree,
)
from archdsl.backends.torch.prelude import refuse_unknown
from archdsl.backends.torch.repeated import repeated, with_variables
from archdsl.backends.torch.sizes import Size, Sizes, named_size
from archdsl.backends.torch.spelling import one_line
from archdsl.backends.torch.syntax import NONE, Tree
from archdsl.backends.torch.taps import tapped
from archdsl.diagnostics.faults import SpecError, at, fault
from archdsl.expr.evaluate import evaluate
from archdsl.expr.fold import filled_in, negated, substitute
from archdsl.expr.nodes import (
    Call,
    Compare,
    Constant,
    Expr,
    IfElse,
    Index,
    ListOf,
    Lit,
    Logic,
    Name,
    Unary,
    is_long,
    names,
    wrap,
)
from archdsl.expr.simplify import simplify
from archdsl.ir import program as ir
from archdsl.ir.facts import Origin
from archdsl.lowering.vocabulary import GENERIC, INPUT
from archdsl.ops.base import Field, Module, Site, is_lit
from archdsl.support.naming import unique
from archdsl.syntax.identifiers import MEASURES

Spread: TypeAlias = Callable[[Tree], Tree]  # how the items of a list stand among other tensors
MOST_TERMS = 4  # of a list that are added one by one


@dataclass
class Argument:
    """A constructor parameter of a class."""

    name: str
    type: str
    default: Tree | None = None


@dataclass
class Flag:
    """What an attribute keeps for `forward`, if it still is that, and on which sides of conditions it is made."""

    value: Expr | None
    sides: tuple[object, ...]


@dataclass
class ClassSource:
    """A class, ready to print."""

    name: str
    base: str
    arguments: list[Argument]
    derived: list[str]  # those that follow from others
    init: list[py.Statement]
    inputs: list[str]
    lists: list[str]  # those that are several tensors
    further: list[str]  # the tensors beside the one that enters, as the spec calls them
    optional: list[str]
    training: list[str]  # what it gives beside its outputs in training
    result: str  # the type of what a block gives
    forward: list[py.Statement]
    features: list[py.Statement] = field(default_factory=list)  # of a classifier: `forward_features`,
    reset: list[py.Statement] = field(default_factory=list)  # and `reset_classifier`
    classes: str = ""  # with its param
    detect: list[py.Statement] = field(default_factory=list)  # of a detector: `detect`
    doc: str = ""
    modules: dict[str, set[str]] = field(default_factory=dict)  # op name -> torch classes
    weighted: dict[str, set[str]] = field(default_factory=dict)  # those of them whose weights are their own
    biased: dict[str, set[bool]] = field(default_factory=dict)  # op name -> whether its modules have a bias
    learned: dict[str, set[bool]] = field(default_factory=dict)  # op name -> whether its norms have a scale
    named_init: list[tuple[ir.NamedInit, Expr]] = field(default_factory=list)  # under which conditions, to print


def is_there(path: Sequence[ir.Operation], function: ir.Function) -> bool:
    """Whether a pass has left the operations that lead to a module."""
    inside = function.walk()
    for node in path:
        if node not in inside:
            return False
        inside = node.block.walk() if isinstance(node, ir.Call) else (n for r in node.regions() for n in r.walk())
    return True


def defaults_that_stay(function: ir.Function, given: set[str]) -> dict[str, Expr]:
    """Params whose default reads earlier ones and that no call gives: no arguments, but what their default says."""
    defaults = {name: param.default for name, param in function.params.items() if name not in given}
    return {name: expr for name, expr in defaults.items() if expr is not None and any(True for _ in names(expr))}


def rereads(node: ir.Primitive) -> bool:
    """Whether a formula mentions one of its tensors more than once: what makes that one must not stand there twice."""
    formulas = [node.fields[item.name] for item in node.op.fields if item.kind == "formula"]
    read = [name.id for expr in formulas for name in names(expr) if is_tensor_name(name.id)]
    return len(set(read)) < len(read)


class Writer:
    """Writes the class of one function."""

    def __init__(
        self,
        origin: Origin,
        symbolic: frozenset[str],
        rates: frozenset[str],
        done: Mapping[int, ClassSource],
        function: ir.Function,
        name: str,
        given: set[str],
        prelude: Mapping[str, str],
        doubles: Mapping[str, Expr],
    ) -> None:
        self.prelude = prelude  # its definitions that have another name in this file
        self.name = name  # of the class: the block's, unless another file has a block of that name
        self.origin, self.symbolic, self.done, self.function = origin, symbolic, done, function
        self.outermost = function is origin.function
        self.size = size_word(function.params)
        self.rates = rates  # the symbolic params of soft fields alone
        slots: dict[str, Any] = {
            name: (function.id, name)
            for name in (*function.params, *function.implicit, *function.let, *function.optional)
        }
        self.image = IMAGE in symbolic and is_image(origin)  # the channels of the image are an argument
        if self.outermost and self.image:
            slots[IMAGE] = (function.id, IMAGE)
        if self.outermost and (function.id, self.size) in origin.facts.seen:
            slots[self.size] = (function.id, self.size)
        if not self.outermost:
            slots |= {f"c_{name}": (function.id, f"c_{name}") for name in function.inputs}
            slots |= {name: (function.id, name) for name in MEASURES}
            slots |= defaults_that_stay(function, given)
        slots |= doubles
        self.numbers = Numbers(
            origin.facts.seen,
            symbolic,
            slots,
            facts=divisibility(function.require),
            lets={(function.id, name): expr for name, expr in function.let.items()},
            fixed=frozenset([*function.params, *function.implicit, *function.let, *self.entering_names()]),
        )
        self.callee_channels: Mapping[int, Expr] = {}
        self.callee_sizes: dict[int, Size | None] = {}
        self.sizes = Sizes(
            origin.facts,
            self.numbers,
            function,
            self.size_entering(),
            self.channels_of,
            self.given_to,
            self.callee_sizes,
        )
        self.tensors = scope.Tensors()
        self.channels = Channels(origin, self.numbers, function, self.sizes, self.tensors)
        self.body: list[py.Statement] = []  # of the constructor, or of the side of a condition in it
        self.statements: list[Statement] = []
        self.modules: dict[str, set[str]] = {}
        self.weighted: dict[str, set[str]] = {}
        self.biased: dict[str, set[bool]] = {}
        self.learned: dict[str, set[bool]] = {}
        self.attributes: list[str] = []
        self.keys = {node.key for node in function.walk() if node.key is not None}  # the attributes that there may be
        self.read_by_words: dict[tuple[int, str], set[tuple[int, str]]] = {}  # what the words of a field read
        self.flags: dict[str, Flag] = {}
        self.mutated: set[str] = set()
        self.stores: dict[ir.Operation, str] = {}
        self.aliases: dict[ir.Value, ir.Operand] = {}
        self.absent: set[ir.Operand] = set()
        self.packed: dict[ir.Value, tuple[ir.Operand, ...]] = {}  # the tensors of lists that are written out
        self.lazy: set[ir.Operand] = set()  # lists that are iterators
        # lists that tracing cannot walk; one that turns of a loop carry is Python's
        self.made_by_torch = {var for name, var in function.inputs.items() if var.many and name != INPUT}
        self.fresh: set[ir.Value] = set()  # tensors whose memory a step of this class makes
        self.words = scope.in_constructor(function)
        self.variables: set[str] = set()  # of its loops: the channels that move
        self.hidden = scope.hidden(name)  # in `forward`
        self.name_inputs()
        self.spoken = scope.in_forward(function, name, self.tensors)
        self.consumers = count_consumers(function)
        self.order = Order(function)
        self.result_type = "Tensor"
        self.classifier: Classifier | None = None
        self.last_block: Tree | None = None  # that of a classifier, if a block gives the scores
        self.choices: dict[str, str] = {}  # arguments by which ops are chosen, with the words for those of the spec
        self.width: Expr | None = None  # the channels that a classifier's last layer reads
        self.in_training: Expr = Name("self.training")  # when the auxiliary heads run
        self.norm: SharedNorm | None = None  # that of the whole network,
        self.norm_used = False  # and whether this class makes one
        self.head: int | None = None  # the first statement of a classifier's head
        self.sides: tuple[object, ...] = ()  # of the conditions around
        self.indices: tuple[str, ...] = ()  # the variables that count the turns of the loops around
        self.counting = False  # whether the loops that are written count the turns of the table around
        self.container_depth = self.wrap_depth = 0

    def entering_names(self) -> list[str]:
        """The arguments that say what enters a block; in a network `c_in` is a variable."""
        return [] if self.outermost else [*MEASURES, *(f"c_{name}" for name in self.function.inputs)]

    # --- widths that have variables
    def repeated_widths(self) -> dict[Expr, str]:
        """The widths that the constructor prints repeatedly, each with a word for it: that of the step they leave."""
        lasting = (width for width in self.channels.entered if self.numbers.lasting(width))
        found: dict[Expr, str] = {}
        for width in repeated(lasting, self.body):
            kept = tuple(name for name, flag in self.flags.items() if flag.value == width)
            found[width] = self.words.word(*(kept or self.width_words(width)))
        return found

    def width_words(self, width: Expr) -> tuple[str, ...]:
        """What channels are called: `stem_out` where they leave the stem, `stem_width` where they do inside of it."""
        for node in steps_of(self.function.region):
            inside = [inner for region in node.regions() for inner in region.walk()]
            keys = [node.stage, node.key, *(inner.key for inner in inside if isinstance(node, ir.If))]
            word = next(filter(None, keys), None)
            if word is not None and self.leaves(node, width):
                return f"{word}_out", f"{word}_width"
            if word is not None and any(self.leaves(inner, width) for inner in inside):
                return (f"{word}_width",)
        return ("width",)

    def leaves(self, node: ir.Operation, width: Expr) -> bool:
        """Whether these channels leave a node."""
        known = self.channels.known.get(node.out)
        if known is None or any(name.id in (UNKNOWN, LOOPED) for name in names(known)):
            return False
        return self.numbers.shown(known) == width

    # --- the class
    def write(self) -> ClassSource:
        function = self.function
        for name, var in function.inputs.items():
            word = f"c_{name}" if name != INPUT else "c_in"
            self.channels[var] = self.channels_of_list(name, word) if var.many else Name(word)
        if self.outermost:
            self.bind_network_inputs()
        result = self.region(function.region)
        inputs = [var for name, var in function.inputs.items() if self.is_given(name)]
        auxiliaries = self.auxiliaries()
        features = self.print_features(inputs, result)
        forward, plain = self.print_forward(inputs, result, auxiliaries)
        self.result_channels = self.channels.of(result)
        named_init = self.named_init()
        norm = [self.norm.statement(self.numbers)] if self.hands_norm and self.outermost and self.norm else []
        lets = [*self.lets(), *norm]
        derived = self.derived()
        arguments = self.arguments(derived)
        init = [*derived.values(), *lets, *with_variables(self.body, self.repeated_widths())]
        return ClassSource(
            name=self.name,
            base="nn.Sequential" if plain else "nn.Module",
            arguments=arguments,
            derived=list(derived),
            init=init,
            inputs=[self.tensors.word(var) for var in inputs],
            lists=[self.tensors.word(var) for var in inputs if var.many],
            further=[name for name in function.inputs if name != INPUT and self.is_given(name)],
            training=list(auxiliaries),
            result=self.result_type,
            optional=[self.tensors.word(function.inputs[n]) for n in self.undecided()],
            forward=[] if plain else forward,
            features=features,
            classes=self.classifier.param if self.classifier is not None else "",
            doc=function.doc,
            modules=self.modules,
            weighted=self.weighted,
            biased=self.biased,
            named_init=named_init,
            learned=self.learned,
        )

    def named_init(self) -> list[tuple[ir.NamedInit, Expr]]:
        """The modules here, and inside of them, that have rules of their own, each with what its module is asked."""
        found = []
        for init in self.function.named_init:
            alike = (n for n in self.function.walk() if isinstance(n, ir.If) and n.condition == init.condition)
            node = next(alike, None)
            shown = self.numbers.shown(init.condition, (node.id, "condition") if node is not None else None)
            if not isinstance(shown, Lit) and not self.outermost:
                own = None if node is not None else Name(f"self.{self.condition_flag('own_init', shown)}")
                asked = own if node is None else test_of(self, node, shown)
                shown = py.as_number(py.renamed(asked or shown, "self", "m"))
            if shown != Lit(False) and is_there(init.path, self.function):
                found.append((init, shown))
        return found

    def channels_of(self, operand: ir.Operand) -> Expr:
        return self.channels.of(operand)

    @property
    def hands_norm(self) -> bool:
        """Whether the constructor has the norm of the network, made of params."""
        return self.norm_used and self.norm is not None and self.norm.handed

    def channels_of_list(self, name: str, word: str) -> Expr:
        """The channels of an input that is a list: once if they are alike, else of each."""
        seen = self.origin.facts.seen[self.function.id, f"c_{name}"]
        if not isinstance(seen.value, list):
            return Name(word)
        return ListOf(tuple(Index(Name(f"c_{name}"), Lit(n)) for n in range(len(seen.value))))

    def name_inputs(self) -> None:
        """The arguments of `forward`, each with a name of its own."""
        taken = set(self.hidden)
        for var in self.function.inputs.values():
            self.tensors.called[var] = unique(var.name, taken)
            taken.add(self.tensors.word(var))

    def rename(self, operand: ir.Operand | None, name: str) -> None:
        """Another word for a tensor that has none of its own; an argument keeps its name."""
        known = isinstance(operand, ir.Value) and operand in self.function.inputs.values()
        if isinstance(operand, ir.Value) and self.tensors.word(operand) in GENERIC and not known:
            self.tensors.called[operand] = name

    def bind_network_inputs(self) -> None:
        for name, var in zip(self.origin.spec.inputs, self.function.inputs.values(), strict=True):
            self.channels[var] = Name(IMAGE) if self.image else self.channels_of_input(name, var)
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

    def derived(self) -> dict[str, py.Statement]:
        """The statements that make the network's params which follow from others, unless they are given."""
        params, numbers, found = self.function.params, self.numbers, {}
        fixed = {self.classifier.param} if self.classifier is not None else set()
        for name in reversed(params if self.outermost else {}):
            expr, seen = params[name].default, numbers.seen.get((self.function.id, name))
            if expr is None or seen is None or name in fixed or (self.function.id, name) not in numbers.used:
                continue
            values = {n: numbers.seen[self.function.id, n].value for n in params}
            if isinstance(seen.value, list) or evaluate(expr, values) != seen.value:
                continue
            shown = simplify(numbers.close(expr), numbers.facts)
            if numbers.open_names(shown):
                found[name] = py.If(Compare("is", Name(name), NONE), [py.assign(name, shown)])
        return dict(reversed(found.items()))

    def arguments(self, derived: Iterable[str]) -> list[Argument]:
        function, owner = self.function, self.function.id
        further = [n for n in function.inputs if n != INPUT]
        order = [
            "c_in",
            "h_in",
            "w_in",
            *(f"c_{n}" for n, var in function.inputs.items() if n != INPUT or var.many),
            *sorted(function.optional, key=further.index),
            *sorted([*function.params, *([IMAGE] if self.outermost else [])], key=self.is_first, reverse=True),
            *function.implicit,
            *([self.size] if self.outermost else []),
        ]
        found = []
        for name in dict.fromkeys(order):  # the channels of a tensor from outside may be asked for by themselves too
            if (owner, name) not in self.numbers.used:
                continue
            seen = self.origin.facts.seen[owner, name].value
            if name in derived:
                found.append(Argument(name, f"{self.type_of((owner, name))} | None", NONE))
            elif self.outermost and isinstance(seen, list):
                found.append(Argument(name, self.type_of((owner, name)), value_tree(seen)))
            else:
                found.append(Argument(name, self.type_of((owner, name)), self.default_of(name)))
        if self.hands_norm and self.norm is not None and not self.outermost:
            found.append(Argument(self.norm.word, KIND))
        found += [Argument(name, "str", Lit(word)) for name, word in self.choices.items()]
        return sorted(found, key=lambda a: (a.default is not None, a.type == "bool" and not self.outermost))

    def is_first(self, name: str) -> int:
        """How far in front an argument of a classifier stands: its classes, then the channels of its images."""
        return 0 if self.classifier is None else 2 if name == self.classifier.param else name == IMAGE

    def default_of(self, name: str) -> Expr | None:
        if self.outermost:
            seen = self.origin.facts.seen.get((self.function.id, name))
            value = seen.value if seen else None
            value = float(value) if name in self.rates and isinstance(value, int) else value
            return wrap(value) if name in (*self.function.params, IMAGE, self.size) else None
        param = self.function.params.get(name)
        if param is None or param.default is None or any(True for _ in names(param.default)):
            return None
        kinds = self.origin.facts.seen[self.function.id, name].kinds
        if isinstance(param.default, Lit) and isinstance(param.default.value, str) and "str" not in kinds:
            return None  # a word that no call takes: the argument is a number in this network
        return param.default

    def type_of(self, slot: tuple[int, str]) -> str:
        seen = self.origin.facts.seen[slot]
        if seen.deps and seen.deps <= self.rates:
            return "float"
        found = sorted(seen.kinds)
        if "float" in found and "int" in found:
            found.remove("int")
        if len(found) > 1 and all(kind.startswith("tuple[") for kind in found):
            inner = dict.fromkeys(item for kind in found for item in split_types(kind))
            return f"tuple[{' | '.join(inner)}, ...]"
        return " | ".join(found)

    def lets(self) -> list[py.Statement]:
        """Lets that are printed by name, those they need in front."""
        found: list[py.Statement] = []
        for name, expr in reversed(list(self.function.let.items())):
            if (self.function.id, name) in self.numbers.used:
                found.append(py.assign(name, simplify(self.numbers.close(expr), self.numbers.facts)))
        return found[::-1]

    # --- forward
    def auxiliaries(self) -> dict[str, tuple[list[Statement], ir.Operand]]:
        """The stages of training alone that this network has, or may have."""
        slots = {name: (auxiliary.id, "condition") for name, auxiliary in self.function.training.items()}
        known = {name: self.numbers.decided(slot) for name, slot in slots.items()}
        wanted = {name: auxiliary for name, auxiliary in self.function.training.items() if known[name] is not False}
        shown = {self.numbers.shown(a.condition, slots[name]) for name, a in wanted.items() if known[name] is None}
        if len(shown) > 1 or (shown and any(known.values())):
            message = "some of the auxiliary heads exist where others do not"
            raise fault("cannot-print", message, self.function.span, help="give them the same when:")
        if not shown:
            return {name: self.auxiliary(auxiliary) for name, auxiliary in wanted.items()}
        (condition,) = shown
        flag = self.condition_flag("auxiliary", condition)
        self.in_training = Logic("and", (Name("self.training"), Name(f"self.{flag}")))
        with self.numbers.given(condition, True), self.on_one_side() as body:
            found = {name: self.auxiliary(auxiliary) for name, auxiliary in wanted.items()}
        self.body.append(py.If(condition, body))
        return found

    @contextmanager
    def on_one_side(self) -> Iterator[list[py.Statement]]:
        """What is made meanwhile is made under a condition."""
        outer = self.sides, self.body
        self.sides, self.body = (*self.sides, object()), []
        yield self.body
        self.sides, self.body = outer

    def auxiliary(self, auxiliary: ir.Auxiliary) -> tuple[list[Statement], ir.Operand]:
        outer, self.statements = self.statements, []
        result = self.region(auxiliary.region)
        for statement in self.statements:
            if isinstance(statement, Step):
                statement.alone = False
        made, self.statements = self.statements, outer
        return made, self.resolve(result)

    def print_forward(
        self,
        inputs: Sequence[ir.Value],
        result: ir.Operand,
        auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]],
    ) -> tuple[list[py.Statement], bool]:
        """The statements of `forward`, and whether the class is a plain chain that needs none."""
        if self.is_sequential(inputs, result):
            return [], True
        if self.function.gives_several and not self.function.outputs:
            return self.print_several(inputs, result), False
        printer = self.printer(inputs)
        outputs = self.function.outputs
        results = [self.resolve(o) for o in (outputs.values() if outputs else [result])]
        for name, output in zip(outputs, results, strict=False):
            self.rename(output, name)
        several, more = scope.results_of(self.name)
        printer.when_training = self.in_training
        shape = (lambda trees: py.call(several, *trees)) if outputs else None
        return printer.run(self.statements, results, shape, more if outputs else several, auxiliaries), False

    def print_several(self, inputs: Sequence[ir.Value], result: ir.Operand) -> list[py.Statement]:
        """The body of `forward` of a block that gives several tensors: a tuple if each has a name, else a list."""
        given = self.resolve(result)
        assert isinstance(given, ir.Value)
        tensors = self.tensors_given(given)
        if tensors is not None:
            self.result_type = f"tuple[{', '.join(['Tensor'] * len(tensors))}]"
            return self.printer(inputs).run(self.statements, tensors, py.side_by_side, "", {})
        self.result_type = "list[Tensor]"
        listed = self.as_list(given, self.statements)
        made = next((step for step in self.statements if step.out is listed), None)
        if isinstance(made, Step) and listed is given and self.consumers[given] == 1:
            made.made = listing(made.made)
        elif listed is given:
            listed = ir.Value("parts", many=True)
            self.statements.append(Step(listed, (given,), listing(lambda tree: tree)))
        return self.printer(inputs).run(self.statements, [listed], None, "", {})

    def tensors_given(self, given: ir.Value) -> Sequence[ir.Operand] | None:
        """The tensors of a list that is given back, where each is one of `fork` or has a name."""
        if given.parts:
            return given.items
        items = self.items_of(given)
        if items != (given,):
            return items
        if not self.is_spelt_here(given):
            return None
        self.statements = [made for made in self.statements if made.out is not given]
        return self.packed[given]

    def print_features(self, inputs: Sequence[ir.Value], result: ir.Operand) -> list[py.Statement]:
        """The body of `forward_features`, of a classifier whose head reads one tensor; its steps leave `forward`."""
        if self.head is None or not self.outermost:
            return []
        trunk, head = self.statements[: self.head], self.statements[self.head :]
        read = [*(o for statement in head for o in operands_of(statement)), self.resolve(result)]
        made = {statement.out for statement in head}
        entering = {o for o in read if not isinstance(o, ir.Value) or o not in made}
        if len(entering) != 1 or not trunk or entering != {trunk[-1].out}:
            return []
        (features,) = (trunk[-1].out,)
        printer = self.printer(inputs)
        body = printer.run(trunk, [features], None, "", {})
        call = Step(features, (inputs[0],), lambda image: py.call("self.forward_features", image), alone=True)
        self.statements = [call, *head]
        return body

    def printer(self, inputs: Sequence[ir.Value]) -> ForwardPrinter:
        kept = {
            self.tensors.word(self.function.inputs[name]) for name in self.undecided()
        }  # their conditions read them anywhere
        hidden = {*self.hidden, *self.spoken.own.values(), *kept}
        index = lambda item: self.in_forward(item.index, "index")  # noqa: E731
        given = scope.given(self.function)
        return ForwardPrinter(inputs, index, self.tapped, hidden, given, self.spoken, self.tensors)

    def is_sequential(self, inputs: Sequence[ir.Value], result: ir.Operand) -> bool:
        current: ir.Operand = inputs[0]
        result, chain = self.resolve(result), []
        for statement in self.statements:
            if not isinstance(statement, Step) or statement.attribute is None or statement.args != (current,):
                return False
            chain.append(statement.attribute)
            current = statement.out
        ordered = chain == self.attributes and len(set(chain)) == len(chain)
        return (
            bool(chain)
            and ordered
            and current is result
            and len(inputs) == 1
            and not self.function.outputs
            and not self.function.network
        )

    def tapped(self, tap: ir.Tap) -> Tree:
        return py.Subscript(Name(self.stores[tap.container]), (Lit(".".join(tap.keys)),))

    def in_forward(self, expr: Expr, word: str, slot: tuple[int, str] | None = None) -> Expr:
        """An expression of `__init__` as it can be read in `forward`: a literal or an attribute."""
        shown = self.numbers.shown(expr, slot)
        if not self.numbers.open_names(shown):
            return shown
        name = self.flag(word, shown)
        return Name(f"self.{name}")

    def condition_flag(self, word: str, expr: Expr) -> str:
        """An attribute that keeps a condition under which there is a module of that name."""
        return self.flag(f"has_{word}" if word in self.keys else word, expr)

    def flag(self, word: str, expr: Expr) -> str:
        """An attribute that keeps a number or a condition for `forward`."""
        for name, known in self.flags.items():
            if known.value == expr and self.sides[: len(known.sides)] == known.sides:
                return name
        if isinstance(expr, Name) and expr.id.isidentifier() and expr.id not in self.variables:
            word = f"has_{expr.id}" if expr.id in self.keys and self.is_truth(expr.id) else expr.id
        name = scope.attribute(word, {*self.flags, *self.keys})
        self.flags[name] = Flag(expr, self.sides)
        self.body.append(py.assign(f"self.{name}", expr))
        return name

    def is_truth(self, name: str) -> bool:
        """Whether a name of the constructor is a truth value."""
        slot = self.numbers.bound.get(name)
        return isinstance(slot, tuple) and slot in self.numbers.seen and self.numbers.seen[slot].kinds == {"bool"}

    def forget(self, variable: str) -> None:
        """What attributes keep of a variable is no longer what it says."""
        for known in self.flags.values():
            if known.value is not None and py.reads(known.value, variable):
                known.value = None

    # --- regions
    def region(self, region: ir.Region) -> ir.Operand:
        for node in region.nodes:
            if self.classifier is not None and node.stage == self.classifier.head and self.outermost:
                self.head = len(self.statements)
            if node.stage is not None and node.operands():
                self.numbers.bound["c_in"] = self.entering(node.operands()[0])
            before = set(self.channels.known)
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
                    self.functional(node)
            case ir.Primitive() | ir.Call():
                self.attribute(str(node.key), self.module(node))
                if isinstance(node, ir.Call) and node.tensors:
                    self.run_call(node, node)
                else:
                    self.run_attribute(str(node.key), node.out, node.operands(), self.kind_of(node))
            case ir.Reuse():
                self.run_again(node)
            case ir.If():
                write_condition(self, node)
            case ir.Container():
                self.set_attribute(str(node.key), self.pieces(node), node.let, node)
                self.run_container(node)
            case ir.Loop():
                self.class_loop(node)
            case ir.Stage():
                self.channels[node.carry] = self.channels.of(node.entry)
                self.alias(node.carry, node.entry)
                self.open_stage(node)
            case ir.Pack():
                self.listed(node)

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

    def spelt(self, operands: tuple[ir.Operand, ...], *, alone: bool = False) -> tuple[ir.Operand, ...]:
        """Operands with the lists that torch makes as their items: torch.fx traces no walk through such a list.

        One that is the only operand is handed on whole, unless it is to be walked `alone` too.
        """
        if len(operands) == 1 and not alone:
            return operands
        return tuple(inner for operand in operands for inner in self.items_of(operand))

    def terms(self, node: ir.Primitive, operands: tuple[ir.Operand, ...]) -> tuple[ir.Operand, ...]:
        """What an op takes, lists spelt out; the few terms of a sum or product one by one."""
        if not node.op.pairwise:
            return self.spelt(operands)
        found = tuple(inner for operand in self.spelt(operands, alone=True) for inner in self.packed_in(operand))
        if len(found) > MOST_TERMS:
            return self.spelt(operands)
        spelt = [operand for operand in operands if self.is_spelt_here(operand)]
        self.statements = [made for made in self.statements if made.out not in spelt]
        return found

    def packed_in(self, operand: ir.Operand) -> tuple[ir.Operand, ...]:
        """The tensors of a list of `fork`: themselves where nothing else reads it, else by their places in it."""
        items = self.packed.get(operand) if isinstance(operand, ir.Value) else None
        if items is None or not isinstance(operand, ir.Value):
            return (operand,)
        return items if self.is_spelt_here(operand) else tuple(ir.Item(operand, Lit(n)) for n in range(len(items)))

    def is_spelt_here(self, operand: ir.Operand) -> bool:
        """Whether a list is made among the statements at hand, for one reader alone."""
        if not isinstance(operand, ir.Value) or operand not in self.packed or self.consumers[operand] != 1:
            return False
        return any(made.out is operand for made in self.statements)

    def items_of(self, operand: ir.Operand) -> tuple[ir.Operand, ...]:
        """The items of a list that torch makes, if their number is known; any other operand as it is."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return (operand,)
        count = self.channels.count(operand)
        if not isinstance(count, Lit):
            return (operand,)
        return tuple(ir.Item(operand, Lit(index)) for index in range(int(count.value or 0)))

    def is_counted(self, operand: ir.Operand) -> bool:
        """Whether it is a list that torch makes, of a number of tensors that differs between calls."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return False
        return not isinstance(self.channels.count(operand), Lit)

    def spread(self, operand: ir.Operand) -> Spread | None:
        """How the items of a list stand among other tensors; None of a single tensor."""
        if not isinstance(operand, ir.Value) or not (operand.many or self.tensors.may_lack(operand)):
            return None
        if not self.is_counted(operand):
            return py.Starred
        count = Call("range", (self.in_forward(self.channels.count(operand), "parts"),))
        index = Name("i")
        return lambda tree: py.Starred(py.Bracketed(py.Comprehension(py.Subscript(tree, (index,)), index, count)))

    def as_list(self, operand: ir.Operand, statements: list[Statement]) -> ir.Operand:
        """A list that torch makes as one of Python's, which `extend` can take."""
        if not isinstance(operand, ir.Value) or operand not in self.made_by_torch:
            return operand
        items, made = self.items_of(operand), ir.Value("parts", many=True)
        spread = [self.spread(item) for item in items]
        statements.append(Step(made, items, lambda *trees: in_brackets(spread_out(trees, spread)), named=True))
        return made

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

    # --- modules
    def site(self, node: ir.Primitive) -> Site:
        seen = self.origin.facts.seen
        fields = {}
        shared = self.norm is not None and node.id in self.norm.nodes
        for item in node.op.fields:
            if shared and item.name in CONSTANTS:
                fields[item.name] = wrap(item.default)
            elif item.name in node.fields and item.kind != "formula":
                fields[item.name] = self.field(node, item)
        fields |= {n: self.numbers.shown(e, (node.id, n)) for n, e in node.fields.items() if node.op.field(n) is None}
        fields |= dict.fromkeys(node.tensors, Lit(True))
        rank = self.origin.facts.ranks.get(node.id, 2)
        size = seen.get((node.id, ENTERS))
        fixed = size is not None and not size.varies and not size.deps & self.numbers.symbolic
        bound = tuple(size.value) if size is not None and fixed else None
        width = LAST if size is not None and rank else CHANNELS
        spread = node.op.spreads and self.channels.is_spread(node)
        return Site(SimpleNamespace(**fields), CHANNELS, rank, bound, self.may_overwrite(node), not spread, width)

    def field(self, node: ir.Primitive, item: Field) -> Expr:
        """A field, to print. Words and lists choose what is printed: they cannot come and go between calls."""
        worded = self.chooses(node, item.name)
        before = set(self.numbers.used) if worded else set()
        shown = self.numbers.shown(node.fields[item.name], (node.id, item.name))
        if worded:  # read only where the words make a difference
            self.read_by_words[node.id, item.name] = self.numbers.used - before
            self.numbers.used -= self.read_by_words[node.id, item.name]
        seen = self.origin.facts.seen.get((node.id, item.name))
        if seen is None or isinstance(shown, (Lit, ListOf)):
            return shown
        mixed = is_mixed(seen.kinds)
        if mixed and node.functional:
            raise self.of_another_kind(node, item.name)
        if not mixed and isinstance(seen.value, list) and node.functional is False:
            return items_of_list(shown, len(seen.value))
        return shown

    @staticmethod
    def of_another_kind(node: ir.Primitive, field: str) -> SpecError:
        message = f"the {field} of '{node.op.name}' is of another kind in another call: that takes two blocks"
        return fault("cannot-print", message, node.field_spans.get(field, node.span))

    def module_of_kinds(self, node: ir.Primitive, site: Site, mixed: Sequence[str]) -> Module:
        """The module of an op whose `mixed` fields are numbers in some calls and lists in others.

        What is computed from one of them is computed for each kind, under the condition that tells them apart.
        """
        if not mixed:
            with at(node.span):
                found = node.op.module(site)
                refuse_unknown(node.op, found.cls)
                return found
        name, *rest = mixed
        value = getattr(site.f, name)

        def made(of: Expr, fields: Sequence[str]) -> Module:
            return self.module_of_kinds(node, replace(site, f=SimpleNamespace(**{**vars(site.f), name: of})), fields)

        if isinstance(value, (Lit, ListOf)):
            return made(value, rest)
        if isinstance(value, IfElse):
            condition, sides = value.condition, [made(side, mixed) for side in (value.then, value.other)]
        else:
            condition = Call("isinstance", (value, Name("int")))
            sides = [made(kind, rest) for kind in (value, items_of_list(value, site.rank))]
        return self.either(node, name, condition, *sides)

    def either(self, node: ir.Primitive, field: str, condition: Expr, then: Module, other: Module) -> Module:
        """One module of two that differ in their arguments."""
        if then.cls != other.cls or len(then.args) != len(other.args) or then.kwargs.keys() != other.kwargs.keys():
            raise self.of_another_kind(node, field)
        args = tuple(one_of(condition, a, b) for a, b in zip(then.args, other.args, strict=True))
        kwargs = {
            name: (one_of(condition, value, other.kwargs[name][0]), default)
            for name, (value, default) in then.kwargs.items()
        }
        return Module(then.cls, args, kwargs)

    def mixed_fields(self, node: ir.Primitive) -> list[str]:
        """The fields that are numbers in some calls and lists in others."""
        seen = self.origin.facts.seen
        return [n for n in node.fields if (node.id, n) in seen and is_mixed(seen[node.id, n].kinds)]

    def may_overwrite(self, node: ir.Primitive) -> bool:
        """In place only on memory that a step of this class has just made, and that nothing else reads.

        Whatever may be another word for a tensor (a view, what a block or a container gives, an optional step, a join
        with one branch left) is no memory of its own.
        """
        operand = node.ins[0]
        alone = not node.reused  # what enters the module elsewhere may be read there
        return alone and isinstance(operand, ir.Value) and operand in self.fresh and self.consumers[operand] == 1

    def module(self, node: ir.Primitive | ir.Call) -> Tree:
        """The expression that makes the module of a node; its channels are noted."""
        with placed(node.span):
            return self.module_at(node)

    def module_at(self, node: ir.Primitive | ir.Call) -> Tree:
        if isinstance(node, ir.Call):
            made_block: Tree = self.block(node)
            if self.classifier is not None and node is self.classifier.layer:
                made_block = exchangeable(made_block, Name(self.classifier.param))
                self.last_block = self.remade(made_block, self.classifier.param)
            return made_block
        site = self.site(node)
        made = self.made_by_words(node, site, [name for name in node.fields if self.chooses(node, name)])
        self.channels[node.out] = self.channels.after(node)
        gone = self.classifier is not None and node is self.classifier.layer  # a classifier may be made without it:
        if node.op.makes_memory(site.f) and (self.fresh or not gone):  # then what enters must not be the image
            self.fresh.add(node.out)
        return self.exchanged(node, site, made)

    def made(self, node: ir.Primitive, site: Site) -> Tree:
        """The expression that makes an op's module; what the file then needs is noted."""
        mixed = self.mixed_fields(node)
        with printable(node):
            made = self.module_of_kinds(node, site, mixed)
        if py.reads(module_call(made), CHANNELS.id):  # only what is printed counts as used
            made = self.module_of_kinds(node, replace(site, c=self.channels.shown(node.ins[0])), mixed)
        if py.reads(module_call(made), LAST.id):
            made = self.module_of_kinds(node, replace(site, width=self.last_axis(node)), mixed)
        self.modules.setdefault(node.op.name, set()).add(made.cls)
        if not node.tensors:
            self.weighted.setdefault(node.op.name, set()).add(made.cls)
        self.biased.setdefault(node.op.name, set()).update(truths(made, "bias"))
        affine = next((word for word in ("affine", "elementwise_affine") if word in made.kwargs), "")
        self.learned.setdefault(node.op.name, set()).update(truths(made, affine))
        if self.norm is not None and node.id in self.norm.nodes:
            self.norm_used = True
            return module_call(made, Name(self.norm.word))
        return module_call(made, Name(self.prelude.get(made.cls, made.cls)))

    def last_axis(self, node: ir.Primitive) -> Expr:
        """The size of the last axis of what enters an op, to print."""
        size = self.sizes.of(node.ins[0])
        if size is None:
            message = "the last axis that enters differs between calls in a way that has no expression"
            raise fault("cannot-print", message, node.span)
        return self.numbers.shown(size[-1])

    def chooses(self, node: ir.Primitive, name: str) -> bool:
        """Whether the words (or truths) of a field choose which module is made, and they differ."""
        item, seen = node.op.field(name), self.numbers.seen.get((node.id, name))
        if item is None or seen is None or self.numbers.constant((node.id, name)) is not None:
            return False
        return item.chooses or (item.kind != "word" and bool(item.choices and seen.words))

    def made_by_words(self, node: ir.Primitive, site: Site, fields: Sequence[str]) -> Tree:
        """A module for each word that these fields may be: by the conditions of an expression, or by what a name is."""
        if not fields:
            return self.made(node, site)
        name, *rest = fields
        seen, read = self.numbers.seen[node.id, name], self.read_by_words[node.id, name]

        def made(word: Expr) -> Tree:
            return self.made_by_words(node, replace(site, f=SimpleNamespace(**{**vars(site.f), name: word})), rest)

        def either(then: Tree, condition: Expr, other: Tree) -> Tree:
            if then == other:
                return then
            self.numbers.used |= read
            return py.Conditional(then, condition, other)

        def by_value(value: Expr) -> Tree:
            if isinstance(value, IfElse):
                return either(by_value(value.then), value.condition, by_value(value.other))
            if isinstance(value, Lit):
                return made(value)
            if not seen.words:
                return either(made(Lit(True)), value, made(Lit(False)))
            words, numbers = list(seen.words), len(seen.kinds) > 1
            found = made(value) if numbers else made(Lit(words.pop()))
            for word in reversed(words):
                found = either(made(Lit(word)), Compare("==", value, Lit(word)), found)
            return found

        if len(seen.kinds) > 1:
            self.numbers.used |= read
        return by_value(getattr(site.f, name))

    def exchanged(self, node: ir.Primitive, site: Site, made: Tree) -> Tree:
        """A module; of a classifier the last layer and the last pooling are what its arguments say."""
        if self.classifier is not None and node is self.classifier.layer:
            self.width = self.kept_width(node)
            return exchangeable(made, getattr(site.f, width_of(node.op) or ""))
        if self.classifier is not None and node is self.classifier.pool:
            argument = self.words.word(node.op.chosen_by)
            self.choices[argument] = node.op.word_of_choice
            table, made = chosen_pool(node.op, site.rank, self.words.word("pools", "poolings"), argument)
            self.body.insert(0, table)
        return made

    def remade(self, block: Tree, param: str) -> Tree:
        """The call of a classifier's last block as `reset_classifier` can make it: params are kept as attributes."""
        kept = {*self.function.params, *([self.norm.word] if self.norm is not None and self.norm.handed else [])}
        for word in sorted(read_by(block) & kept - {param}):
            block = py.renamed(block, word, f"self.{self.flag(word, Name(word))}")
        return block

    def channels_given(self, node: ir.Call, name: str) -> Expr:
        """The channels of a further tensor of a call; of a list whose tensors are alike those of the first."""
        found, operand = self.channels.of(node.tensors[name]), node.tensors[name]
        seen = self.origin.facts.seen.get((node.block.id, f"c_{name}"))
        if not isinstance(operand, ir.Value) or not operand.many or seen is None:
            return self.channels.by_name(found)
        if any("tuple" in kind for kind in seen.kinds) and len(seen.kinds) > 1:
            message = f"the tensors of '{operand.name}' are alike in one call and not in another"
            raise fault("cannot-print", message, node.span, help="give all of them the same channels")
        if isinstance(found, ListOf) and not isinstance(seen.value, list):
            found = found.items[0]
        return self.channels.by_name(found)

    def kept_width(self, node: ir.Primitive) -> Expr | None:
        """The channels that the last layer reads as `reset_classifier` can read them."""
        channels = self.channels.shown(node.ins[0])
        others = [name for name in node.fields if name != width_of(node.op)]
        fixed = all(self.numbers.constant((node.id, name)) for name in others if (node.id, name) in self.numbers.seen)
        if not self.numbers.open_names(channels) or not (self.outermost and fixed):
            return channels if fixed and not self.numbers.open_names(channels) else None
        return Name(f"self.{self.flag('num_features', channels)}")

    def given_to(self, node: ir.Call) -> dict[str, Expr]:
        """What a call of a block gives, by the names of the block, but for heights and widths."""
        callee = node.block
        entering = self.channels.of(node.ins[0])
        if isinstance(entering, ListOf):
            given: dict[str, Expr] = {"c_in": self.channels.by_name(entering.items[0]), "c_input": entering}
        else:
            given = {"c_in": self.channels.by_name(entering)}
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
        callee, source = node.block, self.done[node.block.id]
        given = {**self.given_to(node), **self.sizes_given(node)}
        slots = {name: (node.id, name) for name in node.args} | (
            {"c_in": (node.ins[0].id, "c")} if isinstance(node.ins[0], ir.Value) else {}
        )
        items: list[Tree] = []
        named = False
        if self.norm is not None and any(argument.name == self.norm.word for argument in source.arguments):
            given[self.norm.word] = Name(self.norm.word)
            self.norm_used = True
        for argument in source.arguments:
            if argument.name not in given:
                raise fault(
                    "cannot-print", f"'{argument.name}' of {callee.name} differs between the turns of a loop", node.span
                )
            print_as = self.channels.printed if argument.name == "c_in" else self.numbers.shown
            shown = print_as(given[argument.name], slots.get(argument.name))
            named = named or argument.default is not None or says_nothing(argument.name, shown)
            if not named:
                items.append(shown)
            elif argument.default is None or text(shown) != one_line(argument.default):
                items.append(py.Keyword(argument.name, shown))
        inside = self.callee_channels[callee.id]
        known = {"c_input": given["c_in"], **given}
        found = substitute(inside, known)
        self.channels[node.out] = simplify(found) if not is_long(found) else Name(UNKNOWN, span=node.span)
        return py.call(source.name, *items)

    def sizes_given(self, node: ir.Call) -> dict[str, Expr]:
        """Height and width that enter a call: numbers where they never differ, else by those that enter this class."""
        seen, parts = (self.origin.facts.seen.get((node.id, word)) for word in ("size", "ratio"))
        if seen is not None and seen.value and not seen.varies and not seen.deps & self.numbers.symbolic:
            return {"h_in": Lit(seen.value[-2] if len(seen.value) > 1 else None), "w_in": Lit(seen.value[-1])}
        told = parts is not None and not parts.varies and not parts.deps & self.numbers.symbolic
        if parts is None or not told or not isinstance(parts.value, list):
            return named_size(self.sizes.of(node.ins[0]))
        pairs = zip(("h_in", "w_in"), self.entered(), parts.value, strict=True)
        return {name: own * times if part == 1 else own // part for name, own, (times, part) in pairs}

    def entered(self) -> Size:
        """Height and width of the tensor that enters this class, by their names."""
        if self.outermost:
            return tuple(Index(Name(self.size), Lit(axis)) for axis in (0, 1))
        return Name("h_in"), Name("w_in")

    def size_entering(self) -> Size | None:
        """Height and width that enter, if it is a map in every call; the length, if it is a sequence in every call."""
        seen = self.origin.facts.seen
        if self.outermost:
            image = seen.get((self.function.id, self.size))
            return self.entered() if image is not None and len(image.value) == 2 else None
        height, width = (seen[self.function.id, name].kinds for name in ("h_in", "w_in"))
        if width != {"int"} or len(height) > 1:
            return None
        return self.entered() if height == {"int"} else (Name("w_in"),)

    # --- attributes
    def attribute(self, key: str, module: Tree) -> None:
        self.attributes.append(key)
        self.body.append(py.assign(f"self.{key}", module))

    def run_attribute(self, key: str, out: ir.Value, args: Sequence[ir.Operand], kind: str = "Tensor") -> None:
        called = lambda *trees: py.call(f"self.{key}", *trees)  # noqa: E731
        self.statements.append(Step(out, self.resolved(args), called, attribute=key, kind=kind))

    def run_again(self, node: ir.Reuse) -> None:
        """The module of an earlier step on other tensors."""
        module = node.module
        self.channels[node.out] = self.channels.again(node)
        if isinstance(module, ir.Call) and node.tensors:
            self.run_call(node, module)
            return
        if module.out in self.fresh:
            self.fresh.add(node.out)
        self.run_attribute(str(module.key), node.out, node.operands(), self.kind_of(module))

    def run_call(self, node: ir.Call | ir.Reuse, module: ir.Call) -> None:
        """A block on several tensors; one that is left out in front of another is None."""
        taken = self.done[module.block.id].further
        places = [place for place, name in enumerate(taken) if name in node.tensors]
        names_ = taken[: places[-1] + 1] if places else []

        def print_call(entry: Tree, *further: Tree) -> Tree:
            given = dict(zip(node.tensors, further, strict=True))
            return py.call(f"self.{module.key}", entry, *(given.get(name, NONE) for name in names_))

        self.statements.append(Step(node.out, self.resolved(node.operands()), print_call, kind=self.kind_of(module)))

    def kind_of(self, node: ir.Operation) -> str:
        """The type of what an attribute gives."""
        return self.done[node.block.id].result if isinstance(node, ir.Call) else "Tensor"

    def functional(self, node: ir.Primitive) -> None:
        """An op that is an expression in `forward`."""
        if chosen := [name for name in node.fields if self.chooses(node, name)]:
            raise self.of_another_kind(node, chosen[0])
        site = self.site(node)
        for item in node.op.fields:
            if item.kind == "formula":
                expr = node.fields[item.name]
                inner = {
                    n.id: self.in_forward(n, n.id, (node.id, f"{item.name}.{n.id}"))
                    for n in names(expr)
                    if not is_tensor_name(n.id)
                }
                setattr(site.f, item.name, filled_in(expr, inner))
        for name, value in vars(site.f).items():
            if (
                name in node.fields
                and isinstance(value, Expr)
                and self.numbers.open_names(value)
                and not self.is_formula(node, name)
            ):
                shown = self.in_forward(node.fields[name], name, (node.id, name))
                seen = self.origin.facts.seen[(node.id, name)].value
                if isinstance(seen, list):
                    shown = ListOf(tuple(Index(shown, Lit(n)) for n in range(len(seen))))
                setattr(site.f, name, shown)
        with printable(node):
            asked = printed(node.op, site, [Name("x") for _ in node.operands()])
        if py.reads(asked, CHANNELS.id):
            slot = (node.ins[0].id, "c")
            site.c = self.in_forward(self.channels.by_name(self.channels.of(node.ins[0])), "channels", slot)
        operands = self.terms(node, self.resolved(node.operands()))
        spread = [self.spread(o) for o in operands]
        many = [item is not None for item in spread]

        lazy = len(operands) == 1 and operands[0] in self.lazy

        def print_op(*trees: Tree) -> Tree:
            given: Sequence[Tree] = spread_out(trees, spread)
            if lazy:
                given = [py.Starred(py.List((py.Starred(trees[0]),)))]
            elif len(trees) == 1 and many[0]:
                given = [py.Starred(trees[0])]
            with printable(node):
                return printed(node.op, site, given)

        self.channels[node.out] = self.channels.after(node) if not node.out.many else self.channels.parts(node)
        if node.op.many and len(operands) == 1 and not many[0]:
            self.alias(node.out, operands[0])
            return
        if node.out.many:
            self.made_by_torch.add(node.out)
        if write_conditional_join(self, node, operands, lambda *trees: printed(node.op, site, trees)):
            return
        if node.op.makes_memory(site.f) and not node.out.many:
            self.fresh.add(node.out)
        counted = len(operands) > 1 and any(map(self.is_counted, operands))
        named = counted or (any(many) and (node.op.rereads or not site.alike)) or rereads(node)
        again = repeated_in(print_op, operands)
        self.statements.append(Step(node.out, operands, print_op, named=named, repeated=again))

    @staticmethod
    def is_formula(node: ir.Primitive, name: str) -> bool:
        item = node.op.field(name)
        return item is not None and item.kind == "formula"

    def listed(self, node: ir.Pack) -> None:
        operands = self.spelt(self.resolved(node.ins), alone=True)
        spread = [self.spread(o) for o in operands]
        many = [item is not None for item in spread]
        counted = any(map(self.is_counted, operands))

        def print_list(*trees: Tree) -> Tree:
            lone = len(trees) == 1 and many[0] and not counted
            inside = trees[0] if lone else py.List(spread_out(trees, spread))
            if not node.running:
                return inside
            match inside:
                case py.List((py.Comprehension() as generated,)):
                    return py.call("accumulate", generated)
            return py.call("accumulate", inside)

        if self.channels.any_number(node.ins):
            self.channels[node.out] = self.channels.alike(node)
            self.statements.append(Step(node.out, operands, print_list, named=counted))
            return
        items = self.channels.spread(node.ins)
        single = len(node.ins) == 1 and many[0]
        self.channels[node.out] = self.channels.of(node.ins[0]) if single else ListOf(tuple(items))
        self.channels.vague[node.out] = self.channels.entries(node.ins)
        if node.running:
            self.lazy.add(node.out)
        source = node.ins[0]
        if single and isinstance(source, ir.Value) and source in self.channels.counts:
            self.channels.counts[node.out] = self.channels.counts[source]
        self.statements.append(Step(node.out, operands, print_list, named=counted))
        if not node.running and not any(many):
            self.packed[node.out] = operands

    # --- containers
    def pieces(self, node: ir.Container) -> list[Piece]:
        self.channels[node.carry] = self.channels.of(node.entry)
        kept = dict(self.numbers.bound)
        self.numbers.bound.update({name: (node.id, name) for name in node.let})
        found = self.chain(node.body)
        self.numbers.bound = kept
        self.channels[node.out] = self.channels.leaves(node.body)
        return found

    def chain(self, region: ir.Region) -> list[Piece]:
        """The children that a chain makes."""
        found: list[Piece] = []
        for node in region.nodes:
            match node:
                case ir.Primitive() | ir.Call():
                    found.append(Piece(self.module(node), node.key))
                case ir.If():
                    found = joined_pieces(found, self.optional_piece(node))
                case ir.Loop():
                    found += self.loop_pieces(node)
                case ir.Container():
                    found.append(self.inner_container(node))
        return found

    def inner_container(self, node: ir.Container) -> Piece:
        """A container in a container: in one expression, or made first and then added."""
        self.container_depth += 1
        name = self.words.word("layers" if self.container_depth == 1 else f"layers_{self.container_depth}")
        pieces = self.pieces(node)
        self.container_depth -= 1
        whole = self.sequential(pieces)
        if whole is not None:
            return Piece(whole, node.key)
        return Piece(body=[*container(name, pieces), *appended([Piece(Name(name), node.key)])])

    def sequential(self, pieces: list[Piece], head: str = "nn.Sequential") -> Tree | None:
        """A container in one expression, or None if it takes statements."""
        if any(p.body or p.key is not None for p in pieces):
            return None
        modules = tuple(p.module for p in pieces if p.module is not None)
        if head == "nn.Sequential":
            return py.call(head, *modules)
        match modules:
            case (py.Starred(py.List(items)),):
                return py.call(head, *items)
        return py.call(head, py.List(modules))

    def decided(self, node: ir.If) -> bool | None:
        """A condition's value: if it never differs, or hangs on one around it."""
        slot = node.id, "condition"
        never = self.numbers.decided(slot)
        return never if never is not None else self.numbers.truth(self.numbers.shown(node.condition, slot))

    def optional_piece(self, node: ir.If) -> list[Piece]:
        decided = self.decided(node)
        if decided is not None:
            region = node.then if decided else node.other
            found = self.chain(region)
            self.channels[node.out] = self.channels.leaves(region)
            return found
        shown = self.numbers.shown(node.condition, (node.id, "condition"))
        with self.numbers.given(shown, True):
            then = self.chain(node.then)
        with self.numbers.given(shown, False):
            other = self.chain(node.other)
        self.channels[node.out] = self.channels.merge(
            node.condition, self.channels.leaves(node.then), self.channels.leaves(node.other)
        )
        pair = [single_module(side) for side in (then, other)]
        if pair[0] is not None and pair[1] is not None and then[0].key == other[0].key:
            return [Piece(py.Conditional(pair[0], shown, pair[1]), then[0].key)]
        if not then:  # the other side alone makes modules
            then, other, shown = other, [], negated(shown)
        if not then:
            return []
        lasting = self.numbers.fixed.issuperset(name.id for name in names(shown))
        whole = py.If(shown, appended(then), appended(other))
        return [Piece(body=[whole], condition=shown if lasting and not other else None)]

    def set_attribute(
        self, key: str, pieces: list[Piece], let: Mapping[str, Expr], node: ir.Operation, head: str = "nn.Sequential"
    ) -> None:
        """`self.key = nn.Sequential(…)`, in one expression or step by step."""
        self.attributes.append(key)
        named: list[py.Statement] = [
            py.assign(name, self.numbers.close(expr))
            for name, expr in reversed(list(let.items()))
            if (node.id, name) in self.numbers.used
        ]
        self.body += named[::-1]
        target, whole = f"self.{key}", self.sequential(pieces, head)
        if whole is not None:
            self.body.append(py.assign(target, whole))
        elif head == "nn.Sequential":
            self.body += container(target, pieces)
        else:
            self.body += [py.assign(target, py.call(head)), *aimed(appended(pieces), target)]

    def run_container(self, node: ir.Container | ir.Loop) -> None:
        key = str(node.key)
        paths = frozenset(self.origin.facts.taps.get(node.id, ()))
        if paths:
            self.stores[node] = self.spoken.word(f"{key}_outputs")
        further = self.resolved(further_of(node))
        if paths or further:
            entry, store, named = self.resolve(node.entry), self.stores.get(node, ""), is_named(node)
            chained = isinstance(node, ir.Loop) and node.wrap
            self.statements.append(Walked(node.out, entry, key, further, store, paths, chained, named))
        else:
            self.run_attribute(key, node.out, (node.entry,))

    # --- loops
    def class_loop(self, node: ir.Loop) -> None:
        if node.carry.many and not any(self.origin.facts.turns.get(node.id, ())):  # its body is no class: it never runs
            self.channels[node.out] = self.channels.of(node.entry)
            self.alias(node.out, node.entry)
            return
        pieces = self.loop_pieces(node)
        key = str(node.key)
        if node.parallel:
            self.set_attribute(key, pieces, {}, node, "nn.ModuleList")
            self.side_by_side(node, key)
            return
        chained = not further_of(node) and not node.carry.many
        plain = "nn.Sequential" if chained else "nn.ModuleDict" if is_named(node) else "nn.ModuleList"
        self.set_attribute(key, pieces, {}, node, plain)
        if node.carry.many:
            self.run_carried(node, key)
        else:
            self.run_container(node)

    def run_carried(self, node: ir.Loop, key: str) -> None:
        """The children of a loop on the tensors that it carries."""
        (call,) = node.body.nodes
        assert isinstance(call, ir.Call)
        places: dict[ir.Operand, int] = {item: n for n, item in enumerate(node.carry.items)} or {node.carry: 0}
        taken = self.done[call.block.id].further
        last = max((n for n, name in enumerate(taken) if name in call.tensors), default=-1)
        given = [*call.ins, *(call.tensors.get(name) for name in taken[: last + 1])]
        args = tuple(places.get(o, self.resolve(o)) if o is not None else None for o in given)
        kind = "Tensor" if node.carry.items else self.kind_of(call)
        entries = self.entries_of(node)
        self.statements.append(Carried(node.out, entries, key, args, kind, is_named(node)))

    def entries_of(self, node: ir.Loop) -> tuple[ir.Operand, ...]:
        """What enters a loop that carries several tensors: each of them, or a list of Python's."""
        entry = self.resolve(node.entry)
        assert isinstance(entry, ir.Value)
        if not node.carry.items:
            listed = self.as_list(entry, self.statements)
            if listed is not entry:
                self.tensors.called[entry] = "parts"  # what the turns carry has the name that the spec gives both
            return (listed,)
        self.statements = [made for made in self.statements if made.out is not entry]
        return self.packed[entry]

    def side_by_side(self, node: ir.Loop, key: str) -> None:
        """The branches of `each:` as a comprehension, over the tensors that enter where each has its own."""
        word = self.spoken.word("branch" if "branches" in key else singular(key))
        entries, further = self.resolved(node.operands()), self.resolved(further_of(node))
        tensor = node.entered.removeprefix("c_")
        own = self.spoken.word(tensor, f"{tensor}_tensor") if node.entries else ""

        def print_branches(*trees: Tree) -> Tree:
            entering, rest = trees[: len(entries)], trees[len(entries) :]
            branches: Tree = Name(f"self.{key}")
            if not own:
                return py.List((py.Comprehension(py.call(word, entering[0], *rest), Name(word), branches),))
            rows = py.call("zip", branches, py.List(entering))
            return py.List((py.Comprehension(py.call(word, Name(own), *rest), py.targets([word, own]), rows),))

        self.statements.append(Step(node.out, (*entries, *further), print_branches, named=True))

    def loop_pieces(self, node: ir.Loop) -> list[Piece]:
        return LoopWriter(self, node).write()


def steps_of(region: ir.Region) -> Iterator[ir.Operation]:
    """The steps of a class in order, on both sides of its conditions."""
    for node in region.nodes:
        yield node
        if isinstance(node, ir.If) and node.stage is None:
            for side in node.regions():
                yield from steps_of(side)


def says_nothing(name: str, value: Expr) -> bool:
    """Whether nobody can tell from a value alone which argument it is: numbers but for channels, sizes, and truths."""
    if isinstance(value, Lit) and not isinstance(value.value, str):
        return isinstance(value.value, bool) or not (name == "out" or name.startswith("c_"))
    if name in ("h_in", "w_in"):
        return not isinstance(value, Name)
    return isinstance(value, (ListOf, Compare, Logic)) or (isinstance(value, Unary) and value.op == "not")


def truths(made: Module, keyword: str) -> set[bool]:
    """What a keyword of a module may be that is true or false; true where the module has none."""
    value = wrap(made.kwargs[keyword][0]) if keyword in made.kwargs else Lit(True)
    return {not is_lit(value, False)} if isinstance(value, Lit) else {False, True}


def is_mixed(kinds: set[str]) -> bool:
    """Whether a place has a number in one call and a list in another."""
    return "int" in kinds and any(kind.startswith("tuple") for kind in kinds)


def items_of_list(whole: Expr, count: int) -> Expr:
    """A list as its items."""
    return ListOf(tuple(Index(whole, Lit(n)) for n in range(count)))


def one_of(condition: Expr, then: Expr | Constant, other: Expr | Constant) -> Expr:
    """An argument that is one thing or another; a list that is spelt out as its items is itself."""
    a, b = wrap(then), wrap(other)
    spelt = isinstance(b, ListOf) and b == items_of_list(a, len(b.items))
    return a if spelt or a == b else IfElse(condition, a, b)


def split_types(kind: str) -> list[str]:
    """The item types of `tuple[int, tuple[int, int]]`."""
    tree = parsed(kind)
    inner = map(one_line, tree.index) if isinstance(tree, py.Subscript) else ()
    return [item for item in inner if item not in ("...", "()")]


def listing(made: Callable[..., Tree]) -> Callable[..., Tree]:
    """What makes several tensors as one that makes a list of Python's."""

    def make_list(*trees: Tree) -> Tree:
        found = made(*trees)
        return found if isinstance(py.leftmost(found), py.List) else py.call("list", found)

    return make_list


def in_brackets(trees: tuple[Tree, ...]) -> Tree:
    """A list of tensors; a lone walk through one is a comprehension."""
    match trees:
        case (py.Starred(py.Bracketed(py.Comprehension() as walk)),):
            return py.List((walk,))
    return py.List(trees)


def further_of(node: ir.Container | ir.Loop) -> tuple[ir.Operand, ...]:
    """The tensors from outside that each turn of a loop takes beside its own."""
    only = node.body.nodes[0] if len(node.body.nodes) == 1 else None
    return tuple(only.tensors.values()) if isinstance(only, ir.Call) else ()


def is_named(node: ir.Container | ir.Loop) -> bool:
    """Whether the turns of a loop have names."""
    return isinstance(node, ir.Loop) and node.table and "name" in node.columns


def singular(word: str) -> str:
    """A word for one of several."""
    if word.endswith("xes"):
        return word[:-2]
    return word[:-1] if word.endswith("s") else f"{word}_branch"


def is_tensor_name(name: str) -> bool:
    return name[:1] == "t" and name[1:].isdigit()


def spread_out(trees: Sequence[Tree], spread: Sequence[Spread | None]) -> tuple[Tree, ...]:
    """Tensors, and the items of lists of them."""
    return tuple(tree if how is None else how(tree) for tree, how in zip(trees, spread, strict=True))


def single_module(pieces: Sequence[Piece]) -> Tree | None:
    """The module of pieces that are one."""
    found = pieces[0].module if len(pieces) == 1 else None
    return None if isinstance(found, py.Starred) else found


def repeated_in(made: Callable[..., Tree], operands: Sequence[ir.Operand]) -> frozenset[ir.Operand]:
    """The operands that a tree reads several times: written out, each would be computed as often."""
    marks = [Name(f"argument_{number}") for number in range(len(operands))]
    read = Counter(name.partition(".")[0] for name in py.dotted_names(made(*marks)))
    return frozenset(operand for operand, mark in zip(operands, marks, strict=True) if read[mark.id] > 1)


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
