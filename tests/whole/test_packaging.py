"""The rooms of the package and what they import; the package as installed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest
import yaml
from support.places import PACKAGE, ROOT, TESTS

import archdsl
from archdsl import backends
from archdsl.ops import REGISTRY
from archdsl.workspace.library import shipped

# A room imports from itself and from those before it.
ROOMS = (
    "diagnostics",
    "support",
    "expr",
    "yaml",
    "ops",
    "syntax",
    "ir",
    "lowering",
    "analysis",
    "lint",
    "passes",
    "backends",
    "workspace",
    "editor",
    "live",
    "runtime",
    "timm",
    "hub",
    "api",
    "commands",
    "__init__",
    "__main__",
)
# What a thing shows of itself when asked to; imported at that moment.
UPWARD = {("analysis", "backends"), ("ir", "backends")}
LIGHT = ("torch", "networkx", "jinja2", "jsonschema", "rich", "click", "yaml", "pygraphviz", "graphviz", "numpy")


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if not path.relative_to(PACKAGE).parts[0].startswith("_c"))


def room(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def imports(path: Path) -> list[str]:
    """Dotted names that a file imports when it is run, late imports included."""
    return list(imported(path))


def imported(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    skipped = {id(inner) for node in typing for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[tuple[str, ...]]:
    """The parts below `archdsl` that a file imports."""
    found = {tuple(name.split(".")[1:]) for name in imports(path) if name.startswith("archdsl.")}
    return {parts for parts in found if not parts[0].startswith("__version")}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_its_room_and_those_before(path):
    for parts in own_imports(path):
        if (room(path), parts[0]) not in UPWARD:
            assert ROOMS.index(parts[0]) <= ROOMS.index(room(path)), f"{path.name} imports archdsl.{'.'.join(parts)}"


def test_every_room_says_what_it_holds():
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == {room for room in ROOMS if room[0] != "_"}
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_tests_mirror_the_rooms():
    mirrored = {path.relative_to(TESTS / "rooms").parts[0] for path in (TESTS / "rooms").rglob("test_*.py")}
    assert mirrored == {room for room in ROOMS if room[0] != "_"}
    assert {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")} == {"rooms", "whole"}


def test_no_back_end_imports_another():
    for path in (PACKAGE / "backends").rglob("*.py"):
        own = path.relative_to(PACKAGE / "backends").with_suffix("").parts[0]
        if own != "__init__":
            others = {parts[1] for parts in own_imports(path) if parts[0] == "backends" and len(parts) > 1}
            assert others <= {own}, path


def test_only_what_runs_modules_imports_torch():
    found = {room(path) for path in files() if any(name.split(".")[0] == "torch" for name in imports(path))}
    assert found == {"runtime"}


def ops_named(text: str) -> Iterator[str]:
    """The ops that code knows by name: `REGISTRY["add"]`, `node.op.name == "conv"`, `… in ("conv", "bn")`."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Subscript(value=ast.Name(id="REGISTRY"), slice=ast.Constant(value=str(name))):
                yield name
            case ast.Compare(left=left, comparators=others):
                sides = [part for side in (left, *others) for part in ast.walk(side)]
                if any(isinstance(part, ast.Attribute) and part.attr == "name" for part in sides):
                    words = [part.value for part in sides if isinstance(part, ast.Constant)]
                    yield from (word for word in words if word in REGISTRY)
            case ast.MatchValue(value=ast.Constant(value=str(name))) if name in REGISTRY:
                yield name


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('REGISTRY["conv"]', ["conv"]),
        ('node.op.name == "conv"', ["conv"]),
        ('"conv" != op.name', ["conv"]),
        ('self.op.name in ("conv", "bn", "none")', ["conv", "bn"]),
        ('match op.name:\n    case "conv":\n        pass', ["conv"]),
        ('node.op.role == "conv" or REGISTRY[name] or item.name == "kernel"', []),
    ],
)
def test_an_op_that_is_named_is_seen(code, named):
    assert list(ops_named(code)) == named


