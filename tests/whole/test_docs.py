"""The documentation says what is: its specs build, its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from support.places import DOCS, ROOT

import archdsl
from archdsl.commands import cli
from archdsl.commands.status import CHANGES, OK
from archdsl.ops import REGISTRY
from archdsl.syntax import json_schema, words
from archdsl.syntax.reading.structure import READERS
from archdsl.syntax.words import BESIDE, FORMS, RESIDUAL, STRUCTURE
from archdsl.workspace.library import shipped

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
OWN = [path for path in PAGES if "errors" not in path.parts]  # the pages of errors show wrong specs, tested elsewhere
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|href)="([^"]+)\"""")


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(path, *languages):
    """The code blocks of a page in these languages."""
    found = FENCE.findall(path.read_text(encoding="utf-8"))
    return [text for language, text in found if language in languages]


def prose(path):
    """A page without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def make():
    """docs/make.py as a module."""
    spec = importlib.util.spec_from_file_location("docs_make", DOCS / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- code blocks
SPECS = [
    (path, text) for path in OWN for text in blocks(path, "yaml") if re.search(r"^archdsl: 1$", text, re.MULTILINE)
]


def test_every_code_block_says_its_language():
    bare = [
        name_of(path)
        for path in PAGES
        for language, _ in FENCE.findall(path.read_text(encoding="utf-8"))
        if not language
    ]
    assert bare == []


def is_alone(text):
    """Whether a spec needs no other file."""
    return not re.search(r"^(use|extends):", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("path", "text"), [item for item in SPECS if is_alone(item[1])], ids=lambda v: v.stem if isinstance(v, Path) else ""
)
def test_a_whole_spec_in_a_page_checks(path, text, tmp_path, capfd):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    status = cli.main(["check", str(file)])
    assert status == 0, capfd.readouterr().err


def test_the_network_of_the_home_page_builds(tmp_path, monkeypatch, capfd):
    (text,) = (text for path, text in SPECS if path == DOCS / "index.md")
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(text, encoding="utf-8")
    assert cli.main(["build", "tiny.yaml"]) == 0
    capfd.readouterr()
    assert Path("build/tiny/tiny.py").is_file()


@pytest.mark.parametrize("name", ["docs/python.md", "docs/backbones.md"])
def test_the_python_of_a_page_runs(name, tmp_path, monkeypatch):
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    names = {}
    for text in blocks(ROOT / name, "python"):
        exec(compile(text, name, "exec"), names)
    assert "archdsl" in names


@pytest.mark.slow
def test_the_steps_of_the_page_on_deployment_run_in_their_order(tmp_path, monkeypatch, capfd):
    text = (DOCS / "deploying.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    names = {}
    for kind, step in re.findall(r"^```(python|sh)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if kind == "python":
            exec(compile(step, "deploying.md", "exec", dont_inherit=True), names)
        else:
            for line in step.splitlines():
                assert cli.main(shlex.split(line)[1:]) == 0, capfd.readouterr().err
    said = capfd.readouterr().out
    assert "proven: the outputs equal those of the module" in said
    assert "ShuffleNetV2" in said


def test_the_worked_example_of_an_op_registers_builds_draws_and_costs():
    known = set(REGISTRY)
    names = {"__name__": "scratch"}
    try:
        for text in blocks(DOCS / "adding-an-op.md", "python"):
            exec(compile(text, "adding-an-op.md", "exec", dont_inherit=True), names)
        assert set(REGISTRY) - known == {"focus"}
        assert names["model"].stem[0].focus.downscale_factor == 2
        assert names["fault"].span is not None
    finally:
        for added in set(REGISTRY) - known:
            del REGISTRY[added]
    with pytest.raises(archdsl.SpecError, match="focus"):
        archdsl.graph(names["spec"])


def test_the_worked_example_of_a_back_end_prints_and_registers(tmp_path, monkeypatch, capfd):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "mermaid.py").write_text(blocks(DOCS / "adding-a-back-end.md", "python")[0])
    (table,) = blocks(DOCS / "adding-a-back-end.md", "toml")
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[archdsl.backends]\n{table.splitlines()[1]}\n".replace('"', ""))

    names = {"__name__": "scratch"}
    for text in blocks(DOCS / "adding-a-back-end.md", "python"):
        exec(compile(text, "adding-a-back-end.md", "exec", dont_inherit=True), names)
    (command,) = blocks(DOCS / "adding-a-back-end.md", "console")
    assert cli.main(shlex.split(command)[2:]) == 0
    assert capfd.readouterr().out == names["text"]
    assert cli.main(["emit", "squeezenet", "--target", "mermaid", "--option", "stage=true"]) == 2
    assert "did you mean 'stages'" in capfd.readouterr().err


def test_the_worked_example_of_a_word_reads_lowers_and_builds(monkeypatch):
    scratch = ModuleType("scratch")
    monkeypatch.setitem(sys.modules, "scratch", scratch)  # where a dataclass looks for its module
    names = vars(scratch)
    try:
        for text in blocks(DOCS / "adding-a-word.md", "python"):
            exec(compile(text, "adding-a-word.md", "exec", dont_inherit=True), names)
        assert names["fault"].span is not None
        assert "dense" in json_schema.step()["properties"]
    finally:
        for table in (READERS, STRUCTURE, FORMS, BESIDE):
            table.pop("dense", None)
    with pytest.raises(archdsl.SpecError, match="this one has 'dense' and 'body'"):
        archdsl.graph(names["spec"])


def test_the_worked_example_of_a_pass_rewrites_carries_weights_and_registers(tmp_path, monkeypatch, capfd):
    texts = blocks(DOCS / "adding-a-pass.md", "python")
    names = {"__name__": "scratch"}
    for text in texts:
        exec(compile(text, "adding-a-pass.md", "exec", dont_inherit=True), names)
    assert {(5, 5)} == {tuple(part.weight.shape[2:]) for key, part in names["wide"].named_modules() if "3x3" in key}

    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "without_dropout.py").write_text(texts[0])
    (table,) = blocks(DOCS / "adding-a-pass.md", "toml")
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[archdsl.passes]\n{table.splitlines()[1]}\n".replace('"', ""))
    (command,) = blocks(DOCS / "adding-a-pass.md", "console")
    assert cli.main(shlex.split(command)[2:]) == 0
    assert cli.main(["passes"]) == 0
    assert re.search(r"without_dropout +Removes dropout, which does nothing in eval mode\.", capfd.readouterr().out)


# --- commands
def commands(path):
    """The calls of archdsl in the shell blocks of a page, and in its text."""
    lines = [line for text in blocks(path, "sh", "bash", "console") for line in text.splitlines()]
    lines += re.findall(r"`(archdsl [a-z][^`]*)`", prose(path))
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "&&" in words:
            words = words[words.index("&&") + 1 :]
        if words[:1] == ["archdsl"]:
            yield words[1:]


CALLS = [(path, words) for path in OWN for words in commands(path)]


@pytest.mark.parametrize(("path", "words"), CALLS, ids=[f"{path.stem}-{n}" for n, (path, _) in enumerate(CALLS)])
def test_a_command_in_a_page_exists(path, words):
    known = cli.archdsl.commands
    if not words or words[0].startswith("-") or words[0].isupper():
        return
    assert words[0] in known, f"{path.name}: archdsl {shlex.join(words)}"
    options = {name for item in known[words[0]].params for name in (*item.opts, *item.secondary_opts)} | {
        "--help",
        "-h",
    }
    given = {word.partition("=")[0] for word in words[1:] if word.startswith("-")}
    assert given <= options, f"{path.name}: archdsl {shlex.join(words)}"


def test_every_command_and_option_is_on_the_page_of_the_command_line():
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    for name, command in cli.archdsl.commands.items():
        assert f"archdsl {name}" in text
        for option in (name for item in command.params for name in item.opts if name.startswith("--")):
            assert option in text, f"{name} {option}"


def save_weights_of(words):
    """The file that a call of `port` reads: of the library's network, or of the spec before the edit."""
    import torch

    from archdsl.runtime.porting.libraries import network

    if "--from" in words:
        torch.save(network(words[words.index("--from") + 1]).state_dict(), words[1])
    elif "--between" in words:
        torch.save(archdsl.build(words[words.index("--between") + 1]).state_dict(), words[1])


