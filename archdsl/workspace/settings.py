"""What a call sets in a network: params, and parts of its spec by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from archdsl.diagnostics.faults import Diagnostic, Note, SpecError, fault
from archdsl.diagnostics.spans import Source, Span
from archdsl.expr.given import Placed
from archdsl.syntax.patches.settings import NO_PATCHES, Patches, Setting
from archdsl.yaml.located import Mapping as MappingNode
from archdsl.yaml.located import Node, Scalar, Sequence, from_python, read


class Given(Placed):
    """Params with their values, and patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patches: tuple[Setting, ...] = ()

    def take(self, key: Scalar, value: Node) -> None:
        """A setting: of a param by its name, of anything else by its path."""
        if "." in key.text:
            self.patches = (*(old for old in self.patches if old[0].text != key.text), (key, value))
            return
        self[key.text], self.places[key.text] = plain(value, key), key.span


def given(params: Mapping[str, Any], settings: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a call of the Python API sets: `**params`, and `set={"dense.stage3.layers": 12}`."""
    if settings is None:
        return params
    expect_paths(settings)
    found = Given()
    patches = {key: value for key, value in settings.items() if "." in key}
    if patches:
        tree = read(from_python(patches, "set"))
        assert isinstance(tree, MappingNode)
        for key, value in tree.entries:
            found.take(key, value)
    twice = next((key for key in settings if key in params), None)
    if twice is not None:
        raise fault("bad-call", f"'{twice}' is given twice: in set, and by itself")
    found.update({**params, **{key: value for key, value in settings.items() if "." not in key}})
    return found


def filled(params: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a call sets, and the values of params that it leaves as they are."""
    found = Given()
    found.update({**defaults, **params})
    if isinstance(params, Given):
        found.places, found.patches = params.places, params.patches
    return found


def expect_paths(settings: Mapping[str, Any]) -> None:
    """Raises unless what a call sets by path is a dict of names."""
    if not isinstance(settings, Mapping) or not all(isinstance(key, str) for key in settings):
        raise fault("bad-call", "set is a dict of paths and values", help='such as {"dense.stage3.layers": 12}')


def patches_in(params: Mapping[str, Any] | None, *forms: str | None) -> Patches:
    """The patches that come with params, for the variants named; without any, for all that the spec has."""
    return Patches(params.patches, forms or None) if isinstance(params, Given) else NO_PATCHES


def plain(node: Node, key: Scalar) -> Any:
    """The value of a param, or of another name without a part."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, MappingNode):
        raise fault("bad-value", f"'{key.text}' cannot be a mapping", node.span)
    return [plain(item, key) for item in node.items]


# --- from the command line
def from_words(option: str, texts: Iterable[str]) -> Given:
    """`--set growth=16 --set dense.stage3.layers=12`; each value is YAML, and keeps its place in the argument."""
    found = Given()
    for text in texts:
        found.take(*halves(option, text))
    return found


def halves(option: str, text: str) -> tuple[Scalar, Node]:
    """The name and the value of a setting, each at its place in the argument."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        help = f"for example {option} growth=16"
        raise fault("bad-call", f"{option} takes name=value, not '{text}'", help=help)
    source = Source(option, text)
    start = len(name) - len(name.lstrip()) + 1
    word = name.strip()
    key = Scalar(word, word, False, Span(source, 1, start, 1, start + len(word)))
    if value.strip() in ("", "~", "null"):
        end = len(text) + 1
        return key, Scalar(None, "null", False, Span(source, 1, end, 1, end))
    try:  # behind as many blanks, so that its places are those in the argument
        return key, placed(read(Source(option, " " * (len(name) + 1) + value)), source)
    except SpecError as error:
        raise SpecError(*(in_argument(item, source) for item in error.diagnostics)) from None


def placed(node: Node, source: Source) -> Node:
    """A node with its places in another text."""
    span = node.span._replace(source=source)
    if isinstance(node, Scalar):
        return Scalar(node.value, node.text, node.quoted, span)
    if isinstance(node, Sequence):
        return Sequence(tuple(placed(item, source) for item in node.items), span)
    entries = tuple((placed(key, source), placed(value, source)) for key, value in node.entries)
    return MappingNode(tuple((key, value) for key, value in entries if isinstance(key, Scalar)), span)


def in_argument(item: Diagnostic, source: Source) -> Diagnostic:
    """A fault with its place in the argument."""

    def moved(span: Span | None) -> Span | None:
        return None if span is None else span._replace(source=source)

    notes = tuple(Note(note.message, moved(note.span)) for note in item.notes)
    return replace(item, span=moved(item.span), notes=notes)
