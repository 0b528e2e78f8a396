"""Every primitive op against torch: shapes, parameters, MACs, buffers, source."""

from __future__ import annotations

import importlib.util
import itertools
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it
from support import deformable
from support.places import PACKAGE, PRELUDE
from support.proof import tuples
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archdsl.expr.evaluate import evaluate
from archdsl.expr.nodes import Lit, Name, wrap
from archdsl.expr.parse import parse
from archdsl.expr.show import show
from archdsl.ops import REGISTRY
from archdsl.ops.base import OpFault, Run, Site, atom
from archdsl.ops.conv import depthwise
from archdsl.ops.rearrange import read_pattern
from archdsl.runtime.kernels import Kernels

OPS = sorted(REGISTRY)


def prelude(file, name):
    """A class or function of a prelude file."""
    spec = importlib.util.spec_from_file_location(f"prelude_{Path(file).stem}", PRELUDE / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def full(op, **given):
    """An op's fields with defaults, as `elaborate` gives them to its rules."""
    values = {f.name: f.default for f in op.fields if f.kind != "tensor" and not f.required} | given
    return SimpleNamespace(
        **{k: parse(v, formula=True) if k == "expression" and isinstance(v, str) else v for k, v in values.items()}
    )


def site(op, f, shape, *, inplace=False):
    """Where the op stands, with all numbers constant."""
    exprs = {f_: wrap(v) for f_, v in vars(f).items()}
    return Site(SimpleNamespace(**exprs), Lit(shape[0]), len(shape) - 1, shape[1:], inplace)


def make(op, f, shape, *, inplace=False):
    """The torch module of a step."""
    made = op.module(site(op, f, shape, inplace=inplace))
    args = [tuples(evaluate(wrap(a), {})) for a in made.args]
    kwargs = {k: tuples(evaluate(wrap(v), {})) for k, (v, _) in made.kwargs.items()}
    cls = getattr(nn, made.cls[3:]) if made.cls.startswith("nn.") else prelude(op.prelude, made.cls)
    return cls(*args, **kwargs)


def call(op, f, shape, tensors, **given):
    """Runs the functional form."""
    names = [f"x{n}" for n in range(len(tensors))]
    text = op.function(site(op, f, shape), *names)
    return eval(text, {"torch": torch, "F": F, **dict(zip(names, tensors, strict=True)), **given})


@pytest.fixture(autouse=True)
def torchvision(monkeypatch):
    deformable.put_in_place(monkeypatch)


def filled(op, shapes, given):
    """An op's fields, the last shapes in those of its tensor fields that its example has, unless they are given."""
    names = op.example.get("tensors", ())[: len(shapes) - 1] if not op.many else ()
    return full(op, **{**dict(zip(names, shapes[len(shapes) - len(names) :], strict=True)), **given})


def random(*shapes, n=2):
    return [torch.randn(n, *shape) for shape in shapes]


def run(name, *shapes, n=2, tensor=(), **given):
    """An op on random tensors: inputs, fields and output; `tensor` names the fields that the last shapes belong to."""
    op = REGISTRY[name]
    f = full(op, **given, **dict(zip(tensor, shapes[len(shapes) - len(tensor) :], strict=True)))
    tensors = random(*shapes, n=n)
    if op.functional(frozenset([*given, *tensor])):
        return tensors, f, call(op, f, shapes[0], tensors)
    torch.manual_seed(0)
    module = make(op, f, shapes[0]).eval()
    return tensors, f, module(*tensors)


CASES = [
    ("conv", [(8, 16, 15)], {"out": 12, "kernel": [3, 5], "stride": [2, 1], "groups": 4, "bias": False}),
    ("conv", [(8, 16, 15)], {"out": 12, "kernel": 3, "dilation": 4}),
    ("conv", [(8, 30)], {"out": 12, "kernel": 7, "stride": 3, "padding": 1}),
    ("conv", [(4, 6, 7, 8)], {"out": 6, "kernel": [1, 3, 3]}),
    ("dwconv", [(8, 16, 15)], {"kernel": [1, 3]}),
    ("dwconv", [(8, 16, 15)], {"kernel": 4, "padding": 0, "multiplier": 3, "bias": False}),
    ("conv_transpose", [(8, 5, 6)], {"out": 3, "bias": False}),
    ("conv_transpose", [(8, 5, 6)], {"out": 4, "kernel": [3, 4], "stride": [2, 3], "padding": [0, 1], "groups": 4}),
    ("bn", [(8,)], {"affine": False}),
    ("bn", [(8, 4, 4, 4)], {}),
    ("prelu", [(8,)], {}),
    ("act", [(8, 4, 4)], {"kind": "prelu"}),
    ("flatten", [(8,)], {}),
    ("flatten", [(8,)], {"order": "hwc"}),
    ("split", [(9, 4)], {"sizes": 3}),
    ("upsample", [(8, 5, 7)], {"size": [9, 4]}),
    ("upsample", [(8, 5, 7)], {"scale": 1.5, "mode": "bicubic", "align_corners": True}),
    ("adaptive_avg_pool", [(8, 9)], {"size": 4}),
    ("roll", [(8, 5, 7)], {"by": 3}),
    ("roll", [(8, 5, 7)], {"by": [0, 0]}),
    ("rearrange", [(8, 3, 4)], {"pattern": "c h w -> (h w) c"}),
    ("rearrange", [(12, 5)], {"pattern": "(h w) c -> c h w", "h": 3}),
    ("rearrange", [(8, 3, 4)], {"pattern": "c h w -> 1 c h w"}),
    ("rearrange", [(1, 8, 3, 4)], {"pattern": "1 c h w -> c h w"}),
    ("rearrange", [(12, 4, 6)], {"pattern": "(a b c) (h p) w -> (c p) b h (w a)", "a": 2, "b": 3, "p": 2}),
    ("channel_shuffle", [(8, 5)], {"groups": 4}),
    ("pad", [(8, 5)], {"before": 2}),
    *(
        ("pad", [(4, *(5, 6, 7)[:rank])], {"before": 1, "after": 2, "mode": mode})
        for mode in ("reflect", "replicate", "circular")
        for rank in (1, 2, 3)
    ),
    ("pad", [(8, 5, 6)], {"before": 2, "value": -1.5}),
    ("conv", [(4, 7)], {"out": 6, "kernel": 5, "padding_mode": "circular", "standardize": True}),
    ("conv", [(4, 7, 8)], {"out": 6, "kernel": 3, "groups": 2, "standardize": True, "standardize_eps": 0.1}),
    ("conv", [(4, 5, 6, 7)], {"out": 6, "kernel": [3, 1, 3], "padding_mode": "replicate", "standardize": True}),
    ("dwconv", [(4, 7, 8)], {"kernel": [3, 5], "padding_mode": "reflect", "stride": 2}),
    ("dwconv", [(4, 7)], {"kernel": 3, "standardize": True, "multiplier": 2}),
    ("layer_norm", [(8,)], {"bias": False}),
    ("layer_norm", [(8, 4, 5, 6)], {"affine": False}),
    ("rms_norm", [(8,)], {}),
    ("rms_norm", [(8, 5)], {"affine": False, "eps": 0.1}),
    ("instance_norm", [(8, 5)], {}),
    ("instance_norm", [(4, 5, 6, 7)], {"track_running_stats": True, "affine": True}),
    ("grn", [(8, 5)], {}),
    ("local_response_norm", [(8, 5)], {"size": 4, "alpha": 2, "beta": 0.5, "k": 2.0}),
    ("local_response_norm", [(3, 4, 5, 6)], {"size": 9}),
    ("prelu", [(8, 4, 4)], {"shared": True}),
    ("softplus", [(8, 4, 4)], {"beta": 3, "threshold": 1}),
    ("gelu", [(8, 4, 4)], {"approximate": "tanh"}),
    ("glu", [(8,)], {}),
    ("lp_pool", [(4, 9)], {"norm_type": 4, "kernel": 3, "stride": 2, "ceil": True}),
    ("lp_pool", [(4, 5, 6, 7)], {"norm_type": 2}),
    ("gem", [(4, 9)], {"learned": False, "p": 2}),
    ("gem", [(4, 5, 6, 7)], {"eps": 0.1}),
    ("adaptive_max_pool", [(8, 9)], {"size": 4}),
    ("adaptive_max_pool", [(2, 9, 6, 5)], {"size": [4, 5, 2]}),
    ("blur_pool", [(4, 9)], {}),
    ("blur_pool", [(4, 9, 8)], {"kernel": [4, 3], "stride": [3, 1], "padding": [1, 2], "padding_mode": "circular"}),
    ("blur_pool", [(4, 5, 6, 7)], {"stride": [1, 2, 2], "padding_mode": "zeros"}),
    ("drop_block", [(4, 9)], {"block_size": 4}),
    ("drop_block", [(4, 5, 6, 7)], {"block_size": 2}),
    ("unfold", [(4, 8, 9)], {"kernel": [3, 2], "stride": [2, 3], "dilation": [1, 2], "padding": [1, 0]}),
    ("crop", [(4, 9)], {"size": 4}),
    ("crop", [(4, 5, 6, 7)], {"size": [5, 3, 4]}),
    ("mean", [(4, 5, 6, 7)], {"axis": -1, "keepdim": False}),
    ("amax", [(4, 5, 6)], {"axis": [1, 2], "keepdim": True}),
    ("mean", [(4, 5, 6)], {"axis": 0, "keepdim": False}),
    ("mean", [(4, 5, 6, 7)], {"axis": ["d", "h", "w"]}),
    ("mean", [(4, 5)], {"axis": "w", "keepdim": False}),
    ("amax", [(4, 5, 6)], {"axis": ["h", 0], "keepdim": False}),
    ("amax", [(4,)], {"axis": "c"}),
    *((name, [shape], {}) for name in ("channel_mean", "channel_max") for shape in ((4,), (4, 5), (4, 5, 6, 7))),
    ("upsample", [(8, 5, 7)], {"scale": [2, 1.5], "mode": "bilinear"}),
    ("upsample", [(4, 5, 3, 4)], {"scale": [1, 2, 3]}),
]
CASES += [
    (name, REGISTRY[name].example["inputs"], REGISTRY[name].example["fields"])
    for name in OPS
    if not REGISTRY[name].owned
]


@pytest.mark.parametrize(("name", "shapes", "given"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_an_op_does_in_torch_what_its_rules_say(name, shapes, given):
    op, f = REGISTRY[name], filled(REGISTRY[name], shapes, given)
    out = op.shapes(f, *shapes)
    tensors = random(*shapes)
    if op.functional(frozenset(given)):
        with Kernels() as kernels:
            result = call(op, f, shapes[0], tensors)
        found = result if isinstance(result, (tuple, list)) else (result,)
        assert op.params(f, shapes[0], out[0]) == 0
        assert not op.state(f, shapes[0], out[0])
        assert kernels.macs == len(tensors[0]) * op.macs(f, shapes[0], out[0])
    else:
        module = make(op, f, shapes[0])
        assert sum(p.numel() for p in module.parameters()) == op.params(f, shapes[0], out[0])
        assert sum(b.numel() for b in module.buffers() if b.is_floating_point()) == op.buffers(f, shapes[0], out[0])
        state = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        assert [*state.items()] == [*op.state(f, shapes[0], out[0]).items()]
        found = (module(*tensors),)
        counter = Kernels() if op.prelude == "deform.py" else FlopCounterMode(display=False)  # torch cannot count it
        with counter, sdpa_kernel(SDPBackend.MATH):
            module.eval()(*(t[:1] for t in tensors))
        found_macs = counter.macs if isinstance(counter, Kernels) else counter.get_total_flops() / 2
        assert found_macs == op.macs(f, shapes[0], out[0])
    assert [tuple(t.shape[1:]) for t in found] == [tuple(shape) for shape in out]


MORE = [
    *(("conv", [(4, n, 9)], {"out": 3, "kernel": 3, "stride": 2, "padding": "same"}) for n in (8, 9)),
    ("conv", [(4, 9)], {"out": 4, "kernel": 4, "padding": "same", "dilation": 2}),
    ("conv", [(4, 6, 7, 5)], {"out": 8, "kernel": [3, 2, 1], "stride": 2, "groups": 2}),
    ("dwconv", [(4, 8, 9)], {"kernel": [3, 5], "stride": [2, 1], "dilation": 2, "multiplier": 2}),
    ("dwconv", [(4, 8)], {"kernel": 3, "bias": False}),
    ("dwconv", [(4, 5, 6, 7)], {"kernel": 3, "stride": 2}),
    *(
        (name, [(2, n, 9)], {"kernel": k, "stride": s, "ceil": ceil, "padding": padding})
        for name in ("max_pool", "avg_pool")
        for n, k, s, ceil, padding in (
            (7, 3, 2, True, 1),
            (8, 3, 2, True, 0),
            (9, 2, 3, True, 0),
            (8, 5, 2, False, "keep"),
        )
    ),
    *((name, [(2, 7, 8)], {"kernel": 3, "stride": 2, "padding": "same"}) for name in ("max_pool", "avg_pool")),
    ("avg_pool", [(2, 7, 8)], {"kernel": 3, "padding": 1, "count_include_pad": False}),
    ("avg_pool", [(2, 7, 8)], {"kernel": 3, "stride": 2, "padding": "same", "count_include_pad": False}),
    ("avg_pool", [(2, 9)], {"kernel": 2, "stride": 1}),
    ("max_pool", [(2, 5, 6, 7)], {"kernel": 2}),
    ("learned_group_conv", [(8, 5, 5)], {"out": 12, "condense": 2, "form": "deploy"}),
    ("learned_linear", [(8,)], {"out": 5, "condense": 2, "form": "deploy"}),
    *(
        ("grid_sample", [(3, 5, 6), (2, 4, 7)], {"mode": mode, "padding_mode": padding, "align_corners": corners})
        for mode, padding, corners in (("nearest", "border", False), ("bicubic", "reflection", True))
    ),
    ("grid_sample", [(3, 5, 6, 4), (3, 4, 3, 2)], {}),
    ("deform_conv", [(4, 7, 8), (36, 4, 4)], {"out": 6, "stride": 2, "groups": 2, "bias": False}),
    ("deform_conv", [(4, 7, 8), (6, 7, 8), (3, 7, 8)], {"out": 2, "kernel": [1, 3], "dilation": [2, 3]}),
    ("prior_box", [(3, 4, 6)], {"image": 100, "min": 20, "max": 50, "aspects": [2, 3, 5]}),
    ("group_norm", [(8,)], {"groups": 2, "affine": False}),
    *(("act", [(4, 5, 5)], {"kind": kind}) for kind in REGISTRY["act"].fields[0].choices),
    ("leaky_relu", [(4, 5, 5)], {"slope": 0.3}),
    ("elu", [(4, 5, 5)], {"alpha": 2.0}),
    ("formula", [(8, 6, 6), (8, 1, 1)], {"expression": "min(t0, max(t1, -1), 2) - -t0 * 3"}),
    ("concat", [(8, 6, 6)], {}),
    *(("concat", [(8, 6, 5), (8, 6, 5)], {"axis": axis}) for axis in ("c", "h", "w", 0, 2, -2, -3)),
    ("concat", [(8, 6), (8, 3)], {"axis": "w"}),
    *(("linear", shape, {"out": 4, "axis": -1}) for shape in ([(8,)], [(8, 6)], [(8, 6, 5)])),
    ("linear", [(8, 6)], {"out": 4, "axis": "w", "bias": False}),
    *(("softmax", [(8, 6, 5)], {"axis": axis}) for axis in ("c", "h", "w", 0, -1, -3)),
    ("rearrange", [(24, 8), (5, 3, 4)], {"pattern": "(n h w) c -> (n c) h w", "like": (5, 3, 4)}),
    ("rearrange", [(12, 8), (5, 4)], {"pattern": "(a w) c -> c a w", "like": (5, 4)}),
    *(("scale", [shape], {"init": 2, "axis": axis}) for shape in ((8, 6), (8, 6, 5)) for axis in ("w", -len(shape))),
    *((norm, [(8, 6, 5)], {"eps": 0.1, "axis": axis}) for norm in ("layer_norm", "rms_norm") for axis in ("w", -3)),
    ("scale", [(8,)], {}),
    ("matmul", [(5, 6), (6, 3)], {"by": (6, 3)}),
    ("matmul", [(6, 5), (6, 3)], {"by": (6, 3), "transpose": True}),
    ("matmul", [(2, 4, 6, 5), (2, 4, 3, 6)], {"by": (2, 4, 3, 6), "transpose": True, "transpose_by": True}),
    ("scaled_dot_product_attention", [(7, 8), (5, 8), (5, 6)], {"k": (5, 8), "v": (5, 6), "scale": 0.5}),
    (
        "scaled_dot_product_attention",
        [(2, 7, 8), (2, 5, 8), (2, 5, 6), (2, 7, 5)],
        {"k": (2, 5, 8), "v": (2, 5, 6), "bias": (2, 7, 5)},
    ),
    ("multihead_attention", [(8, 6)], {"heads": 4, "bias": False}),
    ("multihead_attention", [(8, 2, 3, 4)], {"heads": 2, "key_dim": 3, "value_dim": 5, "proj_bias": False}),
    ("multihead_attention", [(6, 8)], {"heads": 2, "axis": "w"}),
    ("multihead_attention", [(4, 5, 8)], {"heads": 2, "axis": -1}),
    ("multihead_attention", [(4, 5, 6)], {"heads": 2, "axis": -3}),
    ("multihead_attention", [(8, 3, 4)], {"heads": 2, "relative": True, "key_dim": 2}),
    ("multihead_attention", [(8, 5)], {"heads": 2, "relative": True, "dropout": 0.5}),
    ("multihead_attention", [(8, 3, 4), (8, 5)], {"heads": 2, "kv": (8, 5)}),
    ("multihead_attention", [(6, 8), (3, 8)], {"heads": 2, "axis": 1, "kv": (3, 8), "value_dim": 1, "dropout": 0.3}),
    ("mul", [(8, 1, 1), (8, 6, 6), (8, 6, 6)], {}),
    ("mul", [(8, 6, 1), (8, 1, 6)], {}),
    ("add", [(1, 6, 6), (8, 6, 6)], {}),
    ("max", [(8, 6, 6), (8, 1, 1), (1, 6, 1)], {}),
    ("formula", [(8, 6, 6), (1, 6, 6)], {"expression": "exp(-abs(t0)) / sqrt(1 + t1 * t1) - log(2 + abs(t1)) ** 2"}),
    ("formula", [(8, 6, 6)], {"expression": "t0 * 0 + 1"}),
    ("formula", [(8, 6, 6)], {"expression": "(t0 - mean(t0)) * mean(t0 * t0, 'c') + mean(t0, 'h', -1) / 3"}),
    ("formula", [(8,), (8,)], {"expression": "t0 - mean(t1, 'c')"}),
]


def state_of(module):
    """The tensors of a module by name, those that are not saved too; norms are no identities."""
    state = dict(module.named_parameters()) | dict(module.named_buffers())
    for name, tensor in state.items():
        if tensor.dim() == 1 and name != "boxes" and tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5)
    return state


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize(
    ("name", "shapes", "given"), CASES + MORE, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES + MORE)]
)
def test_what_an_op_computes_is_what_its_torch_form_does(name, shapes, given, training):
    op, f = REGISTRY[name], filled(REGISTRY[name], shapes, given)
    tensors = [tensor.double() for tensor in random(*shapes)]
    with torch.no_grad(), Kernels():
        if op.functional(frozenset(given)):
            result, state = call(op, f, shapes[0], tensors), {}
        else:
            module = make(op, f, shapes[0]).double()
            state = state_of(module)
            stored = {key: tensor.clone() for key, tensor in state.items()}
            result, state = module.train(training)(*(tensor.clone() for tensor in tensors)), stored
        found = op.compute(Run(f, state, training, torch), *tensors)
    pairs = zip(found, result, strict=True) if isinstance(result, (tuple, list)) else [(found, result)]
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_a_depthwise_convolution_tap_by_tap_is_that_of_torch():
    for shape, kernel, stride, dilation, m in [((9, 8), (3, 5), (2, 1), (1, 1), 1), ((11,), (4,), (3,), (2,), 2)]:
        x, w, b = torch.randn(2, 6, *shape), torch.randn(6 * m, 1, *kernel), torch.randn(6 * m)
        wanted = (F.conv2d if len(shape) == 2 else F.conv1d)(x, w, b, stride, 0, dilation, 6)
        torch.testing.assert_close(depthwise(x, w, b, stride, dilation), wanted)


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_documented(name):
    op = REGISTRY[name]
    first = op.doc().splitlines()[0]
    assert first.endswith((".", ">")), first
    assert op.group
    assert all(f.doc for f in op.fields)
    assert len({f.name for f in op.fields}) == len(op.fields)
    for f in op.fields:
        assert f.kind != "word" or (f.choices and (f.required or f.default in f.choices))
    assert op.counts in ("", "norm", "activation", "pool", "elementwise")
    assert op.role in ("conv", "norm", "act", "pool", "join", "shape", "linear", "other")
    assert not op.prelude or (PRELUDE / op.prelude).is_file()
    if op.follows:
        assert {f.name for f in REGISTRY[op.follows].fields} & {f.name for f in op.fields}


