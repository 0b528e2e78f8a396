"""Names that a user may write against all that emitted source reads or defines: refused where they stand, or right.

Each name is used as each kind of name in a small spec, in both styles.
"""

from __future__ import annotations

import builtins
import keyword
import re

import pytest
from support.proof import prove
from torch import nn

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.backends.torch import STYLES
from archdsl.backends.torch.prelude import definitions
from archdsl.diagnostics.spans import Source
from archdsl.support.naming import camel
from archdsl.syntax.identifiers import LEADING_OUT, METHODS
from archdsl.syntax.reading.spec_file import read_spec

# what emitted source has beside a user's names: variables, arguments, methods, imports, builtins
EMITTED = (
    "x y z x_2 i j k _ c_in h_in c_x channels stage branch branch1 branches layer layers layers_2 block blocks turn "
    "block_2 first last key child inner m module std bound fan_in pools poolings global_pool in_chans image_size "
    "num_features trunk_outputs NetOutput VARIANTS Any NamedTuple accumulate nn math self output residual shortcut "
    "sums parts conv conv_2 unit units index detect isinstance dict list zip range super print type match name count "
    "forward training train eval double to append pop keys state_dict _modules open vars getattr inputs tensors"
)
NEAR = sorted({*EMITTED.split(), *definitions(), *METHODS, "make_divisible"})
MEMBERS = {name for kind in (nn.Sequential, nn.ModuleList, nn.ModuleDict) for name in dir(kind()) if name[0] != "_"}
ALL = sorted({*NEAR, *MEMBERS, *LEADING_OUT, *dir(builtins), *keyword.kwlist, *keyword.softkwlist})

