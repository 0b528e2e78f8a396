"""The files of codegen_templates/prelude: real Python, of which emitted files get what they use."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeVar

from archdsl.support.resources import folder

Node = TypeVar("Node", bound=ast.AST)


@cache
def text_of(file: str) -> str:
    return (folder("codegen_templates") / "prelude" / file).read_text(encoding="utf-8")


@cache
def weights_of(file: str, kind: str) -> list[str]:
    """The torch classes that hold the weights of a prelude class: its base, or what it makes."""
    tree = ast.parse(text_of(file))
    found = next(n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name == kind)
    bases = [ast.unparse(base) for base in found.bases] if isinstance(found, ast.ClassDef) else []
    inner = {ast.unparse(node.func) for node in ast.walk(found) if isinstance(node, ast.Call)}
    return [base for base in bases if base != "nn.Module"] or sorted(n for n in inner if n.startswith("nn."))


@cache
def definitions() -> frozenset[str]:
    """The classes and functions of all files, but for `make_divisible`, which is a word of the language too."""
    files = [entry.name for entry in (folder("codegen_templates") / "prelude").iterdir() if entry.name.endswith(".py")]
    trees = [ast.parse(text_of(file)) for file in files]
    found = {n.name for tree in trees for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    return frozenset(found - {"make_divisible"})


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


def prelude_parts(file: str, name: str) -> list[tuple[str, str]]:
    """A class of a prelude file and the definitions of that file that it names, in order."""
    text = text_of(file)
    tree = ast.parse(text)
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
    return [(n, "\n".join(source[first_line(p) - 1 : p.end_lineno])) for n, p in parts.items() if n in wanted]


def first_line(part: ast.ClassDef | ast.FunctionDef) -> int:
    return min([part.lineno, *(d.lineno for d in part.decorator_list)])
