"""Loops: what a turn needs is known before it is printed."""

from __future__ import annotations

import pytest
from support.proof import STYLES, prove_what_prints

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.backends.torch.modules import Modules
from archdsl.diagnostics.spans import Source
from archdsl.syntax.reading.spec_file import read_spec


@pytest.mark.parametrize(("out", "line"), [("c_in", "Step(c_in) for _ in range(2)"), ("c_in + 4", "channels += 4")])
def test_a_turn_of_nested_loops_is_printed_once(out, line, monkeypatch):
    printed, module = [], Modules.module
    monkeypatch.setattr(Modules, "module", lambda self, node: printed.append(node) or module(self, node))
    body = [{"Step": None}]
    for _ in range(7):
        body = [{"repeat": 2, "body": body}]
    blocks = {"Step": {"body": [{"conv": out}, "relu"]}, "Nest": {"body": body}}
    stages = {"a": [{"conv": 8}, {"Nest": None}], "b": [{"conv": 16}, {"Nest": None}]}
    source = archdsl.emit({"name": "Net", "input": [3, 8, 8], "blocks": blocks, "stages": stages})
    assert line in source
    assert len(printed) == 7  # the two of a step and one step in the nest; two convolutions and two nests beside it


def test_written_rows_tell_the_channels_after_their_last_turn_though_they_read_params():
    rows = {"for": ["c"], "in": [[8], ["n"], ["c_in + n"]], "body": [{"conv": "c"}]}
    tree = {
        "name": "Net",
        "input": [4, 6, 6],
        "blocks": {"Rows": {"params": ["n"], "body": [rows]}},
        "stages": {"a": [{"Rows": 3}, {"repeat": 2, "body": [{"Rows": "i + 2"}]}, {"conv": 5}]},
    }
    for style in ("specialized", "parametric"):
        assert "for c in [8, n, c_in + n]:" in archdsl.emit(tree, style=style)
    archdsl.build(tree, verify=True)


TABLES = """
archdsl: 1
name: Net
input: [3, 8, 8]
params: {table: [[4, 1], [6, 3]]}
blocks:
  Bank:
    params: [rows]
    body:
      - concat: [{each: [w, k], in: rows, body: [conv: {out: w, kernel: k}]}]
      - dwconv
      - concat: [identity, {each: [w, k], in: rows, let: {half: w // 2}, body: [conv: {out: half, kernel: k}]}]
  Widths: {params: [widths], body: [concat: [{each: w, in: widths, body: [conv: w]}], bn]}
stages:
  a: [Bank: {rows: table}, Bank: {rows: [[2, 3], [4, 1], [6, 1]]}]
  b: [Widths: {widths: [4, 6]}, Widths: {widths: [2, 4, 6]}]
variants: {two: {}, one: {table: [[8, 5]]}}
"""


def test_branches_of_rows_that_are_an_argument_have_the_sum_of_their_channels():
    for variant in ("two", "one"):
        graph = elaborate(read_spec(Source("net.yaml", TABLES), base=None), variant)
        assert prove_what_prints(graph) == list(STYLES)
    source = archdsl.emit(graph)
    assert source.count("sum(w for w, _ in rows)") == 1  # bound once
    assert "nn.BatchNorm2d(sum(widths))" in source
    assert "sum(w // 2 for w, _ in table)" in archdsl.emit(graph, style="parametric")


FOLLOWED = """
archdsl: 1
name: Net
input: [3, 8, 8]
params: {width: 4}
stages:
  p1: [conv: {out: width, stride: 2}]
  p2: [conv: {out: width, stride: 2}]
  out:
    - {fork: [{each: level, in: [p1, p2], body: [{from: level, conv: {out: 3 * width, kernel: 3}}]}], as: heads}
    - concat: [{from: "heads[0]", body: [global_avg_pool]}, {from: "heads[1]", body: [global_avg_pool]}]
"""


def test_branches_of_tensors_of_the_same_channels_have_no_column_for_them_and_their_list_one_name():
    graph = elaborate(read_spec(Source("net.yaml", FOLLOWED), base=None))
    assert prove_what_prints(graph) == list(STYLES)
    source = archdsl.emit(graph, style="parametric")
    assert "nn.Conv2d(width, 3 * width, 3, padding=1) for _ in range(2)" in source
    assert "heads = [" in source
    assert "branches = " not in source.replace("self.out_branches = ", "")


def test_channels_that_move_have_no_variable_where_nothing_reads_it():
    blocks = {name: {"params": ["c"], "body": [{"conv": "c"}, act]} for name, act in (("One", "relu"), ("Two", "silu"))}
    choice = {"choice": "kind", "of": {"one": [{"One": "c"}], "two": [{"Two": "c"}]}}
    table = {"for": ["kind", "c"], "in": [["one", 8], ["two", 8]], "body": [choice]}
    tree = {"name": "Net", "input": [4, 6, 6], "blocks": blocks, "stages": {"body": table, "head": [{"conv": 2}]}}
    graph = archdsl.graph(tree)
    assert prove_what_prints(graph) == list(STYLES)
    assert "c_in = 8" not in archdsl.emit(graph)
