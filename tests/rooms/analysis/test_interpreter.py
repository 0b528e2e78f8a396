"""The walk over a program, and what domains make of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from archdsl.analysis.counting import Costs, Counted, Kept
from archdsl.analysis.domain import Domain
from archdsl.analysis.fields import checked
from archdsl.analysis.frames import Frame, Position
from archdsl.analysis.interpreter import Interpreter
from archdsl.analysis.setting import setting
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.expr.fold import substitute
from archdsl.expr.nodes import IfElse, Lit, Name, wrap
from archdsl.expr.show import show
from archdsl.expr.simplify import simplify
from archdsl.lowering.entry import lower
from archdsl.ops.base import Field
from archdsl.syntax.reading.spec_file import read_spec

HERE = Span(Source("net.yaml", ""), 1, 1, 1, 1)
CONV_BN = "\n  ConvBN: {params: {out: , kernel: 1}, body: [conv: {out: out, kernel: kernel}, bn]}"


def read(stages, blocks="", params="{n: 3}"):
    text = f"archdsl: 1\nname: Net\ninput: [3, 16, 16]\nparams: {params}\n"
    text += f"blocks:{blocks}\n" if blocks else ""
    return read_spec(Source("net.yaml", f"{text}stages:\n  {stages}\n"), base=None)


class Watched(Costs):
    """Counts, and notes what it is asked."""

    def __init__(self, kept=None):
        super().__init__(kept or Kept())
        self.ops, self.turns = [], []

    def primitive(self, node, fields, tensors, further, path, frame):
        self.ops.append((node.op.name, frame.whole_path(path)))
        return super().primitive(node, fields, tensors, further, path, frame)

    def bound_row(self, node, index, frame):
        self.turns.append({name: frame.values.get(name) for name in ("i", "first", "last", "c_in", "turn", "turns")})


def watched(spec, **params):
    """A run, and the frame of the network after it."""
    domain, program = Watched(), lower(spec)
    chosen = setting(spec, program.main, None, params, None)
    frame = domain.frame(program.main, "")
    frame.values.update(chosen.values)
    inputs = {name: Counted(shape, domain.trace.enter(shape)) for name, shape in chosen.shapes.items()}
    Interpreter(domain).network(spec, frame, inputs)
    return domain, frame


# --- names and places
def test_each_turn_of_a_loop_binds_its_place_and_the_channels_that_enter_it():
    domain, frame = watched(read("body: [{repeat: n, body: [conv: c_in * 2]}]"))
    assert [(t["i"], t["first"], t["last"], t["c_in"]) for t in domain.turns] == [
        (0, True, False, 3), (1, False, False, 6), (2, False, True, 12),
    ]  # fmt: skip
    assert not {"i", "first", "last"} & frame.values.keys()


def test_a_table_counts_the_turns_of_its_rows():
    rows = "body: {for: [n], in: [1, 2], body: [{repeat: n, body: [conv: turn + turns]}]}"
    domain, _ = watched(read(rows, params="{k: 1}"))
    assert [(turn["turn"], turn["turns"]) for turn in domain.turns] == [(0, 3), (0, 3), (1, 3), (1, 3), (2, 3)]


def test_modules_of_a_chain_stand_by_name_or_by_place_and_ops_without_one_by_their_own():
    domain, _ = watched(read("body: [{conv: 4, name: first}, bn, {add: [identity, [relu]]}]"))
    assert domain.ops == [("conv", "body_first"), ("bn", "body_bn"), ("relu", "body_relu"), ("add", "add")]


def test_two_modules_of_one_chain_cannot_have_one_name():
    chain = Position("stem", 0)
    assert [chain.child(None, HERE), chain.child("a", HERE), chain.child(None, HERE)] == ["stem.0", "stem.a", "stem.2"]
    with pytest.raises(SpecError, match="'a' names two modules of one chain"):
        chain.child("a", HERE)


def test_a_frame_gives_names_back_what_they_were():
    frame = Frame(None, values={"i": 7})
    kept = frame.keep(["i", "first"])
    frame.values.update(i=0, first=True)
    frame.restore(kept)
    assert frame.values == {"i": 7}


# --- calls that are alike
def test_a_call_with_the_same_arguments_and_shapes_is_computed_once():
    domain, _ = watched(read("body: [{repeat: n, body: [ConvBN: c_in]}]", CONV_BN), n=5)
    assert [name for name, _ in domain.ops] == ["conv", "bn"]
    assert len(domain.trace.steps) == 10


@pytest.mark.parametrize("other", ["{ConvBN: {out: 3, kernel: 3}}", "{ConvBN: 4}"])
def test_another_argument_is_another_call(other):
    domain, _ = watched(read(f"body: [{{ConvBN: 3}}, {other}]", CONV_BN))
    assert [name for name, _ in domain.ops] == ["conv", "bn", "conv", "bn"]


def test_a_number_is_no_truth_value_of_the_same_worth():
    unit = "\n  Unit: {params: [x], body: [{conv: '4 if x in [true] and not x in [2] else 8'}, {dropout: x / 2}]}"
    domain, _ = watched(read("body: [{Unit: 1}, {Unit: 1.0}]", unit))
    assert [name for name, _ in domain.ops] == ["conv", "dropout"] * 2


def test_a_call_on_one_tensor_twice_is_not_one_on_two():
    pair = "\n  Pair: {inputs: [other], body: [{conv: 3}, {add: [identity, other]}]}"
    spec = read("body: [{conv: 3, as: a}, {Pair: {other: a}}, {conv: 3, as: b}, relu, {Pair: {other: b}}]", pair)
    domain, _ = watched(spec)
    reads = [step.reads for step in domain.trace.steps if step.worker.op.name == "add"]
    assert reads == [(2, 1), (6, 4)]


# --- a domain of expressions
class Channels(Domain):
    """Channels as expressions over the network's params: both sides of a condition, one turn for all of a loop."""

    def __init__(self):
        super().__init__()
        self.ops = 0

    def said(self, expr, frame):
        return simplify(substitute(expr, frame.values))

    def frame(self, function, path):
        return Frame(function, path)

    def let(self, owner, name, expr, frame):
        frame.values[name] = self.said(expr, frame)

    def argument(self, node, name, expr, frame, inner):
        inner.values[name] = self.said(expr, frame)

    def state(self, owner, name, value, frame):
        frame.values[name] = wrap(value)

    def enter(self, frame, tensor, block=None):
        frame.values["c_in"] = tensor

    def measure(self, owner, name, value, frame):
        frame.values[name] = value

    def position(self, item, frame):
        return self.said(item.index, frame).value

    def fields(self, node, frame):
        return SimpleNamespace(**{name: self.said(expr, frame) for name, expr in node.fields.items()})

    def primitive(self, node, fields, tensors, further, path, frame):
        self.ops += 1
        return [node.op.channels(fields, list(tensors) if node.op.many else tensors[0], (1, 1))]

    def require(self, block, expr, frame):
        pass

    def sides(self, node, frame):
        return node.regions()

    def either(self, node, results, frame):
        then, other = results
        return then if then == other else IfElse(node.condition, then, other)

    def bad_choice(self, node, frame):
        raise AssertionError(node)

    def holds(self, auxiliary, frame):
        return False

    def rows(self, node, frame):
        return [{}]

    def entered(self, node, row, tensor):
        raise AssertionError(node)

    def begin_table(self, node, rows, frame):
        raise AssertionError(node)

    def next_turn(self, frame):
        raise AssertionError(frame)

    def bind_row(self, node, row, index, count, frame):
        frame.values["i"] = Name("i")

    def row_name(self, node, name):
        raise AssertionError(name)

    def left(self, node, rows, entry, current, results, frame):
        return entry + node.count * simplify(current - entry)


