"""Multi-head attention over the positions of a map or a sequence."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from archdsl.expr.nodes import Constant, Expr, ListOf, Lit
from archdsl.ops.axes import axis_field, is_channels, place_of_axis, place_of_features
from archdsl.ops.base import Field, Module, Op, OpFault, Run, Shape, Site, State, is_lit, times
from archdsl.ops.windows import with_bias

if TYPE_CHECKING:
    from torch import Tensor


class Attention(Op, name="multihead_attention"):
    """Multi-head scaled dot-product attention over all positions of a map or a sequence.

    Queries, keys and values are projections of the channels, and another projection computes the result. With `kv`,
    keys and values come from another tensor. `axis: w` means that the features are on the last axis, as in tokens L×C.
    """

    group, role, fresh, counts, placeless, multiplies = "attention", "linear", True, "", True, True
    fields = (
        Field("heads", "int", doc="number of heads", minimum=1),
        Field(
            "key_dim",
            "int",
            None,
            "features of the queries and keys of a head; channels // heads if not given",
            minimum=1,
        ),
        Field("value_dim", "int", None, "features of the values of a head; channels // heads if not given", minimum=1),
        Field("bias", "bool", True, "whether the projections of queries, keys and values have a bias"),
        Field("proj_bias", "bool", True, "whether the last projection has a bias"),
        Field("relative", "bool", False, "whether each head learns a bias for the scores of each relative position"),
        Field(
            "dropout",
            "number",
            0.0,
            "the probability that an attention weight is dropped in training",
            soft=True,
            minimum=0,
            maximum=1,
        ),
        Field("kv", "tensor", None, "the tensor for keys and values, with as many channels as the input"),
        axis_field("the axis of the features: c or the last one"),
    )
    example = {"fields": {"heads": 2}, "inputs": [(8, 4, 5)]}
    prelude = "attention.py"

    # --- shape
    def check(self, f: SimpleNamespace, *shapes: Shape) -> None:
        shape, kv = shapes[0], shapes[-1]
        if len(shape) < 2:
            message = f"multihead_attention takes a map or a sequence, not {times(shape)}"
            raise OpFault(message, help="put it before flatten")
        features = shape[place_of_features(f.axis, shape)]
        if (f.key_dim is None or f.value_dim is None) and features % f.heads:
            raise OpFault(
                f"{f.heads} heads do not divide the {features} channels",
                field="heads",
                help="give key_dim and value_dim",
            )
        if len(shapes) > 1 and (len(kv) < 2 or kv[place_of_axis(f.axis, kv)] != features):
            message = f"kv must have as many channels as the input: it is {times(kv)}, and the input {times(shape)}"
            raise OpFault(message, field="kv", help="put a 1×1 conv before it")
        if f.relative and (len(shapes) > 1 or place_of_axis(f.axis, shape) != 0):
            message = "relative positions need a single map with channels first"
            raise OpFault(message, field="relative", help="remove kv and axis")

    def channels(self, f: SimpleNamespace, c: Any, size: tuple[int, ...]) -> Any:
        return c

    # --- meaning
    def compute(self, run: Run, *x: Tensor) -> Any:
        f, w, torch = run.f, run.weights, run.torch
        place = 1 + place_of_axis(f.axis, tuple(x[0].shape[1:]))
        tokens, *other = [one.movedim(place if place == 1 else -1, -1).flatten(1, -2) for one in x]
        key, value = self.dims(f, tokens.size(-1))
        names = ("q", "kv") if other else ("qkv",)
        weight = torch.cat([w[f"{name}.weight"] for name in names])
        bias = torch.cat([w[f"{name}.bias"] for name in names]) if f.bias else torch.zeros(len(weight)).to(weight)
        sizes = [f.heads * n for n in (key, key, value)]
        inputs = (tokens, *(other or [tokens]) * 2)
        q, k, v = (
            (one @ part.T + shift).unflatten(-1, (f.heads, -1)).transpose(1, 2)
            for one, part, shift in zip(inputs, weight.split(sizes), bias.split(sizes), strict=True)
        )
        scores = torch.einsum("nhld,nhsd->nhls", q, k) / math.sqrt(key)
        if f.relative:
            scores = scores + self.biased(w["table"], list(x[0].shape[2:]))
        weights = torch.nn.functional.dropout(scores.softmax(-1), f.dropout, run.training)
        found = torch.einsum("nhls,nhse->nlhe", weights, v).flatten(2) @ w["proj.weight"].T
        found = found + w["proj.bias"] if f.proj_bias else found
        whole = found.unflatten(1, [n for i, n in enumerate(x[0].shape[1:], 1) if i != place])
        return whole.movedim(-1, place)

    @staticmethod
    def biased(table: Tensor, size: list[int]) -> Tensor:
        """The bias of each pair of positions: of the offset between them, axis by axis."""
        places: list[list[int]] = [[]]
        for n in size:
            places = [[*before, i] for before in places for i in range(n)]
        index = []
        for one in places:
            for other in places:
                number = 0
                for a, b, n in zip(one, other, size, strict=True):
                    number = number * (2 * n - 1) + a - b + n - 1
                index.append(number)
        return table[:, index].view(-1, len(places), len(places))

    # --- cost
    @staticmethod
    def dims(f: SimpleNamespace, features: int) -> tuple[int, int]:
        """Features of the keys, and of the values, of a head."""
        each = features // int(f.heads)
        return f.key_dim or each, f.value_dim or each

    def state(self, f: SimpleNamespace, shape: Shape, out: Shape) -> State:
        c = shape[place_of_axis(f.axis, shape)]
        key, value = (int(f.heads * n) for n in self.dims(f, c))
        cross = getattr(f, "kv", None) is not None
        rows = {"q": key, "kv": key + value} if cross else {"qkv": 2 * key + value}
        offsets = math.prod(2 * n - 1 for n in self.positions(f, shape))
        found: State = {"table": (f.heads, offsets)} if f.relative else {}
        for layer, features in rows.items():
            found |= named(layer, with_bias((features, c), features if f.bias else 0))
        return found | named("proj", with_bias((c, value), c if f.proj_bias else 0))

    def params(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        c = shape[place_of_axis(f.axis, shape)]
        key, value = self.dims(f, c)
        projected = f.heads * (2 * key + value)
        table = f.heads * math.prod(2 * n - 1 for n in self.positions(f, shape)) if f.relative else 0
        return int(projected * (c + bool(f.bias)) + c * (f.heads * value + bool(f.proj_bias)) + table)

    def macs(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        c, queries = shape[place_of_axis(f.axis, shape)], math.prod(self.positions(f, shape))
        kv = getattr(f, "kv", None)
        keys = queries if kv is None else math.prod(self.positions(f, kv))
        key, value = self.dims(f, c)
        projected = f.heads * (queries * c * key + keys * c * (key + value) + queries * c * value)
        return int(projected + f.heads * queries * keys * (key + value))

    @staticmethod
    def positions(f: SimpleNamespace, shape: Shape) -> Shape:
        place = place_of_axis(f.axis, shape)
        return shape[:place] + shape[place + 1 :]

    def work(self, f: SimpleNamespace, shape: Shape, out: Shape) -> int:
        return 0

    # --- source
    def module(self, e: Site) -> Module:
        f = e.f
        last = not is_channels(f.axis, e.rank)
        named: dict[str, tuple[Expr | Constant, Constant]] = {
            "key_dim": (f.key_dim, None),
            "value_dim": (f.value_dim, None),
            "bias": (f.bias, True),
            "proj_bias": (f.proj_bias, True),
            "dropout": (f.dropout, 0.0),
        }
        cls = "CrossAttention" if getattr(f, "kv", None) is not None else "Attention"
        if not is_lit(f.relative, False):
            cls, named = "RelativeAttention", {"size": (self.grid(e), None), **named}
            return Module(cls, (e.c, f.heads), named)
        return Module(cls, (e.last if last else e.c, f.heads), {**named, "channels_last": (last, False)})

    def grid(self, e: Site) -> ListOf:
        """The size of the map that relative positions are of."""
        if not is_lit(e.f.relative, True):
            raise OpFault("relative has a different value in each call: write one step for each value")
        if e.size is None or not is_channels(e.f.axis, e.rank):
            raise OpFault("relative positions need maps of one size: write one step for each size")
        return ListOf(tuple(map(Lit, e.size)))

    def label(self, f: SimpleNamespace, shape: Shape, out: Shape) -> str:
        word = "Cross-attention" if getattr(f, "kv", None) is not None else "Attention"
        return f"{word}, {f.heads} heads" if f.heads > 1 else word


def named(layer: str, state: State) -> State:
    """The tensors of a layer inside a module, by their names there."""
    return {f"{layer}.{name}": shape for name, shape in state.items()}
