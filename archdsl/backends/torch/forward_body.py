"""The bodies of `forward` and `forward_features`: which statements, and what they give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.backends.torch import scope
from archdsl.backends.torch import syntax as py
from archdsl.backends.torch.forward import ForwardPrinter
from archdsl.backends.torch.lists import listing
from archdsl.backends.torch.repeated import replaced_in
from archdsl.backends.torch.size_checks import assertions
from archdsl.backends.torch.statements import Statement, Step, operands_of
from archdsl.backends.torch.syntax import Tree
from archdsl.diagnostics.faults import fault
from archdsl.expr.nodes import Expr, Lit, Logic, Name, Unary
from archdsl.ir import program as ir

if TYPE_CHECKING:
    from archdsl.backends.torch.classes import Writer


class ForwardBody:
    """The bodies of one class, but for its constructor."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.in_training: Expr = Name("self.training")  # when the auxiliary heads run
        self.result_type = "Tensor"  # of what a block gives
        self.head: int | None = None  # the first statement of a classifier's head
        self.entering = ""  # what `forward_head` calls the map that enters it

    def print_forward(
        self,
        inputs: Sequence[ir.Value],
        result: ir.Operand,
        auxiliaries: Mapping[str, tuple[list[Statement], ir.Operand]],
    ) -> tuple[list[py.Statement], bool]:
        """The statements of `forward`, and whether the class is a plain chain that needs none."""
        if self.is_sequential(inputs, result):
            return [], True
        if self.writer.function.gives_several and not self.writer.function.outputs:
            return self.print_several(inputs, result), False
        printer = self.printer(inputs)
        outputs = self.writer.function.outputs
        results = [self.writer.resolve(o) for o in (outputs.values() if outputs else [result])]
        for name, output in zip(outputs, results, strict=False):
            self.writer.rename(output, name)
        several, more = scope.results_of(self.writer.name)
        printer.when_training = self.in_training
        shape = (lambda trees: py.call(several, *trees)) if outputs else None
        return printer.run(self.writer.statements, results, shape, more if outputs else several, auxiliaries), False

    def asserted_sizes(self, inputs: Sequence[ir.Value]) -> list[py.Statement]:
        """What must hold of the sizes of inputs, to stand in front of what is done with them."""
        checked = self.writer.plan.checked
        found = assertions(checked.taken, [self.writer.tensors.word(var) for var in inputs])
        if checked.param is None or not found:
            return found
        kept = self.writer.kept.in_forward(Name(checked.param), checked.param)
        return [py.If(kept if checked.wanted else Unary("not", kept), found)]

    def asserted_in_training(self, inputs: Sequence[ir.Value]) -> list[py.Statement]:
        """What must hold of the sizes of images where auxiliary heads read them too."""
        words = [self.writer.tensors.word(var) for var in inputs]
        found = assertions(self.writer.plan.checked.in_training, words, "in training, ")
        return [py.If(self.in_training, found)] if found else []

    def print_several(self, inputs: Sequence[ir.Value], result: ir.Operand) -> list[py.Statement]:
        """The body of `forward` of a block that gives several tensors: a tuple if each has a name, else a list."""
        given = self.writer.resolve(result)
        assert isinstance(given, ir.Value)
        tensors = self.writer.lists.tensors_given(given)
        if tensors is not None:
            self.result_type = f"tuple[{', '.join(['Tensor'] * len(tensors))}]"
            return self.printer(inputs).run(self.writer.statements, tensors, py.side_by_side, "", {})
        self.result_type = "list[Tensor]"
        listed = self.writer.lists.as_list(given, self.writer.statements)
        made = next((step for step in self.writer.statements if step.out is listed), None)
        if isinstance(made, Step) and listed is given and self.writer.consumers[given] == 1:
            made.made = listing(made.made)
        elif listed is given:
            listed = ir.Value("parts", many=True)
            self.writer.statements.append(Step(listed, (given,), listing(lambda tree: tree)))
        return self.printer(inputs).run(self.writer.statements, [listed], None, "", {})

    def print_features(
        self, inputs: Sequence[ir.Value], result: ir.Operand, *, alone: bool
    ) -> tuple[list[py.Statement], list[py.Statement]]:
        """The bodies of `forward_features` and `forward_head`, of a classifier whose head reads one tensor.

        Their steps leave `forward`, unless they stay `alone`: auxiliary heads read what stands inside of them.
        """
        if self.head is None or not self.writer.outermost:
            return [], []
        trunk, head = self.writer.statements[: self.head], self.writer.statements[self.head :]
        end = self.writer.resolve(result)
        read = [*(o for statement in head for o in operands_of(statement)), end]
        made = {statement.out for statement in head}
        entering = {o for o in read if not isinstance(o, ir.Value) or o not in made}
        if len(entering) != 1 or not trunk or entering != {trunk[-1].out} or not isinstance(end, ir.Value):
            return [], []
        features, called = trunk[-1].out, dict(self.writer.tensors.called)
        bodies = (
            self.printer(inputs).run(trunk, [features], None, "", {}),
            self.printer([features]).run(head, [end], None, "", {}),
        )
        if not alone:
            self.writer.statements = [
                Step(features, (inputs[0],), lambda image: py.call("self.forward_features", image), alone=True),
                Step(end, (features,), lambda entering: py.call("self.forward_head", entering), alone=True),
            ]
        self.entering = self.writer.tensors.word(features)
        if alone:
            self.writer.tensors.called = called  # `forward` has words of its own for the same tensors
        return bodies

    def printer(self, inputs: Sequence[ir.Value]) -> ForwardPrinter:
        kept = {
            self.writer.tensors.word(self.writer.function.inputs[name]) for name in self.writer.undecided()
        }  # their conditions read them anywhere
        hidden = {*self.writer.hidden, *self.writer.spoken.own.values(), *kept}
        index = lambda item: self.writer.kept.in_forward(item.index, "index")  # noqa: E731
        given = scope.given(self.writer.function)
        return ForwardPrinter(inputs, index, self.tapped, hidden, given, self.writer.spoken, self.writer.tensors)

    def is_sequential(self, inputs: Sequence[ir.Value], result: ir.Operand) -> bool:
        current: ir.Operand = inputs[0]
        result, chain = self.writer.resolve(result), []
        for statement in self.writer.statements:
            if not isinstance(statement, Step) or statement.attribute is None or statement.args != (current,):
                return False
            chain.append(statement.attribute)
            current = statement.out
        ordered = chain == self.writer.attributes and len(set(chain)) == len(chain)
        return (
            bool(chain)
            and ordered
            and current is result
            and len(inputs) == 1
            and not self.writer.function.outputs
            and not self.writer.function.network
        )

    def tapped(self, tap: ir.Tap) -> Tree:
        return py.Subscript(Name(self.writer.containers.stores[tap.container]), (Lit(".".join(tap.keys)),))

    def auxiliaries(self) -> dict[str, tuple[list[Statement], ir.Operand]]:
        """The stages of training alone that this network has, or may have."""
        slots = {name: (auxiliary.id, "condition") for name, auxiliary in self.writer.function.training.items()}
        known = {name: self.writer.numbers.decided(slot) for name, slot in slots.items()}
        wanted = {
            name: auxiliary for name, auxiliary in self.writer.function.training.items() if known[name] is not False
        }
        conditions = {
            name: self.writer.numbers.shown(a.condition, slots[name])
            for name, a in wanted.items()
            if known[name] is None
        }
        shown = set(conditions.values())
        if len(shown) > 1 or (shown and any(known.values())):
            message = (
                "the auxiliary heads have different conditions, so one class would return different outputs in training"
            )
            first = next(iter(wanted))
            other = next(name for name in wanted if name not in conditions or conditions[name] != conditions.get(first))
            span = wanted[other].condition.span or self.writer.origin.spec.stages[other].span
            help = (
                "give all of them the same `when:`; the specialized style prints one network with the heads that it has"
            )
            raise fault("cannot-print", message, span, help=help)
        if not shown:
            return {name: self.auxiliary(auxiliary) for name, auxiliary in wanted.items()}
        (condition,) = shown
        flag = self.writer.kept.condition_flag("auxiliary", condition)
        self.in_training = Logic("and", (Name("self.training"), Name(f"self.{flag}")))
        with self.writer.numbers.given(condition, True), self.writer.on_one_side() as body:
            found = {name: self.auxiliary(auxiliary) for name, auxiliary in wanted.items()}
        self.writer.body.append(py.If(condition, body))
        return found

    def auxiliary(self, auxiliary: ir.Auxiliary) -> tuple[list[Statement], ir.Operand]:
        outer, self.writer.statements = self.writer.statements, []
        mark = len(self.writer.body)
        result = self.writer.region(auxiliary.region)
        self.writer.body[mark:] = [replaced_in(made, self.classes_kept()) for made in self.writer.body[mark:]]
        for statement in self.writer.statements:
            if isinstance(statement, Step):
                statement.alone = False
        made, self.writer.statements = self.writer.statements, outer
        return made, self.writer.resolve(result)

    def classes_kept(self) -> dict[Expr, Expr]:
        """What auxiliary heads read as the number of classes: that of the network if there are to be none."""
        classifier = self.writer.classifier
        if classifier is None or classifier.layer is None:
            return {}
        own, count = Name(classifier.param), self.writer.signature.default_of(classifier.param)
        return {own: Logic("or", (own, count))} if count is not None else {}
