"""The server for coding assistants, by a client of the official SDK."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import mcp
import pytest

import archdsl
from archdsl.commands.assistant import server

NET = "archdsl: 1\nname: Net\ninput: [3, 8, 8]\nparams: {width: 4}\nstages:\n  a: [conv: width, relu]\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder of the server, with a spec in it, and a secret beside it."""
    (tmp_path / "here/sub").mkdir(parents=True)
    (tmp_path / "here/net.yaml").write_text(NET)
    (tmp_path / "secret.yaml").write_text(NET.replace("Net", "Secret"))
    (tmp_path / "here/link.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "here/away").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def calls(root, *wanted, transport=None):
    """What each call of a tool gives: whether it failed, and its text."""

    async def run():
        async with mcp.Client(transport or server(Path())) as client:
            found = []
            for tool, arguments in wanted:
                answer = await client.call_tool(tool, arguments)
                found.append((bool(answer.is_error), answer.content[0].text))
            return found

    return asyncio.run(run())


def test_an_assistant_edits_a_spec_over_stdio(root):
    path = os.pathsep.join([str(Path(archdsl.__file__).parents[1])])
    command = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "archdsl", "mcp"], cwd=str(root), env={**os.environ, "PYTHONPATH": path}
    )

    async def run():
        async with mcp.Client(command) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            text = (await client.read_resource("archdsl://language")).contents[0].text
            wrong = await client.call_tool("check", {"spec": NET.replace("relu", "rellu")})
            right = await client.call_tool("check", {"spec": "net.yaml"})
            return tools, text, wrong, right

    tools, text, wrong, right = asyncio.run(run())
    assert tools == ["specs", "read", "show", "check", "lint", "cost", "diff", "emit", "draw"]
    assert text.startswith("<!-- fmt: off -->\n# The language")
    assert wrong.is_error
    assert "<text>:6:20: error[unknown-op]" in wrong.content[0].text
    assert "did you mean 'relu'?" in wrong.content[0].text
    assert right.content[0].text == "ok (Net: 1 configuration checked, none states expected numbers)"


def test_the_tools_are_what_the_commands_do(root):
    found = calls(
        root,
        ("specs", {}),
        ("read", {"spec": "net.yaml"}),
        ("cost", {"spec": "net.yaml", "params": {"width": 8}, "input": [3, 16, 16]}),
        ("diff", {"before": "net.yaml", "after": NET.replace("relu", "silu")}),
        ("emit", {"spec": NET}),
        ("emit", {"spec": "net.yaml", "output": "sub/net.py"}),
        ("draw", {"spec": "net.yaml"}),
        ("draw", {"spec": "net.yaml", "format": "png", "output": "net.png"}),
        ("lint", {"spec": "net.yaml"}),
    )
    assert [failed for failed, _ in found] == [False] * 9
    texts = [text for _, text in found]
    assert "peleenet" in texts[0].split()
    assert texts[1] == NET
    assert "input 3×16×16" in texts[2]
    assert "silu" in texts[3].lower()
    assert texts[4] == archdsl.emit(NET)
    assert (root / "sub/net.py").read_text() == archdsl.emit("net.yaml")
    assert texts[6].startswith("<?xml") or texts[6].startswith("<svg")
    assert (root / "net.png").read_bytes().startswith(b"\x89PNG")


def test_params_may_be_paths(root):
    """In every tool, as with `--set`; a path that hits nothing is a fault with its place."""
    set_ = {"params": {"width": 8, "stages.a.relu": "silu"}}
    found = calls(
        root,
        ("show", {"spec": "net.yaml", **set_}),
        ("diff", {"before": "net.yaml", "after": "net.yaml", **set_}),
        ("emit", {"spec": "net.yaml", **set_}),
        ("cost", {"spec": "net.yaml", "params": {"stages.b.relu": "silu"}}),
        ("show", {"spec": "../secret.yaml"}),
    )
    assert [failed for failed, _ in found] == [False, False, False, True, True]
    assert archdsl.graph(found[0][1]).fingerprint == archdsl.graph("net.yaml", set=set_["params"]).fingerprint
    assert "ReLU → SiLU" in found[1][1]
    assert "nn.SiLU" in found[2][1]
    assert "of this server" in found[4][1]


def test_nothing_outside_the_folder_is_read_or_written(root):
    (root / "over.yaml").write_text("extends: link.yaml\nname: Over\n")
    (root / "out.py").symlink_to(root.parent / "out.py")
    found = calls(
        root,
        ("read", {"spec": "../secret.yaml"}),
        ("read", {"spec": "link.yaml"}),
        ("check", {"spec": "away/secret.yaml"}),
        ("cost", {"spec": str(root.parent / "secret.yaml")}),
        ("check", {"spec": "over.yaml"}),
        ("diff", {"before": "net.yaml", "after": "../secret.yaml@v"}),
        ("emit", {"spec": "net.yaml", "output": "../out.py"}),
        ("emit", {"spec": "net.yaml", "output": "away/out.py"}),
        ("emit", {"spec": "net.yaml", "output": "out.py"}),
        ("draw", {"spec": "net.yaml", "output": "a\0b"}),
    )
    for failed, text in found:
        assert failed
        assert "of this server" in text or "leads out of the folder of the spec" in text
    assert not (root.parent / "out.py").exists()
