"""The activation that a word names, for files whose blocks take it as an argument."""

from torch import nn


def activation(name: str, channels: int) -> nn.Module:
    """Make the activation of that name; `channels` are those that it stands on."""
    if name == "prelu":
        return nn.PReLU(channels)
    if name == "softmax":
        return nn.Softmax(dim=1)
    if name == "log_softmax":
        return nn.LogSoftmax(dim=1)
    kinds: dict[str, type[nn.Module]] = {
        "relu": nn.ReLU,
        "relu6": nn.ReLU6,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "selu": nn.SELU,
        "softplus": nn.Softplus,
        "silu": nn.SiLU,
        "mish": nn.Mish,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "hard_tanh": nn.Hardtanh,
        "hard_swish": nn.Hardswish,
        "hard_sigmoid": nn.Hardsigmoid,
        "identity": nn.Identity,
    }
    return kinds[name]()