KINDS = {
    "a param": """
params: {NAME: 3}
init: {conv: {weight: {normal: sqrt(2 / fan_out)}}, linear: {weight: {uniform: 1 / sqrt(fan_in)}}}
stages:
  stem: [conv: 4 + NAME, dwconv: 3]
  trunk: {for: [n, c], in: [[1, NAME], [2, 2 * NAME]],
    body: [{repeat: n, body: [conv: {out: c + NAME, kernel: 3}, drop_connect: 0.1 * turn / turns, relu]}]}
  last_one: [conv: NAME]
  head: [global_avg_pool, flatten, linear: NAME]
""",
    "a param of a block": """
blocks:
  Inner:
    params: [out, NAME]
    body:
      - residual: {if: NAME > 2, body: [conv: c_in]}
      - conv: out + NAME
  Growing: {params: [NAME], body: [{repeat: 2, body: [conv: c_in + NAME, relu]},
    act: "'relu' if NAME > 2 else 'prelu'"]}
stages:
  a: [conv: 4, Inner: [4, 3], Inner: [5, 2], Growing: 2, Growing: {NAME: 4}]
  b: [add: [{Inner: {out: 4, NAME: 3}}, {Inner: [5, 2]}]]
""",
    "a truth value of a block": """
blocks:
  Inner:
    params: [NAME]
    body:
      - {conv: c_in, when: NAME, else: [bn]}
      - add: [identity, {conv: c_in, when: NAME}, [bn, relu]]
stages:
  a: [conv: 4, Inner: true, Inner: false]
""",
    "a column": """
stages:
  stem: [conv: 8]
  trunk: {for: [n, NAME], in: [[2, 1], [3, 2]],
    body: [{repeat: n, body: [conv: {out: 6 + NAME, kernel: 3}, drop_connect: 0.1 * turn / turns, relu]}]}
""",
    "a column of a block": """
blocks:
  Inner:
    params: [out]
    body: [{for: NAME, in: [1, 2, 3], body: [conv: out * NAME, {repeat: 2, body: [conv: out + NAME + i, relu]}]}]
stages:
  a: [Inner: 4, Inner: 6, concat: [{each: NAME, in: [1, 2], body: [conv: {out: 4, kernel: 2 * NAME + 1}, relu]}]]
""",
    "a value of let": """
blocks:
  Inner:
    params: [out]
    let: {NAME: out // 2}
    body: [{repeat: 2, body: [conv: c_in + NAME, relu]}, add: [identity, [conv: c_in + NAME, bn]]]
stages:
  a: [conv: 8, Inner: 4, Inner: 6]
  b: {for: [n], in: [[1], [2]], let: {NAME: 4 * n}, body: [{repeat: n, body: [conv: NAME, relu]}]}
""",
    "an input": """
inputs: {NAME: [3, 8, 8], other: [4, 8, 8]}
stages:
  a: [conv: 4, relu]
  b: [add: [identity, other, {from: NAME, body: [conv: 4, relu]}]]
  c: [concat: [{running_sum: [identity, {conv: c_in}, {conv: c_in}]}]]
""",
    "the only input": """
inputs: {NAME: [3, 8, 8]}
params: {num_classes: 4}
stages:
  a: [conv: 4, relu]
  head: [global_avg_pool, flatten, linear: num_classes]
""",
    "an input of a block": """
blocks:
  Inner:
    inputs: {second: required, NAME: optional}
    body:
      - {add: [identity, NAME], when: NAME}
      - repeat: 2
        body: [add: [identity, {conv: c_in}, second]]
      - add: [identity, second, {conv: c_second}]
stages:
  a: [{conv: 4, as: q}, relu, Inner: {NAME: q, second: q}, {Inner: {second: q}}]
""",
    "a block": """
params: {num_classes: 4}
blocks:
  CLASS: {params: [out], body: [conv: out, act: "'relu' if out > 4 else 'prelu'", drop_connect: 0.1]}
  Inner: [CLASS: c_in, CLASS: c_in, {repeat: 2, body: [CLASS: c_in]}, add: [identity, {CLASS: c_in}]]
stages:
  a: [CLASS: 4, {CLASS: 5}]
  b: [CLASS: 6]
  c: [Inner]
  d: {for: [n], in: [[1], [2]], body: [CLASS: 4 + n]}
  e: [add: [identity, {CLASS: c_in}], conv: {out: 4, padding: same, kernel: 3, stride: 2}]
  head: [global_avg_pool, flatten, linear: num_classes]
""",
    "a stage": """
params: {num_classes: 4}
stages:
  stem: [{conv: 4, as: low}, relu, add: [identity, low]]
  NAME: [conv: 4, relu]
  more: [add: [identity, stem], concat: [NAME, identity]]
  head: [global_avg_pool, flatten, linear: num_classes]
""",
    "a stage that is no chain": """
stages:
  stem: [conv: 4]
  NAME: [{conv: 4, as: low}, relu, {conv: 4, name: low}, add: [identity, low]]
  more: [add: [identity, stem, NAME.low]]
outputs: {first_one: NAME, other: more}
""",
    "a row": """
stages:
  stem: [conv: 4]
  trunk: {for: [name, n], in: [[NAME, 1], [other, 2]], body: [{repeat: n, body: [conv: 4, relu]}]}
  more: [add: [identity, trunk.NAME, stem]]
""",
    "a row whose body joins": """
stages:
  stem: [{conv: 4, as: t}]
  trunk: {for: [name, n], in: [[NAME, 1], [other, 2]], body: [conv: 4, add: [identity, stem, {conv: 4}]]}
""",
    "a tensor": """
blocks:
  Inner:
    params: [out]
    body:
      - {conv: out, as: NAME}
      - concat: [{each: d, in: [1, 2], body: [{conv: {out: out, kernel: 3, dilation: d}}]}, NAME]
      - {conv: out, name: squeeze}
      - repeat: 2
        body: [add: [identity, {conv: out}, NAME]]
      - add: [identity, NAME, {residual: {if: out > 4, body: [conv: out]}}]
stages:
  a: [{conv: 4, as: NAME}, relu, add: [identity, NAME]]
  b: [Inner: 4, Inner: 5]
  c: [concat: [{running_sum: [identity, {conv: c_in}]}]]
""",
    "a part": """
stages:
  a: [conv: 4, {split: 2, as: [NAME, other]}, concat: [NAME, other, NAME], {fork: [relu, bn], as: [q, p]}, add: [q, p]]
  b: [conv: 4, {split: 2, as: NAME}, concat: ["NAME[1]", "NAME[0]"]]
""",
    "a step": """
blocks:
  Inner: [{conv: 4, name: NAME}, relu, add: [identity, [{conv: 4, name: reduced}, bn]], {dropout: 0.1}]
stages:
  a: [{conv: 4, name: NAME}, relu, Inner]
  b: [add: [identity, {conv: c_in, name: NAME}], {repeat: 2, name: turns_of, body: [conv: c_in]}]
  c: [add: [identity, {body: [conv: 4, relu], name: NAME}]]
""",
    "an output": """
stages:
  a: [conv: 4, relu]
  b: [{conv: 5, as: t}]
outputs: {NAME: a, other: b}
""",
    "a choice": """
blocks:
  Inner:
    params: {kind: NAME}
    body:
      - {choice: kind, of: {NAME: [conv: 4, relu], other: [conv: 4, bn, relu]}}
      - {choice: kind, of: {NAME: [conv: 4], other: [bn]}}
      - add: [identity, {choice: kind, of: {NAME: [conv: 4, relu], other: [bn]}}]
stages:
  a: [conv: 4, Inner: other, Inner: NAME]
""",
    "the network": """
stages:
  a: [conv: 4, drop_connect: 0.1]
  b: [conv: {out: 4, kernel: 3, stride: 2, padding: same}]
outputs: {one: a, two: b}
""",
}


