"""What switches rules off: comments in a spec, and `[tool.archdsl.lint]` of pyproject.toml."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from archdsl.diagnostics.faults import Diagnostic, SpecError, fault
from archdsl.diagnostics.spans import Source, Span
from archdsl.lint.rules import RULES
from archdsl.support.naming import did_you_mean
from archdsl.support.paths import is_file, real
from archdsl.yaml.written import comments

IGNORE = re.compile(r"#\s*lint:\s*ignore\b[:\s]*(?P<codes>[\w\s,-]*)")
UNKNOWN = "unknown-rule"  # what no rule finds: a comment that names none
PROJECT, TABLE, KEYS = "pyproject.toml", "tool.archdsl.lint", ("select", "ignore")


@dataclass(frozen=True)
class Ignored:
    """Lines of a source for which rules are off; without codes all are."""

    lines: range
    codes: frozenset[str]


@lru_cache(maxsize=16)
def ignored(source: Source) -> tuple[tuple[Ignored, ...], tuple[Diagnostic, ...]]:
    """What the comments of a spec switch off, and what is wrong with them."""
    found, faults = [], []
    lines = source.text.splitlines()
    for start, text in comments(source.text):
        match = IGNORE.match(text)
        if match is None:
            continue
        number = source.text.count("\n", 0, start)
        column = start - source.text.rfind("\n", 0, start) - 1
        codes = frozenset(match["codes"].replace(",", " ").split())
        found.append(Ignored(meant(lines, number, alone=not lines[number][:column].strip()), codes))
        for code in sorted(codes - set(RULES)):
            place = column + text.index(code) + 1
            span = Span(source, number + 1, place, number + 1, place + len(code))
            faults.append(unknown(code, span))
    return tuple(found), tuple(faults)


def meant(lines: list[str], number: int, *, alone: bool) -> range:
    """The lines, from 1 on, that a comment in a line speaks of, counted from 0.

    That line; or if the comment stands alone, what begins below it with all that is further in; at the top, all.
    """
    if not alone:
        return range(number + 1, number + 2)
    if not any(says(line) for line in lines[:number]):
        return range(1, len(lines) + 1)
    first = next((n for n in range(number + 1, len(lines)) if says(lines[n])), len(lines))
    depth = indent(lines[first]) if first < len(lines) else 0
    end = next((n for n in range(first + 1, len(lines)) if says(lines[n]) and indent(lines[n]) <= depth), len(lines))
    return range(first + 1, end + 1)


def says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def unknown(code: str, span: Span | None) -> Diagnostic:
    message = f"lint has no rule '{code}'"
    help = did_you_mean(code, RULES) or "archdsl lint --list names them"
    return Diagnostic(UNKNOWN, message, span, help=help, severity="warning")


def is_off(code: str, span: Span | None) -> bool:
    """Whether a comment switches a rule off at a place."""
    if span is None:
        return False
    parts = ignored(span.source)[0]
    return any(span.line in part.lines and (not part.codes or code in part.codes) for part in parts)


# --- the project
def chosen(folder: Path, within: Path | None = None) -> frozenset[str]:
    """The codes that are on for specs in a folder: by the nearest pyproject.toml that speaks of them.

    None is looked at that lies elsewhere than `within`, if that is given.
    """
    for path in (real(folder), *real(folder).parents):
        file = path / PROJECT
        seen = is_file(file) and (within is None or real(file).is_relative_to(real(within)))
        table = settings(file) if seen else None
        if table is not None:
            codes = set(table.get("select", RULES)) - set(table.get("ignore", ()))
            return frozenset(codes)
    return frozenset(RULES)


def projects(folder: Path) -> list[Path]:
    """The files that say which codes are on for specs in a folder, and the one that would be the first to."""
    nearest, *others = (path / PROJECT for path in (real(folder), *real(folder).parents))
    return [nearest, *filter(is_file, others)]


def settings(path: Path) -> dict[str, list[str]] | None:
    """The table of a pyproject.toml, if it has one; raises `SpecError` if it means nothing."""
    return table_of(path, path.read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def table_of(path: Path, text: str) -> dict[str, list[str]] | None:
    """The same of its text."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tree: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise fault("bad-call", f"'{path}' is not valid TOML: {error}") from None
    for key in TABLE.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    if tree is None:
        return None
    source = Source(str(path), text)
    faults = [*faults_of(tree, source)]
    if faults:
        raise SpecError(*faults)
    return dict(tree)


def faults_of(table: Any, source: Source) -> Iterator[Diagnostic]:
    """What is wrong with the table of a project."""
    if not isinstance(table, dict):
        yield Diagnostic("bad-call", f"[{TABLE}] must be a table", word(source, TABLE.rpartition(".")[2]))
        return
    for key, value in table.items():
        if key not in KEYS:
            help = did_you_mean(key, KEYS) or f"there are {' and '.join(KEYS)}"
            yield Diagnostic("bad-call", f"[{TABLE}] has no '{key}'", word(source, key), help=help)
        elif not isinstance(value, list) or not all(isinstance(code, str) for code in value):
            yield Diagnostic(
                "bad-call", f"'{key}' must be a list of codes", word(source, key), help=f'{key} = ["odd-channels"]'
            )
        else:
            yield from (wrong(code, source) for code in value if code not in RULES)


def wrong(code: str, source: Source) -> Diagnostic:
    found = unknown(code, word(source, f'"{code}"'))
    return Diagnostic("bad-call", found.message, found.span, help=found.help)


def word(source: Source, text: str) -> Span | None:
    """The first place of a word in a text."""
    place = source.text.find(text)
    if place < 0:
        return None
    line, column = source.text.count("\n", 0, place) + 1, place - source.text.rfind("\n", 0, place)
    return Span(source, line, column, line, column + len(text))
