"""A fingerprint tells networks apart by what they compute, and by nothing else."""

from __future__ import annotations

import pytest

import archdsl

TEXT = """\
archdsl: 1
name: Net
input: [3, 16, 16]
params: {width: 8, factor: 2}
blocks:
  Unit: {params: [out], body: [conv: {out: out, kernel: 3}, bn, relu]}
stages:
  stem: [Unit: width]
  two:
    - {concat: [[Unit: 4], [Unit: 6, dropout: 0.1]], as: y}
    - formula: y * factor + 1
    - {rearrange: {pattern: (g c) h w -> (c g) h w, g: 2}}
"""
SHARED = """\
archdsl: 1
name: Net
input: [3, 16, 16]
stages:
  two:
    - {conv: 3, name: first, as: a}
    - {conv: 3, name: second, as: b}
    - {conv: 3, name: third, from: a, as: c}
    - {conv: , share: first, from: b}
    - add: [identity, c]
"""


@pytest.fixture
def print_of(tmp_path):
    """The fingerprint of a text in which this stands instead of that."""

    def call(text, old="", new=""):
        assert old in text
        (tmp_path / "net.yaml").write_text(text.replace(old, new) if old else text)
        return archdsl.graph(tmp_path / "net.yaml").fingerprint

    return call


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Unit", "ConvBNReLU"),
        ("stem:", "first:"),
        ("bn, relu", "{bn: , name: norm}, {relu: , label: act}"),
        ("kernel: 3", "kernel: 3, stride: 1, dilation: 1"),
        ("[Unit: width]", "[[conv: {out: width, kernel: 3}], bn, relu]"),
        ("dropout: 0.1", "dropout: 1/10"),
        (  # the second branch runs first
            "- {concat: [[Unit: 4], [Unit: 6, dropout: 0.1]], as: y}",
            "- {body: [Unit: 6, dropout: 0.1], as: b}\n    - {concat: [{from: stem, body: [Unit: 4]}, b], as: y}",
        ),
    ],
)
def test_names_order_and_other_ways_to_write_it_do_not_count(print_of, old, new):
    assert print_of(TEXT, old, new) == print_of(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("relu", "hard_swish"),
        ("kernel: 3", "kernel: 3, bias: false"),
        ("16, 16", "16, 32"),
        ("bn, relu", "relu, bn"),
        ("[Unit: 4], [Unit: 6, dropout: 0.1]", "[Unit: 6, dropout: 0.1], [Unit: 4]"),
        ("0.1", "0.2"),
        ("+ 1", "+ 2"),
        ("factor: 2", "factor: 3"),
        ("width: 8", "width: 9"),
        ("[Unit: width]", "[Unit: width, Unit: width]"),
        ("formula: y", "formula: y + y"),
        ("g: 2", "g: 5"),
    ],
)
def test_ops_arguments_wiring_and_the_size_of_the_input_count(print_of, old, new):
    assert print_of(TEXT, old, new) != print_of(TEXT)


def test_whose_module_runs_again_counts(print_of):
    own = print_of(SHARED, "conv: , share: first", "conv: 3")
    others = [print_of(SHARED, "share: first", f"share: {name}") for name in ("first", "third")]
    assert len({own, *others}) == 3


def test_a_copy_and_another_process_give_the_same():
    graph = archdsl.graph("peleenet")
    assert graph.fingerprint == archdsl.graph(graph).fingerprint == "gfe00bee0866"  # as the spec states it