@pytest.mark.parametrize("name", OPS)
def test_an_op_is_labelled_in_figures(name):
    op = REGISTRY[name]
    shapes = op.example["inputs"]
    f = filled(op, shapes, op.example["fields"])
    label = op.label(f, shapes[0], op.shape(f, *shapes))
    assert 1 < len(label) < 60


def test_labels_use_the_words_of_papers():
    def label(name, shape, **given):
        op = REGISTRY[name]
        f = full(op, **given)
        return op.label(f, shape, op.shape(f, shape))

    assert label("conv", (8, 9, 9), out=8, kernel=[3, 1], stride=[2, 1]) == "3×1 Conv, s2×1"
    assert label("conv", (8, 9, 9), out=16, kernel=3, stride=2, dilation=2, groups=4) == "3×3 Conv, s2, d2, g4"
    assert label("conv", (8, 9, 9), out=8, kernel=3, groups=8) == label("dwconv", (8, 9, 9)) == "3×3 DWConv"
    assert label("max_pool", (8, 9, 9), kernel=3, stride=2) == "3×3 Max pool, s2"
    assert label("channel_shuffle", (8, 9, 9), groups=2) == "Channel shuffle, g=2"
    assert label("split", (8, 9, 9), sizes=2) == "Channel split"
    assert label("conv", (8, 9, 9), out=8, kernel=3, standardize=True) == "3×3 WS-Conv"
    assert label("conv", (8, 9, 9), out=8, kernel=3, padding_mode="reflect") == "3×3 Conv, reflect"
    assert label("blur_pool", (8, 9, 9)) == "3×3 Blur pool, s2"
    assert label("lp_pool", (8, 9, 9), norm_type=2) == "2×2 LP pool, s2, p = 2"
    assert label("mean", (8, 9, 9), axis=[0, "w"]) == "Mean over C, W"
    assert label("channel_max", (8, 9, 9)) == "Max over C"
    assert label("drop_block", (8, 9, 9)) == "DropBlock 0.1, 7×7"
    assert label("upsample", (8, 9, 9), scale=[2, 1.5]) == "Upsample ×2×1.5"


