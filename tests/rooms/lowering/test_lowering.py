"""From a spec to its lowered form: names, keys and insertion points; and that numbers stay as they are written."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import archdsl.lowering
from archdsl.diagnostics.faults import Collector, SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.expr.nodes import Lit, Name
from archdsl.expr.show import show
from archdsl.ir import program as ir
from archdsl.lowering.blocks import lower_block
from archdsl.lowering.builder import Builder
from archdsl.lowering.context import Context
from archdsl.lowering.entry import lower, lower_blocks
from archdsl.lowering.expressions import resolve
from archdsl.lowering.keys import CONTAINER, Keys
from archdsl.lowering.library import Library
from archdsl.lowering.network import lower_network
from archdsl.lowering.scope import Scope
from archdsl.lowering.steps import lowered
from archdsl.lowering.tensors import bind, single, tensor
from archdsl.syntax import spec as s
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.workspace.library import read
from archdsl.yaml.located import from_python

ROOM = Path(archdsl.lowering.__file__).parent
HEAD = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\n"
HERE, THERE = (Span(Source("net.yaml", HEAD), line, 1, line, 2) for line in (1, 2))


def spec_of(text):
    return read_spec(Source("net.yaml", HEAD + text), base=None)


def network(text):
    return lower(spec_of(text)).main


def keys_of(text):
    return [node.key for node in network(text).walk() if node.key is not None]


def faults_of(text, door=lower):
    with pytest.raises(SpecError) as caught:
        door(spec_of(text))
    return [found.message for found in caught.value.diagnostics]


@pytest.fixture
def scope():
    """That of a block in a file with the param `width`, which reads `base`."""
    home = spec_of("params: {base: 8, width: 2 * base}\nblocks: {B: [relu]}\nstages: {a: [B]}\n")
    library = Library(home, Collector(), lower_block, lower_network)
    return Scope(Context(library, home, {}, "B"), {"out": HERE}, {"input": ir.Value("x")})


@pytest.fixture
def builder(scope):
    return Builder(scope, Keys(), scope.tensors["input"])


def pack(*operands):
    return ir.Pack(ins=operands, out=ir.Value("branches", many=True), span=HERE)


# --- scope
def test_a_name_given_in_a_branch_is_not_seen_outside(scope):
    inner = scope.inner()
    inner.numbers["n"], inner.tensors["part"] = HERE, ir.Value("part")
    assert "n" not in scope.numbers
    assert "part" not in scope.tensors
    assert "out" in inner.numbers


def test_a_number_takes_no_name_that_has_a_meaning(scope):
    scope.no_shadow("new", HERE)
    for name in ("out", "input"):
        with pytest.raises(SpecError) as caught:
            scope.no_shadow(name, THERE)
        (found,) = caught.value.diagnostics
        assert (found.code, found.span) == ("shadowed-name", THERE)
    with pytest.raises(SpecError) as caught:
        scope.no_shadow("out", THERE)
    assert caught.value.diagnostics[0].notes[0].span == HERE


def test_a_block_takes_on_the_params_of_its_file_that_it_reads_and_those_that_they_read(scope):
    assert resolve(Name("out"), scope) == Name("out")
    assert not scope.context.implicit
    assert resolve(Name("width"), scope) == Name("width")
    assert set(scope.context.implicit) == {"width", "base"}


def test_a_word_is_a_constant_unless_something_has_its_name(scope):
    assert resolve(Name("same"), scope) == Lit("same")
    scope.numbers["same"] = HERE
    assert resolve(Name("same"), scope) == Name("same")


def test_a_tensor_is_no_number_and_a_list_of_tensors_is_not_one(scope):
    with pytest.raises(SpecError, match="'input' is a tensor, not a number"):
        resolve(Name("input"), scope)
    parts = ir.Value("parts", many=True)
    bind("parts", parts, scope, HERE)
    assert tensor(Name("parts"), scope) is parts
    with pytest.raises(SpecError, match="expected one tensor here"):
        single(Name("parts"), scope)
    with pytest.raises(SpecError, match="'out' is already a number here"):
        bind("out", parts, scope, HERE)


def test_as_names_a_tensor_that_has_no_name_of_its_own(scope):
    fresh, named = ir.Value("x"), ir.Value("code")
    bind("part", fresh, scope, HERE)
    bind("other", named, scope, HERE)
    assert (fresh.name, named.name) == ("part", "code")


# --- keys
def test_a_key_that_follows_from_what_a_module_is_gives_way():
    keys = Keys()
    assert [keys.key(None, "conv", HERE) for _ in range(3)] == ["conv", "conv_2", "conv_3"]
    assert keys.key(None, "double", HERE) == "double_2"  # torch's modules have a method `double`
    assert keys.free("conv") == "conv_4"


def test_a_key_that_a_step_gives_is_its_key_or_refused_with_the_place_of_the_other():
    keys = Keys()
    assert keys.key("stem", "conv", HERE) == "stem"
    with pytest.raises(SpecError, match="'stem' names two modules here") as caught:
        keys.key("stem", "conv", THERE)
    assert caught.value.diagnostics[0].notes[0].span == HERE


def test_modules_of_a_container_have_a_name_or_their_position():
    assert CONTAINER.key("reduce", "conv", HERE) == CONTAINER.key("reduce", "conv", HERE) == "reduce"
    assert CONTAINER.key(None, "conv", HERE) is None


def test_an_alternative_may_have_the_name_of_what_it_stands_for():
    keys = Keys()
    before = frozenset(keys.given)
    keys.key("pool", "max_pool", HERE)
    with keys.instead(before):
        assert keys.key("pool", "avg_pool", THERE) == "pool"
    with pytest.raises(SpecError, match="names two modules"):
        keys.key("pool", "max_pool", THERE)


def test_a_prefix_stands_in_front_of_given_and_other_keys():
    keys = Keys(prefix="decoder_")
    assert keys.key(None, "conv", HERE) == "decoder_conv"
    assert keys.key("up", "conv", HERE) == "decoder_up"
    assert keys.free("conv") == "conv_2"


def test_a_step_of_another_stage_renames_nothing():
    tail = "{conv: 4, as: t}, {add: [identity, t]}], b: [{conv: 4, as: u}, bn, {add: [identity, u]}]}\n"
    assert keys_of("stages: {a: [" + tail) == ["a", "b_conv", "b_bn"]
    assert keys_of("stages: {a: [{conv: 2}, " + tail) == ["a_conv", "a_conv_2", "b_conv", "b_bn"]


# --- the insertion point
def test_operations_come_in_the_order_in_which_they_are_appended(builder):
    operations = [pack(builder.entry), pack(builder.entry)]
    assert [builder.append(operation) for operation in operations] == [operation.out for operation in operations]
    assert builder.region.nodes == operations


def test_another_tensor_may_enter_at_the_same_place(builder):
    other = ir.Value("y")
    at = builder.on(other)
    at.append(pack(at.entry))
    assert builder.region.nodes[0].operands() == (other,)
    assert builder.entry is not other
    assert builder.on(builder.entry) is builder


def test_what_is_appended_inside_is_not_seen_outside(builder):
    at = builder.inside()
    result = at.append(pack(at.entry))
    at.bind("part", result, s.TensorStep(span=HERE, ref=Name("part")))
    region = at.close(result)
    assert region.result is result
    assert len(region.nodes) == 1
    assert not builder.region.nodes
    assert "part" not in builder.scope.tensors


def test_a_nested_region_may_share_the_names_around_it_and_has_its_keys(builder):
    at = builder.inside(builder.scope)
    at.bind("part", ir.Value("x"), s.TensorStep(span=HERE, ref=Name("part")))
    assert "part" in builder.scope.tensors
    at.keys.key("stem", "conv", HERE)
    assert "stem" in builder.keys.taken


def test_a_step_reads_the_tensor_of_from_else_the_one_that_enters(builder):
    builder.scope.tensors["part"] = part = ir.Value("part")
    step = s.UseStep(span=HERE, target="relu")
    assert builder.source(step) is builder.entry
    assert builder.source(s.UseStep(span=HERE, target="relu", source=Name("part"))) is part


# --- the library
def test_a_block_is_lowered_once_however_often_it_is_called():
    calls = [n for n in network("blocks: {B: [relu]}\nstages: {a: [B], b: [B, B]}\n").walk() if isinstance(n, ir.Call)]
    assert len(calls) == 3
    assert len({call.block for call in calls}) == 1


def test_blocks_of_one_name_in_two_files_are_two(tmp_path):
    (tmp_path / "parts.yaml").write_text("archdsl: 1\nblocks: {B: [relu], Outer: [B]}\n")
    net = tmp_path / "net.yaml"
    net.write_text(HEAD + "use: [parts.yaml]\nblocks: {B: [{conv: 4}]}\nstages: {a: [B], b: [Outer]}\n")
    program = lower(read(net))
    assert [function.name for function in program.functions] == ["B", "B", "Outer", "Net"]
    ops = [[n.op.name for n in f.walk() if isinstance(n, ir.Primitive)] for f in program.functions]
    assert ops == [["conv"], ["relu"], [], []]


def test_a_block_at_fault_is_told_once_and_its_callers_are_not_at_fault():
    blocks = "blocks: {B: [{conv: nothing}], C: [B], D: [B, {conv: absent}]}\n"
    assert faults_of(blocks + "stages: {a: [B], b: [C]}\n") == [
        "'nothing' is not defined here",
        "'absent' is not defined here",
    ]


def test_faults_of_names_are_found_in_blocks_that_nothing_calls():
    assert faults_of("blocks: {B: [{conv: nothing}]}\nstages: {a: [relu]}\n") == ["'nothing' is not defined here"]
    assert faults_of("blocks: {B: [{conv: nothing}]}\n", lower_blocks) == ["'nothing' is not defined here"]


def test_a_block_in_itself_is_refused_with_the_ring():
    ring = "blocks: {A: [B], B: [C], C: [A]}\nstages: {a: [A]}\n"
    assert "the block 'A' contains itself (A -> B -> C -> A)" in faults_of(ring)


# --- loops
def outlined(text):
    """The function that the first loop of a block repeats."""
    program = lower(spec_of(text))
    (loop,) = [n for f in program.functions for n in f.walk() if isinstance(n, ir.Loop)]
    (call,) = loop.body.nodes
    assert isinstance(call, ir.Call)
    return call


def test_a_body_that_is_no_chain_becomes_a_block_that_takes_what_it_reads():
    call = outlined("""
