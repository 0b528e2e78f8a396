"""A tree while patches are laid on it: parts keep the names and numbers of the base until it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.yaml.located import Mapping, Node, Scalar, Sequence


@dataclass(eq=False)
class Draft:
    """A node that may be changed, with those in it."""

    node: Node
    base: Node  # as it was before any patch, by which paths find it
    items: list[Draft] = field(default_factory=list)  # of a list
    entries: list[tuple[Scalar, Draft]] = field(default_factory=list)  # of a mapping
    word: str = ""  # of an inserted part: what the file that inserts it calls it
    before: list[Draft] = field(default_factory=list)
    after: list[Draft] = field(default_factory=list)
    gone: bool = False
    moved: Draft | None = None  # where it stands now
    spread: bool = False  # a list whose items stand in the list around it

    def become(self, node: Node) -> None:
        """Puts another node in the place of this one."""
        made = draft(node)
        self.node, self.items, self.entries, self.spread = node, made.items, made.entries, False

    def get(self, key: str) -> Draft | None:
        return next((value for name, value in self.entries if name.text == key), None)

    def put(self, key: Scalar, value: Node) -> None:
        """Sets the value of a key; null takes the key out."""
        if isinstance(value, Scalar) and value.value is None and not value.empty:
            self.entries = [entry for entry in self.entries if entry[0].text != key.text]
            return
        for number, (name, old) in enumerate(self.entries):
            if name.text == key.text:
                old.become(value)
                self.entries[number] = key, old
                return
        self.entries.append((key, draft(value)))

    def around(self) -> Iterator[Draft]:
        """The part with what was inserted beside it, in order."""
        for other in self.before:
            yield from other.around()
        yield self
        for other in self.after:
            yield from other.around()

    def parts(self) -> list[Draft]:
        """The items of a list, those inserted among them; of anything else, itself."""
        items = self.items if isinstance(self.node, Sequence) else [self]
        return [part for item in items for part in item.around()]

    # --- back to nodes
    def settled(self) -> Node:
        """The node that has come of it; the same one, where nothing has changed."""
        if self.before or self.after or self.gone:  # a lone step that has become several
            return Sequence(tuple(self.in_list()), self.node.span)
        return self.own()

    def own(self) -> Node:
        if isinstance(self.node, Sequence):
            items = tuple(node for item in self.items for node in item.in_list())
            return self.node if items == self.node.items else Sequence(items, self.node.span)
        if isinstance(self.node, Mapping):
            entries = tuple((key, value.settled()) for key, value in self.entries)
            return self.node if entries == self.node.entries else Mapping(entries, self.node.span)
        return self.node

    def in_list(self) -> Iterator[Node]:
        """What stands in the place of this item, those beside it among them."""
        for part in self.around():
            yield from part.own_items()

    def own_items(self) -> Iterator[Node]:
        """What stands in the place of this item itself."""
        own = None if self.gone else self.own()
        if self.spread and isinstance(own, Sequence):
            yield from own.items
        elif own is not None:
            yield own


def draft(node: Node, word: str = "") -> Draft:
    """A draft of a node and of all in it."""
    items = [draft(item) for item in node.items] if isinstance(node, Sequence) else []
    entries = [(key, draft(value)) for key, value in node.entries] if isinstance(node, Mapping) else []
    return Draft(node, node, items, entries, word)
