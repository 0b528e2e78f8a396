"""`archdsl port`: what it tells of the weights that it moves."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from support.ports import Bomb, edit

import archdsl
from archdsl.commands import cli


@pytest.fixture
def run(here, capfd):
    def call(*args: str) -> tuple[int, str, str]:
        status = cli.main(["port", *args])
        return (status, *capfd.readouterr())

    return call


def test_the_command_tells_each_pair_and_what_is_proven(run):
    status, out, err = run(
        "torchvision:squeezenet1_1", "squeezenet", "-v", "1.1", "--input", "3,64,64", "-o", "net.safetensors"
    )
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["features.0.weight", "->", "conv1.0.weight", "64×3×3×3"]
    assert lines[51].split() == ["classifier.1.bias", "->", "conv10.1.bias", "1000"]
    assert lines[52:54] == ["", "52 tensors, paired by running both networks"]
    assert lines[54].startswith("outputs are equal on random images: they differ by at most ")
    assert lines[55:] == ["wrote net.safetensors"]
    state = safetensors.torch.load_file("net.safetensors")
    archdsl.build("squeezenet", "1.1").load_state_dict(state)


def test_the_command_says_that_nothing_is_proven_without_the_network(run):
    torch.save(archdsl.port("torchvision:squeezenet1_1", "squeezenet", "1.1", input=[3, 64, 64]).state, "own.pth")
    own = torch.load("own.pth", weights_only=True)
    state = {f"layer{n // 2}.{key.rpartition('.')[2]}": value for n, (key, value) in enumerate(own.items())}
    torch.save(state, "net.pth")
    status, out, _ = run("net.pth", "squeezenet", "-v", "1.1", "-o", "again.pt")
    assert status == 0
    assert out.splitlines()[-3:] == [
        "52 tensors, paired by order and shapes",
        "outputs were not compared; to compare them, name the network that the weights come from with --from",
        "wrote again.pt",
    ]
    status, out, _ = run("own.pth", "squeezenet", "-v", "1.1", "-o", "again.pt")
    assert out.splitlines()[-2:] == ["52 tensors, paired by their names, which are ours", "wrote again.pt"]


def test_the_command_tells_what_an_edit_moved(run, here):
    network = edit(here, ("    - Layer: 8\n", "    - Unit: {out: 4}\n    - Layer: 8\n"), ("repeat: 3", "repeat: 2"))
    torch.save(archdsl.build("old.yaml").state_dict(), "old.pth")
    status, out, err = run("old.pth", "--between", "old.yaml", network, "-o", "new.pth")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "kept     44 tensors",
        "moved    body.0 -> body.1 (11 tensors)",
        "moved    body.1 -> body.2 (6 tensors)",
        "moved    body.2 -> body.3 (12 tensors)",
        "new      body.0 (6 tensors)",
        "new      body.1.unit.conv (1 tensor)",
        "dropped  body.0.unit.conv (1 tensor)",
        "dropped  body.3 (12 tensors)",
        "wrote new.pth",
    ]


def test_the_command_tells_both_shapes_of_what_an_edit_changed(run, here):
    network = edit(here, ("  body:\n", "  trunk:\n"), ("repeat: 3", "repeat: 2"), ("num_classes: 10", "num_classes: 7"))
    torch.save(archdsl.build("old.yaml").state_dict(), "old.pth")
    args = ("--map", "body=trunk", "--set", "in_chans=1")
    status, out, err = run("old.pth", "--between", "old.yaml", network, *args, "-o", "new.pth")
    assert (status, err) == (0, "")
    assert "changed  stem.conv.weight (summed over 3 channels)" in out.splitlines()
    assert "new      head.2.weight (7×16, before 10×16)" in out.splitlines()


@pytest.mark.parametrize(
    "args",
    [
        ("torchvision:squeezenet1_1", "squeezenet", "-v", "1.0", "--input", "3,64,64"),
        ("torchvision:mobilenet_v3_small", "mobilenet_v3", "-v", "small-1.00", "--input", "3,64,64"),
        ("bomb.pth", "squeezenet"),
        ("none.pth", "squeezenet"),
        ("bomb.pth",),
        ("bomb.pth", "squeezenet", "--between", "old.yaml", "new.yaml"),
        ("bomb.pth", "--from", "timm:fbnetc_100", "--between", "old.yaml", "new.yaml"),
    ],
)
def test_what_is_refused_is_not_written(args, run, here):
    edit(here)
    torch.save(Bomb(), "bomb.pth")
    Path("out.safetensors").write_text("as it was")
    before = sorted(here.iterdir())
    status, out, err = run(*args, "-o", "out.safetensors")
    assert (status, out) == (2, "")
    assert err.startswith("error[")
    assert Path("out.safetensors").read_text() == "as it was"
    assert sorted(here.iterdir()) == before
