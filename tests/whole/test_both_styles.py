"""Small specs in both styles: the module is the graph, also in training, and changes no tensor that it is given.

Each has come out as another network once, or stands beside one that has.
"""

from __future__ import annotations

import pytest
import torch
from support.proof import STYLES, prove

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.spans import Source
from archdsl.runtime import module
from archdsl.syntax.reading.spec_file import read_spec

HEAD = "archdsl: 1\nname: Net\ninput: [4, 8, 8]\n"
SPLIT = """
blocks:
  Unit:
    params: [p]
    body:
      - conv: 8
      - {split: 2, as: [a, b]}
      - %s
stages: {s: [conv: 6, Unit: true, conv: 6, Unit: false]}
"""

SPECS = {
    "corners that are aligned with some modes alone": """
params: {mode: bilinear, aligned: true}
blocks: {Up: {params: [mode], body: [upsample: {scale: 2, mode: mode, align_corners: mode != 'nearest'}]}}
stages:
  a: [conv: 3]
  b: [max_pool, upsample: {like: a, mode: mode, align_corners: aligned}]
  c: [Up: mode, Up: nearest, upsample: {size: 9, mode: bicubic, align_corners: aligned}]
variants: {a: {}, b: {aligned: false}, c: {mode: nearest, aligned: false}}
""",
    "params that init: asks alone": """
params: {drawn: true, n: 2}
init: {when: drawn and n > 1, conv: {weight: {normal: 0.1}}}
stages: {a: [conv: 3]}
variants: {a: {}, b: {drawn: false}}
""",
    "rows of a call, each a list of its only cell": """
blocks: {R: {params: [ws], body: [{for: c, in: ws, body: [conv: c]}]}}
stages: {a: [R: [[[4], [6]]], R: [[[4], [5], [6]]], conv: 2]}
""",
    "a kernel of a variant that is a list": """
params: {k: 3, d: 1}
blocks: {B: {params: [kk], body: [conv: {out: 8, kernel: kk, dilation: d}, relu]}}
stages: {a: [B: k, B: 3, B: [[3, 1]]]}
variants: {a: {}, b: {k: [1, 5], d: [1, 2]}}
""",
    "a loop in each row whose turns a param says": """
params: {depths: [1, 2]}
stages:
  a: {for: [k, c], in: [[0, 8], [1, 12]], body: [{repeat: "depths[k]", body: [conv: c if last else c_in]}]}
  b: [conv: 3]
variants: {a: {}, b: {depths: [3, 1]}}
""",
    "turns in turns of which the last differs": """
params: {g: 4}
stages:
  stem: [conv: 6]
  body:
    for: {c: , n: 1}
    in: [[6], [8, 2], [10, 3]]
    body:
      - repeat: n
        body: [{conv: c_in + g if i % 2 == 0 else c, when: not last, else: [conv: {out: c, kernel: 3}, relu]}]
""",
    "a size that a loop carries and no turn changes": """
params: {depth: 2, dim: 8}
blocks:
  Mix:
    body:
      - residual: [linear: {out: c_in // 2, axis: w}, gelu, linear: {out: w_in, axis: w}]
      - residual: [conv: 2 * c_in, gelu, conv: c_in]
  Stack: {params: [n], body: [{repeat: n, body: [Mix]}, conv: 2 * c_in]}
stages:
  stem: [conv: {out: dim, stride: 2}, rearrange: c h w -> (h w) c]
  body: {for: [n, k], in: [[depth, 1], [1, 2]], body: [Stack: n, {repeat: k, body: [Mix]}]}
variants: {a: {}, b: {depth: 3, dim: 12}}
""",
    "two sizes of one block": """
blocks: {Unit: {params: [s], body: [conv: {out: 6, stride: s}, flatten, linear: 5]}}
stages: {a: [concat: [Unit: 1, Unit: 2], linear: 3]}
""",
    # channels that depend on the size of what enters
    "flatten at the start of a stage": "stages: {a: [conv: 5], b: [flatten: hwc, linear: 10]}",
    "flatten of tensors of two sizes": """
stages:
  a: [conv: 5]
  b: [conv: {out: 6, stride: 2}]
  c: [concat: [{from: a, body: [flatten: hwc]}, flatten], linear: 10]
""",
    "flatten with a name": "stages: {a: [{flatten: , as: q}, concat: [identity, q], linear: 7]}",
    "flatten before a norm": "stages: {a: [conv: 5], b: [flatten, bn]}",
    "flatten of parts": """
stages: {a: [{split: 2, as: p}, concat: [{from: 'p[0]', flatten: }, {from: 'p[1]', flatten: hwc}], linear: 3]}
""",
    "flatten of a tap": """
stages:
  a: [conv: 4, {conv: {out: 6, stride: 2}, name: t}, conv: 4]
  b: [concat: [flatten, {from: a.t, flatten: }], linear: 3]
""",
    "flatten side by side": """
stages: {a: [conv: 4], b: [concat: {each: k, in: [1, 2], body: [conv: {out: 3, stride: k}, flatten]}, linear: 5]}
""",
    "flatten with channels that vary": """
params: {w: 4}
stages: {a: [conv: w], b: [flatten, bn, linear: 3]}
variants: {s: {}, l: {w: 6}}
""",
    "rearrange at the start of a stage": "stages: {a: [rearrange: {pattern: c h w -> (c h) w}, conv: 6]}",
    "an axis named as what is noted": """
stages: {a: [conv: 4, rearrange: {pattern: (channels c) h w -> c (channels h) w, channels: 2}, conv: 6]}
""",
    "boxes of a tensor with a name": """
stages:
  a: [max_pool: 2]
  b: [concat: [{from: a, prior_box: {image: 32, min: 8, max: 16}}, {from: input, body: [flatten]}]]
""",
    # what loops bind
    "a loop whose every step is left out": """
params: {wide: false}
blocks:
  Unit:
    params: [n]
    body:
      - {repeat: 2, body: [{bn: , when: n > 9}, {relu: , when: n > 9}]}
      - {add: [identity, {conv: c_in}], when: n > 3}
stages: {a: [conv: 4, {repeat: 3, body: [{bn: , when: wide}]}, Unit: 3, Unit: 5, conv: 3]}
variants: {s: {}, w: {wide: true}}
""",
    "i of a loop around": """
stages:
  a:
    - repeat: 3
      body:
        - concat: {each: k, in: [1, 3], body: [{conv: {out: i + 1, kernel: k}}, {relu: , when: first}]}
        - {bn: , when: i == 1}
""",
    "a param named i": """
params: {n: 2, k: 3}
blocks:
  Unit:
    params: [i, k]
    body: [{repeat: 2, body: [{repeat: 3, body: [conv: 4 + i]}, {bn: , when: i == 0}]}, conv: i + k]
stages: {a: [{repeat: n, body: [Unit: [i, k]]}]}
""",
    "four loops that read their turns": """
stages:
  a:
    repeat: 3
    body:
      - repeat: 2
        body:
          - repeat: 2
            body: [{repeat: 2, body: [conv: 4 + i, {relu: , when: last}]}, {bn: , when: i == 1}]
          - {bn: , when: i == 0}
      - {bn: , when: i == 2}
""",
    "a column's default that reads the loop around": """
stages: {a: [{repeat: 2, body: [{for: {d: , e: i + 1}, in: [[1], [2]], body: [conv: d + e]}, conv: 3]}]}
""",
    "the last of the branches side by side": """
params: {n: 3}
stages: {a: [concat: {each: c, in: [4, 6], body: [conv: 2 if last else n]}, conv: 3]}
""",
    "what leaves the last turn": """
params: {n: 2}
stages: {a: [{repeat: 2, body: [conv: c_in if not last else n]}, conv: 3]}
""",
    # variables of moving channels
    "a second loop": """
params: {n: 2}
stages: {a: {repeat: n, body: [conv: 4]}, b: {repeat: 1, body: [conv: 6]}, c: [concat: [identity, a], conv: 5]}
""",
    "a second loop that takes what came before the first": """
params: {n: 2}
stages:
  s: {repeat: n, body: [conv: 6]}
  a: [{repeat: n, body: [residual: [conv: c_in], concat: [identity, s]]}, conv: 3]
""",
    "a tensor between two loops of a block": """
params: {n: 2}
blocks:
  Unit:
    params: [n]
    body:
      - {repeat: n, body: [conv: 5]}
      - {bn: , as: y}
      - relu
      - {repeat: n, body: [conv: 7]}
      - concat: [identity, y]
      - conv: 3
stages: {a: [Unit: n]}
""",
    "c_in after a loop of its row": """
params: {n: 2}
stages: {a: {for: c, in: [4, 6], body: [{repeat: n, body: [conv: c + 1]}, conv: c_in, conv: 2 * c_in]}}
""",
    "c_in after a loop of its stage": """
params: {n: 2}
stages:
  a: {repeat: n, body: [conv: 4]}
  b: [{repeat: n, body: [conv: 6]}, conv: 2 * c_in, {repeat: n, body: [conv: c_in + 1]}, concat: [identity, a]]
  c: [concat: [identity, a, b], conv: 2]
""",
    "numbers kept for forward in front of a loop and after it": """
params: {n: 2}
stages:
  a: {repeat: n, body: [conv: 4]}
  b: [take: c_in // 2, relu]
  c: {repeat: n, body: [conv: 6]}
  d: [take: c_in // 2, conv: 3]
""",
    "numbers kept for forward under a condition and after it": """
params: {big: true, n: 6}
blocks:
  Unit:
    params: [big, n]
    body: [conv: n, {body: [take: c_in // 2 + 1, conv: 4], when: big}, conv: 4, take: c_in // 2 + 1, conv: 2]
stages: {a: [Unit: [true, 4], Unit: [false, 6]]}
""",
    # else: reads what its step reads
    "else of a branch with from": SPLIT % "concat: [a, {from: b, conv: 4, when: p, else: [relu]}]",
    "else of a step with from": SPLIT % "{from: b, conv: 4, when: p, else: [relu]}\n      - concat: [identity, a, b]",
    "else that is the identity": SPLIT % "concat: [a, {from: b, body: [relu, conv: 4], when: p, else: [identity]}]",
    "else of from alone": SPLIT % "{from: a, when: p, else: [relu]}\n      - concat: [a, b, identity]",
    "from beside identity": SPLIT
    % "a\n      - concat: [identity, b, [{identity: , from: b}, relu], {identity: , from: b}]",
    "a dropped step with from": SPLIT % "a\n      - {from: b, conv: 4, when: p}\n      - concat: [identity, a, b]",
    # memory of others
    "a formula of one name": "stages: {a: [{conv: 4, as: y}, {formula: y}, relu, add: [identity, y]]}",
    "a formula that comes to one name": """
params: {n: 1}
stages: {a: [{conv: 4, as: y}, {formula: y * n + 0}, relu, add: [identity, y]]}
""",
    "a join of one tensor": "stages: {a: [{conv: 4, as: y}, {concat: [y]}, relu, add: [identity, y]]}",
    "a join with one branch left": """
params: {extra: false}
stages: {a: [concat: [identity, {conv: 2, when: extra}], relu, conv: 4]}
""",
    "a join with one branch left, in a residual": """
params: {extra: false}
blocks: {Unit: {body: [residual: [concat: [identity, {conv: 2, when: extra}], relu, conv: c_in]]}}
stages: {a: [conv: 4, Unit]}
variants: {plain: {}, more: {extra: true}}
""",
    "what a head of training alone reads": """
stages: {a: [conv: 4, {bn: , as: q}, relu], aux: {training: true, from: a.q, body: [conv: 2]}}
""",
    "an output that another step reads": "stages: {a: [{conv: 4, as: p}, relu]}\noutputs: {o: a, p: a.p}",
    "a tap in front of an activation": """
stages:
  a: [{body: [relu, {conv: 6, name: c}], name: one}, {conv: 4, name: c}, relu]
  b: [concat: [identity, a.c, a.one.c]]
""",
    # branches that may not exist
    "a gate that may not exist": """
blocks:
  Unit:
    params: [se]
    body: [conv: c_in, {mul: [identity, {body: [global_avg_pool, conv: c_in, sigmoid], when: se}]}, relu, conv: c_in]
stages: {a: [Unit: false, Unit: true]}
""",
    "a gate in front": """
blocks:
  Unit:
    params: [se]
    body: [conv: c_in, {mul: [{body: [global_avg_pool, conv: c_in, sigmoid], when: se}, identity]}, relu]
stages: {a: [Unit: false, Unit: true]}
""",
    "a gate of several steps": """
blocks:
  Unit:
    params: [se]
    body:
      - mul:
          - identity
          - body:
              - global_avg_pool
              - {conv: 2, as: s}
              - relu
              - conv: c_in
              - add: [identity, {from: s, body: [conv: c_in]}]
            when: se
      - bn
stages: {a: [Unit: false, Unit: true]}
""",
    "a maximum of branches of other sizes that may not exist, or that a call lists": """
params: {g: true}
blocks: {M: {params: [ks], body: [max: {each: k, in: ks, body: [global_avg_pool, conv: 4, upsample: {scale: k}]}]}}
stages:
  a: [{conv: 4, as: functools}, max: [{global_avg_pool: , when: g}, {relu: , when: not g}, conv: 1]]
  b: [conv: 4, add: [identity, a.functools], M: [[8, 1]], M: [[1, 8, 1]]]
variants: {a: {}, b: {g: false}}
""",
    "terms that may not exist": """
blocks:
  Unit:
    params: [p, q]
    body: [conv: c_in, add: [identity, {conv: c_in, when: p}, {conv: {out: c_in, kernel: 3}, when: q}, bn], relu]
stages: {a: [Unit: [true, false], Unit: [false, true]]}
""",
    "no branch that is sure to exist": """
blocks:
  Unit:
    params: [p, q]
    body: [conv: c_in, mul: [{conv: c_in, when: p}, {conv: {out: c_in, kernel: 3}, when: q}], relu]
stages: {a: [Unit: [true, false], Unit: [false, true], Unit: [true, true]]}
""",
    "gates side by side": """
stages: {a: [mul: [identity, {each: k, in: [1, 2], body: [global_avg_pool, conv: 4]}], relu]}
""",
    "a product of parts": "stages: {a: [{split: 2, as: p}, mul: p, relu, max: [identity, p]]}",
    # taps
    "a step of a named list": """
stages:
  a: [conv: 4, {body: [conv: 5, {relu: , name: r}, conv: 4], name: blk}, {conv: 4, name: r}, conv: 4]
  b: [concat: [identity, a.blk.r, a.blk, a.r], conv: 3]
""",
    "a step of a list of a list": """
stages:
  a: [{body: [conv: 5, {body: [relu, {conv: 6, name: r}], name: inner}, conv: 4], name: blk}, conv: 3]
  b: [concat: [identity, a.blk.inner.r, a.blk.inner], conv: 3]
""",
    "a step of a list of a row": """
stages:
  a:
    for: [name, c]
    in: [[p, 4], [q, 5]]
    body: [conv: c, {body: [{conv: 6, name: m}, relu], name: blk}, {repeat: 2, body: [conv: c_in]}, {relu: , name: z}]
  b: [concat: [identity, a.p.blk.m, a.q.z, a.q], conv: 3]
""",
    "what blocks of a chain give": """
blocks: {Unit: {body: [residual: [conv: c_in]]}}
stages:
  a: [{Unit: , name: c}, relu, {Unit: , name: d}, conv: 3]
  b: [concat: [identity, a.c, a.d], conv: 3]
""",
    "rows that are blocks": """
params: {w: 4}
blocks: {Unit: {params: [c], body: [residual: [conv: c_in], conv: c]}}
stages:
  a: {for: [name, c], in: [[p, w], [q, 2 * w]], body: [Unit: c]}
  b: [concat: [identity, a.p], conv: 3]
variants: {s: {}, l: {w: 6}}
""",
    # `turn` and `turns` count every repeat of the rows
    "turns beside a repeat that does not read them": """
params: {rows: [[1, 4], [2, 5]]}
stages:
  a: {for: [n, c], in: rows, body: [{repeat: n, body: [conv: c, drop_connect: turn / turns]}, {repeat: 2, body: [bn]}]}
variants: {s: {}, l: {rows: [[3, 4], [1, 2], [2, 2]]}}
""",
    "turns beside a repeat of nothing": """
params: {last_relu: false}
stages:
  a:
    for: [n, c]
    in: [[1, 4], [1, 5]]
    body: [{repeat: 2, body: [{relu: , when: last_relu}]}, {repeat: n, body: [conv: c + turn]}]
variants: {s: {}, l: {last_relu: true}}
""",
    "turns of a table of a row": """
stages:
  a: {for: c, in: [4, 5], body: [{for: k, in: [1, 3], body: [conv: {out: c + turn, kernel: k}]}, conv: turns]}
""",
    "turns in values": """
stages:
  a:
    for: [n, c]
    in: [[1, 4], [2, 5]]
    let: {r: turn, t: turns}
    body: [{repeat: n, let: {k: turn + 1}, body: [conv: c + k]}, conv: r + t]
""",
    "turns of one row": "stages: {a: {for: [c], in: [[4]], body: [conv: c, drop_connect: (turn + 1) / turns / 4]}}",
    # what enters and leaves
    "inputs whose channels are params": """
params: {c: 4, d: 2}
inputs: {u: [c, 8, 8], v: [d, 8, 8]}
stages: {a: [concat: [u, v], conv: c_u, conv: c_v], b: [concat: [identity, u], conv: c_in]}
variants: {s: {}, l: {c: 5}}
""",
    "outputs beside those of training": """
params: {more: true}
stages:
  a: [conv: 4]
  t: {training: true, when: more, from: a, body: [{conv: 3, as: q}, add: [identity, q]]}
  b: [relu, conv: 2]
outputs: {x: b, y: a}
variants: {s: {}, l: {more: false}}
""",
    "a gate that may not exist between a tensor and itself": """
params: {w: true}
blocks:
  U: {params: [v], body: [{as: q}, {conv: 4}, mul: [q, identity, {conv: c_in, when: v}, q, identity]]}
stages: {a: [conv: 4, U: true, U: false], b: [add: [identity, {conv: 4, when: w}, identity]]}
variants: {s: {}, l: {w: false}}
""",
    "a choice whose last body is nothing": """
params: {op: k}
stages: {s: [conv: 4], b: [{choice: op, of: {k: [conv: 3], l: [bn], j: [identity]}}, relu], c: [conv: 4]}
variants: {s: {}, m: {op: l}, l: {op: j}}
""",
    # names of modules
    "one name for a step and what stands instead": """
params: {w: true}
blocks: {U: {params: [w], body: [{conv: 4, name: a, when: w, else: [bn]}, {bn: , when: w, else: [{conv: 4, name: b}]}]}}
stages: {s: [{conv: 4, when: w, else: [{bn: , name: b}]}, relu], t: [U: true, U: false], u: [concat: [s.b, t]]}
variants: {s: {}, l: {w: false}}
""",
    "what makes no module, and what stands instead": """
blocks:
  U:
    params: [w]
    body: [{as: q}, {upsample: {like: q}, when: w, else: [relu]}, {relu: , when: w, else: [roll: {by: [1, 1]}]}]
stages: {a: [conv: 4, U: true, U: false]}
""",
    "identity that has a name, and one that stands aside": """
blocks:
  U: {params: [w], body: [concat: [{identity: , name: n, from: input}, [{identity: , when: w, else: [conv: 4]}, relu]]]}
stages: {a: [U: true, conv: 4, U: false]}
""",
    "a named list of a loop among branches": """
stages: {a: [concat: [{body: [{repeat: 2, body: [conv: 4]}], name: q}, {body: [identity, conv: 3], name: r}]]}
""",
}


