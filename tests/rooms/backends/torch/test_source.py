"""The source that `emit` prints: the same each time, as a careful person would publish it, and enough by itself.

Golden files: `golden/source/SPEC@VARIANT.py`. After a change of the printer write them anew with

    ARCHDSL_REWRITE_GOLDEN=1 python -m pytest tests/rooms/backends/torch/test_source.py -k golden

and read the difference before committing it.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
import tokenize
from functools import cache

import pytest
import torch
from support import deformable
from support.checkers import mypy_strict
from support.nets import SPECS, assert_equal, filled, graph_of, images, run, shipped_spec, smallest_of
from support.places import GOLDEN as GOLDENS
from support.places import LANGUAGE, PRELUDE

import archdsl
from archdsl.ops import REGISTRY
from archdsl.workspace.library import locate, read

GOLDEN = GOLDENS / "source"
VARIANTS = [(name, variant) for name in SPECS for variant in shipped_spec(name).variants]
STANDARD = {"torch", "collections", "functools", "math", "itertools", "typing"}
REWRITE = os.environ.get("ARCHDSL_REWRITE_GOLDEN") == "1"

GOLDENS = [
    ("peleenet", "1.0"),
    ("mobilenet_v2", "1.00-224"),
    ("shufflenet_v2", "x1.0"),
    ("shufflenet_v2", "torchvision-x1.0"),
    ("efficientnet", "b0"),
    ("espnet", "q8"),
    ("micronet", "m3"),
]
# Lines of code of the model's definition in torchvision 0.28: without the tables of weights, blanks, docstrings.
TORCHVISION = {"shufflenet_v2": 111, "mobilenet_v2": 112, "mnasnet": 130, "mobilenet_v3": 196, "efficientnet": 216}
SQUEEZENET = ("squeezenet", "1.1"), 70  # its other variants are not in torchvision

PARAMETRIC = ["mobilenet_v2", "efficientnet"]  # golden files of the parametric style
every_variant = pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=lambda v: v)


@cache
def parametric(name):
    return archdsl.emit(name, first_of(name), style="parametric")


@cache
def loaded(name):
    """What the source of the class of all variants defines."""
    found = {}
    exec(compile(parametric(name), name, "exec"), found)
    return found


@cache
def made_of(name, variant):
    """The text of a variant, and the shape of its image."""
    graph = archdsl.graph(name, variant)
    return archdsl.emit(graph), next(iter(graph.inputs.values())).shape


def text_of(name, variant):
    return made_of(name, variant)[0]


parsed = cache(ast.parse)


def tree_of(name, variant):
    return parsed(text_of(name, variant))


def tool(*arguments, cwd):
    """What a tool says; empty if it has nothing to say."""
    return said([sys.executable, "-m", *arguments], cwd)


def said(command, cwd):
    found = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return "" if found.returncode == 0 else found.stdout + found.stderr


@pytest.fixture(scope="session")
def emitted(tmp_path_factory):
    """A folder with every variant's source."""
    folder = tmp_path_factory.mktemp("emitted")
    for name, variant in VARIANTS:
        (folder / file_of(name, variant)).write_text(text_of(name, variant), encoding="utf-8")
    for name in SPECS:
        (folder / f"{name}_parametric.py").write_text(parametric(name), encoding="utf-8")
    return folder


def file_of(name, variant):
    return re.sub(r"\W", "_", f"{name}__{variant}") + ".py"


def first_of(name):
    return next(iter(read(name).variants))


# --- the same each time
PRINT_DIGESTS = """
import hashlib, json, sys
import archdsl
from archdsl.workspace.library import read, shipped
first = {name: next(iter(read(name).variants)) for name in shipped()}
first |= dict.fromkeys(sys.argv[1:])
print(json.dumps({f"{name} {style}": hashlib.sha256(archdsl.emit(name, first[name], style=style).encode()).hexdigest()
                  for name in first for style in ("specialized", "parametric")}))
"""