def test_ops_need_no_torch():
    sources = (PACKAGE / "ops").glob("*.py")
    assert not any("import torch" in line for source in sources for line in source.read_text().splitlines())


# --- windows


@pytest.mark.parametrize(
    ("name", "n", "k", "s", "ceil", "padding"),
    itertools.product(("max_pool", "avg_pool"), (7, 8, 9), (2, 3, 5), (None, 1, 2, 4), (False, True), (0, 1, "keep")),
)
def test_pools_have_the_size_that_torch_gives(name, n, k, s, ceil, padding):
    _, f, y = run(name, (2, n, 9), kernel=k, stride=s, ceil=ceil, padding=padding)
    assert REGISTRY[name].shape(f, (2, n, 9)) == tuple(y.shape[1:])


def tensorflow_zeros(n, k, s, d=1):
    total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
    return total // 2, total - total // 2


SAME = [c for c in itertools.product((7, 8, 13), (1, 2, 3, 5), (1, 2, 3), (1, 2)) if c[0] > (c[1] - 1) * c[3]]


@pytest.mark.parametrize(("n", "k", "s", "d"), SAME)
def test_same_padding_is_tensorflows(n, k, s, d):
    op, shape = REGISTRY["conv"], (3, n, n + 1)
    f = full(op, out=4, kernel=[k, 3], stride=s, dilation=d, padding="same")
    torch.manual_seed(0)
    module = make(op, f, shape)
    x = torch.randn(2, *shape)
    zeros = [*tensorflow_zeros(n + 1, 3, s, d), *tensorflow_zeros(n, k, s, d)]
    expected = F.conv2d(F.pad(x, zeros), module.weight, module.bias, s, 0, d)
    assert torch.allclose(module(x), expected, atol=1e-6)
    assert tuple(expected.shape[1:]) == op.shape(f, shape)


