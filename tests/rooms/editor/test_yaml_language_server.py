"""The JSON Schema as the YAML language server completes with it, where that is installed."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from archdsl.ops import REGISTRY
from archdsl.syntax.json_schema import FILE

SERVER = shutil.which("yaml-language-server")
HEAD = (
    f"# yaml-language-server: $schema={FILE.as_uri()}\narchdsl: 1\nname: Net\ninput: [3, 8, 8]\nstages:\n  a:\n    - "
)


@pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not installed")
def test_all_ops_are_offered_with_what_they_need(tmp_path):
    found = asyncio.run(asyncio.wait_for(offered(tmp_path, HEAD), 60))
    assert set(REGISTRY) <= found.keys()
    assert (found["conv"], found["linear"], found["bn"]) == ("conv: ${1:out}", "linear: ${1:out}", "bn: ")
    assert found["relu alone"] == "relu"


async def offered(folder, text: str) -> dict[str, str]:
    """What is offered at the end of a text, and what it would write."""
    client, address = LanguageClient("test", "1"), (folder / "net.yaml").as_uri()

    @client.feature(lsp.WORKSPACE_CONFIGURATION)
    def configured(params: lsp.ConfigurationParams) -> list[object]:
        return [{"completion": True, "schemaStore": {"enable": False}} for _ in params.items]

    client.feature(lsp.CLIENT_REGISTER_CAPABILITY)(lambda _: None)
    await client.start_io(str(SERVER), "--stdio")
    snippets = lsp.ClientCompletionItemOptions(snippet_support=True)
    documents = lsp.TextDocumentClientCapabilities(
        completion=lsp.CompletionClientCapabilities(completion_item=snippets)
    )
    able = lsp.ClientCapabilities(lsp.WorkspaceClientCapabilities(configuration=True), documents)
    await client.initialize_async(lsp.InitializeParams(able, root_uri=folder.as_uri()))
    client.initialized(lsp.InitializedParams())
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(address, "yaml", 1, text)))
    lines = text.split("\n")
    end = lsp.Position(len(lines) - 1, len(lines[-1]))
    got = await client.text_document_completion_async(lsp.CompletionParams(lsp.TextDocumentIdentifier(address), end))
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    items = got.items if isinstance(got, lsp.CompletionList) else got
    return {item.label: item.text_edit.new_text if item.text_edit else item.insert_text for item in items}
