"""Words as LaTeX that any of its engines sets with its own fonts: what these lack is spelled out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

SIGNS = {
    "\\": r"\ensuremath{\backslash}",  # as braces, of mathematics: few fonts of words have them
    "{": r"\ensuremath{\{}",
    "}": r"\ensuremath{\}}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\ensuremath{\sim}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': "{''}",
    "`": r"\textasciigrave{}",
    "-": "{-}",  # by itself, so that two are no dash
    ",": "{,}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "−": r"\ensuremath{-}",
    "→": r"\ensuremath{\rightarrow}",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "′": r"\ensuremath{'}",
    "≈": r"\ensuremath{\approx}",
    "÷": r"\ensuremath{\div}",
    "∼": r"\ensuremath{\sim}",
    "∝": r"\ensuremath{\propto}",
    "≡": r"\ensuremath{\equiv}",
    "←": r"\ensuremath{\leftarrow}",
    "↔": r"\ensuremath{\leftrightarrow}",
    "↑": r"\ensuremath{\uparrow}",
    "↓": r"\ensuremath{\downarrow}",
    "⇒": r"\ensuremath{\Rightarrow}",
    "∈": r"\ensuremath{\in}",
    "∑": r"\ensuremath{\sum}",
    "∏": r"\ensuremath{\prod}",
    "∂": r"\ensuremath{\partial}",
    "∇": r"\ensuremath{\nabla}",
    "‖": r"\ensuremath{\Vert}",
    "⌊": r"\ensuremath{\lfloor}",
    "⌋": r"\ensuremath{\rfloor}",
    "⌈": r"\ensuremath{\lceil}",
    "⌉": r"\ensuremath{\rceil}",
    "±": r"\ensuremath{\pm}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "≠": r"\ensuremath{\neq}",
    "∞": r"\ensuremath{\infty}",
    "⊕": r"\ensuremath{\oplus}",
    "⊗": r"\ensuremath{\otimes}",
    "⊙": r"\ensuremath{\odot}",
    "√": r"\ensuremath{\surd}",
    "°": r"\ensuremath{^{\circ}}",
    "•": r"\ensuremath{\bullet}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "\N{NO-BREAK SPACE}": "~",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|"
    "omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)


def escaped(words: str) -> str:
    return "".join(letters(words))


def raised(letter: str) -> str:
    """A superscript or subscript digit, letter or minus."""
    kind, _, digit = unicodedata.decomposition(letter).partition(" ")
    sign = {"<super>": "^", "<sub>": "_"}.get(kind)
    low = unicodedata.normalize("NFKD", letter).replace("\N{MINUS SIGN}", "-")
    return f"\\ensuremath{{{sign}{{{low}}}}}" if sign and len(digit) == 4 and low.isascii() else ""


def letters(words: str) -> Iterator[str]:
    for letter in words:
        yield command(letter) or f"U+{ord(letter):04X}"


def spelled(words: str) -> Iterator[str]:
    """The letters that become their numbers."""
    return (letter for letter in words if not command(letter))


def command(letter: str) -> str:
    """A letter as LaTeX sets it; nothing where its fonts lack it."""
    if letter in SIGNS:
        return SIGNS[letter]
    return letter if letter.isascii() else raised(letter) or accented(letter) or greek(letter) or taken_apart(letter)


def taken_apart(letter: str) -> str:
    """The letters of `½` or of a ligature; nothing if it is one letter."""
    parts = unicodedata.normalize("NFKD", letter).replace("\N{FRACTION SLASH}", "/")
    return escaped(parts) if len(parts) > 1 and parts.isascii() else ""


def accented(letter: str) -> str:
    """The letter of `é` with its accent as a command; nothing if it is no plain letter, and none with known accents."""
    base, *marks = list(unicodedata.normalize("NFKD", letter))
    if not base.isascii() or not base.isalnum():
        return ""
    if all(mark in ACCENTS for mark in marks):
        for mark in marks:
            base = f"\\{ACCENTS[mark]}{{{base}}}"
        return base
    return ""


def greek(letter: str) -> str:
    _, _, name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "").partition("GREEK ")
    case, _, word = name.partition(" LETTER ")
    word = word.lower().replace("lamda", "lambda")
    word = word.capitalize() if case == "CAPITAL" else word
    return f"\\ensuremath{{\\{word}}}" if GREEK.fullmatch(word) else ""


__all__ = ["command", "escaped", "spelled"]