@pytest.mark.slow
def test_the_text_is_the_same_in_every_process():
    other = os.environ | {"PYTHONHASHSEED": "4711"}  # than this one's
    two_classes_of_one_op = str(LANGUAGE / "attention.yaml")
    command = [sys.executable, "-c", PRINT_DIGESTS, two_classes_of_one_op]
    process = subprocess.Popen(command, env=other, stdout=subprocess.PIPE, text=True)
    texts = {f"{name} specialized": text_of(name, first_of(name)) for name in SPECS}
    texts |= {f"{name} parametric": parametric(name) for name in SPECS}
    for style in ("specialized", "parametric"):
        texts[f"{two_classes_of_one_op} {style}"] = archdsl.emit(two_classes_of_one_op, style=style)
    printed = process.communicate()[0]
    assert process.returncode == 0
    assert json.loads(printed) == {key: hashlib.sha256(text.encode()).hexdigest() for key, text in texts.items()}


def test_the_text_is_the_same_after_reading_twice():
    name, variant = GOLDENS[0]
    assert archdsl.emit(locate(name), variant) == text_of(name, variant)
    graph = archdsl.graph(name, variant)
    assert archdsl.emit(graph) == archdsl.emit(graph) == text_of(name, variant)


@pytest.mark.parametrize(("name", "variant"), GOLDENS, ids=lambda v: v)
def test_the_text_is_that_of_the_golden_file(name, variant):
    path = GOLDEN / f"{name}@{variant}.py"
    if REWRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(name, variant), encoding="utf-8")
    assert text_of(name, variant) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PARAMETRIC)
def test_the_parametric_text_is_that_of_the_golden_file(name):
    path = GOLDEN / f"{name}.py"
    if REWRITE:
        path.write_text(parametric(name), encoding="utf-8")
    assert parametric(name) == path.read_text(encoding="utf-8")


def test_every_golden_file_is_looked_at():
    wanted = {f"{name}@{variant}.py" for name, variant in GOLDENS} | {f"{name}.py" for name in PARAMETRIC}
    assert {path.name for path in GOLDEN.glob("*.py")} == wanted


# --- the parametric style
@pytest.mark.parametrize("name", SPECS)
def test_one_class_is_every_variant(name):
    """The same keys and sizes in order: of the last one here, of the first below, of all in runtime/test_verify."""
    given, (*_, variant) = loaded(name)["VARIANTS"], shipped_spec(name).variants
    assert list(given) == list(shipped_spec(name).variants)
    graph = archdsl.graph(name, variant)
    with torch.device("meta"):
        ours, whole = archdsl.build(graph), loaded(name)[graph.name](**given[variant])
    sizes = [[(key, tuple(t.shape)) for key, t in module.state_dict().items()] for module in (ours, whole)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", SPECS)
def test_one_class_computes_what_each_network_does(name):
    variant = first_of(name)
    graph = archdsl.graph(name, variant)
    ours = archdsl.build(graph)
    whole = loaded(name)[graph.name](**loaded(name)["VARIANTS"][variant])
    assert list(whole.state_dict()) == list(ours.state_dict())
    whole.load_state_dict(ours.state_dict())
    x = [torch.randn(2, *shape) for shape in smallest_of(graph).values()]
    found = []
    for module in (ours, whole):
        torch.manual_seed(0)  # of dropout
        found.append(run(module, x))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(*found, strict=True))
    assert all(output.std() > 0 for output in found[0])


def test_arguments_that_no_variant_has_work_too():
    whole = loaded("mobilenet_v2")["MobileNetV2"](width=0.6, num_classes=7).eval()
    ours = archdsl.build("mobilenet_v2", width=0.6, num_classes=7).eval()
    whole.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 96, 96)
    assert torch.equal(whole(x), ours(x))
    whole.reset_classifier(3)
    assert whole(x).shape == (2, 3)


def test_a_style_that_there_is_not_is_refused():
    with pytest.raises(archdsl.SpecError, match="there is no style 'short'"):
        archdsl.emit("peleenet", style="short")


# --- as a careful person would publish it
def test_ruff_finds_nothing(emitted):
    assert not tool("ruff", "check", "--isolated", "--output-format=concise", ".", cwd=emitted)


def test_ruff_would_format_it_so(emitted):
    assert not tool("ruff", "format", "--isolated", "--diff", "--quiet", ".", cwd=emitted)


MORE_RULES = "ARG,B,C4,D2,D3,D4,E,F,I,PERF,PIE,RET,SIM,UP,W"
SPARED = "B905,D203,D213,E741,RET504,SIM108"  # torch traces no strict zip; papers call things l; a line for each stage