blocks:
  Dense:
    params: {growth: 4, depth: 2, unread: 1}
    body: [{conv: 4, as: stem}, {repeat: depth, body: [{conv: growth}, {add: [identity, stem]}]}]
stages: {a: [Dense]}
""")
    assert call.block.name == "DenseLayer"
    assert set(call.block.params) == set(call.args) == {"growth"}
    assert set(call.tensors) == {"stem"}


def test_what_it_takes_is_told_from_what_it_has_itself():
    call = outlined("""
blocks:
  B: [{repeat: 2, body: [{conv: c_in}, {add: [identity, {from: input, conv: c_in}]}]}]
stages: {a: [B]}
""")
    assert {name: show(value) for name, value in call.args.items()} == {"c_outer": "c_in"}
    assert set(call.tensors) == {"outer"}


def test_a_number_that_ends_like_a_tensor_is_a_number_all_the_same():
    call = outlined("""
blocks:
  B:
    params: {w: 2}
    let: {tapart: w * 8}
    body: [{conv: 4, as: part}, {repeat: 2, body: [{conv: tapart}, {conv: 4}, {add: [identity, part]}]}]
stages: {a: [B]}
""")
    assert set(call.args) == {"tapart"}


# --- stages
def test_no_stage_reads_a_tensor_of_training_alone():
    aux = "{training: true, body: [{conv: 4, as: t}, {add: [identity, t]}]}"
    assert faults_of(f"stages: {{a: [{{conv: 4}}], aux: {aux}, b: [{{from: aux.t, relu: }}]}}\n") == [
        "there is no tensor 'aux.t' here"
    ]


def test_a_tensor_of_a_stage_is_read_by_its_path():
    stages = "{a: [{conv: 4, as: t}, {add: [identity, t]}], b: {from: a.t, body: [relu]}}"
    (read,) = network(f"stages: {stages}\n").region.nodes[-1].operands()
    assert isinstance(read, ir.Value)
    assert read.name == "t"


# --- numbers stay as they are written
def test_lowering_computes_no_number():
    text = """
