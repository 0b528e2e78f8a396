"""The names that a file declares, told before its parts are read."""

from __future__ import annotations

from archdsl.syntax.identifiers import MEASURES, TABLE_NAMES, TURN_NAMES, is_identifier
from archdsl.yaml.located import Mapping, Node, Scalar, Sequence

_DECLARING = {
    "as": "tensor",
    "inputs": "input",
    "for": "column",
    "each": "column",
    "params": "param",
    "let": "let",
    "stages": "stage",
}
_ALWAYS = frozenset({"input", *MEASURES, *TURN_NAMES, *TABLE_NAMES})


def file_names(tree: Mapping) -> frozenset[str]:
    """Every name that a file declares anywhere: enough to tell a tensor's name from a misspelt op."""
    found: set[str] = set(_ALWAYS)
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Sequence):
            todo.extend(node.items)
        elif isinstance(node, Mapping):
            for key, value in node.entries:
                if key.text in _DECLARING:
                    found.update(names_of(value))
                todo.append(value)
    return frozenset(found)


def names_of(node: Node) -> list[str]:
    if isinstance(node, Mapping):
        return node.keys()
    items = node.items if isinstance(node, Sequence) else (node,)
    scalars = [item for item in items if isinstance(item, Scalar)]
    keys = [key.text for item in items if isinstance(item, Mapping) for key, _ in item.entries]
    return [item.text for item in scalars if is_identifier(item.text)] + keys


def block_names(tree: Mapping) -> frozenset[str]:
    blocks = tree.get("blocks")
    return frozenset(blocks.keys()) if isinstance(blocks, Mapping) else frozenset()
