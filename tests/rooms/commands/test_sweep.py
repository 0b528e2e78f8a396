"""`archdsl sweep`: rows of settings, files that grow, faults that have rows."""

import csv
import io
import json
from concurrent.futures import process

import pytest

import archdsl
from archdsl.commands.cli import main
from archdsl.workspace import sweep as sweeping
from archdsl.workspace.library import rewritten
from archdsl.workspace.space import space_of

SPEC = """
archdsl: 1
name: Small
params: {width: 8, groups: 1, act: relu}
input: [3, 32, 32]
stages:
  stem: {conv: {out: width, kernel: 3, stride: 2}}
  body: [{conv: {out: 2 * width, groups: groups}}, {act: act}]
variants: {wide: {width: 16}}
"""


@pytest.fixture(autouse=True)
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SPEC)
    return tmp_path / "small.yaml"


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_has_the_setting_and_what_archdsl_cost_counts(capsys):
    given = ["--variant", "wide", "--set", "width=8:16:4,24", "--input", "3,32,32", "--input", "3,64,64"]
    assert main(["sweep", "small.yaml", *given, "--stages"]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert [row["width"] for row in rows] == [n for n in ("8", "12", "16", "24") for _ in range(2)]
    for row in rows:
        size = tuple(map(int, row["input"].split("x")))
        cost = archdsl.cost("small.yaml", row["variant"], input=size, width=int(row["width"]))
        assert [int(row[name]) for name in ("params", "macs", "peak_bytes")] == [
            cost.params,
            cost.macs,
            cost.peak_bytes,
        ]
        assert row["receptive_field"] == "x".join(map(str, cost.receptive_field))
        assert row["stage.body"] == "x".join(map(str, cost.stages[-1].output))
        assert row["code"] == row["message"] == ""


def test_parts_of_the_spec_are_varied_by_their_paths(capsys):
    given = ["--set", "stem.conv.kernel=1,3,-2", "--set", "width=8,12", "--set", "body.1=silu,null"]
    assert main(["sweep", "small.yaml", "-v", "wide", *given]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert len(rows) == 12
    for row in rows:
        paths = {"stem.conv.kernel": int(row["stem.conv.kernel"]), "body.1": row["body.1"] or None}
        if row["code"]:
            assert (paths["stem.conv.kernel"], row["code"]) == (-2, "bad-value")
            continue
        cost = archdsl.cost("small.yaml", "wide", width=int(row["width"]), set=paths)
        assert (int(row["params"]), int(row["macs"])) == (cost.params, cost.macs)
    assert sum(row["code"] == "" for row in rows) == 8
    records = archdsl.sweep("small.yaml", "wide", width=[8], set={"stem.conv.kernel": [1, 3]})
    assert [record["params"] for record in records] == [int(rows[n]["params"]) for n in (0, 4)]
    assert main(["sweep", "small.yaml", "--set", "stem.relu.kernel=1"]) == 2
    assert "error[unknown-override]" in capsys.readouterr().err


def test_a_setting_at_fault_has_a_row_with_the_fault_of_a_run_of_its_own(capsys):
    assert main(["sweep", "small.yaml", "--set", "groups=1,3,2", "--set", "act=relu,rulu", "--format", "jsonl"]) == 0
    rows = list(map(json.loads, capsys.readouterr().out.splitlines()))
    assert [(row["groups"], row["act"]) for row in rows] == [(g, a) for g in (1, 3, 2) for a in ("relu", "rulu")]
    assert (rows[0]["code"], rows[0]["message"]) == (None, None)
    for row in rows[1:4]:
        with pytest.raises(archdsl.SpecError) as caught:
            archdsl.cost("small.yaml", groups=row["groups"], act=row["act"])
        fault = caught.value.diagnostics[0]
        assert (row["code"], row["message"], row["params"]) == (fault.code, fault.message, None)
    assert len({row["code"] for row in rows}) == 3


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_grows_by_what_it_lacks_and_a_cut_line_is_repaired(form, tmp_path, capsys, monkeypatch):
    file = tmp_path / f"rows.{form}"
    swept = ["sweep", "small.yaml", "--set", "groups=1,2,3", "-o", str(file)]
    assert main([*swept, "--set", "width=8"]) == 0
    assert "3 rows, 1 at fault: 1 shape" in capsys.readouterr().out
    whole = file.read_bytes()
    if form == "parquet":
        table = pytest.importorskip("pyarrow.parquet").read_table(file)
        assert table.column("params").to_pylist() == [
            row["params"] for row in archdsl.sweep("small.yaml", groups=[1, 2, 3], width=8)
        ]
        assert not (tmp_path / "rows.parquet.jsonl").exists()
    else:
        file.write_bytes(whole[:-5])  # as a sweep that was killed leaves it
        assert main([*swept, "--set", "width=8"]) == 0
        assert "1 row (2 were there)" in capsys.readouterr().out
        assert file.read_bytes() == whole
    counted = []
    rows = sweeping.Sweep.rows
    monkeypatch.setattr(
        sweeping.Sweep, "rows", lambda self, places: (counted.append(len(places)), rows(self, places))[1]
    )
    assert main([*swept, "--set", "width=8,16"]) == 0
    assert "3 rows (3 were there)" in capsys.readouterr().out
    assert counted == [3, 3]  # those that are there are looked at again: the spec may be another by now


def test_a_file_of_another_sweep_or_of_another_network_is_left_as_it_is(spec, tmp_path, capsys):
    file = tmp_path / "rows.csv"
    assert main(["sweep", "small.yaml", "--set", "width=8,16", "-o", str(file)]) == 0
    whole = file.read_bytes()
    assert main(["sweep", "small.yaml", "--set", "groups=1,2", "-o", str(file)]) == 2
    assert "line 1 of" in capsys.readouterr().err
    spec.write_text(SPEC.replace("kernel: 3", "kernel: 5"))
    assert main(["sweep", "small.yaml", "--set", "width=8,16,24", "-o", str(file)]) == 2
    assert "the row of width=8" in capsys.readouterr().err
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--set", "widht=8"], "has no param 'widht'"),
        (["--variant", "huge"], "has no variant 'huge'"),
        (["--set", "width=8:4:1"], "no number is in 8:4:1"),
        (["--set", "width=0:1:0.0000001"], "more than 100,000 numbers"),
        ([], "there is no setting to vary"),
        (["--set", "width=8", "-o", "rows.txt"], "tells no format"),
        (["--set", "width=8", "--format", "parquet"], "not for a terminal"),
    ],
)
def test_a_sweep_that_is_wrong_as_a_whole_is_refused(given, said, capsys):
    assert main(["sweep", "small.yaml", *given]) == 2
    assert said in capsys.readouterr().err


