"""The modules that `init:` names: which they are, what their rules may read, and what is refused."""

from __future__ import annotations

import pytest

import archdsl

UNIT = {"params": {"out": 8, "norm": True}, "body": [{"conv": ["out", 3]}, {"bn": None, "when": "norm"}, "relu"]}
STAGES = {
    "stem": [{"conv": 8}, {"bn": {"affine": False}}, "relu"],
    "body": [{"Unit": 8}, {"Unit": [12, False]}],
    "turns": {"repeat": 2, "body": [{"conv": 12}]},
    "some": [{"bn": None, "when": "deep"}, {"conv": 12}, {"conv": 12, "name": "last"}],
    "aux": {"training": True, "body": [{"conv": 4}]},
    "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}],
}


def spec(key, rules):
    return {
        "archdsl": 1,
        "name": "Net",
        "input": [3, 8, 8],
        "params": {"num_classes": 4, "deep": False},
        "blocks": {"Unit": UNIT},
        "init": {key: rules},
        "stages": STAGES,
    }


ZERO = {"weight": {"constant": 0}}
PRINTED = {
    "stem.0": "if isinstance(self.stem[0], nn.Conv2d):\n            nn.init.zeros_(self.stem[0].weight)",
    "body.1.conv": "if isinstance(self.body[1].conv, nn.Conv2d):\n            nn.init.zeros_(self.body[1].conv.weight)",
    "some.last": "if isinstance(self.some.last, nn.Conv2d):\n            nn.init.zeros_(self.some.last.weight)",
    "aux": "\n        nn.init.zeros_(self.aux.weight)",
    "head.2": "if isinstance(self.head[2], nn.Linear):\n            nn.init.zeros_(self.head[2].weight)",
    "Unit.conv": "if isinstance(m, Unit):\n                nn.init.zeros_(m.conv.weight)",
    "Unit.bn": (
        "if isinstance(m, Unit) and m.norm and isinstance(m.bn, nn.BatchNorm2d):\n"
        "                nn.init.zeros_(m.bn.weight)"
    ),
}


@pytest.mark.parametrize("key", PRINTED)
def test_a_module_is_named_by_its_keys(key):
    found = spec(key, ZERO)
    assert PRINTED[key] in archdsl.emit(found)
    archdsl.build(found, verify=True)


def test_a_classifier_without_its_last_layer_is_made_too():
    found = spec("head.2", ZERO)
    found["stages"] = {name: stage for name, stage in STAGES.items() if name != "aux"}
    assert not archdsl.build(found).head[2].weight.any()
    assert not list(archdsl.build(found, num_classes=0).head.parameters())


REFUSED = {
    ("stem.conv", "weight"): "'stem.conv' is not a module",
    ("stem", "weight"): "'stem' holds several modules",
    ("stem.1", "weight"): "'stem.1' is bn, and has no weight to fill",
    ("stem.2", "bias"): "'stem.2' is relu, and has no bias to fill",
    ("turns.0", "weight"): "'turns.0' is in a loop, or behind one",
    ("some.1", "weight"): "'some.1' has a position that differs",
    ("Unit", "weight"): "'Unit' is a block: init: names an op, or a module in the block",
    ("Unit.relu", "weight"): "'Unit.relu' is relu, and has no weight to fill",
    ("Unit.conv_2", "weight"): "'Unit.conv_2' is not a module",
    ("Other.conv", "weight"): "'Other' is not a block",
    ("body.0.bn", "weight"): "'body.0.bn' is under a condition",
}


@pytest.mark.parametrize(("key", "tensor"), REFUSED)
def test_what_is_no_such_module_is_refused(key, tensor):
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.graph(spec(key, {tensor: {"constant": 0}}))
    (found,) = caught.value.diagnostics
    assert found.message == REFUSED[key, tensor]
    assert found.help


@pytest.mark.parametrize(
    ("key", "rules", "message"),
    [
        ("stem.0", {"weight": {"normal": "1 / fan"}}, "'fan' is not known to the initialisation of 'stem.0'"),
        ("Unit.bn", {"weight": {"normal": "1 / fan_in"}}, "'fan_in' is not known to this initialisation"),
        ("Unit.bn", {**ZERO, "when": "deep"}, "'deep' is not a number of Unit"),
        ("rms_norm", {"bias": {"constant": 0}}, "the op 'rms_norm' has no bias"),
    ],
)
def test_a_rule_reads_what_its_place_has(key, rules, message):
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.graph(spec(key, rules))
    assert [found.message for found in caught.value.diagnostics] == [message]


@pytest.mark.parametrize(
    ("over", "left"),
    [
        ("stages: {conv10: null, avgpool10: null}", []),
        ("stages: {conv10: [conv: 5, relu]}", []),
        ("init: {conv10.1: null}", []),
        ("init: {conv1.0: {bias: {constant: 1}}}", [("conv10", "1"), ("conv1", "0")]),
    ],
)
def test_a_rule_goes_with_the_stage_that_an_extending_spec_replaces(over, left, tmp_path):
    file = tmp_path / "net.yaml"
    params = "params: {num_classes: null, dropout: null}\n" if "conv10: " in over else ""
    file.write_text(f"archdsl: 1\nextends: squeezenet.yaml\nname: Net\n{params}{over}\n", encoding="utf-8")
    found = archdsl.graph(file, "1.1")
    assert [entry.path for entry in found.origin.spec.named_init] == left
    archdsl.build(found)
