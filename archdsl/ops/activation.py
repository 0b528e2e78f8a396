"""Activations, each an op of its own name, and `act` for one passed as an argument."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import IfElse, Lit
from archdsl.ops.axes import axis_field, dim, place_of_axis
from archdsl.ops.base import REGISTRY, Field, Module, Op, OpFault, Run, Shape, Site, State

if TYPE_CHECKING:
    from torch import Tensor


class Activation(Op):
    """What activations share: a torch module without arguments, elementwise."""

    group, role, counts = "activation", "act", "activation"
    torch: ClassVar[str]  # the torch class
    word: ClassVar[str]  # in figures
    overwrites: ClassVar[bool] = False  # whether the torch class can work in place
    example = {"fields": {}, "inputs": [(8, 6, 6)]}

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), self.overwrite(e))

    def overwrite(self, e: Site) -> dict[str, tuple[bool, bool]]:
        """`inplace=True` where the input may be overwritten."""
        return {"inplace": (True, False)} if e.inplace and self.overwrites else {}

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.word


class ReLU(Activation, name="relu"):
    """max(x, 0)."""

    torch, word, overwrites = "nn.ReLU", "ReLU", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].clamp(min=0)


class ReLU6(Activation, name="relu6"):
    """min(max(x, 0), 6)."""

    torch, word, overwrites = "nn.ReLU6", "ReLU6", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].clamp(0, 6)


class LeakyReLU(Activation, name="leaky_relu"):
    """x where positive, slope·x elsewhere."""

    torch, word, overwrites = "nn.LeakyReLU", "Leaky ReLU", True
    fields = (Field("slope", "number", 0.01, "factor of negative values", minimum=0),)

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.where(x[0] > 0, x[0], run.f.slope * x[0])

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"negative_slope": (e.f.slope, 0.01), **self.overwrite(e)})


class PReLU(Activation, name="prelu"):
    """x where positive, slope·x elsewhere, with a learned slope for each channel."""

    torch, word, fresh = "nn.PReLU", "PReLU", True
    fields = (
        Field("init", "number", 0.25, "the initial slope"),
        Field("shared", "bool", False, "whether all channels have one slope"),
    )

    def compute(self, run: Run, *x: Tensor) -> Any:
        slope = run.weights["weight"].view(-1, *(1,) * (x[0].dim() - 2))
        return run.torch.where(x[0] > 0, x[0], slope * x[0])

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return {"weight": (1 if f.shared else shape[0],)}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 1 if f.shared else shape[0]

    def module(self, e: Site) -> Module:
        shared = e.f.shared
        slopes = IfElse(shared, Lit(1), e.c) if not isinstance(shared, Lit) else Lit(1) if shared.value else e.c
        return Module(self.torch, (slopes,), {"init": (e.f.init, 0.25)})


class ELU(Activation, name="elu"):
    """x where positive, alpha·(exp(x)−1) elsewhere."""

    torch, word, overwrites = "nn.ELU", "ELU", True
    fields = (Field("alpha", "number", 1.0, "the limit of negative values", minimum=0),)

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.where(x[0] > 0, x[0], run.f.alpha * x[0].expm1())

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"alpha": (e.f.alpha, 1.0), **self.overwrite(e)})


class GELU(Activation, name="gelu"):
    """x·Φ(x), where Φ is the cumulative distribution function of the standard normal distribution."""

    torch, word = "nn.GELU", "GELU"
    fields = (
        Field(
            "approximate", "word", "none", "tanh: use (1 + tanh(sqrt(2/π)·(x + 0.044715·x³)))/2 for Φ", ("none", "tanh")
        ),
    )

    def compute(self, run: Run, *x: Tensor) -> Any:
        if run.f.approximate == "tanh":
            return x[0] * (1 + (math.sqrt(2 / math.pi) * (x[0] + 0.044715 * x[0] ** 3)).tanh()) / 2
        return x[0] * (1 + (x[0] / math.sqrt(2)).erf()) / 2

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"approximate": (e.f.approximate, "none")})


class SELU(Activation, name="selu"):
    """scale·x where positive, scale·alpha·(exp(x)−1) elsewhere, which preserves a mean of 0 and a variance of 1."""

    torch, word, overwrites = "nn.SELU", "SELU", True
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

    def compute(self, run: Run, *x: Tensor) -> Any:
        return self.scale * run.torch.where(x[0] > 0, x[0], self.alpha * x[0].expm1())


class Softplus(Activation, name="softplus"):
    """log(1 + exp(beta·x))/beta."""

    torch, word = "nn.Softplus", "Softplus"
    fields = (
        Field("beta", "number", 1.0, "how sharply it bends"),
        Field("threshold", "number", 20.0, "the result is x where beta·x is greater than this"),
    )

    def compute(self, run: Run, *x: Tensor) -> Any:
        scaled = run.f.beta * x[0]
        bent = scaled.logaddexp(run.torch.zeros_like(x[0])) / run.f.beta
        return run.torch.where(scaled > run.f.threshold, x[0], bent)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if f.beta <= 0:
            raise OpFault("beta must be greater than 0", field="beta", help="1 is the softplus of papers")

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"beta": (e.f.beta, 1.0), "threshold": (e.f.threshold, 20.0)})


class SiLU(Activation, name="silu"):
    """x·sigmoid(x), also called swish."""

    torch, word, overwrites = "nn.SiLU", "SiLU", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0] * x[0].sigmoid()


class Mish(Activation, name="mish"):
    """x·tanh(softplus(x))."""

    torch, word, overwrites = "nn.Mish", "Mish", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0] * x[0].logaddexp(run.torch.zeros_like(x[0])).tanh()


class Sigmoid(Activation, name="sigmoid"):
    """1/(1+exp(−x))."""

    torch, word = "nn.Sigmoid", "Sigmoid"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return 1 / (1 + (-x[0]).exp())


class Tanh(Activation, name="tanh"):
    """The hyperbolic tangent."""

    torch, word = "nn.Tanh", "Tanh"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].tanh()


class HardTanh(Activation, name="hard_tanh"):
    """min(max(x, min_val), max_val)."""

    torch, word, overwrites = "nn.Hardtanh", "Hard tanh", True
    fields = (
        Field("min_val", "number", -1.0, "the least value"),
        Field("max_val", "number", 1.0, "the greatest value"),
    )

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0].clamp(run.f.min_val, run.f.max_val)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if f.min_val >= f.max_val:
            message = f"max_val {f.max_val:g} must be greater than min_val {f.min_val:g}"
            raise OpFault(message, field="max_val" if f.max_val != 1 else "min_val", help="such as hard_tanh: [-1, 1]")

    def module(self, e: Site) -> Module:
        limits = {"min_val": (e.f.min_val, -1.0), "max_val": (e.f.max_val, 1.0)}
        return Module(self.torch, (), {**limits, **self.overwrite(e)})


class HardSwish(Activation, name="hard_swish"):
    """x·relu6(x+3)/6."""

    torch, word, overwrites = "nn.Hardswish", "h-swish", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0] * (x[0] + 3).clamp(0, 6) / 6


class HardSigmoid(Activation, name="hard_sigmoid"):
    """relu6(x+3)/6."""

    torch, word, overwrites = "nn.Hardsigmoid", "h-sigmoid", True

    def compute(self, run: Run, *x: Tensor) -> Any:
        return (x[0] + 3).clamp(0, 6) / 6


class Softmax(Activation, name="softmax"):
    """exp(x), normalised so that the sum over the channels (or another axis) is 1."""

    torch, word = "nn.Softmax", "Softmax"
    fields = (axis_field("the axis over which the sum is 1"),)

    def compute(self, run: Run, *x: Tensor) -> Any:
        axis = 1 + place_of_axis(run.f.axis, tuple(x[0].shape[1:]))
        weights = (x[0] - x[0].amax(axis, keepdim=True)).exp()
        return weights / weights.sum(axis, keepdim=True)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        place_of_axis(f.axis, shapes[0])

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"dim": (dim(e.f.axis), None)})

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return self.word if place_of_axis(f.axis, shape) == 0 else f"{self.word}, axis {f.axis}"


class LogSoftmax(Softmax, name="log_softmax"):
    """The logarithm of softmax."""

    torch, word = "nn.LogSoftmax", "Log-softmax"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0] - x[0].logsumexp(1 + place_of_axis(run.f.axis, tuple(x[0].shape[1:])), keepdim=True)


class Identity(Op, name="identity"):
    """Returns its input unchanged."""

    group, counts = "activation", ""
    example = {"fields": {}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    def module(self, e: Site) -> Module:
        return Module("nn.Identity")

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "Identity"


NAMES = tuple(name for name, op in REGISTRY.items() if isinstance(op, (Activation, Identity)))


class GLU(Op, name="glu"):
    """The first half of the channels times the sigmoid of the second half."""

    group, role, counts = "activation", "act", "activation"
    example = {"fields": {}, "inputs": [(8, 6, 6)]}

    def compute(self, run: Run, *x: Tensor) -> Any:
        half = x[0].size(1) // 2
        return x[0][:, :half] * x[0][:, half:].sigmoid()

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if shapes[0][0] % 2:
            message = f"glu halves the channels, but {shapes[0][0]} is odd"
            raise OpFault(message, help="give it twice as many channels as it shall return")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c // 2

    def module(self, e: Site) -> Module:
        return Module("nn.GLU", (1,))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "GLU"


class Act(Activation, name="act"):
    """The activation with the given name, for blocks that take an activation as an argument."""

    fields = (Field("kind", "word", doc="its name", choices=NAMES),)
    example = {"fields": {"kind": "hard_swish"}, "inputs": [(8, 6, 6)]}
    prelude = "activation.py"

    @staticmethod
    def named(word: str) -> tuple[Op, SimpleNamespace]:
        """The op and its fields, all at their defaults."""
        op = REGISTRY[word]
        return op, SimpleNamespace(**{item.name: item.default for item in op.fields})

    def compute(self, run: Run, *x: Tensor) -> Any:
        op, defaults = self.named(run.f.kind)
        return op.compute(replace(run, f=defaults), *x)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        if f.kind not in NAMES:
            raise OpFault(f"there is no activation '{f.kind}'", field="kind", help=f"choose from {', '.join(NAMES)}")

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        op, defaults = self.named(f.kind)
        return op.state(defaults, shape, out)

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        op, defaults = self.named(f.kind)
        return op.params(defaults, shape, out)

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        op, defaults = self.named(f.kind)
        return op.work(defaults, shape, out)

    def module(self, e: Site) -> Module:
        kind = e.f.kind
        if not isinstance(kind, Lit):  # the word is an argument of the emitted class
            return Module("activation", (kind, e.c))
        op, defaults = self.named(str(kind.value))
        literal = SimpleNamespace(**{name: Lit(value) for name, value in vars(defaults).items()})
        return op.module(Site(literal, e.c, e.rank, e.size, e.inplace))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        op, defaults = self.named(f.kind)
        return op.label(defaults, shape, out)