def test_same_padding_at_stride_one_is_torchs_own():
    f = full(REGISTRY["conv"], out=4, kernel=3, padding="same")
    made = REGISTRY["conv"].module(site(REGISTRY["conv"], f, (3, 8, 8)))
    assert made.cls == "nn.Conv2d"
    assert made.kwargs["padding"][0] == Lit(1)
    unknown = site(REGISTRY["conv"], f, (3, 8, 8))
    unknown.f.stride = Name("stride")
    assert REGISTRY["conv"].module(unknown).cls == "Conv2dSame"


@pytest.mark.parametrize("rank", [1, 3])
def test_same_padding_works_in_other_ranks(rank):
    shape = (2, *(7, 8, 9)[:rank])
    for stride in (1, 2):
        _, f, y = run("conv", shape, out=3, kernel=4, stride=stride, padding="same")
        assert tuple(y.shape[1:]) == REGISTRY["conv"].shape(f, shape)


def test_same_pools_leave_the_border_out():
    (x,), _, y = run("max_pool", (2, 6, 6), kernel=3, stride=2, padding="same")
    assert torch.equal(y, F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-1e9), 3, 2))
    (x,), _, y = run("avg_pool", (2, 6, 6), kernel=3, stride=2, padding="same", count_include_pad=False)
    assert torch.allclose(y[..., -1, -1], x[..., -2:, -2:].mean((-1, -2)), atol=1e-6)
    (x,), _, y = run("avg_pool", (2, 6, 6), kernel=3, stride=2, padding="same")
    assert torch.allclose(y, F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2), atol=1e-6)


@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_same_padding_survives_every_tracer(kernel):
    module = prelude("windows.py", "Conv2dSame")(3, 4, kernel, stride=2).eval()
    x = torch.randn(2, 3, 9, 12)
    expected = module(x)
    traced = torch.fx.symbolic_trace(module)
    assert torch.allclose(traced(x), expected)
    assert traced(x[..., :8, :7]).shape == module(x[..., :8, :7]).shape
    exported = torch.export.export(module, (x,)).module()
    assert torch.allclose(exported(x), expected, atol=1e-6)


# --- kernels from the graph