def read_small(text):
    """The spec of a text without a head, or with inputs of its own."""
    alone = text.startswith("inputs:") or "\ninputs:" in text
    return read_spec(Source("net.yaml", (HEAD.replace("input: [4, 8, 8]\n", "") if alone else HEAD) + text), base=None)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", SPECS)
def test_a_small_spec_is_its_graph(name, style):
    spec = read_small(SPECS[name])
    for form in spec.networks():
        prove(elaborate(spec, form), style)


@pytest.mark.parametrize("name", [name for name in SPECS if "exist" in name or "gate" in name])
def test_branches_that_may_not_exist_are_followed_by_fx(name):
    net = module.build(elaborate(read_spec(Source("net.yaml", HEAD + SPECS[name]), base=None))).eval()
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(torch.fx.symbolic_trace(net)(x), net(x))


# --- what has no expression is refused ----------------------------------------------------------

UNPRINTED = {
    "boxes of two sizes": """
blocks: {Unit: {params: [s], body: [conv: {out: 6, stride: s}, prior_box: {image: 32, min: 8, max: 16}]}}
stages: {a: [concat: [Unit: 1, Unit: 2]]}
""",
    "rows without a column whose default varies": """
params: {rows: [[1], [2]]}
stages: {a: [{repeat: 2, body: [{for: {d: , e: i + 1}, in: rows, body: [conv: d + e]}, conv: 3]}]}
""",
    "an entry behind parts whose number varies": """
blocks:
  U: {params: [n], body: [{fork: [{split: n, as: p}, identity], as: t}, "t[1]", conv: 3, concat: ["p[0]", identity, t]]}
stages: {a: [conv: 4, U: 4, conv: 6, U: 3, conv: 2]}
""",
    "an entry behind a branch that may not exist": """
blocks:
  U: {params: [w], body: [{fork: [{conv: 3, when: w}, identity], as: t}, "t[0]", conv: 2, concat: [identity, t]]}
stages: {a: [conv: 4, U: true, conv: 6, U: false, conv: 2]}
""",
    "channels of a loop in a row that has one turn": """
stages:
  a: {for: [n, c], in: [[1, 4], [1, 5]], body: [{repeat: n, body: [conv: c + turn]}, {repeat: 2, body: [conv: c]}]}
""",
}


