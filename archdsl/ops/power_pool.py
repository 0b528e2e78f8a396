"""Pooling by powers: between mean and maximum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, Expr
from archdsl.ops.base import Field, Module, OpFault, Run, Shape, Site, State
from archdsl.ops.pool import GlobalAvgPool, Pool

if TYPE_CHECKING:
    from torch import Tensor


class LPPool(Pool, name="lp_pool"):
    """The p-th root of the sum of the p-th powers over a window. Negative elements need an even p."""

    word, fresh = "LP pool", False
    fields = (
        Field("norm_type", "number", doc="the power p; 1 is the sum, and a large p approaches the maximum"),
        *(item for item in Pool.fields if item.name != "padding"),
    )
    example = {"fields": {"norm_type": 2, "kernel": 3, "stride": 2}, "inputs": [(8, 7, 9)]}

    @staticmethod
    def whole(f: SimpleNamespace) -> SimpleNamespace:
        return Pool.whole(SimpleNamespace(**{**vars(f), "padding": 0}))

    def compute(self, run: Run, *x: Tensor) -> Any:
        p, size = run.f.norm_type, tuple(x[0].shape[2:])
        powers = self.windows_of(run, x[0] ** p, size, 0.0)
        inside = self.windows_of(run, run.torch.ones_like(x[0]), size, 0.0).mean(-1)
        # A window that hangs over the end counts as if all of it held what the part inside does.
        return (powers.sum(-1) / inside) ** (1 / p)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        super().check(self.whole(f), *shapes)
        if f.norm_type <= 0:
            raise OpFault("norm_type must be greater than 0", field="norm_type", help="2 is the Euclidean norm")

    def module(self, e: Site) -> Module:
        step: Expr | None = None if self.step(e.f) == e.f.kernel else self.step(e.f)
        kwargs: dict[str, tuple[Expr | Constant, Constant]] = {"stride": (step, None), "ceil_mode": (e.f.ceil, False)}
        return Module(f"nn.LPPool{e.rank}d", (e.f.norm_type, e.f.kernel), kwargs)

    def alternatives(self, e: Site) -> Iterator[Module]:
        yield self.module(e)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return f"{super().label(f, shape, out)}, p = {f.norm_type:g}"

    def idle(self, f: SimpleNamespace, shape: Shape, out: Shape) -> bool:
        return False  # of one element it is the absolute value


class GeneralizedMean(GlobalAvgPool, name="gem"):
    """Generalised mean of every channel (GeM): the p-th root of the mean of the p-th powers of max(x, eps)."""

    fields = (
        Field("p", "number", 3.0, "the power, or its initial value if it is learned"),
        Field("learned", "bool", True, "whether the power is learned"),
        Field("eps", "number", 1e-6, "the smallest value of an element; smaller ones are raised to it"),
    )
    word, fresh = "GeM", False
    chosen_by = word_of_choice = ""
    prelude = "gem.py"

    def compute(self, run: Run, *x: Tensor) -> Any:
        p = run.weights["p"] if run.f.learned else run.f.p
        powers = x[0].clamp(min=run.f.eps) ** p
        return powers.mean(tuple(range(2, x[0].dim())), keepdim=True) ** (1 / p)

    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        super().check(f, *shapes)
        for name in ("p", "eps"):
            if getattr(f, name) <= 0:
                raise OpFault(f"{name} must be greater than 0", field=name, help="p: 1 is the mean, p: 3 the paper's")

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        return {"p": (1,)} if f.learned else {}

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 1 if f.learned else 0

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return math.prod(shape)

    def module(self, e: Site) -> Module:
        own = {"p": (e.f.p, 3.0), "learned": (e.f.learned, True), "eps": (e.f.eps, 1e-6), "rank": (e.rank, 2)}
        return Module("GeM", (), own)

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        return "GeM" if f.learned else f"GeM, p = {f.p:g}"