# faults of a name, or of a word where it stands: `Any` alone among branches is a block, `residual` needs its body
PLACED = {
    "bad-name", "shadowed-name", "unknown-name", "unknown-tensor", "unknown-block", "duplicate-key", "missing-value",
    "several-results", "bad-key", "bad-expression", "wrong-type", "bad-tensor",
}  # fmt: skip


def spec_of(kind, name):
    """A spec in which something of a kind has a name."""
    if kind == "the network":
        return f"name: {camel(name)}\ninput: [3, 8, 8]\n{KINDS[kind]}"
    text = re.sub(r"\bNAME\b", name, KINDS[kind]).replace("CLASS", camel(name))
    head = "" if "inputs: {NAME: [" in KINDS[kind] else "input: [3, 8, 8]\n"
    return f"name: Net\n{head}{text}"


def graph_of(text):
    return elaborate(read_spec(Source("net.yaml", text), base=None))


def read_or_refused(text):
    """The graph of a spec, or the diagnostics that say why there is none."""
    try:
        return graph_of(text), ()
    except archdsl.SpecError as error:
        return None, error.diagnostics


def refusal(text):
    return read_or_refused(text)[1]


def wrong(kind, name, styles):
    """What goes wrong with a name that is neither refused at its place nor right; nothing if all is well."""
    graph, refused = read_or_refused(spec_of(kind, name))
    if refused:
        return "" if all(item.span and item.code in PLACED for item in refused) else f"{name}: {refused[0].message}"
    try:
        for style in styles:
            prove(graph, style)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with its name
        return f"{name}: {type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_no_meaning_may_name(kind):
    assert not refusal(spec_of(kind, "plain"))
    assert wrong(kind, "plain", STYLES) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_the_source_has_too_is_refused_or_right_as(kind):
    """Each kind has every fourth name, in one style or the other; the slow test below has them all."""
    names = NEAR[list(KINDS).index(kind) % 4 :: 4]
    styles = [STYLES[number % 2 :][:1] for number in range(len(names))]
    assert [found for name, style in zip(names, styles, strict=True) if (found := wrong(kind, name, style))] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_name_of_torch_and_python_is_refused_or_right_as(kind):
    """Those that the source has, in both styles; of the others half, and the other half as the next kind."""
    turn = list(KINDS).index(kind)
    styles = {name: STYLES if name in NEAR else STYLES[(turn + number) % 2 :][:1] for number, name in enumerate(ALL)}
    assert [found for name in ALL if (found := wrong(kind, name, styles[name]))] == []


def test_most_names_are_not_refused():
    """What the printer adds gives way, so few names are taken."""
    free = {
        name: [kind for kind in KINDS if not refusal(spec_of(kind, name))] for name in ("block", "layer", "m", "key")
    }
    assert all(kinds == list(KINDS) for kinds in free.values())


# --- several at once -----------------------------------------------------------------------------

