"""A network with its spec in a folder of the Hugging Face Hub."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.torch
import torch

import archdsl
import archdsl.hub
from archdsl.diagnostics.faults import SpecError
from archdsl.runtime.practice import storing
from archdsl.support import resources

pytest.importorskip("huggingface_hub")

UNITS = "archdsl: 1\nblocks:\n  Unit: {params: [out], body: [conv: {out: out, kernel: 3}, bn, relu]}\n"
TEXT = """\
archdsl: 1
name: Mine
input: [3, 16, 16]
use: blocks/units.yaml
params: {num_classes: 10, width: 8}
stages:
  body: [{repeat: 2, body: [Unit: width]}]
  head: [global_avg_pool, flatten, linear: num_classes]
variants: {wide: {width: 16}}
"""


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "units.yaml").write_text(UNITS)
    (tmp_path / "mine.yaml").write_text(TEXT)
    return "mine.yaml"


def test_a_network_is_saved_with_its_spec_and_built_again_from_it(spec, tmp_path):
    net = archdsl.hub.build(spec, "wide", num_classes=3, in_chans=1, set={"body.0.Unit": 12})
    net.save_pretrained("saved")
    state = safetensors.torch.load_file("saved/model.safetensors")
    assert set(state) == set(net.network.state_dict())
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert set(config["files"]) == {"mine.yaml", "blocks/units.yaml"}
    (tmp_path / "mine.yaml").unlink()
    again = archdsl.hub.from_pretrained("saved")
    x = torch.randn(2, 1, 16, 16)
    assert again(x).shape == (2, 3)
    assert torch.equal(again(x), net.eval()(x))
    assert again.graph.fingerprint == net.graph.fingerprint


EXTENDED = """\
archdsl: 1
extends: first
name: Second
use: ../shared/units.yaml
stages: {after: {before: head, body: [Unit: 6]}}
"""


def test_shipped_specs_are_saved_with_those_that_take_them(tmp_path, monkeypatch):
    specs, nets = tmp_path / "specs", tmp_path / "project" / "nets"
    for folder in (specs / "blocks", nets, nets.parent / "shared"):
        folder.mkdir(parents=True)
    (specs / "blocks" / "units.yaml").write_text(UNITS)
    (specs / "first.yaml").write_text(TEXT.replace("Mine", "First"))
    (nets.parent / "pyproject.toml").touch()
    (nets.parent / "shared" / "units.yaml").write_text(UNITS)
    (nets / "second.yaml").write_text(EXTENDED)
    monkeypatch.setattr(resources, "folder", lambda name: specs)
    monkeypatch.setattr(storing, "folder", lambda name: specs)
    mine = archdsl.hub.build(nets / "second.yaml")
    mine.save_pretrained(tmp_path / "saved")
    archdsl.hub.build("first").save_pretrained(tmp_path / "lone")
    (specs / "first.yaml").write_text(TEXT.replace("width: 8", "width: 9"))
    (specs / "blocks" / "units.yaml").unlink()
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert set(config["files"]) == {"nets/second.yaml", "shared/units.yaml"}
    assert set(config["shipped"]) == {"first.yaml", "blocks/units.yaml"}
    again = archdsl.hub.from_pretrained(tmp_path / "saved")
    assert again.graph.fingerprint == mine.graph.fingerprint
    assert archdsl.hub.from_pretrained(tmp_path / "lone").graph.params["width"] == 8


def test_a_spec_whose_figures_show_others_is_saved_with_them(spec, tmp_path):
    (tmp_path / "shown.yaml").write_text(TEXT.replace("Mine", "Shown"))
    shown = "figure: {paper: {Figure 1: {spec: shown.yaml, block: Unit}, Figure 2: {spec: squeezenet, block: Fire}}}\n"
    (tmp_path / spec).write_text(TEXT + shown)
    archdsl.hub.build(spec).save_pretrained("saved")
    config = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert set(config["files"]) == {"mine.yaml", "blocks/units.yaml", "shown.yaml"}
    assert set(config["shipped"]) == {"squeezenet.yaml"}
    assert archdsl.hub.from_pretrained("saved").graph.name == "Mine"


def test_a_fault_of_a_stored_spec_names_the_stored_file(spec, tmp_path):
    archdsl.hub.build(spec).save_pretrained("saved")
    file = tmp_path / "saved" / "config.json"
    config = json.loads(file.read_text())
    config["files"]["blocks/units.yaml"] = UNITS.replace("relu", "rellu")
    file.write_text(json.dumps(config))
    with pytest.raises(SpecError, match=r"(?m)^blocks/units.yaml:3:\d+: error\[unknown-op\]"):
        archdsl.hub.from_pretrained("saved")


def test_weights_of_another_network_are_refused(spec, tmp_path):
    archdsl.hub.build(spec).save_pretrained("saved")
    other = archdsl.build(spec, "wide").state_dict()
    safetensors.torch.save_file(other, "saved/model.safetensors")
    with pytest.raises(SpecError, match="the weights do not fit Mine"):
        archdsl.hub.from_pretrained("saved")
    (tmp_path / "saved" / "model.safetensors").write_bytes(b"none")
    with pytest.raises(SpecError, match="not a complete safetensors file"):
        archdsl.hub.from_pretrained("saved")


def test_a_configuration_leads_to_no_file_beside_it(spec, tmp_path):
    archdsl.hub.build(spec).save_pretrained("saved")
    file = tmp_path / "saved" / "config.json"
    config = json.loads(file.read_text())
    config["files"]["../escaped.yaml"] = "x"
    file.write_text(json.dumps(config))
    with pytest.raises(SpecError, match="the configuration holds no spec"):
        archdsl.hub.from_pretrained("saved")
    assert not (tmp_path / "escaped.yaml").exists()


def test_numbers_of_numpy_are_kept(spec):
    archdsl.hub.build(spec, width=np.int64(12), input=(3, np.int64(24), 24)).save_pretrained("saved")
    again = archdsl.hub.from_pretrained("saved").graph
    assert (again.params["width"], again.inputs["x"].shape) == (12, (3, 24, 24))


def test_a_network_whose_classifier_was_changed_is_not_saved(spec, tmp_path):
    net = archdsl.hub.build(spec)
    net.network.reset_classifier(7)
    with pytest.raises(SpecError, match="was changed after it was built"):
        net.save_pretrained("saved")
    assert not (tmp_path / "saved" / "model.safetensors").exists()


@pytest.mark.parametrize("gone", ["config.json", "model.safetensors", "files"])
def test_a_folder_that_is_not_whole_is_refused(spec, tmp_path, gone):
    archdsl.hub.build(spec).save_pretrained("saved")
    if gone == "files":
        file = tmp_path / "saved" / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "files": 5}))
    else:
        (tmp_path / "saved" / gone).unlink()
    with pytest.raises(SpecError):
        archdsl.hub.from_pretrained("saved")


def test_without_the_package_it_is_named(spec, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(SpecError, match="pip install huggingface_hub"):
        archdsl.hub.build(spec)
