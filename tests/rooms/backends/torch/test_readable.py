"""Emitted source as a person would write it: keywords, tables, annotations, docstrings. Each network is proven too."""

from __future__ import annotations

import ast
import re

from support.proof import STYLES, prove_what_prints

import archdsl
from archdsl.analysis.elaborate import elaborate
from archdsl.diagnostics.spans import Source
from archdsl.syntax.reading.spec_file import read_spec

HEAD = "archdsl: 1\nname: Net\ninput: [4, 8, 8]\n"


def emitted(text, style="specialized", **params):
    """The source of a network in a style, which is the network's in both."""
    graph = elaborate(read_spec(Source("net.yaml", HEAD + text), base=None), params=params)
    assert prove_what_prints(graph) == list(STYLES)
    return archdsl.emit(graph, style=style)


def class_of(text, name):
    """The text of a class."""
    return re.search(rf"^class {name}\(.*?(?=\n\n\n|\Z)", text, re.MULTILINE | re.DOTALL)[0]


# --- forward
def test_locals_are_annotated_where_a_type_checker_asks_for_it_alone():
    text = emitted("""
blocks:
  Joined:
    - {conv: 4, as: a}
    - concat: [a, conv: 4, a]
  Skipped:
    params: [out]
    body: [residual: {if: c_in == out, body: [conv: out, bn]}]
stages: {s: [Joined, Skipped: 12, Skipped: 8]}
""")
    assert "a = self.conv(x)" in class_of(text, "Joined")
    assert "y: Tensor = self.bn(self.conv(x))" in class_of(text, "Skipped")


# --- calls
def test_truths_and_numbers_that_are_no_channels_are_named_in_calls():
    text = emitted("""
blocks:
  Unit:
    params: [out, skip, kernel]
    body:
      - {conv: {out: out, kernel: kernel}, name: first}
      - {relu: , when: skip}
stages: {s: [Unit: [8, true, 3], Unit: [8, false, 5], Unit: [6, true, 3]]}
""")
    assert "def __init__(self, c_in: int, out: int, kernel: int, skip: bool)" in text
    assert "Unit(8, 6, kernel=3, skip=True)" in text


# --- what a word chooses
CHOICE = """
params: {words: [a, b, c, d, e]}
blocks:
  Chosen:
    params: [word, out]
    body:
      - choice: word
        of:
          a: [{conv: out, name: step}]
          b: [{conv: {out: out, kernel: 3}, name: step}]
          c: [{conv: {out: out, kernel: 5}, name: step}]
          d: [{dwconv: {kernel: 3}, name: step}]
          e: [{conv: out, name: step, when: c_in != out}]
stages: {s: {for: word, in: words, body: [Chosen: [word, 4]]}}
"""


def test_five_words_are_a_table_of_what_makes_their_modules():
    for style in STYLES:
        text = class_of(emitted(CHOICE, style), "Chosen")
        assert '"a": lambda: nn.Conv2d(4, 4, 1' in text
        assert "elif" not in text
        assert "self.step = steps[word]()" in text


def test_three_words_are_asked_one_after_another():
    assert "elif word ==" in class_of(emitted(CHOICE, words=["a", "b", "c"]), "Chosen")


# --- norms
NORMS = """
params: {eps: 0.001, momentum: 0.1}
defaults: {bn: {eps: eps, momentum: momentum}}
blocks:
  Unit: [conv: 8, bn]
stages: {s: [Unit, bn, Unit]}
variants: {a: {}, b: {eps: 0.01}}
"""


def test_one_function_makes_the_norms_that_have_the_same_constants():
    text = emitted(NORMS)
    assert text.count("eps=0.001") == 1
    assert "return nn.BatchNorm2d(channels, eps=0.001)" in text
    assert "self.bn = norm(8)" in class_of(text, "Unit")


def test_norms_of_params_are_made_by_one_partial_that_blocks_are_handed():
    text = emitted(NORMS, "parametric")
    assert "norm = partial(nn.BatchNorm2d, eps=eps, momentum=momentum)" in class_of(text, "Net")
    assert "norm: Callable[[int], nn.Module]" in class_of(text, "Unit")
    assert "eps" not in class_of(text, "Unit")


def test_norms_with_constants_of_their_own_say_them():
    text = emitted(NORMS.replace("[Unit, bn, Unit]", "[Unit, bn: {eps: 0.1}, Unit]"), "parametric")
    assert "partial" not in text
    assert "eps: float" in class_of(text, "Unit")


def test_a_norm_gives_way_to_the_names_of_a_spec():
    for style in STYLES:
        text = emitted(NORMS.replace("params: {", "params: {norm: 8, ").replace("conv: 8", "conv: norm"), style)
        assert "norm_2" in text


def test_a_last_block_that_is_handed_the_norm_can_be_made_anew():
    text = emitted(
        """
params: {num_classes: 10, eps: 0.001}
defaults: {bn: {eps: eps}}
blocks:
  Last: {params: [out], body: [linear: out, bn]}
stages: {a: [conv: 8, relu], head: [global_avg_pool, flatten, Last: 16, bn, Last: num_classes]}
variants: {s: {}, l: {eps: 0.01}}
""",
        "parametric",
    )
    assert "Last(16, num_classes, self.norm) if num_classes else nn.Identity()" in text


def test_a_param_called_partial_keeps_its_name():
    text = NORMS.replace("params: {", "params: {partial: 8, ").replace("conv: 8", "conv: partial")
    assert "partial(" not in emitted(text, "parametric")


