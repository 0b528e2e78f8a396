"""The files of codegen_templates/prelude: real Python, of which emitted files get what they use."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache

from archdsl.support.resources import folder


@cache
def text_of(file: str) -> str:
    return (folder("codegen_templates") / "prelude" / file).read_text(encoding="utf-8")


@cache
def weights_of(file: str, kind: str) -> list[str]:
    """The classes that hold the weights of a prelude class: its base of torch's, or what it makes; itself too."""
    tree = ast.parse(text_of(file))
    found = next(n for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name == kind)
    bases = [ast.unparse(base) for base in found.bases] if isinstance(found, ast.ClassDef) else []
    inner = {ast.unparse(node.func) for node in ast.walk(found) if isinstance(node, ast.Call)}
    made = sorted(kind if n == "nn.Parameter" else n for n in inner if n.startswith("nn."))
    return [base for base in bases if base != "nn.Module"] or made


@cache
def definitions() -> frozenset[str]:
    """The classes and functions of all files, but for `make_divisible`, which is a word of the language too."""
    files = [entry.name for entry in (folder("codegen_templates") / "prelude").iterdir() if entry.name.endswith(".py")]
    trees = [ast.parse(text_of(file)) for file in files]
    found = {n.name for tree in trees for n in tree.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))}
    return frozenset(found - {"make_divisible"})


def called(text: str, names: Mapping[str, str]) -> str:
    """A text of the prelude with other names for its definitions."""
    for old, new in names.items():
        text = re.sub(rf"(?<![\w.\"']){old}(?![\w\"'])", new, text)
    return text


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
