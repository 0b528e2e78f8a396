"""Detectors: prior boxes, decoding, and the search for objects that `detect:` adds to the module."""

from __future__ import annotations

import copy
import itertools
import json
import pickle

import pytest
import torch
from support.places import GOLDEN

import archdsl
from archdsl.runtime import module

PRIORS = json.loads((GOLDEN / "reference" / "pelee_priors.json").read_text(encoding="utf-8"))
SPEC = {
    "archdsl": 1,
    "name": "Detector",
    "input": [3, 16, 16],
    "params": {"num_classes": 3},
    "stages": {
        "trunk": [{"conv": {"out": 8, "kernel": 3, "stride": 4}}, "relu"],
        "boxes": {"from": "trunk", "body": [{"conv": 24}, {"flatten": "hwc"}]},
        "scores": {"from": "trunk", "body": [{"conv": "6 * num_classes"}, {"flatten": "hwc"}]},
        "priors": {"from": "trunk", "body": [{"prior_box": {"image": 16, "min": 4, "max": 9}}]},
    },
    "outputs": {"boxes": "boxes", "scores": "scores", "priors": "priors"},
    "detect": {"confidence": 0.2, "iou": 0.5, "top_k": 50, "keep": 20},
}


def functions():
    """What is pasted into emitted files, from one of them."""
    return module.load(archdsl.emit(SPEC), "Detector")


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(3)
    return archdsl.build(SPEC).eval()


@pytest.mark.parametrize(("variant", "name"), [("voc-304", "voc"), ("coco-304", "coco")])
def test_prior_boxes_are_those_of_the_authors(variant, name):
    net = archdsl.build("pelee", variant)
    layers = [m for m in net.modules() if type(m).__name__ == "PriorBoxes"]
    wanted = PRIORS[name]["float"]
    assert len(layers) == len(wanted)
    for layer, head in zip(layers, wanted, strict=True):
        found = layer.boxes.view(-1, 4)
        assert len(found) == head["count"]
        for place, cell in (("first_cell", found[:6]), ("last_cell", found[-6:])):
            if place in head:
                torch.testing.assert_close(cell, torch.tensor(head[place]), atol=1e-5, rtol=0)
        sides = (found[:6, 2:] - found[:6, :2]) * 304
        torch.testing.assert_close(sides, torch.tensor(head["wh_px"]), atol=1e-3, rtol=0)


def test_prior_boxes_are_constants_that_no_checkpoint_holds(detector):
    assert not [key for key in detector.state_dict() if "prior" in key]
    assert sum(b.numel() for _, b in detector.named_buffers()) == 4 * 4 * 6 * 4
    x = torch.randn(2, 3, 16, 16)
    one, two = detector(x).priors
    assert torch.equal(one, two)
    for other in (copy.deepcopy(detector), pickle.loads(pickle.dumps(detector))):
        assert torch.equal(other(x).priors, detector(x).priors)


@pytest.mark.parametrize("style", ["specialized", "parametric"])
def test_prior_boxes_are_of_one_map_and_no_other_passes_in_silence(style):
    spec = SPEC | {"params": SPEC["params"] | {"up": False}}
    pooled = [{"conv": {"out": 8, "kernel": 3, "stride": 2}}, {"max_pool": {"kernel": 2, "ceil": "up"}}]
    spec["input"], spec["stages"] = [3, 14, 14], SPEC["stages"] | {"trunk": pooled}
    net = module.load(archdsl.emit(spec, style=style), "Detector")
    right = net.Detector().eval()
    found = right(torch.zeros(1, 3, 14, 14))
    assert found.boxes.shape == found.priors.shape
    for one in (right, torch.fx.symbolic_trace(right)):
        with pytest.raises(AssertionError, match="the map must be 3 wide"):
            one(torch.zeros(1, 3, 14, 18))
    if style == "parametric":
        with pytest.raises(AssertionError, match="the map must be 3 high"):
            net.Detector(up=True).eval()(torch.zeros(1, 3, 14, 14))


def test_decoding_undoes_the_coding_of_ssd():
    torch.manual_seed(0)
    variances = (0.1, 0.1, 0.2, 0.2)
    corners = torch.rand(50, 2, 2).sort(1).values.flatten(1)
    priors = torch.rand(50, 2, 2).sort(1).values.flatten(1) + torch.tensor([0, 0, 0.01, 0.01])
    centre, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    middle, side = (priors[:, :2] + priors[:, 2:]) / 2, priors[:, 2:] - priors[:, :2]
    coded = torch.cat([(centre - middle) / side / 0.1, torch.log(size / side) / 0.2], 1)
    torch.testing.assert_close(functions().decoded(coded, priors, variances), corners, atol=1e-5, rtol=1e-5)


