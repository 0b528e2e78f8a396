"""What specs of tests/language compute, written by hand over the weights: the meaning of the words, apart from archdsl.

A function has the name of its spec (of a variant: `name__variant`); `w` reads weights by their keys.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own word for it
from torch import Tensor
from torch.nn.functional import relu, relu6


class Weights:
    """Convolutions and norms by the key of their weights."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = state

    def conv(self, key: str, x: Tensor, **rest) -> Tensor:
        weight = self.state[f"{key}.weight"]
        padding = rest.pop("padding", (weight.shape[2] - 1) // 2)
        return F.conv2d(x, weight, self.state.get(f"{key}.bias"), padding=padding, **rest)

    def bn(self, key: str, x: Tensor) -> Tensor:
        mean, var, weight, bias = (self.state[f"{key}.{n}"] for n in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, weight, bias)

    def linear(self, key: str, x: Tensor) -> Tensor:
        return F.linear(x, self.state[f"{key}.weight"], self.state[f"{key}.bias"])


def cat(*tensors: Tensor) -> Tensor:
    return torch.cat(tensors, 1)


def pooled(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def name_and_else(w, x):
    x = relu(w.bn("a.0.norm", w.conv("a.0.wide", x)))
    x = w.bn("a.1.norm", w.conv("a.1.wide", x))
    return relu(w.conv("a.1.pair.0", x))


def as_and_from(w, x):
    for n in "01":
        low, high = w.conv(f"a.{n}.conv", x), w.conv(f"a.{n}.conv_2", x)
        x = cat(high, relu(low), low + high + relu(low))
    return x


def identity_is_what_enters(w, x):
    x = w.conv("a.0", x)
    kept, worked = x.chunk(2, 1)
    joined = cat(kept + worked, w.conv("a.1.conv", worked), worked, relu(worked))
    x = w.conv("a.2", cat(joined, w.conv("a.1.conv_2", joined.chunk(2, 1)[0])))
    kept, worked = x.chunk(2, 1)
    joined = cat(kept + worked, worked + kept, worked, worked)
    one, other = joined.chunk(2, 1)
    return cat(joined, one + other)


def repeat_a_list(w, x):
    def lists(key, x, turns):
        a, b = x.chunk(2, 1)
        for n in range(turns):
            a, b = relu(w.conv(f"{key}.layers.{n}.block.0", b)), w.conv(f"{key}.layers.{n}.conv", a) + b
        return cat(a, b)

    def res2(key, x, scale):
        first, *parts = x.chunk(scale, 1)
        outs = [first]
        for n, part in enumerate(parts):
            block = f"{key}.layers.{n}.block"
            outs.append(relu(w.bn(f"{block}.1", w.conv(f"{block}.0", outs[-1] + part))))
        return cat(*outs)

    x = lists("res.1", res2("res.0", x, 4), 2)
    return cat(x, lists("rest.2", res2("rest.1", w.conv("rest.0", x), 2), 1))


def recursion__other(w, x):
    def conv(key, x, **rest):
        return relu(w.bn(f"{key}.bn", w.conv(f"{key}.conv", x, **rest)))

    def tree(key, x, levels, stride=1):
        left = conv(f"{key}.conv", x, stride=stride) if levels == 1 else tree(f"{key}.conv", x, levels - 1, stride)
        x = conv(f"{key}.tree", left) if levels == 1 else tree(f"{key}.tree", left, levels - 1)
        return w.conv(f"{key}.conv_2", cat(x, left))

    def unet(key, x, depth):
        x = skip = conv(f"{key}.conv", x)
        if depth > 0:
            x = F.interpolate(unet(f"{key}.inner.1", F.max_pool2d(x, 2), depth - 1), scale_factor=2)
            x = w.conv(f"{key}.inner.3", x)
        return conv(f"{key}.conv_2", cat(skip, x))

    def fractal(key, x, columns):
        one = w.conv(f"{key}.conv", x)
        if columns == 1:
            return one
        return one + fractal(f"{key}.branch2.1", fractal(f"{key}.branch2.0", x, columns - 1), columns - 1)

    def either(key, x, inner):
        x = either(f"{key}.m", x, inner - 1) if inner else w.conv(f"{key}.m", x)
        return w.bn(f"{key}.bn", x)

    def wide(key, x, n):
        x = w.conv(f"{key}.conv", x)
        return w.conv(f"{key}.conv_2", wide(f"{key}.wides.0", x, n - 1) if n else x)

    def taken(key, x, n, code=None):
        x = w.conv(f"{key}.conv", x)
        x = taken(f"{key}.taken", x, n - 1, x) if n else x
        return x if code is None else x + w.conv(f"{key}.conv_2", code)

    x = fractal("f", unet("u", tree("a.1", tree("a.0", x, 2), 1, 2), 1), 3)
    x = w.conv("g.1", w.conv("g.0.growing.growing.conv", w.conv("g.0.growing.conv", w.conv("g.0.conv", x))))
    x = either("h.2", either("h.1", either("h.0", x, 2), 0), 0)
    return taken("w.1", wide("w.0", x, 2), 2)


def as_in_a_branch(w, x):
    first, second = w.conv("a.conv", x), w.conv("a.conv_2", x)
    return cat(first, relu(second), w.conv("a.conv_3", first), second)


def dropped_step_with_from__shallow(w, x):
    a = w.conv("a", x)
    b = w.conv("b", a)
    c = cat(w.conv("c", a), b)
    early = w.conv("d_conv", c)
    late = w.conv("d_conv_2", early)
    return cat(relu(early), late, early)


def dropped_step_with_from__deep(w, x):
    b = w.conv("b", w.conv("a", x))
    early = w.conv("d_conv", b)
    late = w.conv("d_conv_2", early)
    return cat(late, late, early)


def concat_order(w, x):
    for n in "01":
        x = relu(w.conv(f"a.{n}.conv", x))
        x = cat(relu(w.conv(f"a.{n}.branch1.0", x)), relu(w.conv(f"a.{n}.branch2.0", x)), x)
    return x


def branches_of_every_kind(w, x):
    early = w.conv("a_conv", x)
    a = relu(early)
    return cat(
        w.conv("b_conv", a),
        w.bn("b_branch2.1", w.conv("b_branch2.0", a)),
        a,
        early,
        relu(w.conv("b_branch5.0", a)),
        w.conv("b_conv_2", x),
    )


def mul_spreads(w, x):
    x = w.conv("a_conv", x)
    gate = torch.sigmoid(w.conv("a_gate.branch1.1", pooled(x)))
    x = gate.expand_as(x) * x * w.conv("a_gate.conv", x)
    return x * w.conv("a_conv_2", x)


def optional_branch(w, x):
    def more(n, x):
        return relu(w.bn(f"a.{n}.more.1", w.conv(f"a.{n}.more.0", x)))

    x = w.bn("a.0.bn", cat(w.conv("a.0.conv", x), w.conv("a.0.conv_2", x), x, more(0, x)))
    x = w.bn("a.1.bn", cat(w.conv("a.1.conv", x), x))
    return w.bn("a.2.bn", cat(w.conv("a.2.conv", x), x, more(2, x)))


def optional_several_branches(w, x):
    def branches(n):
        return [w.conv(f"a.{n}.branches.{m}", x) for m in "01"]

    def sums(n):
        one, two = w.conv(f"a.{n}.conv", x), w.conv(f"a.{n}.conv_2", x)
        return [one, one + two]

    x = w.bn("a.0.bn", cat(x, *branches(0)))
    x = w.bn("a.1.bn", cat(x, *sums(1)))
    return w.bn("a.2.bn", cat(x, *branches(2), *sums(2)))


def when_in_a_bracketed_branch(w, x):
    x = cat(relu(w.bn("a.0.branch1.1", w.conv("a.0.branch1.0", x))), w.conv("a.0.conv", x))
    return cat(relu(w.conv("a.1.branch1.0", x)), x)


def residual_if(w, x):
    x = relu(w.bn("a.0.bn", w.conv("a.0.conv", x)))
    x = relu(x + w.bn("a.1.bn", w.conv("a.1.conv", x)))
    x = relu(w.bn("a.2.bn", w.conv("a.2.conv", x, stride=2)))
    return relu(x + w.bn("a.3.bn", w.conv("a.3.conv", x)))


def residual_shortcut_before_body(w, x):
    for n, stride in ((0, 1), (1, 2)):
        short = w.conv(f"a.{n}.shortcut.1", F.avg_pool2d(x, stride))
        x = relu(short + w.bn(f"a.{n}.bn", w.conv(f"a.{n}.conv", x, stride=stride)))
    return x


def residual_if_with_shortcut(w, x):
    def body(key):
        return w.bn(f"{key}.bn", w.conv(f"{key}.conv", x))

    def short(key):
        return w.bn(f"{key}.shortcut.1", w.conv(f"{key}.shortcut.0", x))

    for n, skip in enumerate((True, False, True, False)):
        x = relu(short(f"a.{n}") + body(f"a.{n}") if skip else body(f"a.{n}"))
    return x


def residual_of_a_tensor(w, x):
    early = w.conv("a_conv", x)
    x = w.conv("a_conv_2", early)
    return early + w.bn("b_bn", cat(w.conv("b_conv", x), relu(w.conv("b_branch2.0", x))))


def repeat_nested(w, x):
    x, key = w.conv("stem", x), 0
    for turn in range(3):
        for _ in range(turn):
            x, key = w.conv(f"a.{key}", x), key + 1
        if turn == 0:
            x, key = w.bn(f"a.{key}", x), key + 1
        x, key = (relu(x) if turn == 2 else relu6(x)), key + 1
    return x


def repeat_growing(w, x):
    def dense(key, n, x):
        for turn in range(n):
            y = relu(w.bn(f"{key}.layers.{turn}.branch2.0", x))
            x = cat(x, w.conv(f"{key}.layers.{turn}.branch2.2", y))
        return w.bn(f"{key}.bn", x)

    x = dense("a.1", 2, w.conv("a.0", x))
    x = dense("b.1", 3, w.conv("b.0", x))
    return w.conv("c", x)


def for_table(w, x):
    x = w.conv("stem", x)
    for row, (n, s) in enumerate([(1, 1), (2, 2), (3, 2)]):
        for turn in range(n):
            key = f"body.{row}.{turn}"
            x = relu6(w.conv(f"{key}.conv", x))
            x = w.conv(f"{key}.dwconv", x, stride=s if turn == 0 else 1, groups=x.shape[1])
            x = w.conv(f"{key}.conv_2", x)
    return x


def each_with_other_channels(w, x):
    for n in "01":
        branches = [relu(w.bn(f"a.{n}.branches.{m}.1", w.conv(f"a.{n}.branches.{m}.0", x))) for m in range(3)]
        x = w.conv(f"a.{n}.conv", cat(x, *branches))
    return x


def each_with_joins(w, x):
    for n, groups in enumerate([(1, 1, 2)] * 2):
        x, found = w.conv(f"a.{n}.conv", x), []
        for m, g in enumerate(groups):
            key = f"a.{n}.branches.{m}"
            found.append(relu(x + w.bn(f"{key}.bn", w.conv(f"{key}.conv", x, groups=g))))
        x = cat(*found)
    return x


def each_tensor(w, x):
    low = w.conv("stem.low", x, stride=2)
    middle = w.conv("stem.middle", relu(low), stride=2)
    extra = w.conv("extra", middle, stride=2)
    boxes, scores = [], []
    for n, y in enumerate((low, middle, extra)):
        boxes.append(w.conv(f"boxes.{n}.conv", y).movedim(1, -1).reshape(len(x), -1))
        scores.append(w.conv(f"scores.{n}.1", w.conv(f"scores.{n}.0", y)).reshape(len(x), -1))
    return cat(*boxes), cat(*scores)


def running_sum_of_each(w, x):
    for n in "01":
        x = w.conv(f"a.{n}.conv", x)
        first = w.conv(f"a.{n}.conv_2", x)
        b1, b2, b3 = (w.conv(f"a.{n}.branches.{m}", x, padding=d, dilation=d) for m, d in enumerate((2, 4, 8)))
        x = cat(first, b1, b1 + b2, b1 + b2 + b3)
    return x


def fork(w, x):
    p, q = w.conv("a.conv", x), relu(w.conv("a.branch2.0", x))
    x = q + p + q
    part = [w.conv("a.conv_2", x), x, w.conv("a.conv_3", x)]
    return cat(*part, part[0] + part[2] + w.conv("a.conv_4", part[1]))


def split(w, x):
    x = w.conv("a.0", x)
    for key, n in (("a.1", 2), ("a.2", 3)):
        size = x.shape[1] // n
        x = w.conv(f"{key}.conv_2", cat(x[:, size : 2 * size], w.conv(f"{key}.conv", x[:, :size])))
        x = cat(x[:, 6:], x[:, :2], relu(x[:, 2:6]))
    return x


def formula_with_means(w, x):
    for stage, stride in (("a", 1), ("b", 2)):
        x = w.conv(f"{stage}.0", x, stride=stride)
        x = w.conv(f"{stage}.1.conv", x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt())
        g = (x - pooled(x)).square()
        x = w.bn(f"{stage}.2.bn", x * torch.sigmoid(g / (4 * pooled(g) + 1e-4) + 0.5))
    return x


def choice_of_rows(w, x):
    x = w.conv("stem", x)
    x = relu(w.conv("a.0.mb3.0", x))
    return relu(w.bn("a.2.mb5.1", w.conv("a.2.mb5.0", x)))


def stage_when__shallow(w, x):
    return w.conv("e", relu(w.conv("d_conv_2", w.conv("a", x))))


def stage_when__deep(w, x):
    a = w.conv("a", x)
    return w.conv("e", w.conv("d_conv", cat(relu(w.conv("b.0", a)), a)))


def stage_when_of_what_enters(w, x):
    a = w.conv("a", x)
    return cat(w.conv("e", a, stride=2), w.bn("c", w.conv("b", a, stride=2)))


def stage_from(w, x):
    a = w.conv("a", x, stride=2)
    b = w.conv("b", a, stride=2)
    return cat(b.repeat_interleave(2, 2).repeat_interleave(2, 3), relu(w.conv("c.0", a)), a)


def tap(w, x):
    active = relu(w.conv("stem.0", x, stride=2))
    early = w.conv("body_conv", w.conv("stem.2", active, stride=2))
    x = w.bn("body_bn", early)
    x, seen = cat(x, w.conv("body_conv_2", x)), {}
    for name, n in (("one", 1), ("two", 2)):
        x = seen[f"{name}.down"] = w.conv(f"rows.{name}.down", x, stride=2)
        for turn in range(n):
            x = seen[f"{name}.layers"] = w.conv(f"rows.{name}.layers.{turn}", x)
        x = seen[name] = relu(x)
    read = [seen["two.down"], seen["one.layers"], seen["one"], active, early, x]
    return cat(*(w.conv(f"head_branch{n}.0", y).flatten(1) for n, y in enumerate(read, 1)))


def several_inputs_and_outputs(w, image, mask):
    stem = w.conv("stem_conv_2", cat(image, w.conv("stem_conv", mask)))
    return relu(w.conv("predict_branch2.0", stem)), w.conv("predict_conv", stem), stem


def block_inputs(w, image):
    k, g, x = w.conv("a_code.conv", pooled(image)), w.conv("a_conv", image), w.conv("a_conv_2", image)
    for key, gate in (("a_modulate", g), ("a_modulate_2", image)):
        code = torch.sigmoid(w.conv(f"{key}.gate.2", relu(w.conv(f"{key}.gate.0", k))))
        x = x * code + w.conv(f"{key}.conv", gate)
    return x


def optional_input(w, image):
    small = F.avg_pool2d(image, 3, 2, 1)
    x = w.bn("a_down.bn", cat(w.conv("a_down.conv", image, stride=2), small))
    x = w.bn("a_down_2.bn", w.conv("a_down_2.conv", x, stride=2))
    here = w.conv("b_conv", w.conv("b_mixed.conv_2", x))
    return w.conv("b_mixed_2.conv_2", cat(here, w.conv("b_mixed_2.conv", here)))


def weight(w, x):
    x = w.conv("a.0", x)
    for key, out, k, stride, groups in (("a.1", 4, 3, 1, 1), ("a.2", 6, 1, 2, 2)):
        kernels = torch.sigmoid(w.conv(f"{key}.kernel.conv", pooled(x))).reshape(len(x), out, -1, k, k)
        pairs = zip(x, kernels, strict=True)
        each = [F.conv2d(one[None], kernel, None, stride, (k - 1) // 2, 1, groups) for one, kernel in pairs]
        x = w.bn(f"{key}.bn", torch.cat(each))
    kernels = torch.sigmoid(w.conv("a.3.kernel.conv", pooled(x))).reshape(len(x), -1, 1, 3, 3)
    return torch.cat([F.conv2d(one[None], k, None, 1, 1, 1, len(one)) for one, k in zip(x, kernels, strict=True)])


def formula__quarter(w, x):
    for n, k in (("1", 2), ("3", 3)):
        x = w.conv(f"a.{int(n) - 1}", x)
        shifted = w.conv(f"a.{n}.conv", x)
        a, b = w.conv(f"a.{n}.block.1", pooled(x)).chunk(2, 1)
        found = torch.max((a + 1) * x + b * shifted, k * x - 0.25)
        x = -found.minimum(torch.tensor(6.0)) * 2 + x.shape[1] * shifted
    return x


def shuffles(w, x):
    x = w.conv("a.0", x)
    for g in (2, 3):
        n, c, h, wide = x.shape
        order = [group * (c // g) + place for place in range(c // g) for group in range(g)]
        x = x[:, order].reshape(n, g, c // g, h, wide).roll((-1, 2), (1, 2)).transpose(1, 2).reshape(n, c, h, wide)
        x = x.roll(1, 1)
        x = x[:, [group * g + place for place in range(g) for group in range(c // g)]]
    return x.permute(0, 2, 3, 1).reshape(len(x), -1, x.shape[1])


def resizing(w, x):
    low = w.conv("a_conv", x, stride=2)
    state = w.state
    y = F.conv_transpose2d(low, state["a_conv_transpose.weight"], state["a_conv_transpose.bias"], 2, 1, 1)
    y = F.conv_transpose2d(y, state["a_conv_transpose_2.weight"], state["a_conv_transpose_2.bias"], 2)
    x = F.interpolate(low, size=y.shape[2:], mode="bilinear", align_corners=True)[:, :, ::2, ::2]
    x = F.adaptive_avg_pool2d(F.adaptive_avg_pool2d(x, (3, 4)), low.shape[2:])
    x = F.interpolate(x, size=(4, 5))
    return w.linear("b_linear", x.movedim(1, -1).reshape(len(x), -1))


def turn_and_turns(w, x):
    x, c = w.conv("stem", x), 4
    for row, (out, n) in enumerate([(4, 2), (6, 3)]):
        for turn in range(n):
            y = w.conv(f"a.{row}.{turn}.conv", x)
            x, c = (x + y if c == out else y), out
    for row in "01":
        x = relu(x + w.conv(f"b.{row}.0.conv", x))
    return x


def use_network_twice(w, x):
    x = relu(w.bn("one.0.stem.bn", w.conv("one.0.stem.conv", x, stride=2)))
    x = w.conv("one.1", x)
    return relu(w.bn("two.stem.bn", w.conv("two.stem.conv", x, stride=2)))


def loop_reads_a_tensor(w, image):
    a = x = w.conv("a", image)
    for n in "01":
        x = cat(w.conv(f"b.{n}.conv", x), w.conv(f"b.{n}.conv_2", image))
    for name in ("one", "two"):
        x = w.conv(f"c.{name}.conv", x) + a
    for n, turns in (("0", 2), ("1", 1)):
        entry, low = x, w.conv(f"d.{n}.conv", x)
        x = low
        for turn in range(turns):
            key = f"d.{n}.layers.{turn}"
            x = x + w.conv(f"{key}.conv", x)
            x = x + low + w.conv(f"{key}.conv_2", entry)
        x = relu(x)
    return cat(*(w.conv(f"e.{n}.conv", x) + a for n in "01"))


def loop_in_a_block_keeps_c_in(w, x):
    for conv, dense, n in (("a.0", "a.1", 2), ("a.2", "a.3", 3)):
        x = w.conv(conv, x)
        for turn in range(n):
            x = cat(x, w.conv(f"{dense}.layers.{turn}.conv", x))
        x = w.conv(f"{dense}.conv", x)
    return x
