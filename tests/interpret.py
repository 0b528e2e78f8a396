"""A graph computed op by op from its fields and the weights of its module: what emitted source must equal.

It reads the graph and the state_dict alone, so a branch out of order, a stride in the wrong turn or a
condition taken the other way shows as a difference in numbers.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own word for it
from torch import Tensor

from archdsl.expr import show

ACTIVATIONS = {
    "relu": F.relu, "relu6": F.relu6, "silu": F.silu, "gelu": F.gelu, "mish": F.mish, "elu": F.elu, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "hard_swish": F.hardswish, "hard_sigmoid": F.hardsigmoid, "identity": lambda x: x,
    "leaky_relu": F.leaky_relu, "softmax": lambda x: F.softmax(x, 1),
}  # fmt: skip
CONVS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOLS = {
    "max_pool": {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d},
    "avg_pool": {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d},
}
ADAPTIVE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


def interpret(graph, module, *inputs: Tensor) -> list[Tensor]:
    """The outputs of the graph in eval mode, with the weights of `module`."""
    weights = module.state_dict()
    values = {(None, name): tensor for name, tensor in zip(graph.inputs, inputs, strict=True)}

    def value(tensor):
        return values[(tensor.node.id, tensor.index) if tensor.node else (None, tensor.name)]

    for node in graph.nodes:
        tensors = [value(tensor) for tensor in node.inputs]
        found = compute(node, tensors, {key: weights.get(f"{node.path}.{key}") for key in KEYS}, module)
        for index, tensor in enumerate(found if isinstance(found, (list, tuple)) else [found]):
            assert tensor.shape[1:] == node.outputs[index].shape, f"{node.path}: {tensor.shape[1:]}"
            values[node.id, index] = tensor
    return [value(tensor) for tensor in graph.outputs.values()]


KEYS = ("weight", "bias", "running_mean", "running_var")


def compute(node, tensors, w, module):
    """The results of one op."""
    rule = RULES.get(node.op.name)
    if rule is not None:
        return rule(node, tensors, w)
    if node.op.name in ACTIVATIONS:
        slope = {"slope": "negative_slope"}
        named = {slope.get(name, name): value for name, value in node.fields.items()}
        return ACTIVATIONS[node.op.name](tensors[0], **named)
    return module.get_submodule(node.path)(*tensors)  # an op of its own, tested by itself


def axes(value, rank):
    return tuple(value) if isinstance(value, (list, tuple)) else (value,) * rank


def padded(node, x, fill=0.0, dilation=1):
    """The tensor with its padding around it."""
    f, rank = node.fields, x.dim() - 2
    kernel = axes(f["kernel"], rank)
    stride, dilation = axes(f.get("stride") or f["kernel"], rank), axes(dilation, rank)
    sides = []
    for n, k, s, d, p in zip(x.shape[2:], kernel, stride, dilation, axes(f["padding"], rank), strict=True):
        if p == "same":
            total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
            sides.append((total // 2, total - total // 2))
        else:
            side = d * (k - 1) // 2 if p == "keep" else p
            sides.append((side, side))
    return F.pad(x, [n for side in reversed(sides) for n in side], value=fill)


def conv(node, tensors, w):
    x, f, rank = tensors[0], node.fields, tensors[0].dim() - 2
    groups = f.get("groups", x.shape[1])
    rest = {"stride": f["stride"], "dilation": f["dilation"], "groups": groups}
    wide = padded(node, x, dilation=f["dilation"])
    if len(tensors) > 1:  # a kernel for each sample
        shape = (node.shape[0], x.shape[1] // groups, *axes(f["kernel"], rank))
        kernels = [one.reshape(shape) for one in tensors[1]]
        return torch.cat([CONVS[rank](one[None], k, None, **rest) for one, k in zip(wide, kernels, strict=True)])
    return CONVS[rank](wide, w["weight"], w["bias"], **rest)


def conv_transpose(node, tensors, w):
    f = {name: node.fields[name] for name in ("stride", "padding", "output_padding", "dilation", "groups")}
    return TRANSPOSED[tensors[0].dim() - 2](tensors[0], w["weight"], w["bias"], **f)


def bn(node, tensors, w):
    x = tensors[0]
    side = (1, -1, *(1,) * (x.dim() - 2))
    mean, var = w["running_mean"].view(side), w["running_var"].view(side)
    found = (x - mean) / torch.sqrt(var + node.fields["eps"])
    return found * w["weight"].view(side) + w["bias"].view(side) if node.fields["affine"] else found


def pool(node, tensors, w):
    x, f, name = tensors[0], node.fields, node.op.name
    more = {"count_include_pad": f["count_include_pad"]} if name == "avg_pool" else {}
    if "same" not in axes(f["padding"], 1):
        rank = x.dim() - 2
        keep = tuple((k - 1) // 2 for k in axes(f["kernel"], rank))
        padding = keep if f["padding"] == "keep" else f["padding"]
        stride = f["stride"] or f["kernel"]
        return POOLS[name][rank](x, f["kernel"], stride, padding, ceil_mode=f["ceil"], **more)
    fill = -math.inf if name == "max_pool" else 0.0
    return POOLS[name][x.dim() - 2](padded(node, x, fill), f["kernel"], f["stride"] or f["kernel"])


def adaptive(node, tensors, w):
    size = tensors[1].shape[2:] if len(tensors) > 1 else node.fields["size"]
    return ADAPTIVE[tensors[0].dim() - 2](tensors[0], size)


def upsample(node, tensors, w):
    x, f, rank = tensors[0], node.fields, tensors[0].dim() - 2
    mode = "linear" if f["mode"] == "linear" else f["mode"]
    corners = f["align_corners"] or None
    if len(tensors) > 1 or f["size"] is not None:
        size = tuple(tensors[1].shape[2:]) if len(tensors) > 1 else axes(f["size"], rank)
        return F.interpolate(x, size=size, mode=mode, align_corners=corners)
    return F.interpolate(x, scale_factor=f["scale"], mode=mode, align_corners=corners)


def flatten(node, tensors, w):
    x = tensors[0].movedim(1, -1) if node.fields["order"] == "hwc" else tensors[0]
    return x.reshape(len(x), -1)


def split(node, tensors, w):
    x, sizes = tensors[0], node.fields["sizes"]
    ends = [x.shape[1] // sizes] * sizes if isinstance(sizes, int) else sizes
    starts = [sum(ends[:n]) for n in range(len(ends))]
    return [x[:, start : start + size] for start, size in zip(starts, ends, strict=True)]


def rearrange(node, tensors, w):
    """The pattern by its meaning: elements are where the names of their axes say."""
    f = dict(node.fields)
    left, right = (re.findall(r"\([^)]*\)|\w+", side) for side in f.pop("pattern").split("->"))
    x, sizes = tensors[0], {}
    for part, n in zip(left, x.shape[1:], strict=True):
        inner = [] if part == "1" else part.strip("()").split()
        known = math.prod(f[name] for name in inner if name in f)
        sizes |= {name: f.get(name, n // known) for name in inner}
    order = [name for part in right for name in part.strip("()").split() if name != "1"]
    x = x.reshape(len(x), *sizes.values()).permute(0, *(1 + list(sizes).index(name) for name in order))
    return x.reshape(len(x), *(math.prod(sizes[n] for n in part.strip("()").split() if n != "1") for part in right))


def formula(node, tensors, w):
    """Python's own reading of the formula over the tensors."""

    def extreme(pick):
        def found(*args):
            total = torch.as_tensor(args[0], dtype=torch.float32)
            for arg in args[1:]:
                total = pick(total, torch.as_tensor(arg, dtype=torch.float32))
            return total

        return found

    names = {f"t{index}": tensor for index, tensor in enumerate(tensors)}
    functions = {"max": extreme(torch.maximum), "min": extreme(torch.minimum)}
    return eval(show(node.fields["expression"], python=True), functions, names)


