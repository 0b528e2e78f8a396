"""Between our places and the protocol's: lines from 0, columns in the units that the client counts in."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types as lsp
from pygls import uris

from archdsl.diagnostics.faults import Diagnostic
from archdsl.diagnostics.spans import Source, Span
from archdsl.editor.completion import Completion, Item
from archdsl.editor.outline import Part
from archdsl.support.paths import real

if TYPE_CHECKING:
    from pygls.workspace import PositionCodec

_STOP = re.compile(r"\$\{\d+:([^}]*)\}|\$\d+")
SEVERITIES = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning}
KINDS = {
    "key": lsp.CompletionItemKind.Keyword,
    "op": lsp.CompletionItemKind.Function,
    "block": lsp.CompletionItemKind.Class,
    "argument": lsp.CompletionItemKind.Property,
    "param": lsp.CompletionItemKind.Variable,
    "tensor": lsp.CompletionItemKind.Variable,
    "stage": lsp.CompletionItemKind.Variable,
    "word": lsp.CompletionItemKind.EnumMember,
    "function": lsp.CompletionItemKind.Function,
    "file": lsp.CompletionItemKind.File,
}
PARTS = {
    "network": lsp.SymbolKind.Class,
    "section": lsp.SymbolKind.Namespace,
    "param": lsp.SymbolKind.Variable,
    "block": lsp.SymbolKind.Class,
    "stage": lsp.SymbolKind.Field,
    "variant": lsp.SymbolKind.EnumMember,
}
# What comes first in a list of completions.
ORDER = ("argument", "param", "tensor", "word", "op", "block", "key", "stage", "file", "function")


def path_of(uri: str) -> Path:
    """The file of a document; one that is not saved yet stands in the current folder."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    return real(Path(path)) if path else Path.cwd() / re.sub(r"[^\w.-]", "_", uri)


def uri_of(path: Path, known: dict[Path, str]) -> str:
    """The address of a file, as the client wrote it if it did."""
    return known.get(path) or path.as_uri()


def range_of(span: Span, codec: PositionCodec) -> lsp.Range:
    """A place as the client counts; one without an end is one character long."""
    end = (span.end_line, span.end_col)
    if end <= (span.line, span.col):
        end = (span.line, span.col + 1)
    whole = lsp.Range(lsp.Position(span.line - 1, span.col - 1), lsp.Position(end[0] - 1, end[1] - 1))
    return codec.range_to_client_units(lines_of(span.source), whole)


def lines_of(source: Source) -> list[str]:
    return source.text.splitlines(keepends=True)


def location(span: Span, known: dict[Path, str], codec: PositionCodec) -> lsp.Location:
    return lsp.Location(uri_of(Path(span.source.name), known), range_of(span, codec))


def diagnostic(item: Diagnostic, known: dict[Path, str], codec: PositionCodec) -> lsp.Diagnostic:
    """A fault with its help, and its other places as further information."""
    assert item.span is not None
    facts = [note.message for note in item.notes if note.span is None]
    message = "\n".join([item.message, *facts, *([f"help: {item.help}"] if item.help else [])])
    further = [
        lsp.DiagnosticRelatedInformation(location(note.span, known, codec), note.message)
        for note in (*item.notes, *item.trail)
        if note.span is not None and Path(note.span.source.name).is_absolute()
    ]
    return lsp.Diagnostic(
        range=range_of(item.span, codec),
        message=message,
        severity=SEVERITIES[item.severity],
        code=item.code,
        source="archdsl",
        related_information=further,
    )


def completions(found: Completion, where: lsp.Range, *, snippets: bool) -> lsp.CompletionList:
    return lsp.CompletionList(
        is_incomplete=False, items=[completion(item, where, snippets=snippets) for item in found.items]
    )


def completion(item: Item, where: lsp.Range, *, snippets: bool) -> lsp.CompletionItem:
    text = item.text if snippets else _STOP.sub(lambda found: found[1] or "", item.text).rstrip(" ")
    return lsp.CompletionItem(
        label=item.label,
        kind=KINDS[item.kind],
        detail=item.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, item.doc) if item.doc else None,
        sort_text=f"{ORDER.index(item.kind)}{item.label}",
        filter_text=item.label,
        text_edit=lsp.TextEdit(where, text),
        insert_text_format=lsp.InsertTextFormat.Snippet if snippets else lsp.InsertTextFormat.PlainText,
    )


def symbol(part: Part, codec: PositionCodec) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        name=part.name,
        kind=PARTS[part.kind],
        range=range_of(part.span, codec),
        selection_range=range_of(part.head, codec),
        detail=part.detail or None,
        children=[symbol(inner, codec) for inner in part.parts],
    )


def edits(source: Source, text: str) -> list[lsp.TextEdit]:
    """The lines that differ, so that a cursor in the others stays where it is."""
    old, new = lines_of(source), text.splitlines(keepends=True)
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        lsp.TextEdit(lsp.Range(lsp.Position(first, 0), lsp.Position(last, 0)), "".join(new[start:end]))
        for kind, first, last, start, end in changes
        if kind != "equal"
    ]