def channels(spec):
    domain, program = Channels(), lower(spec)
    frame = domain.frame(program.main, "")
    outputs, _ = Interpreter(domain).network(spec, frame, {"x": Lit(3)})
    return show(simplify(outputs["output"])), domain.ops


def test_a_domain_of_expressions_walks_one_turn_for_all():
    blocks = "\n  Layer: {params: [growth], body: [{concat: [identity, [conv: growth]]}]}"
    spec = read("body: [{conv: 2 * n}, {repeat: n, body: [Layer: n + 1]}]", blocks)
    assert channels(spec) == ("3 * n + n * n", 3)


def test_a_domain_of_expressions_walks_both_sides_of_a_condition():
    assert channels(read("body: [{conv: 8, when: n > 1, else: [conv: n]}]")) == ("8 if n > 1 else n", 2)


# --- fields
@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("int", 0.5, "a whole number, not x = 0.5"), ("int", True, "a whole number"), ("int", 0, "at least 1"),
        ("number", True, "a number"), ("bool", 1, "true or false"), ("axes", [], "a whole number or a list of them"),
        ("axes", [1, 0], "at least 1"), ("int", 2**25, "at most 16777216"), ("text", 1, "text"),
    ],
)  # fmt: skip
def test_a_value_that_a_field_does_not_take_is_refused(kind, value, wanted):
    with pytest.raises(SpecError, match=f"size takes {wanted}"):
        checked(Field("size", kind, minimum=1), value, Name("x"), HERE)


@pytest.mark.parametrize(
    ("kind", "value"), [("int", 1), ("number", 1), ("number", 1.5), ("axes", [1, 2]), ("int", None)]
)
def test_a_value_that_a_field_takes_is_given_back(kind, value):
    assert checked(Field("size", kind, None, minimum=1), value, Name("x"), HERE) == value
