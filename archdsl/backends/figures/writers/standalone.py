r"""What makes a picture of TikZ a document that compiles by itself, and that a paper takes by \input."""

from __future__ import annotations

from collections.abc import Sequence

# Before `\begin{document}` of a paper `\@nodocument` is an error, in it nothing.
BEGINNING = r"""% {title}
% Compile this file with pdflatex, lualatex or xelatex, or \input it in a paper that has in its preamble:
{wanted}
\expandafter\ifx\csname @nodocument\endcsname\relax\else % not in a paper: a document of its own
  \documentclass[border=0bp]{{standalone}}
{given}
  % the font that labels were measured in, where it is installed; with any other, \fit keeps them in their places
  \IfFileExists{{{package}.sty}}{{\usepackage[T1]{{fontenc}}\usepackage{options}{{{package}}}}}{{}}
  \def\endoffigure{{\end{{document}}}}
  \begin{{document}}%
\fi%
"""
ENDING = "\\csname endoffigure\\endcsname\n"


def standalone(picture: str, title: str, needs: Sequence[str], package: str, *, default: bool = False) -> str:
    """A picture that needs these lines in a preamble; `default`: its words have no font but that of all words."""
    beginning = BEGINNING.format(
        title=" ".join(title.split()),
        wanted="\n".join(f"%   {line}" for line in needs),
        given="\n".join(f"  {line}" for line in needs),
        package=package,
        options="[default]" if default else "",
    )
    return beginning + picture + ENDING