@pytest.mark.parametrize("words", [words for path, words in CALLS if path.name == "cli.md"], ids=" ".join)
def test_a_command_on_the_page_of_the_command_line_does_what_it_says(words, tmp_path, monkeypatch, capfd):
    if not words or words[0].isupper() or (words[0] == "build" and "--out" not in words):
        pytest.skip("a name for any command, or tested with the README")
    if words[0] in ("lsp", "mcp", "watch"):
        pytest.skip("it runs until it is ended: tested with a client of its own")
    if "names" in words:
        pytest.skip("a back end of another package")
    if len(words) == 1 and any(item.required for item in cli.archdsl.commands[words[0]].params):
        pytest.skip("the command by its name alone")
    project(tmp_path, words)
    monkeypatch.chdir(tmp_path)
    if words[:2] == ["diff", "mine.yaml"]:
        commit_twice()
    if words[0] == "port":
        save_weights_of(words)
    warned = words[0] == "lint"
    assert cli.main(words) in ((OK, CHANGES) if warned else (OK,)), capfd.readouterr().err


@pytest.mark.parametrize("name", ["docs/backbones.md", "docs/install.md"])
def test_the_commands_in_the_blocks_of_a_page_run(name, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    lines = [line for text in blocks(ROOT / name, "sh", "console") for line in text.splitlines()]
    ran = [shlex.split(line)[1:] for line in (line.removeprefix("$ ") for line in lines) if line.startswith("archdsl ")]
    assert ran
    assert [words for words in ran if cli.main(words) != OK] == [], capfd.readouterr().err


def commit_twice():
    """The files of the folder in git, with an earlier state of them."""
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    for call in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-qm", "one"),
        ("commit", "-qm", "two", "--allow-empty"),
    ):
        subprocess.run([*git, *call], check=True)


