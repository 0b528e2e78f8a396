"""`archdsl time`: what is measured, how it is shown, what is refused."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import jsonschema
import pytest
from support.places import DOCS

from archdsl.analysis.latency import Conditions, LatencyTable
from archdsl.commands import cli
from archdsl.workspace.latency_file import written

NET = """
archdsl: 1
name: Toy
input: [3, 16, 16]
stages:
  stem: [conv: {out: 8, kernel: 3, stride: 2, bias: false}, bn, relu]
  body: [{repeat: 2, body: [{residual: [conv: {out: 8, kernel: 3}, bn]}, relu]}]
  head: [global_avg_pool, flatten, {dropout: 0.2}, linear: 10]
variants: {small: {}, other: {}}
default: small
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(NET, encoding="utf-8")


@pytest.mark.parametrize("engines", [["eager"], pytest.param(["eager", "onnxruntime"], marks=pytest.mark.slow)])
def test_each_form_and_engine_is_a_line_with_its_stages_and_the_machine(engines, net, capfd):
    call = ["time", "toy.yaml@other", "--form", "train,deploy", "--engine", ",".join(engines), "--rounds", "3"]
    assert cli.main([*call, "--threads", "1", "--batch", "2", "--stages", "--format", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    schema = json.loads((DOCS / "outputs.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    assert (found["threads"], found["rounds"]) == (1, 3)
    assert found["machine"].keys() == {"device", "system", "python", "archdsl", "torch", *engines} - {"eager"}
    lines = found["networks"]
    assert [(line["form"], line["engine"]) for line in lines] == list(itertools.product(("train", "deploy"), engines))
    for line in lines:
        assert (line["variant"], line["batch"]) == ("other", 2)
        assert 0 < line["low_ms"] <= line["median_ms"] <= line["high_ms"]
        stages = [stage["stage"] for stage in line["stages"]]
        assert stages == (["stem", "body", "head"] if line["engine"] == "eager" else [])
    assert all(stage["median_ms"] > 0 for stage in lines[0]["stages"])


def test_the_suffix_of_the_file_decides_and_all_variants_are_lines_of_csv(net):
    call = ["time", "toy.yaml", "--variants", "--form", "train,deploy", "--rounds", "1"]
    assert cli.main([*call, "--output-stride", "2", "--input", "3,8,8", "-o", "times.csv"]) == 0
    with Path("times.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["small", "other"]
    assert [(row["variant"], row["form"]) for row in rows] == list(itertools.product(names, ("train", "deploy")))
    assert {(row["inputs"], row["batch"], row["engine"]) for row in rows} == {("3,8,8", "1", "eager")}
    assert [row["options"] for row in rows] == ["output-stride=2"] * 4
    assert all(float(row["median_ms"]) > 0 for row in rows)
    assert cli.main([*call[:2], "--rounds", "1", "-o", "times.json"]) == 0
    assert len(json.loads(Path("times.json").read_text(encoding="utf-8"))["networks"]) == 1


def test_a_backbone_with_passes_is_timed_and_each_op_of_it_is_found_in_the_table(net, capfd):
    options = ["--pass", "fold_batch_norm", "--features-only", "stem,body", "--output-stride", "1"]
    call = ["time", "toy.yaml@small", *options, "--rounds", "1", "--per-op", "ops.json"]
    assert cli.main(call) == 0
    assert f"1 round; {' '.join(options)}; " in capfd.readouterr().out
    (record,) = json.loads(Path("ops.json").read_text(encoding="utf-8"))["networks"]
    assert record["options"] == options
    assert cli.main(["cost", "toy.yaml", *options, "--latency", "ops.json", "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["latency_ms"] == pytest.approx(record["predicted_ms"])


def test_the_table_says_what_it_holds_for(net, capfd):
    assert cli.main(["time", "toy.yaml", "--rounds", "1", "--stages"]) == 0
    said = capfd.readouterr().out
    assert all(word in said for word in ("Toy", "eager", "1.00×", "stem", "batch 1", "torch"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "eagr"], "--engine does not accept 'eagr'"),
        (["--form", "deployed"], "--form does not accept 'deployed'"),
        (["--format", "md"], "--format does not accept 'md'"),
        (["-o", "times.csv", "--stages"], "csv has no times of stages"),
        (["--engine", ","], "--engine is empty"),
        (["--rounds", "1", "-o", "times.txt"], "the text format is only for the terminal"),
        (["--engine", "compile", "--stages"], "stages are timed by the engine eager"),
    ],
)
def test_what_is_no_word_is_refused(words, message, net, capfd):
    assert cli.main(["time", "toy.yaml", *words]) != 0
    assert message in capfd.readouterr().err


# --- latency tables
def test_each_op_is_measured_once_and_added_to_the_table(net, tmp_path, capfd):
    call = ["time", "--per-op", "ops.json", "--rounds", "2"]
    assert cli.main([*call, "toy.yaml", "--threads", "1", "--batch", "2", "--format", "json"]) == 0
    (network,) = json.loads(capfd.readouterr().out)["networks"]
    first = json.loads((tmp_path / "ops.json").read_text(encoding="utf-8"))
    schema = json.loads((DOCS / "outputs.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(first)
    assert [first[name] for name in ("engine", "batch", "threads")] == ["eager", 2, 1]
    ops = [kernel["ops"][0]["op"] for kernel in first["kernels"]]
    assert ops == ["conv", "bn", "relu", "conv", "add", "global_avg_pool", "flatten", "dropout", "linear"]
    (record,) = first["networks"]
    assert record["predicted_ms"] == pytest.approx(network["predicted_ms"]) == pytest.approx(sum_of(first))
    assert record["error"] == pytest.approx(record["predicted_ms"] / record["median_ms"] - 1)

    assert cli.main([*call, "toy.yaml", "--form", "train,deploy"]) == 0  # in the batch that it was begun with
    said = capfd.readouterr().out
    assert "sum of ops" in said
    assert "5 ops measured and added to ops.json" in said
    second = json.loads((tmp_path / "ops.json").read_text(encoding="utf-8"))
    assert second["kernels"][:9] == first["kernels"]
    assert {kernel["channels_last"] for kernel in second["kernels"][9:]} == {True}
    assert [record["form"] for record in second["networks"]] == ["train", "deploy"]

    assert cli.main([*call, "toy.yaml", "--batch", "1"]) != 0
    assert "'ops.json' was measured with batch 2, this is batch 1" in capfd.readouterr().err
    assert json.loads((tmp_path / "ops.json").read_text(encoding="utf-8")) == second


def sum_of(table):
    """The sum of the ops of the toy network."""
    times = {}
    for kernel in table["kernels"]:
        times.setdefault(kernel["ops"][0]["op"], []).append(kernel["median_ms"])
    first, second = times["conv"]
    others = sum(times[name][0] for name in ("global_avg_pool", "flatten", "dropout", "linear"))
    return first + 2 * second + 3 * (times["bn"][0] + times["relu"][0]) + 2 * times["add"][0] + others


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "eager,compile", "--per-op", "ops.json"], "a latency table is valid for one engine"),
        (["--per-op", "none/ops.json"], "there is no folder 'none'"),
        (["--per-op", "toy.yaml"], "'toy.yaml' is not a latency table"),
        (["--per-op", "compiled.json", "--stages"], "stages are timed by the engine eager"),
    ],
)
def test_a_table_that_cannot_be_is_refused_before_anything_is_measured(words, message, net, capfd):
    begun = LatencyTable("compiled.json", Conditions({}, "compile", 1, 1), {})
    Path("compiled.json").write_text(written(begun), encoding="utf-8")
    assert cli.main(["time", "toy.yaml", *words]) != 0
    assert message in capfd.readouterr().err
