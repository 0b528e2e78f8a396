"""What `timm.create_model` gives for a network of a spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from timm.models import FeatureInfo, build_model_with_cfg

from archdsl.backends.torch.plan import classifier_in, open_params
from archdsl.diagnostics.faults import fault
from archdsl.ir.facts import origin_of
from archdsl.ir.graph import Graph
from archdsl.passes.pipeline import Rewriting
from archdsl.runtime import module
from archdsl.runtime.porting.adapting import is_image
from archdsl.runtime.practice.members import as_backbone, as_model
from archdsl.workspace.beside import unpooled
from archdsl.workspace.library import SpecLike, graph_of, read, rewritten

if TYPE_CHECKING:
    from torch import nn

RATES = {"drop_rate": ("dropout", "channel_dropout"), "drop_path_rate": ("drop_connect",)}
OURS = ("num_classes", "in_chans", "global_pool")  # that timm gives of what it knows of a model


def create(
    name: str,
    spec: SpecLike,
    variant: str | None,
    *,
    pretrained: bool,
    pretrained_cfg: Any = None,
    pretrained_cfg_overlay: dict[str, Any] | None = None,
    cache_dir: Any = None,
    features_only: bool = False,
    out_indices: Sequence[int] | int | None = None,
    output_stride: int | None = None,
    **arguments: Any,
) -> nn.Module:
    """A network as a model of timm, or the backbone of it."""
    plain = graph_of(spec, variant)
    stated = {**as_dict(pretrained_cfg, name), **as_dict(pretrained_cfg_overlay, name)}
    given = spec_params(plain, {**asked_by(stated, plain), **{w: v for w, v in arguments.items() if v is not None}})
    made: nn.Module = build_model_with_cfg(
        lambda **_: network(spec, variant, given, rewritten(output_stride=output_stride)),
        name,
        pretrained,
        pretrained_cfg={**config(name, plain), **as_dict(pretrained_cfg, name)},
        pretrained_cfg_overlay=pretrained_cfg_overlay,
        cache_dir=cache_dir,
        **{word: arguments[word] for word in OURS if arguments.get(word) is not None},
    )
    if not features_only:
        return made
    backbone = maps(spec, variant, given, rewritten(features_only_of(out_indices), output_stride=output_stride))
    state = made.state_dict()
    backbone.load_state_dict({key: state[key] for key in backbone.state_dict()})
    vars(backbone)["pretrained_cfg"] = vars(backbone)["default_cfg"] = vars(made)["pretrained_cfg"]
    return backbone


def as_dict(config: Any, name: str) -> dict[str, Any]:
    """What is given of a model's `pretrained_cfg`."""
    if isinstance(config, str):
        raise fault("bad-call", f"'{name}' has no pretrained weights '{config}'", help="leave the tag out of the name")
    found = config if isinstance(config, Mapping) else config.to_dict() if config is not None else {}
    return {word: value for word, value in found.items() if value is not None}


def asked_by(config: Mapping[str, Any], graph: Graph) -> dict[str, Any]:
    """What a `pretrained_cfg` says of the network itself, which arguments may say otherwise."""
    found = {"global_pool": config["global_pool"]} if "global_pool" in config else {}
    if "input_size" in config:
        found["in_chans"] = config["input_size"][0]
    classifier, classes = classifier_in(graph), config.get("num_classes", -1)
    if classifier is not None and classes >= 0:  # timm gives less than none where it is not known
        found[classifier.param] = classes
    return found


def network(spec: SpecLike, variant: str | None, given: Mapping[str, Any], rewriting: Rewriting) -> nn.Module:
    """The network as a module with the members of timm's models."""
    params = dict(given)
    inputs = params.pop("input", None)
    if params.get("global_pool") == "":
        if params.pop("num_classes", None) != 0:
            message = "global_pool='' gives the map before the last pooling, which no layer of classes can follow"
            raise fault("bad-call", message, help="give num_classes=0 with it")
        params.pop("global_pool")
        graph = unpooled(graph_of(spec, variant, params, inputs, rewriting))
        return as_model(module.network_class(graph), graph)()
    graph, kind, arguments = module.compiled(read(spec), variant, params, inputs, rewriting)
    return as_model(kind, graph)(**arguments)


