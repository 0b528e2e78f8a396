"""The language server behind a real client, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

USED = """\
archdsl: 1
blocks:
  Unit:
    params: {out: , stride: 1}
    body: [conv: {out: out, kernel: 3, stride: stride}, bn, relu]
"""
NET = """\
archdsl: 1
name: Net
use: units.yaml
input: [3, 16, 16]
params: {width: 8}
stages:
  stem: [{label: "𝒰𝒰", Unit: {out: width, stride: 2}}]
  head: [global_avg_pool, flatten, linear: 10]
"""


class Client:
    """A client that keeps what the server publishes."""

    def __init__(self, folder: Path) -> None:
        self.client, self.folder = LanguageClient("test", "1"), folder
        self.published: dict[str, list[lsp.Diagnostic]] = {}
        self.news = asyncio.Event()
        self.version = 1

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.published[params.uri.rpartition("/")[2]] = list(params.diagnostics)
            self.news.set()

    async def start(self) -> None:
        await self.client.start_io(sys.executable, "-m", "archdsl", "lsp", "--stdio")
        snippets = lsp.ClientCompletionItemOptions(snippet_support=True)
        documents = lsp.TextDocumentClientCapabilities(
            completion=lsp.CompletionClientCapabilities(completion_item=snippets)
        )
        folders = [lsp.WorkspaceFolder(self.folder.as_uri(), "project")]
        await self.client.initialize_async(
            lsp.InitializeParams(lsp.ClientCapabilities(text_document=documents), workspace_folders=folders)
        )
        self.client.initialized(lsp.InitializedParams())

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def document(self, name: str) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri(name))

    async def heard(self, name: str, count: int) -> list[lsp.Diagnostic]:
        """What is published of a document, once it has so many faults."""
        self.published.pop(name, None)
        while len(self.published.get(name, [None] * (count + 1))) != count:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 30)
        return self.published[name]

    async def open(self, name: str, text: str, count: int = 0) -> list[lsp.Diagnostic]:
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(self.uri(name), "yaml", 1, text))
        )
        return await self.heard(name, count)

    async def change(self, name: str, text: str, count: int = 0, *, heard: str = "") -> list[lsp.Diagnostic]:
        self.version += 1
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.version, self.uri(name)),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return await self.heard(heard or name, count)

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()


def at(text: str, word: str, further: int = 0) -> lsp.Position:
    """The place of a word as the protocol counts: lines from 0, columns in UTF-16."""
    before = text[: text.index(word) + further]
    return lsp.Position(before.count("\n"), len(before.rpartition("\n")[2].encode("utf-16-le")) // 2)


def edited(text: str, edits: list[lsp.TextEdit]) -> str:
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        start, end = offset(text, edit.range.start), offset(text, edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


def offset(text: str, position: lsp.Position) -> int:
    lines = text.splitlines(keepends=True)
    inside = lines[position.line].encode("utf-16-le")[: 2 * position.character] if position.character else b""
    return sum(map(len, lines[: position.line])) + len(inside.decode("utf-16-le"))


def test_a_client_is_served(tmp_path):
    (tmp_path / "units.yaml").write_text(USED)
    (tmp_path / "net.yaml").write_text(NET)

    async def run() -> None:
        client = Client(tmp_path)
        await client.start()
        try:
            await told_and_mended(client)
            await shown_and_renamed(client)
        finally:
            await client.stop()

    asyncio.run(asyncio.wait_for(run(), 120))


async def told_and_mended(client: Client) -> None:
    """Faults as one types, also through a used file that is not saved; quick fixes; completion of broken text."""
    assert await client.open("notes.yaml", "a: [1, 2") == []  # not a spec: nothing to say
    assert await client.open("net.yaml", NET) == []
    bad = NET.replace("width, stride", "widht, stride")
    (found,) = await client.change("net.yaml", bad, 1)
    assert (found.code, found.range.start) == ("unknown-name", at(bad, "widht"))
    (action,) = await client.client.text_document_code_action_async(
        lsp.CodeActionParams(client.document("net.yaml"), found.range, lsp.CodeActionContext([found]))
    )
    assert edited(bad, action.edit.changes[client.uri("net.yaml")]) == NET
    assert await client.change("net.yaml", NET) == []
    assert await client.open("units.yaml", USED) == []
    (found,) = await client.change(
        "units.yaml", USED.replace("stride", "step").replace("step: step", "stride: step"), 1, heard="net.yaml"
    )
    assert (found.code, found.range.start.line) == ("unknown-argument", 6)
    await client.change("units.yaml", USED, heard="net.yaml")
    (client.folder / "more.yaml").write_text(USED.replace("Unit", "More"))
    await client.change("net.yaml", NET.replace("units.yaml", "[units.yaml, more.yaml]"))
    (client.folder / "more.yaml").write_text("archdsl: 1\nblocks: [1]\n")
    event = lsp.FileEvent(client.uri("more.yaml"), lsp.FileChangeType.Changed)
    client.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
    (found,) = await client.heard("net.yaml", 1)
    assert (found.code, found.range.start.line) == ("wrong-type", 2)
    broken = NET.replace("{out: width, stride: 2}}]", "{out: width, stri")
    (found,) = await client.change("net.yaml", broken, 1)
    assert found.code == "yaml-syntax"
    where = at(broken, "stri\n", 4)
    got = await client.client.text_document_completion_async(lsp.CompletionParams(client.document("net.yaml"), where))
    assert [(item.label, item.text_edit.new_text) for item in got.items] == [("stride", "stride: $1")]
    assert got.items[0].text_edit.range == lsp.Range(at(broken, "stri\n"), where)


async def shown_and_renamed(client: Client) -> None:
    """Hover, hints, outline, layout, definition and references over files, rename and its refusal."""
    await client.change("net.yaml", NET)
    rpc, net, units = client.client, client.document("net.yaml"), client.uri("units.yaml")
    unit = at(NET, "Unit", 1)
    hover = await rpc.text_document_hover_async(lsp.HoverParams(net, unit))
    assert "3×16×16 → 8×8×8" in hover.contents.value
    assert "240 parameters, 13,824 MACs" in hover.contents.value
    whole = lsp.Range(lsp.Position(0, 0), lsp.Position(8, 0))
    hints = await rpc.text_document_inlay_hint_async(lsp.InlayHintParams(net, whole))
    assert [(hint.position.line, hint.label) for hint in hints] == [(6, "8×8×8"), (7, "10")]
    symbols = await rpc.text_document_document_symbol_async(lsp.DocumentSymbolParams(net))
    assert [part.name for part in symbols] == ["Net", "params", "stages"]
    (place,) = await rpc.text_document_definition_async(lsp.DefinitionParams(net, unit))
    assert (place.uri, place.range.start) == (units, at(USED, "Unit"))
    context = lsp.ReferenceContext(include_declaration=True)
    uses = await rpc.text_document_references_async(lsp.ReferenceParams(context, net, at(NET, "out", 1)))
    assert {(use.uri.rpartition("/")[2], use.range.start.line) for use in uses} == {
        ("units.yaml", 3), ("units.yaml", 4), ("net.yaml", 6),
    }  # fmt: skip
    edit = await rpc.text_document_rename_async(lsp.RenameParams(net, at(NET, "out", 1), "channels"))
    assert "Unit: {channels: width" in edited(NET, edit.changes[client.uri("net.yaml")])
    body = edited(USED, edit.changes[units])
    assert "params: {channels: , stride: 1}" in body
    assert "conv: {out: channels, kernel: 3" in body  # the op's own argument keeps its name
    messy = NET.replace("width: 8", "width:   8")
    await client.change("net.yaml", messy)
    options = lsp.FormattingOptions(tab_size=2, insert_spaces=True)
    tidied = await rpc.text_document_formatting_async(lsp.DocumentFormattingParams(net, options))
    assert edited(messy, tidied) == NET
    with pytest.raises(Exception, match="'stride' is given twice"):
        await rpc.text_document_rename_async(lsp.RenameParams(net, at(NET, "out", 1), "stride"))
