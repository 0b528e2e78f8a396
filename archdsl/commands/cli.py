"""The command line: the group of all commands, and the process that runs one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import cast

import click

from archdsl import __version__
from archdsl.commands import progress
from archdsl.commands.examples import epilog
from archdsl.commands.status import FAULT, INTERRUPTED, OK, internal, status_of
from archdsl.commands.terminal import complain, prepare, quiet, report
from archdsl.diagnostics.faults import SpecError

# The file of each command, in this folder, where it stands as `command`.
NAMES = (
    "build",
    "check",
    "cost",
    "diff",
    "draw",
    "emit",
    "export",
    "fmt",
    "lint",
    "list",
    "new",
    "lsp",
    "mcp",
    "ops",
    "passes",
    "plot",
    "port",
    "schema",
    "show",
    "sweep",
    "table",
    "time",
    "watch",
)


class Commands(Mapping[str, click.Command]):
    """The commands by name: a file is imported when its command is asked for."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in NAMES:
            raise KeyError(name)
        command: click.Command = import_module(f"archdsl.commands.{name}").command
        command.epilog = command.epilog or epilog(name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@click.group(
    commands=cast("MutableMapping[str, click.Command]", Commands()),  # which click reads alone
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="archdsl")
@click.option("-q", "--quiet", is_flag=True, help="Print only results and errors.")
@click.option("-v", "--verbose", is_flag=True, help="Print how long each step took.")
def archdsl(*, quiet: bool, verbose: bool) -> None:
    """Compile CNN architectures from YAML to PyTorch modules, source code, figures and tables.

    SPEC is a file, or the name of a shipped spec (see `archdsl list`).
    """
    progress.choose(quiet=quiet, verbose=verbose)


def main(args: Sequence[str] | None = None) -> int:
    """The console script: runs a command and tells how it went by the exit status."""
    prepare()
    try:
        status = run(args)
        sys.stdout.flush()
    except SpecError as error:
        if not error.diagnostics:  # a refusal that does not say why
            return internal(error)
        report(error)
        return status_of(error.diagnostics)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return FAULT
    except (BrokenPipeError, SystemExit):  # which click makes of the former
        quiet()  # who read has read enough
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            return internal(error)
        complain(f"archdsl: cannot write the output: {error.strerror or error}")  # a full disk behind a redirection
        quiet()
        return FAULT
    except Exception as error:  # noqa: BLE001 - the one place where a fault of ours is told from one of the user's
        return internal(error)
    else:
        return status
    return OK


def run(args: Sequence[str] | None) -> int:
    """Runs a command; gives the exit status that it chose itself (`Context.exit`), else that of success."""
    with progress.noted():
        chosen = archdsl.main(list(args) if args is not None else None, prog_name="archdsl", standalone_mode=False)
    return OK if chosen is None else int(chosen)
