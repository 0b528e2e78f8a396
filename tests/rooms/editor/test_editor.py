"""What an editor asks of a text and a place in it, without a server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.places import LANGUAGE, ROOT

from archdsl.commands import cli
from archdsl.diagnostics.faults import SpecError
from archdsl.editor.analysis import analyse
from archdsl.editor.completion import complete
from archdsl.editor.fixes import fix
from archdsl.editor.hints import hints
from archdsl.editor.hover import hover
from archdsl.editor.names import uses
from archdsl.editor.navigation import checked, definition, references, rename, written
from archdsl.editor.outline import outline
from archdsl.editor.project import Project, is_spec
from archdsl.editor.spots import spot

CURSOR = "█"
TEXT = """\
archdsl: 1
name: Net
input: [3, 16, 16]
params: {width: 8}
defaults:
  conv: {bias: false}
blocks:
  Unit:
    params: {out: , stride: 1}
    let: {half: out // 2}
    body:
      - {conv: {out: half, kernel: 3, stride: stride}, as: low}
      - concat: [low, {from: low, body: [conv: half]}]
stages:
  stem: [Unit: {out: width}]
  rows:
    for: [n, c]                 # layers, channels
    in: [[1, 8], [2, 16]]
    body:
      - repeat: n
        body: [Unit: c]
  head: [global_avg_pool, flatten, linear: 10]
variants: {wide: {width: 16}}
"""


def cut(text: str) -> tuple[str, int, int]:
    """A text without its cursor, and the line and column of that, from 0."""
    before = text[: text.index(CURSOR)]
    return text.replace(CURSOR, ""), before.count("\n"), len(before.rpartition("\n")[2])


@pytest.fixture
def project(tmp_path) -> Project:
    (tmp_path / "net.yaml").write_text(TEXT)
    return Project(folders=[tmp_path])


def place(text: str, word: str, further: int = 1) -> tuple[int, int]:
    """The line and column of a word, from 1."""
    before = text[: text.index(word) + further]
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


# --- where the cursor stands
@pytest.mark.parametrize(
    ("text", "path", "where", "word"),
    [
        ("█", [], "key", ""),
        ("name: Ne█", ["name"], "value", "Ne"),
        ("stages:\n  a:\n    - con█", ["stages", "a"], "item", "con"),
        ("stages:\n  a:\n  - con█", ["stages", "a"], "item", "con"),
        ("stages:\n  a:\n    - conv:\n        out: 3\n        █", ["stages", "a", "conv"], "key", ""),
        ("stages:\n  a:\n    - conv: 3\n      █", ["stages", "a"], "key", ""),
        ("stages:\n  a: [conv: {out: 3, ker█\n  b: [", ["stages", "a", "conv"], "key", "ker"),
        ('stages:\n  a: [conv: {out: 3}, "x, {", re█', ["stages", "a"], "item", "re"),
        ("doc: >-\n  a: b\n\nname: N█", ["name"], "value", "N"),
        ("blocks:\n  A:\n    body:\n      - - conv: 3   # [\n        - re█", ["blocks", "A", "body"], "item", "re"),
    ],
)
def test_a_place_is_told_in_text_that_is_being_written(text, path, where, word):
    found = spot(*cut(text))
    assert (found.path, found.where, found.word) == (path, where, word)


@pytest.mark.parametrize("text", ["# a█", "a: 1 # b█", "doc: |\n  text█", 'a: {b: "c█'])
def test_there_is_nothing_to_complete_in_comments_and_texts(text):
    assert spot(*cut(text)) is None


# --- completion
def offered(text: str, project: Project) -> dict[str, str]:
    path = project.folders[0] / "net.yaml"
    project.file(path)  # the last state that was YAML
    return {item.label: item.text for item in complete(*cut(text), path, project).items}


def test_what_is_offered_fits_the_place_and_the_names_in_scope(project):
    step = offered(TEXT.replace("- repeat: n", "- █"), project)
    assert step["relu"] == "relu: $1" or step["relu"] == "relu"
    assert {"conv", "concat", "residual", "Unit", "input"} <= step.keys()
    assert offered(TEXT.replace("kernel: 3, stride: stride}", "█"), project).keys() >= {"kernel", "padding_mode"}
    assert "out" not in offered(TEXT.replace("kernel: 3, stride: stride}", "█"), project)
    value = offered(TEXT.replace("stride: stride}", "stride: █"), project)
    assert {"out", "stride", "half", "width", "c_in", "max"} <= value.keys()
    assert {"low", "n"}.isdisjoint(value)
    assert offered(TEXT.replace("Unit: c]", "Unit: █"), project).keys() >= {"n", "c", "i", "last", "width"}
    assert "layers" not in offered(TEXT.replace("Unit: c]", "Unit: █"), project)  # a word of the comment
    assert offered(TEXT.replace("Unit: {out: width}", "Unit: {█}"), project) == {
        "out": "out: $1",
        "stride": "stride: $1",
    }
    assert offered(TEXT.replace("from: low, body", "from: █"), project).keys() == {"input", "low"}
    assert "reflect" in offered(TEXT.replace("kernel: 3,", "padding_mode: █"), project)
    assert "width" in offered(TEXT.replace("wide: {width", "wide: {█"), project)
    assert {"Unit", "bn"} <= offered(TEXT.replace("  conv: {bias", "  █: {bias"), project).keys()
    assert {"expect", "use"} <= offered(f"{TEXT}█", project).keys()
    assert {"net.yaml", "peleenet.yaml"} <= offered("use: █", project).keys()


# --- hover, hints, outline
def test_a_step_is_told_with_the_shapes_and_costs_of_all_its_runs(project):
    path = project.folders[0] / "net.yaml"
    file, analysis = project.file(path), analyse(path, TEXT, project.load)

    def told(word: str, further: int = 1) -> str:
        return hover(file, *place(TEXT, word, further), project, [analysis]).text

    assert analysis.diagnostics == []
    assert "8×16×16 → 8×16×16" in told("Unit: c]")
    assert "8×16×16 → 16×16×16" in told("Unit: c]")
    assert "over 3 runs" in told("Unit: c]")
    assert "**kernel** of conv" in told("kernel: 3")
    assert told("width}") == "**width**: param of the network, default `8`"
    assert "16×1×1 → 16×1×1" not in told("flatten")
    assert "10" in told("head:")
    found = {hint.line: hint.text for hint in hints(file, [analysis], 1, 30)}
    assert found[12] == "4×16×16, 8×16×16"
    assert found[15] == "8×16×16"
    assert [(part.name, [inner.name for inner in part.parts]) for part in outline(file)] == [
        ("Net", []), ("params", ["width"]), ("blocks", ["Unit"]), ("stages", ["stem", "rows", "head"]),
        ("variants", ["wide"]),
    ]  # fmt: skip


# --- names
def test_a_name_is_renamed_wherever_it_is_meant_and_nowhere_else(project):
    path = project.folders[0] / "net.yaml"
    (path.parent / "wider.yaml").write_text("archdsl: 1\nextends: net.yaml\nname: Wider\nparams: {width: 24}\n")
    file = project.file(path)

    def renamed(word: str, name: str, further: int = 1) -> dict[str, str]:
        places = rename(file, *place(TEXT, word, further), name, project)
        return {path.name: written(spans, name) for path, spans in places.items()}

    assert renamed("width: 8", "base") == {
        "net.yaml": TEXT.replace("width", "base"),
        "wider.yaml": "archdsl: 1\nextends: net.yaml\nname: Wider\nparams: {base: 24}\n",
    }
    assert renamed("low}", "early") == {"net.yaml": TEXT.replace("low", "early")}
    assert "for: [layers, c] " in renamed("n, c]", "layers", 0)["net.yaml"]
    assert renamed("out // 2", "width_out")["net.yaml"].count("width_out") == 3
    for word, name, message in [
        ("out: ,", "stride", "given twice"),
        ("low}", "conv", "it is an op"),
        ("half:", "2x", "2x"),
    ]:
        with pytest.raises(SpecError, match=message):
            renamed(word, name)


def test_a_variant_is_renamed_where_the_default_and_figures_name_it_too(project):
    path = project.folders[0] / "wider.yaml"
    path.write_text(
        "archdsl: 1\nextends: net.yaml\nname: Wider\nvariants: {huge: {extends: wide}}\ndefault: 'wide'\n"
        "figure: {paper: {Figure 1: {block: Unit, variant: wide}}}\n"
    )
    places = rename(project.file(path), 5, 11, "broad", project)
    texts = {path.name: written(spans, "broad") for path, spans in places.items()}
    assert texts["net.yaml"] == TEXT.replace("wide:", "broad:")
    assert texts["wider.yaml"] == path.read_text().replace("wide}", "broad}").replace("'wide'", "'broad'")


def test_patches_name_the_blocks_and_stages_of_their_base(project):
    path = project.folders[0] / "patched.yaml"
    text = """\
archdsl: 1
extends: net.yaml
name: Patched
blocks:
  Unit.conv: {kernel: out + width}
stages:
  rows.1.n: 3
  rows.more: {after: Unit, Unit: 4}
calls:
  Unit: {stride: 2}
"""
    path.write_text(text)
    file = project.file(path)
    kinds = [(use.symbol.kind, use.symbol.name, use.span.line) for use in uses(file, project)][1:]
    assert sorted(kinds) == [
        ("block", "Unit", 5), ("block", "Unit", 8), ("block", "Unit", 10), ("param", "out", 5), ("param", "stride", 10),
        ("param", "width", 5), ("stage", "rows", 7), ("stage", "rows", 8),
    ]  # fmt: skip
    home = project.folders[0] / "net.yaml"
    assert {use.symbol.file for use in uses(file, project)} == {home, path}
    offered_here = complete(*cut(text.replace("  rows.1", "  █.1")), path, project).items
    assert {"stem", "rows", "head"} <= {item.label for item in offered_here}


def test_a_block_is_renamed_in_the_paths_that_lead_through_its_calls(project):
    path = project.folders[0] / "patched.yaml"
    path.write_text(
        "archdsl: 1\nextends: net.yaml\nname: Patched\nstages:\n"
        "  rows.repeat.Unit.out: c + width\n  'rows.Unit[0]': {stride: 2}\n"
    )
    file = project.file(project.folders[0] / "net.yaml")

    def renamed(word: str, name: str) -> str:
        return written(rename(file, *place(TEXT, word, 1), name, project)[path], name)

    assert renamed("Unit:\n", "Cell") == path.read_text().replace("Unit", "Cell")
    assert renamed("out: ,", "outs") == path.read_text().replace("out:", "outs:")
    assert renamed("stride: 1}", "step") == path.read_text().replace("stride", "step")


def test_what_is_of_a_shipped_file_keeps_its_name(tmp_path):
    (tmp_path / "net.yaml").write_text("archdsl: 1\nextends: peleenet.yaml\nname: Mine\nparams: {growth: 16}\n")
    project = Project(folders=[tmp_path])
    file = project.file(tmp_path / "net.yaml")
    with pytest.raises(SpecError, match=r"'growth' is of the shipped file peleenet\.yaml"):
        rename(file, 4, 12, "rate", project)
    (found,) = definition(file, 4, 12, project)
    assert Path(found.source.name) == ROOT / "specs" / "peleenet.yaml"
    (start,) = definition(file, 2, 12, project)
    assert (Path(start.source.name).name, start.line) == ("peleenet.yaml", 1)
    assert len(references(file, 4, 12, project)) == 3


@pytest.mark.parametrize("name", ["several_inputs_and_outputs", "share_across_stages"])
def test_every_name_of_a_spec_can_be_changed(name, tmp_path):
    """Which only holds if all places are found that mean it."""
    path = tmp_path / "net.yaml"
    path.write_text((LANGUAGE / f"{name}.yaml").read_text())
    project = Project(open={path: path.read_text()})
    file = project.file(path)
    assert checked(project, path).diagnostics == []
    for use in {use.symbol: use for use in uses(file, project)}.values():
        new = "Zqx" if use.symbol.kind == "block" else "zqx"
        assert rename(file, use.span.line, use.span.col, new, project)


# --- faults
def test_faults_of_other_files_are_told_where_they_are_named_and_mended_word_for_word(tmp_path):
    (tmp_path / "units.yaml").write_text("archdsl: 1\nblocks:\n  Unit: [rellu]\n")
    project = Project(open={tmp_path / "net.yaml": "archdsl: 1\nuse: units.yaml\n"})
    file = project.file(tmp_path / "net.yaml")
    text = "archdsl: 1\nname: Net\nuse: units.yaml\ninput: [3, 8, 8]\nstages: {a: [Unit]}\n"
    (found,) = analyse(file.path, text, project.load).diagnostics
    assert (found.code, found.span.line, found.notes[0].span.line) == ("unknown-op", 3, 3)
    (found,) = analyse(tmp_path / "units.yaml", (tmp_path / "units.yaml").read_text(), project.load).diagnostics
    assert (fix(found).title, fix(found).text) == ("Change to 'relu'", "relu")


def test_what_a_spec_states_and_the_schema_are_held_to_once_nothing_is_typed(project):
    path = project.folders[0] / "net.yaml"
    for text, code in [("expect: {wide: {params: 3}}", "unexpected-count"), ("figure: {labels: {bn: null}}", "schema")]:
        analysis = analyse(path, f"{TEXT}{text}\n", project.load)
        assert analysis.diagnostics == []
        list(analysis.rest())
        assert [(item.code, item.span.line) for item in analysis.diagnostics] == [(code, 24)]


def test_without_pygls_the_server_says_what_to_install(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "archdsl.editor.server", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pygls"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pygls", None)
    assert cli.main(["lsp"]) == 2
    assert "pip install 'archdsl[lsp]'" in capsys.readouterr().err


def test_a_document_is_a_spec_by_its_line_its_name_or_its_language():
    assert is_spec("net.yaml", "# x\narchdsl: 1\n")
    assert is_spec("net.arch.yaml", "")
    assert is_spec("net.yaml", "", "archdsl")
    assert not is_spec("ci.yaml", "stages: [build]\nname: x\n")