MINE = "archdsl: 1\nname: Mine\nextends: peleenet\nvariants:\n  wide: {growth: 48}\n"


def project(folder, words):
    """A folder with some shipped specs, and the files of the user that the page speaks of."""
    (folder / "specs").mkdir()
    for name in ("espnet", "mobilenet_v2", "peleenet"):  # each shipped one is checked and linted by tests of its own
        shutil.copy(ROOT / "specs" / f"{name}.yaml", folder / "specs")
    (folder / "pyproject.toml").touch()
    (folder / "configs").mkdir()
    for name in ("mine.yaml", "my_net.yaml", "base/net.yaml"):
        if words[:2] != ["new", name]:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(MINE, encoding="utf-8")


# --- generated parts
@pytest.mark.slow
def test_generated_parts_are_up_to_date(make):
    assert [name_of(path) for path in make.outdated()] == [], "run python docs/make.py"


def test_every_op_is_on_the_page_of_ops():
    text = (DOCS / "ops.md").read_text(encoding="utf-8")
    for name, op in REGISTRY.items():
        section = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        assert all(f"| `{item.name}` |" in section for item in op.fields), name


def test_every_word_has_an_anchor_of_its_own(make):
    tables = [table for name, table in vars(words).items() if name.isupper() and isinstance(table, Mapping)]
    told = [keys for _, keys, _ in make.PLACES.values()]
    assert all(
        table in told
        for table in tables
        if table and all(isinstance(said, str) for said in table.values()) and table is not RESIDUAL
    )

    text = (DOCS / "words.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#{3,4} (.+)$", text, re.MULTILINE)
    assert len(headings) == len(set(headings))
    assert set(headings) >= {form.format(key) for form, keys, _ in make.PLACES.values() for key in keys}
    beside = {**BESIDE, "residual": RESIDUAL}
    assert set(headings) >= {f"`{key}` of `{word}`" for word, keys in beside.items() for key in keys}


