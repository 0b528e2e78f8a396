"""Letters that a figure cannot show, because no font has them, and the warning that names them."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.backends.figures import fonts, measure
from archdsl.backends.figures.theme import Look
from archdsl.backends.figures.warned import warn
from archdsl.diagnostics.faults import FontWarning

MOST = 12  # letters that a message names
DRAWN = "shows boxes in their place"
SHOWN = {"svg": f"{DRAWN} where its reader has no such font either", "png": DRAWN, "pdf": DRAWN}
OTHER_WORDS = "give these parts other words with 'label:'"


def expect_fonts(text: str, format: str, look: Look) -> None:
    """Warns of letters in a figure's text that neither its font nor any font of this machine has.

    A letter that only another font has is drawn in that one.
    """
    carried = measure.face_of(look.font, bold=False).letters  # without the wheels of fonts nothing is known
    beyond = {letter for letter in text if not letter.isascii() and carried and ord(letter) not in carried}
    lacking = fonts.lacking(frozenset(beyond)) if format in SHOWN and beyond else ()
    help = f"install a font that has them, such as Noto Sans CJK for Chinese, or {OTHER_WORDS}"
    tell(
        f"no font on this machine has {{}}: the {format} {SHOWN.get(format)}; {help}",
        (letter for letter in text if letter in lacking),
    )


def expect_latex(spelled: Iterable[str]) -> None:
    """Warns of letters that LaTeX gets spelled out."""
    help = f"draw a pdf, or {OTHER_WORDS}"
    tell(f"the fonts of LaTeX lack {{}}: tikz writes their numbers, such as U+4E2D; {help}", spelled)


def tell(message: str, letters: Iterable[str]) -> None:
    """The warning with the letters in their place."""
    found = [*dict.fromkeys(letters)]
    if found:
        named = "".join(found[:MOST]) + "…" * (len(found) > MOST)
        warn(message.format(f"'{named}'"), FontWarning)
