"""A spec as a model of timm: made by `timm.create_model`, trained, averaged, saved and loaded by timm's own tools."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import archdsl
import archdsl.timm
from archdsl.diagnostics.faults import SpecError

timm = pytest.importorskip("timm")
from timm.optim import param_groups_layer_decay  # noqa: E402
from timm.utils import ModelEmaV3  # noqa: E402

TEXT = """\
archdsl: 1
name: Mine
input: [3, 32, 32]
params: {num_classes: 10, width: 8, dropout: 0.1, drop_path: 0.0}
defaults: {conv: {bias: false}}
blocks:
  Unit:
    params: {out: , stride: 1, drop: 0.0}
    body:
      - conv: {out: out, kernel: 3, stride: stride}
      - bn
      - hard_swish
      - residual: [conv: {out: out, kernel: 3}, bn, drop_connect: drop]
stages:
  stem: [conv: {out: width, kernel: 3, stride: 2}, bn, relu]
  body:
    - repeat: 2
      body: [Unit: {out: 2 * width, stride: "2 if i == 0 else 1", drop: drop_path}]
    - Unit: {out: 4 * width, stride: 2, drop: drop_path}
  head: [conv: 8 * width, relu, global_avg_pool, flatten, dropout: dropout, linear: num_classes]
variants:
  small: {width: 4}
  1.5-x: {width: 12}
