"""The specs of `specs/beyond`, which prove the reach of the language: what holds of those of the survey holds of them.

That they equal their references is told by `test_parity.py`; what they cost, `archdsl check` holds them to.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import cache

import onnxruntime
import pytest
import torch
from support.checkers import mypy_strict
from support.nets import assert_equal, livened, run, smallest_of

import archdsl
from archdsl.runtime import module, onnx
from archdsl.runtime.verify import verify
from archdsl.workspace.library import read, shipped

NAMES = shipped("specs/beyond")
LIGHT = {  # of the others the first
    "convnext": "atto",
    "mobilenet_v4": "conv-s-0.35",
    "regnet": "y-400mf",
    "resnet": "18",
}
LONG = {"fastvit", "retinanet", "video_resnet", "yolox"}  # proofs take long on a processor
every_spec = pytest.mark.parametrize("name", NAMES)
most_specs = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in NAMES]
)


def light(name):
    return LIGHT.get(name) or next(iter(read(name).variants))


@cache
def small(name):
    """The graph of a light variant at the smallest input that runs it."""
    graph = archdsl.graph(name, light(name))
    return archdsl.graph(name, light(name), input=smallest_of(graph))


@cache
def network(name):
    """The network, with weights that keep signals at their size, and an input; not to be changed."""
    inputs = tuple(torch.randn(4, *tensor.shape) for tensor in small(name).inputs.values())
    return livened(small(name), inputs).double(), tuple(x.double() for x in inputs)


@every_spec
def test_every_variant_says_what_it_comes_to(name):
    spec = read(name)
    assert list(spec.expect) == list(spec.variants)
    assert all(expected.params and expected.macs for expected in spec.expect.values())
    assert spec.paper["title"]


@most_specs
def test_the_module_is_its_graph(name):
    verify(module.build(small(name)), small(name), training=True)


@pytest.mark.slow
@every_spec
def test_the_class_of_all_variants_is_the_graph_of_each(name):
    variants = list(read(name).variants)
    whole, arguments = module.one_of_all(archdsl.graph(name, variants[0]))
    for variant in variants:
        verify(whole(**arguments.get(variant, {})), archdsl.graph(name, variant), training=True)


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    """A folder with the source of a light variant of each, and the class of all its variants."""
    folder = tmp_path_factory.mktemp("beyond")
    for name in NAMES:
        for style in ("specialized", "parametric"):
            text = archdsl.emit(name, light(name), style=style)
            (folder / f"{name}_{style}.py").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=" ".join)
def test_ruff_finds_nothing_in_the_source(words, emitted):
    assert_clean([sys.executable, "-m", "ruff", *words, "--isolated", "."], emitted)


@pytest.mark.slow
def test_mypy_finds_nothing_in_the_source(emitted, pytestconfig):
    assert_clean([*mypy_strict(pytestconfig), "."], emitted)


def assert_clean(command, folder):
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@most_specs
def test_folded_norms_leave_the_outputs_as_they_are(name):
    net, inputs = network(name)
    shapes = {key: tensor.shape for key, tensor in small(name).inputs.items()}
    folded = archdsl.convert(net, name, light(name), input=shapes, passes=["fold_batch_norm"])
    assert_equal(run(folded, inputs), run(net, inputs), 1e-5)
    assert sum(isinstance(part, NORMS) for part in folded.modules()) == KEPT.get(name, 0)


NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)
# on concatenations; branches; branches; branches; on a sum; behind calls of a block
KEPT = {"densenet": 62, "fastvit": 24, "mobileone": 35, "repvgg": 17, "starnet": 1, "video_resnet": 16}


@every_spec
def test_a_copy_is_the_same_network_and_figures_are_drawn(name):
    graph = small(name)
    assert archdsl.emit(pickle.loads(pickle.dumps(graph))) == archdsl.emit(graph)
    assert "<svg" in archdsl.draw(graph)
    blocks = {scope.name for scope in graph.root.scopes() if scope.is_block}
    assert all("<svg" in archdsl.draw(graph, block=block) for block in blocks)


@pytest.mark.slow
@every_spec
def test_onnxruntime_computes_what_torch_computes(name):
    net, inputs = network(name)
    model = onnx.emit(small(name), {key: value.float() for key, value in net.state_dict().items()})
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = {entry.name: x.float().numpy() for entry, x in zip(session.get_inputs(), inputs, strict=True)}
    assert_equal([torch.from_numpy(out).double() for out in session.run(None, given)], run(net, inputs), 1e-3)