def joined(pick):
    def rule(node, tensors, w):
        total = tensors[0]
        for tensor in tensors[1:]:
            total = pick(total, tensor)
        return total

    return rule


def roll(node, tensors, w):
    by = axes(node.fields["by"], 1)
    return tensors[0].roll(by, tuple(range(1, 1 + len(by))))


def shuffle(node, tensors, w):
    return tensors[0].unflatten(1, (node.fields["groups"], -1)).transpose(1, 2).flatten(1, 2)


def act(node, tensors, w):
    kind = node.fields["kind"]
    return F.prelu(tensors[0], w["weight"]) if kind == "prelu" else ACTIVATIONS[kind](tensors[0])


RULES = {
    "conv": conv, "dwconv": conv, "conv_transpose": conv_transpose, "bn": bn, "max_pool": pool, "avg_pool": pool,
    "linear": lambda node, tensors, w: F.linear(tensors[0], w["weight"], w["bias"]),
    "global_avg_pool": lambda node, tensors, w: tensors[0].flatten(2).mean(2).view(-1, *node.shape),
    "global_max_pool": lambda node, tensors, w: tensors[0].flatten(2).amax(2).view(-1, *node.shape),
    "take": lambda node, tensors, w: tensors[0][:, : node.fields["channels"]],
    "prelu": lambda node, tensors, w: F.prelu(tensors[0], w["weight"]),
    "dropout": lambda node, tensors, w: tensors[0], "drop_connect": lambda node, tensors, w: tensors[0],
    "concat": lambda node, tensors, w: torch.cat(tensors, 1),
    "add": joined(torch.add), "mul": joined(torch.mul), "max": joined(torch.maximum), "formula": formula,
    "adaptive_avg_pool": adaptive, "upsample": upsample, "flatten": flatten, "split": split, "rearrange": rearrange,
    "roll": roll, "channel_shuffle": shuffle, "act": act,
}  # fmt: skip
