"""Tables for a paper: the stage table in the paper's own columns, the comparison of networks, and LaTeX that compiles.

Golden files: `golden/tables/SPEC@VARIANT.FORMAT`. After a change of the tables write them anew with

    ARCHDSL_REWRITE_GOLDEN=1 python -m pytest tests/rooms/backends/test_tables.py -k golden

and read the difference before committing it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from support.nets import shipped_spec
from support.places import DATA
from support.places import GOLDEN as GOLDENS

import archdsl
from archdsl.analysis.work import WORK
from archdsl.backends.cost import written as printed
from archdsl.backends.cost.paper import table as paper_table
from archdsl.commands.cli import main
from archdsl.diagnostics.faults import SpecError
from archdsl.ops.base import as_printed
from archdsl.support.latex import tex_escape
from archdsl.support.latex_fit import ROOM
from archdsl.support.tables import mark_escape, short, unit_of
from archdsl.workspace.library import locate, read, shipped
from archdsl.workspace.printing import FORMATS as TABLE_FORMATS
from archdsl.workspace.printing import written
from archdsl.workspace.restating import update

GOLDEN = GOLDENS / "tables"
REWRITE = os.environ.get("ARCHDSL_REWRITE_GOLDEN") == "1"
GOLDENS = [
    ("mobilenet_v2", "1.00-224", "latex"),
    ("mobilenet_v3", "large-0.75", "latex"),
    ("shufflenet_v2", "x1.0", "md"),
    ("efficientnet", "b0", "csv"),
    ("squeezenet", "1.0", "text"),
    ("peleenet", "1.0", "text"),
    ("espnet_v2", "x1.0", "latex"),
]
ENDINGS = {"latex": "tex", "md": "md", "csv": "csv", "text": "txt"}
NETWORKS = [name for name in shipped() if shipped_spec(name).networks()]
HOSTILE = r"a|b_c & 50% <x> #1 {y} ~ ^ \z $ [q] *e* `k` – ✓"


@cache
def counted(name, form=None):
    """The cost of a shipped network; the first form if none is named."""
    return archdsl.cost(name, form or read(name).networks()[0])


def lines_of(spec, *variant, columns, **params):
    """The lines of a table as lists: operator, then what stands in the columns named."""
    table = archdsl.cost(spec, *variant, **params).table
    named = {column.word: column for column in table.columns}
    return [[line.operator, *(line.value(named[word]) for word in columns)] for line in table.lines]


def words_of(spec, *variant, **params):
    return [column.word for column in archdsl.cost(spec, *variant, **params).table.columns]


def net(stages, **rest):
    return {"archdsl": 1, "name": "Net", "input": [3, 32, 32], "stages": stages, **rest}


def stated(spec):
    """The spec with the fingerprints of its networks."""
    plain = {key: value for key, value in spec.items() if key != "variants"}
    return spec | {"expect": {name: {"graph": archdsl.graph(plain).fingerprint} for name in spec["variants"]}}


# --- the tables of the papers, typed from them
def test_mobilenet_v2_has_table_2_of_its_paper():
    assert words_of("mobilenet_v2") == ["t", "c", "n", "s"]
    found = lines_of("mobilenet_v2", columns=["t", "c", "n", "s"])
    assert [[t, c, n, s and s[0]] for _, t, c, n, s in found] == [
        [None, 32, 1, 2],
        [1, 16, 1, 1],
        [6, 24, 2, 2],
        [6, 32, 3, 2],
        [6, 64, 4, 2],
        [6, 96, 3, 1],
        [6, 160, 3, 2],
        [6, 320, 1, 1],
        [None, 1280, 1, 1],
        [None, 1280, 1, None],
        [None, 1000, 1, None],
    ]


def test_mobilenet_v3_has_table_1_of_its_paper():
    assert words_of("mobilenet_v3") == ["k", "exp", "c", "se", "nl", "s"]
    found = lines_of("mobilenet_v3", columns=["k", "exp", "c", "se", "nl", "s"])
    re_, hs = "relu", "hard_swish"
    assert [[*row[1:6], row[6] and row[6][0]] for row in found] == [
        [3, None, 16, None, hs, 2],
        [3, 16, 16, False, re_, 1],
        [3, 64, 24, False, re_, 2],
        [3, 72, 24, False, re_, 1],
        [5, 72, 40, True, re_, 2],
        [5, 120, 40, True, re_, 1],
        [5, 120, 40, True, re_, 1],
        [3, 240, 80, False, hs, 2],
        [3, 200, 80, False, hs, 1],
        [3, 184, 80, False, hs, 1],
        [3, 184, 80, False, hs, 1],
        [3, 480, 112, True, hs, 1],
        [3, 672, 112, True, hs, 1],
        [5, 672, 160, True, hs, 2],
        [5, 960, 160, True, hs, 1],
        [5, 960, 160, True, hs, 1],
        [1, None, 960, None, hs, 1],
        [None, None, 960, None, None, None],
        [1, None, 1280, None, hs, None],
        [None, None, 1000, None, None, None],
    ]


def test_shufflenet_v2_has_table_5_of_its_paper():
    found = lines_of("shufflenet_v2", "x1.0", columns=["c", "s", "n"])
    assert [(operator, c, s and s[0], n) for operator, c, s, n in found[:9]] == [
        ("ConvBNReLU", 24, 2, 1),
        ("3×3 Max pool", 24, 2, 1),
        ("DownUnit", 116, 2, 1),
        ("BasicUnit", 116, 1, 3),
        ("DownUnit", 232, 2, 1),
        ("BasicUnit", 232, 1, 7),
        ("DownUnit", 464, 2, 1),
        ("BasicUnit", 464, 1, 3),
        ("ConvBNReLU", 1024, 1, 1),
    ]


def test_efficientnet_b1_repeats_as_it_is_scaled():
    assert words_of("efficientnet", "b1") == ["e", "k", "s", "c", "n"]
    found = lines_of("efficientnet", "b1", columns=["e", "k", "c", "n"])
    assert [row[4] for row in found[1:8]] == [2, 3, 3, 4, 4, 5, 2]
    found = lines_of("efficientnet", "b2", columns=["e", "k", "c", "n"])
    assert [row[3] for row in found[:9]] == [32, 16, 24, 48, 88, 120, 208, 352, 1408]


def test_mnasnet_shows_the_expansion_of_its_table_and_where_squeeze_and_excitation_is():
    found = lines_of("mnasnet", "a1-1.0", columns=["e", "k", "se"])
    assert [row[1:] for row in found[1:8]] == [
        [1, 3, False],
        [6, 3, False],
        [3, 5, True],
        [6, 3, False],
        [6, 3, True],
        [6, 5, True],
        [6, 3, False],
    ]


def test_squeezenet_has_table_1_of_its_paper():
    assert words_of("squeezenet") == ["s1x1", "e1x1", "e3x3", "c", "s"]
    fires = [row[1:] for row in lines_of("squeezenet", columns=["s1x1", "e1x1", "e3x3"]) if row[0] == "Fire"]
    assert fires == [[n, 4 * n, 4 * n] for n in (16, 16, 32, 32, 48, 48, 64, 64)]


# --- columns
def test_a_width_multiplier_is_in_the_columns():
    narrow = lines_of("mobilenet_v3", "large-0.75", columns=["exp", "c"])
    assert [row[1:] for row in narrow[1:8]] == [
        [16, 16],
        [64, 24],
        [72, 24],
        [72, 32],
        [96, 32],
        [96, 32],
        [192, 64],
    ]
    assert lines_of("ghostnet", "1.3", columns=["exp"])[2][1] == 64


def test_a_column_that_no_row_differs_in_is_left_out():
    assert words_of("mobilenet_v3", "large-minimalistic") == ["exp", "c", "s"]  # 3×3 and ReLU throughout, nothing gated


def test_a_column_that_says_what_another_does_is_left_out():
    rows = {"for": ["width", "depth", "down"], "in": [[8, 2, 1], [16, 3, 2]]}
    body = [{"repeat": "depth", "body": [{"conv": {"out": "width", "kernel": 3, "stride": "down if first else 1"}}]}]
    assert words_of(net({"body": {**rows, "body": body}})) == ["c", "n", "s"]


def test_a_column_that_means_another_thing_keeps_its_letter():
    rows = {"for": ["n", "c"], "in": [[3, 8], [5, 16]]}
    body = [{"repeat": 2, "body": [{"conv": {"out": "c", "kernel": "n"}}]}, "max_pool"]
    spec = net({"body": {**rows, "body": body}})
    assert words_of(spec) == ["n", "c", "repeats", "s"]
    assert lines_of(spec, columns=["n", "repeats"]) == [
        ["3×3 Conv", 3, 2],
        ["2×2 Max pool", 2, 1],
        ["5×5 Conv", 5, 2],
        ["2×2 Max pool", 2, 1],
    ]


def test_a_rate_that_is_counted_up_is_no_column():
    assert "drop" not in " ".join(words_of("efficientnet", "b0"))


def test_unequal_neighbours_of_one_loop_have_lines_of_their_own():
    found = lines_of("fbnet", "a", columns=["op", "n"])
    assert [row[1:] for row in found[2:5]] == [["k3_e3", 1], ["k3_e1", 1], ["skip", 2]]


def test_a_graph_without_tables_has_the_standard_columns():
    assert words_of(net({"a": [{"conv": {"out": 4, "stride": 2}}], "b": [{"conv": 8}]})) == ["c", "s"]


# --- lines
@pytest.mark.parametrize("name", NETWORKS)
def test_every_op_is_in_one_line(name):
    for form in {read(name).networks()[0], read(name).networks()[-1]}:
        found = counted(name, form)
        for column in ("params", "macs", "buffers", "activations", *WORK):
            assert sum(getattr(line.work, column) for line in found.table.lines) == getattr(found, column), column


@pytest.mark.parametrize("name", NETWORKS)
def test_what_leaves_a_line_of_a_chain_enters_the_next(name):
    found = counted(name).table.lines
    inside = [pair for pair in pairwise(found) if pair[0].stage == pair[1].stage]
    for before, after in inside:
        assert after.input in (before.output, before.output[:1]), (before, after)  # [:1]: after a flatten


def test_norms_and_activations_stand_with_their_convolution():
    found = archdsl.cost(net({"a": [{"conv": 4}, "bn", "relu", {"dropout": 0.1}, {"conv": 4}, "bn"]})).table.lines
    assert [(line.operator, line.main) for line in found] == [
        ("1×1 Conv; BN; ReLU", "1×1 Conv"),
        ("1×1 Conv; BN", "1×1 Conv"),
    ]


def test_what_stands_in_front_of_the_first_convolution_belongs_to_it():
    (line,) = archdsl.cost(net({"a": ["bn", "relu", {"conv": 4}]})).table.lines
    assert (line.operator, line.main) == ("BN; ReLU; 1×1 Conv", "1×1 Conv")


def test_a_stage_of_activations_alone_has_a_line():
    (line,) = archdsl.cost(net({"a": ["bn", "relu"]})).table.lines
    assert (line.operator, line.main) == ("BN; ReLU", "BN; ReLU")


def test_equal_steps_are_one_line_and_unequal_ones_are_not():
    steps = [{"conv": {"out": 4, "kernel": 3}}, {"conv": {"out": 4, "kernel": 3}}, {"conv": {"out": 8, "kernel": 3}}]
    assert lines_of(net({"a": [{"conv": 4}, *steps]}), columns=["n", "c"]) == [
        ["1×1 Conv", 1, 4],
        ["3×3 Conv", 2, 4],
        ["3×3 Conv", 1, 8],
    ]


def test_a_stage_that_is_no_chain_is_one_line():
    (line,) = archdsl.cost(
        net({"a": [{"conv": 4, "as": "kept"}, {"conv": 4}, {"add": ["identity", "kept"]}]})
    ).table.lines
    assert line.operator == "1×1 Conv ×2; Add"


def test_a_long_operator_is_cut_short():
    steps = [{"conv": {"out": n, "kernel": 2 * n - 1}} for n in range(1, 12)]
    (line,) = archdsl.cost(
        net({"a": [{"conv": 4, "as": "kept"}, *steps, {"conv": 4}, {"add": ["identity", "kept"]}]})
    ).table.lines
    assert len(line.operator) < 75
    assert re.search(r"; … \d+ more$", line.operator)


def test_a_stage_name_stands_once():
    first = [row[0] for row in paper_table(archdsl.cost("mobilenet_v2")).rows]
    assert first == ["stem", "bottlenecks", "", "", "", "", "", "", "head", "", ""]


# --- golden files
@pytest.mark.parametrize(("name", "variant", "form"), GOLDENS, ids=lambda v: v)
def test_the_table_is_that_of_the_golden_file(name, variant, form):
    path = GOLDEN / f"{name}@{variant}.{ENDINGS[form]}"
    text = printed(counted(name, variant), form)
    if REWRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["latex", "md", "text", "csv"])
def test_the_comparison_is_that_of_the_golden_file(form):
    path = GOLDEN / f"comparison.{ENDINGS[form]}"
    text = written(archdsl.table(["squeezenet", "mobilenet_v2@1.00-224", "shufflenet_v1@g1-x1.0", "espnet"]), form)
    if REWRITE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_every_golden_file_is_looked_at():
    names = {f"{name}@{variant}.{ENDINGS[form]}" for name, variant, form in GOLDENS}
    assert {path.name for path in GOLDEN.iterdir()} == names | {f"comparison.{end}" for end in ENDINGS.values()}


def test_the_bytes_are_the_same_each_time():
    code = (
        "import archdsl\n"
        "cost = archdsl.cost('micronet', 'm1')\n"
        "print(cost.to_text(), cost.to_markdown(), cost.to_latex(), cost.to_csv())\n"
        "print(archdsl.table(['mnasnet', 'squeezenet@1.1']).to_latex())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_a_table_costs_no_torch():
    code = "import archdsl, sys; archdsl.table('squeezenet').to_latex(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- alignment
@pytest.mark.parametrize("width", [60, 100, 160])
@pytest.mark.parametrize(
    "text", [lambda w: archdsl.cost("mobilenet_v3").to_text(w), lambda w: archdsl.table("squeezenet").to_text(w)]
)
def test_columns_of_a_terminal_stay_in_line(text, width):
    shown = text(width).splitlines()
    rule = next(n for n, line in enumerate(shown) if set(line) == {"─"})
    body = [line for line in shown[rule - 1 : rule + 20] if "×" in line]
    assert len({len(line) for line in body}) == 1
    head = shown[rule - 1]
    for word in ("params", "MACs"):
        end = head.index(word) + len(word)
        cells = [line[:end] for line in body]
        assert all(cell[-1] in "0123456789kMG " for cell in cells)  # numbers end under the end of their heading
        assert all(line[end : end + 1] in ("", " ") for line in body)


def test_points_of_accuracies_stay_in_line():
    _, heading, _, *shown = archdsl.table("squeezenet").to_text().splitlines()
    start = heading.index("top-1")
    assert len({line.index(".", start) for line in shown if "57.5" in line or "60.38" in line}) == 1


def test_markdown_rows_have_as_many_cells_as_the_heading():
    for text in (archdsl.cost("micronet", "m1").to_markdown(), archdsl.table(["squeezenet", "espnet"]).to_markdown()):
        assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_latex_rows_have_as_many_cells_as_columns():
    for text in (archdsl.cost("micronet", "m1").to_latex(), archdsl.table(["squeezenet", "espnet"]).to_latex()):
        columns = re.search(r"begin\{tabular\}\{@\{\}([lr]+)@\{\}\}", text).group(1)
        rows = [line for line in text.splitlines() if line.endswith(r"\\")]
        assert {line.count("&") - line.count(r"\&") for line in rows} == {len(columns) - 1}


@pytest.mark.parametrize(
    ("numbers", "total", "shown"),
    [
        ([464, 34_760, 1_281_000], 5_483_032, ["M", "<0.001", "0.035", "1.281", "5.48\u2007"]),
        ([5_400_000, 9_900_000, 19_500_000], 216_589_760, ["M", "5.4", "9.9", "19.5", "217\u2008\u2007"]),
        ([5_000, 120_000], 364_569, ["K", "5", "120", "365"]),
        ([60_000_000, 300_000_000], 1_177_360_384, ["M", "60", "300", "1,177"]),
        ([3_000_000_000], 37_745_884_192, ["G", "3.0", "37.7"]),
        ([], 22, ["K", "0.022"]),
    ],
)
def test_a_column_has_the_unit_in_which_its_total_has_three_figures(numbers, total, shown):
    unit = unit_of(numbers, total)
    assert [unit.name, *map(unit.text, numbers), unit.total(total)] == shown


def test_counts_of_several_networks_have_the_figures_of_the_one_in_the_middle():
    for numbers, shown in (
        ([1_248_424, 3_504_872, 364_569], ["1.25", "3.50", "0.36"]),
        ([818_924_576, 300_774_272, 143_100_000], ["819", "301", "143"]),
        ([818_924_576, 300_774_272, 6_000_000], ["818.9", "300.8", "6.0"]),
    ):
        unit = unit_of(numbers)
        assert (unit.name, [*map(unit.text, numbers)]) == ("M", shown)
    assert unit_of([3_504_872]).text(0) == "0.00"


# --- escapes
@pytest.fixture(scope="module")
def hostile():
    return archdsl.cost(net({"a": [{"conv": 4, "label": HOSTILE}]}))


def test_latex_of_a_hostile_label_has_no_bare_special(hostile):
    row = next(line for line in hostile.to_latex().splitlines() if line.startswith("a "))
    bare = re.sub(
        r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|checkmark)\{\}", "", row
    )
    bare = re.sub(r"\\[&%$#_{}]|\$32\^2 \\times \d\$|\{\[\}|\{\]\}", "", bare)
    assert not set(r"%$#_{}~^<>|✓") & set(bare.removesuffix(r" \\"))
    assert bare.count("&") == hostile.to_latex().splitlines()[3].count("&")


def test_markdown_of_a_hostile_label_is_one_cell(hostile):
    row = next(line for line in hostile.to_markdown().splitlines() if line.startswith("| a |"))
    heading = hostile.to_markdown().splitlines()[0]
    assert len(re.findall(r"(?<!\\)\|", row)) == heading.count("|")
    assert r"\<x\>" in row


def test_html_and_csv_of_a_hostile_label_are_one_cell(hostile):
    assert "&lt;x&gt;" in hostile._repr_html_()
    assert "<x>" not in hostile._repr_html_()
    assert next(csv.DictReader(io.StringIO(hostile.to_csv())))["operator"] == HOSTILE


def test_a_source_is_escaped_in_every_format():
    variants = {"v": {"top1": {"value": 50, "source": HOSTILE}}, "w": {"top1": {"value": 49, "source": "=1+1"}}}
    found = archdsl.table(stated(net({"a": [{"conv": 4}]}, variants=variants)))
    assert mark_escape(HOSTILE) in found.to_markdown()
    assert tex_escape(HOSTILE) in found.to_latex()
    assert "<x>" not in found._repr_html_()
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["source"] for row in rows] == [HOSTILE, "'=1+1"]


def test_signs_that_latex_does_not_read_from_a_file_are_commands_in_a_table():
    assert tex_escape("λ ≤ 10⁻³ é ½") == r"\ensuremath{\lambda} \ensuremath{\leq} 10\ensuremath{^{-}}$^3$ é 1/2"


# --- LaTeX compiles
PAPER = rf"""\documentclass[twocolumn]{{article}}
\usepackage{{booktabs,tabularx,amssymb}}
\setlength{{\columnsep}}{{{ROOM["page"] - 2 * ROOM["column"]}pt}}
\setlength{{\textwidth}}{{{ROOM["page"]}pt}}
\setlength{{\textheight}}{{9in}}
\begin{{document}}
BODY
\end{{document}}
"""  # a paper as narrow as any


def tex(body: str, folder: Path) -> str:
    """The log of a document that compiled; skips where there is no TeX."""
    engine = shutil.which("pdflatex") or shutil.which("tectonic")
    if engine is None:
        pytest.skip("neither pdflatex nor tectonic is on PATH")
    (folder / "tables.tex").write_text(PAPER.replace("BODY", body), encoding="utf-8")
    if "tectonic" in Path(engine).name:
        command = [engine, "--chatter", "minimal", "tables.tex"]
    else:
        command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "tables.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
    log = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if "File `booktabs.sty' not found" in log or "File `amssymb.sty' not found" in log:
        pytest.skip("this TeX lacks booktabs or amssymb")
    assert done.returncode == 0, log[-2000:]
    assert (folder / "tables.pdf").stat().st_size > 1000
    return log


@pytest.mark.slow
def test_tables_of_every_network_fit_the_column_and_the_page_of_a_paper(tmp_path):
    tables = [
        archdsl.table(["squeezenet", "mnasnet", "fbnet@b"], sort="macs").to_latex(width="column", bold=True),
        archdsl.table(["mobilenet_v1", "mobilenet_v2"], variants=True).to_latex(width="column", caption="Sizes"),
        wide_comparison().to_latex(width="column", bold=True, caption="Compact", label="tab:compact"),
    ]
    for name in NETWORKS:
        found = counted(name)
        tables += [found.to_latex(width=width, caption=name, label=f"tab:{name}-{width}") for width in ROOM]
    groups = archdsl.table([f"shufflenet_v1@g{groups}-x1.0" for groups in (1, 2, 3, 4, 8)])
    tables.append(groups.stages.to_latex(width="page", caption="Groups"))
    log = tex("\n\\clearpage\n".join(tables), tmp_path)
    assert "Missing character" not in log
    assert "Overfull" not in log
    assert "multiply defined" not in log


def wide_comparison():
    """Networks with long variants, other inputs, and published numbers that differ."""
    return archdsl.table(["condensenet@imagenet-74-g4", "fbnet_v2@f1", "fbnet_v2@f2", "squeezenet@1.0"])


def test_variants_stand_below_their_networks_where_there_is_no_room_beside_them():
    lines = wide_comparison().to_latex(width="column", bold=True).splitlines()
    rows = [[cell.strip() for cell in line.removesuffix(r"\\").split("&")] for line in lines if line.endswith(r"\\")]
    assert [row[:2] for row in rows[-7:]] == [
        ["CondenseNet", ""],
        [r"\phantom{0}imagenet-74-g4", r"$224^2 \times 3$"],
        ["FBNetV2", ""],
        [r"\phantom{0}f1", r"$128^2 \times 3$"],
        [r"\phantom{0}f2", r"$160^2 \times 3$"],
        ["SqueezeNet", ""],
        [r"\phantom{0}1.0", r"$224^2 \times 3$"],
    ]
    assert (rows[-4][2:5], rows[-1][2]) == (["6.02", "6.00", r"\textbf{56}"], r"\textbf{1.25}")
    assert r"FBNetV2     & f1" in wide_comparison().to_latex(width="page")


def test_latex_of_hostile_texts_compiles(tmp_path, hostile):
    variants = {"v_1": {"top1": {"value": 50, "source": HOSTILE}}, "w-2": {"top1": 49}}
    compared = archdsl.table(stated(net({"a": [{"conv": 4}]}, variants=variants)))
    log = tex(f"{hostile.to_latex()}\n\n{compared.to_latex(bold=True)}", tmp_path)
    assert "Missing character" not in log


def test_a_table_that_cannot_fit_names_the_options_that_would():
    stages = archdsl.table(["mobilenet_v3@large-1.00", "mobilenet_v3@large-0.75"]).stages
    with pytest.raises(SpecError, match=r"the table needs \d+ pt, and a column has 234 pt") as told:
        stages.to_latex(width="column")
    help_, _, columns = str(told.value.diagnostics[0].help).partition(" --columns ")
    assert help_ == "take --width page, or fewer columns:"
    assert columns.startswith("stage,")
    assert columns.endswith("exp,c")
    assert "large-0.75" in stages.to_latex(width="column", columns=columns.split(","))


def test_a_narrow_table_leaves_columns_out_and_tells_the_totals_below():
    text = archdsl.cost("peleenet").to_latex(width="column")
    assert "Stage" not in text
    assert "Total: 2.80 M parameters, 508 M MACs." in text


def test_a_block_that_is_but_a_convolution_with_its_norm_or_another_block_is_that():
    conv = {"params": ["out"], "body": [{"conv": "out"}, "bn", "relu"]}
    blocks = {
        "ConvBNReLU": conv,
        "Nested": {"params": ["out"], "body": [{"ConvBNReLU": "out"}]},
        "Said": {"params": ["out"], "body": [{"ConvBNReLU": "out"}]},
        "Two": {"params": ["out"], "body": [{"ConvBNReLU": "out"}, {"conv": "out"}]},
        "Before": {"params": ["out"], "body": ["bn", {"conv": "out"}]},
        "Pool": {"params": ["out"], "body": [{"max_pool": 2}]},
        "Rows": {"params": ["out"], "body": [{"conv": "out"}, {"rearrange": "c h w -> c w h"}]},
        "Choice": {"params": ["out"], "body": [{"Two": "out", "when": "out > 4", "else": ["bn"]}]},
    }
    spec = {
        "archdsl": 1, "name": "Net", "input": [3, 8, 8], "blocks": blocks, "figure": {"labels": {"Said": "Stem"}},
        "stages": {"body": [{name: 8} for name in blocks]},
    }  # fmt: skip
    said = [row[2] for row in paper_table(archdsl.cost(spec)).rows]
    assert said == ["1×1 Conv", "1×1 Conv", "Stem", "Two", "Before", "2×2 Max pool", "Rows", "Two"]


def test_a_paper_names_the_operators_of_a_stage_that_is_no_chain():
    rows = paper_table(archdsl.cost("espnet")).rows
    said = {row[0]: row[2] for row in rows}
    assert said["merge2"] == "3×3 Avg pool ×2; Concat"
    assert said["decoder4"] == "2×2 Deconv; 1×1 Conv; Concat; ESP"
    assert {row[0]: row[2] for row in paper_table(counted("pelee")).rows}["predict"].startswith("Boxes ×6; Concat;")


def test_the_input_of_a_stage_is_a_tensor_that_it_reads():
    *_, predict, priors = counted("pelee").table.lines
    assert predict.input == (256, 1, 1)  # the map before it is one of those that it reads
    assert priors.input == (256, 19, 19)  # the predictions before it are not


def test_strides_that_differ_are_told_of_each_axis():
    step = {"conv": {"out": 4, "kernel": 3, "stride": [1, 2, 2]}}
    text = archdsl.cost(net({"a": [step, {"conv": 4}]}) | {"input": [3, 4, 8, 8]}).to_markdown(columns=["s"])
    assert text.splitlines()[2:4] == ["| 1×2×2 |", "| 1 |"]


def test_a_stride_is_that_of_the_map_whose_steps_are_widest_where_several_inputs_meet():
    spec = net({
        "image": [{"from": "picture", "body": [{"conv": {"out": 4, "kernel": 3, "stride": 2}}]}],
        "map": [{"from": "depth_map", "body": [{"conv": 4}]}],
        "both": [{"concat": ["image", "identity"]}, {"conv": {"out": 4, "kernel": 3, "stride": 2}}],
    })  # fmt: skip
    del spec["input"]
    found = archdsl.cost(spec | {"inputs": {"picture": [3, 32, 32], "depth_map": [1, 16, 16]}})
    assert found.table.lines[-1].stride == (2, 2)
    pair = archdsl.table([spec | {"inputs": {"picture": [3, 2 * n, 2 * n], "depth_map": [1, n, n]}} for n in (16, 32)])
    assert r"picture 32$^2$ $\times$ 3, depth map 16$^2$" in pair.to_latex()


def test_a_paper_has_blanks_for_the_underscores_of_stages():
    spec = net({"first_stage": [{"conv": 4}], "last": [{"conv": 8}]})
    assert "first stage" in archdsl.cost(spec).to_latex()
    pair = archdsl.table([spec, spec | {"input": [3, 8, 8]}]).stages
    assert "first stage" in pair.to_latex()
    assert "first_stage" in pair.to_text()


def test_lines_that_take_turns_are_one_line_of_a_paper():
    one = {"params": ["k"], "body": [{"residual": [{"conv": {"out": "c_in", "kernel": "k"}}, "bn"]}]}
    turn = {"repeat": 3, "body": [{"One": 1}, {"Two": 3}]}
    spec = net({"a": [{"conv": 4}, turn], "b": [turn, {"conv": 4}, {"Two": 3}]}, blocks={"One": one, "Two": one})
    found = archdsl.cost(spec)
    table = paper_table(found, ["stage", "operator", "n", "params"])
    assert [row[:3] for row in table.rows] == [
        ["a", "1×1 Conv", "1"],
        ["", "One; Two", "3"],
        ["b", "One; Two", "3"],
        ["", "1×1 Conv", "1"],
        ["", "Two", "1"],
    ]
    lines = found.table.condensed().lines
    assert sum(line.work.params for line in lines) == found.params
    assert lines[1].work.params == 3 * sum(line.work.params for line in found.table.lines[1:3])


def test_a_column_is_true_where_the_row_says_so_and_not_where_an_argument_is_its_contrary():
    unit = {"params": ["pooled", "skip"], "body": [{"max_pool": 2, "when": "pooled"}, {"conv": 4, "when": "skip"}]}
    rows = {"for": ["odd"], "in": [[False], [True]], "body": [{"Unit": [False, "not odd"]}, {"conv": 4}]}
    table = archdsl.cost(net({"a": rows}, blocks={"Unit": unit})).table
    assert not any(line.values.get("odd") for line in table.lines)


def test_rows_of_one_name_are_told_apart_by_their_stages():
    rows = {"for": ["name", "c"], "in": [["a", 4], ["b", 4]], "body": [{"conv": "c"}]}
    other = rows | {"in": [["b", 4], ["d", 4]]}
    table = paper_table(archdsl.cost(net({"one": rows, "two_more": other})), ["stage", "operator"])
    assert [row[0] for row in table.rows] == ["one a", "one b", "two more b", "two more d"]


def test_channels_of_tokens_are_their_features():
    tokens = [{"conv": {"out": 6, "kernel": 4, "stride": 4}}, {"rearrange": "c h w -> (h w) c"}]
    attention = [{"layer_norm": {"axis": "w"}}, {"multihead_attention": {"heads": 2, "axis": "w"}}]
    found = archdsl.cost(net({"a": tokens, "b": [{"residual": attention}]})).table.lines
    assert [(line.output, line.channels) for line in found] == [((64, 6), 6), ((64, 6), 6)]
    heads = {"rearrange": {"pattern": "n (k d) -> k n d", "k": 2}}
    moved = [
        [{"rearrange": "n d -> d n"}],
        [heads, {"rearrange": "k n d -> n (k d)"}],
        [heads, {"rearrange": "k n d -> (k n) d"}],
    ]
    last = [archdsl.cost(net({"a": tokens, "b": steps})).table.lines[-1] for steps in moved]
    assert [(line.output, line.channels) for line in last] == [((6, 64), 6), ((64, 6), 6), ((128, 3), 3)]
    signal = archdsl.cost(net({"a": [{"conv": {"out": 6, "kernel": 3}}]}) | {"input": [1, 40]}).table.lines
    assert [(line.output, line.channels) for line in signal] == [((6, 40), 6)]


def test_columns_that_figures_hide_are_in_the_data_alone():
    unit = {"params": ["c", "k"], "body": [{"conv": {"out": "c", "kernel": "k"}}, {"conv": "2 * c"}]}
    rows = {"for": ["c", "k"], "in": [[4, 1], [8, 3]], "body": [{"Unit": ["c", "k"]}]}
    found = archdsl.cost(net({"a": rows}, blocks={"Unit": unit}, figure={"hide": ["Unit.c"]}))
    assert found.to_latex().splitlines()[3].split("&")[3:5] == [" $k$ ", " $c$ "]
    assert paper_table(found, ["operator", "c"]).rows == [["Unit", "8"], ["Unit", "16"]]
    data = json.loads(printed(found, "json"))["table"]
    assert [line["values"]["c"] for line in data["lines"]] == [4, 8]


def test_a_caption_makes_a_float_with_a_label():
    lines = archdsl.cost("mobilenet_v2").to_latex(width="page", caption="50 % of V_2", label="tab:v2").splitlines()
    assert lines[1:5] == [r"\begin{table*}[t]", r"\centering", r"\caption{50 \% of V\_2}", r"\label{tab:v2}"]
    assert r"\end{table*}" in lines


def test_ampersands_of_the_source_stand_below_each_other():
    rows = [line for line in archdsl.cost("mobilenet_v2").to_latex().splitlines() if line.endswith(r"\\")]
    assert len({tuple(n for n, mark in enumerate(row) if mark == "&") for row in rows}) == 1


def test_equal_rows_of_a_paper_are_one():
    rows = paper_table(archdsl.cost("mobilenet_v3")).rows
    assert [row[-3] for row in rows] == ["1"] * 5 + ["2", "1", "1", "2", "1", "1", "1", "2", "1", "1", "1", "1"]
    assert len(archdsl.cost("mobilenet_v3").table.lines) == len(rows) + 3


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((3, 224, 224), "224² × 3"),
        ((3, 256, 512), "256 × 512 × 3"),
        ((3, 16, 112, 112), "16 × 112 × 112 × 3"),
        ((8, 16, 16, 16), "16³ × 8"),
        ((1280,), "1280"),
        ((196, 768), "196 × 768"),
    ],
)
def test_shapes_are_written_as_in_papers(shape, text):
    assert as_printed(shape) == text


def test_columns_are_chosen_in_their_order():
    found = archdsl.cost("mobilenet_v2")
    assert found.to_markdown(columns=["c", "stage", "norm"]).splitlines()[0] == "| c | stage | norm |"
    assert found.to_latex(columns=["operator", "macs"]).splitlines()[3].split() == [
        "Operator",
        "&",
        "MACs",
        "(M)",
        r"\\",
    ]
    assert "source" not in archdsl.table("squeezenet").to_text(columns=["variant", "top1"])


def test_columns_are_chosen_by_the_words_of_the_spec_and_by_the_headings_of_the_table():
    labels = {"Unit.dfc": "DFC (long)", "Unit.odd": "DFC (short)"}
    rows = {"for": ["dfc", "odd"], "in": [[1, 4], [2, 3]], "body": [{"Unit": ["dfc", "odd"]}]}
    unit = {"params": ["dfc", "odd"], "body": [{"conv": "dfc"}, {"conv": "odd"}, {"conv": 9}]}
    found = archdsl.cost(net({"a": rows}, blocks={"Unit": unit}, figure={"labels": labels}))
    for names in (["stage", "dfc", "params"], ["Stage", "dfc (Long)", "Params (M)"]):
        head, *_ = found.to_markdown(columns=names).splitlines()
        assert head == "| stage | DFC (long) | params |"
    with pytest.raises(SpecError, match="no column 'dfx'") as told:
        found.to_latex(columns=["dfx"])
    help = "did you mean 'dfc'? The columns are stage, input, operator, dfc (DFC (long)), odd (DFC (short)), "
    assert str(told.value.diagnostics[0].help).startswith(help)
    pair = archdsl.table(["mobilenet_v2@1.00-224", "mobilenet_v2@0.75-224"])
    assert pair.stages.to_markdown(columns=["c"]) == pair.stages.to_markdown(columns=["channels"])


def test_notes_below_a_comparison_are_those_of_its_columns():
    found = archdsl.table(["peleenet", "mobilenet_v2@1.00-224"])
    assert "publ.: as published" in found.to_latex()
    assert "README" in found.to_latex(columns=["Network", "Top-1"])
    bare = found.to_latex(columns=["network", "input"])
    assert "publ." not in bare
    assert "README" not in bare
    assert "arXiv" not in bare


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cost", "squeezenet", "--columns", "param"], "did you mean 'params'?"),
        (["cost", "squeezenet", "--columns", "params", "--format", "csv"], "csv has all columns"),
        (["cost", "squeezenet", "--width", "page"], "text has no width, caption or label"),
        (["cost", "squeezenet", "--width", "pages", "--format", "latex"], "did you mean 'page'?"),
        (["table", "squeezenet", "--stages", "--format", "csv"], "choose from text, md, latex"),
        (["table", "squeezenet", "--stages", "--bold"], "cannot print the best in bold"),
        (["table", "squeezenet", "--bold"], "text does not support --bold"),
        (["table", "squeezenet", "--label", "a", "--format", "latex"], "a label needs a caption"),
        (["table", "squeezenet", "--label", "a}", "--caption", "a", "--format", "latex"], "'a}' is not a label"),
    ],
)
def test_a_wrong_choice_for_a_paper_is_told(arguments, says, capsys):
    assert main(arguments) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["cost", "table"])
def test_the_suffix_of_a_file_decides_its_format(command, tmp_path):
    for name, start in {"a.tex": "%", "a.md": "|", "a.txt": "SqueezeNet"}.items():
        assert (
            main([command, "squeezenet@1.0" if command == "table" else "squeezenet", "-o", str(tmp_path / name)]) == 0
        )
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


def test_latex_names_the_packages_that_it_needs():
    assert archdsl.cost("mobilenet_v3").to_latex().splitlines()[0].endswith(r"Needs \usepackage{booktabs,amssymb}.")
    assert archdsl.cost("mobilenet_v2").to_latex().splitlines()[0].endswith(r"Needs \usepackage{booktabs}.")


# --- published accuracies
def test_accuracies_of_the_shipped_specs_are_those_published():
    with (DATA / "top1.csv").open(encoding="utf-8") as file:
        published = {(row["spec"], row["variant"]): (float(row["top1"]), row["source"]) for row in csv.DictReader(file)}
    found = {}
    for name in NETWORKS:
        spec = read(name)
        for variant in spec.variants.values():
            if variant.top1 is not None:
                source = variant.published.source or spec.paper.get("top1", "paper")
                found[name, variant.name] = (variant.top1, source)
    assert found == published


@pytest.mark.parametrize(
    ("spec", "variant", "params", "macs"),
    [
        ("ghostnet", "1.3", "7.3 M", "226 M"),
        ("mobilenet_v3", "large-1.00", "5.4 M", "219 M"),
        ("mobilenet_v3", "small-minimalistic", "", "65 M"),
        ("squeezenext", "1.0-23", "", "282 M"),
        ("espnet_v2", "x0.5", "", "28.37 M"),
        ("fbnet", "a", "4.28648 M", ""),
    ],
)
def test_published_counts_of_shipped_specs_that_differ_are_told(spec, variant, params, macs):
    published = counted(spec, variant).published.counts
    assert {name: amount.text for name, amount in published.items()} == {
        name: text for name, text in (("params", params), ("macs", macs)) if text
    }


def test_published_numbers_stand_beside_ours_where_they_differ_and_in_the_form_that_they_are_of():
    spec = {
        "name": "Net",
        "params": {"width": 8},
        "input": [3, 16, 16],
        "stages": {
            "stem": [{"conv": {"out": "width", "bias": False}}],
            "body": [{"learned_group_conv": {"out": 16, "groups": 2, "condense": 2}}],
        },
        "variants": {
            "a": {"published": {"params": "0.2 K", "macs": "9 K", "top1": 73.8, "form": "deploy"}},
            "b": {"width": 16, "published": {"params": 300, "macs": "0.1 M", "source": "a page"}},
        },
    }
    prints = {name: archdsl.graph(spec, name).fingerprint for name in "ab"}
    spec["expect"] = {name: {"graph": found} for name, found in prints.items()}
    trained, deployed = archdsl.table(spec), archdsl.table(spec, form="deploy")
    assert [(row.params, row.macs) for row in trained.rows] == [(152, 38912), (304, 77824)]
    assert [(row.params, row.macs) for row in deployed.rows] == [(88, 22528), (176, 45056)]
    assert [row.top1 for row in trained.rows] == [None, None]
    assert [row["published"] for row in trained.data()] == [{}, {"params": 300}]
    assert "published of the form 'deploy' (--form deploy): Net a" in trained.to_text()
    assert [(row.top1, row.form) for row in deployed.rows] == [(73.8, "deploy"), (None, "deploy")]
    assert [row["published"] for row in deployed.data()] == [{"params": 200, "macs": 9000}, {}]
    lines = deployed.to_latex().splitlines()
    assert lines[3] == r"& \multicolumn{2}{c}{Params (K)} & \multicolumn{2}{c}{MACs (K)} & \\"
    cells = [cell.strip() for cell in lines[7].rstrip(" \\").split("&")]
    assert cells == ["a", "0.09", "0.2", "22.5", "9", "73.8"]
    assert deployed.to_markdown(columns=["params"]).splitlines()[0] == "| params | published params |"
    assert archdsl.table([archdsl.graph(spec, "a", form="deploy")]).rows[0].top1 == 73.8

    trained, deployed = archdsl.cost(spec, "a"), archdsl.cost(spec, "a", form="deploy")
    assert "published numbers are of the form 'deploy': --form deploy shows them" in trained.to_text()
    assert "published: params 0.2 K, MACs 9 K, top-1 73.8 % (paper)" in deployed.to_markdown()
    below = [line.split("&") for line in deployed.to_latex().splitlines() if line.startswith("Published")]
    assert [cell.split("\\")[0].strip() for cell in below[0][-2:]] == ["0.2", "9"]
    stated = json.loads(printed(deployed, "json"))
    assert (stated["top1"], stated["source"], stated["published"]) == (73.8, "paper", {"params": 200, "macs": 9000})
    assert archdsl.cost(spec, "a", form="deploy", input=[3, 8, 8]).published.top1 is None


@pytest.mark.parametrize(
    ("text", "ours", "shown"),
    [
        ("315.2 M", 311_579_072, "315"),  # as exact as ours
        ("56.41 M", 56_231_936, "56.4"),  # or as exact as it takes
        ("4 M", 3_448_880, "4"),  # never more exact than published
    ],
)
def test_a_published_count_is_as_exact_as_ours_or_as_it_takes_to_read_otherwise(text, ours, shown):
    variant = {"published": {"macs": text}}
    (found,) = read(net({"a": [{"conv": 4}]}, variants={"v": variant})).variants.values()
    assert found.published.macs.beside(ours, 10**6, 0) == shown


def test_an_accuracy_is_not_handed_on_by_extends():
    rows = {row.variant: row.top1 for row in archdsl.table("shufflenet_v2").rows}
    assert (rows["x0.5"], rows["torchvision-x0.5"]) == (60.3, None)


def test_an_accuracy_is_not_that_of_a_spec_laid_on_another(tmp_path):
    path = tmp_path / "mine.yaml"
    shutil.copy(Path(locate("mobilenet_v2")), tmp_path)
    path.write_text("name: Mine\nextends: mobilenet_v2.yaml\nvariants: {1.40-224: {width: 1.4, top1: 75.3}}\n")
    with pytest.raises(SpecError, match="does not say which network"):
        archdsl.table(path)
    same = read("mobilenet_v2").expect["1.40-224"].graph
    assert f"1.40-224 (its top1, 75.3, is now that of {same})" in update(path)
    rows = {row.variant: (row.params, row.top1) for row in archdsl.table(path).rows}
    assert rows["1.00-224"] == (3_504_872, None)
    assert rows["1.40-224"] == (6_108_776, 75.3)


@pytest.mark.parametrize(
    ("top1", "says"),
    [
        (0, "top1 is in percent, not 0"),
        (718, "top1 is in percent, not 718"),
        ({"source": "paper"}, "top1: has no value"),
        ({"value": 71.8, "sauce": "paper"}, "did you mean 'source'"),
        ({"value": 71.8, "source": ["paper"]}, "source: is a text"),
    ],
)
def test_a_wrong_accuracy_is_told(top1, says):
    with pytest.raises(SpecError, match=re.escape(says)):
        archdsl.table(net({"a": [{"conv": 4}]}, variants={"v": {"top1": top1}}))


# --- comparisons
def test_a_spec_alone_stands_for_its_variants():
    rows = archdsl.table("squeezenet").rows
    assert [row.variant for row in rows] == list(read("squeezenet").variants)
    assert (rows[1].params, rows[1].macs, rows[1].top1, rows[1].source) == (1235496, 349151936, None, None)
    assert (rows[2].top1, rows[2].source) == (60.38, "authors' SqueezeNet-Residual README")


def test_a_spec_beside_others_is_the_network_as_it_stands():
    rows = archdsl.table(["squeezenet", "mobilenet_v2@0.50-224"]).rows
    assert [(row.spec, row.variant) for row in rows] == [("squeezenet", "1.0"), ("mobilenet_v2", "0.50-224")]
    every = archdsl.table(["squeezenet", "mobilenet_v2@0.50-224"], variants=True).rows
    assert len(every) == len(read("squeezenet").variants) + 1


def test_files_dicts_and_graphs_can_be_compared(tmp_path):
    path = tmp_path / "my@net.yaml"
    path.write_text("name: Mine\ninput: [3, 8, 8]\nstages: {a: [conv: 4]}\nvariants: {big: {input: [3, 16, 16]}}\n")
    inline = net({"a": [{"conv": 8}]})
    rows = archdsl.table([path, f"{path}@big", inline, archdsl.graph(inline)]).rows
    assert [(row.spec, row.name, row.variant, row.input) for row in rows] == [
        ("my@net", "Mine", None, "3×8×8"),
        ("my@net", "Mine", "big", "3×16×16"),
        ("Net", "Net", None, "3×32×32"),
        ("Net", "Net", None, "3×32×32"),
    ]


def test_rows_can_be_sorted():
    by_macs = archdsl.table("mobilenet_v2", sort="macs").rows
    assert [row.macs for row in by_macs] == sorted(row.macs for row in by_macs)
    by_top1 = archdsl.table("squeezenet", sort="top1").rows
    assert [row.top1 for row in by_top1] == [60.38, 57.5, None, None, None]
    with pytest.raises(SpecError, match="sorted by params, macs, top1"):
        archdsl.table("squeezenet", sort="speed")


def test_the_best_is_bold_only_if_asked_for():
    found = archdsl.table("squeezenet")
    assert r"\textbf" not in found.to_latex()
    assert "**" not in found.to_markdown()
    bold = found.to_markdown(bold=True)
    assert re.findall(r"\*\*(.*?)\*\*", bold) == ["1,235,496", "349,151,936", "60.38", "1,235,496", "349,151,936"]
    assert found.to_latex(bold=True).count(r"\textbf") == 5


def test_a_comparison_without_accuracies_has_no_column_for_them():
    assert "top-1" not in archdsl.table("espnet").to_text()
    assert "Top-1" not in archdsl.table("espnet").to_latex()


def test_stages_of_networks_stand_side_by_side_and_what_they_have_in_common_once():
    rows = {"for": ["c", "n"], "in": "rows", "body": [{"repeat": "n", "body": [{"conv": {"out": "c", "kernel": 3}}]}]}
    stages = {"stem": [{"conv": {"out": 8, "stride": 2}}], "body": rows, "head": ["global_avg_pool"]}
    variants = {"a": {"rows": [[8, 1], [16, 2]]}, "b": {"rows": [[8, 1], [24, 2]]}, "c": {"rows": [[8, 1]]}}
    spec = net(stages, params={"rows": None}, variants=variants)
    graphs = {name: archdsl.graph(spec, name) for name in variants}
    found = archdsl.table([graphs["a"], graphs["b"]]).stages.table()
    assert [column.whole for column in found.columns] == [
        *("Stage", "Output", "Operator", "Repeats", "Stride"),
        *("Channels a", "Channels b"),
    ]
    assert found.rows == [
        ["stem", "16²", "1×1 Conv", "1", "2", "8", "8"],
        ["body", "16²", "3×3 Conv", "1", "1", "8", "8"],
        ["", "16²", "3×3 Conv", "2", "1", "16", "24"],
        ["head", "1²", "GAP", "1", "–", "16", "24"],
    ]
    assert [row[0] for row in found.totals] == ["Params (K)", "MACs (M)"]
    chosen = archdsl.table([graphs["a"], graphs["b"]]).stages.to_latex(columns=["stage", "operator"])
    assert r"\multicolumn{2}{c}{MACs (M)}" in chosen  # nothing else tells them apart
    with pytest.raises(SpecError, match=re.escape("stem, body (2), head and stem, body, head")):
        archdsl.table([graphs["a"], graphs["c"]]).stages.to_text()


def test_rows_that_networks_side_by_side_repeat_alike_are_one_row():
    unit = {"params": ["c", "act"], "body": [{"conv": "c"}, {"act": "act"}]}
    rows = {"for": ["c", "act"], "in": "rows", "body": [{"Unit": ["c", "act"]}]}
    variants = {
        "a": {"rows": [[8, "relu"], [8, "relu"], [16, "silu"]]},
        "b": {"rows": [[4, "relu"], [4, "relu"], [6, "silu"]]},
        "c": {"rows": [[8, "relu"], [16, "silu"], [16, "silu"]]},
    }
    start = {"stem": [{"conv": "rows[0][0]"}], "body": rows}
    spec = net(start, params={"rows": None}, variants=variants, blocks={"Unit": unit})
    graphs = {name: archdsl.graph(spec, name) for name in variants}
    table = archdsl.table([graphs["a"], graphs["b"]]).stages.table(["operator", "act", "n", "c"])
    assert table.rows == [
        ["1×1 Conv", "–", "1", "8", "4"],
        ["1×1 Conv", "ReLU", "2", "8", "4"],
        ["1×1 Conv", "SiLU", "1", "16", "6"],
    ]
    assert [column.right for column in table.columns] == [False, False, True, True, True]
    other = archdsl.table([graphs["a"], graphs["c"]]).stages.table(["operator", "c"])
    assert [row[1:] for row in other.rows] == [["8", "8"], ["8", "8"], ["8", "16"], ["16", "16"]]


def test_sources_of_several_networks_name_the_paper():
    text = archdsl.table(["shufflenet_v1@g1-x1.0", "squeezenet"]).to_latex()
    assert "arXiv 1707.01083, Table 2" in text
    assert "arXiv 1602.07360" in text


def test_a_comparison_shows_itself_in_a_notebook():
    assert "<td" in archdsl.table("squeezenet")._repr_html_()
    assert "1,248,424" in archdsl.table("squeezenet")._repr_html_()


def test_json_is_the_data_of_the_rows():
    found = archdsl.table("squeezenet")
    assert json.loads(found.to_json()) == {"archdsl_table": 1, "rows": found.data()}
    assert found.data()[0]["inputs"] == {"x": [3, 224, 224]}


def test_json_of_a_cost_has_the_table():
    table = json.loads(printed(archdsl.cost("mobilenet_v2"), "json"))["table"]
    assert table["columns"] == ["t", "c", "n", "s"]
    assert table["lines"][2]["values"] == {"t": 6, "c": 24, "n": 2, "s": [2, 2]}


# --- the command
@pytest.mark.parametrize("form", TABLE_FORMATS)
def test_the_command_prints_every_format(form, capsys):
    assert main(["table", "squeezenet@1.1", "mobilenet_v2@1.00-224", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert ("3.50" if form == "latex" else "3504872") in shown.replace(",", "")


def test_the_command_writes_a_file(tmp_path, capsys):
    assert main(["table", "squeezenet", "--format", "latex", "-o", str(tmp_path / "all.tex")]) == 0
    assert (tmp_path / "all.tex").read_text(encoding="utf-8") == archdsl.table("squeezenet").to_latex()
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["squeezenet@1.2"], "did you mean '1.1'?"),
        (["squeezenet@"], "is not of the form spec@variant"),
        (["squeezenett"], "did you mean 'squeezenet'?"),
        (["squeezenet", "--sort", "mac"], "did you mean 'macs'?"),
        (["squeezenet", "--format", "markdown"], "choose from text, md, latex, json, csv"),
    ],
)
def test_a_wrong_call_is_told(arguments, says, capsys):
    assert main(["table", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_networks_at_another_input_and_with_other_params_have_no_published_accuracy():
    found = archdsl.table(["mobilenet_v2@1.00-224", "shufflenet_v2@x1.0"], input=[3, 160, 160], num_classes=10)
    wanted = [archdsl.cost(row.spec, row.variant, input=[3, 160, 160], num_classes=10) for row in found.rows]
    assert [(row.params, row.macs) for row in found.rows] == [(cost.params, cost.macs) for cost in wanted]
    assert {row.top1 for row in found.rows} == {None}
    with pytest.raises(archdsl.SpecError, match="a Graph already has its input and params"):
        archdsl.table([archdsl.graph("squeezenet")], num_classes=10)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (960, "960"), (9_999, "9,999"), (10_328, "10.33 k"), (3_504_872, "3.505 M"), (37_700_000_000, "37.7 G")],
)
def test_numbers_below_ten_thousand_are_written_in_full(number, said):
    assert short(number) == said


def test_bytes_have_their_unit_behind_a_space():
    assert (short(960, "B"), short(54_660_000, "B")) == ("960 B", "54.66 MB")


def test_a_column_has_the_words_that_figures_have_for_its_argument():
    spec = {
        "archdsl": 1,
        "name": "Net",
        "input": [3, 8, 8],
        "figure": {"labels": {"Unit.attention": "DFC", "Unit.groups": "G="}},
        "blocks": {
            "Unit": {
                "params": {"out": None, "attention": False, "groups": 1},
                "body": [
                    {"conv": {"out": "out", "kernel": 3, "groups": "groups"}},
                    {"relu": None, "when": "attention"},
                ],
            }
        },
        "stages": {
            "body": {
                "for": ["c", "dfc", "g"],
                "in": [[4, False, 1], [8, True, 2]],
                "body": [{"Unit": {"out": "c", "attention": "dfc", "groups": "g"}}],
            }
        },
    }
    headings = printed(archdsl.cost(spec), "md").splitlines()[0].split(" | ")
    assert {"DFC", "G"} <= set(headings)