def maps(spec: SpecLike, variant: str | None, given: Mapping[str, Any], rewriting: Rewriting) -> nn.Module:
    """The backbone, which gives a list of maps."""
    params = {name: value for name, value in given.items() if name not in ("num_classes", "global_pool", "input")}
    graph = graph_of(spec, variant, params, given.get("input"), rewriting)
    backbone = as_backbone(module.network_class(graph))()
    infos = list(vars(backbone).get("feature_info", ()))
    if not infos:
        message = f"timm's features_only gives maps, and '{graph.name}' has tokens, which have no place in the image"
        raise fault("bad-call", message, help="archdsl.build(..., features_only=[...]) gives the tokens of stages")
    vars(backbone)["feature_info"] = FeatureInfo(infos, tuple(range(len(infos))))
    return backbone


def features_only_of(out_indices: Sequence[int] | int | None) -> Sequence[str | int] | bool:
    """The maps that timm's `out_indices` names: their numbers, or how many of the last."""
    if isinstance(out_indices, int):
        return tuple(range(-out_indices, 0))
    return True if out_indices is None else tuple(out_indices)


# --- arguments
def spec_params(graph: Graph, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `timm.create_model` as params of a spec. Raises `SpecError` where it has no such thing."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is None:
            continue
        if name in RATES and name not in graph.params:
            if (param := rate_of(graph, name, value)) is not None:
                found[param] = float(value)
        elif name == "img_size":
            if len(graph.inputs) != 1:
                message = f"img_size is the size of one image, and '{graph.name}' has {len(graph.inputs)} inputs"
                raise fault("bad-call", message, help="give the sizes in the spec")
            (image,) = graph.inputs.values()
            sides = (value, value) if isinstance(value, int) else tuple(value)
            found["input"] = (image.shape[0], *sides)
        elif not is_own(graph, name, value):
            found[name] = value
    return found


def is_own(graph: Graph, name: str, value: object) -> bool:
    """Whether an argument that timm gives to each model says what the network is."""
    classifier = classifier_in(graph)
    if name == "global_pool":
        return classifier is not None and classifier.pool is not None and value == classifier.pool.op.word_of_choice
    image = next(iter(graph.inputs.values()))
    return name == "in_chans" and value == image.shape[0]


def rate_of(graph: Graph, name: str, value: float) -> str | None:
    """The param behind the rates of a kind of dropout; none where the network has none and none is asked for."""
    origin = origin_of(graph)
    found = {
        param
        for node in graph.nodes
        if node.op.name in RATES[name]
        for param in origin.facts.seen[origin.made[node.id], "p"].deps
    }
    _, rates = open_params(graph)
    found = found & rates or found  # a number of layers that rates depend on is read elsewhere too
    if len(found) == 1:
        return found.pop()
    if not value and not found:
        return None
    has = f"has several: {', '.join(sorted(found))}" if found else "has none"
    kinds = " or ".join(RATES[name])
    raise fault("bad-call", f"{name} is the param behind the rate of {kinds}, and {graph.name} {has}")


def config(name: str, graph: Graph) -> dict[str, Any]:
    """What timm wants to know of a model: the image, the classes, and where they come in and go out."""
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    found: dict[str, Any] = {"architecture": name, "mean": IMAGENET_DEFAULT_MEAN, "std": IMAGENET_DEFAULT_STD}
    found |= {"interpolation": "bicubic", "crop_pct": 0.875}
    images = list(graph.inputs.values())
    classifier = classifier_in(graph)
    if len(images) == 1:
        found["input_size"] = images[0].shape
        stem = [n.path for n in graph.nodes if n.op.name == "conv" and is_image(n.inputs[0], graph)]
        found["first_conv"] = stem[0] if len(stem) == 1 else None
    if classifier is not None:
        found |= {"num_classes": graph.params[classifier.param], "classifier": classifier.path or None}
    return found
