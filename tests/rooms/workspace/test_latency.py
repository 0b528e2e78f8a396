"""Latency tables: what is looked up in a table written by hand, where it is shown, what is refused."""

from __future__ import annotations

import dataclasses
import json
import math

import jsonschema
import pytest
from support.places import DOCS

import archdsl
from archdsl.analysis.kernels import kernels
from archdsl.backends.cost.paper import sums
from archdsl.commands import cli
from archdsl.diagnostics.faults import SpecError
from archdsl.workspace.latency_file import read_latencies, written

NET = """
archdsl: 1
name: Toy
input: [3, 16, 16]
params: {width: 8}
stages:
  stem: [conv: {out: width, kernel: 3, stride: 2, bias: false}, bn, relu]
  body: [{repeat: 2, body: [{residual: [conv: {out: width, kernel: 3}, bn]}, relu]}]
  head: [global_avg_pool, flatten, {dropout: 0.2}, linear: 10]
variants: {small: {top1: 50.5}, wide: {width: 16, top1: 60.5}}
default: small
"""
OPS = {"conv": 2.0, "bn": 0.5, "relu": 0.25, "add": 0.125}  # milliseconds; of each other op 1
TOTALS = {"small": 12.5, "wide": 25.0}  # 3 convs, 3 norms, 3 activations, 2 sums, 4 others; the wide ones twice that
SCHEMA = json.loads((DOCS / "outputs.schema.json").read_text(encoding="utf-8"))
MACHINE = {"device": "Abacus", "system": "Linux", "python": "3.11.7", "archdsl": "0.1.0", "torch": "2.13.0"}


def table_of(*graphs, engine="eager", factors=(1, 2)):
    """A table in which the ops of each further graph that others lack take a factor longer."""
    records = {}
    for graph, factor in zip(graphs, factors, strict=False):
        for kernel in kernels(graph, engine):
            ms = factor * sum(OPS.get(node.op.name, 1) for node in kernel.nodes)
            records.setdefault(kernel.key, {**kernel.data(), "median_ms": ms, "low_ms": ms, "high_ms": ms})
    conditions = {"machine": MACHINE, "engine": engine, "batch": 1, "threads": 1, "call_ms": 0.0}
    return {"archdsl_latency": 1, **conditions, "kernels": list(records.values()), "networks": []}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """The file of a table of both variants, beside their spec."""
    monkeypatch.chdir(tmp_path)
    graphs = {variant: archdsl.graph(NET, variant) for variant in TOTALS}
    stated = {variant: {"graph": graph.fingerprint} for variant, graph in graphs.items()}
    (tmp_path / "toy.yaml").write_text(f"{NET}expect: {json.dumps(stated)}\n", encoding="utf-8")
    document = table_of(*graphs.values())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    (tmp_path / "latency.json").write_text(json.dumps(document), encoding="utf-8")
    return "latency.json"


def output(capfd, *words):
    assert cli.main(list(words)) == 0, capfd.readouterr().err
    return capfd.readouterr().out


def data(capfd, *words):
    """What a command prints as JSON, valid by its schema."""
    found = json.loads(output(capfd, *words, "--format", "json"))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def test_the_latency_of_a_network_is_the_sum_of_its_ops_and_of_its_stages(table, capfd):
    cost = archdsl.cost("toy.yaml", latency=table)
    assert cost.latency.total_ms == TOTALS["small"]
    assert [stage.latency_ms for stage in cost.stages] == [2.75, 5.75, 4]
    assert sum(line.latency_ms for line in cost.table.lines) == TOTALS["small"]
    assert sum(record["latency_ms"] for record in cost.to_records("node")) == TOTALS["small"]
    found = data(capfd, "cost", "toy.yaml", "--latency", table)
    assert (found["latency_ms"], found["latency"]["machine"]) == (TOTALS["small"], MACHINE)
    assert [stage["latency_ms"] for stage in found["stages"]] == [2.75, 5.75, 4]
    text = output(capfd, "cost", "toy.yaml", "--latency", table)
    assert "latency (ms)" in text
    assert "alone (Abacus, 1 thread, batch 1, torch 2.13.0, eager)" in text
    latex = output(capfd, "cost", "toy.yaml", "--latency", table, "--format", "latex")
    assert "& 12.50" in latex
    assert r"\footnotesize Latency: Abacus, 1 thread, batch 1" in latex
    assert output(capfd, "cost", "toy.yaml", "--latency", table, "--format", "csv").endswith(",12.5\n")
    assert " MACs, 12.50 ms. Latency: Abacus, 1 thread, batch 1, " in sums(cost)  # of a table without columns for them
    assert archdsl.cost("toy.yaml").latency is None


