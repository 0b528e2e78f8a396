"""The command line: results on stdout, faults on stderr, exit status 0, 2 or 1."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

import archdsl
from archdsl.commands import cli, options, terminal
from archdsl.diagnostics.faults import SpecError
from archdsl.ops.activation import ReLU
from archdsl.workspace.library import all_shipped, shipped

SMALL = """\
archdsl: 1
name: Small
input: [3, 16, 16]
params: {width: 8, num_classes: 10}
blocks:
  Unit:
    params: [out]
    body: [conv: {out: out, kernel: 3}, bn, relu]
stages:
  stem: [Unit: {out: width}]
  head: [global_avg_pool, flatten, linear: num_classes]
variants:
  wide: {width: 16}
expect:
  default: {params: 330, macs: 55376}
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder with one small spec."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def run(here, capfd):
    """Runs a command in this process; gives status, stdout, stderr."""

    def call(*args: str) -> tuple[int, str, str]:
        status = cli.main(args)
        out, err = capfd.readouterr()
        return status, out, err

    return call


def process(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The same as a process of its own."""
    path = str(Path(archdsl.__file__).parent.parent)
    env = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run([sys.executable, "-m", "archdsl", *args], cwd=cwd, env=env, capture_output=True, check=False)


# --- check
def test_check_says_ok_in_a_line_for_each_spec(run):
    status, out, err = run("check", "small.yaml", "peleenet")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "small.yaml: ok (Small: 2 configurations checked, 1 states expected numbers)",
        "peleenet: ok (PeleeNet: 2 configurations checked, 1 states expected numbers)",
    ]


@pytest.mark.parametrize("name", all_shipped())
def test_every_shipped_spec_passes_its_check(name, run):
    assert run("check", name)[0] == 0


def test_check_shows_a_fault_with_place_and_help_on_stderr(run, here):
    (here / "small.yaml").write_text(SMALL.replace("relu", "rellu"))
    status, out, err = run("check", "small.yaml")
    assert (status, out) == (2, "")
    assert "small.yaml:8:" in err
    assert "did you mean 'relu'?" in err


def test_check_goes_on_after_a_bad_spec(run, here):
    (here / "bad.yaml").write_text(SMALL.replace("relu", "rellu"))
    status, out, err = run("check", "bad.yaml", "small.yaml")
    assert status == 2
    assert out.startswith("small.yaml: ok")
    assert "bad.yaml:8:" in err


def test_a_wrong_expected_number_is_a_fault_at_its_line(run, here):
    (here / "small.yaml").write_text(SMALL.replace("55376", "55377"))
    status, _, err = run("check", "small.yaml")
    assert status == 2
    assert "small.yaml:15:" in err
    assert "Small has 55,376 macs, but expect: states 55,377" in err


def test_a_fault_that_only_a_variant_has_is_found(run, here):
    (here / "small.yaml").write_text(SMALL.replace("wide: {width: 16}", "wide: {width: 0}"))
    status, _, err = run("check", "small.yaml")
    assert status == 2
    assert "at least 1" in err


def test_check_gives_json_to_programs(run, here):
    status, out, err = run("check", "small.yaml", "--format", "json")
    assert (status, json.loads(out), err) == (0, {"archdsl_check": 1, "diagnostics": []}, "")
    (here / "small.yaml").write_text(SMALL.replace("relu", "rellu"))
    status, out, err = run("check", "small.yaml", "--format", "json")
    assert (status, err) == (2, "")
    (found,) = json.loads(out)["diagnostics"]
    assert (found["file"], found["line"], found["severity"]) == ("small.yaml", 8, "error")


def test_check_gives_annotations_to_github(run, here):
    (here / "small.yaml").write_text(SMALL.replace("relu", "rellu"))
    status, out, _ = run("check", "small.yaml", "--format", "github")
    assert status == 2
    assert out.startswith("::error file=small.yaml,line=8,")


# --- the call
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("cost", "peleenett"), "did you mean 'peleenet'?"),
        (("cost", "smal.yaml"), "did you mean 'small.yaml'?"),
        (("cost", "."), "is a folder, not a spec"),
        (("cost", "small.yaml", "--variant", "wid"), "did you mean 'wide'?"),
        (("cost", "small.yaml", "--variant", "zzz"), "wide"),
        (("draw", "small.yaml", "-o", "a.svg", "-o", "b.pdf"), "--output is given 2 times, and takes one value"),
        (("draw", "small.yaml", "-v", "wide", "-v", "wide"), "--variant is given 2 times"),
        (("show", "small.yaml", "-v", "wide", "-v", "wide"), "--variant is given 2 times"),
        (("build", "small.yaml", "-o", "a", "-o", "b"), "--out is given 2 times"),
        (("time", "small.yaml", "--format", "csv", "--format", "json"), "--format is given 2 times"),
        (("sweep", "small.yaml", "-o", "a", "--format", "csv", "--format", "jsonl"), "--format is given 2 times"),
        (("plot", "stages", "small.yaml", "--format", "svg", "--format", "pdf"), "--format is given 2 times"),
        (("cost", "small.yaml", "--set", "widht=3"), "did you mean 'width'?"),
        (("cost", "small.yaml", "--set", "width"), "--set takes name=value"),
        (("cost", "small.yaml", "--set", "width={a: 1}"), "'width' cannot be a mapping"),
        (("emit", "small.yaml", "--option", "style={a: 1}"), "'style' cannot be a mapping"),
        (("cost", "small.yaml", "--set", "width=[1"), "--set:1:"),
        (("cost", "small.yaml", "--input", "3,a,4"), "--input takes C,H,W"),
        (("cost", "small.yaml", "--input", "3,8,8", "--input", "3,9,9"), "each need a name"),
        (("cost", "small.yaml", "--input", "image=3,8,8"), "has no input 'image'"),
        (("cost", "small.yaml", "--format", "markdown"), "choose from text, md, latex, json, csv"),
        (("draw", "small.yaml", "--format", "gif"), "there is no figure format 'gif'"),
        (("draw", "small.yaml", "--block", "Unitt"), "did you mean 'Unit'?"),
        (("emit", "small.yaml", "--to", "tensorflow"), "there is no back end 'tensorflow'"),
        (("emit", "small.yaml", "-o", "no/where.py"), "there is no folder 'no'"),
        (("ops", "cnv"), "did you mean 'conv'?"),
        (("chekc", "small.yaml"), "No such command"),
        (("check",), "Missing argument"),
    ],
)
def test_a_faulty_call_is_told_what_to_do(run, args, said):
    status, out, err = run(*args)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("16", 16),
        ("0x10", 16),
        ("1e-3", 0.001),
        ("true", True),
        ("on", "on"),
        ("[1, [2, x]]", [1, [2, "x"]]),
        ("", None),
        ("'1'", "1"),
        ("a=b", "a=b"),
    ],
)
def test_set_reads_yaml_1_2(value, expected):
    found = options.parse_set(None, click.Option(["--set"]), [f"key={value}"])["key"]
    assert found == expected
    assert type(found) is type(expected)


def test_set_variant_and_input_reach_the_network(run):
    assert '"params": 330' in run("cost", "small.yaml", "--format", "json")[1]
    wide = json.loads(run("cost", "small.yaml", "--variant", "wide", "--format", "json")[1])
    narrow = json.loads(run("cost", "small.yaml", "--variant", "wide", "--set", "width=8", "--format", "json")[1])
    small = json.loads(run("cost", "small.yaml", "--input", "3,8,8", "--format", "json")[1])
    named = json.loads(run("cost", "small.yaml", "--input", "x=3,8,8", "--format", "json")[1])
    assert wide["params"] > narrow["params"] == 330
    assert small["inputs"] == named["inputs"] == {"x": [3, 8, 8]}


# --- results
def test_emit_prints_source_that_compiles(run):
    status, out, err = run("emit", "small.yaml")
    assert (status, err) == (0, "")
    compile(out, "small.py", "exec")
    assert out == archdsl.emit("small.yaml")


def test_emit_to_a_file_prints_nothing(run, here):
    assert run("emit", "small.yaml", "-o", "net.py") == (0, "", "")
    assert (here / "net.py").read_text() == archdsl.emit("small.yaml")
    assert sorted(path.name for path in here.iterdir()) == ["net.py", "small.yaml"]


def test_emit_to_json_holds_ops_scopes_and_cost(run):
    data = json.loads(run("emit", "small.yaml", "--to", "json")[1])
    assert [node["op"] for node in data["nodes"]] == ["conv", "bn", "relu", "global_avg_pool", "flatten", "linear"]
    assert data["nodes"][1]["inputs"] == [{"node": 0}]
    assert data["cost"]["params"] == 330
    assert data["scopes"]["children"][0]["name"] == "stem"


@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<svg"), ("dot", b"digraph"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_draw_chooses_the_format_by_the_name_of_the_file(run, here, form, start):
    assert run("draw", "small.yaml", "-o", f"net.{form}")[:2] == (0, "")
    assert start in (here / f"net.{form}").read_bytes()[:200]


def test_cost_prints_a_table_and_totals(run):
    status, out, err = run("cost", "small.yaml")
    assert (status, err) == (0, "")
    assert "stem" in out
    assert "params 330" in out
    assert "counted: " in out


def test_list_names_every_shipped_spec(run):
    out = run("list")[1]
    survey, beyond = out.split("Other networks (specs/beyond)")
    assert survey.startswith("Lightweight networks (specs)")
    assert all(f"\n{name} " in survey for name in shipped())
    assert all(f"\n{name} " in beyond for name in shipped("specs/beyond"))
    assert "2,802,248" in survey


@pytest.mark.parametrize("variants", [False, True])
def test_list_as_json_tells_the_folder_of_each(run, variants):
    found = json.loads(run("list", "--format", "json", *["--variants"] * variants)[1])["specs"]
    assert {(entry["folder"], entry["spec"]) for entry in found} == {
        (folder, name) for folder in ("specs", "specs/beyond") for name in shipped(folder)
    }
    (entry,) = (e for e in found if e["spec"] == "resnet" and e.get("variant") in (None, "18"))
    assert entry["params"] == (11_689_512 if variants else 25_557_032)
    assert ("50" in entry["variants"]) if not variants else entry["variant"] == "18"


def test_list_in_another_format_is_refused(run):
    status, _, err = run("list", "--format", "jsno")
    assert status == 2
    assert "did you mean 'json'?" in err


def test_list_variants_has_a_line_for_each(run):
    out = run("list", "--variants")[1]
    assert len([line for line in out.splitlines() if line.split()[:1] == ["mobilenet_v2"]]) >= 8


def test_ops_lists_the_primitives_and_shows_one(run):
    assert "max_pool" in run("ops")[1]
    out = run("ops", "conv")[1]
    assert "8×16×16 → 16×8×8" in out
    assert "padding" in out


def test_schema_is_json_and_knows_the_ops(run):
    out = run("schema")[1]
    assert json.loads(out)["$schema"].startswith("https://json-schema.org/")
    assert '"conv"' in out


# --- build
def test_build_writes_its_files_and_leaves_others_alone(run, here):
    (here / "build" / "small-wide").mkdir(parents=True)
    (here / "build" / "small-wide" / "notes.txt").write_text("mine")
    status, out, err = run("build", "small.yaml", "--variant", "wide")
    assert (status, err) == (0, "")
    assert "total" in out
    folder = here / "build" / "small-wide"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == ["blocks/Unit.svg", "notes.txt", "small.json", "small.py", "small.svg", "table.md", "table.tex"]
    assert (folder / "small.py").read_text() == archdsl.emit("small.yaml", "wide")
    assert json.loads((folder / "small.json").read_text())["variant"] == "wide"


def test_build_writes_into_the_folder_that_out_names(run, here):
    assert run("build", "small.yaml", "-o", "there/it/is")[0] == 0
    assert (here / "there" / "it" / "is" / "small.py").is_file()
    assert not (here / "build").exists()


def test_build_draws_the_blocks_that_the_spec_has_and_no_body_of_a_loop(run, here):
    steps = [{"conv": 8, "as": "a"}, {"conv": 8, "as": "b"}, {"add": ["a", "b"]}]
    stages = {"stem": [{"conv": 8}], "deep": [{"repeat": 2, "body": steps}], "last": ["Unit"]}
    spec = {"archdsl": 1, "name": "Loop", "input": [3, 8, 8], "blocks": {"Unit": ["bn", "relu"]}, "stages": stages}
    (here / "loop.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    status, out, _ = run("build", "loop.yaml", "-o", "out")
    assert (status, ", 1 figure in blocks" in out) == (0, True)
    assert [path.name for path in (here / "out" / "blocks").iterdir()] == ["Unit.svg"]


def test_build_writes_each_choice_into_a_folder_of_its_own():
    from archdsl.commands.build import folder_name

    def named(inputs=None, layers="train", passes=(), features=False, **params):
        graph = archdsl.graph("peleenet", **params, **({"input": inputs} if inputs else {}))
        chosen = {"inputs": inputs, "layers": layers, "passes": passes, "features": features, "output_stride": 8}
        return folder_name("peleenet", graph, params=params, **chosen)

    plain = named().removesuffix("-output_stride=8")
    changed = f"{plain}-num_classes=10-growth=16-output_stride=8"  # in the order of the spec
    assert named(growth=16, num_classes=10) == changed
    assert named(features=True) == f"{plain}-features_only=all-output_stride=8"
    assert named(features=["stem", 2]) == f"{plain}-features_only=stem,2-output_stride=8"
    deployed = f"{plain}-3x64x64-deploy-output_stride=8-fold_batch_norm"
    assert named((3, 64, 64), "deploy", ("fold_batch_norm",)) == deployed


def test_a_folder_whose_name_was_made_plain_or_short_is_no_other_ones(monkeypatch):
    from types import SimpleNamespace

    from archdsl.commands.build import folder_name

    def named(value):
        graph = SimpleNamespace(variant=None, settings={"word": value}, inputs={})
        chosen = {"params": {}, "inputs": None, "layers": "train", "passes": ()}
        return folder_name("net", graph, **chosen, features=False, output_stride=None)

    names = list(map(named, ("a/b", "a:b", [1, 2], [[1], 2], "x" * 300, "x" * 301)))
    assert len(set(names)) == len(names)
    assert all("/" not in name and len(name) < 150 for name in names)


def test_outputs_name_the_params_that_were_set(run):
    given = "peleenet", "--set", "growth=16"
    assert "growth=16, input 3×224×224" in run("cost", *given)[1].splitlines()[0]
    assert json.loads(run("cost", *given, "--format", "json")[1])["settings"] == {"growth": 16}
    assert "growth=16." in run("emit", *given)[1].splitlines()[0]
    rows = json.loads(run("table", *given, "--format", "json")[1])["rows"]
    assert all(row["settings"] == {"growth": 16} for row in rows)
    assert "growth=16" in run("table", *given)[1]
    assert (
        archdsl.cost("peleenet", growth=16).settings == archdsl.graph("peleenet", growth=16).settings == {"growth": 16}
    )
    assert "settings" not in run("table", "peleenet")[1]
    by_path = {"dense.stage3.layers": 12}
    assert archdsl.cost("peleenet", set=by_path).settings == archdsl.graph("peleenet", set=by_path).settings == by_path


def test_build_of_a_faulty_spec_writes_nothing(run, here):
    (here / "small.yaml").write_text(SMALL.replace("relu", "rellu"))
    assert run("build", "small.yaml")[0] == 2
    assert [path.name for path in here.iterdir()] == ["small.yaml"]


def test_build_of_a_module_that_differs_is_a_fault_of_ours(run, here, monkeypatch):
    monkeypatch.setattr(ReLU, "compute", lambda self, run, *x: x[0])
    for command in (("build",), ("check", "--deep")):
        status, _, err = run(*command, "small.yaml")
        assert status == 1
        assert re.search(r"small.yaml:8:45: error\[differs\]: what enters 'head.0' is \S+ where ", err)
        assert "This is a fault of archdsl" in err
    assert not (here / "build").exists()


# --- faults of ours
@pytest.mark.parametrize(("words", "place"), [("check", "checking.check"), ("cost", "library.graph_of")])
def test_a_refusal_that_does_not_say_why_is_a_fault_of_ours(run, monkeypatch, words, place):
    def refused(*_, **__):
        raise SpecError

    monkeypatch.setattr(f"archdsl.workspace.{place}", refused)
    status, _, err = run(words, "small.yaml")
    assert status == 1
    assert "internal error" in err


def test_an_internal_fault_asks_for_a_report_and_shows_no_traceback(run, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.delenv("ARCHDSL_DEBUG", raising=False)
    monkeypatch.setattr("archdsl.workspace.checking.check", broken)
    status, _, err = run("check", "small.yaml")
    assert status == 1
    assert "internal error: RuntimeError: boom (test_cli.py:" in err
    assert "report it" in err
    assert "Traceback" not in err


def test_an_internal_fault_shows_its_traceback_when_asked(here, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setenv("ARCHDSL_DEBUG", "1")
    monkeypatch.setattr("archdsl.workspace.checking.check", broken)
    with pytest.raises(RuntimeError, match="boom"):
        cli.main(["check", "small.yaml"])


# --- processes
@pytest.mark.parametrize(
    "args",
    [
        ("check", "small.yaml"),
        ("emit", "small.yaml"),
        ("draw", "small.yaml"),
        ("cost", "small.yaml"),
        ("list",),
        ("ops",),
        ("schema",),
        ("--help",),
    ],
    ids=lambda args: args[0],
)
def test_only_build_imports_torch(args, here):
    run = f"import sys; from archdsl.commands.cli import main; main({list(args)})"
    code = f"{run}; assert 'torch' not in sys.modules, 'torch'"
    path = str(Path(archdsl.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("args", [["--help"], ["cost", "--help"]])
def test_help_loads_what_says_it_and_nothing_that_works(args, here):
    heavy = ("yaml", "archdsl.lowering", "archdsl.analysis", "archdsl.workspace", "archdsl.backends", "rich")
    code = f"import sys; from archdsl.commands.cli import main; assert main({args}) == 0; print(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(Path(archdsl.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], cwd=here, env=env, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert not set(heavy) & set(loaded)
    assert "archdsl.commands.cost" in loaded
    assert ("archdsl.commands.draw" in loaded) == (args == ["--help"])


def test_every_file_with_a_command_is_named_and_called_as_it_is():
    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py") if "@click.command(" in path.read_text()}
    assert files == set(cli.NAMES)
    assert {name: command.name for name, command in cli.archdsl.commands.items()} == {name: name for name in cli.NAMES}


REWRITE = {"layers", "passes", "features", "output_stride"}
CHANGE = {"params", "inputs", "ops"}
ONE = ("build", "emit", "draw", "cost", "export", "diff", "watch")
SEVERAL = ("table", "plot", "time")  # which name a variant as SPEC@VARIANT


@pytest.mark.parametrize("name", [*ONE, *SEVERAL])
def test_every_command_on_networks_takes_what_chooses_and_rewrites_them(name):
    """Those that have it under one name share its definition, but for `time`, which takes several forms."""
    have = {option.name: option for option in cli.archdsl.commands[name].params}
    wanted = CHANGE | REWRITE | ({"variant"} if name in ONE else set())
    assert wanted - have.keys() == ({"layers"} if name == "time" else set())
    like = {option.name: option for option in cli.archdsl.commands["cost"].params}
    for word in wanted & have.keys():
        assert (have[word].opts, have[word].help) == (like[word].opts, like[word].help)


@pytest.mark.parametrize("name", ["graph", "build", "emit", "cost", "draw", "export_onnx", "table", "plot", "convert"])
def test_every_function_on_networks_takes_what_chooses_and_rewrites_them(name):
    takes = inspect.signature(getattr(archdsl, name)).parameters.keys()
    wanted = {"input", "features_only", "out_indices", "output_stride", "form", "passes", "set", "params"}
    assert wanted - takes == ({"form"} if name == "convert" else set())  # the module in training is what it takes


def test_a_table_and_a_plot_rewrite_each_network(run):
    chosen = ("--pass", "fold_batch_norm", "--features-only", "stem", "--output-stride", "1")
    (row,) = json.loads(run("table", "small.yaml@wide", *chosen, "--format", "json")[1])["rows"]
    backbone = archdsl.cost("small.yaml", "wide", passes=["fold_batch_norm"], features_only=["stem"], output_stride=1)
    assert (row["params"], row["macs"]) == (backbone.params, backbone.macs) == (16 * 28, 16 * 27 * 256)
    svg = run("plot", "stages", "small.yaml@wide", *chosen)[1]
    assert svg == archdsl.plot("stages", "small.yaml@wide", passes=["fold_batch_norm"], features_only=["stem"])
    assert svg != archdsl.plot("stages", "small.yaml@wide", features_only=["stem"])


def test_a_table_is_legible_on_an_ascii_terminal(here):
    done = process("cost", "small.yaml", cwd=here, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"3x16x16" in done.stdout
    assert done.stdout.isascii()


def test_a_fault_is_legible_on_an_ascii_terminal(here):
    (here / "small.yaml").write_text(SMALL.replace("relu", "rélu"), encoding="utf-8")
    done = process("check", "small.yaml", cwd=here, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"small.yaml:8:" in done.stderr


def test_source_is_utf_8_whatever_the_terminal_speaks(here):
    (here / "small.yaml").write_text(
        SMALL.replace("name: Small", "name: Small\npaper: {title: Größe}"), encoding="utf-8"
    )
    done = process("emit", "small.yaml", cwd=here, PYTHONIOENCODING="ascii")
    assert done.stdout.decode("utf-8") == archdsl.emit(here / "small.yaml")


def test_a_reader_that_goes_away_is_no_fault(here):
    path = str(Path(archdsl.__file__).parent.parent)
    command = f"'{sys.executable}' -m archdsl schema | head -c 1; echo ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(["bash", "-c", command], cwd=here, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{0\n", "")


def test_colour_goes_to_terminals_alone(monkeypatch):
    class Stream:
        def __init__(self, tty):
            self.isatty = lambda: tty

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.colored(Stream(True))
    assert not terminal.colored(Stream(False))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not terminal.colored(Stream(True))


# --- streams that take nothing ------------------------------------------------------------------

COMMANDS = ["emit small.yaml", "ops", "--help", "cost nothing.yaml", "nothing"]


def in_shell(command, where):
    """Exit status and stderr of `archdsl …` in bash; of a pipe, those of its first part."""
    line = f"{sys.executable} -m archdsl {command}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, cwd=where, text=True, check=False)
    return done.returncode, done.stderr


CLOSED = [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "> /dev/full", "> /dev/full 2>&1"]
# All for commands that print and fail; those that do so by other means meet the first and the last.
MET = [(c, closed) for c in COMMANDS for closed in (CLOSED if c.endswith(".yaml") else (CLOSED[0], CLOSED[-1]))]


@pytest.mark.parametrize(("command", "closed"), MET)
def test_a_stream_that_is_closed_or_full_is_told_by_the_status(command, closed, here):
    status, err = in_shell(f"{command} {closed}", here)
    wrong = command.endswith(("nothing.yaml", "nothing"))
    assert status == (0 if closed == "2>&-" and not wrong else 2)
    assert "Traceback" not in err
    assert "Exception" not in err
    if "2>" not in closed and not wrong:
        assert err.startswith("archdsl: cannot write the output: ")


@pytest.mark.parametrize("command", COMMANDS[:3])
def test_a_reader_that_has_read_enough_is_no_fault(command, here):
    for reader in ("head -1 > /dev/null", "true"):
        assert in_shell(f"{command} | {reader}", here) == (0, "")
