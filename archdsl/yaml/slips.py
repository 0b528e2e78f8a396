"""YAML slips in our words: what the parser's complaint means to someone who writes a spec."""

from __future__ import annotations

import re
from typing import Any

from archdsl.diagnostics.faults import Note, SpecError, fault
from archdsl.diagnostics.spans import Source, Span

_BESIDE = re.compile(r"\s*(when|else|as|from|name|label)\s*:(\s|$)")
_BARE_STEP = re.compile(r"\s*(-\s+)+([A-Za-z_]\w*)\s*(#.*)?$")
_LIST_STEP = re.compile(r"\s*(-\s+)+\[")
_NO_SPACE = re.compile(r"\s*(?:-\s+)*(([A-Za-z_][\w-]*):([^\s:/'\"][^:]*))$")
_CURLY = re.compile("[\u2018\u201c\u201d\u201e]")
_NO_KEY = re.compile(r"\s*(:)(\s|$)")
_BRACKET = re.compile(r"[A-Za-z_][\w.]*[\[(]")

# (part of the parser's complaint, our message, our help); the first that fits
_PROBLEMS = (
    ("mapping values are not allowed", "a ':' cannot stand here", "quote the value, or start a new line for a new key"),
    (
        "expected ',' or '}'",
        "expected ',' or '}' here",
        "close the '{', or quote a value that holds brackets or commas",
    ),
    (
        "expected ',' or ']'",
        "expected ',' or ']' here",
        "close the '[', or quote a value that holds brackets or commas",
    ),
    (
        "expected '-' indicator",
        "this line does not belong to the list above it",
        "align it with the '-' of the list, or indent it further",
    ),
    (
        "expected key",
        "the indentation of this line does not match the lines above it",
        "align it with the keys of its mapping",
    ),
    ("expected ':'", "expected a ':' after this key", "write 'key: value', with a space after the ':'"),
    (
        "expected <document start>",
        "this line does not belong to anything above it",
        "align it with the keys of the file",
    ),
    (
        "expected node content",
        "expected a value here",
        "write a value, or quote it if it starts with a special character",
    ),
    ("expected alphabetic", "'&' and '*' start an anchor or an alias, which are not allowed", "quote the text"),
    ("tab character", "a tab cannot indent", "indent with spaces"),
    ("unexpected end of stream", "this quote is never closed", "close it on the same line"),
    ("unexpected document indicator", "this quote is never closed", "close it on the same line"),
    (
        "block collections are not allowed",
        "a '-' or a block cannot start on this line",
        "start it on the next line, indented",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot start here",
        "start it on a line of its own, or use [..]",
    ),
    ("unknown escape character", "an unknown escape in a double-quoted text", "use single quotes"),
    ("%YAML", "this YAML version is not supported", "remove the line"),
)


def syntax_fault(source: Source, error: Any) -> SpecError:
    """The parser's error as one of ours, at its place."""
    mark = error.problem_mark or error.context_mark
    span = _point(source, mark)
    problem = str(error.problem or error.context or "this is not YAML")
    slip = _slip(source, span) or _missing_space(source, span, problem) or _never_closed(source, error)
    if slip is not None:
        return slip
    if "cannot start any token" in problem:
        message, help = _bad_start(source.line(span.line)[span.col - 1 : span.col])
        return fault("yaml-syntax", message, span, help=help)
    notes: tuple[Note, ...] = ()
    context = error.context_mark
    if context is not None and error.context and (context.line, context.column) != (mark.line, mark.column):
        notes = (Note("the part that it would belong to starts here", _point(source, context)),)
    for part, message, help in _PROBLEMS:
        if part in problem:
            if "quote is never" in message and context is not None:
                return fault("yaml-syntax", message, _point(source, context), help=help)
            return fault("yaml-syntax", message, span, notes=notes, help=help)
    return fault("yaml-syntax", f"cannot read this as YAML: {problem}", span, notes=notes)


def _missing_space(source: Source, span: Span, problem: str) -> SpecError | None:
    """`conv:32` above `relu:`: the complaint is about the second ':', the slip is at the first."""
    number = _number_above(source, span.line)
    match = _NO_SPACE.match(source.line(number)) if "mapping values" in problem else None
    if match is None:
        return None
    place = Span(source, number, match.start(1) + 1, number, match.end(1) + 1)
    help = f"write '{match[2]}: {match[3].strip()}'"
    return fault("yaml-syntax", "there is no space after this ':'", place, help=help)


