"""Which networks are drawn by resolution when nothing else is asked for: encoders with decoders, and detectors."""

from __future__ import annotations

from itertools import product

from archdsl.backends.figures.grid.places import read_by, size
from archdsl.backends.figures.strip.cells import Cell, Strip, is_map


def suited(strip: Strip, rank: int) -> bool:
    """Whether maps go up to a higher resolution again while others skip across, or a head reads several resolutions."""
    maps = [cell for cell in strip.cells if is_map(cell, rank) and cell.box.role != "output"]
    return (climbs(strip, maps) and skips(strip, maps)) or has_heads(strip, maps)


def climbs(strip: Strip, maps: list[Cell]) -> bool:
    """Whether a stage makes a larger map from a smaller one."""
    results = [pair for net in strip.nets if not net.tap for pair in product(net.sources, net.targets)]
    pairs = [(source, target) for source, target in (*strip.flows, *results) if source in maps and target in maps]
    return any(size(source) < size(target) for source, target in pairs)


def skips(strip: Strip, maps: list[Cell]) -> bool:
    """Whether a map is read again after smaller ones, as what a decoder has from its encoder."""
    pairs = [pair for net in strip.nets for pair in product(net.sources, net.targets)]
    return any(
        source in maps and target in maps and any(size(cell) < min(size(source), size(target)) for cell in between)
        for source, target in pairs
        for between in [[cell for cell in maps if source.place < cell.place < target.place]]
    )


def has_heads(strip: Strip, maps: list[Cell]) -> bool:
    """Whether a stage makes predictions, which are no maps, from maps of several resolutions."""
    read = ((cell, sources) for cell, sources in read_by(strip).items() if not cell.end and cell not in maps)
    return any(len({size(source) for source in sources if source in maps}) > 1 for _, sources in read)
