"""Loops: what a turn needs is known before it is printed."""

from __future__ import annotations

import pytest

import archdsl
from archdsl.backends.torch.modules import Modules


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