def _never_closed(source: Source, error: Any) -> SpecError | None:
    """A '{' or '[' that runs on into the next step or key of what stands around it."""
    opened, mark = error.context_mark, error.problem_mark
    if opened is None or mark is None or "expected ','" not in str(error.problem):
        return None
    place, end = _point(source, opened), _point(source, mark)
    first, last = source.line(place.line), source.line(end.line)
    if place.line == end.line or _indent(last) > _indent(first):
        return None
    bracket = first[place.col - 1 : place.col]
    note = Note("it runs on to here", end._replace(col=_indent(last) + 1, end_col=len(last) + 1))
    close = {"{": "}", "[": "]"}.get(bracket, "}")
    message = f"this '{bracket}' is never closed"
    return fault("yaml-syntax", message, place, notes=(note,), help=f"write '{close}' where it ends")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def torn_value(start: Span, end: Span) -> SpecError:
    """A comma inside `{..}` or `[..]` that belongs to an expression."""
    if start.line != end.line:
        help = "quote the whole value"
        return fault(
            "torn-value", "a comma splits this value in two", start, label="'(' and ')' do not match", help=help
        )
    span = start._replace(end_col=end.end_col)
    whole = start.source.line(start.line)[start.col - 1 : end.end_col - 1]
    message = "a comma splits this value in two" if start != end else "the brackets of this value do not match"
    return fault("torn-value", message, span, help=f'quote it: "{whole}"')


def _point(source: Source, mark: Any) -> Span:
    """The character at a mark; past the end of the text, the last one of it."""
    lines = source.text.splitlines()
    line, col = mark.line + 1, mark.column + 1
    if line > len(lines) and lines:
        line, col = len(lines), len(lines[-1]) + 1
    return Span(source, line, col, line, col + 1)


def _slip(source: Source, span: Span) -> SpecError | None:
    """The slips that have a message of their own."""
    text = source.line(span.line)
    if alone := _NO_KEY.match(text):
        help = "write the key before it"
        return fault("bad-key", "there is no key before this ':'", _word(source, span.line, alone), help=help)
    if curly := _CURLY.search(text):
        place = Span(source, span.line, curly.start() + 1, span.line, curly.end() + 1)
        return fault("yaml-syntax", f"{curly[0]} is a typographic quote, not one of YAML", place, help="write \" or '")
    beside = _BESIDE.match(text)
    above = _above(source, span.line)
    if beside and (bare := _BARE_STEP.match(above)):
        message = f"'{beside[1]}' is below '{bare[2]}', which cannot have keys as it is written"
        return fault("bare-step", message, _word(source, span.line, beside), help=f"write '- {bare[2]}:'")
    if beside and _LIST_STEP.match(above):
        message = f"'{beside[1]}' is below a list, which cannot have keys"
        return fault("list-step", message, _word(source, span.line, beside), help="write '- body: [..]'")
    if span.col > 1 and text[span.col - 1 : span.col] in "[(" and (word := _torn_word(text, span.col)):
        place = span._replace(col=word[0] + 1, end_col=word[1] + 1)
        inside = text[word[0] : word[1]]
        return fault("torn-value", "a bracket splits this value in two", place, help=f'quote it: "{inside}"')
    if text[span.col - 1 : span.col] == "\t" or (not text[: span.col].strip() and "\t" in text[: span.col]):
        return fault("yaml-syntax", "a tab cannot indent", span, help="indent with spaces")
    return None


def _torn_word(text: str, col: int) -> tuple[int, int] | None:
    """From where to where `w[0]` stands, when the bracket at `col` follows a word directly."""
    for match in _BRACKET.finditer(text):
        if match.end() == col:
            close = text.find("]" if text[col - 1] == "[" else ")", col)
            return match.start(), (close if close >= 0 else col - 1) + 1
    return None


def _above(source: Source, line: int) -> str:
    """The nearest line above that says something."""
    return source.line(_number_above(source, line))


def _number_above(source: Source, line: int) -> int:
    lines = source.text.splitlines()[: line - 1]
    said = (number for number, text in enumerate(lines, 1) if text.strip() and not text.lstrip().startswith("#"))
    return max(said, default=0)


def _word(source: Source, line: int, match: re.Match[str]) -> Span:
    return Span(source, line, match.start(1) + 1, line, match.end(1) + 1)


def _bad_start(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent", "indent with spaces"
    return f"a value cannot start with '{character}'", "quote the value"
