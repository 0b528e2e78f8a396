"""Networks in 8 bits: the samples that they are calibrated with, and what becomes of their outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import archdsl
from archdsl.commands import cli
from archdsl.runtime.calibration import calibration
from archdsl.runtime.quantizing import QUANTIZERS, agreement, expect_useful

NET = """
archdsl: 1
name: Toy
input: [3, 8, 8]
stages:
  stem: [conv: {out: 8, kernel: 3, stride: 2, bias: false}, bn, relu]
  head: [global_avg_pool, flatten, linear: 10]
"""


@pytest.fixture(autouse=True)
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.yaml").write_text(NET, encoding="utf-8")
    (tmp_path / "folder").mkdir()


def test_samples_come_from_folders_and_files_and_one_in_four_is_held_out():
    for n in range(3):
        np.save(f"folder/{n}.npy", np.full((3, 8, 8), n, "f"))
    np.savez("folder/more.npz", a=np.full((5, 3, 8, 8), 3.0))
    torch.save({"x": torch.zeros(9, 3, 8, 8, requires_grad=True)}, "all.pt")
    graph = archdsl.graph("toy.yaml")
    found = calibration("folder", graph)
    assert found.used[0][:, 0, 0, 0].tolist() == [0, 1, 2, 3, 3, 3]
    assert found.held_out[0].shape == (2, 3, 8, 8)
    found = calibration("all.pt", graph)
    assert found.sizes() == (7, 2)
    assert not found.used[0].requires_grad


WRONG = {
    "nothing there": (None, "there is no file or folder 'given' to calibrate with"),
    "an empty folder": ({}, "the folder 'given' has no samples"),
    "images": ({"a.png": b""}, "'given/a.png' is not a file of arrays"),
    "no array": ({"a.npy": b"x"}, "cannot read 'given/a.npy'"),
    "another shape": ({"a.npy": np.zeros((9, 8, 8, 3), "f")}, "'given/a.npy' is 9×8×8×3, and a sample is 3×8×8"),
    "bytes": ({"a.npy": np.zeros((9, 3, 8, 8), "u1")}, "'given/a.npy' holds uint8, and the network takes float32"),
    "too few": ({"a.npy": np.zeros((7, 3, 8, 8), "f")}, "'given' has 7 samples, and at least 8 are needed"),
    "files without arrays": ({"a.npz": {}}, "'given' has no arrays in it"),
    "another byte order": ({"a.npy": np.zeros((9, 3, 8, 8), ">f4")}, "'given/a.npy' holds >f4, and the network takes"),
    "too great": ({"a.npy": np.full((9, 3, 8, 8), 1e300)}, "'given/a.npy' holds values that are not finite in float32"),
    "no numbers": ({"a.npy": np.full((9, 3, 8, 8), np.nan, "f")}, "'given/a.npy' holds values that are not finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_samples_that_are_none_are_refused(case, tmp_path):
    files, message = WRONG[case]
    for name, content in (files or {}).items():
        (tmp_path / "given").mkdir()
        if isinstance(content, bytes):
            (tmp_path / "given" / name).write_bytes(content)
        elif isinstance(content, dict):
            np.savez(tmp_path / "given" / name, **content)
        else:
            np.save(tmp_path / "given" / name, content)
    if files == {}:
        (tmp_path / "given").mkdir()
    with pytest.raises(archdsl.SpecError) as caught:
        calibration("given", archdsl.graph("toy.yaml"))
    assert message in str(caught.value)


def test_agreement_is_that_of_the_worst_output():
    class Two(torch.nn.Module):
        def forward(self, x):
            return x, x.flatten(1)

    x = torch.eye(10)[:, :, None]
    found = agreement(Two(), lambda x: [x, 0.9 * x.flatten(1)], (x,))
    assert str(found) == "signal to noise 20.0 dB, cosine 1.0000, top-1 the same in 100%"


def test_a_network_that_no_longer_tells_samples_apart_is_refused():
    class Two(torch.nn.Module):
        def forward(self, x):
            return x + 5, torch.ones(8, 3)

    def found(given):
        return agreement(Two(), lambda x: [given, torch.full((8, 3), 1.01)], (torch.eye(8),))

    near, mean, noisy = found(torch.eye(8) + 5.1), found(torch.full((8, 8), 5.125)), found(torch.eye(8) + 8)
    assert near.apart == pytest.approx(10.389, abs=1e-3)  # the output that is the same for all counts for nothing
    expect_useful(near)
    assert mean.ratio > 20
    for useless, why in ((mean, "larger than the differences between the samples"), (noisy, "at least 10 dB")):
        with pytest.raises(archdsl.SpecError, match=why):
            expect_useful(useless)


def test_options_that_do_not_fit_are_refused_before_anything_is_built(capfd):
    for options, message in (
        (["--int8"], "--calibrate random"),
        (["--calibrate", "random"], "--calibrate needs --int8"),
        (["--int8", "--calibrate", "random", "--any-size"], "--int8 and --any-size cannot be used together"),
    ):
        assert cli.main(["export", "toy.yaml", "--to", "onnx", *options]) != 0
        assert message in capfd.readouterr().err
    assert cli.main(["export", "toy.yaml", "--to", "pt2", "--int8", "--calibrate", "random"]) != 0
    assert "pt2 files are not written in int8" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("target", QUANTIZERS)
def test_a_network_in_8_bits_agrees_with_the_module(target, tmp_path, capfd):
    for package in QUANTIZERS[target].packages:
        pytest.importorskip(package)
    call = ["export", "toy.yaml", "--to", target, "--form", "deploy", "--int8", "--calibrate", "random"]
    assert cli.main(call) == 0
    said = capfd.readouterr()
    assert "calibrated with 24 samples; over 8 others: signal to noise" in said.out
    assert "MB in float32" in said.out
    assert "the ranges come from noise" in said.err
    assert list(tmp_path.glob("toy-int8.*"))