def test_a_comparison_has_latencies_as_a_column_with_the_device_below(table, capfd):
    found = data(capfd, "table", "toy.yaml", "--latency", table, "--sort", "latency")
    assert {row["variant"]: row["latency_ms"] for row in found["rows"]} == TOTALS
    latex = output(capfd, "table", "toy.yaml", "--latency", table, "--format", "latex", "--bold")
    assert r"\textbf{12.50}" in latex
    assert "Latency (ms)" in latex
    assert "Latency: Abacus" in latex
    side_by_side = output(capfd, "table", "toy.yaml", "--latency", table, "--stages")
    assert "Latency (ms)" in side_by_side
    assert "Latency: Abacus" in side_by_side
    with pytest.raises(SpecError, match="no latencies to sort by"):
        archdsl.table("toy.yaml", sort="latency")


def test_a_difference_tells_the_latency_before_and_after(table, capfd):
    found = data(capfd, "diff", "toy.yaml@small", "@wide", "--latency", table)
    sides = found["before"]["latency_ms"], found["after"]["latency_ms"]
    assert sides == (TOTALS["small"], TOTALS["wide"])
    assert [stage["before"]["latency_ms"] for stage in found["stages"]] == [2.75, 5.75, 4]
    text = output(capfd, "diff", "toy.yaml@small", "@wide", "--latency", table)
    assert "latency (ms) 12.50 → 25.00 (+100.0 %); Abacus" in text
    assert "+2.75" in text
    assert "Latency: Abacus" in archdsl.diff("toy.yaml@small", "toy.yaml@wide", latency=table).to_latex()


def test_a_sweep_has_latencies_as_a_column(table, tmp_path, capfd):
    given = ["sweep", "toy.yaml", "--set", "width=8,16,-1", "--latency", table]
    rows = [json.loads(line) for line in output(capfd, *given, "--format", "jsonl").splitlines()]
    for row in rows:
        jsonschema.Draft202012Validator(SCHEMA).validate(row)
    assert [row["latency_ms"] for row in rows] == [*TOTALS.values(), None]
    assert rows == archdsl.sweep("toy.yaml", width=[8, 16, -1], latency=table)
    assert list(rows[0])[5:7] == ["latency_ms", "code"]
    assert "latency_ms" not in archdsl.sweep("toy.yaml", width=[8])[0]
    by_path = archdsl.sweep(
        "toy.yaml", ["small", "wide"], latency=table, stages=True, set={"body.relu": ["relu", None]}
    )
    assert [row["latency_ms"] for row in by_path] == [12.5, 12.0, 25.0, 24.0]
    assert output(capfd, *given).splitlines()[1].split(",")[5] == "12.5"
    assert "2 rows" in output(
        capfd, "sweep", "toy.yaml", "-v", "small", "-v", "wide", "--latency", table, "-o", "a.csv"
    )
    document = json.loads((tmp_path / table).read_text())
    document["kernels"][0]["median_ms"] += 1  # as measured anew
    (tmp_path / table).write_text(json.dumps(document))
    assert cli.main(["sweep", "toy.yaml", "-v", "small", "--latency", table, "-o", "a.csv"]) != 0
    said = capfd.readouterr().err
    assert "does not match this spec and latency table, one of which has changed since" in said


def test_a_sweep_names_each_op_that_was_not_measured_once_with_a_command_that_measures_it(table, tmp_path, capfd):
    given = ["sweep", "toy.yaml", "--set", "width=8,12,20", "--set", "head.dropout=0.2,0.3", "--latency", table]
    assert cli.main([*given, "-o", "rows.csv"]) != 0
    said = capfd.readouterr().err
    assert said.count("error[bad-call]") == 2
    assert said.count("'latency.json' has no time of conv (out 12, kernel 3, stride 2") == 1
    for width in (12, 20):
        command = f"archdsl time toy.yaml@small --input 3,16,16 --set head.dropout=0.2 --set width={width}"
        assert f"{command} --per-op latency.json" in said
    document = json.loads((tmp_path / table).read_text())
    further = table_of(*(archdsl.graph("toy.yaml", width=width) for width in (12, 20)))
    document["kernels"] += further["kernels"]
    (tmp_path / table).write_text(json.dumps(document))
    assert "6 rows" in output(capfd, *given, "-o", "rows.csv")
    assert cli.main(["table", "toy.yaml@small", "toy.yaml@wide", "--input", "3,8,8", "--latency", table]) != 0
    assert capfd.readouterr().err.count("has no time of") == 2


def test_a_plot_of_accuracies_is_against_latency(table):
    plotting = pytest.importorskip("archdsl.workspace.plotting")
    found = plotting.plotted("accuracy", ["toy.yaml"], latency=table).data
    assert [mark.x for mark in found.series[0].marks] == [TOTALS["small"], TOTALS["wide"]]
    assert found.x.title == "Latency (ms)"
    for more, message in (
        ({"times": table}, "cannot be used together"),
        ({"against": "macs"}, "against macs does not use times"),
    ):
        with pytest.raises(SpecError, match=message):
            plotting.plotted("accuracy", ["toy.yaml"], latency=table, **more)


