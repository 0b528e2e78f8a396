"""What is wrong with a program is said after the pass that made it, with the operation and its place."""

from __future__ import annotations

import pytest
from support.nets import SPECS

from archdsl.diagnostics.spans import Source
from archdsl.expr.nodes import Lit, Name
from archdsl.ir.program import Call, Container, If, Item, Loop, Primitive, Program, Reuse, Stage, Tap, Value, parts
from archdsl.ir.rewrite import copied, erase, readers, replace_value
from archdsl.ir.verify import verify
from archdsl.lowering.entry import lower
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.workspace.library import read

TEXT = """
archdsl: 1
name: Net
input: [4, 8, 8]
params: {deep: true}
blocks:
  Unit:
    params: {out: , norm: true}
    inputs: {beside: optional}
    body:
      - conv: {out: out, kernel: 3}
      - {bn: , when: norm}
      - {split: [out // 2, out - out // 2], as: [left, right]}
      - concat: [right, left]
stages:
  stem: [conv: 8, {relu: , name: active}]
  body:
    - {Unit: 8, as: first}
    - {repeat: 2, body: [conv: 8, relu]}
    - add: [first, stem.active, identity]
"""


@pytest.fixture
def program():
    return copied(lower(read_spec(Source("net.yaml", TEXT), base=None)))


def all_of(program, kind):
    return [node for function in program.functions for node in function.walk() if isinstance(node, kind)]


def op(program, name):
    return next(node for node in all_of(program, Primitive) if node.op.name == name)


def swapped(program):
    program.functions[0].region.nodes[:2] = program.functions[0].region.nodes[1::-1]


def made_twice(program):
    unit = program.functions[0]
    unit.region.nodes[0].out = unit.inputs["input"]


def read_from_a_side(program):
    (choice,) = all_of(program, If)
    op(program, "split").ins = (choice.then.nodes[0].out,)


def no_list(program):
    op(program, "concat").ins = (Item(program.functions[0].inputs["input"], Lit(0)),)


def no_result(program):
    all_of(program, Loop)[0].body.result = None


def unknown_field(program):
    op(program, "relu").fields = {"slope": Lit(1)}


def lacking_field(program):
    op(program, "conv").fields = {}


def unknown_name(program):
    node = op(program, "conv")
    node.fields = {**node.fields, "out": Name("width")}


def column_outside(program):
    (choice,) = all_of(program, If)
    choice.condition = Name("last")


def unknown_param(program):
    all_of(program, Call)[0].args = {"out": Lit(8), "normed": Lit(True)}


def lacking_param(program):
    all_of(program, Call)[0].args = {}


def unknown_input(program):
    (call,) = all_of(program, Call)
    call.tensors = {"besides": call.ins[0]}


def foreign_function(program):
    other = copied(program)
    all_of(program, Call)[0].block = other.functions[0]


def tap_of_elsewhere(program):
    other = copied(program)
    program.main.region.result = Tap(all_of(other, Container)[0], ("active",), None)


def same_key(program):
    first = program.functions[0].region
    conv = first.nodes[0]
    choice = first.nodes[1]
    choice.then.nodes[0].key = conv.key


def no_key(program):
    program.functions[0].region.nodes[0].key = None


def counted_twice(program):
    all_of(program, Loop)[0].rows = Lit(2)


def lone_list(program):
    op(program, "split").ins = (op(program, "split").ins[0],) * 2


BROKEN = {
    swapped: r"bn \d+ of Unit \(net.yaml:12:10\): it reads 'x' before it is made",
    made_twice: r"conv \d+ of Unit .*: the value 'x' is made twice",
    read_from_a_side: r"split \d+ of Unit .*: it reads 'x' before it is made",
    no_list: r"concat \d+ of Unit .*: it reads an item of 'x', which is no list",
    no_result: r"loop \d+ of Net .*: its region gives nothing",
    unknown_field: r"relu \d+ of Net .*: its op has no fields \['slope'\]",
    lacking_field: r"conv \d+ of Unit .*: it lacks a field that its op needs",
    unknown_name: r"conv \d+ of Unit .*: out reads \['width'\]",
    column_outside: r"if \d+ of Unit .*: its condition reads \['last'\]",
    unknown_param: r"call \d+ of Net .*: Unit has no params \['normed'\]",
    lacking_param: r"call \d+ of Net .*: Unit is not given \['out'\]",
    unknown_input: r"call \d+ of Net .*: Unit has no inputs \['besides'\]",
    foreign_function: r"call \d+ of Net .*: the function that it calls does not stand before it",
    tap_of_elsewhere: r"Net \(net.yaml:3:7\): the result of its region taps a container that is not there",
    same_key: r"if \d+ of Unit .*: the key 'conv' is that of another module",
    no_key: r"conv \d+ of Unit .*: it has no key in its class",
    counted_twice: r"loop \d+ of Net .*: it has a count or rows",
    lone_list: r"split \d+ of Unit .*: its op takes one tensor",
}


