"""Every word and form of the language: the graph, the module that is built, and the source, from one small spec each.

Each file of `tests/language` says in its first line which sentence of docs/language.md it shows. Comments below
it say what the emitted source of its first form must hold (`has:`, in this order) and must not (`not:`).
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache

import pytest
import torch
from support import by_hand
from support.places import DOCS
from support.places import LANGUAGE as FOLDER
from support.proof import prove_what_prints
from torch import nn

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.analysis.work import trained
from archdsl.diagnostics.spans import Source
from archdsl.expr.evaluate import FUNCTIONS
from archdsl.expr.show import show
from archdsl.runtime import module
from archdsl.runtime.verify import verify
from archdsl.syntax.reading.spec_file import read_spec
from archdsl.syntax.words import BLOCK, EXPECT, INIT, RESIDUAL, SPEC, STAGE, STEP, STRUCTURE, VARIANT
from archdsl.workspace.expected import expect_stated
from archdsl.workspace.library import read

FILES = sorted(FOLDER.glob("*.yaml"))
FORMS = [(path.stem, form) for path in FILES for form in read(path).networks()]
FIRST = dict(reversed(FORMS))


def ids(form):
    return "-".join(part for part in form if part)


each_form = pytest.mark.parametrize("form", FORMS, ids=ids)
each_file = pytest.mark.parametrize("name", FIRST)


@cache
def graph_of(name, variant=None):
    return archdsl.graph(FOLDER / f"{name}.yaml", variant)


@cache
def built(name, variant=None):
    """The module in eval mode. Not to be changed."""
    torch.manual_seed(0)
    return lively(module.build(graph_of(name, variant))).eval()


def source_of(name, variant=None):
    """The source that the module was made of."""
    return inspect.getmodule(type(built(name, variant))).__loader__.text


def lively(net):
    """The module with norms that are no identities."""
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        for norm in norms:
            norm.running_mean.normal_(0, 0.2)
            norm.running_var.uniform_(0.5, 1.5)
            if norm.affine:
                norm.weight.uniform_(0.5, 1.5)
                norm.bias.normal_(0, 0.5)
    return net


def tensors(name, variant=None, batch=3):
    torch.manual_seed(1)
    return [torch.randn(batch, *tensor.shape) for tensor in graph_of(name, variant).inputs.values()]


def run(name, variant=None):
    """The outputs of the module, as a list."""
    with torch.no_grad():
        found = built(name, variant)(*tensors(name, variant))
    return list(found) if isinstance(found, tuple) else [found]


def near(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4, equal_nan=True)


def notes(name, word):
    """What the comments at the top of a file say under a word."""
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    mark = f"# {word}: "
    return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


# --- for every file -----------------------------------------------------------------------------


@each_form
def test_the_module_is_the_graph(form):
    assert "specialized" in prove_what_prints(graph_of(*form))


@each_form
def test_fx_traces_the_module(form):
    traced = torch.fx.symbolic_trace(built(*form))
    with torch.no_grad():
        found = traced(*tensors(*form))
    near(list(found) if isinstance(found, tuple) else [found], run(*form))


@each_form
def test_every_module_stands_at_the_path_of_its_op(form):
    net, graph = built(*form), graph_of(*form)
    paths = {node.path for node in graph.nodes}
    for name, _ in net.named_parameters():  # of the module of an op, of one in it, or a tensor of the network's own
        assert any(name == path or name.startswith(f"{path}.") for path in paths)


@each_form
def test_there_is_one_class_for_each_block(form):
    graph = graph_of(*form)
    classes = [node.name for node in ast.parse(source_of(*form)).body if isinstance(node, ast.ClassDef)]
    assert len(set(classes)) == len(classes)
    assert {scope.name for scope in graph.root.scopes() if scope.kind in ("block", "network")} <= set(classes)


@each_file
def test_the_source_reads_as_it_should(name):
    text = source_of(name, FIRST[name])
    rest = text
    for line in notes(name, "has"):
        assert line in rest, f"{line!r} is not (or not in this order) in\n{text}"
        rest = rest.split(line, 1)[1]
    for line in notes(name, "not"):
        assert line not in text


# --- against computations by hand ---------------------------------------------------------------

HAND = by_hand.__name__
HANDS = [
    (name, name.partition("__")[0], name.partition("__")[2] or None)
    for name, value in vars(by_hand).items()
    if callable(value) and value.__module__ == HAND and (FOLDER / f"{name.partition('__')[0]}.yaml").exists()
]


@pytest.mark.parametrize(("hand", "name", "variant"), HANDS, ids=[hand for hand, *_ in HANDS])
def test_it_computes_what_is_written_by_hand(hand, name, variant):
    net = built(name, variant)
    with torch.no_grad():
        wanted = getattr(by_hand, hand)(by_hand.Weights(net.state_dict()), *tensors(name, variant))
    near(run(name, variant), list(wanted) if isinstance(wanted, tuple) else [wanted])


def test_every_computation_by_hand_has_its_spec():
    functions = {name for name, value in vars(by_hand).items() if callable(value) and value.__module__ == HAND}
    assert functions - {hand for hand, *_ in HANDS} == {"Weights", "cat", "pooled"}


# --- in the graph -------------------------------------------------------------------------------


def test_labels_reach_the_graph():
    labels = {scope.name: scope.label for scope in graph_of("nested_list").root.scopes()}
    assert labels["middle"] == "two steps"
    formulas = {node.label for node in graph_of("formula").nodes if node.op.name == "formula"}
    assert {"-min(found, 6) * 2 + 4 * shifted", "-min(found, 6) * 2 + 6 * shifted"} <= formulas


def test_a_formula_of_the_graph_holds_the_numbers_of_its_call():
    texts = [show(node.fields["expression"]) for node in graph_of("formula").nodes if node.op.name == "formula"]
    assert [text.rpartition("+ ")[2] for text in texts[1::2]] == ["4 * t1", "6 * t1"]


def test_an_auxiliary_head_is_returned_in_training_alone():
    net = module.build(graph_of("stage_training"))
    (x,) = tensors("stage_training")
    assert isinstance(net.eval()(x), torch.Tensor)
    found = net.train()(x)
    w = by_hand.Weights(net.state_dict())
    near(found.aux, w.linear("aux.2", w.conv("a", x, stride=2).mean((2, 3))))
    near(found.output, net.eval()(x))
    assert [node.path for node in graph_of("stage_training").nodes if node.training] == ["aux.0", "aux.1", "aux.2"]


def test_rows_stages_and_blocks_are_scopes_in_order():
    graph = graph_of("for_table")
    assert [scope.name for scope in graph.stages()] == ["stem", "body"]
    kinds = [(scope.kind, scope.path) for scope in graph.stages()[1].scopes()]
    assert kinds[:4] == [("stage", "body"), ("row", "body.0"), ("turn", "body.0.0"), ("block", "body.0.0")]
    assert [scope.arguments["stride"] for scope in graph.root.scopes() if scope.kind == "block"] == [1, 2, 1, 2, 1, 1]


def test_a_dotted_path_reads_the_tensor_that_was_named():
    graph = graph_of("tap")
    read = {node.path: node.inputs[0].node.path for node in graph.nodes if node.path.startswith("head_branch")}
    wanted = ["rows.two.down", "rows.one.layers.0", "rows.one.2", "stem.active", "body_conv", "rows.two.2"]
    assert [read[f"head_branch{n}.0"] for n in range(1, 7)] == wanted


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "unused-step: nothing reads the result": "a: [conv: 4, {conv: 5, as: p}, {conv: 6, from: input}]",
    "unused-step: this step runs 3 times, and the last time nothing reads its result": (
        "a: [{conv: 4, as: x}, {conv: 4, as: y}, {repeat: 3, as: [x, y], body: [fork: [{conv: 4}, {add: [x, y]}]]}, y]"
    ),
    "unused-step: this step runs 3 times, and at run 1 and 3 nothing reads its result": (
        "a: [{fork: [{each: k, in: [1, 3, 5], body: [conv: {out: 4, kernel: k}]}], as: p}, 'p[1]']"
    ),
    "several-results: a step with several results cannot": "a: [{split: 3, as: p, when: true}, {relu: , from: input}]",
    "several-results: expected one tensor": "a: [{split: 3, as: p}, formula: p * 2]",
    "several-results: the last step": "a: [add: [identity, [conv: 4, {split: 2, as: p}]]]",
    "several-results: the last stage": "a: [{split: 3, as: p}]",
    "several-results: the stage before": "a: [{split: 3, as: p}]\n  b: [relu]",
    "several-results: a stage with": "a: {when: true, body: [{split: 3, as: p}]}",
    "several-results: a step with": "a: [{conv: 4, as: x}, {repeat: 2, as: [x], body: [fork: [x]], when: true}, x]",
    "several-results: a loop that carries": "a: [{conv: 4, as: x}, {repeat: 2, as: [x], body: [fork: [x]], from: x}]",
    "several-results: 'x' is one": "a: [{conv: 4, as: x}, {repeat: 2, as: x, body: [fork: [x, x]]}, concat: [x]]",
    "several-results: 'p' is a list": "a: [{split: 3, as: p}, {repeat: 2, as: [p], body: [fork: [p]]}, concat: [p]]",
    "several-names: as: names": "a: [{conv: 4, as: x}, {conv: 4, as: y}, {repeat: 2, as: [x, y], body: [relu]}, x]",
    "several-names: 2 names for 3 tensors": (
        "a: [{conv: 4, as: x}, {conv: 4, as: y}, {repeat: 2, as: [x, y], body: [fork: [x, y, x]]}, add: [x, y]]"
    ),
    "unknown-tensor: this loop carries 'y'": "a: [{conv: 4, as: x}, {repeat: 2, as: [x, y], body: [fork: [x, x]]}, x]",
    "several-results: the step before": "a: [{split: 3, as: p}, relu]",
    "bad-choice: this choice has no body 'c'": "a: [{choice: \"'c'\", of: {a: [relu], b: [bn]}}]",
    "bad-rows: the column 'f' holds": "a: [conv: 4]\n  b: {for: f, in: [a, a], body: [{from: f, conv: 4}]}",
    "bad-branch: a step that stands for": "a: [add: [{each: k, in: [1], body: [bn], when: true, else: [relu]}]]",
    "optional-tensor: 'p' does not exist if": "a: [concat: [identity, {conv: 4, when: true, as: p}]]",
    "unknown-tensor: there is no tensor 'p'": "a: [{body: [{conv: 4, as: p}], when: true}, concat: [identity, p]]",
    "unknown-tensor: 'p' does not": "a: {when: false, body: [{conv: 4, as: p}]}\n  b: [concat: [identity, a.p]]",
    "unknown-tensor: 'q' does not": "a: {when: false, body: [{conv: 4, name: q}, bn]}\n  b: [add: [identity, a.q]]",
    "empty-join: 'add' has no branches": "a: [add: [{conv: 4, when: false}]]",
    "surplus-argument: the op 'relu' takes no arguments": "a: [relu: 5]",
    "unknown-argument: the op 'conv' has no argument 'outt'": "a: [conv: {outt: 5}]",
    "shadowed-name: 'p' is already a number": "a: {let: {p: 3}, body: [{conv: 4, as: p}, relu]}",
    "bad-value: repeat takes a whole number": "a: {repeat: 1.5, body: [relu]}",
}


@pytest.mark.parametrize("wanted", REFUSED)
def test_it_is_refused(wanted):
    text = f"name: Net\ninput: [3, 8, 8]\nstages:\n  {REFUSED[wanted]}\n"
    with pytest.raises(archdsl.SpecError) as caught:
        elaborate(read_spec(Source("net.yaml", text), base=None))
    found = [f"{item.code}: {item.message}" for item in caught.value.diagnostics]
    assert len(found) == 1
    assert found[0].startswith(wanted)
    assert caught.value.diagnostics[0].span is not None


# --- docs/language.md ---------------------------------------------------------------------------

PAGE = (DOCS / "language.md").read_text(encoding="utf-8")
CHUNKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (yaml, CHUNKS[n + 1][1] if n + 1 < len(CHUNKS) and CHUNKS[n + 1][0] == "python" else "")
    for n, (kind, yaml) in enumerate(CHUNKS)
    if kind == "yaml"
]
UNIT = "blocks: {Unit: {params: [out], body: [conv: out]}}\n"


def whole(text):
    """An example as a spec of its own."""
    if text.startswith("- "):
        lines = "".join(f"    {line}\n" for line in text.splitlines())
        text = f"{UNIT}stages:\n  stem: [conv: 8]\n  part:\n{lines}"
    if not re.search("^name:", text, re.MULTILINE):
        text = f"name: Example\n{text}"
    if not re.search("^(input|inputs|extends):", text, re.MULTILINE):
        text = f"input: [3, 32, 32]\n{text}"
    return text


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_is_built_and_emitted_as_shown(number):
    text, shown = EXAMPLES[number]
    spec = read_spec(Source("example.yaml", whole(text)), base=None)
    forms = spec.networks()
    check_numbers(spec, forms)
    for form in forms:
        graph = elaborate(spec, form)
        verify(module.build(graph), graph, training=True)
    rest = archdsl.emit(elaborate(spec, forms[0]))
    for line in (line for line in shown.splitlines() if line.strip() not in ("", "...")):
        assert line.strip() in rest, f"{line.strip()!r} is not (or not in this order) in\n{rest}"
        rest = rest.split(line.strip(), 1)[1]


def check_numbers(spec, forms):
    """What `expect:` states."""
    for form in forms:
        graph = elaborate(spec, form)
        expect_stated(spec, form, *trained(graph), lambda graph=graph: graph.fingerprint)


def test_the_page_mentions_every_key_and_function():
    keys = {*SPEC, *BLOCK, *STAGE, *STEP, *STRUCTURE, *RESIDUAL, *INIT, *VARIANT, *EXPECT, "in", "of", *FUNCTIONS}
    assert {key for key in keys if not re.search(rf"\b{key}\b", PAGE)} == set()


def test_the_links_of_the_page_lead_somewhere():
    titles = re.findall("^#+ (.*)$", PAGE, re.MULTILINE)
    heads = {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert {link for link in links if link.startswith("#") and link[1:] not in heads} == set()
    assert {link for link in links if not link.startswith("#") and not (DOCS / link).exists()} == set()


def test_the_name_of_a_lone_step_is_a_key():
    keys = {key.rsplit(".", 1)[0] for key in built("name_of_a_lone_step").state_dict()}
    assert {"a.m", "b.m.conv", "c.m.0", "c.m.1", "d.m", "e.m", "f_m"} <= keys
