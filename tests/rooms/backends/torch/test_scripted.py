"""What torch.jit.script and torch.fx take of emitted source; docs/deploying.md lists what the former does not."""

from __future__ import annotations

import re
import sys
import types

import pytest
import torch
from support.nets import variant_of
from support.places import DOCS

import archdsl
from archdsl.workspace.library import all_shipped

STYLES = ("specialized", "parametric")
NET = {"archdsl": 1, "name": "Net", "input": [4, 8, 8]}


def from_file(text, folder, name, monkeypatch):
    """The module of an emitted file: torch.jit.script reads the text of its classes from there."""
    path = folder / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    made = types.ModuleType(name)
    made.__file__ = str(path)
    monkeypatch.setitem(sys.modules, name, made)
    exec(compile(text, str(path), "exec", dont_inherit=True), made.__dict__)
    return made


def listed():
    """What the table of the page says of each network in it: the styles in which its source is not scripted."""
    rows = (DOCS / "deploying.md").read_text(encoding="utf-8").partition("## torch.jit.script")[2]
    names = re.findall(r"`(\w+)`( \(`parametric`\))?", "".join(re.findall(r"\|([^|]*)\|\n", rows)))
    return {name: STYLES[1:] if alone else STYLES for name, alone in names}


OPTIONAL = {
    "layer": ({"conv": 4}, "self.part = nn.Conv2d(4, 4, 1) if wide else None"),
    "chain": ([{"conv": {"out": 4, "kernel": 3}}, "bn", "relu"], "self.part: nn.Sequential | None = None"),
    "repeated": ({"repeat": 2, "body": [{"conv": 4}, "relu"]}, "self.part: nn.Sequential | None = None"),
}


@pytest.mark.parametrize("kind", OPTIONAL)
def test_what_only_some_calls_of_a_block_have_is_none_in_the_others(kind, tmp_path, monkeypatch):
    part, line = OPTIONAL[kind]
    gate = {"when": "wide", "name": "part", "body": part if isinstance(part, list) else [part]}
    block = {"params": ["wide"], "body": [{"add": [{"identity": None}, gate]}, "relu"]}
    spec = {**NET, "blocks": {"Unit": block}, "stages": {"a": [{"Unit": True}, {"Unit": False}]}}
    text = archdsl.emit(spec)
    assert line in text
    assert "self.part is not None" in text
    net = from_file(text, tmp_path, f"optional_{kind}", monkeypatch).Net().eval()
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(torch.jit.script(net)(x), net(x))
    assert torch.equal(torch.fx.symbolic_trace(net)(x), net(x))


@pytest.mark.parametrize("size", ["max(ceil(h_in / 2), 5)", "min(h_in, 6)", "round(h_in / 3)", "ceil(h_in * 0.7)"])
def test_fx_traces_sizes_that_are_computed_from_those_of_a_map(size, tmp_path, monkeypatch):
    pool = {"adaptive_avg_pool": {"size": [size, size]}}
    text = archdsl.emit({**NET, "stages": {"a": [pool, {"conv": 4}]}})
    net = from_file(text, tmp_path, "sized", monkeypatch).Net().eval()
    traced = torch.fx.symbolic_trace(net)
    for side in (8, 13):
        x = torch.randn(2, 4, side, side)
        assert torch.equal(traced(x), net(x))
    assert torch.equal(torch.fx.symbolic_trace(archdsl.build({**NET, "stages": {"a": [pool]}}))(x), pool_of(x, net))


def pool_of(x, net):
    """What enters the only layer of a network."""
    seen = []
    net.a.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    net(x)
    return seen[0]


def test_fx_traces_the_segmentation_networks_of_espnet_v2():
    net = archdsl.build("espnet_v2", "seg-x0.5", input=[3, 64, 64]).eval()
    traced = torch.fx.symbolic_trace(net)
    for side in (64, 96):
        x = torch.randn(1, 3, side, side)
        assert torch.equal(traced(x), net(x))


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", all_shipped())
def test_the_page_lists_the_networks_that_are_not_scripted_and_no_others(name, style, tmp_path, monkeypatch):
    variant = variant_of(name)
    text = archdsl.emit(name, variant=variant, style=style)
    made = from_file(text, tmp_path, f"{name}_{style}", monkeypatch)
    kind = getattr(made, archdsl.graph(name, variant).name)
    with torch.device("meta"):
        net = kind(**getattr(made, "VARIANTS", {}).get(variant, {})).eval()
    if style in listed().get(name, ()):
        with pytest.raises((RuntimeError, torch.jit.frontend.NotSupportedError)):
            torch.jit.script(net)
    else:
        torch.jit.script(net)
