"""`archdsl time`: what is measured, how it is shown, what is refused."""

from __future__ import annotations

import itertools
import json

import jsonschema
import pytest
from support.places import DOCS

from archdsl.commands import cli

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


def test_the_table_says_what_it_holds_for(net, capfd):
    assert cli.main(["time", "toy.yaml", "--rounds", "1", "--stages"]) == 0
    said = capfd.readouterr().out
    assert all(word in said for word in ("Toy", "eager", "1.00×", "stem", "batch 1", "torch"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "eagr"], "--engine has no 'eagr'"),
        (["--form", "deployed"], "--form has no 'deployed'"),
        (["--format", "csv"], "--format has no 'csv'"),
        (["--engine", ","], "--engine names nothing"),
        (["--rounds", "1", "-o", "times.txt"], "the text is for a terminal"),
    ],
)
def test_what_is_no_word_is_refused(words, message, net, capfd):
    assert cli.main(["time", "toy.yaml", *words]) != 0
    assert message in capfd.readouterr().err
