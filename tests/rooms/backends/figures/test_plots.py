"""Plots: the numbers that they show, and that all of it can be read."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner

import archdsl
from archdsl.backends.figures import Look, plots
from archdsl.backends.figures.plots.bars import bars, lines_of
from archdsl.backends.figures.plots.canvas import POINTS, SMALL, styled
from archdsl.backends.figures.plots.curves import beside, curves
from archdsl.backends.figures.plots.data import Axis, Mark, Scatter, Series, front
from archdsl.backends.figures.plots.labels import Wanted, apart_by, placed
from archdsl.backends.figures.strip.plan import Rect
from archdsl.commands.plot import command
from archdsl.workspace.plotting import plotted

SHARES = {"x2": 60.0, "x3": 64.0, "x4": 63.0, "x6": 66.5, "x7": 66.4}  # published accuracies
STAGES = {
    "stem": [{"conv": {"out": "c", "kernel": 3, "stride": 2}}],
    "body": [
        {"conv": {"out": "2 * c", "kernel": 3}},
        {"max_pool": 2},
        {"add": [{"conv": {"out": "2 * c", "kernel": 3}}, "identity"]},
    ],
    "head": ["global_avg_pool", "flatten", {"linear": 10}],
}
NET = {"archdsl": 1, "name": "Net", "input": [3, 32, 32], "params": {"c": 2}, "stages": STAGES}


@pytest.fixture(scope="module")
def net():
    """A family of networks, each bound to the accuracy that was published of it; of one none was."""
    variants = {**{name: {"c": int(name[1:]), "top1": top1} for name, top1 in SHARES.items()}, "x9": {"c": 9}}
    found = {**NET, "variants": variants}
    bound = {name: {"graph": archdsl.graph(found, name).fingerprint} for name in SHARES}
    return {**found, "expect": bound}


def refused(*args, **settings) -> str:
    with pytest.raises(archdsl.SpecError) as error:
        archdsl.plot(*args, **settings)
    return str(error.value)


# --- numbers
def test_a_published_accuracy_is_plotted_against_what_its_network_costs(net):
    found = plotted("accuracy", [net])
    (series,) = found.data.series
    assert [(mark.name, mark.x, mark.y) for mark in series.marks] == [
        (name, archdsl.cost(net, name).macs, top1) for name, top1 in SHARES.items()
    ]
    assert found.missing == {"Net x9": "no accuracy published"}
    assert [mark.name for mark in front(series.marks)] == ["x2", "x3", "x6"]
    by_params = plotted("accuracy", [net], against="params").data
    assert by_params.series[0].marks[0].x == archdsl.cost(net, "x2").params
    assert "no accuracy published" in refused("accuracy", net, input=[3, 64, 64])  # these are other networks


def test_latencies_are_those_of_the_same_networks(net, tmp_path):
    file = tmp_path / "times.json"
    lines = [
        {"graph": archdsl.graph(net, name).fingerprint, "form": "train", "median_ms": ms, "engine": "eager", "batch": 1}
        for name, ms in {"x2": 3.5, "x3": 4.5}.items()
    ]
    others = [{**lines[0], "graph": "another"}, {**lines[0], "form": "deploy", "median_ms": 1.5}]
    file.write_text(json.dumps({"networks": [*lines, *others]}))
    found = plotted("accuracy", [net], times=file)
    assert [(mark.name, mark.x) for mark in found.data.series[0].marks] == [("x2", 3.5), ("x3", 4.5)]
    assert (found.data.x.title, found.missing["Net x4"]) == ("Latency (ms)", "not timed")
    file.write_text(json.dumps({"networks": [*lines, {**lines[0], "engine": "compile"}]}))
    assert "times of several engines" in refused("accuracy", net, times=file)
    file.write_text("[]")
    assert "does not hold the times of networks" in refused("accuracy", net, times=file)
    assert "there is no file" in refused("accuracy", net, times=tmp_path / "none.json")
    assert "latencies are read from a file" in refused("accuracy", net, against="latency")


def test_no_level_runs_over_the_name_of_another():
    room = Rect(0, 0, 200, 120)
    heights = [20.0, 20.0 + SMALL, 90.0]  # the name of the first would lie on the second
    found = beside(heights, [40.0] * 3, room)
    assert not any(rect.low < y < rect.high for rect in found for y in heights)
    assert found[0].high < heights[0]
    assert found[2].low > heights[2]


def test_the_name_of_a_level_stands_where_no_curve_and_no_mark_is():
    room, curve = Rect(0, 0, 200, 100), [((0.0, 30.0), (60.0, 60.0))]
    (left,) = beside([40.0], [40.0], room)
    (right,) = beside([40.0], [40.0], room, [], curve)
    assert (left.left, left.low) == (3, 41)
    assert (right.right, right.low) == (197, 41)
    (below,) = beside([40.0], [40.0], room, [Rect(170, 42, 175, 47)], curve)
    assert below.high < 40
    assert below.right == 197


def test_no_label_stands_as_near_to_another_mark_as_to_its_own():
    marks = [(50.0, 50.0), (62.0, 50.0), (56.0, 58.0), (50.0, 38.0)]
    around = [Rect(x - 2.7, y - 2.7, x + 2.7, y + 2.7) for x, y in marks]
    found = placed([Wanted("0.75", at) for at in marks], SMALL, Rect(0, 0, 120, 120), around)
    assert all(spot is not None for spot in found)
    for spot, own in zip(found, around, strict=True):
        far = min(apart_by(spot.rect, mark) for mark in around if mark is not own)
        assert spot.end is not None or apart_by(spot.rect, own) < far


def test_titles_over_narrow_bars_are_short():
    name = "a_stage_of_long_name"
    spec = NET | {"stages": {name: NET["stages"]["stem"], "head": NET["stages"]["head"]}}
    for narrow, titles in ((False, ["Parameters", "MACs", "Activations"]), (True, ["Params", "MACs", "Act."])):
        data = plotted("stages", [spec if narrow else NET]).data
        look = Look(width=3.23)
        with styled(look):
            shown = [axes.get_title().partition(" ")[0] for axes in bars(data, look).figure.axes]
        assert shown == titles


def test_stages_and_receptive_fields_are_those_that_are_counted(net):
    (group,) = plotted("stages", [net]).data.groups
    counted = archdsl.cost(net, "x2")
    assert list(group.rows) == [(line.name, (line.params, line.macs, line.activations)) for line in counted.stages]
    (curve,) = plotted("receptive", [net]).data.curves
    assert list(curve.places) == [(0, 1), (1, 3), (2, 9), (3, 17)]  # the pool between the convolutions adds 2
    assert [(end.name, end.x, end.y) for end in curve.ends] == [("stem", 1, 3), ("body", 3, 17)]
    assert max(y for _, y in curve.places) == counted.receptive_field[0]
    assert "does not take 'against'" in refused("stages", net, against="macs")


# --- drawings
def crowd() -> Scatter:
    """Three families whose marks are close to each other."""
    rng = random.Random(3)
    marks = [Mark(f"{n / 7:.2f}-{n}", 10 ** rng.uniform(7, 8.5), rng.uniform(60, 75)) for n in range(45)]
    families = [Series(name, marks[start::3]) for start, name in enumerate(["One", "Another", "A third"])]
    return Scatter("Many", Axis("MACs", "M", 10**6), Axis("Accuracy", "%"), families)


def boxes(canvas):
    """The words of a figure with their boxes, in points."""
    figure = canvas.figure
    found = list(figure.texts)
    for axes in figure.axes:
        ticks = [*axes.xaxis.get_major_ticks(), *axes.yaxis.get_major_ticks()]
        shown = [tick.label1 for tick in ticks if tick.label1.get_visible() and within(axes, tick)]
        found += [axes.title, axes.xaxis.label, axes.yaxis.label, *shown]
    found += [text for legend in figure.legends for text in legend.get_texts()]
    return [(text, text.get_window_extent()) for text in found if text.get_text()]


def within(axes, tick) -> bool:
    axis = axes.xaxis if tick in axes.xaxis.get_major_ticks() else axes.yaxis
    low, high = sorted(axis.get_view_interval())
    return low <= tick.get_loc() <= high


@pytest.mark.parametrize(
    ("kind", "look"),
    [
        ("crowd", Look()),
        ("crowd", Look(width=6.73, font="serif", palette="grey")),
        ("stages", Look(theme="dark")),
        ("receptive", Look(font="serif")),
    ],
)
def test_no_words_lie_over_others_and_none_are_small_or_cut_off(net, kind, look):
    data = crowd() if kind == "crowd" else plotted(kind, [net, {**net, "name": "Other"}][: 1 + (kind == "stages")]).data
    with styled(look):
        canvas = plots.canvas(data, look)
        found = boxes(canvas)
        page = canvas.figure.bbox
    assert len(found) > 10
    for text, box in found:
        assert text.get_fontsize() >= SMALL, text
        assert page.x0 <= box.x0 < box.x1 <= page.x1, text
        assert page.y0 <= box.y0 < box.y1 <= page.y1, text
    slack = 0.2 * canvas.figure.dpi / POINTS
    for (one, box), (other, its) in combinations(found, 2):
        across = min(box.x1, its.x1) - max(box.x0, its.x0)
        down = min(box.y1, its.y1) - max(box.y0, its.y0)
        assert across < slack or down < slack, (one.get_text(), other.get_text())
    if kind == "crowd":
        assert len(canvas.figure.texts) == 45 - canvas.left_out
        assert canvas.left_out < (30 if look.width is None else 12)


def test_long_names_in_a_legend_are_broken_and_whole_numbers_have_no_parts():
    long = NET | {"name": "A_Network_Whose_Name_Is_Too_Long_For_A_Line_Of_Legends", "variants": {"a_long_variant": {}}}
    data = plotted("receptive", [long, NET]).data
    look = Look(width=2.5)
    with styled(look):
        figure = curves(data, look).figure
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert texts[0].replace("\n", "").replace(" ", "") == f"{long['name']}a_long_variant"
        assert "\n" in texts[0]
        assert texts[1] == "Net"
        figure.draw_without_rendering()
        assert figure.legends[0].get_window_extent().width <= figure.bbox.width
        ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert all("." not in tick for tick in ticks)
    drawn, _ = plots.plot(data, "tikz", look)
    assert drawn.count("align=left") == 1
    assert plotted("receptive", [NET]).data.y.unit == "pixels"
    line = {"a": [{"conv": {"out": 2, "kernel": 3}}]}
    sound = plotted("receptive", [{"archdsl": 1, "name": "Sound", "input": [1, 32000], "stages": line}]).data
    assert sound.y.unit == "samples"
    assert sound.levels == [("input, 32,000", 32000.0)]


def test_bars_come_closer_on_a_page_but_never_over_each_other():
    steps = {f"s{n}": [{"conv": 4}] for n in range(34)}
    data = plotted("stages", [NET | {"stages": steps}]).data

    def made(look, networks=1):
        return bars(replace(data, groups=data.groups * networks), look).size[1] / POINTS

    with styled(Look()):
        assert made(Look()) == pytest.approx(made(Look(width=6.73)))
        assert made(Look(width=6.73, height=8)) < 6  # the greatest height
        assert made(Look(width=6.73, height=5)) == pytest.approx(5)
        assert made(Look(width=6.73), networks=2) == pytest.approx(9)
        assert made(Look(), networks=2) > 11
        with pytest.raises(archdsl.SpecError, match=r"105 lines of bars need 12\.9 in, and there are 9 in"):
            made(Look(width=6.73), networks=3)
        with pytest.raises(archdsl.SpecError, match="give a larger --height"):
            made(Look(width=6.73, height=2))


def test_a_plot_whose_edge_would_cut_the_title_of_an_axis_is_refused(net):
    data = plotted("receptive", [net]).data
    for look, flag in ((Look(width=3.23, height=1), "--height"), (Look(width=1.1, height=3), "--width")):
        with styled(look), pytest.raises(archdsl.SpecError, match="the plot does not fit") as told:
            plots.canvas(data, look)
        assert flag in str(told.value)
    with styled(Look()):
        assert plots.canvas(data, Look(width=3.23, height=2)).size == pytest.approx((232.56, 144))


def test_numbers_of_a_column_of_a_page_have_equal_decimals():
    marks = [Mark("a", 300_774_272, 75.0), Mark("b", 99_074_048, 71.85), Mark("c", 43_399_344, 9.5)]
    data = Scatter("", Axis("MACs", "M", 10**6), Axis("Top-1", "%"), [Series("Net", marks)])
    assert [row[2:] for row in data.table().rows] == [
        ["300.77 M", "75.00 %"],
        ["99.07 M", "71.85 %"],
        ["43.40 M", "9.50 %"],
    ]


def test_a_label_hides_the_lines_behind_it_and_has_one_to_its_mark_where_it_stands_off():
    with styled(Look()):
        canvas = plots.canvas(crowd(), Look())
        leaders = len(canvas.figure.artists)
        assert all(text.get_bbox_patch().get_facecolor() == (1, 1, 1, 1) for text in canvas.figure.texts)
    text, _ = plots.plot(crowd(), "tikz")
    assert text.count("\\draw[") == leaders > 0
    assert len(re.findall(r"\\node\[words, anchor=mid, fill=tone\d+\]", text)) == len(canvas.figure.texts)


def test_rows_have_their_stage_before_their_names_where_another_row_has_one_of_these():
    steps = {"for": ["name", "c"], "in": [["one", 2], ["two", 4]], "body": [{"conv": "c"}]}
    bare = {"for": ["c"], "in": [[2], [4]], "body": [{"conv": "c"}]}
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "stages": {"a": steps, "b": bare, "two": [{"conv": 1}]}}
    (group,) = plotted("stages", [spec]).data.groups
    (curve,) = plotted("receptive", [spec]).data.curves
    assert [end.name for end in curve.ends] == [name for name, _ in group.rows]
    assert [name for name, _ in group.rows] == ["a one", "a two", "b 1", "b 2", "two"]


def test_rows_without_names_are_called_as_in_strips_over_as_many_lines_as_they_need():
    unit = {"Unit": {"params": {"out": None, "k": 3}, "body": [{"conv": {"out": "out", "kernel": "k"}}, {"conv": 2}]}}
    rows = {"for": ["c", "k"], "in": [[2, 3], [4, 5]], "body": [{"Unit": {"out": "c", "k": "k"}}]}
    spec = {"archdsl": 1, "name": "Net", "input": [3, 8, 8], "blocks": unit, "stages": {"a": [{"conv": 2}], "b": rows}}
    data = plotted("stages", [spec]).data
    words = ["a", "Unit, c2, k3", "Unit, c4, k5"]
    assert [line.name for line in lines_of(data, worded=True)] == words
    assert [row[1] for row in data.table().rows] == words
    twice = ["a", "Unit, c2, k3, exp 3, SE,\nh-swish", "b"]
    more = replace(data, groups=[replace(data.groups[0], words=[name.replace("\n", " ") for name in twice])])
    long = replace(data, groups=[replace(data.groups[0], words=[f"{word} " * 9 for word in words])])
    for shown, expected in ((data, words), (more, twice), (long, ["a", "b 1", "b 2"])):
        with styled(Look()):
            axes = bars(shown, Look()).figure.axes[0]
            assert [tick.get_text() for tick in axes.get_yticklabels()] == expected


def test_what_has_nothing_to_show_is_left_out_and_said_or_refused(net, tmp_path):
    flat = {"archdsl": 1, "name": "Flat", "input": [3, 4, 4], "stages": {"a": ["flatten", {"linear": 4}]}}
    assert [*plotted("receptive", [net, flat]).missing] == ["Flat"]
    assert "no map of these networks has a receptive field" in refused("receptive", flat)
    assert archdsl.plot("stages", flat)  # one stage is high enough
    file = tmp_path / "times.json"
    line = {
        "graph": archdsl.graph(net, "x2").fingerprint,
        "form": "train",
        "median_ms": float("nan"),
        "engine": "eager",
        "batch": 1,
    }
    file.write_text(json.dumps({"networks": [line]}))
    assert "does not hold the times of networks" in refused("accuracy", net, times=file)


def test_a_lone_variant_of_a_network_says_which(net, tmp_path):
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(net, sort_keys=False))
    assert "Net x2" in archdsl.plot("accuracy", f"{tmp_path}/net.yaml@x2", format="tikz")


def test_every_format_is_what_it_says_and_the_same_each_time(net):
    import matplotlib as mpl

    mpl.rcParams["font.size"] = 31  # what a user has set neither matters nor is lost
    svg = archdsl.plot("accuracy", net, width="column", height=2)
    assert svg == archdsl.plot("accuracy", net, width="column", height=2)
    assert mpl.rcParams["font.size"] == 31
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    assert (root.get("width"), root.get("height")) == ("232.56pt", "144pt")
    assert not list(root.iter(f"{space}text"))  # words are outlines
    told = {title.text for title in root.iter(f"{space}title")}
    assert {
        f"Net {name}: {archdsl.cost(net, name).macs / 1000:.4g} K, {top1:g} %" for name, top1 in SHARES.items()
    } <= told
    pdf = archdsl.plot("stages", net, format="pdf")
    assert pdf == archdsl.plot("stages", net, format="pdf")
    assert b"SourceSansPro" in pdf
    assert re.search(rb"/MediaBox \[ 0 0 232\.56 ", pdf)
    assert archdsl.plot("receptive", net, format="png").startswith(b"\x89PNG")
    page = archdsl.plot("stages", net, format="html")
    assert "<svg" in page
    assert f">{archdsl.cost(net, 'x2').stages[1].macs:,}<" in page


def test_the_command_says_what_is_left_out_and_writes_the_format_of_the_suffix(net, tmp_path):
    (tmp_path / "net.yaml").write_text(json.dumps(net))
    file = tmp_path / "plot.tex"
    done = CliRunner().invoke(command, ["accuracy", str(tmp_path / "net.yaml"), "-o", str(file)])
    assert (done.exit_code, done.stderr) == (0, "archdsl: Net x9 is left out: no accuracy published\n")
    assert file.read_text().startswith("% Top-1 accuracy against MACs of Net\n")
    (tmp_path / "more.yaml").write_text(json.dumps({**net, "name": "More"}))
    both = ["accuracy", "--variants", str(tmp_path / "net.yaml"), str(tmp_path / "more.yaml"), "-o", str(file)]
    assert "archdsl: Net x9, More x9 are left out: no accuracy published\n" in CliRunner().invoke(command, both).stderr
    assert "there is no plot format 'gif'" in refused("stages", net, format="gif")
    assert "there is no kind 'cost'" in refused("cost", net)
    assert "does not fit in 0.5 in" in refused("stages", net, width=0.5)
    assert "tikz does not take 'font'" in refused("stages", net, format="tikz", font="serif")


def test_without_matplotlib_the_message_says_what_to_install(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(archdsl.SpecError) as error:
        archdsl.plot("stages", net)
    (found,) = error.value.diagnostics
    assert (found.code, found.help) == ("no-package", "pip install 'archdsl[plot]'")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
def test_the_pictures_of_pgfplots_fit_a_column_of_a_paper(net, tmp_path):
    text = r"\documentclass[twocolumn]{article}\usepackage[letterpaper, margin=0.7in]{geometry}"
    text += r"\usepackage{pgfplots}\pgfplotsset{compat=1.16}\begin{document}"
    for kind in ("accuracy", "stages", "receptive"):
        (tmp_path / f"{kind}.tex").write_text(archdsl.plot(kind, net, format="tikz"))
        text += rf"\begin{{figure}}\input{{{kind}.tex}}\caption{{A plot.}}\end{{figure}}"
    (tmp_path / "paper.tex").write_text(text + r"Text.\end{document}")
    for name in ("paper", "stages"):  # which is a document by itself, too
        call = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", name]
        done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout
        assert "Warning: " not in done.stdout
    page = re.search(rb"/MediaBox \[0 0 ([\d.]+)", (tmp_path / "stages.pdf").read_bytes())
    assert page is None or float(page[1]) == pytest.approx(3.23 * 72, abs=0.1)
