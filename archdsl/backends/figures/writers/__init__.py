"""Scenes as files: TikZ for LaTeX, diagrams for draw.io, slides for PowerPoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archdsl.backends.figures.paper import PAD, Page
from archdsl.backends.figures.scene import Scene


@dataclass(frozen=True)
class Writer:
    """One kind of file: how large a figure of no given width comes out, with how many points around it."""

    write: Callable[[Scene], bytes | str]
    scale: float = 1.0
    margin: float = PAD

    def written(self, scene: Scene, page: Page | None) -> bytes | str:
        return self.write(scene.on(page, self.scale, self.margin))


def to_tikz(scene: Scene) -> str:
    from archdsl.backends.figures.writers import tikz

    return tikz.write(scene)


def to_drawio(scene: Scene) -> str:
    from archdsl.backends.figures.writers import drawio

    return drawio.write(scene)


def to_pptx(scene: Scene) -> bytes:
    from archdsl.backends.figures.writers import slides

    return slides.write(scene)


WRITERS: Mapping[str, Writer] = {
    "tikz": Writer(to_tikz, 0.7, 2.0),  # text of 12 and 10 points is 8.4 and 7 in print
    "drawio": Writer(to_drawio, 0.72),
    "pptx": Writer(to_pptx),
}
