"""Branches that merge, as networks have them: in training equal to timm's, deployed one layer with the same outputs."""

from __future__ import annotations

import importlib

import onnxruntime
import pytest
import torch
from support.carried import randomised
from torch import nn

import archdsl

REP_VGG = """
blocks:
  RepVGGBlock:
    params: {out: , stride: 1, groups: 1}
    body:
      - reparam:
          - [conv: {out: out, stride: stride, groups: groups}, bn]
          - [conv: {out: out, kernel: 3, stride: stride, groups: groups}, bn]
          - {bn: , when: stride == 1 and c_in == out}
      - relu
stages:
  a: [RepVGGBlock: [8, 2], RepVGGBlock: {out: 8, groups: 2}]
  b: [RepVGGBlock: 12]
"""
MOBILE_ONE = """
blocks:
  MobileOneBlock:
    params: {out: , kernel: 3, stride: 1, groups: 1, branches: [0]}
    body:
      - reparam:
          - [conv: {out: out, stride: stride, groups: groups}, bn]
          - each: n
            in: branches
            body: [conv: {out: out, kernel: kernel, stride: stride, groups: groups}, bn]
          - {bn: , when: stride == 1 and c_in == out}
      - relu
stages:
  a: [MobileOneBlock: {out: 8, stride: 2}]
  b: [MobileOneBlock: {out: 8, groups: c_in, branches: [0, 1, 2]}, MobileOneBlock: {out: 12, branches: [0, 1]}]
  c: [MobileOneBlock: {out: 12, stride: 2, groups: c_in, branches: [0, 1]}]
"""
REP_GHOST = """
blocks:
  RepGhostModule:
    params: [out]
    body:
      - conv: out
      - bn
      - relu
      - reparam:
          - [dwconv: {kernel: 3}, bn]
          - bn
      - relu
stages:
  a: [RepGhostModule: 8]
  b: [RepGhostModule: 6]
"""


def rep_vgg():
    block = importlib.import_module("timm.models.byobnet").RepVggBlock
    return nn.Sequential(block(4, 8, stride=2), block(8, 8, group_size=4), block(8, 12))


def mobile_one():
    block = importlib.import_module("timm.models.byobnet").MobileOneBlock
    depthwise = [
        block(8, 8, group_size=1, num_conv_branches=3),
        block(12, 12, stride=2, group_size=1, num_conv_branches=2),
    ]
    return nn.Sequential(block(4, 8, stride=2), depthwise[0], block(8, 12, num_conv_branches=2), depthwise[1])


def rep_ghost():
    module = importlib.import_module("timm.models.repghost").RepGhostModule
    return nn.Sequential(module(4, 8), module(8, 6))


FORMS = {
    "RepVGG": (REP_VGG, rep_vgg, 3),
    "MobileOne": (MOBILE_ONE, mobile_one, 4),
    "RepGhost": (REP_GHOST, rep_ghost, 4),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_in_training_is_theirs_and_deployed_it_is_plain(form, tmp_path):
    text, made, layers = FORMS[form]
    file = tmp_path / "net.yaml"
    file.write_text(f"archdsl: 1\nname: Net\ninput: [4, 12, 12]\ndefaults: {{conv: {{bias: false}}}}{text}", "utf-8")
    reference = randomised(made())
    found = archdsl.port(reference.state_dict(), file, reference=reference)
    net = archdsl.build(file, verify=True).double().eval()
    net.load_state_dict(found.state)
    x = torch.randn(2, 4, 12, 12, dtype=torch.double)
    deployed = archdsl.convert(net, file)
    with torch.no_grad():
        wanted = reference(x)
        for given in (net(x), deployed(x)):
            assert (given - wanted).abs().max() < 1e-10 * wanted.abs().max()
    parts = [part for part in deployed.modules() if isinstance(part, (nn.Conv2d, nn.BatchNorm2d))]
    assert sum(isinstance(part, nn.Conv2d) for part in parts) == layers
    assert not any(isinstance(part, nn.BatchNorm2d) for part in parts)
    assert archdsl.cost(file, form="deploy").params == sum(p.numel() for p in deployed.parameters())


@pytest.mark.parametrize(
    ("spec", "variant", "name"),
    [("repvgg", "a0", "repvgg_a0"), pytest.param("mobileone", "s0", "mobileone_s0", marks=pytest.mark.slow)],
)
def test_a_shipped_spec_deploys_to_the_network_that_timm_deploys(spec, variant, name):
    reference = randomised(importlib.import_module("timm").create_model(name))
    found = archdsl.port(reference.state_dict(), spec, variant, reference=reference, input=[3, 64, 64])
    net = archdsl.build(spec, variant).double().eval()
    net.load_state_dict(found.state)
    deployed = archdsl.convert(net, spec, variant)
    theirs = importlib.import_module("timm.utils").reparameterize_model(reference)
    x = torch.randn(2, 3, 64, 64, dtype=torch.double)
    with torch.no_grad():
        wanted = theirs(x)
        assert (deployed(x) - wanted).abs().max() < 1e-9 * wanted.abs().max()
    assert archdsl.cost(spec, variant, form="deploy").params == sum(p.numel() for p in theirs.parameters())


def test_an_exported_network_gives_the_same_in_both_forms(tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(f"archdsl: 1\nname: Net\ninput: [4, 12, 12]\n{MOBILE_ONE}", "utf-8")
    torch.manual_seed(0)
    net, x = archdsl.build(file).eval(), torch.randn(1, 4, 12, 12)
    for form, one in {"train": net, "deploy": archdsl.convert(net, file)}.items():
        archdsl.export_onnx(file, tmp_path / form, form=form, weights=one.state_dict())
        session = onnxruntime.InferenceSession(tmp_path / form, providers=["CPUExecutionProvider"])
        (given,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(given), net(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("form", ["train", "deploy"])
def test_a_figure_shows_the_branches_or_one_layer(form, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(f"archdsl: 1\nname: Net\ninput: [4, 12, 12]\n{REP_VGG}", "utf-8")
    drawn = archdsl.draw(file, block="RepVGGBlock", format="dot", form=form)
    assert ("BN" in drawn) == (form == "train")
    assert ("1×1 Conv" in drawn) == (form == "train")
    assert "3×3 Conv" in drawn