@pytest.mark.parametrize(
    ("name", "given", "elements"),
    [
        ("conv", {"out": 8, "kernel": 3, "stride": 2}, 8 * 6 * 9),
        ("conv", {"out": 9, "kernel": [3, 1], "groups": 3, "dilation": 2}, 9 * 2 * 3),
        ("dwconv", {"kernel": 5, "multiplier": 2}, 12 * 25),
    ],
)
def test_a_kernel_from_the_graph_is_applied_to_its_own_sample(name, given, elements):
    (x, weight), f, y = run(name, (6, 7, 8), (elements,), n=3, tensor=["weight"], **given)
    op = REGISTRY[name]
    out = op.shape(f, (6, 7, 8), (elements,))
    plain = make(op, full(op, **given, bias=False), (6, 7, 8))
    for i in range(3):
        plain.weight.data = weight[i].view_as(plain.weight)
        assert torch.allclose(y[i], plain(x[i : i + 1])[0], atol=1e-5)
    assert tuple(y.shape[1:]) == out
    assert op.params(f, (6, 7, 8), out) == 0
    with FlopCounterMode(display=False) as flops:
        make(op, f, (6, 7, 8))(x[:1], weight[:1])
    assert flops.get_total_flops() == 2 * op.macs(f, (6, 7, 8), out)


def test_a_dynamic_convolution_survives_every_tracer():
    module = prelude("windows.py", "DynamicConv2d")(4, 6, 3, padding=1)
    x, weight = torch.randn(3, 4, 5, 5), torch.randn(3, 6 * 4 * 9, 1, 1)
    expected = module(x, weight)
    assert torch.allclose(torch.fx.symbolic_trace(module)(x, weight), expected, atol=1e-5)
    assert torch.allclose(torch.export.export(module, (x, weight)).module()(x, weight), expected, atol=1e-5)


# --- elements that move


def test_rearrange_moves_what_einops_moves():
    (x,), _, y = run("rearrange", (12, 3, 4), pattern="(g c) h w -> (c g) h w", g=3)
    assert torch.equal(y, x.view(2, 3, 4, 3, 4).transpose(1, 2).reshape(2, 12, 3, 4))
    assert torch.equal(y, nn.ChannelShuffle(3)(x))
    (x,), _, y = run("rearrange", (12, 3, 4), pattern="(g c) h w -> g c h w", g=3)
    assert torch.equal(y, x.view(2, 3, 4, 3, 4))
    (x,), _, y = run("rearrange", (12, 3, 4), pattern="c h w -> w (h c)")
    assert torch.equal(y, x.permute(0, 3, 2, 1).reshape(2, 4, 36))


def test_rearrange_prints_unflatten_permute_flatten():
    op = REGISTRY["rearrange"]
    f = SimpleNamespace(pattern=Lit("(g c) h w -> (c g) h w"), g=Name("groups"))
    e = Site(f, Name("c_in"), 2)
    assert op.function(e, "x") == "torch.unflatten(x, 1, (groups, -1)).permute(0, 2, 1, 3, 4).flatten(1, 2)"
    assert show(op.channels(f, Name("c_in"), (3, 4))) == "c_in // groups * groups"
    assert show(op.channels(SimpleNamespace(pattern="c h w -> 1 c h w"), Name("c_in"), (3, 4)) and wrap(1)) == "1"


def test_micronets_shift_is_two_rearranges_and_a_roll():
    c, groups = 12, 3
    x = torch.arange(c).float().view(1, c, 1, 1)
    down = call(
        REGISTRY["rearrange"], full(REGISTRY["rearrange"], pattern="(g p) h w -> g p h w", g=groups), (c, 1, 1), [x]
    )
    rolled = call(REGISTRY["roll"], full(REGISTRY["roll"], by=[-1, -1]), (3, 4, 1, 1), [down])
    y = call(REGISTRY["rearrange"], full(REGISTRY["rearrange"], pattern="g p h w -> (g p) h w"), (3, 4, 1, 1), [rolled])
    n = c // groups
    expected = [(i + 1) % groups * n + (j + 1) % n for i in range(groups) for j in range(n)]
    assert y.flatten().tolist() == expected


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("c h w", "two sides"),
        ("c h w -> c h", "'w' is only on one side"),
        ("c h h -> c h h", "twice on one side"),
        ("(c (d) h w -> c d h w", "'(' is not allowed"),
        ("(c h w -> c h w", "not closed"),
        ("c h w -> c ... h w", "'.' is not allowed"),
        ("__import__('os') -> x", "is not allowed"),
        ("-> ", "right side of the pattern is empty"),
        ("c " * 200 + "-> c", "two sides"),
    ],
)
def test_a_bad_pattern_is_a_fault(pattern, says):
    with pytest.raises(OpFault) as caught:
        read_pattern(pattern)
    assert says in caught.value.message


def test_flatten_hwc_is_tensorflows():
    (x,), _, y = run("flatten", (2, 3, 4), order="hwc")
    assert torch.equal(y, x.permute(0, 2, 3, 1).reshape(2, -1))


def test_like_takes_the_sizes_of_another_tensor():
    for name, given in (
        ("upsample", {"mode": "bilinear", "align_corners": True}),
        ("adaptive_avg_pool", {}),
        ("adaptive_max_pool", {}),
    ):
        _, f, y = run(name, (4, 5, 6), (2, 9, 7), tensor=["like"], **given)
        assert tuple(y.shape[1:]) == (4, 9, 7) == REGISTRY[name].shape(f, (4, 5, 6), (2, 9, 7))


def test_a_map_is_cropped_to_the_middle_of_another():
    (x, _), f, y = run("crop", (4, 9, 6), (2, 4, 5), tensor=["like"])
    assert torch.equal(y, x[:, :, 2:6, :5])
    assert REGISTRY["crop"].shape(f, (4, 9, 6), (2, 4, 5)) == (4, 4, 5)
    with pytest.raises(OpFault, match="a map of 4×5 cannot be cropped to 4×6") as caught:
        REGISTRY["crop"].shape(full(REGISTRY["crop"], like=(2, 4, 6)), (4, 4, 5), (2, 4, 6))
    assert caught.value.field == "like"
    assert caught.value.help


def test_drop_connect_drops_whole_samples():
    module = make(REGISTRY["drop_connect"], full(REGISTRY["drop_connect"], p=0.5), (3, 4, 4))
    y = module(torch.ones(64, 3, 4, 4))
    rows = y.flatten(1)
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert all(len(row.unique()) == 1 for row in rows)
    assert torch.equal(module.eval()(y), y)
    assert make(REGISTRY["drop_connect"], full(REGISTRY["drop_connect"], p=1), (3,))(torch.ones(4, 3)).sum() == 0


def test_drop_block_drops_whole_blocks_and_as_much_as_it_says():
    torch.manual_seed(0)
    module = make(REGISTRY["drop_block"], full(REGISTRY["drop_block"], p=0.2, block_size=3), (8, 16, 16))
    x = torch.ones(32, 8, 16, 16)
    y = module(x)
    gone = y == 0
    assert 0.14 < gone.float().mean() < 0.2  # blocks that overlap leave a little more
    assert y.mean() == pytest.approx(1)
    whole = -F.max_pool2d(-gone.float(), 3, 1)  # where a block of zeros begins
    assert torch.equal(F.max_pool2d(F.pad(whole, [2] * 4), 3, 1).bool(), gone)
    assert torch.equal(module.eval()(x), x)


# --- joins and formulas


