"""The colours of the figures as style sheet: on a light ground, and on a dark one where the reader's screen is."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.figures.style import ROLES
from archdsl.backends.figures.theme import Look


def class_of(colour: str) -> str:
    """The class of what has a colour: a role's name, or `#rrggbb`."""
    return colour.replace("#", "c")


def style_sheet(own: Sequence[str] = ()) -> str:
    """Of all roles, and of a spec's own colours."""
    colours = [*ROLES, *sorted(set(own) - set(ROLES))]
    light, dark = values("light", colours), values("dark", colours)
    rules = "".join(map(rule, map(class_of, colours)))
    return f":root {{ {light} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{rules}"


def values(theme: str, colours: Sequence[str]) -> str:
    look = Look(theme=theme)
    paints = {class_of(colour): look.paint(colour) for colour in colours}
    return " ".join(f"--{name}: {paint.fill}; --{name}-line: {paint.line};" for name, paint in paints.items())


def rule(name: str) -> str:
    fill, line = f"var(--{name})", f"var(--{name}-line)"
    return f".{name} {{ fill: {fill}; stroke: {line}; background: {fill}; border-color: {line}; }}\n"
