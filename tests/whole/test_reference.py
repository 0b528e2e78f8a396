"""Every shipped variant against its reference implementation.

`data/variants/SPEC.csv` has the parameters and MACs of each; `golden/reference/SPEC@VARIANT.json` what the
reference does with fixed weights (see `fingerprint.py`): the convolutions in order, and 24 outputs.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.places import DATA, GOLDEN, ROOT

import archdsl

SPECS = ROOT / "specs"
VARIANTS = [
    row for file in sorted((DATA / "variants").glob("*.csv")) for row in csv.DictReader(file.open(encoding="utf-8"))
]
GOLDENS = sorted((GOLDEN / "reference").glob("*@*.json"))
TOLERANCE = {
    "micronet@m2": 5e-3,  # saturates before its last ReLU6: kernels differ by up to 1e-3
    "micronet@m3": 5e-3,
}
# The last operations, in any order: heads of a detector, of which none reads another. Weights are filled by shape, so
# the outputs tell whether each has its own.
HEADS = {"pelee@voc-304": 12}

# MicroNet's own counts (its README): convolutions, linear layers and the application of Dynamic Shift-Max
SHIFT_MAX = {"m0": 4_054_128, "m1": 6_120_032, "m2": 12_743_440, "m3": 20_807_520}


def path(spec: str) -> Path:
    return SPECS / f"{spec}.yaml"


# --- counts, without torch ---------------------------------------------------------------------


def label(row: dict[str, str]) -> str:
    return f"{row['spec']}@{row['variant']}"


@pytest.mark.parametrize("row", VARIANTS, ids=label)
def test_the_input_the_parameters_and_the_macs_are_those_of_the_reference(row: dict[str, str]) -> None:
    cost = archdsl.cost(path(row["spec"]), variant=row["variant"])
    assert next(iter(cost.inputs.values())) == tuple(map(int, row["input"].split("x")))
    assert (cost.params, cost.macs) == (int(row["params"]), int(row["macs_conv_linear"]))


@pytest.mark.parametrize("variant", SHIFT_MAX)
def test_the_application_of_dynamic_shift_max_is_counted_as_its_authors_do(variant: str) -> None:
    graph = archdsl.graph(path("micronet"), variant=variant)
    applied = [node for node in graph.nodes if node.op.name == "formula" and len(node.inputs) > 1]
    work = sum(node.op.work(SimpleNamespace(**node.fields), node.inputs[0].shape, node.shape) for node in applied)
    assert archdsl.cost(graph).macs + work == SHIFT_MAX[variant]


def test_drop_connect_grows_with_the_number_of_the_block() -> None:
    rates = [node.fields["p"] for node in archdsl.graph(path("efficientnet")).nodes if node.op.name == "drop_connect"]
    with_shortcut = (2, 4, 6, 7, 9, 10, 12, 13, 14)  # of the 16 blocks of B0
    assert rates == pytest.approx([0.2 * block / 16 for block in with_shortcut])


# --- the module --------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:TF32")
@pytest.mark.parametrize("file", GOLDENS, ids=lambda file: file.stem)
def test_the_module_computes_what_the_reference_computes(file: Path) -> None:
    from support.fingerprint import fingerprint
    from support.undrawn import Undrawn

    golden = json.loads(file.read_text(encoding="utf-8"))
    golden["params"] -= golden.get(
        "params_unused_in_forward", 0
    )  # of the released code, which makes and never runs them
    with Undrawn():  # it is filled there
        model = listed_once(archdsl.build(path(golden["spec"]), variant=golden["variant"]))
    found = fingerprint(model, tuple(golden["input"]))
    counts = ("params", "macs_conv_linear", "outputs")
    found["outputs"] = found["outputs"][: len(golden["outputs"])]  # constants come behind them
    faults = [f"{key}: {found[key]}, the reference has {golden[key]}" for key in counts if found[key] != golden[key]]
    faults += arithmetic_faults(found["ops"], golden["ops"], HEADS.get(file.stem, 0))
    if "bn_eps_momentum" in golden:
        faults += norm_faults(model, golden["bn_eps_momentum"])
    tolerance = TOLERANCE.get(file.stem, 1e-3)
    for number, (mine, theirs) in enumerate(zip(found["probe"], golden["probe"], strict=False)):
        faults += probe_faults(f"output {number}", mine["val"], theirs["val"], tolerance)
    if "probe_scaled" in golden:
        scaled = golden["probe_scaled"]
        values = outputs(model, golden["input"], scaled)
        faults += probe_faults(f"input times {scaled['input_scale']}", values, scaled["val"], tolerance)
    assert not faults, f"{file.stem}:\n  " + "\n  ".join(faults)


def listed_once(model: Any) -> Any:
    """A network that says its tensors from a list: the fingerprint asks for all of them once for each of them."""
    for name in ("named_parameters", "named_buffers"):
        found = list(getattr(model, name)())
        setattr(model, name, lambda found=found: iter(found))
    return model


def outputs(model: Any, shape: list[int], probe: dict[str, Any]) -> list[float]:
    """The probed outputs of a filled module for the scaled input."""
    import numpy as np
    import torch
    from support.fingerprint import flat_out

    x = torch.from_numpy(np.random.RandomState(0).standard_normal(shape)).float() * probe["input_scale"]
    with torch.no_grad():
        flat = flat_out(model.eval()(x))[0].flatten().double()
    return [flat[n].item() for n in probe["idx"]]


def probe_faults(what: str, mine: list[float], theirs: list[float], tolerance: float) -> list[str]:
    scale = max(abs(value) for value in theirs) + 1e-9
    error = max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) / scale
    if error < tolerance:
        return []
    return [f"{what}: differs by {error:.1e} of the largest value (allowed {tolerance:.0e})"]


def norm_faults(model: Any, wanted: list[list[float]]) -> list[str]:
    found = {(m.eps, m.momentum) for m in model.modules() if hasattr(m, "running_mean")}
    if found == {tuple(pair) for pair in wanted}:
        return []
    return [f"batch norm (eps, momentum): {sorted(found)}, the reference has {wanted}"]


def arithmetic(op: list[Any]) -> tuple[Any, ...]:
    """What matters of a convolution: that of a 1×1 map is a linear layer, padding may be a layer of its own."""
    if op[0] == "matmul":
        return "linear", op[2][0], op[2][1]
    _, entering, leaving, weight, stride, padding, dilation, groups = op
    if entering[1:] == [1] * len(entering[1:]) and groups == 1 and weight[2:] == [1] * len(weight[2:]):
        return "linear", entering[0], leaving[0]
    padded = tuple(n + 2 * p for n, p in zip(entering[1:], padding, strict=True))
    return "conv", entering[0], padded, tuple(leaving), tuple(weight), tuple(stride), tuple(dilation), groups


def arithmetic_faults(mine: list[Any], theirs: list[Any], heads: int) -> list[str]:
    """The first difference between two sequences of convolutions and matrix products, the last `heads` sorted."""
    a, b = ([arithmetic(op) for op in ops if op[0] in ("conv", "matmul")] for ops in (mine, theirs))
    a, b = ([*ops[: len(ops) - heads], *sorted(ops[len(ops) - heads :])] for ops in (a, b))
    for number, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return [f"operation {number} of {len(b)}: {left}, the reference has {right}"]
    return [] if len(a) == len(b) else [f"{len(a)} convolutions and matrix products, the reference has {len(b)}"]