def test_settings_are_drawn_at_random_each_once():
    space = {"width": range(1, 200), "groups": [1, 2, 4]}
    rows = archdsl.sweep("small.yaml", sample=50, seed=3, **space)
    assert rows == archdsl.sweep("small.yaml", sample=50, seed=3, **space)
    assert len({(row["width"], row["groups"]) for row in rows}) == 50
    assert rows != archdsl.sweep("small.yaml", sample=50, seed=4, **space)
    assert len(archdsl.sweep("small.yaml", sample=50, groups=[1, 2, 2])) == 2


def test_records_have_plain_values_and_lists_are_values_to_try():
    rows = archdsl.sweep("small.yaml", ["wide"], input=[(3, 32, 32), (3, 48, 48)], width=[8.5, 8], stages=True)
    assert [row["code"] for row in rows] == ["bad-value", "bad-value", None, None]
    assert rows[3] == {
        "variant": "wide",
        "width": 8,
        "input": [3, 48, 48],
        "params": 368,
        "macs": 198144,
        "peak_bytes": 73728,
        "receptive_field": [3, 3],
        "stage.stem": [8, 24, 24],
        "stage.body": [16, 24, 24],
        "code": None,
        "message": None,
    }


def test_further_processes_give_the_same_rows(monkeypatch):
    started = []
    begun = process.ProcessPoolExecutor.__init__
    monkeypatch.setattr(
        process.ProcessPoolExecutor, "__init__", lambda self, *a, **k: (started.append(a), begun(self, *a, **k))[1]
    )
    monkeypatch.setattr(sweeping, "PATIENCE", 0)
    monkeypatch.setattr(sweeping, "CHUNK", 80)
    swept = sweeping.sweep_of("small.yaml", space_of([], {"width": range(1, 200)}, {}), rewritten())
    found = [row for rows in sweeping.chunks(swept, swept.space.places(), 2) for row in rows]
    assert len(started) == 1
    assert found == archdsl.sweep("small.yaml", width=range(1, 200))