RIGHT = {
    "names given in bodies of which one runs": """
blocks:
  Unit:
    params: {wide: true, kind: p}
    body:
      - body: [{conv: {out: 4, kernel: 3}, name: main}, bn, add: [identity, {conv: 4, name: side}]]
        when: wide
        else: [{conv: 4, name: main}, add: [identity, {conv: {out: 4, kernel: 3}, name: side}], relu]
      - choice: kind
        of:
          p: [{conv: 4, name: q}, add: [identity, [conv: 4, bn]]]
          r: [{conv: {out: 4, kernel: 3}, name: q}]
stages: {a: [conv: 4, Unit, Unit: [false, r], Unit: [true, r]]}
""",
    "keys of a stage beside a stage of that name": """
stages:
  a: [{conv: 4, as: s}, relu, add: [identity, s]]
  a_conv: [conv: 7, relu]
  a_relu: [conv: 7]
""",
    "params that a loop has a meaning for, read before and after it": """
params: {i: 6, last: 2}
blocks:
  Unit: {params: [i, first], body: [conv: i, {repeat: 3, body: [dwconv: 3, relu]}, conv: i + 1 if first else i, bn]}
stages:
  stem: [conv: i]
  body: {repeat: 3, body: [dwconv: 3, conv: i + 6, {repeat: 2, body: [dwconv: 3, relu]}, conv: 6]}
  more: [conv: i, Unit: [4, true], Unit: [5, false], conv: i * last]
""",
    "a truth value in a sum": "stages: {a: {repeat: 3, body: [conv: 4 + first, relu, conv: 3]}}",
    "definitions of the prelude as params": """
params: {activation: relu, entry: 3, same_zeros: 2}
blocks:
  Conv2dSame:
    params: [out, activation]
    body: [conv: {out: out, kernel: 3, padding: same, stride: 2}, act: activation, drop_connect: 0.2]
  DropConnect: [max_pool: {kernel: 3, stride: 2, padding: same}]
stages:
  a: [Conv2dSame: [4, activation], Conv2dSame: [6, prelu], DropConnect]
  b: [conv: {out: entry * same_zeros, kernel: 3, stride: 2, padding: same}]
""",
    "numbers kept for forward": """
blocks:
  Unit:
    params: [_modules, forward, train, conv]
    body:
      - add: [identity, {conv: c_in, when: train}, [bn, relu]]
      - {add: [identity, {conv: c_in}], when: forward}
      - as: t
      - formula: t * _modules + conv
stages: {a: [conv: 4, Unit: [2, true, false, 3], Unit: [3, false, true, 4]]}
""",
    "an optional input whose name a tensor takes": """
blocks:
  Unit:
    inputs: {z: optional}
    body: [{add: [identity, z], when: z}, {conv: 4, as: z}, relu, {add: [identity, z, {conv: 4}]}]
stages: {a: [{conv: 4, as: s}, Unit: {z: s}, Unit]}
""",
    "params that arguments of a classifier are called": """
params: {in_chans: 6, num_classes: 5, global_pool: 3, image_size: 4}
blocks: {Unit: [conv: {out: h_in, kernel: 3}]}
stages:
  stem: [conv: in_chans, conv: global_pool, Unit, conv: image_size]
  head: [global_avg_pool, flatten, linear: num_classes]
""",
    "optional inputs of which the second alone is given": """
blocks:
  Unit:
    inputs: {a: optional, b: optional, c: required}
    body: [{add: [identity, a], when: a}, {mul: [identity, b], when: b}, {add: [identity, c, {conv: 4}]}]
stages: {s: [{conv: 4, as: p}, relu, Unit: {b: p, c: p}, Unit: {c: p, a: p}, Unit: {b: p, a: p, c: p}, Unit: {c: p}]}
""",
    "words of loops that are modules of a table": """
stages:
  layer: [{conv: 4, as: key}]
  child: {for: [name, n], in: [[inner, 1], [layer, 2]], body: [conv: 4, add: [identity, layer, {conv: 4}]]}
  more: [add: [identity, child.inner, layer, layer.key]]
""",
    "tensors called as the branches that read them": """
blocks:
  Unit:
    inputs: [y, branch]
    body:
      - each: k
        in: [1, 3]
        name: ys
        as: found
        body: [add: [identity, {conv: {out: 4, kernel: k}}, y, branch]]
      - {from: input, concat: [found, y, branch]}
stages: {a: [{conv: 4, as: p}, relu, Unit: {y: p, branch: p}]}
""",
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("case", RIGHT)
def test_names_that_meet_are_told_apart(case, style):
    prove(graph_of(f"name: Net\ninput: [3, 8, 8]\n{RIGHT[case]}"), style)


def test_a_key_of_a_block_gives_way_to_what_torch_has():
    text = "name: Net\ninput: [3, 8, 8]\nblocks: {Double: [conv: 4, relu], Eval: [bn], Outer: [Double, Eval, Eval]}\n"
    graph = graph_of(f"{text}stages: {{a: [conv: 4, Outer]}}")
    assert [node.path for node in graph.nodes][1:] == [
        "a.1.double_2.conv",
        "a.1.double_2.relu",
        "a.1.eval_2.bn",
        "a.1.eval_3.bn",
    ]
