"""Shapes in figures: over what enters a block and its params, and channels first or last."""

from __future__ import annotations

import pytest
import yaml

import archdsl
from archdsl.backends import figures
from archdsl.backends.figures import Look

BLOCKS = """
ConvBN: {params: {out: , stride: 1}, body: [conv: {out: out, kernel: 3, stride: stride}, bn]}
Unit:  # widths by a let, a condition, a rounding; what proves that `out` is `c_in`
  params: [t, out, stride]
  let: {hidden: c_in * t, inner: "make_divisible(hidden / 4, 4)"}
  body:
    - residual:
        if: stride == 1 and c_in == out
        body:
          - {conv: hidden, when: t > 1}
          - ConvBN: [hidden // 2 if t > 1 else hidden, stride]
          - mul: [identity, [global_avg_pool, conv: inner, conv: hidden // 2, sigmoid]]
          - conv: out
Grow:
  params: [growth, n]
  body:
    - {repeat: n, body: [concat: [identity, conv: growth]]}
    - {split: 2, as: [a, b]}
    - add: [a, b]
Tall: {params: [h, num_classes], body: [conv: {out: 2 * num_classes, kernel: [h, 1]}, relu, conv: num_classes]}
Mix:
  params: [groups]
  body: [conv: {out: c_in, groups: groups}, channel_shuffle: c_in // groups, conv: {out: c_in, groups: c_in // 2}]
Up: {inputs: [skip], body: [upsample: 2, concat: [identity, skip], max_pool: {kernel: 2, ceil: true}, flatten: ]}
"""
STAGES = {
    "one": [{"conv": 8}, {"Unit": [4, 8, 1]}],
    "two": [{"Unit": [2, 16, 2]}, {"Grow": [6, 3]}],
    "three": [{"Tall": [3, 5]}, {"conv": 12}, {"Mix": 3}],
    "four": [{"Up": {"skip": "one"}}],
}


@pytest.fixture(scope="module")
def net():
    return archdsl.graph(
        {"archdsl": 1, "name": "Net", "input": [3, 18, 18], "blocks": yaml.safe_load(BLOCKS), "stages": STAGES}
    )


def said(net, block, axes="chw", **how):
    picture = figures.picture(net, block=block, look=Look(shapes="symbolic", axes=axes), **how)
    ends = [box.shape for box in picture.boxes() if box.role in ("input", "output")]
    return [*ends, *(arrow.label for arrow in picture.arrows if arrow.label)]


def plain(words):
    return [word.replace("\N{NO-BREAK SPACE}", "") for word in words]


def test_shapes_are_written_over_what_enters_and_the_params(net):
    assert set(plain(said(net, "Unit", cases=["stride=2"]))) == {
        "c×h×w", "c′×h/2×w/2", "tc×h×w", "tc/2×h/2×w/2", "tc/2×1×1", "tc/4×1×1",
    }  # fmt: skip


def test_a_param_that_a_condition_makes_equal_to_what_enters_is_written_so(net):
    first, last, *_ = plain(said(net, "Unit", cases=["stride=1"]))
    assert first == last == "c×h×w"


def test_what_enters_has_capitals_where_params_have_its_letters_and_classes_are_called_so(net):
    assert set(plain(said(net, "Tall"))) == {"c×H×w", "2·classes×H×w", "classes×H×w"}


def labels(graph, block, shapes="symbolic"):
    """The first lines of the boxes of ops."""
    boxes = figures.picture(graph, block=block, look=Look(shapes=shapes)).boxes()
    return [box.lines[0].replace("\N{NO-BREAK SPACE}", " ") for box in boxes if box.nodes]


def test_numbers_in_labels_are_written_over_what_enters_and_letters_of_params_too(net):
    assert labels(net, "Mix") == ["1×1 Conv, g groups", "Channel shuffle, c/g groups", "1×1 Conv, c/2 groups"]
    assert labels(net, "Mix", "numbers") == ["1×1 Conv, g3", "Channel shuffle, g=4", "1×1 Conv, g6"]


MIXED = """
archdsl: 1
name: Net
input: [6, 16, 16]
figure: {labels: {Mixed.l: L=}}
blocks:
  Mixed:
    params: [l, parts, group_width, drop]
    body:
      - {channel_shuffle: l}
      - {rearrange: {pattern: (n c) h w -> n c h w, n: l}}
      - {rearrange: {pattern: n c h w -> (n c) h w, n: parts}}
      - {conv: {out: c_in, groups: c_in // group_width}}
      - {dropout: drop / 2}
stages: {a: [{Mixed: [3, 3, 3, 0.5]}]}
"""


def test_params_without_a_letter_stay_numbers_in_labels():
    spec = yaml.safe_load(MIXED)
    assert labels(archdsl.graph(spec), "Mixed") == [
        "Channel shuffle, L groups",
        "Split into L groups",
        "Merge 3 groups",
        "1×1 Conv, c/group width groups",
        "Dropout 0.25",
    ]


