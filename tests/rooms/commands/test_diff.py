"""`archdsl diff`: what is compared with what, and what is printed.

Golden files: `golden/diff/NAME.txt` and others. After a change of what is printed write them anew with

    ARCHDSL_REWRITE_GOLDEN=1 python -m pytest tests/rooms/commands/test_diff.py -k golden
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.places import GOLDEN

import archdsl
from archdsl.commands import cli

PAIRS = {
    "peleenet-growth": ("peleenet", "--set", "growth=24"),
    "mobilenet_v3-small": ("mobilenet_v3@large-1.00", "@small-1.00"),
    "efficientnet-b6-b7": ("efficientnet@b6", "@b7"),
    "resnet-resnext": ("resnet@50", "resnet@resnext50-32x4d"),
}
FORMATS = {"md": ("peleenet-growth",), "dot": ("peleenet-growth",), "tex": ("efficientnet-b6-b7",), "txt": tuple(PAIRS)}
GOLDENS = [(name, suffix) for suffix, names in FORMATS.items() for name in names]
NET = """
archdsl: 1
name: Net
input: [3, 8, 8]
use: parts.yaml
stages: {a: [Unit: 4], b: [global_avg_pool, flatten, linear: 3]}
"""
PARTS = "archdsl: 1\nname: Parts\nblocks: {Unit: {params: [out], body: [conv: {out: out, kernel: 3}, relu]}}\n"


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, str, str]:
        status = cli.main(["diff", *args])
        return status, *capfd.readouterr()

    return call


@pytest.mark.parametrize(("name", "suffix"), GOLDENS)
def test_what_is_printed_is_the_golden_file(run, name, suffix):
    status, _, err = run(*PAIRS[name], "-o", f"made.{suffix}")
    assert (status, err) == (0, "")
    made, golden = Path(f"made.{suffix}").read_text(), GOLDEN / "diff" / f"{name}.{suffix}"
    if os.environ.get("ARCHDSL_REWRITE_GOLDEN"):
        golden.write_text(made)
    assert made == golden.read_text()


def test_every_golden_file_is_looked_at():
    assert {path.name for path in (GOLDEN / "diff").iterdir()} == {f"{name}.{suffix}" for name, suffix in GOLDENS}


def test_networks_that_are_the_same_are_said_to_be(run):
    same = "nothing was changed: both are the same network"
    assert run("peleenet", "peleenet@1.0") == (0, f"PeleeNet → PeleeNet 1.0\n  {same}\n", "")
    assert run("peleenet", "peleenet") == (0, f"peleenet → peleenet\n  {same}\n", "")
    assert run("peleenet", "peleenet", "--set", "growth=16", "--exit-code")[0] == 0
    status, out, _ = run("peleenet", "--set", "growth=16", "--exit-code")
    assert (status, out.splitlines()[:2]) == (3, ["PeleeNet → PeleeNet, growth=16", "  growth 32 → 16"])


def test_what_rewrites_one_network_is_what_it_is_compared_with(run):
    status, out, _ = run("squeezenet@1.1", "--pass", "remove_identities")
    assert (status, out.splitlines()[0]) == (0, "SqueezeNet 1.1 → SqueezeNet 1.1 with --pass remove_identities")
    assert "− Dropout 0.5" in out
    status, out, _ = run("squeezenet@1.1", "--form", "deploy", "--set", "num_classes=10")
    assert out.splitlines()[0] == "SqueezeNet 1.1 → SqueezeNet 1.1, num_classes=10"
    assert "− Dropout" not in out


def test_json_has_all_of_it(run):
    status, out, _ = run("peleenet", "--set", "dropout=0.1", "--input", "3,256,256", "--format", "json")
    found = json.loads(out)
    assert (status, found["archdsl_diff"], found["equal"]) == (0, 1, False)
    assert [change["text"] for change in found["changes"]] == ["dropout 0.05 → 0.1; input 3×224×224 → 3×256×256"]
    assert found["changes"][0]["changes"][1] == {
        "kind": "setting", "subject": "input", "what": "", "before": "3×224×224", "after": "3×256×256",
        "text": "input 3×224×224 → 3×256×256",
    }  # fmt: skip
    assert found["after"]["called"] == "PeleeNet, dropout=0.1, input 3×256×256"
    assert found["before"]["params"] == found["after"]["params"]
    assert [stage["after"]["output"] for stage in found["stages"]][:2] == [[32, 64, 64], [128, 32, 32]]
    assert found["weights"]["kept"] == found["weights"]["total"]


def test_a_page_says_all_and_loads_nothing(run):
    text = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {a: [{conv: 4, label: <b>&}], b: [relu]}\n"
    Path("net.yaml").write_text(text)
    Path("more.yaml").write_text(text.replace("b: [relu]", "c: [conv: 4, relu]"))
    assert run("net.yaml", "more.yaml", "-o", "page.html") == (0, "", "")
    page = Path("page.html").read_text()
    assert archdsl.diff("net.yaml", "more.yaml").draw("html") == page
    for part in ("default-src 'none'", "<li>+ stage c", "&lt;b&gt;&amp;", '<tr class="added">', '<tr class="removed">'):
        assert part in page
    assert page.count("<svg") == 1
    for part in ("<b>&", "src=", 'href="http', "<script"):
        assert part not in page


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_figure_is_drawn_by_the_name_of_the_file(run, suffix):
    assert run("squeezenet@1.0", "@1.1", "--theme", "dark", "-o", f"made.{suffix}") == (0, "", "")
    assert Path(f"made.{suffix}").stat().st_size > 1000


def test_a_table_for_a_paper_fits_a_column_without_the_outputs(run):
    asked = ("mobilenet_v2", "--set", "width=1.4", "--format", "latex")
    whole, narrow = (run(*asked, *words)[1] for words in ((), ("--width", "column")))
    assert ("Output" in whole, "Output" in narrow) == (True, False)
    assert r"\small" in narrow
    assert ("Operator" in narrow, "Stage" in narrow) == (True, False)  # rows without names
    assert "there is no width '3in'" in run(*asked, "--width", "3in")[2]
    named = run("squeezenet", "squeezenext", "--format", "latex", "--width", "column")[1]
    assert ("Operator" in named, "Stage" in named) == (False, True)


def test_a_table_for_a_paper_says_rows_by_what_they_do(run):
    text = run("mobilenet_v3@large-1.00", "@large-minimalistic", "--format", "latex")[1]
    assert "bnecks." not in text
    row = next(line for line in text.splitlines() if "exp 480" in line)
    assert "MBConv, k5 $\\to$ k3, exp 72, ReLU, $-$ SE" in text  # of k the new network has no column
    assert "MBConv, k3, exp 480, h-swish $\\to$ ReLU, $-$ SE" in row


def test_a_figure_calls_networks_as_papers_do(run):
    def heads(*words: str) -> str:
        assert run(*words, "-o", "made.dot") == (0, "", "")
        return Path("made.dot").read_text()

    assert "<B>PeleeNet, growth 24</B>" in heads("peleenet", "--set", "growth=24")
    assert "<B>SqueezeNet 1.1, deploy form</B>" in heads("squeezenet@1.1", "--form", "deploy")
    for name in ("one", "two"):
        Path(f"{name}.yaml").write_text("archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {a: [conv: 4]}\n")
    assert "<B>Net (two)</B>" in heads("one.yaml", "two.yaml")


# --- revisions
def git(*words: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, *words], check=True, capture_output=True)


@pytest.fixture
def repository(run):
    """A file of which each of three revisions has another form, and another one now; it uses a file beside it."""
    git("init", "-q")
    Path("nets").mkdir()
    for number, kernel in enumerate((1, 3)):
        Path("nets/parts.yaml").write_text(PARTS.replace("kernel: 3", f"kernel: {kernel}"))
        Path("nets/net.yaml").write_text(NET.replace("linear: 3", f"linear: {number + 3}"))
        git("add", "-A")
        git("commit", "-qm", "one")
    Path("nets/net.yaml").write_text(NET.replace("linear: 3", "linear: 4").replace("Unit: 4", "Unit: 8"))
    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ["Net at HEAD → Net now", "  in the Unit of a: out 4 → 8"]),
        (("--rev", "HEAD~1"), ["Net at HEAD~1 → Net now", "  in the Unit of a: out 4 → 8; conv kernel 1 → 3",
                               "  b: linear out 3 → 4"]),
        (("--rev", "HEAD~1..HEAD"), ["Net at HEAD~1 → Net at HEAD", "  in Unit: conv kernel 1 → 3",
                                     "  b: linear out 3 → 4"]),
    ],
)  # fmt: skip
def test_a_file_is_compared_with_itself_as_it_was(repository, words, said):
    status, out, err = repository("nets/net.yaml", *words)
    assert (status, err) == (0, "")
    assert out.replace("in the Unit of a", "in Unit").splitlines()[: len(said)] == [
        line.replace("in the Unit of a", "in Unit") for line in said
    ]


def test_what_is_set_by_path_is_set_at_every_revision(repository):
    status, out, err = repository("nets/net.yaml", "--rev", "HEAD", "--set", "b.linear.out=7")
    assert (status, err) == (0, "")
    assert out.startswith("Net at HEAD, b.linear.out=7 → Net now, b.linear.out=7\n")
    assert "linear" not in out.splitlines()[1]


def test_faults_of_a_revision_are_told_at_its_place(repository):
    Path("nets/net.yaml").write_text(NET.replace("Unit: 4", "Unt: 4"))
    git("commit", "-qam", "three")
    status, out, err = repository("nets/net.yaml")
    assert (status, out) == (2, "")
    assert err.startswith("HEAD:nets/net.yaml:6:14: error[unknown-block]")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("peleenet",), "there is nothing to compare 'peleenet' with"),
        (("nets/net.yaml", "--rev", "nothing"), "there is no revision 'nothing'"),
        (("nets/net.yaml", "--rev=--all"), "there is no revision '--all'"),
        (("nets/net.yaml", "--rev", "HEAD...HEAD"), "'HEAD...HEAD' is not a range of revisions"),
        (("other.yaml", "--rev", "HEAD"), "there is no file 'other.yaml' at HEAD"),
        (("peleenet", "peleenet", "--rev", "HEAD"), "--rev compares a file with an earlier version of itself"),
        (("peleenet", "peleenet", "peleenet"), "diff compares two networks, not 3"),
        (("peleenet@1.0", "peleenet", "--variant", "1.0"), "two variants are asked for, 1.0 and 1.0"),
        (("peleenet", "@nothing"), "'PeleeNet' has no variant 'nothing'"),
        (("peleenet", "mobilenet_v2", "--format", "csv"), "there is no format 'csv'"),
    ],
)
def test_a_call_at_fault_is_refused(repository, words, said):
    status, out, err = repository(*words)
    assert (status, out) == (2, "")
    assert said in err


def test_outside_of_a_repository_git_says_so(run):
    Path("net.yaml").write_text("archdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages: {a: [relu]}\n")
    status, _, err = run("net.yaml")
    assert status == 2
    assert "not a git repository" in err