"""


@pytest.fixture(scope="module", autouse=True)
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("specs") / "toy_mine.yaml"
    path.write_text(TEXT)
    assert archdsl.timm.register(path) == ["toy_mine", "toy_mine_small", "toy_mine_1_5_x"]
    assert archdsl.timm.register(path)[0] == "toy_mine", "again, after an edit"
    return path


def image(channels: int = 3, side: int = 32) -> torch.Tensor:
    return torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(0))


def make(name: str = "toy_mine", **arguments):
    torch.manual_seed(0)
    return timm.create_model(name, **arguments)


def refusal(code: str, **arguments) -> str:
    with pytest.raises(SpecError) as caught:
        make(**arguments)
    assert caught.value.diagnostics[0].code == code
    return str(caught.value)


def test_the_arguments_of_create_model_are_those_of_the_network(spec):
    assert timm.is_model("toy_mine_small")
    net = make(num_classes=5, in_chans=1, drop_rate=0.3, drop_path_rate=0.2)
    assert net(image(1)).shape == (2, 5)
    assert {part.p for part in net.modules() if isinstance(part, torch.nn.Dropout)} == {0.3}
    assert "p=0.2" in repr(net.body[0])
    assert list(make().state_dict()) == list(archdsl.build(spec).state_dict())
    assert make("toy_mine_small").num_features == 32
    assert make(width=4).num_features == 32
    assert make(img_size=64)(image(side=64)).shape == (2, 10)
    config = timm.data.resolve_model_data_config(net)
    assert config["input_size"] == (3, 32, 32)
    assert make(pretrained_cfg={"mean": (0.5, 0.5, 0.5)}).pretrained_cfg["mean"] == (0.5, 0.5, 0.5)
    assert net.default_cfg["classifier"] == "head.5"
    assert net.default_cfg["first_conv"] == "stem.0"
    assert "depth" in refusal("unknown-param", depth=3)


def test_features_and_heads_are_taken_apart():
    net = make().eval()
    x = image()
    features = net.forward_features(x)
    assert torch.equal(net.forward_head(features), net(x))
    before = net.forward_head(features, pre_logits=True)
    assert torch.equal(net.get_classifier()(before), net(x))
    maps = make(num_classes=0, global_pool="").eval()
    maps.load_state_dict({key: net.state_dict()[key] for key in maps.state_dict()})
    assert maps(x).shape == (2, 64, 4, 4)
    torch.testing.assert_close(maps(x).mean((2, 3)), before)
    assert "num_classes=0" in refusal("bad-call", global_pool="")
    assert make(global_pool="max").eval()(x).shape == (2, 10)
    net.reset_classifier(3)
    assert (net.num_classes, net(x).shape) == (3, (2, 3))


def test_the_last_pooling_is_exchanged_with_the_classifier():
    net, x = make().eval(), image()
    features = net.forward_features(x)
    net.reset_classifier(0, "max")
    largest = net(x)
    net.reset_classifier(0, "")
    assert net(x).shape == (2, 64, 4, 4)
    torch.testing.assert_close(net(x).amax((2, 3)), largest)
    net = pickle.loads(pickle.dumps(net))
    net.reset_classifier(4, global_pool="avg")
    assert (net.num_classes, net(x).shape) == (4, (2, 4))
    torch.testing.assert_close(net.forward_head(features, pre_logits=True), net.head[:2](features).mean((2, 3)))
    with pytest.raises(ValueError, match="num_classes=0"):
        net.reset_classifier(4, "")
    with pytest.raises(ValueError, match="'avg', 'max' or '', not 'sum'"):
        net.reset_classifier(4, "sum")


@pytest.mark.parametrize(
    ("behind", "maps"),
    [([{"conv": 12}, "hard_swish", "flatten"], True), (["flatten", {"linear": 12}], False), (["flatten", "bn"], False)],
    ids=["convolution", "linear layer", "norm of vectors"],
)
def test_what_runs_behind_a_pooling_that_is_taken_out_computes_a_map(behind, maps):
    head = ["global_avg_pool", *behind, {"linear": "num_classes"}]
    stages = {"a": [{"conv": {"out": 8, "kernel": 3, "stride": 2}}], "head": head}
    spec = {"archdsl": 1, "name": "Pooled", "input": [3, 16, 16], "params": {"num_classes": 10}, "stages": stages}
    (name,) = archdsl.timm.register(spec)
    net, x = timm.create_model(name).eval(), torch.randn(2, 3, 16, 16)
    if not maps:
        with pytest.raises(ValueError, match="Pooled has a step after its last pooling that does not accept a map"):
            net.reset_classifier(0, "")
        return
    net.reset_classifier(0, "")
    assert net(x).shape == (2, 12, 8, 8)
    made = timm.create_model(name, num_classes=0, global_pool="").eval()
    made.load_state_dict(net.state_dict())
    assert torch.equal(made(x), net(x))
    net.reset_classifier(4, "avg")
    assert net(x).shape == (2, 4)


def test_a_pretrained_cfg_says_the_classes_and_the_channels_of_the_image():
    stated = {"num_classes": 7, "input_size": (1, 32, 32)}
    net = make(pretrained_cfg=stated)
    assert (net.num_classes, net.pretrained_cfg["num_classes"], net(image(1)).shape) == (7, 7, (2, 7))
    assert make(pretrained_cfg_overlay=stated, num_classes=5)(image(1)).shape == (2, 5), "an argument says otherwise"
    assert "no pretrained weights 'in1k'" in refusal("bad-call", pretrained_cfg="in1k")


def test_a_backbone_gives_a_list_of_maps():
    net = make(features_only=True, out_indices=(0, -1), in_chans=1).eval()
    maps = net(image(1))
    assert [x.shape[1] for x in maps] == net.feature_info.channels() == [8, 32]
    assert net.feature_info.reduction() == [2, 8]
    assert [x.shape[1] for x in make(features_only=True)(image())] == [8, 32]


def test_strides_past_a_limit_are_dilations_and_a_number_says_how_many_of_the_last_maps():
    dense = make(features_only=True, output_stride=4, out_indices=2)
    assert dense.feature_info.reduction() == [2, 4]
    assert [tuple(y.shape[2:]) for y in dense.eval()(image())] == [(16, 16), (8, 8)]
    whole = make(output_stride=4).eval()
    whole.load_state_dict(make().state_dict())
    assert whole.forward_features(image()).shape[2:] == (8, 8)


def test_a_network_of_tokens_has_heads_and_rates_but_no_maps():
    tokens = {"rearrange": {"pattern": "c h w -> (h w) c"}}
    block = {"residual": [{"linear": {"out": 8, "axis": "w"}}, {"drop_connect": "drop_path * i / depth"}]}
    stages = {
        "embed": [{"conv": {"out": 8, "kernel": 8, "stride": 8, "padding": 0}}, tokens],
        "blocks": [{"repeat": "depth", "body": [block]}],
        "head": [{"select": 0}, {"linear": "num_classes"}],
    }
    params = {"num_classes": 10, "depth": 2, "drop_path": 0.0}
    archdsl.timm.register({"archdsl": 1, "name": "ToyTokens", "input": [3, 32, 32], "params": params, "stages": stages})
    net = make("toy_tokens", drop_path_rate=0.2).eval()
    assert [part.p for part in net.modules() if hasattr(part, "p")] == [0.0, 0.1]
    features = net.forward_features(image())
    assert features.shape == (2, 16, 8)
    assert net.forward_head(features, pre_logits=True).shape == (2, 8)
    with pytest.raises(archdsl.SpecError, match="'ToyTokens' has tokens"):
        make("toy_tokens", features_only=True)


def test_layers_have_rates_of_their_own_and_one_step_trains():
    net = make()
    groups = param_groups_layer_decay(
        net, weight_decay=0.05, layer_decay=0.5, no_weight_decay_list=net.no_weight_decay()
    )
    scales = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    assert len(scales) == len(list(net.parameters()))
    of = {name: scales[id(p)] for name, p in net.named_parameters()}
    order = [
        "stem.0.weight",
        "body.0.conv.weight",
        "body.1.conv.weight",
        "body.2.conv.weight",
        "head.0.weight",
        "head.5.weight",
    ]
    found = [of[name] for name in order]
    assert found == sorted(found)
    assert len(set(found)) == len(order)
    assert of["body.1.conv.weight"] == of["body.1.bn.weight"]
    assert {net.group_matcher(coarse=True)(name) for name in of} == {(0.0,), (1.0,), (2.0,)}
    optimiser = torch.optim.AdamW(groups, lr=0.1)
    before = copy.deepcopy(net.state_dict())
    net(image()).sum().backward()
    optimiser.step()
    assert all(not torch.equal(before[name], p) for name, p in net.named_parameters())


def test_checkpoints_of_activations_change_nothing_but_memory():
    plain, saving = make(drop_path_rate=0.5), make(drop_path_rate=0.5)
    saving.set_grad_checkpointing()
    ran = []
    handle = saving.body[0].conv.register_forward_hook(lambda *_: ran.append(1))
    for net in (plain, saving):
        torch.manual_seed(1)
        net(image()).square().sum().backward()
    assert len(ran) == 2, "once more in the backward pass"
    handle.remove()
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    for one, other in zip(plain.buffers(), saving.buffers(), strict=True):
        torch.testing.assert_close(one, other)  # the second run moves no statistics
    assert "forward" not in vars(saving.body[0])


def test_averages_copies_and_checkpoints_are_timms(tmp_path):
    net = make()
    average = ModelEmaV3(net, decay=0.5)
    with torch.no_grad():
        net.head[5].bias += 1
    average.update(net)
    torch.testing.assert_close(average.module.head[5].bias, net.head[5].bias - 0.5)
    assert average.module.group_matcher()("head.5.bias") == net.group_matcher()("head.5.bias")
    again = pickle.loads(pickle.dumps(net))
    assert type(again).__mro__[1:] == type(net).__mro__[1:]
    assert torch.equal(again.eval()(image()), net.eval()(image()))
    torch.save({"state_dict": net.state_dict()}, tmp_path / "net.pth")
    loaded = make(checkpoint_path=str(tmp_path / "net.pth")).eval()
    assert torch.equal(loaded(image()), net(image()))
    config = {"file": str(tmp_path / "net.pth")}
    tuned = make(pretrained=True, pretrained_cfg=config, num_classes=4, in_chans=1)
    assert torch.equal(tuned.stem[0].weight, net.stem[0].weight.sum(1, keepdim=True))
    maps = make(pretrained=True, pretrained_cfg=config, features_only=True)
    assert torch.equal(maps.stem[0].weight, net.stem[0].weight)


def test_what_timm_cannot_be_given_is_told(spec, monkeypatch):
    with pytest.raises(SpecError, match="timm has a model 'resnet18'"):
        archdsl.timm.register(spec, "resnet18")
    plain = {"archdsl": 1, "name": "Plain", "input": [3, 8, 8], "stages": {"a": [{"conv": 4}, "relu"]}}
    assert archdsl.timm.register(plain, "toy_plain") == ["toy_plain"]
    net = make("toy_plain", drop_rate=0.0)
    assert net(image(side=8)).shape == (2, 4, 8, 8)
    with pytest.raises(ValueError, match="no blocks"):
        net.set_grad_checkpointing()
    alike = {**plain, "params": {"c": 4}, "variants": {"1.0": {"c": 4}, "1-0": {"c": 8}}}
    with pytest.raises(SpecError, match="two variants of 'Plain' would have the same name"):
        archdsl.timm.register(alike, "toy_alike")
    assert "Plain has none" in refusal("bad-call", name="toy_plain", drop_path_rate=0.1)
    monkeypatch.setitem(__import__("sys").modules, "timm.models", None)
    with pytest.raises(SpecError, match="pip install timm"):
        archdsl.timm.register(plain)


def test_a_model_is_that_of_the_file_that_was_registered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "away").mkdir()
    for folder, width in ((tmp_path, 8), (tmp_path / "away", 64)):
        (folder / "toy_moved.yaml").write_text(TEXT.replace("width: 8", f"width: {width}"))
    archdsl.timm.register("toy_moved.yaml")
    monkeypatch.chdir("away")
    assert make("toy_moved").num_features == 64  # 8 * width
