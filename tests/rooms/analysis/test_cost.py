"""What is counted, and how it is shown."""

from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from collections import Counter

import pytest

import archdsl
from archdsl.analysis.cost import cost
from archdsl.analysis.reach import window
from archdsl.analysis.trace import trace_of
from archdsl.analysis.work import WORK
from archdsl.backends.cost import FORMATS, as_csv, as_json, html, markdown, text, written
from archdsl.backends.cost.paper import latex
from archdsl.ir.graph import Graph, Node, Scope, Tensor
from archdsl.ops import REGISTRY
from archdsl.support.latex import tex_escape


def spec(stages, **rest):
    return {"archdsl": 1, "name": "Net", "input": [3, 32, 32], "stages": stages, **rest}


def counted(*steps, **rest):
    return archdsl.cost(spec({"only": list(steps)}, **rest))


def chain(length: int) -> Graph:
    """A hand-made graph: `length` times a ReLU."""
    tensor = entry = Tensor((4, 8, 8), None, 0, "x")
    root = Scope("network", "Chain", "", None, (entry,))
    stage = Scope("stage", "body", "body", root, (entry,))
    root.children.append(stage)
    nodes = []
    for number in range(length):
        node = Node(number, REGISTRY["relu"], {}, (tensor,), (), f"body.{number}", stage)
        tensor = Tensor((4, 8, 8), node)
        node.outputs = (tensor,)
        nodes.append(node)
        stage.children.append(node)
    stage.output = root.output = tensor
    return Graph("Chain", None, {}, {"x": entry}, {"output": tensor}, nodes, root)


# --- counts
def test_macs_are_those_of_convolution_and_linear_and_nothing_else():
    found = counted(
        {"conv": {"out": 8, "kernel": 3, "stride": 2, "bias": True}},
        "bn",
        "relu",
        "global_avg_pool",
        "flatten",
        {"linear": 10},
    )
    assert found.macs == 8 * 16 * 16 * 3 * 9 + 8 * 10
    assert found.params == (8 * 3 * 9 + 8) + 16 + (8 * 10 + 10)
    assert found.buffers == 16
    assert (found.norm, found.activation, found.pool, found.elementwise) == (2048, 2048, 2048, 0)


def test_groups_divide_the_macs():
    whole = counted({"conv": {"out": 6, "kernel": 3, "bias": False}})
    grouped = counted({"conv": {"out": 6, "kernel": 3, "groups": 3, "bias": False}})
    assert whole.macs == 3 * grouped.macs
    assert whole.params == 3 * grouped.params


def test_the_sum_of_the_stages_is_the_total():
    found = archdsl.cost("peleenet")
    for column in ("params", "macs", "buffers", "activations", *WORK):
        assert sum(getattr(stage, column) for stage in found.stages) == getattr(found, column)


def test_peak_counts_a_tensor_as_long_as_it_is_read():
    straight = counted({"conv": {"out": 3}}, "relu")
    assert straight.peak == 2 * 3 * 32 * 32
    bypassed = counted({"residual": [{"conv": {"out": 3}}, "relu"]})
    assert bypassed.peak == 3 * 3 * 32 * 32


def test_a_network_output_is_never_released():
    graph = chain(3)
    graph.outputs = {"first": graph.nodes[0].outputs[0], "last": graph.nodes[2].outputs[0]}
    assert trace_of(graph)[0].peak() == 3 * 256


def test_the_receptive_field_is_that_of_the_papers():
    assert archdsl.cost("mobilenet_v2").receptive_field == (491, 491)


def test_the_receptive_field_of_an_oblong_kernel_has_two_sides():
    found = counted({"conv": {"out": 4, "kernel": [3, 1]}}, {"conv": {"out": 4, "kernel": [1, 5]}})
    assert found.receptive_field == (3, 5)


@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"adaptive_avg_pool": {"size": [4, 5]}}, (4, 4)),  # of 16 columns 4 each, some twice
        ({"mean": {"axis": 1}}, (16, 1)),
        ({"mean": {"axis": 0}}, (1, 1)),
        ({"mean": {"axis": 2, "keepdim": False}}, None),
        ({"unfold": 3}, None),
        ("blur_pool", (3, 3)),
    ],
)
def test_the_receptive_field_of_pools_over_much(step, field):
    assert (
        archdsl.cost({"archdsl": 1, "name": "N", "input": [3, 16, 16], "stages": {"a": [step]}}).receptive_field
        == field
    )


