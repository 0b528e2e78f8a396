"""Activations, each an op of its own name, and `act` for one passed as an argument."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.expr.nodes import Lit
from archdsl.ops.axes import axis_field, dim, place_of_axis
from archdsl.ops.base import REGISTRY, Field, Module, Op, OpFault, Run, Shape, Site

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
    """x where positive, a learned slope for each channel elsewhere."""

    torch, word, fresh = "nn.PReLU", "PReLU", True
    fields = (Field("init", "number", 0.25, "the slope at first"),)

    def compute(self, run: Run, *x: Tensor) -> Any:
        slope = run.weights["weight"].view(-1, *(1,) * (x[0].dim() - 2))
        return run.torch.where(x[0] > 0, x[0], slope * x[0])

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return shape[0]

    def module(self, e: Site) -> Module:
        return Module(self.torch, (e.c,), {"init": (e.f.init, 0.25)})


class ELU(Activation, name="elu"):
    """x where positive, alpha·(exp(x)−1) elsewhere."""

    torch, word, overwrites = "nn.ELU", "ELU", True
    fields = (Field("alpha", "number", 1.0, "the limit of negative values", minimum=0),)

    def compute(self, run: Run, *x: Tensor) -> Any:
        return run.torch.where(x[0] > 0, x[0], run.f.alpha * x[0].expm1())

    def module(self, e: Site) -> Module:
        return Module(self.torch, (), {"alpha": (e.f.alpha, 1.0), **self.overwrite(e)})


class GELU(Activation, name="gelu"):
    """x·Φ(x), Φ the normal distribution."""

    torch, word = "nn.GELU", "GELU"

    def compute(self, run: Run, *x: Tensor) -> Any:
        return x[0] * (1 + (x[0] / math.sqrt(2)).erf()) / 2


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
    """exp(x), normalised to the sum 1 over the channels, or over another axis."""

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


class Identity(Op, name="identity"):
    """The tensor as it is."""

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


class Act(Activation, name="act"):
    """The activation that a word names, for blocks that take it as an argument."""

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
            raise OpFault(f"there is no activation '{f.kind}'", field="kind", help=f"known are {', '.join(NAMES)}")

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