def overlap(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (area - width * height)


@pytest.mark.parametrize(("keep", "block"), [(100, 256), (100, 7), (12, 7)])
def test_suppression_keeps_what_a_plain_double_loop_keeps(keep, block):
    torch.manual_seed(keep)
    boxes = (torch.rand(90, 2, 2) * 2).sort(1).values.flatten(1)
    boxes = torch.cat([torch.cat([boxes, boxes[:10]]), torch.randint(2, (100, 1))], 1)
    kept = []
    for index, (*box, kind) in enumerate(boxes.tolist()):
        if all(boxes[i, 4] != kind or overlap(box, boxes[i].tolist()) <= 0.4 for i in kept):
            kept.append(index)
    assert functions().suppressed(boxes, 0.4, keep, block).tolist() == kept[:keep]
    assert 12 < len(kept) < 90


def test_detect_gives_each_image_its_objects(detector):
    torch.manual_seed(1)
    images = torch.randn(3, 3, 16, 16) * 4
    together = detector.detect(images)
    assert len(together) == 3
    assert any(len(item.scores) for item in together)
    for image, found in zip(images, together, strict=True):
        (alone,) = detector.detect(image[None])
        for mine, theirs in zip(found, alone, strict=True):
            torch.testing.assert_close(mine, theirs)
        assert found.boxes.shape == (len(found.scores), 4)
        assert len(found.scores) <= 20
        assert (found.scores > 0.2).all()
        assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
        assert set(found.classes.tolist()) <= {1, 2}
        for label in (1, 2):
            same = found.boxes[found.classes == label].tolist()
            assert all(overlap(a, b) <= 0.5 + 1e-5 for a, b in itertools.combinations(same, 2))


def test_a_call_chooses_how_sure_and_how_many(detector):
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 4
    for found, few, sure in zip(
        detector.detect(images), detector.detect(images, keep=2), detector.detect(images, confidence=0.4), strict=True
    ):
        assert few.scores.tolist() == found.scores[:2].tolist()
        assert sure.scores.tolist() == found.scores[found.scores > 0.4].tolist()
    with pytest.raises(ValueError, match="keep"):
        detector.detect(images, keep=0)


def test_detect_leaves_modes_and_running_statistics_as_they_are():
    trunk = [{"conv": {"out": 8, "kernel": 3, "stride": 4}}, "bn", {"dropout": 0.5}]
    spec = {**SPEC, "stages": {**SPEC["stages"], "trunk": trunk}}
    net = archdsl.build(spec).train()
    net.trunk[1].eval()
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    modes = [part.training for part in net.modules()]
    image = torch.randn(1, 3, 16, 16)
    (one,), (two,) = net.detect(image), net.detect(image)
    assert torch.equal(one.scores, two.scores)
    assert modes == [part.training for part in net.modules()]
    assert all(torch.equal(before[key], tensor) for key, tensor in net.state_dict().items())


def test_an_image_of_nothing_has_no_objects(detector):
    net = copy.deepcopy(detector)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.out_channels == 18:
                layer.weight.zero_()
                layer.bias.copy_(torch.tensor([9.0, 0, 0]).repeat(6))
    (found,) = net.detect(torch.randn(1, 3, 16, 16))
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.classes.shape == (0,)


@pytest.mark.parametrize(
    ("detect", "message"),
    [
        ({"boxs": "boxes"}, "did you mean 'boxes'"),
        ({"boxes": "box"}, "there is no output 'box'"),
        ({"variances": [0.1]}, "variances are four numbers"),
        ({"confidence": 2}, "confidence is from 0 to 1, not 2"),
        ({"top_k": 1.5}, "top_k is a whole number"),
        ({"keep": 0}, "keep is at least 1, not 0"),
    ],
)
def test_a_fault_in_it_has_its_place(detect, message):
    with pytest.raises(archdsl.SpecError, match=message) as caught:
        archdsl.graph({**SPEC, "detect": detect})
    assert caught.value.diagnostics[0].span is not None


def test_roles_need_outputs():
    spec = {key: value for key, value in SPEC.items() if key != "outputs"}
    with pytest.raises(archdsl.SpecError, match="there is no output 'boxes'"):
        archdsl.graph(spec)


def test_no_images_have_no_objects(detector):
    assert detector.detect(torch.zeros(0, 3, 16, 16)) == []