@pytest.mark.parametrize(
    ("pattern", "field"),
    [
        ("(g c) h w -> (c g) h w", (3, 3)),
        ("(c p) h w -> c (h p) w", (3, 3)),
        ("c h w -> 1 c h w", (1, 3, 3)),
        ("c h w -> c w h", (18, 18)),
        ("c h w -> (h w) c", (3, 3)),  # of the map before it, the last one with places
    ],
)
def test_a_rearrangement_keeps_the_receptive_field_where_the_axes_stay(pattern, field):
    sizes = {"g": 2} if "g" in pattern else {"p": 2} if "p" in pattern else {}
    steps = [{"conv": [4, 3]}, {"rearrange": {"pattern": pattern, **sizes}}]
    found = archdsl.cost({"archdsl": 1, "name": "N", "input": [3, 16, 16], "stages": {"a": steps}}).receptive_field
    assert found == field


def test_products_of_tensors_are_named_where_they_count():
    lines = counted({"multihead_attention": {"heads": 3}}).counted
    assert any("of products of tensors" in line for line in lines)


def test_dilation_widens_the_receptive_field():
    found = counted({"conv": {"out": 4, "kernel": 3, "dilation": 4}})
    assert found.receptive_field == (9, 9)


def test_a_squeeze_and_excitation_branch_leaves_the_receptive_field_as_it_is():
    gate = ["global_avg_pool", {"conv": {"out": 4}}, "sigmoid"]
    found = counted({"conv": {"out": 4, "kernel": 3}}, {"mul": ["identity", gate]}, {"conv": {"out": 4, "kernel": 3}})
    assert found.receptive_field == (5, 5)


def test_an_upsampled_map_steps_by_a_fraction():
    found = archdsl.cost(spec({"down": [{"avg_pool": {"kernel": 2, "stride": 2}}], "up": [{"upsample": {"scale": 2}}]}))
    assert [stage.stride for stage in found.stages] == [(2, 2), (0.5, 0.5)]


@pytest.mark.parametrize(
    ("given", "expected"), [((3, 2, 8, 4), (3, 2)), ((1, 1, 8, 4), (2, 2)), ((1, 1, 4, 8), (1, 0.5))]
)
def test_a_size_tells_the_window_where_the_op_does_not(given, expected):
    assert window(*given) == expected


# --- the stage table
def test_a_repeated_block_is_one_line_with_its_count():
    line = archdsl.cost("mobilenet_v2").stages[3]
    assert (line.operator, line.repeats, line.stride, line.input, line.output) == (
        "InvertedResidual", 3, (2, 2), (24, 56, 56), (32, 28, 28),
    )  # fmt: skip


def test_a_table_has_a_line_for_each_row():
    names = [stage.name for stage in archdsl.cost("peleenet").stages]
    assert names == ["stem", "dense.stage1", "dense.stage2", "dense.stage3", "dense.stage4", "head"]


def test_equal_neighbours_are_counted_in_the_operator():
    assert archdsl.cost("peleenet").stages[1].operator.startswith("TwoWayDenseLayer ×3; Transition")


def test_a_label_stands_for_the_step():
    found = counted({"conv": {"out": 4}, "label": "patchify"})
    assert found.stages[0].operator == "patchify"


def test_a_long_stage_is_cut_short():
    steps = [step for n in range(1, 9) for step in ({"conv": {"out": n, "kernel": 2 * n - 1}},)]
    assert counted(*steps).stages[0].operator.endswith("; … 3 more")


# --- growth
def test_cost_is_linear_in_the_ops():
    def calls(length):
        graph, found = chain(length), Counter()
        sys.setprofile(lambda frame, event, arg: found.update([event]))
        try:
            cost(graph)
        finally:
            sys.setprofile(None)
        return found["call"] + found["c_call"]

    calls(100)
    assert calls(4000) < 10.5 * calls(400)


def test_memory_is_flat_for_each_op():
    graph = chain(20000)
    tracemalloc.start()
    cost(graph)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most / 20000 < 2000


# --- formats
@pytest.fixture(scope="module")
def pelee():
    return archdsl.cost("peleenet")


