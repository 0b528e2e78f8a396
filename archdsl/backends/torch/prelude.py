"""The preludes: files of real Python, of which emitted files get what they use; ours are in codegen_templates."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from archdsl.diagnostics.faults import fault
from archdsl.ops import REGISTRY, Op
from archdsl.ops.own import said
from archdsl.support.resources import folder

Node = TypeVar("Node", bound=ast.AST)


def ours(file: str) -> Path:
    """A file of archdsl's own."""
    return folder("codegen_templates") / "prelude" / file


def text_of(file: Path) -> str:
    """The text of a prelude; that of another package may change while this process runs."""
    return kept_text(file, file.stat().st_mtime_ns)


@cache
def kept_text(file: Path, _: int) -> str:
    return file.read_text(encoding="utf-8")


@cache
def tree_of(text: str) -> ast.Module:
    """What a text says, to be read alone."""
    return ast.parse(text)


def weights_of(file: Path, kind: str) -> list[str]:
    """The classes that hold the weights of a prelude class: its base of torch's, or what it makes; itself too."""
    tree = tree_of(text_of(file))
    found = next(n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name == kind)
    bases = [ast.unparse(base) for base in found.bases] if isinstance(found, ast.ClassDef) else []
    inner = {ast.unparse(node.func) for node in ast.walk(found) if isinstance(node, ast.Call)}
    made = sorted(kind if n == "nn.Parameter" else n for n in inner if n.startswith("nn."))
    return [base for base in bases if base != "nn.Module"] or made


def refuse_unknown(op: Op, kind: str) -> None:
    """Raises where an op of another package makes a module that its prelude does not define."""
    if kind.startswith("nn.") or op.name not in REGISTRY.own():
        return
    if not (op.prelude and kind in defined_in(op.prelude_file())):
        message = f"{said(type(op))} makes a module '{kind}', which its prelude does not define"
        help = f"name with prelude: the file beside it that defines '{kind}', or a class of torch as nn.{kind}"
        raise fault("bad-plugin", message, help=help)


def base_of(file: Path, kind: str) -> str:
    """The class that a class of a prelude extends: `nn.Conv2d`; nothing for a function."""
    bases = [ast.unparse(base) for n in classes_in(file) if n.name == kind for base in n.bases]
    return bases[0] if bases else ""


def classes_in(file: Path) -> list[ast.ClassDef]:
    return [n for n in tree_of(text_of(file)).body if isinstance(n, ast.ClassDef)]


def attributes_of(file: Path, kind: str) -> set[str]:
    """What the functions of a prelude class give to its modules: `self.weight = ...`."""
    found = [part for n in classes_in(file) if n.name == kind for part in ast.walk(n)]
    places = [n for n in found if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
    return {n.attr for n in places if isinstance(n.value, ast.Name) and n.value.id == "self"}


def definitions() -> frozenset[str]:
    """The classes and functions of all files, but for `make_divisible`, which is a word of the language too."""
    others = (op.prelude_file() for op in REGISTRY.own().values() if op.prelude)
    return our_definitions().union(*map(defined_in, others))


@cache
def our_definitions() -> frozenset[str]:
    files = [entry for entry in ours("").iterdir() if entry.name.endswith(".py")]
    return frozenset().union(*map(defined_in, files)) - {"make_divisible"}


def defined_in(file: Path) -> frozenset[str]:
    """The classes and functions of a file."""
    tree = tree_of(text_of(file))
    return frozenset(n.name for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef)))


KNOWN = frozenset(
    {"functools", "math", "torch", "F", "nn", "Tensor", "Any", "Callable", "NamedTuple", "accumulate", "partial"}
)


TOLD = "  # type: "


def imports_of(file: Path, parts: Iterable[str]) -> tuple[str, ...]:
    """The imports of a prelude that some of its definitions read, beside those of all emitted files.

    What type checkers are told about an import stays beside it.
    """
    return imports_in(text_of(file), frozenset().union(*map(words_of, parts)) - KNOWN)


@cache
def imports_in(text: str, read: frozenset[str]) -> tuple[str, ...]:
    """The imports of a text that give some names."""
    found, lines = [], text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a for a in node.names if (a.asname or a.name).partition(".")[0] in read]
            if names:
                node.names = names
                _, mark, told = lines[(node.end_lineno or node.lineno) - 1].partition(TOLD)
                found.append(ast.unparse(node) + mark + told)
    return tuple(found)


def called(text: str, names: Mapping[str, str]) -> str:
    """A text of the prelude with other names for its definitions."""
    lines = text.encode().split(b"\n")  # Python counts bytes
    places = [(place, names[old]) for place, old in named_in(text) if old in names] if names else []
    for (line, start, end), new in reversed(places):
        lines[line] = lines[line][:start] + new.encode() + lines[line][end:]
    return b"\n".join(lines).decode()


@cache
def named_in(text: str) -> list[tuple[tuple[int, int, int], str]]:
    """Every name of a text, those that it defines too, with its place: the line, where it begins and ends."""
    names = {((n.lineno - 1, n.col_offset, n.col_offset + len(n.id)), n.id) for n in walked(text, ast.Name)}
    parts: list[ast.ClassDef | ast.FunctionDef] = [*walked(text, ast.ClassDef), *walked(text, ast.FunctionDef)]
    starts = [(part, part.col_offset + len("class " if isinstance(part, ast.ClassDef) else "def ")) for part in parts]
    return sorted(names | {((p.lineno - 1, at, at + len(p.name)), p.name) for p, at in starts})


def walked(text: str, kind: type[Node]) -> Iterator[Node]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, kind))


@cache
def words_of(text: str) -> frozenset[str]:
    """The names that a text of the prelude reads."""
    return frozenset(node.id for node in walked(text, ast.Name))


def prelude_parts(file: Path, name: str) -> tuple[tuple[str, str], ...]:
    """A class of a prelude file and the definitions of that file that it names, in order."""
    return parts_in(text_of(file), name)


@cache
def parts_in(text: str, name: str) -> tuple[tuple[str, str], ...]:
    """The same of a text."""
    tree = tree_of(text)
    parts = {n.name: n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    wanted: set[str] = set()

    def want(part: str) -> None:
        if part in wanted:
            return
        wanted.add(part)
        for node in ast.walk(parts[part]):
            if isinstance(node, ast.Name) and node.id in parts:
                want(node.id)

    want(name)
    source = text.splitlines()
    return tuple((n, "\n".join(source[first_line(p) - 1 : p.end_lineno])) for n, p in parts.items() if n in wanted)


def first_line(part: ast.ClassDef | ast.FunctionDef) -> int:
    return min([part.lineno, *(d.lineno for d in part.decorator_list)])