def test_joins_print_as_people_write_them():
    e = Site(SimpleNamespace(axis=Lit("c")), Lit(8), 2)
    assert REGISTRY["concat"].function(e, "a", "b") == "torch.cat([a, b], 1)"
    assert REGISTRY["concat"].function(e, "*parts") == "torch.cat(parts, 1)"
    assert REGISTRY["concat"].function(e, "a", "*parts") == "torch.cat([a, *parts], 1)"
    assert REGISTRY["add"].function(e, "a", "b", "c") == "a + b + c"
    assert REGISTRY["mul"].function(e, "a + b", "self.se(x)") == "(a + b) * self.se(x)"
    assert REGISTRY["max"].function(e, "a", "b", "c") == "torch.maximum(torch.maximum(a, b), c)"


@pytest.mark.parametrize(
    ("name", "reduce"), [("add", lambda t: t.sum(0)), ("mul", lambda t: t.prod(0)), ("max", lambda t: t.amax(0))]
)
def test_joins_take_a_list(name, reduce):
    parts = random((4, 3, 3), (4, 3, 3), (4, 3, 3))
    text = REGISTRY[name].function(Site(SimpleNamespace(), Lit(4), 2), "*parts")
    assert torch.allclose(eval(text, {"torch": torch, "math": math, "parts": parts}), reduce(torch.stack(parts)))


def test_mul_spreads_the_tensors_of_a_list():
    whole, *parts = random((2, 4, 3, 3), (2, 4, 1, 1), (2, 4, 1, 1))
    for tensors, wanted in (
        (("*parts", "x"), "math.prod(parts, start=x)"),
        (("*parts", "x", "x"), "math.prod([*parts, x], start=x)"),
        (("*parts", "*more"), "math.prod([*parts, *more][1:], start=[*parts, *more][0])"),
    ):
        text = REGISTRY["mul"].function(Site(SimpleNamespace(), Lit(4), 2), *tensors)
        assert text == wanted
        found = eval(text, {"math": math, "parts": parts, "more": [whole], "x": whole})
        assert torch.allclose(found, whole * parts[0] * parts[1] * (whole if tensors[1:] == ("x", "x") else 1))


def test_mul_spreads_whatever_the_order():
    op = REGISTRY["mul"]
    assert (
        op.shape(SimpleNamespace(), (8, 1, 1), (8, 6, 6))
        == op.shape(SimpleNamespace(), (8, 6, 6), (8, 1, 1))
        == (8, 6, 6)
    )


def test_a_formula_is_one_line_of_torch():
    op = REGISTRY["formula"]
    tree = parse("max((t0 + 1) * t1 + b * t2, t0 * t1, 0, n // 2)")
    e = Site(SimpleNamespace(expression=tree), Lit(8), 2)
    text = op.function(e, "a1", "x + y", "part[0]")
    assert text == "torch.clamp(torch.maximum((a1 + 1) * (x + y) + b * part[0], a1 * (x + y)), min=max(0, n // 2))"
    assert op.work(SimpleNamespace(expression=tree), (8, 6, 6), (8, 6, 6)) == 3 * 8 * 36


def test_shift_max_counts_four_products_an_element():
    expression = parse("max((t0 + 1) * t1 + t2 * t3, t4 * t1 + (t5 + 0.5) * t3)")
    assert REGISTRY["formula"].work(SimpleNamespace(expression=expression), (8, 1, 1), (8, 5, 5)) == 4 * 8 * 25


def test_formula_values_are_right():
    x, a = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 1, 1)
    op = REGISTRY["formula"]
    y = call(op, full(op, expression="min(max(-t0 * t1, 0.1), t0) - (t1 - (t0 - 2))"), (4, 3, 3), [x, a])
    assert torch.allclose(y, torch.minimum((-x * a).clamp(min=0.1), x) - (a - (x - 2)), atol=1e-6)


def test_atom_brackets_what_needs_it():
    assert [atom(t) for t in ("x", "a[0]", "self.f(x)", "a + b", "-x", "x if y else z")] == [
        "x", "a[0]", "self.f(x)", "(a + b)", "(-x)", "(x if y else z)",
    ]  # fmt: skip


# --- activations


def test_act_is_the_op_it_names():
    act = REGISTRY["act"]
    for word in act.field("kind").choices:
        x = torch.randn(2, 4, 3, 3)
        built = make(act, full(act, kind=word), (4, 3, 3))
        assert type(built) is type(make(REGISTRY[word], full(REGISTRY[word]), (4, 3, 3)))
        by_word = prelude("activation.py", "activation")(word, 4)
        assert type(by_word) is type(built)
        assert torch.equal(by_word(x), built(x))
    assert act.module(Site(SimpleNamespace(kind=Name("act")), Name("out"), 2)).cls == "activation"


def test_activations_work_in_place_only_where_told():
    for name, op in REGISTRY.items():
        if op.role == "act":
            f = full(op, **op.example["fields"])
            assert not getattr(make(op, f, (8, 6, 6)), "inplace", False), name
            assert getattr(make(op, f, (8, 6, 6), inplace=True), "inplace", True), name


# --- steps that cannot be