@pytest.mark.parametrize("path", [p for p in files() if room(p) in {"ir", "analysis"}], ids=lambda path: path.name)
def test_what_gives_numbers_to_a_network_knows_no_op(path):
    taken = {parts[1:] for parts in own_imports(path) if parts[0] == "ops"}
    assert {parts[0] for parts in taken} <= {"axes", "base", "REGISTRY", "Op", "Field"}, path
    assert set(ops_named(path.read_text(encoding="utf-8"))) <= {"add"}, path  # what sums in a row are made of


def loaded_after(code: str) -> set[str]:
    """The modules loaded by code run in a fresh process."""
    code = f"import sys\n{code}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_archdsl_is_light():
    assert not loaded_after("import archdsl") & set(LIGHT)


def test_a_check_loads_neither_torch_nor_the_figures():
    said = loaded_after("from archdsl.commands import cli; cli.main(['-q', 'check', 'specs/squeezenet.yaml'])")
    assert "archdsl.workspace.checking" in said
    assert not said & {"torch", "networkx", "archdsl.backends.figures"}


def test_the_graph_costs_no_torch_and_no_networkx_until_asked():
    assert not loaded_after("import archdsl; archdsl.cost('peleenet')") & {"torch", "networkx", "jinja2", "pygraphviz"}
    assert "networkx" in loaded_after("import archdsl; archdsl.graph('peleenet').nx")


def test_the_function_graph_outlives_the_import_of_modules():
    imports = "import archdsl; import archdsl.ir.graph; from archdsl.ir.graph import Graph"
    loaded_after(f"{imports}; assert isinstance(archdsl.graph('peleenet'), Graph)")


# --- back ends
PRINTING = [name for name in backends.BUILT_IN if name != "onnx"]  # see test_onnx.py


# Each room prints every spec; what is asked here is that nothing is left over from one time to the next.
@pytest.mark.parametrize(("spec", "name"), list(zip(shipped(), cycle(PRINTING), strict=False)))
def test_a_back_end_prints_a_spec_the_same_each_time(spec, name):
    from archdsl.workspace.library import read

    variant = read(spec).networks()[0]
    emit = backends.backend(name)
    assert emit(archdsl.graph(spec, variant)) == emit(archdsl.graph(spec, variant))


def test_other_packages_register_back_ends(tmp_path, monkeypatch):
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[archdsl.backends]\nnames = other_backend:emit\n")
    (tmp_path / "other_backend.py").write_text("def emit(graph): return ' '.join(n.op.name for n in graph.nodes[:3])\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert backends.names()[-1] == "names"
    assert backends.backend("names")(archdsl.graph("peleenet")) == "conv bn relu"


# --- the wheel
@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_wheel_holds_specs_templates_and_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, inside in (("specs", "_specs"), ("codegen_templates", "_codegen_templates"), ("archdsl", "")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(Path("archdsl") / inside / path.relative_to(ROOT / folder)) in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("py.typed") for name in names)
    assert not any(name.startswith("tests") for name in names)


def test_the_wheel_works_in_an_empty_folder(wheel, tmp_path):
    site, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    env = {**os.environ, "PYTHONPATH": str(site)}

    def run(*args: str) -> str:
        command = [sys.executable, "-m", "archdsl", *args]
        return subprocess.run(command, cwd=here, env=env, capture_output=True, text=True, check=True).stdout

    where = subprocess.run(
        [sys.executable, "-c", "import archdsl; print(archdsl.__file__)"],
        cwd=here, env=env, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert where.startswith(str(site))
    assert "peleenet" in run("list")
    assert "class PeleeNet" in run("emit", "peleenet")
    assert r"\toprule" in run("cost", "peleenet", "--format", "latex")
    run("build", "peleenet")
    assert (here / "build" / "peleenet" / "peleenet.py").is_file()


def test_the_version_is_stated_once_and_cited():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in text
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == archdsl.__version__


def test_the_readme_commands_are_single_lines():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python -m venv .venv")]
    assert len(commands) == 2
    assert "archdsl build specs/peleenet.yaml" in commands[0]
    assert commands[1].endswith("pytest")
