"""A spec while it is edited: its views, the page in a browser, and the command as a process."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.browser import started

import archdsl
from archdsl.commands.watch import chooser
from archdsl.live.server import Current, serving
from archdsl.live.view import look

UNIT = "archdsl: 1\nblocks:\n  Unit: {params: [out], body: [conv: {out: out, kernel: 3, bias: false}, bn, relu]}\n"
NET = "archdsl: 1\nname: Net\ninput: [3, 16, 16]\nuse: unit.yaml\nstages:\n  a: [Unit: 8, conv: 8, bn]\n"
WRONG = NET.replace("Unit: 8", "Unit: 8, cnv: 4")
CHOICE = {"variant": None, "params": {}, "inputs": None, "layers": "train", "passes": ()}


@pytest.fixture
def spec(tmp_path) -> Path:
    (tmp_path / "unit.yaml").write_text(UNIT)
    (tmp_path / "net.yaml").write_text(NET)
    return tmp_path / "net.yaml"


def view_of(spec, before=None):
    return look(str(spec), chooser(str(spec), **CHOICE), before)


def test_a_view_has_all_that_is_made_of_a_spec_and_knows_when_a_file_of_it_changes(spec):
    view = view_of(spec)
    assert view.title == "Net, input 3×16×16"
    assert view.figure.startswith("<svg")
    assert "class Net(nn.Module)" in view.source
    assert "<table" in view.table
    assert [item.code for item in view.warnings] == ["bias-before-norm"]
    assert view.is_current()
    (spec.parent / "unit.yaml").write_text(UNIT + "# more\n")
    assert not view.is_current()


def test_faults_stand_beside_what_was_sound_last_and_go_with_them(spec):
    sound = view_of(spec)
    spec.write_text(WRONG)
    wrong = view_of(spec, sound)
    assert [item.code for item in wrong.faults] == ["unknown-op"]
    assert (wrong.figure, wrong.title) == (sound.figure, sound.title)
    spec.unlink()
    gone = view_of(spec, wrong)
    assert [item.code for item in gone.faults] == ["missing-file"]
    spec.write_text(NET)
    assert not gone.is_current()
    assert view_of(spec, gone).faults == ()


OPS = """import archdsl
from archdsl.ops.activation import ReLU


class Mine(ReLU, name="mine"):
    {}
"""


def test_files_of_ops_and_the_project_are_followed_too(spec, tmp_path):
    ops, project = tmp_path / "my_ops.py", tmp_path / "pyproject.toml"
    ops.write_text(OPS.format("torch = 'nn.SiLU'"))
    archdsl.load_ops(ops)
    spec.write_text(NET.replace("bn]", "bn, mine]"))
    first = view_of(spec)
    assert "nn.SiLU" in first.source
    ops.write_text(OPS.format("torch = 'nn.GELU'"))
    assert not first.is_current()
    second = view_of(spec, first)
    assert "nn.GELU" in second.source
    assert second.warnings
    project.write_text('[tool.archdsl.lint]\nignore = ["bias-before-norm"]\n')
    assert not second.is_current()
    assert view_of(spec, second).warnings == ()
    ops.write_text("import nothing_of_that_name\n")
    broken = view_of(spec, view_of(spec, second))
    assert [item.code for item in broken.faults] == ["bad-plugin"]
    assert "nn.GELU" in broken.source


def asked(address, path, **headers):
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def test_the_server_answers_this_machine_alone_and_tells_of_each_view(spec):
    current = Current()
    with serving(current, 0) as address:
        assert address.startswith("http://127.0.0.1:")
        assert asked(address, "/").status == 200
        assert asked(address, "/", Host="evil.example:80").status == 403
        assert asked(address, "/../view.py").status == 404
        events = asked(address, "/events")
        assert events.readline() == b"data: 0\n"
        current.show(view_of(spec))
        assert [events.readline(), events.readline()] == [b"\n", b"data: 1\n"]
        assert json.loads(asked(address, "/view").read())["number"] == 1
    assert current.closed


def test_the_page_follows_each_view(spec):
    current = Current()
    with serving(current, 0) as address, started() as browser:
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        current.show(sound := view_of(spec))
        page.goto(address)
        page.wait_for_selector("text=Net, input 3×16×16")
        assert page.locator("#figure svg").count() == 1
        assert page.evaluate("document.fonts.load('12px Source Sans Pro').then((found) => found.length)") >= 1
        assert "class Net" in page.inner_text("#source")
        assert page.locator("#table td").count() > 4
        assert "bias-before-norm" in page.inner_text("#warnings")
        assert page.is_hidden("#faults")
        spec.write_text(WRONG)
        current.show(view_of(spec, sound))
        page.wait_for_selector("#faults:visible")
        assert "unknown-op" in page.inner_text("#faults")
        assert page.is_visible("#figure")
        spec.write_text(NET.replace("Unit: 8", "Unit: 24"))
        current.show(view_of(spec))
        page.wait_for_selector("#faults", state="hidden")
        assert "Conv2d(24, 8, 1)" in page.inner_text("#source")
        assert complaints == []


def test_the_command_follows_saves_and_ends_cleanly_when_interrupted(spec):
    words = [sys.executable, "-m", "archdsl", "watch", spec.name, "--no-browser"]
    # A process in the background of a shell ignores interrupts, and those that it starts do so too.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(words, cwd=spec.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        signal.signal(signal.SIGINT, before)
        try:
            address = process.stdout.readline().split()[4]
            until(lambda: json.loads(asked(address, "/view").read())["number"] == 1)
            temporary = spec.with_name("unit.tmp")  # as many editors save
            temporary.write_text(UNIT.replace("relu", "silu"))
            temporary.rename(spec.with_name("unit.yaml"))
            until(lambda: "nn.SiLU" in json.loads(asked(address, "/view").read())["source"])
            spec.write_text(WRONG)
            until(lambda: "unknown-op" in json.loads(asked(address, "/view").read())["faults"])
        finally:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "there are errors" in out
    assert "error[unknown-op]" in err
    assert "Traceback" not in err


def until(true, seconds: float = 30) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