HOSTILE = [
    ("conv", [(8, 6, 6)], {"out": 9, "groups": 2}, "groups"),
    ("conv", [(8, 6, 6)], {"out": 8, "groups": 3}, "groups"),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": [3, 3, 3]}, "kernel"),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": [3]}, "kernel"),
    ("conv", [(8, 6, 6)], {"out": 8, "padding": [1, 1, 1]}, "padding"),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": 9, "padding": 0}, "kernel"),
    ("conv", [(8,)], {"out": 8}, None),
    ("conv", [(8, 2, 2, 2, 2)], {"out": 8}, None),
    ("dwconv", [(8, 6, 6)], {"stride": [1, 2, 3]}, "stride"),
    ("conv_transpose", [(8, 6, 6)], {"out": 8, "output_padding": 2}, "output_padding"),
    ("conv_transpose", [(8, 6, 6)], {"out": 8, "padding": 20}, "padding"),
    ("conv_transpose", [(8, 6, 6)], {"out": 8, "groups": 3}, "groups"),
    ("linear", [(8, 1, 1)], {"out": 8}, None),
    ("linear", [(8, 5, 3)], {"out": 8, "axis": "h"}, None),
    ("rearrange", [(12, 8), (5, 3, 4)], {"pattern": "(a b) c -> c a b", "like": (5, 3, 4)}, "like"),
    ("rearrange", [(12, 8), (5, 4)], {"pattern": "(h w) c -> c h w", "like": (5, 4)}, "like"),
    ("rearrange", [(13, 8), (5, 3, 4)], {"pattern": "(h w) c -> c h w", "like": (5, 3, 4)}, "pattern"),
    *((name, [(8, 5, 3)], {"axis": "h"}, "axis") for name in ("scale", "layer_norm", "rms_norm")),
    ("matmul", [(8, 5)], {}, None),
    ("matmul", [(8,), (8,)], {"by": (8,)}, None),
    ("matmul", [(8, 5), (8, 5)], {"by": (8, 5)}, "by"),
    ("matmul", [(3, 8, 5), (4, 5, 8)], {"by": (4, 5, 8)}, "by"),
    ("scaled_dot_product_attention", [(2, 7, 8), (2, 5, 8)], {"k": (2, 5, 8)}, None),
    ("scaled_dot_product_attention", [(7, 8), (5, 7), (5, 6)], {"k": (5, 7), "v": (5, 6)}, "k"),
    ("scaled_dot_product_attention", [(7, 8), (5, 8), (4, 6)], {"k": (5, 8), "v": (4, 6)}, "v"),
    ("multihead_attention", [(8,)], {"heads": 2}, None),
    ("multihead_attention", [(8, 3)], {"heads": 3}, "heads"),
    ("multihead_attention", [(8, 3, 3)], {"heads": 2, "axis": "h"}, "axis"),
    ("multihead_attention", [(8, 3), (6, 3)], {"heads": 2, "kv": (6, 3)}, "kv"),
    ("multihead_attention", [(8, 3), (8, 3)], {"heads": 2, "kv": (8, 3), "relative": True}, "relative"),
    ("multihead_attention", [(3, 8)], {"heads": 2, "axis": "w", "relative": True}, "relative"),
    ("param", [(8, 3)], {"shape": 3}, "shape"),
    ("linear", [(8,)], {"out": 8, "axis": "w"}, "axis"),
    ("softmax", [(8, 3)], {"axis": "h"}, "axis"),
    ("group_norm", [(8, 6, 6)], {"groups": 3}, "groups"),
    ("instance_norm", [(8,)], {}, None),
    ("instance_norm", [(8, 1, 1)], {}, None),
    ("instance_norm", [(8, 2, 2, 2, 2)], {}, None),
    ("grn", [(8,)], {}, None),
    ("local_response_norm", [(8,)], {"size": 5}, None),
    ("local_response_norm", [(8, 6, 6)], {"size": 5, "k": 0}, "k"),
    ("softplus", [(8, 6, 6)], {"beta": 0}, "beta"),
    ("hard_tanh", [(8, 6, 6)], {"min_val": 2}, "min_val"),
    ("hard_tanh", [(8, 6, 6)], {"max_val": -2}, "max_val"),
    ("glu", [(7, 6, 6)], {}, None),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": 3, "padding": 6, "padding_mode": "reflect"}, "padding_mode"),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": 3, "padding": 7, "padding_mode": "circular"}, "padding_mode"),
    ("conv", [(8, 6, 6)], {"out": 8, "kernel": 3, "padding": "same", "padding_mode": "reflect"}, "padding_mode"),
    ("dwconv", [(8, 6, 6)], {"padding": "same", "standardize": True}, "standardize"),
    ("lp_pool", [(8, 6, 6)], {"norm_type": 0}, "norm_type"),
    ("lp_pool", [(8, 6, 6)], {"norm_type": 2, "kernel": 7}, "kernel"),
    ("lp_pool", [(8,)], {"norm_type": 2}, None),
    ("gem", [(8,)], {}, None),
    ("gem", [(8, 6, 6)], {"p": 0}, "p"),
    ("gem", [(8, 6, 6)], {"eps": 0}, "eps"),
    ("adaptive_max_pool", [(8, 6, 6)], {}, None),
    ("adaptive_max_pool", [(8, 6, 6)], {"size": [1, 2, 3]}, "size"),
    ("grid_sample", [(8, 6, 6)], {}, "grid"),
    ("grid_sample", [(8, 6), (1, 6)], {}, None),
    ("grid_sample", [(8, 6, 6), (3, 4, 4)], {}, "grid"),
    ("grid_sample", [(8, 6, 6), (2, 4)], {}, "grid"),
    ("grid_sample", [(8, 6, 6, 6), (3, 4, 4, 4)], {"mode": "bicubic"}, "mode"),
    ("deform_conv", [(8, 6, 6)], {"out": 8}, "offset"),
    ("deform_conv", [(8, 6), (18, 6)], {"out": 8}, None),
    ("deform_conv", [(8, 6, 6), (18, 5, 6)], {"out": 8}, "offset"),
    ("deform_conv", [(8, 6, 6), (9, 6, 6)], {"out": 8}, "offset"),
    ("deform_conv", [(8, 6, 6), (54, 6, 6)], {"out": 8}, "offset"),
    ("deform_conv", [(8, 6, 6), (36, 6, 6), (9, 6, 6)], {"out": 8}, "mask"),
    ("deform_conv", [(8, 6, 6), (18, 6, 6), (9, 3, 3)], {"out": 8}, "mask"),
    ("deform_conv", [(8, 6, 6), (18, 6, 6)], {"out": 8, "groups": 3}, "groups"),
    ("blur_pool", [(8,)], {}, None),
    ("blur_pool", [(8, 2, 2)], {"kernel": 5}, "padding_mode"),
    ("blur_pool", [(8, 2, 2)], {"kernel": 5, "padding": 0}, "kernel"),
    ("blur_pool", [(8, 6, 6)], {"stride": [1, 2, 3]}, "stride"),
    ("drop_block", [(8,)], {}, None),
    ("drop_block", [(8, 6, 6)], {}, "block_size"),
    ("pixel_unshuffle", [(8, 6)], {"factor": 2}, None),
    ("pixel_unshuffle", [(8, 6, 7)], {"factor": 2}, "factor"),
    ("unfold", [(8, 6)], {"kernel": 2}, None),
    ("unfold", [(8, 6, 6)], {"kernel": 7}, "kernel"),
    ("unfold", [(8, 6, 6)], {"kernel": [1, 2, 3]}, "kernel"),
    ("crop", [(8, 6, 6)], {"size": 7}, "size"),
    ("crop", [(8, 6, 6)], {}, None),
    ("crop", [(8,)], {"size": 7}, None),
    ("mean", [(8, 6, 6)], {"axis": 3}, "axis"),
    ("mean", [(8, 6, 6)], {"axis": [2, -1]}, "axis"),
    ("mean", [(8, 6, 6)], {"axis": ["h", "d"]}, "axis"),
    ("amax", [(8, 6)], {"axis": ["w", 1]}, "axis"),
    ("amax", [(8, 6)], {"axis": [0, 1], "keepdim": False}, "axis"),
    ("pad", [(8, 6, 6)], {"before": 6, "mode": "reflect"}, "mode"),
    ("pad", [(8, 6, 6)], {"after": 7, "mode": "circular"}, "mode"),
    ("pad", [(8, 6, 6)], {"after": 1, "mode": "circular", "value": 1}, "value"),
    ("upsample", [(8, 6, 6)], {"scale": [2]}, "scale"),
    ("upsample", [(8, 6, 6)], {"scale": [2, 0.1]}, "scale"),
    ("bn", [(8, 2, 2, 2, 2)], {}, None),
    ("max_pool", [(8, 6, 6)], {"kernel": 7}, "kernel"),
    ("max_pool", [(8, 6, 6)], {"kernel": 2, "padding": 2}, "padding"),
    ("max_pool", [(8, 6, 6)], {"kernel": 3, "padding": "same", "ceil": True}, "ceil"),
    ("avg_pool", [(8, 6)], {"kernel": 3, "padding": "same"}, "padding"),
    ("avg_pool", [(8,)], {}, None),
    ("global_avg_pool", [(8,)], {}, None),
    ("adaptive_avg_pool", [(8, 6, 6)], {}, None),
    ("adaptive_avg_pool", [(8, 6, 6)], {"size": [1, 2, 3]}, "size"),
    ("upsample", [(8, 6, 6)], {}, None),
    ("upsample", [(8, 6, 6)], {"scale": 2, "size": 3}, "size"),
    ("upsample", [(8, 6, 6)], {"scale": 0.1}, "scale"),
    ("upsample", [(8, 6, 6)], {"size": [3]}, "size"),
    ("upsample", [(8, 6)], {"scale": 2, "mode": "bilinear"}, "mode"),
    ("upsample", [(8, 6, 6)], {"scale": 2, "align_corners": True}, "align_corners"),
    ("split", [(8, 6, 6)], {"sizes": 3}, "sizes"),
    ("split", [(8, 6, 6)], {"sizes": [3, 4]}, "sizes"),
    ("take", [(8, 6, 6)], {"channels": 9}, "channels"),
    ("channel_shuffle", [(8, 6, 6)], {"groups": 3}, "groups"),
    ("channel_shuffle", [(8,)], {"groups": 2}, None),
    ("rearrange", [(8, 6, 6)], {"pattern": "(a b) h w -> a b h w"}, "pattern"),
    ("rearrange", [(8, 6, 6)], {"pattern": "(a b) h w -> a b h w", "a": 3}, "pattern"),
    ("rearrange", [(8, 6, 6)], {"pattern": "(a b) h w -> a b h w", "a": 0}, "a"),
    ("rearrange", [(8, 6, 6)], {"pattern": "(a b) h w -> a b h w", "a": "x"}, "a"),
    ("rearrange", [(8, 6, 6)], {"pattern": "c h w -> c h w", "z": 2}, "z"),
    ("rearrange", [(8, 6, 6)], {"pattern": "c h -> h c"}, "pattern"),
    ("rearrange", [(8, 6, 6)], {"pattern": "1 h w -> h w"}, "pattern"),
    ("roll", [(8, 6, 6)], {"by": [1, 2, 3, 4]}, "by"),
    ("pixel_shuffle", [(6, 6, 6)], {"factor": 2}, "factor"),
    ("pixel_shuffle", [(8, 6)], {"factor": 2}, None),
    ("pad", [(8, 6, 6)], {"before": [1]}, "before"),
    ("channel_dropout", [(8,)], {"p": 0.1}, None),
    ("concat", [(8, 6, 6), (8, 5, 6)], {}, None),
    ("add", [(8, 6, 6), (8, 3, 1)], {}, None),
    ("add", [(8, 6, 6), (1, 6)], {}, None),
    ("concat", [(8, 6, 6), (8, 5, 5)], {"axis": "h"}, None),
    ("concat", [(8, 6), (8, 5)], {"axis": "h"}, "axis"),
    ("concat", [(8,), (8,)], {"axis": "w"}, "axis"),
    ("concat", [(8, 6), (8, 5)], {"axis": 2}, "axis"),
    ("concat", [(8, 6), (8, 5)], {"axis": -3}, "axis"),
    ("mul", [(8, 6, 6), (4, 1, 1)], {}, None),
    ("mul", [(8, 6, 6), (8,)], {}, None),
    ("max", [(8, 6, 6), (4, 6, 6)], {}, None),
    ("formula", [(8, 6, 6)], {"expression": "t0 // 2"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "2 ** t0"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "mean(t0, t0)"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "mean(t0, 'd')"}, "axis"),
    ("formula", [(8, 6, 6)], {"expression": "mean(t0, 'w', -1)"}, "expression"),
    ("formula", [(8,)], {"expression": "mean(t0)"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "exp(t0, t0)"}, "expression"),
    ("formula", [(8, 6, 6), (1, 6, 6), (8, 3, 1)], {"expression": "t0 + t1 * t2"}, None),
    ("formula", [(8, 6, 6)], {"expression": "sum(t0)"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "t0 if t0 else 1"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "max(t0)"}, "expression"),
    ("formula", [(8, 6, 6)], {"expression": "1 + 2"}, "expression"),
    ("formula", [(8, 6, 6), (4, 6, 6)], {"expression": "t0 + t1"}, None),
]


