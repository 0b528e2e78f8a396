"""Ops of other packages: everywhere an op is, and at fault under their own name."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import DOCS, ROOT

import archdsl
from archdsl.commands import cli
from archdsl.ops import REGISTRY

EXAMPLE = DOCS / "examples" / "dynamic_tanh"
NET = EXAMPLE / "net.yaml"
PAGE = (DOCS / "adding-an-op.md").read_text(encoding="utf-8")

SOUND = '''
import archdsl
from archdsl import Field, Module, Op, OpFault


class Halve(Op, name="halve"):
    """Half of what enters."""

    group, counts = "elementwise", "elementwise"
    fields = (Field("times", "int", 1, "how often"),)
    prelude = "layers.py"

    def compute(self, run, *x):
        return x[0] / 2**run.f.times

    def module(self, e):
        return Module("Halve", (e.f.times,))
'''
LAYERS = '''
from torch import Tensor, nn


class Halve(nn.Module):
    """Half of what enters."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        return x / 2**self.times
'''
SPEC = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 8, 8],
    "stages": {"a": [{"conv": 4}, {"halve": 2}], "b": ["relu", "global_avg_pool"]},
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a plug-in with other text in some places; gives its file."""
    monkeypatch.chdir(tmp_path)
    for module in ("my_ops", "others"):
        monkeypatch.delitem(sys.modules, module, raising=False)

    def written(*changes, layers=(), name="my_ops.py"):
        text, module = SOUND, LAYERS
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        for old, new in layers:
            assert old in module
            module = module.replace(old, new)
        Path("layers.py").write_text(module, encoding="utf-8")
        Path(name).write_text(text, encoding="utf-8")
        return name

    return written


# --- the example
@pytest.fixture
def installed(tmp_path):
    """A folder with the example as an installer leaves it."""
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    site = tmp_path / "site"
    shutil.copytree(EXAMPLE / "dynamic_tanh", site / "dynamic_tanh")
    info = site / f"dynamic_tanh-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["archdsl.ops"]
    (info / "entry_points.txt").write_text("[archdsl.ops]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()))
    return site


def run(site, *words, cwd):
    """A command in a process that finds the packages of a folder."""
    paths = os.pathsep.join([str(ROOT), str(site)])
    command = [sys.executable, "-m", "archdsl", *words]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )


def test_an_installed_package_brings_its_op_to_the_command_line(installed, tmp_path):
    checked = run(installed, "check", str(NET), "--deep", cwd=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "proven" in checked.stdout
    listed = run(installed, "ops", "dynamic_tanh", cwd=tmp_path)
    assert "what alpha starts from" in listed.stdout
    schema = json.loads(run(installed, "schema", cwd=tmp_path).stdout)
    assert "dynamic_tanh" in json.dumps(schema["$defs"]["step"])


def test_without_the_package_or_its_file_the_op_is_not_there(tmp_path):
    found = run(tmp_path, "check", str(NET), cwd=tmp_path)
    assert found.returncode == 2
    assert "error[unknown-op]: 'dynamic_tanh' is not an op" in found.stderr


def test_a_package_that_cannot_be_loaded_is_named_at_the_op_that_is_missing(installed, tmp_path):
    (installed / "dynamic_tanh" / "__init__.py").write_text("import nowhere_at_all\n")
    found = run(installed, "check", str(NET), cwd=tmp_path)
    assert found.returncode == 2
    assert re.search(
        r"net.yaml:\d+:\d+: error\[bad-plugin\]: the plug-in 'dynamic_tanh' \(dynamic_tanh of dynamic-tanh 0",
        found.stderr,
    )
    assert "ModuleNotFoundError: No module named 'nowhere_at_all'" in found.stderr
    assert "unknown-op" not in found.stderr
    sound = run(installed, "check", "squeezenet", cwd=tmp_path)
    assert sound.returncode == 0, sound.stderr


def test_the_page_shows_the_files_of_the_example():
    blocks = re.findall(r"^```(?:py|toml)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for file in ("dynamic_tanh/__init__.py", "dynamic_tanh/layers.py"):
        assert (EXAMPLE / file).read_text(encoding="utf-8") in blocks
    assert any(block in (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8") for block in blocks)


@pytest.fixture
def example():
    """The op of the example, loaded as a call from Python does."""
    assert archdsl.load_ops(EXAMPLE / "dynamic_tanh") == ["dynamic_tanh"]
    return NET


def test_the_op_of_the_example_is_initialised_as_its_constructor_and_the_spec_say(example):
    net = archdsl.build(example, verify=True)
    first = net.stem.dynamic_tanh
    assert first.alpha.item() == 0.5
    assert (first.weight.tolist(), first.bias.tolist()) == (pytest.approx([0.9] * 16), [0] * 16)
    assert net.body[0].unit.dynamic_tanh.alpha.item() == pytest.approx(0.8)
    assert sum(p.numel() for p in net.parameters()) == archdsl.cost(example).params


def test_the_source_of_the_example_stands_alone_and_is_clean(example, tmp_path):
    for style in ("specialized", "parametric"):
        text = archdsl.emit(example, style=style)
        (tmp_path / f"{style}.py").write_text(text, encoding="utf-8")
        assert not re.search(r"^(import|from) (?!torch)", text, re.MULTILINE)
        assert text.count("class DynamicTanh(nn.Module):") == 1
    for words in (["check"], ["format", "--check"]):
        subprocess.run(["ruff", *words, "--isolated", "-q", "."], cwd=tmp_path, check=True)
    code = "import torch, specialized; print(tuple(specialized.NormFreeNet()(torch.zeros(2, 3, 64, 64)).shape))"
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=alone, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "(2, 10)\n"


def test_figures_and_graphs_of_the_example_are_like_all_others(example):
    assert "Dynamic tanh" in archdsl.draw(example, block="Unit")
    graph = archdsl.graph(example)
    for other in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert archdsl.emit(other) == archdsl.emit(graph)


def test_a_module_with_an_own_op_is_read_by_a_process_that_lacks_the_op(example, tmp_path):
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(archdsl.build(example)))
    code = "import pickle, torch; net = pickle.load(open('net.pickle', 'rb'));"
    code += "print(tuple(net(torch.zeros(1, 3, 64, 64)).shape))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "(1, 10)\n"


def test_a_pickled_graph_asks_for_the_op_that_it_needs(example):
    data = pickle.dumps(archdsl.graph(example))
    del REGISTRY["dynamic_tanh"]
    with pytest.raises(archdsl.SpecError, match=r"the op 'dynamic_tanh' of dynamic_tanh \(.*\) is not loaded here"):
        pickle.loads(data)


def test_every_command_that_reads_specs_takes_a_file_of_ops(write, tmp_path, capfd):
    write()
    Path("net.yaml").write_text(json.dumps(SPEC), encoding="utf-8")
    for words in (
        ["check", "net.yaml"],
        ["cost", "net.yaml"],
        ["emit", "net.yaml"],
        ["draw", "net.yaml"],
        ["table", "net.yaml"],
    ):
        del_own()
        assert cli.main([*words, "--ops", "my_ops.py"]) == 0, capfd.readouterr().err
    del_own()
    assert cli.main(["ops", "halve", "--ops", "my_ops.py"]) == 0
    assert "how often" in capfd.readouterr().out


def del_own():
    for name in REGISTRY.own():
        del REGISTRY[name]


# --- loading
def test_a_file_that_is_loaded_again_replaces_its_ops(write):
    archdsl.load_ops(write())
    assert archdsl.cost(SPEC).elementwise == 4 * 8 * 8
    changed = write(("    def compute", "    def work(self, f, shape, out):\n        return 7\n\n    def compute"))
    assert archdsl.load_ops(changed) == ["halve"]
    assert archdsl.cost(SPEC).elementwise == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([('name="halve"', 'name="conv"')], r"'conv' of my_ops \(my_ops.py\) has the name of an op of archdsl"),
        ([('name="halve"', 'name="residual"')], r"'residual' of my_ops .* has the name of a word of the language"),
        ([('name="halve"', 'name="Halve"')], "the op 'Halve' of my_ops .* cannot have that name"),
        ([("fields = (", "fields = [*("), ('"how often"),)', '"how often"),)]')], "has fields that are none"),
        ([('Field("times"', 'Field("a b"')], "cannot have a field 'a b'"),
        ([('counts = "elementwise", "elementwise"', 'role = "elementwise", "blue"')], "has the role 'blue'"),
        ([('"elementwise", "elementwise"', '"elementwise", "flops"')], "counts 'flops', which is no column"),
        ([('"layers.py"', '"gone.py"')], "names the prelude 'gone.py', which is not there"),
        ([("import archdsl\n", "import archdsl\n1 / 0\n")], r"ops 'my_ops.py' cannot be loaded: ZeroDiv.*\(line 3\)"),
        ([("import archdsl\n", "import archdsl\nraise SystemError('no')\n")], "cannot be loaded: SystemError: no"),
        ([("import archdsl\n", "import archdsl\nraise SystemExit\n")], "cannot be loaded: SystemExit"),
        ([("class Halve(Op", "class Halve(Op) # (")], "SyntaxError"),
        ([(', name="halve"', "")], "there is no op in 'my_ops.py'"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_op_is_refused_when_it_is_loaded_and_leaves_nothing(write, changes, message):
    before = dict(REGISTRY)
    with pytest.raises(archdsl.SpecError, match=message) as caught:
        archdsl.load_ops(write(*changes))
    assert [item.code for item in caught.value.diagnostics] == ["bad-plugin"]
    assert dict(REGISTRY) == before


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("Tensor, nn\n", "Tensor, nn\n\nHALF = 2\n")], "'layers.py' that holds more than .*line 4"),
        ([("class Halve(", "class Halve)(")], "has a prelude that cannot be read, 'layers.py': SyntaxError"),
    ],
)  # fmt: skip
def test_a_prelude_that_cannot_be_pasted_is_refused(write, layers, message):
    with pytest.raises(archdsl.SpecError, match=message):
        archdsl.load_ops(write(layers=layers))


def test_two_files_with_one_op_are_both_named(write):
    archdsl.load_ops(write())
    with pytest.raises(
        archdsl.SpecError, match=r"two plug-ins have an op 'halve': my_ops \(my_ops.py\) and others \(others.py\)"
    ):
        archdsl.load_ops(write(name="others.py"))


@pytest.mark.parametrize(("file", "code"), [("gone.py", "missing-file"), (3, "bad-call"), ("net.yaml", "bad-plugin")])
def test_what_is_no_file_of_ops_is_refused(file, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text("archdsl: 1\n")
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.load_ops(file)
    assert [item.code for item in caught.value.diagnostics] == [code]


# --- rules that fail
def told(spec, do=lambda spec: archdsl.build(spec, verify=True)):
    """The one fault of a spec."""
    with pytest.raises(archdsl.SpecError) as caught:
        do(spec)
    (found,) = caught.value.diagnostics
    return found


RULE = "    def compute(self, run, *x):"


def rule(text):
    return (RULE, f"{text}\n\n{RULE}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rule("    def check(self, f, *shapes):\n        return shapes[0][9]"), r"fails in check\(\): IndexError"),
        (rule("    def check(self, f, *shapes):\n        raise SystemExit"), r"fails in check\(\): SystemExit"),
        (rule("    def size(self, f, size):\n        return self.size(f, size)"), r"fails in size\(\): RecursionError"),
        (rule("    def check(self, f, *shapes):\n        return False"), r"check\(\) gives False, not nothing"),
        (rule("    def channels(self, f, c, size):\n        return c / 2"), r"channels\(\) gives 2.0, not whole"),
        (rule("    def size(self, f, size):\n        return size[0]"), r"size\(\) gives 8, not a tuple"),
        (rule("    def params(self, f, shape, out):\n        return None"), r"params\(\) gives None, not a whole"),
        (rule("    def functional(self, given):\n        return given"), r"functional\(\) gives .*, not a truth value"),
        (("return Module(", "return str("), r"fails in module\(\): TypeError"),
        (('return Module("Halve", (e.f.times,))', "return e"), r"module\(\) gives .*, not a Module"),
        (('Module("Halve"', 'Module("Half"'), "makes a module 'Half', which its prelude does not define"),
        (('Module("Halve"', 'Module("nn.Halve"'), "makes a module that fails: AttributeError"),
        (("(e.f.times,)", "()"), "makes a module that fails: TypeError"),
        (("    def module(", "    def modules("), r"has no module\(\): it cannot be printed"),
        (("    def compute(", "    def computes("), r"has no compute\(\): its computation is not defined"),
        (("return x[0] /", "return x[1] /"), r"fails in compute\(\): IndexError.* \(line 14\)"),
        (("return x[0] / 2**run.f.times", "return 3"), r"compute\(\) gives \['int'\], its shapes say"),
        (("return x[0] /", "return x[0][:, :2] /"), r"compute\(\) gives \[\(2, 2, .*\)\], its shapes say \[\(2, 4, "),
        (("return x[0] /", "return x[0] * 2 /"), r"compute\(\) and what it prints differ: "),
    ],
)  # fmt: skip
def test_a_rule_that_fails_is_the_fault_of_its_op_at_its_step(write, change, message):
    archdsl.load_ops(write(change))
    Path("net.yaml").write_text("archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages:\n  a: [conv: 4, halve: 2]\n")
    found = told("net.yaml")
    assert (found.code, str(found.span)) == ("bad-plugin", "net.yaml:5:16"), found.message
    assert re.match(rf"the op 'halve' of my_ops \(my_ops.py\).*{message}", found.message), found.message
    assert found.help


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("return x /", "return x.halves /")], "makes a module that cannot run: 'Tensor' object has no attribute"),
        ([("    def forward", "    @staticmethod\n    def forward")], "has a prelude that cannot be pasted"),
        ([("self.times = times", "self.times = times[0]")], "makes a module that fails: TypeError"),
    ],
)  # fmt: skip
def test_a_module_that_fails_is_the_fault_of_its_op(write, layers, message):
    archdsl.load_ops(write(layers=layers))
    found = told(SPEC)
    assert found.code == "bad-plugin"
    assert message in found.message
    assert found.span is not None


def test_a_count_that_fails_is_the_fault_of_its_op(write):
    archdsl.load_ops(write(rule("    def work(self, f, shape, out):\n        return -1")))
    found = told(SPEC, archdsl.cost)
    assert "work() gives -1, not a whole number, at least 0" in found.message
    assert found.span is not None


def test_a_label_that_fails_is_the_fault_of_its_op(write):
    archdsl.load_ops(write(rule("    def label(self, f, shape, out):\n        return shape[7]")))
    found = told(SPEC, lambda spec: archdsl.draw(spec, level="op"))
    assert "fails in label(): IndexError" in found.message


def test_a_module_that_onnx_cannot_say_is_the_fault_of_its_op(write, tmp_path):
    pytest.importorskip("onnxscript")
    changes = [
        ("from torch import Tensor, nn", "import torch\nfrom torch import Tensor, nn"),
        ("return x / 2**self.times", "return x * torch.linalg.svd(x).S[..., :1, None]"),
    ]
    archdsl.load_ops(write(layers=changes))
    found = told(SPEC, lambda spec: archdsl.export_onnx(spec, tmp_path / "net.onnx"))
    assert re.match("the op 'halve' of my_ops .* makes a module that cannot be written as ONNX: ", found.message)
    assert found.span is not None


def test_an_op_without_compute_is_counted_printed_and_drawn(write):
    archdsl.load_ops(write(("    def compute(", "    def computes(")))
    assert archdsl.cost(SPEC).elementwise == 4 * 8 * 8
    assert "Halve(2)" in archdsl.emit(SPEC)
    assert archdsl.build(SPEC)


def test_a_fault_of_a_spec_that_an_op_finds_stays_one(write):
    text = '    def check(self, f, *shapes):\n        raise OpFault("too small", field="times", help="make it larger")'
    archdsl.load_ops(write(rule(text)))
    found = told(SPEC)
    assert (found.code, found.message, found.help) == ("shape", "too small", "make it larger")


# --- preludes
def test_what_a_prelude_imports_the_source_imports(write):
    changes = [
        ("from torch import Tensor, nn", "import operator\nfrom json import dumps\n\nfrom torch import Tensor, nn"),
        ("return x /", "return operator.truediv(x, 2) if dumps([]) else x /"),
    ]
    archdsl.load_ops(write(layers=changes))
    text = archdsl.emit(SPEC)
    assert "\nimport operator\nfrom json import dumps\n\nfrom torch import Tensor, nn\n" in text
    assert archdsl.build(SPEC).a[1].times == 2
    assert pickle.loads(pickle.dumps(archdsl.build(SPEC))).a[1].times == 2


def test_a_block_with_the_name_of_a_prelude_class_keeps_it(write):
    archdsl.load_ops(write())
    spec = {**SPEC, "blocks": {"Halve": ["halve"]}, "stages": {"a": ["Halve", {"halve": 2}]}}
    assert "class Halve_2(nn.Module):" in archdsl.emit(spec)
    archdsl.build(spec, verify=True)


def test_two_preludes_with_one_name_for_two_things_are_refused_in_one_network(write):
    archdsl.load_ops(write())
    other = ('name="halve"', 'name="quarter"'), ("layers.py", "quarters.py")
    Path("quarters.py").write_text(LAYERS.replace("x / 2", "x / 4"), encoding="utf-8")
    archdsl.load_ops(write(*other, name="others.py"))
    assert archdsl.build(SPEC)
    spec = {**SPEC, "stages": {"a": ["halve", "quarter"]}}
    found = told(spec, archdsl.emit)
    assert re.search("the preludes of the op 'quarter' of others .* and of 'halve' both define 'Halve'", found.message)


@pytest.mark.parametrize(
    ("rule", "message"),
    [({"weight": {"normal": 0.1}}, "the op 'halve' has no weight that init: could fill"),
     ({"bias": {"zeros": 0}}, None)],
)  # fmt: skip
def test_an_initialisation_of_what_a_module_lacks_is_refused(write, rule, message):
    archdsl.load_ops(write())
    with pytest.raises(archdsl.SpecError, match=message or "initialisation"):
        archdsl.emit({**SPEC, "init": {"halve": rule}})


# --- passes and back ends
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 1 / 0", "the back end 'odd' .* fails: ZeroDivisionError: division by zero"),
        ("return 3", "the back end 'odd' .* gives 3, neither text nor bytes"),
    ],
)
def test_a_back_end_that_fails_is_told_by_its_name(body, message, tmp_path, monkeypatch, capfd):
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[archdsl.backends]\nodd = odd_backend:emit\n")
    (tmp_path / "odd_backend.py").write_text(f"def emit(graph):\n    {body}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd_backend", raising=False)
    assert cli.main(["emit", "squeezenet", "--target", "odd"]) == 2
    err = capfd.readouterr().err
    assert re.search(message, err), err
    assert "odd_backend:emit of odd 1.0" in err
    assert "fault of archdsl 0" not in err
