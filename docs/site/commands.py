"""The usage and the options of each command, in its section of the page of the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from archdsl.commands.cli import archdsl

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

HEADING = re.compile(r"^## archdsl (.+)$", re.MULTILINE)


def on_page_markdown(text: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    if page.file.src_uri != "cli.md":
        return text
    lacking = set(archdsl.commands) - {name for found in HEADING.findall(text) for name in found.split(", ")}
    assert not lacking, f"docs/cli.md has no section for {', '.join(sorted(lacking))}"
    return HEADING.sub(lambda found: "\n\n".join([found[0], *map(reference, found[1].split(", "))]), text)


def reference(name: str) -> str:
    """What `--help` says, folded."""
    command = archdsl.commands[name]
    context = click.Context(command, info_name=f"archdsl {name}")
    records = [item.get_help_record(context) for item in command.get_params(context)]
    rows = ["| option | meaning |", "|---|---|", *(row(*record) for record in records if record)]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [command.help or "", "", "```text", usage, "```", "", *rows]
    body = "\n".join(f"    {line}".rstrip() for line in "\n".join(lines).splitlines())
    return f'??? abstract "All options of `archdsl {name}`"\n\n{body}'


def row(option: str, meaning: str) -> str:
    return f"| `{option}` | {meaning.replace('|', '&#124;').replace('<', '&lt;')} |"
