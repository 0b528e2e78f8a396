"""The tools of `archdsl mcp`: what the commands do, as functions that a coding assistant calls.

A spec is named as on the command line, or given as text; params are an object, whose keys are what `--set` takes: names
of params, and paths. Faults come back as the text that the command line prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from archdsl import __version__
from archdsl.commands.lint import linted
from archdsl.diagnostics.faults import SpecError
from archdsl.ir.graph import Graph
from archdsl.support.resources import page
from archdsl.workspace.comparison import halves
from archdsl.workspace.confined import Confined
from archdsl.workspace.library import all_shipped, elaborated, in_memory, rewritten
from archdsl.workspace.settings import given, patches_in

INSTRUCTIONS = """archdsl compiles CNN architectures, written as YAML specs, to PyTorch modules, figures and tables.
A spec is a file below the current folder, the bare name of a shipped one (`specs` lists them), or YAML text. Read the
resource archdsl://language before writing one; call `check` after each edit, and correct what it tells at its place.
Prefer `extends:` with a few overrides to copying a shipped spec. In `params`, a key is a param of the spec, or the path
of a part of it: {"growth": 16, "dense.stage3.layers": 12}."""
TEXT = "text/markdown"


@dataclass(frozen=True)
class Tools:
    """What an assistant may call; `files` is what it may touch."""

    files: Confined

    def specs(self) -> str:
        """The names of the shipped specs, one a line."""
        return "\n".join(all_shipped())

    def read(self, spec: str) -> str:
        """The text of a spec: a shipped name, or a file below the folder."""
        return self.files.load(self.files.found(spec)).text

    def check(self, spec: str) -> str:
        """Checks a spec in all its variants, and the numbers that it states; tells its faults with file:line:column."""
        from archdsl.workspace.checking import check

        self.files.spec(spec)  # all of its files may be read
        return str(check(spec if in_memory(spec) else self.files.found(spec)))

    def show(self, spec: str, variant: str | None = None, params: dict[str, Any] | None = None) -> str:
        """The spec that results from extends:, patches and params, as one YAML text that builds the same network."""
        from archdsl.workspace.showing import show

        settings = given({}, params)
        self.files.spec(spec, patches_in(settings, variant))  # all of its files may be read
        return show(spec if in_memory(spec) else self.files.found(spec), variant, settings)

    def lint(self, spec: str) -> str:
        """Warnings about a sound spec: what is suspicious or slow, with reason and paper."""
        found = linted(self.files.spec(spec), within=self.files.root)
        return str(SpecError(*found)) if found else "no warnings"

    def cost(
        self,
        spec: str,
        variant: str | None = None,
        params: dict[str, Any] | None = None,
        input: list[int] | None = None,
    ) -> str:
        """The stage table with parameters, multiply-adds, memory and receptive field; `input` is [C, H, W]."""
        from archdsl.analysis.cost import cost
        from archdsl.workspace.expected import with_published

        return with_published(cost(self.graph(spec, variant, params, input))).to_text()

    def diff(self, before: str, after: str, params: dict[str, Any] | None = None) -> str:
        """What makes one network of another, in words and stage by stage; each is a spec or `spec@variant`.

        `params` are set in the second one.
        """
        from archdsl.workspace.difference import diff

        return diff(self.named(before), self.named(after, params)).to_text()

    def emit(
        self,
        spec: str,
        variant: str | None = None,
        params: dict[str, Any] | None = None,
        target: str = "torch",
        output: str | None = None,
    ) -> str:
        """The network as PyTorch source (or json, svg, …); `output` names a file below the folder to write instead."""
        from archdsl.backends import printed

        return self.result(printed(target, self.graph(spec, variant, params), {}), output)

    def draw(
        self,
        spec: str,
        variant: str | None = None,
        params: dict[str, Any] | None = None,
        block: str | None = None,
        format: str = "svg",
        output: str | None = None,
    ) -> str:
        """A figure of the network, or of one of its blocks, as svg, dot, tikz, drawio or html; others need `output`."""
        from archdsl.backends import figures

        made = figures.draw(self.graph(spec, variant, params), block=block, level="network", format=format)
        return self.result(made, output)

    # --- what they share
    def graph(
        self,
        spec: str,
        variant: str | None = None,
        params: dict[str, Any] | None = None,
        shape: list[int] | None = None,
    ) -> Graph:
        settings = given({}, params)
        return elaborated(self.files.spec(spec, patches_in(settings, variant)), variant, settings, shape, rewritten())

    def named(self, text: str, params: dict[str, Any] | None = None) -> Graph:
        """The network of `spec` or `spec@variant`."""
        spec, variant = halves(text)
        return self.graph(str(spec), variant, params)

    def result(self, made: str | bytes, output: str | None) -> str:
        """A text as it is, or what was written."""
        from archdsl.support.output import write

        if output is None:
            if isinstance(made, bytes):
                raise ToolError("the output is binary: give output, the name of a file")
            return made
        write(self.files.inside(output), made)
        return f"wrote {output}, {len(made)} {'bytes' if isinstance(made, bytes) else 'characters'}"


@contextmanager
def told() -> Iterator[None]:
    """Gives a fault as the text of a failed call."""
    try:
        yield
    except SpecError as error:
        raise ToolError(str(error)) from None


def server(root: Path) -> MCPServer[Any]:
    """The server for a folder."""
    from functools import wraps

    made: MCPServer[Any] = MCPServer("archdsl", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    tools = Tools(Confined(root))

    def offer(tool: Callable[..., str]) -> None:
        @wraps(tool)
        def call(*args: Any, **kwargs: Any) -> str:
            with told():
                return tool(*args, **kwargs)

        made.tool(structured_output=False)(call)

    offered: list[Callable[..., str]] = [tools.specs, tools.read, tools.show, tools.check, tools.lint]
    offered += [tools.cost, tools.diff, tools.emit, tools.draw]
    for tool in offered:
        offer(tool)

    @made.resource("archdsl://language", title="The language reference", mime_type=TEXT)
    def language() -> str:
        return page("language")

    @made.resource("archdsl://ops", title="The primitive ops", mime_type=TEXT)
    def ops() -> str:
        return page("ops")

    return made