def test_stricter_rules_find_nothing_either(emitted):
    rules = f"--select={MORE_RULES}", f"--ignore={SPARED}"
    assert not tool("ruff", "check", "--isolated", *rules, "--output-format=concise", ".", cwd=emitted)


def test_mypy_finds_nothing_in_strict_mode(emitted, pytestconfig):
    files = [file_of(name, first_of(name)) for name in SPECS]
    files.append(file_of("efficientnet", "tf-b0"))
    assert not said([*mypy_strict(pytestconfig), *files], emitted)


@pytest.mark.slow
@pytest.mark.long
def test_mypy_finds_nothing_in_strict_mode_in_any_variant(emitted, pytestconfig):
    assert not said([*mypy_strict(pytestconfig), "."], emitted)


@every_variant
def test_it_imports_torch_and_the_standard_library_alone(name, variant):
    assert imported(text_of(name, variant)) <= STANDARD


@pytest.fixture(autouse=True)
def torchvision(monkeypatch):
    deformable.put_in_place(monkeypatch)


def imported(text):
    """The packages that a text imports."""
    found = set()
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    return found


MORE = {"forward_head", "get_classifier", "reset_classifier"}  # what torchvision's classes have nothing like


def code_lines(text):
    """Lines that hold code: no blanks, comments, docstrings, and no members that torchvision's classes lack."""
    spared = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in spared:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(parsed(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            lines.difference_update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
        if isinstance(node, ast.FunctionDef) and node.name in MORE:
            lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return len(lines)


def test_code_lines_leaves_out_blanks_comments_and_docstrings():
    assert code_lines('"""Doc.\n\nMore."""\n\nimport math  # why\n\n# so\nx = [\n    1,\n]\n') == 4


@cache
def lines_of(name):
    """The number of lines in the files that a spec is made of."""
    files = {}
    read(name, files)
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


@every_variant
def test_it_is_no_longer_than_what_people_write(name, variant):
    found = code_lines(text_of(name, variant))
    if variant == "large":  # not in torchvision
        assert found <= 2 * TORCHVISION[name]
    elif name in TORCHVISION:
        assert found <= TORCHVISION[name]
    elif (name, variant) == SQUEEZENET[0]:
        assert found <= SQUEEZENET[1]
    assert found <= 1.5 * lines_of(name) + 60


@every_variant
def test_its_head_states_what_was_inferred(name, variant):
    _, shape = made_of(name, variant)
    stated = shipped_spec(name).expect.get(variant)  # is found to be so by `archdsl check`, in commands/test_cli
    if stated is None or stated.macs is None:
        stated = archdsl.cost(name, variant)
    doc, shape = ast.get_docstring(tree_of(name, variant)), "×".join(map(str, shape))
    assert f"Input N×{shape}; {stated.params:,} parameters, {stated.macs:,} multiply-adds." in doc
    assert f"arXiv:{shipped_spec(name).paper['arxiv']}" in doc
    assert variant in doc.splitlines()[0]


@every_variant
def test_one_class_for_each_block_that_is_used_and_the_network_last(name, variant):
    spec, tree = shipped_spec(name), tree_of(name, variant)
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert classes[-1] == spec.name
    blocks = {block for file in (spec, *spec.uses) for block in file.blocks}
    assert set(classes) - pasted() - {spec.name, f"{spec.name}Output"} <= blocks
    assert len(set(classes)) == len(classes)
    defined, used = set(), {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    for node in tree.body:  # callees first
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            inner = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            assert not inner & set(classes) - defined
            defined.add(node.name)
    assert defined - {spec.name} <= used


@every_variant
def test_every_argument_is_read(name, variant):
    for node in ast.walk(tree_of(name, variant)):
        if isinstance(node, ast.FunctionDef):
            given = {a.arg for a in (*node.args.args, *node.args.kwonlyargs)} - {"self"}
            read_ = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            assert given <= read_, f"{node.name}, line {node.lineno}"


# --- enough by itself
ALONE = """
import importlib, json, sys
sys.path.insert(0, ".")
import torch
from torch.utils._pytree import tree_leaves
torch.set_num_threads(1)
counts = {}
for name, cls, state in json.load(open("list.json")):
    kind = getattr(importlib.import_module(name), cls)
    with torch.device("meta"):
        counts[name] = sum(p.numel() for p in kind().parameters())
    if state:
        net = kind().eval()
        net.load_state_dict(torch.load(f"{state}.state", weights_only=True), strict=True)
        with torch.no_grad():
            torch.save(tree_leaves(net(*torch.load(f"{state}.in"))), f"{state}.out")
print(json.dumps([counts, [m for m in sys.modules if m.split(".")[0] == "archdsl"]]))
"""


@pytest.mark.slow
def test_a_process_with_torch_alone_gets_the_same_from_every_file(tmp_path):
    rows, wanted = [], {}
    for name in SPECS:
        file = tmp_path / file_of(name, first_of(name))
        file.write_text(text_of(name, first_of(name)), encoding="utf-8")
        rows.append((file.stem, read(name).name, None))
        wanted[file.stem] = archdsl.cost(name, first_of(name)).params
    for name in SPECS:
        net, stem = filled(name), f"light_{name}"
        (tmp_path / f"{stem}.py").write_text(archdsl.emit(graph_of(name)), encoding="utf-8")
        torch.save(net.state_dict(), tmp_path / f"{name}.state")
        torch.save(images(name), tmp_path / f"{name}.in")
        rows.append((stem, read(name).name, name))
        wanted[stem] = sum(p.numel() for p in net.parameters())
    (tmp_path / "list.json").write_text(json.dumps(rows), encoding="utf-8")
    fresh = subprocess.run([sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert fresh.returncode == 0, fresh.stderr
    counts, ours = json.loads(fresh.stdout)
    assert counts == wanted
    assert not ours
    for name in SPECS:
        assert_equal(torch.load(tmp_path / f"{name}.out"), run(filled(name), images(name)), 1e-6)


# --- what is pasted into it
def definitions(text):
    return [n.name for n in ast.parse(text).body if isinstance(n, (ast.ClassDef, ast.FunctionDef))]


@cache
def pasted():
    """The names of all that is pasted into sources that use it."""
    return {part for file in PRELUDE.glob("*.py") for part in definitions(file.read_text(encoding="utf-8"))}


def spec(shape, *steps, **rest):
    return {"archdsl": 1, "name": "Net", "input": shape, "stages": {"body": list(steps)}, **rest}


SAME = {"out": 8, "kernel": 4, "stride": 2, "padding": "same"}
POOL = {"kernel": 3, "stride": 2, "padding": "same"}
KERNEL = {
    "weights": ["global_avg_pool", "flatten", {"linear": 8 * 4 * 9}],
    "body": {"from": "input", "body": [{"conv": {"out": 8, "kernel": 3, "stride": 2, "weight": "weights"}}]},
}
ACTED = {"Acted": {"params": ["word"], "body": [{"conv": "c_in"}, {"act": "word"}]}}
ROUNDED = {"Rounded": {"params": ["out"], "body": [{"conv": "make_divisible(c_in * 0.3)"}, {"conv": "out"}]}}
DROPPED = {"residual": [{"conv": 4}, {"drop_connect": 0.5}]}
FOUND = {
    "trunk": [{"conv": 8}],
    "boxes": {"from": "trunk", "body": [{"conv": 24}, {"flatten": "hwc"}]},
    "scores": {"from": "trunk", "body": [{"conv": 18}, {"flatten": "hwc"}]},
    "priors": {"from": "trunk", "body": [{"prior_box": [16, 4, 9]}]},
}
OUTPUTS = {name: name for name in ("boxes", "scores", "priors")}
DETECTOR = {"archdsl": 1, "name": "Net", "input": [3, 4, 4], "stages": FOUND, "outputs": OUTPUTS, "detect": {"keep": 9}}
DEFORMED = {"a": {"from": "x", "body": [{"deform_conv": {"out": 4, "offset": "o"}}]}}
PASTED = {
    "PriorBoxes": DETECTOR,
    "detections": DETECTOR,
    "Condensing": spec([8, 9, 9], {"learned_group_conv": [8, 2, 2]}),
    "CondensedConv": spec([8, 9, 9], {"learned_group_conv": [8, 2, 2, "deploy"]}),
    "LearnedLinear": spec([8], {"learned_linear": [4, 2]}),
    "CondensedLinear": spec([8], {"learned_linear": [4, 2, "deploy"]}),
    "Conv1dSame": spec([4, 9], {"conv": SAME}),
    "Conv2dSame": spec([4, 9, 9], {"conv": SAME}),
    "Conv3dSame": spec([4, 9, 9, 9], {"conv": SAME}),
    "MaxPool2dSame": spec([4, 8, 8], {"max_pool": POOL}),
    "AvgPool2dSame": spec([4, 8, 8], {"avg_pool": POOL}),
    "DynamicConv2d": {"archdsl": 1, "name": "Net", "input": [4, 9, 9], "stages": KERNEL},
    "DropConnect": spec([4, 9, 9], DROPPED),
    **{f"StdConv{n}d": spec([4, *[9] * n], {"conv": {"out": 8, "standardize": True}}) for n in (1, 2, 3)},
    **{f"BlurPool{n}d": spec([4, *[9] * n], "blur_pool") for n in (1, 2, 3)},
    "ChannelLayerNorm": spec([4, 9, 9], "layer_norm"),
    "ChannelRMSNorm": spec([4, 9, 9], "rms_norm"),
    "GlobalResponseNorm": spec([4, 9, 9], "grn"),
    "GeM": spec([4, 9, 9, 9], "gem"),
    "DropBlock": spec([4, 9, 9], "drop_block"),
    "DeformConv2d": {"archdsl": 1, "name": "Net", "inputs": {"x": [4, 9, 9], "o": [18, 9, 9]}, "stages": DEFORMED},
    "DilatedAvgPool2d": spec([4, 9, 9], {"avg_pool": {"kernel": 3, "dilation": 2}}),
    "CenterCrop": spec([4, 9, 9], {"crop": {"size": 5}}),
    "CropLike": spec(
        [4, 9, 9], {"conv": 4, "as": "a"}, {"conv": [4, 3, 2], "as": "b"}, {"crop": {"like": "b"}, "from": "a"}
    ),
    "middle": spec([4, 9, 9], {"crop": {"size": ["h_in - 4", "w_in // 2"]}}),
    "Attention": spec([4, 8, 8], {"multihead_attention": 2}),
    "RelativeAttention": spec([4, 8, 8], {"multihead_attention": {"heads": 2, "relative": True}}),
    "CrossAttention": spec(
        [4, 8, 8],
        {"conv": 4, "as": "a"},
        {"max_pool": 2, "as": "b"},
        {"multihead_attention": {"heads": 2, "kv": "b"}, "from": "a"},
    ),
    "Scale": spec([4, 9, 9], "scale"),
    "activation": spec([4, 9, 9], {"Acted": "relu"}, {"Acted": "prelu"}, blocks=ACTED),
    "make_divisible": spec([40, 9, 9], {"Rounded": 80}, {"Rounded": 8}, blocks=ROUNDED),
}


def test_every_definition_to_paste_is_tried_here():
    assert pasted() == {part for s in PASTED.values() for part in definitions(archdsl.emit(s))} & pasted()


@pytest.mark.parametrize("name", PASTED)
def test_a_file_gets_what_it_uses_and_no_more(name):
    text = archdsl.emit(PASTED[name])
    tree = ast.parse(text)
    defined = {n.name: n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    source = next(t for f in PRELUDE.glob("*.py") if name in definitions(t := f.read_text(encoding="utf-8")))
    wanted = next(n for n in ast.parse(source).body if getattr(n, "name", None) == name)
    assert ast.unparse(defined[name]) == ast.unparse(wanted)
    assert imported(text) - STANDARD == ({"torchvision"} if name == "DeformConv2d" else set())
    reached = {"Net"}
    for _ in defined:
        reached |= {n.id for part in reached & set(defined) for n in ast.walk(defined[part]) if isinstance(n, ast.Name)}
    assert set(defined) <= reached


@pytest.mark.parametrize("name", PASTED)
def test_a_network_with_what_is_pasted_is_what_was_inferred(name):
    archdsl.build(PASTED[name], verify=True)


def test_what_is_pasted_passes_the_tools_where_it_is_pasted_and_where_it_stands(tmp_path, pytestconfig):
    for name, given in PASTED.items():
        (tmp_path / f"{name}.py").write_text(archdsl.emit(given), encoding="utf-8")
    for file in PRELUDE.glob("*.py"):
        text = re.sub("  # noqa.*", "", file.read_text(encoding="utf-8"))  # which the rules of this project need
        (tmp_path / f"whole_{file.name}").write_text(text, encoding="utf-8")
    assert not tool("ruff", "check", "--isolated", "--output-format=concise", ".", cwd=tmp_path)
    assert not tool("ruff", "format", "--isolated", "--diff", "--quiet", ".", cwd=tmp_path)
    assert not said([*mypy_strict(pytestconfig), "."], tmp_path)


CUT = {"crop": {"size": ["h_in - 4", "w_in // 2"]}}
CUTS = {
    "of what enters": spec([4, 9, 9], {"conv": [4, 3]}, CUT),
    "of each turn": spec([4, 12, 32], {"repeat": 2, "body": [{"conv": [4, 3]}, CUT]}),
    "of a sequence": spec([4, 16], {"conv": [4, 3]}, {"crop": {"size": ["w_in - 6"]}}),
    "of a tensor with the name of the function": {
        "archdsl": 1, "name": "Net", "inputs": {"middle": [4, 9, 9]}, "stages": {"a": [CUT]}
    },
}  # fmt: skip


@pytest.mark.parametrize("style", ["specialized", "parametric"])
@pytest.mark.parametrize("name", CUTS)
def test_a_crop_to_a_computed_size_follows_the_size_of_the_image(name, style):
    given, names = CUTS[name], {}
    exec(archdsl.emit(given, style=style), names)
    ((_, shape),) = archdsl.graph(given).inputs.items()
    for more in (0, 3):
        c, *size = shape.shape
        larger = [c, *(n + more for n in size)]
        (wanted,) = archdsl.graph(given, input=larger).outputs.values()
        assert tuple(names["Net"]()(torch.zeros(1, *larger)).shape[1:]) == wanted.shape
    archdsl.build(given, verify=True)


@pytest.mark.parametrize("name", ["CropLike", "middle", "GeM", "GlobalResponseNorm", "StdConv2d", "BlurPool2d"])
def test_what_is_pasted_is_followed_by_fx(name):
    net = archdsl.build(PASTED[name]).eval()
    x = torch.randn(2, *PASTED[name]["input"])
    assert torch.equal(torch.fx.symbolic_trace(net)(x), net(x))


NORMED = [{"conv": 4}, "layer_norm", "grn", {"bn": {"affine": False}}, "bn", "flatten", {"linear": 3}, "layer_norm"]


def test_norms_of_every_class_are_initialised_and_those_without_a_scale_left_out():
    rule = {"weight": {"constant": 0.5}, "bias": {"constant": 2}}
    init = {"layer_norm": rule, "grn": rule, "bn": {"weight": {"constant": 0.25}}}
    given = spec([3, 2, 2], *NORMED, init=init, blocks={"GlobalResponseNorm": {"body": ["relu"]}})
    given["stages"]["body"].insert(0, "GlobalResponseNorm")
    state = archdsl.build(given, verify=True).state_dict()
    found = {key: tensor.unique().tolist() for key, tensor in state.items() if tensor.dim() == 1}
    assert found["body.2.weight"] == found["body.3.weight"] == found["body.8.weight"] == [0.5]
    assert found["body.2.bias"] == found["body.3.bias"] == found["body.8.bias"] == [2]
    assert found["body.5.weight"] == [0.25]
    assert "body.4.weight" not in found


# --- every op, its fields as literals and as params
def steps_of(op, fields, tensors):
    """The op as a spec has it."""
    if op.name == "formula":
        text = re.sub(r"t(\d)", lambda match: tensors[int(match[1])], fields["expression"])
        return [{"formula": text}]
    if op.many:
        return [{op.name: tensors}]
    if op.name == "split":
        return [{"split": fields["sizes"], "as": ["left", "right"]}, {"concat": ["right", "left"]}]
    own = dict(zip(op.example_tensors(), tensors[1:], strict=True)) if tensors else {}
    return [{op.name: dict(fields) | own} if {**fields, **own} else op.name]


def others(value):
    """Values that might do as well."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [2 * value, value + 2, value + 1, value - 1, 3 * value]
    if isinstance(value, float):
        return [value / 2]
    return [value[::-1], [n + 1 for n in value]] if isinstance(value, list) else []


def plain_spec(op):
    if op.name == "reparam":  # its branches are layers on one tensor
        body = [{"reparam": [{"conv": 8}, {"conv": {"out": 8, "kernel": 3}}]}]
        return {"archdsl": 1, "name": "Net", "input": [4, 6, 6], "stages": {"a": body}}
    shapes, fields = op.example["inputs"], op.example["fields"]
    inputs = {f"in{number}": list(shape) for number, shape in enumerate(shapes)}
    body = {"from": "in0", "body": steps_of(op, fields, list(inputs))}
    return {"archdsl": 1, "name": "Net", "inputs": inputs, "stages": {"a": body}}


def spec_with_param(op, field):
    """A block whose param is the field, called with two values."""
    shapes, fields = op.example["inputs"], op.example["fields"]
    value = fields[field]
    blocks = {"Block": {"params": ["value"], "body": steps_of(op, {**fields, field: "value"}, [])}}
    base = {"archdsl": 1, "name": "Net", "input": list(shapes[0]), "blocks": blocks}
    for other in others(value):
        calls = [[{"Block": {"value": v}}, "flatten", {"linear": 3}] for v in (value, other)]
        one, two = ({"from": "input", "body": call} for call in calls)
        try:
            archdsl.graph({**base, "stages": {"two": two}})
        except archdsl.SpecError:
            continue
        return {**base, "stages": {"one": one, "two": two, "sum": [{"add": ["one", "two"]}]}}
    return None


def is_fixed(op, field):
    """Whether a field says what an expression is: where it differs between calls, that takes two blocks."""
    item = op.field(field)
    return item is not None and item.chooses and op.functional(frozenset(op.example["fields"]))


OPS = {name: plain_spec(op) for name, op in sorted(REGISTRY.items()) if not op.owned} | {
    f"{name}.{field}": found
    for name, op in sorted(REGISTRY.items())
    if len(op.example["inputs"]) == 1 and not op.many and not op.owned
    for field in op.example["fields"]
    if not is_fixed(op, field)
    if (found := spec_with_param(op, field))
}


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_printed_as_inferred_and_followed_by_fx(name):
    from archdsl.runtime import module

    graph = archdsl.graph(OPS[name])
    net = module.build(graph)
    module.prove(net, graph)
    inputs = [torch.randn(2, *tensor.shape) for tensor in graph.inputs.values()]
    if name != "deform_conv":  # torchvision asks for the number of groups in Python
        assert torch.equal(torch.fx.symbolic_trace(net.eval())(*inputs), net(*inputs))


def test_the_source_of_every_op_passes_the_tools(tmp_path, pytestconfig):
    for name, given in OPS.items():
        # not by the name of the op alone, which may be that of a module of Python
        (tmp_path / f"op_{name.replace('.', '_')}.py").write_text(archdsl.emit(given), encoding="utf-8")
    assert not tool("ruff", "check", "--isolated", "--output-format=concise", ".", cwd=tmp_path)
    assert not tool("ruff", "format", "--isolated", "--diff", "--quiet", ".", cwd=tmp_path)
    assert not said([*mypy_strict(pytestconfig), "."], tmp_path)


def test_names_that_follow_from_one_another_are_printed_in_no_time():
    lets = {f"n{n}": f"n{n - 1} * 3 % 7 + n{n - 1} % 5" for n in range(1, 30)}
    unit = {"params": ["n0"], "let": lets, "body": [{"conv": "n29 + 1"}, {"conv": "n29 + 2"}, {"conv": 4}]}
    stages = {"a": [{"Unit": 3}, {"Unit": 4}]}
    start = time.perf_counter()
    text = archdsl.emit({"archdsl": 1, "name": "Net", "input": [3, 8, 8], "blocks": {"Unit": unit}, "stages": stages})
    assert time.perf_counter() - start < 4
    assert "n29 = n28 * 3 % 7 + n28 % 5" in text