# --- docstrings
DOCUMENTED = """
doc: Three units.
blocks:
  Stated:
    doc: "What it does, said at length: more than a line of a docstring has room for, which is no reason"
    body: [conv: 8]
  Drawn:                                         # Figure 3 (b)
    body: [conv: 8]
  # a unit whose comment
  # has two lines
  Above: [conv: 8]
  Quoted: [conv: 8]                              # "composite" function
  # --- a section
  Bare: [conv: 8]
  Long: [conv: 8]  # one sentence with commas, which is longer than a line of a docstring, and is broken by words
stages: {s: [Stated, Drawn, Above, Quoted, Bare, Long]}
"""


def test_a_class_says_what_its_block_says_or_the_comment_beside_it():
    text = emitted(DOCUMENTED)
    docs = {
        name: ast.get_docstring(ast.parse(class_of(text, name)).body[0])
        for name in ("Stated", "Drawn", "Above", "Quoted", "Bare", "Long", "Net")
    }
    assert docs == {
        "Stated": "What it does, said at length.\n\nMore than a line of a docstring has room for, which is no reason.",
        "Drawn": "Figure 3 (b) of the paper.",
        "Above": "A unit whose comment has two lines.",
        "Quoted": "'composite' function.",
        "Bare": None,
        "Long": "One sentence with commas, which is longer than a line of a docstring, and is\nbroken by words.",
        "Net": "Three units.\n\nN×4×8×8 in, N×8×8×8 out.",
    }


def test_a_network_says_the_shapes_that_it_takes_and_gives():
    text = emitted("stages: {a: [conv: 8], b: [conv: 2]}\noutputs: {one: a, two: b}\n")
    assert '"""N×4×8×8 in, one N×8×8×8, two N×2×8×8 out."""' in class_of(text, "Net")


def test_a_class_of_all_variants_says_which_of_them_it_is_without_arguments():
    stages = "params: {width: 8}\nstages: {a: [conv: width]}\nvariants: {thin: {width: 2}, wide: {}}\n"
    found = archdsl.emit(HEAD + stages, "thin", style="parametric")
    said = ast.get_docstring(ast.parse(found)).replace("\n", " ")
    assert said.startswith("Net.  One class for all variants: VARIANTS has the arguments of each. ")
    assert "Without arguments, it is thin: input N×4×8×8; 10 parameters" in said
    assert '"""By default N×4×8×8 in, N×2×8×8 out."""' in found


# --- names
def test_an_argument_that_is_one_of_the_network_in_every_call_is_passed_once():
    assert "padding_2" not in archdsl.emit("mobilenet_v3", "large-1.00", style="parametric")


def test_an_equality_is_negated_as_a_comparison_and_begins_with_what_differs():
    bodies = "cat: [concat: [input, identity], conv: 4], sum: [add: [input, identity]]"
    bodies += ", gate: [mul: [input, [conv: 4, elu]]]"
    unit = "{params: [out], body: [residual: {if: c_in == out, body: [conv: out]}]}"
    text = emitted(
        f"blocks: {{Fuse: {{params: {{how: cat}}, body: [{{choice: how, of: {{{bodies}}}}}]}}, Unit: {unit}}}\n"
        "stages: {a: [Fuse: cat, Fuse: sum, Fuse: gate, Unit: 4], b: [conv: 4, Unit: 6]}\n"
    )
    assert 'elif how != "sum":' in class_of(text, "Fuse")
    assert "if self.out == 4 else" in class_of(text, "Unit")


def test_a_tensor_that_may_not_be_given_is_a_branch_on_one_line():
    join = "concat: [identity, up, {from: skip, body: [identity], when: skip}]"
    node = f"{{inputs: [up, {{skip: optional}}], body: [{join}, conv: 4]}}"
    text = emitted(
        f"blocks: {{Node: {node}}}\n"
        "stages: {a: [conv: 4], b: [conv: 3], c: [Node: {up: a}], d: [Node: {up: a, skip: b}]}\n"
    )
    assert "branch3 = [skip] if skip is not None else []" in class_of(text, "Node")


def test_an_identity_that_may_be_left_out_asks_no_condition():
    text = emitted(
        "blocks: {Unit: {params: [k], body: [conv: 8, {identity: , when: k, name: probe}, relu]}}\n"
        "stages: {a: [Unit: true, Unit: false]}\n"
    )
    assert "self.probe = nn.Identity()\n" in text
    assert "k:" not in class_of(text, "Unit")


def test_a_condition_and_its_opposite_are_one_attribute():
    text = emitted(
        """
params: {big: false}
stages:
  a: {when: not big, body: [conv: 4, concat: [identity, conv: 4], conv: 4]}
  b: {when: big, body: [conv: 4, concat: [identity, conv: 4], conv: 4]}
variants: {s: {}, l: {big: true}}
""",
        "parametric",
    )
    assert "if not self.big:" in text
    assert text.count("self.big = big") == 1


def test_a_condition_of_a_module_of_its_name_says_that_it_is_there():
    text = emitted(
        """
params: {kind: a}
stages:
  a: [conv: 4]
  top: {when: kind == 'a' or kind == 'c', body: [concat: [identity, input], conv: 4]}
variants: {s: {}, l: {kind: b}}
""",
        "parametric",
    )
    assert "if self.has_top:" in text


def test_what_a_condition_passes_through_has_its_own_name_afterwards():
    text = emitted(
        """
params: {merge: true}
stages:
  a: [conv: 4]
  merged: {when: merge, body: [concat: [identity, input], conv: 4]}
  b: [concat: [identity, a]]
variants: {s: {}, l: {merge: false}}
""",
        "parametric",
    )
    assert "merged = self.merged(" in text
    assert "a_2" not in text