def test_an_op_that_was_not_measured_is_told_with_the_command_that_measures_it(table, capfd):
    assert cli.main(["cost", "toy.yaml", "--form", "deploy", "--set", "width=12", "--latency", table]) != 0
    said = capfd.readouterr().err
    assert "toy.yaml:7:10: error[bad-call]: 'latency.json' has no time of conv (out 12, kernel 3, stride 2)" in said
    assert "on 3×16×16 that lies channels last, nor of" in said
    command = "archdsl time toy.yaml@small --form deploy --input 3,16,16 --set width=12 --per-op latency.json"
    assert f"measure what is missing: {command}" in said
    by_hand = dataclasses.replace(archdsl.graph("toy.yaml", width=12), origin=None)  # no command makes it
    with pytest.raises(SpecError, match="has no time of conv") as caught:
        read_latencies(table).of(by_hand)
    assert not caught.value.diagnostics[0].help


def test_the_command_that_measures_rewrites_the_network_as_it_was(table, capfd):
    options = "--pass fold_batch_norm --features-only stem,body --output-stride 1"
    for command in ("cost toy.yaml", "table toy.yaml@small"):
        assert cli.main([*command.split(), *options.split(), "--latency", table]) != 0
        said = capfd.readouterr().err
        assert f"archdsl time toy.yaml@small {options} --input 3,16,16 --per-op latency.json" in said
    deployed = archdsl.graph("toy.yaml", form="deploy", passes=["reparameterize"])
    assert deployed.origin.function.options == ("--form", "deploy", "--pass", "reparameterize")
    with_classes = NET.replace("{width: 8}", "{width: 8, classes: 10}").replace("linear: 10", "linear: classes")
    pooled = archdsl.graph(with_classes, global_pool="max", passes=["fold_batch_norm"])
    assert pooled.origin.function.options == ("--pass", "fold_batch_norm", "--set", "global_pool=max")
    with pytest.raises(SpecError) as caught:  # a function has no name that a command knows
        archdsl.cost("toy.yaml", width=12, passes=[lambda program: program], latency=table)
    assert not caught.value.diagnostics[0].help


def test_an_engine_that_fuses_has_kernels_of_several_ops(table):
    graph = archdsl.graph("toy.yaml")
    texts = [str(kernel) for kernel in kernels(graph, "onnxruntime")]
    assert texts[0] == "conv (out 8, kernel 3, stride 2, bias False), bn, relu on 3×16×16"
    assert texts[1:4] == ["conv (out 8, kernel 3), bn on 8×8×8", "add on 8×8×8 and 8×8×8", "relu on 8×8×8"]
    assert [str(kernel) for kernel in kernels(graph, "eager")].count("bn on 8×8×8") == 3
    rates = [archdsl.graph(NET.replace("0.2", rate)) for rate in ("0.2", "0.9")]  # a rate of training costs no time
    assert len({kernel.key for graph in rates for kernel in kernels(graph, "eager")}) == 9


def test_what_a_call_of_the_engine_takes_is_taken_off_each_kernel(table, tmp_path):
    graph = archdsl.graph("toy.yaml")
    document = table_of(graph, engine="onnxruntime") | {"call_ms": 0.25}
    (tmp_path / "ort.json").write_text(json.dumps(document), encoding="utf-8")
    texts = [str(kernel) for kernel in kernels(graph, "onnxruntime")]
    assert len(texts) == 11
    # no kernel takes less than nothing
    less = sum(0.125 if text.startswith("add") else 0.25 for text in texts)
    assert archdsl.cost(graph, latency="ort.json").latency.total_ms == TOTALS["small"] - less


def test_a_table_is_written_as_it_is_read_and_a_file_that_is_none_is_refused(table, tmp_path):
    found = read_latencies(table)
    (tmp_path / "again.json").write_text(written(found), encoding="utf-8")
    again = read_latencies("again.json")
    assert (again.kernels, again.conditions) == (found.kernels, found.conditions)
    document = json.loads((tmp_path / table).read_text())
    document["kernels"][0]["median_ms"] = -1
    no_call = {**json.loads((tmp_path / table).read_text()), "call_ms": math.nan}
    for text in ("[]", "{", '{"archdsl_latency": 2}', json.dumps(document), json.dumps(no_call)):
        (tmp_path / "odd.json").write_text(text, encoding="utf-8")
        with pytest.raises(SpecError, match="is not a latency table"):
            read_latencies("odd.json")
    with pytest.raises(SpecError, match=r"there is no file 'none\.json'"):
        archdsl.cost("toy.yaml", latency="none.json")
    with pytest.raises(SpecError, match="latency is a path, not 3"):
        archdsl.cost("toy.yaml", latency=3)