def test_every_format_shows_the_totals(pelee):
    for name in FORMATS:
        shown = written(pelee, name).replace(",", "")
        assert "2802248" in shown, name
        assert "507757568" in shown, name


@pytest.mark.parametrize("name", ["text", "md", "latex", "json"])
def test_every_table_says_what_is_counted(pelee, name):
    assert "multiply-adds of convolution and linear layers for one input" in written(pelee, name)


def test_text_shows_stage_lines_and_memory(pelee):
    shown = text(pelee)
    assert "dense.stage3  256×14×14" in shown
    assert "peak 802,816 (3.211 MB)" in shown


def test_json_holds_everything_as_numbers(pelee):
    data = json.loads(as_json(pelee))
    assert data["stages"][0]["input"] == [3, 224, 224]
    assert sum(stage["macs"] for stage in data["stages"]) == data["macs"] == 507757568
    assert set(WORK) <= set(data)


def test_csv_has_a_line_for_each_stage_and_the_total(pelee):
    rows = list(csv.DictReader(io.StringIO(as_csv(pelee))))
    assert len(rows) == len(pelee.table.lines) + 1
    assert sum(int(row["params"]) for row in rows[:-1]) == int(rows[-1]["params"])


def test_csv_text_is_no_formula():
    found = counted({"conv": {"out": 4}, "label": "=1+1"})
    assert "'=1+1" in as_csv(found)


def test_markdown_lines_all_have_as_many_cells(pelee):
    lines = [line for line in markdown(pelee).splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == len(pelee.table.lines) + 3


def test_markdown_escapes_what_would_split_a_cell():
    found = counted({"conv": {"out": 4}, "label": "a|b"})
    assert r"a\|b" in markdown(found)


def test_latex_is_a_booktabs_tabular_with_equal_lines(pelee):
    lines = [line for line in latex(pelee).splitlines() if line.endswith(r"\\")]
    assert len({line.count("&") for line in lines}) == 1
    assert r"\toprule" in latex(pelee)


def test_latex_escapes_its_special_characters():
    assert tex_escape("a_b & 50% #1 {x} ~ ^ \\ $") == (
        r"a\_b \& 50\% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )


def test_html_escapes_labels():
    found = counted({"conv": {"out": 4}, "label": "<script>"})
    assert "<script>" not in html(found)
    assert "&lt;script&gt;" in found._repr_html_()


def test_a_total_without_a_number_is_empty():
    found = counted("relu")
    (total,) = (line for line in markdown(found).splitlines() if "total" in line)
    assert [cell.strip() for cell in total.split("|")[1:-1]] == ["**total**", *[""] * 6, "**3,072**", "", ""]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_terminal_is_too_narrow_for_a_name_or_a_number(width):
    shown = text(archdsl.cost("mobilenet_v2"), width)
    assert "bottlenecks.6" in shown
    assert "InvertedResidual" in shown
    assert "32×112×112" in shown
    assert ("10,838,016" if width == 160 else "10.84 M") in shown


def test_a_gate_in_front_of_a_map_does_not_stretch_it():
    gate = ["global_avg_pool", {"conv": {"out": 4}}, "sigmoid"]
    found = counted({"conv": {"out": 4, "kernel": 3, "stride": 2}}, {"mul": [gate, "identity"]})
    assert found.stages[0].stride == (2, 2)
    assert found.receptive_field == (3, 3)


def test_what_runs_in_training_alone_costs_params_alone():
    stages = {
        "body": [{"conv": {"out": 4, "kernel": 3, "bias": False}}],
        "aux": {"training": True, "body": [{"conv": {"out": 8, "kernel": 5, "bias": False}}]},
        "head": [{"conv": {"out": 2, "bias": False}}],
    }
    found = archdsl.cost(spec(stages))
    (aux,) = (stage for stage in found.stages if stage.name == "aux")
    assert (aux.params, aux.macs, aux.activations) == (8 * 4 * 25, 0, 0)
    assert found.receptive_field == (3, 3)
    assert found.peak == (3 + 4) * 1024


def test_strides_without_end_have_a_reach():
    step = {"conv": {"out": 1, "kernel": 3, "stride": 2, "padding": 1, "bias": False}}
    found = archdsl.cost(spec({"body": [{"repeat": 1100, "body": [step]}]}))
    assert found.stages[0].stride == (2**53, 2**53)
