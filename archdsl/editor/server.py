"""The language server: requests of the protocol, answered with the functions of this room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from archdsl import __version__
from archdsl.diagnostics.faults import SpecError
from archdsl.diagnostics.spans import Source, Span
from archdsl.editor import convert
from archdsl.editor.analysis import Analysis
from archdsl.editor.completion import complete
from archdsl.editor.fixes import fix
from archdsl.editor.hints import hints
from archdsl.editor.hover import hover
from archdsl.editor.navigation import definition, references, rename, use_at
from archdsl.editor.outline import outline
from archdsl.editor.project import File
from archdsl.editor.session import Session
from archdsl.yaml.layout import formatted


class Server(LanguageServer):
    """A server with the documents of its client."""

    def __init__(self) -> None:
        super().__init__("archdsl", __version__)
        self.session = Session(self.publish)
        self.addresses: dict[Path, str] = {}

    def publish(self, path: Path, analysis: Analysis | None) -> None:
        codec = self.workspace.position_codec
        found = analysis.diagnostics if analysis is not None else []
        shown = [convert.diagnostic(item, self.addresses, codec) for item in found]
        uri = convert.uri_of(path, self.addresses)
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown))
        if analysis is not None and not found and asks_again(self.client_capabilities):
            self.workspace_inlay_hint_refresh(None)

    def place(self, uri: str, position: lsp.Position) -> tuple[Path, int, int]:
        """The file, line and column (from 0, in characters) of a request."""
        document = self.workspace.get_text_document(uri)
        here = self.workspace.position_codec.position_from_client_units(document.lines, position)
        return convert.path_of(uri), here.line, here.character

    def at(self, document: lsp.TextDocumentIdentifier, position: lsp.Position) -> tuple[File | None, int, int]:
        """The file of a request, None if its text is no YAML now, and the line and column from 1."""
        path, line, column = self.place(document.uri, position)
        return self.session.file(path), line + 1, column + 1

    def locations(self, spans: Sequence[Span]) -> list[lsp.Location]:
        codec = self.workspace.position_codec
        return [convert.location(span, self.addresses, codec) for span in spans]


def server() -> Server:
    """A server with all that it answers."""
    made = Server()
    for add in (documents, writing, reading, names, parts):
        add(made)
    return made


def documents(made: Server) -> None:
    """Documents that come, change and go."""

    @made.feature(lsp.INITIALIZED)
    async def initialized(ls: Server, _: lsp.InitializedParams) -> None:
        ls.session.project.folders = [convert.path_of(uri) for uri in ls.workspace.folders]
        if watches(ls):
            options = lsp.DidChangeWatchedFilesRegistrationOptions([lsp.FileSystemWatcher("**/*.{yaml,yml}")])
            one = lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            await ls.client_register_capability_async(lsp.RegistrationParams([one]))

    @made.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def saved(ls: Server, params: lsp.DidChangeWatchedFilesParams) -> None:
        for event in params.changes:
            for reader in ls.session.readers(convert.path_of(event.uri)):
                ls.session.analyse(reader)

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: Server, params: lsp.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        path = convert.path_of(item.uri)
        ls.addresses[path] = item.uri
        ls.session.change(path, item.text, item.language_id)
        await ls.session.refresh(path, 0)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: Server, params: lsp.DidChangeTextDocumentParams) -> None:
        path = convert.path_of(params.text_document.uri)
        ls.session.change(path, ls.workspace.get_text_document(params.text_document.uri).source)
        await ls.session.refresh(path)

    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: Server, params: lsp.DidCloseTextDocumentParams) -> None:
        path = convert.path_of(params.text_document.uri)
        ls.session.close(path)
        ls.addresses.pop(path, None)


def writing(made: Server) -> None:
    """Completion and quick fixes."""

    @made.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[" ", "{", "[", "."]))
    def completion(ls: Server, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        path, line, column = ls.place(params.text_document.uri, params.position)
        if not ls.session.is_spec(path):
            return None
        found = complete(ls.session.project.open[path], line, column, path, ls.session.project)
        start = lsp.Position(params.position.line, params.position.character - found.length)  # names are ASCII
        return convert.completions(found, lsp.Range(start, params.position), snippets=takes_snippets(ls))

    @made.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]))
    def actions(ls: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        path, codec = convert.path_of(params.text_document.uri), ls.workspace.position_codec
        analysis = ls.session.current(path)
        found = []
        for item in analysis.diagnostics if analysis is not None else []:
            made, shown = fix(item), convert.diagnostic(item, ls.addresses, codec)
            if made is not None and touch(shown.range, params.range):
                edit = lsp.TextEdit(convert.range_of(made.span, codec), made.text)
                changes = {params.text_document.uri: [edit]}
                found.append(
                    lsp.CodeAction(
                        title=made.title,
                        kind=lsp.CodeActionKind.QuickFix,
                        diagnostics=[shown],
                        edit=lsp.WorkspaceEdit(changes),
                        is_preferred=True,
                    )
                )
        return found


def reading(made: Server) -> None:
    """Hover and inlay hints."""

    @made.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hovered(ls: Server, params: lsp.HoverParams) -> lsp.Hover | None:
        file, line, column = ls.at(params.text_document, params.position)
        if file is None:
            return None
        found = hover(file, line, column, ls.session.project, ls.session.networks(file.path))
        if found is None:
            return None
        markdown = lsp.MarkupContent(lsp.MarkupKind.Markdown, found.text)
        return lsp.Hover(markdown, convert.range_of(found.span, ls.workspace.position_codec))

    @made.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    def shapes(ls: Server, params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        path = convert.path_of(params.text_document.uri)
        file = ls.session.file(path)
        if file is None:
            return []
        lines = convert.lines_of(file.source)
        last = min(params.range.end.line + 1, len(lines))
        found = hints(file, ls.session.networks(path), params.range.start.line + 1, last)
        codec = ls.workspace.position_codec
        return [
            lsp.InlayHint(
                position=lsp.Position(hint.line - 1, codec.client_num_units(lines[hint.line - 1].rstrip("\r\n"))),
                label=hint.text,
                kind=lsp.InlayHintKind.Type,
                tooltip=hint.tip,
                padding_left=True,
            )
            for hint in found
        ]


def names(made: Server) -> None:
    """Definition, references, rename."""

    @made.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def defined(ls: Server, params: lsp.DefinitionParams) -> list[lsp.Location]:
        file, line, column = ls.at(params.text_document, params.position)
        return ls.locations(definition(file, line, column, ls.session.project)) if file is not None else []

    @made.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    def referred(ls: Server, params: lsp.ReferenceParams) -> list[lsp.Location]:
        file, line, column = ls.at(params.text_document, params.position)
        with told_to_client():
            found = references(file, line, column, ls.session.project) if file is not None else []
        return ls.locations([use.span for use in found if params.context.include_declaration or not use.declares])

    @made.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    def renamable(ls: Server, params: lsp.PrepareRenameParams) -> lsp.Range | None:
        file, line, column = ls.at(params.text_document, params.position)
        use = use_at(file, line, column, ls.session.project) if file is not None else None
        return convert.range_of(use.span, ls.workspace.position_codec) if use is not None else None

    @made.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    def renamed(ls: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        file, line, column = ls.at(params.text_document, params.position)
        if file is None:
            return None
        with told_to_client():
            places = rename(file, line, column, params.new_name, ls.session.project)
        codec = ls.workspace.position_codec
        changes = {
            convert.uri_of(path, ls.addresses): [
                lsp.TextEdit(convert.range_of(span, codec), params.new_name) for span in spans
            ]
            for path, spans in places.items()
        }
        return lsp.WorkspaceEdit(changes)


def parts(made: Server) -> None:
    """The outline, and the layout of a document."""

    @made.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(ls: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        file = ls.session.file(convert.path_of(params.text_document.uri))
        codec = ls.workspace.position_codec
        return [convert.symbol(part, codec) for part in outline(file)] if file is not None else []

    @made.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def laid_out(ls: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        """As `archdsl fmt` lays it out; what cannot be read stays as it is."""
        path = convert.path_of(params.text_document.uri)
        if not ls.session.is_spec(path):
            return []
        source = Source(str(path), ls.session.project.open[path])
        try:
            text = formatted(source)
        except SpecError:
            return []
        return convert.edits(source, text)


@contextmanager
def told_to_client() -> Iterator[None]:
    """Makes of a fault the answer that a request cannot be met."""
    try:
        yield
    except SpecError as error:
        item = error.diagnostics[0]
        where = f"{Path(item.span.source.name).name}:{item.span.line}: " if item.span is not None else ""
        raise JsonRpcException(f"{where}{item.message}", lsp.LSPErrorCodes.RequestFailed) from None


def asks_again(client: lsp.ClientCapabilities) -> bool:
    """Whether a client asks for hints anew when it is told to."""
    hints = client.workspace and client.workspace.inlay_hint
    return bool(hints and hints.refresh_support)


def watches(ls: Server) -> bool:
    files = ls.client_capabilities.workspace and ls.client_capabilities.workspace.did_change_watched_files
    return bool(files and files.dynamic_registration)


def takes_snippets(ls: Server) -> bool:
    completion = ls.client_capabilities.text_document and ls.client_capabilities.text_document.completion
    return bool(completion and completion.completion_item and completion.completion_item.snippet_support)


def touch(one: lsp.Range, other: lsp.Range) -> bool:
    ends = ((r.start.line, r.start.character, r.end.line, r.end.character) for r in (one, other))
    (a, b, c, d), (e, f, g, h) = ends
    return (a, b) <= (g, h) and (e, f) <= (c, d)
