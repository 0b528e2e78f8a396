"""Every strip and every block figure of the shipped specs at the widths of a paper, on contact sheets to look at.

`python docs/contact_sheet.py FOLDER [SPEC...]` writes `WIDTH-N.png` and prints each figure that is refused.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import graphviz

import archdsl
from archdsl.backends.figures.engine import render
from archdsl.ir.graph import Graph
from archdsl.workspace.library import all_shipped

WIDTHS = ("3.4in", "7in")
DPI = 100
SHEET = (2100, 2600)  # pixels
CAPTION, APART = 22, 14


@dataclass(frozen=True)
class Figure:
    """A drawing in a file, and its size."""

    caption: str
    file: Path
    wide: int
    high: int


def figures(graph: Graph, name: str, width: str, folder: Path) -> Iterator[Figure]:
    """The strip of a network and its blocks, each in a file."""
    blocks = dict.fromkeys(scope.name for scope in graph.root.scopes() if scope.is_block)
    for block in (None, *blocks):
        caption = " ".join(filter(None, (name, block)))
        try:
            cases = ["all"] if block else []
            drawn = archdsl.draw(graph, block=block, cases=cases, width=width, dpi=DPI, format="png")
        except archdsl.SpecError as refused:
            first = refused.diagnostics[0]
            print(f"{width}: {caption}: {first.message} ({first.help})")
            continue
        file = folder / f"{width}.{caption.replace(' ', '.')}.png"
        file.write_bytes(drawn)
        yield Figure(caption, file, *struct.unpack(">II", drawn[16:24]))


def sheets(found: Sequence[Figure]) -> Iterator[list[tuple[Figure, int, int]]]:
    """The figures with their places, sheet by sheet: in columns, each as wide as its widest."""
    sheet: list[tuple[Figure, int, int]] = []
    left = top = wide = 0
    for figure in sorted(found, key=lambda figure: figure.high):
        if top and top + CAPTION + figure.high > SHEET[1]:
            left, top, wide = left + wide + APART, 0, 0
        if left and left + figure.wide > SHEET[0]:
            yield sheet
            sheet, left, top, wide = [], 0, 0, 0
        sheet.append((figure, left, top))
        top += CAPTION + figure.high + APART
        wide = max(wide, figure.wide)
    if sheet:
        yield sheet


def composed(sheet: Sequence[tuple[Figure, int, int]]) -> bytes:
    """A sheet as one image; the engine places images and captions where it is told."""
    graph = graphviz.Digraph(graph_attr={"bgcolor": "#d0d0d0"}, node_attr={"shape": "none", "margin": "0", "label": ""})
    scale = 72 / DPI
    for number, (figure, left, top) in enumerate(sheet):
        middle = (left + figure.wide / 2) * scale
        size = {"width": f"{figure.wide / DPI:.3f}", "height": f"{figure.high / DPI:.3f}", "fixedsize": "true"}
        place = f"{middle:.1f},{-(top + CAPTION + figure.high / 2) * scale:.1f}"
        graph.node(f"f{number}", image=str(figure.file), imagescale="true", pos=place, **size)
        caption = {"label": graphviz.escape(figure.caption), "fontsize": "11", "height": "0.2"}
        graph.node(f"c{number}", pos=f"{middle:.1f},{-(top + CAPTION / 2) * scale:.1f}", **caption)
    return render(graph.source, "png", "nop2", dpi=DPI)


def main(folder: Path, names: Sequence[str]) -> None:
    single = folder / "figures"
    single.mkdir(parents=True, exist_ok=True)
    networks = {name: archdsl.graph(name) for name in names or all_shipped()}
    for width in WIDTHS:
        found = [figure for name, graph in networks.items() for figure in figures(graph, name, width, single)]
        for number, sheet in enumerate(sheets(found), start=1):
            (folder / f"{width}-{number}.png").write_bytes(composed(sheet))
        print(f"{width}: {len(found)} figures")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the sheets are written")
    parser.add_argument("specs", nargs="*", help="networks to draw instead of all shipped ones")
    given = parser.parse_args()
    main(given.folder.resolve(), given.specs)