def test_the_table_of_torchs_layers_leaves_none_out_and_names_steps_that_are_its_layers():
    from torch import nn

    known = yaml.safe_load((DOCS / "torch_nn.yaml").read_text(encoding="utf-8"))
    kinds = {name for name, kind in vars(nn).items() if isinstance(kind, type) and issubclass(kind, nn.Module)}
    layers = {name for name in kinds if not re.search(r"Loss\d?d?$|^Lazy", name)} - set(known["beside"])
    said = [part for name in (*known["ops"], *known["none"]) for part in name.split(", ")]
    assert {name if name in said else re.sub(r"[123]d$", "", name) for name in layers} == set(said)
    assert len(set(said)) == len(said)
    for name, step in known["ops"].items():
        op, _, given = step.partition(": ")
        fields = yaml.safe_load(given) if given else {}
        assert op in REGISTRY, name
        assert set(fields) <= {item.name for item in REGISTRY[op].fields}, name


def test_every_figure_is_shown_and_no_other_is_there(make):
    shown = {(path.parent / link).resolve() for path in OWN for link in links(path) if link.endswith(".svg")}
    there = {path for folder in (DOCS / "images", DOCS / "systems" / "images") for path in folder.iterdir()}
    assert there == shown
    assert set(make.IMAGES) == {path.name for path in (DOCS / "images").iterdir()}


def test_the_readme_counts_what_is_shipped():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    names = shipped()
    variants = sum(len(archdsl.variants(name)) or 1 for name in names)
    assert f"archdsl ships {len(names)} lightweight CNNs" in text
    assert f"in {variants} variants" in text


def test_every_optional_part_is_on_the_page_of_installing():
    tomllib = pytest.importorskip("tomllib")
    given = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    told = re.findall(r"^\| (`.*?) \|", (DOCS / "install.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for cell in told for name in re.findall(r"`(\w+)`", cell)} == set(given)


# --- links
def links(path):
    return [first or second for first, second in LINK.findall(prose(path))]


def anchors(path):
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(path):
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link}: there is no such file"
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


def test_every_page_is_reached_from_the_index():
    reached = {(path.parent / link.partition("#")[0]).resolve() for path in PAGES for link in links(path)}
    assert [name_of(path) for path in sorted(DOCS.rglob("*.md")) if path not in reached] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_page_names_no_place_of_one_machine(path):
    assert not re.search(r"(/home/|/root/|/tmp/|/Users/|/work/)", path.read_text(encoding="utf-8"))


# --- what a prompt shows
def test_a_graph_and_its_parts_are_shown_in_a_line():
    graph = archdsl.graph("peleenet")
    node = graph.nodes[3]
    assert repr(graph) == "<Graph PeleeNet: 369 nodes, 3 stages>"
    assert repr(node) == "<Node 3 max_pool stem.max_pool: 32×56×56>"
    assert repr(node.inputs[0]) == "<Tensor 32×112×112 of stem.conv_bn_relu.relu>"
    assert repr(node.scope) == "<Scope block StemBlock at stem>"


def test_the_rooms_of_the_internals_are_those_of_the_package():
    table = (DOCS / "internals.md").read_text(encoding="utf-8").split("\n## The rooms\n")[1].split("\n## ")[0]
    package = ROOT / "archdsl"
    rooms = [path.parent.name for path in package.glob("*/__init__.py")]
    named = re.findall(r"^\| `(\w+)/` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(rooms)
