"""Words as LaTeX that any of its engines sets with its own fonts: what these lack is spelled out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
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
    """A superscript or subscript digit."""
    kind, _, digit = unicodedata.decomposition(letter).partition(" ")
    sign = {"<super>": "^", "<sub>": "_"}.get(kind)
    return f"\\ensuremath{{{sign}{chr(int(digit, 16))}}}" if sign and len(digit) == 4 else ""


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
    return letter if letter.isascii() else raised(letter) or accented(letter) or greek(letter)


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
