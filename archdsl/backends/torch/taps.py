"""Taps: which tensors the path into a container may read."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.ir import program as ir


def tapped(tap: ir.Tap) -> Iterator[ir.Value]:
    """The tensors that a tap may read; more than that only if a place in a chain is tapped that has no name."""
    body = tap.container.body
    if isinstance(tap.container, ir.Loop) and len(tap.keys) == 1:  # what leaves a row
        found = [body.result]
    else:
        found = [node.out for node in body.walk() if node.key == tap.keys[-1]] or [node.out for node in body.walk()]
    yield from (var for var in found if isinstance(var, ir.Value))


def step_of(tap: ir.Tap) -> ir.Operation | None:
    """The step that a tap reads, if its path leads through containers alone."""
    node: ir.Operation = tap.container
    for key in tap.keys:
        if not isinstance(node, ir.Container):
            return None
        found = [step for step in links(node.body) if step.key == key]
        if len(found) != 1:
            return None
        (node,) = found
    return node


def links(region: ir.Region) -> Iterator[ir.Operation]:
    """The steps of a chain, on both sides of its conditions."""
    for node in region.nodes:
        if isinstance(node, ir.If):
            for side in node.regions():
                yield from links(side)
        else:
            yield node