params: {n: 2, z: 0}
blocks:
  Odd:
    params: {out: n // z}
    let: {half: out // z}
    require: [1 == 2]
    body: [{conv: 4 // z, when: 1 // z}, {repeat: -1 // z, body: [{conv: half}]}]
stages: {a: [{Odd: 3 + 4}]}
"""
    program = lower(spec_of(text))
    odd, main = program.functions
    (call,) = main.walk()
    assert show(call.args["out"]) == "3 + 4"
    assert show(odd.params["out"].default) == "n // z"
    assert show(odd.let["half"]) == "out // z"
    assert [show(expr) for expr in odd.require] == ["1 == 2"]
    choice, loop = odd.region.nodes
    assert show(choice.condition) == "1 // z"
    assert show(choice.then.nodes[0].fields["out"]) == "4 // z"
    assert show(loop.count) == "-1 // z"


def imported(path):
    """The parts below `archdsl` that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("archdsl."):
            yield str(node.module).removeprefix("archdsl.")
        elif isinstance(node, ast.Import):
            yield from (name.name.removeprefix("archdsl.") for name in node.names if name.name.startswith("archdsl."))


MODULES = {path.stem: set(imported(path)) for path in ROOM.glob("*.py") if path.stem != "__init__"}


def test_lowering_knows_nothing_that_computes():
    computing = {"expr.evaluate", "expr.fold", "expr.simplify", "expr.given"}
    assert not {part for parts in MODULES.values() for part in parts} & computing


# --- the room
def test_imports_run_one_way_inside_the_room():
    inside = {
        name: {part.split(".")[1] for part in parts if part.startswith("lowering.")} for name, parts in MODULES.items()
    }
    assert set(TopologicalSorter(inside).static_order()) == set(MODULES)


@pytest.mark.parametrize("kind", s.Step.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_kind_of_step_is_lowered(kind):
    assert lowered.dispatch(kind) is not lowered.dispatch(s.Step)


def test_a_fault_of_a_block_is_told_whoever_asks_for_the_block_first():
    block = {"params": [{"out": "out"}], "body": [{"conv": "out"}]}  # a default that nothing gives
    repeat = {"repeat": 2, "body": [{"B": ["c * turn / turns"]}]}
    tree = {
        "name": "N",
        "input": [3, 8, 8],
        "blocks": {"B": block},
        "stages": {"body": {"for": ["c"], "in": [[8]], "body": [repeat]}},
    }
    with pytest.raises(SpecError, match="'out' is not defined here"):
        lower(read_spec(from_python(tree), base=None))