SHARING = """
archdsl: 1
name: Net
input: [4, 8, 8]
stages:
  a: [{conv: 4, name: mix}, relu, {conv: , share: mix}]
  b: [conv: 4, relu]
"""


def turned(program):
    nodes = all_of(program, Stage)[0].body.nodes
    nodes.insert(0, nodes.pop())
    nodes[0].ins = nodes[1].ins


def of_a_container(program):
    (again,) = all_of(program, Reuse)
    again.module.reused = False
    again.module = all_of(program, Container)[0].body.nodes[0]
    again.module.reused = True
    stages = program.main.region.nodes
    stages.append(stages.pop(0))
    stages[0].entry, stages[1].entry = stages[1].entry, stages[0].out
    program.main.region.result = stages[1].out


def unmarked(program):
    all_of(program, Reuse)[0].module.reused = False


def with_a_tensor(program):
    (again,) = all_of(program, Reuse)
    again.tensors = {"weight": again.ins[0]}


UNSHARED = {
    turned: r"reuse \d+ of Net .*: the operation whose module it runs does not stand before it",
    of_a_container: r"reuse \d+ of Net .*: (the operation whose|the module that it runs stands in a container)",
    unmarked: r"conv \d+ of Net .*: whether its module runs again is not what it says",
    with_a_tensor: r"reuse \d+ of Net .*: it is given other tensors than its module",
}


@pytest.mark.parametrize("breaks", UNSHARED, ids=lambda breaks: breaks.__name__)
def test_a_module_that_cannot_run_again_is_told(breaks):
    program = copied(lower(read_spec(Source("net.yaml", SHARING), base=None)))
    verify(program, "copying")
    breaks(program)
    with pytest.raises(AssertionError, match=f"^after breaking: {UNSHARED[breaks]}"):
        verify(program, "breaking")


@pytest.mark.parametrize("spec", SPECS)
def test_every_shipped_program_is_one_and_so_is_its_copy(spec):
    program = lower(read(spec))
    verify(program, "lowering")
    copy = copied(program)
    verify(copy, "copying")
    assert [function.source for function in copy.functions] == [function.id for function in program.functions]
    own, others = (set(parts(one.functions)) for one in (program, copy))
    assert not own & others
    assert len(own) == len(others)


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda breaks: breaks.__name__)
def test_a_broken_program_is_told_with_its_pass_operation_and_place(program, breaks):
    verify(program, "copying")
    breaks(program)
    with pytest.raises(AssertionError, match=f"^after breaking: {BROKEN[breaks]}"):
        verify(program, "breaking")


def test_ids_are_dense_and_unique(program):
    program.functions[0].region.nodes[0].out.id += 1
    with pytest.raises(AssertionError, match="after breaking: the ids are not dense and unique"):
        verify(program, "breaking")


def test_a_program_holds_what_it_calls_before_its_callers(program):
    with pytest.raises(AssertionError, match="the function that it calls does not stand before it"):
        verify(Program(program.functions[::-1]), "turning")
    with pytest.raises(AssertionError, match="stands in the program twice"):
        verify(Program((*program.functions, program.main)), "doubling")


def test_a_value_is_replaced_wherever_it_is_read_and_its_operation_erased(program):
    unit = program.functions[0]
    conv, choice = unit.region.nodes[:2]
    given = unit.inputs["input"]
    assert set(readers(unit)[conv.out]) == {choice.then.nodes[0], choice.other}
    replace_value(unit, conv.out, given)
    erase(unit.region, conv)
    verify(Program(program.functions), "erasing")
    assert conv.out not in readers(unit)
    assert set(readers(unit)[given]) == {choice.then.nodes[0], choice.other}


def test_a_value_of_no_operation_cannot_be_read(program):
    relu = op(program, "relu")
    relu.ins = (Value("lost"),)
    with pytest.raises(AssertionError, match="it reads 'lost' before it is made"):
        verify(program, "losing")
