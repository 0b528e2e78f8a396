"""Names in emitted source: spelling and uniqueness; what a network is called."""

from __future__ import annotations

import difflib
import json
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

# What other libraries and papers call an op of ours.
ELSEWHERE = {
    "batch_norm": "bn", "batchnorm": "bn", "norm": "bn", "bn2d": "bn", "gn": "group_norm",
    "layernorm": "layer_norm", "channel_layer_norm": "layer_norm", "ln": "layer_norm", "rmsnorm": "rms_norm",
    "global_response_norm": "grn", "lrn": "local_response_norm",
    "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convolution": "conv", "depthwise": "dwconv",
    "depthwise_conv": "dwconv", "dw_conv": "dwconv", "separable_conv": "dwconv", "deconv": "conv_transpose",
    "fc": "linear", "dense": "linear",
    "gap": "global_avg_pool", "global_pool": "global_avg_pool", "gmp": "global_max_pool", "avgpool": "avg_pool",
    "maxpool": "max_pool", "mean_pool": "avg_pool", "adaptive_pool": "adaptive_avg_pool",
    "swish": "silu", "h_swish": "hard_swish", "hswish": "hard_swish", "h_sigmoid": "hard_sigmoid",
    "hsigmoid": "hard_sigmoid", "lrelu": "leaky_relu", "activation": "act",
    "cat": "concat", "concatenate": "concat", "sum": "add", "plus": "add", "multiply": "mul", "maximum": "max",
    "skip": "identity", "none": "identity", "shuffle": "channel_shuffle", "interpolate": "upsample",
    "resize": "upsample", "drop": "dropout", "drop_path": "drop_connect", "stochastic_depth": "drop_connect",
    "permute": "rearrange", "reshape": "rearrange", "view": "rearrange", "zero_pad": "pad",
    "attention": "multihead_attention", "self_attention": "multihead_attention", "mha": "multihead_attention",
    "mhsa": "multihead_attention", "multi_head_attention": "multihead_attention",
    "sdpa": "scaled_dot_product_attention", "bmm": "matmul", "layer_scale": "scale", "parameter": "param",
}  # fmt: skip
# What other libraries call an argument of ours.
ARGUMENTS = {
    "out_channels": "out", "out_features": "out", "channels": "out", "filters": "out", "units": "out", "width": "out",
    "kernel_size": "kernel", "ks": "kernel", "k": "kernel", "pool_size": "kernel", "window": "kernel",
    "strides": "stride", "s": "stride", "pad": "padding", "dilation_rate": "dilation", "num_groups": "groups",
    "use_bias": "bias", "ceil_mode": "ceil", "scale_factor": "scale", "upscale_factor": "scale", "rate": "p",
    "drop_rate": "p", "prob": "p", "epsilon": "eps", "axis": "dim",
}  # fmt: skip
_RANK = re.compile(r"_?[123]d$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`ConvBNReLU` -> `conv_bn_relu`; acronyms stay whole."""
    name = name.replace("PReLU", "Prelu").replace("ReLU", "Relu").replace("SiLU", "Silu").replace("GeLU", "Gelu")
    return _WORDS.sub("_", name).lower()


def camel(name: str) -> str:
    """`dense_layers` -> `DenseLayers`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def spaced(name: str) -> str:
    """`first_stage` -> `first stage`."""
    return name.replace("_", " ")


def called(name: str, variant: str | None, settings: Mapping[str, Any]) -> str:
    """`MobileNetV2 1.00-224, width=0.9`: a network by its name, its variant, and what was set over that."""
    which = f"{name} {variant}" if variant else name
    return ", ".join([which, *set_texts(settings)])


def set_texts(settings: Mapping[str, Any]) -> list[str]:
    """`growth=16` of each param that was set, as `--set` takes it."""
    return [f"{name}={text_of(value)}" for name, value in settings.items()]


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def unique(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name_2`, `name_3`, … if it is taken."""
    used = set(taken)
    candidate, number = name, 1
    while candidate in used or keyword.iskeyword(candidate):
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def op_elsewhere(name: str) -> str:
    """A hint at the op that other libraries call so (`BatchNorm2d`, `swish`), or nothing."""
    word = snake(name) if len(name) <= 64 else ""
    found = ELSEWHERE.get(word) or ELSEWHERE.get(_RANK.sub("", word))
    return f"did you mean '{found}'?" if found else ""


def argument_elsewhere(name: str, known: Iterable[str]) -> str:
    """A hint at the argument that other libraries call so (`kernel_size`), if it is one of those known; or nothing."""
    found = ARGUMENTS.get(name)
    return f"did you mean '{found}'?" if found is not None and found in known else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest known name, or nothing."""
    near = nearest(name, known)
    return f"did you mean '{near}'?" if near is not None else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is like this one, if there is one."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
