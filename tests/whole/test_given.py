"""Arguments of the Python API that are of another kind than their function says: one `SpecError`, never a raw one."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import archdsl
from archdsl import SpecError

SPEC = {
    "archdsl": 1,
    "name": "Net",
    "input": [3, 8, 8],
    "params": {"num_classes": 4, "k": 3, "act": "relu"},
    "blocks": {"B": {"params": ["out"], "body": [{"conv": {"out": "out", "kernel": "k"}}, {"act": "act"}]}},
    "stages": {
        "stem": [{"B": 4}],
        "rows": {"for": ["name", "c"], "in": [["u", 4], ["v", 6]], "body": [{"conv": {"out": "c", "stride": 2}}]},
        "head": ["global_avg_pool", "flatten", {"linear": "num_classes"}],
    },
    "variants": {"s": {"k": 1}, "0.25": {"k": 5}},
}
ODD = [
    None, 0, 2, -1, 2.5, True, False, "", "x", b"x", [], [1, 2], [""], ("stem",), {}, {"a": 1}, object(), np.int64(3),
    np.bool_(True), torch.tensor(3), torch.tensor([1, 2]), np.array([1, 2]), Path("nowhere"), float("nan"), 10**30,
    [[]], [None], [3.0, 8, 8], [3, 0, 0], [3, True, 8], len, int, {"stem"}, "\0", "\ud800", 1j, range(3), nn.ReLU(),
]  # fmt: skip
NETWORK = ["variant", "input", "num_classes", "k", "act", "nothing"]
CALLS = {
    "graph": [*NETWORK, "form", "features_only", "out_indices"],
    "build": [*NETWORK, "form", "features_only", "in_chans", "global_pool"],
    "emit": [*NETWORK, "form", "features_only", "style"],
    "cost": [*NETWORK, "form"],
    "draw": [
        *("variant", "form", "block", "cases", "level", "format", "style", "orient", "expand", "theme", "palette"),
        *("font", "width", "dpi", "legend"),
    ],
    "table": ["variants", "sort", "input", "k", "nothing"],
}


def said(function, *args, **kwargs):
    """The text of the fault that a call raises."""
    with pytest.raises(SpecError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(("function", "name"), [(f, name) for f, names in CALLS.items() for name in names])
def test_an_odd_argument_works_or_is_refused(function, name):
    for value in ODD:
        with suppress(SpecError):
            getattr(archdsl, function)(SPEC, **{name: value})


@pytest.mark.parametrize("function", [*CALLS, "export_onnx", "port", "convert"])
def test_what_is_no_spec_is_refused(function):
    more = {"export_onnx": ["net.onnx"]}.get(function, [])
    before = {"port": [{"a": torch.zeros(1)}], "convert": [nn.ReLU()]}.get(function, [])
    for value in [None, 5, 2.5, True, b"x", object(), len, Path("nowhere"), torch.zeros(2), "\0"]:
        assert said(getattr(archdsl, function), *before, value, *more)


@pytest.mark.parametrize("name", ["weights", "reference", "key", "before", "variant", "input", "form"])
def test_odd_arguments_of_a_port_are_refused(name):
    state = archdsl.build(SPEC).state_dict()
    for value in [0, 2.5, True, b"x", [1], (1,), object(), len, torch.zeros(2), {"a": 1}]:
        given = {"weights": state, name: value}
        assert said(archdsl.port, given.pop("weights"), SPEC, **given)


def test_what_is_no_module_is_not_converted():
    for value in [None, 5, "x", {}, int, torch.zeros(1)]:
        assert "model is a module, not" in said(archdsl.convert, value, SPEC)


def test_what_is_no_path_is_not_written_to():
    ported = archdsl.port(archdsl.build(SPEC).state_dict(), SPEC)
    for value in [None, 5, b"x", [], object(), "a\0b", "a\ud800.pth"]:
        assert said(ported.save, value)
        assert said(archdsl.export_onnx, SPEC, value)


# --- what is said
def test_a_number_as_a_variant_is_told_the_name():
    text = said(archdsl.build, "igc_v2", variant=0.25)
    assert "variants are names, not 0.25" in text
    assert "did you mean '0.25'?" in text


def test_features_that_are_no_list_of_stages_are_told_how_to_write_it():
    for value in ["stem", [1.5], {}, 3, None]:
        assert 'features_only is a list of stages, as ["stem"], or a truth value, not' in said(
            archdsl.graph, SPEC, features_only=value
        )
    assert "has no stage ''" in said(archdsl.graph, SPEC, features_only=[""])


def test_a_pooling_that_there_is_not_is_told_which_there_are():
    text = said(archdsl.build, "mobilenet_v2", global_pool="avgmax")
    assert "global_pool does not accept 'avgmax'" in text
    assert "choose from avg, max" in text
    assert "choose from avg, max" in said(archdsl.build, "mobilenet_v2", global_pool=3)


def test_channels_of_the_image_are_a_whole_number():
    for value in [None, 0, -1, 2.5, True, "x", [3]]:
        assert "in_chans takes a whole number, at least 1" in said(archdsl.build, "mobilenet_v2", in_chans=value)


def test_a_word_that_is_a_number_is_told_to_be_quoted():
    assert "words are quoted: form='1'" in said(archdsl.graph, SPEC, form=1)


# --- numbers of other libraries
@pytest.mark.parametrize(
    "five", [np.int64(5), np.array(5), torch.tensor(5), np.uint8(5)], ids=lambda n: type(n).__name__
)
def test_a_number_of_another_library_is_one_of_pythons(five):
    network = archdsl.graph(SPEC, k=five, input=[five, 8, five])
    assert type(network.params["k"]) is int
    assert network.inputs["x"].shape == (5, 8, 5)
    assert archdsl.emit(SPEC, k=five) == archdsl.emit(SPEC, k=5)
    assert archdsl.build(SPEC, in_chans=five).stem[0].in_channels == 5


def test_other_numbers_become_pythons_too():
    spec = {**SPEC, "params": {**SPEC["params"], "rate": 0.1}}
    spec["stages"] = {
        **SPEC["stages"],
        "head": ["global_avg_pool", "flatten", {"dropout": "rate"}, {"linear": "num_classes"}],
    }
    for half in (np.float32(0.5), np.float64(0.5), torch.tensor(0.5)):
        assert type(archdsl.graph(spec, rate=half).params["rate"]) is float
    assert archdsl.graph(spec, act=np.str_("relu6")).params["act"] == "relu6"


# --- values without end
def test_a_list_that_holds_itself_or_too_much_is_refused():
    ring = []
    ring.append(ring)
    wide, deep = 1, 1
    for _ in range(30):
        wide = [wide] * 4
    for _ in range(900):
        deep = [deep]
    for value in (ring, wide, deep, [1] * 100_000):
        assert "the list given for 'k'" in said(archdsl.graph, SPEC, k=value)
    assert "more than 2000 characters" in said(archdsl.graph, SPEC, act="x" * 10**7)
    for value in (float("nan"), float("inf")):
        assert "the value of 'k' is not a finite number" in said(archdsl.graph, SPEC, k=value)