HELPED_BY_THE_MESSAGE = {
    "adaptive_avg_pool", "adaptive_max_pool", "add", "avg_pool", "blur_pool", "bn", "channel_shuffle", "concat", "conv",
    "conv_transpose", "crop", "dwconv", "formula", "group_norm", "lp_pool", "max", "max_pool", "mul", "pad",
    "pixel_shuffle", "rearrange", "roll", "split", "take", "unfold", "upsample",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "shapes", "given", "field"), HOSTILE, ids=[f"{c[0]}-{n}" for n, c in enumerate(HOSTILE)]
)
def test_a_step_that_cannot_be_is_a_fault(name, shapes, given, field):
    op = REGISTRY[name]
    with pytest.raises(OpFault) as caught:
        op.shapes(filled(op, shapes, given), *shapes)
    message = caught.value.message
    assert caught.value.field == field, message
    assert not message.endswith(".")
    assert "invalid" not in message
    assert caught.value.help or name in HELPED_BY_THE_MESSAGE, message


@pytest.mark.parametrize(
    ("shapes", "given", "field"),
    [
        ([(8, 6, 6), (100,)], {"out": 8}, "weight"),
        ([(8, 6), (64,)], {"out": 8}, None),
        ([(8, 6, 6), (64,)], {"out": 8, "padding": "same"}, "padding"),
    ],
)
def test_a_kernel_that_does_not_fit_is_a_fault(shapes, given, field):
    op = REGISTRY["conv"]
    with pytest.raises(OpFault) as caught:
        op.shape(full(op, **given, weight=shapes[1]), *shapes)
    assert caught.value.field == field


def test_channels_are_expressions_where_numbers_are():
    c = Name("c_in")
    assert show(REGISTRY["dwconv"].channels(SimpleNamespace(multiplier=Name("m")), c, ())) == "c_in * m"
    assert show(REGISTRY["concat"].channels(SimpleNamespace(axis="c"), [c, Name("a"), Lit(3)], ())) == "c_in + a + 3"
    assert show(REGISTRY["split"].channels(SimpleNamespace(sizes=Lit(2)), c, ())) == "c_in // 2"
    assert REGISTRY["split"].channels(SimpleNamespace(sizes=wrap([Name("a"), Name("b")])), c, ()) == [
        Name("a"),
        Name("b"),
    ]
    assert show(REGISTRY["flatten"].channels(SimpleNamespace(), c, (7, 7))) == "c_in * 49"
    assert show(wrap(REGISTRY["pixel_shuffle"].channels(SimpleNamespace(factor=Lit(2)), c, ()))) == "c_in // 4"