def test_a_page_writes_the_numbers_in_labels_in_letters(net):
    page = figures.draw(net, format="html", look=Look(shapes="symbolic"))
    assert '"Channel shuffle, c/g groups"' in page
    assert '"Channel shuffle, g=4"' in figures.draw(net, format="html")


def test_turns_are_counted_and_sums_stand_in_brackets(net):
    assert set(plain(said(net, "Grow"))) == {"c×h×w", "growth×h×w", "(c + 3·growth)×h×w", "(c + 3·growth)/2×h×w"}


def test_a_further_tensor_has_letters_of_its_own_and_its_name(net):
    picture = figures.picture(net, block="Up")
    assert [box.lines[0] for box in picture.boxes() if box.role == "input"] == ["input", "skip"]
    first, further, last, *_ = plain(said(net, "Up", "hwc"))
    assert (first, further) == ("h×w×c", "h₂×w₂×c₂")
    assert last == "(c + c₂)hw"


def test_the_order_of_axes_is_that_of_every_figure(net):
    strip = figures.draw(net, format="dot", look=Look(axes="hwc"))
    assert "18×18×8" in strip
    assert "8×18×18" not in strip
    assert "18×18×8" in figures.draw(net, level="stage", format="dot", look=Look(axes="hwc"))
    assert "18×18×8" in figures.draw(net, format="tikz", style="strip", look=Look(axes="hwc")).replace(
        r"\ensuremath{\times}", "×"
    )


def test_a_page_writes_the_shapes_inside_a_block_in_letters(net):
    page = figures.draw(net, format="html", look=Look(shapes="symbolic", axes="hwc"))
    assert '["h","w","tc"]' in page
    assert "[18,18,8]" in page  # those of stages stay numbers


def test_a_strip_has_no_letters(net):
    with pytest.raises(archdsl.SpecError, match="a strip has no symbolic shapes"):
        figures.draw(net, look=Look(shapes="symbolic"))
    with pytest.raises(archdsl.SpecError, match="there is no order of axes 'whc'"):
        Look(axes="whc")


# --- no two things have one name, and no shape says more than is so
FUSE = """
archdsl: 1
name: Net
input: [6, 16, 16]
blocks:
  Fuse:
    params: {c2: , growth: 12}
    inputs: [skip]
    body:
      - {conv: c2}
      - concat: [identity, skip]
      - conv: make_divisible(c_in + growth, 8)
      - adaptive_avg_pool: 8
      - conv: 6 * c_in // 4
stages:
  one: [{conv: {out: 24, stride: 2, kernel: 3}}]
  two: [{from: input, conv: {out: 6, stride: 2, kernel: 3}}, {Fuse: {c2: 7, skip: one}}]
"""


def test_two_tensors_have_two_letters_and_a_size_that_is_fixed_stays_a_number():
    whole = archdsl.graph(FUSE)
    shapes = plain(said(whole, "Fuse"))
    assert shapes[:2] == ["c×h×w", "C₂×h×w"]
    assert {"c₂×h×w", "(c₂ + C₂)×h×w"} <= {*shapes}
    assert any(word.startswith("≈(") for word in shapes)
    assert all(word.endswith("×8×8") for word in shapes if "3" in word)


def test_the_other_half_of_an_even_number_is_a_half():
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": [6, 8, 8],
        "blocks": {"Halves": {"params": ["out"], "body": [{"conv": "out // 2"}, "relu", {"conv": "out - out // 2"}]}},
    }
    shapes = plain(said(archdsl.graph({**spec, "stages": {"a": [{"Halves": 8}]}}), "Halves"))
    assert {*shapes} == {"c×h×w", "c′/2×h×w"}


TOKENS = """
archdsl: 1
name: Net
input: [6, 4, 4]
blocks:
  Attend:
    params: [heads]
    body:
      - {linear: {out: 3 * w_in, axis: w}}
      - rearrange: {pattern: n (t k d) -> (t k) n d, t: 3, k: heads}
      - {split: 3, as: [q, k, v]}
      - {scaled_dot_product_attention: {k: k, v: v}, from: q}
      - rearrange: {pattern: (k) n d -> n (k d), k: heads}
  Named: {params: {n: 8}, body: [{linear: {out: n, axis: w}}]}
stages: {tokens: [{rearrange: c h w -> (h w) c}], one: [{Attend: [2]}], two: [Named: ]}
"""


def test_a_block_on_tokens_says_n_times_d_and_what_n_is():
    net = archdsl.graph(TOKENS)
    for axes in ("chw", "hwc"):
        first, last, *inner = plain(said(net, "Attend", axes))
        assert (first, last) == ("n×d,ntokens".replace("ntokens", " n tokens"), "n×d")
        assert {"n×3d", "3·heads×n×d/heads", "heads×n×d/heads"} <= {*inner}
    assert plain(said(net, "Named"))[0] == "N×d"  # whose n is a param


def test_tokens_have_their_channels_last_in_either_order():
    tokens = archdsl.draw("vit", variant="ti16", format="dot", level="op", axes="hwc")
    assert "197×192" in tokens
    assert "192×197" not in tokens