@pytest.mark.parametrize("name", UNPRINTED)
def test_what_has_no_expression_is_refused(name):
    spec = read_spec(Source("net.yaml", HEAD + UNPRINTED[name]), base=None)
    with pytest.raises(archdsl.SpecError) as caught:
        archdsl.emit(elaborate(spec))
    assert [item.code for item in caught.value.diagnostics] == ["cannot-print"]
    assert all(item.span is not None for item in caught.value.diagnostics)


@pytest.mark.parametrize(
    "text",
    [
        """
inputs: {u: [4, 8, 8], v: [2, 8, 8]}
stages: {a: [concat: [u, v], conv: c_u]}
variants: {s: {}, l: {inputs: {v: [3, 8, 8]}}}
""",
        "stages: {a: [conv: 8, conv: 6]}\nvariants: {s: {}, l: {input: [1, 8, 8]}}\n",
    ],
)
def test_channels_of_inputs_that_a_variant_gives_have_no_expression(text):
    """The class of all variants cannot know them; that of each variant can."""
    spec = read_small(text)
    for form in spec.networks():
        prove(elaborate(spec, form), "specialized")
    with pytest.raises(archdsl.SpecError, match="no expression"):
        archdsl.emit(elaborate(spec, "s"), style="parametric")


def test_a_size_that_was_channels_which_move_on_is_refused():
    """The variable of the source that said these channels says others by then."""
    text = """
params: {n: 2}
stages:
  a: {repeat: n, body: [conv: c_in + 3]}
  b: [rearrange: c h w -> (h w) c]
  c: {repeat: n, body: [{residual: [linear: {out: w_in, axis: w}]}, conv: c_in + 2]}
variants: {s: {}, l: {n: 3}}
"""
    with pytest.raises(archdsl.SpecError, match="differs between the turns"):
        archdsl.emit(elaborate(read_small(text), "s"), style="parametric")


def test_outputs_come_alone_in_eval_and_with_those_of_training_in_training():
    graph = elaborate(read_small(SPECS["outputs beside those of training"]))
    net, x = module.build(graph), torch.randn(2, 4, 8, 8)
    assert net.eval()(x)._fields == ("x", "y")
    assert net.train()(x)._fields == ("x", "y", "t")


def test_a_network_taken_as_a_block_is_without_its_stages_of_training(tmp_path):
    (tmp_path / "base.yaml").write_text(
        "archdsl: 1\nname: Base\ninput: [4, 8, 8]\n"
        "stages: {a: [conv: 4], t: {training: true, body: [conv: 3]}, b: [conv: 2]}\n"
    )
    (tmp_path / "net.yaml").write_text(f"use: [base.yaml]\n{HEAD}stages: {{a: [Base, relu]}}\n")
    graph = archdsl.graph(tmp_path / "net.yaml")
    assert sum(p.numel() for p in module.build(graph).parameters()) == 4 * 4 + 4 + 4 * 2 + 2
    for style in STYLES:
        prove(graph, style)
