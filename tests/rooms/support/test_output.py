"""Files appear whole or not at all."""

from __future__ import annotations

import os

import pytest

from archdsl.diagnostics.faults import SpecError
from archdsl.support import output


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SpecError, match="no space left on device"):
        output.write(tmp_path / "net.py", "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("net.py", "old")]


def test_several_files_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "out" / "b.py").mkdir(parents=True)
    (tmp_path / "out" / "b.py" / "x").write_text("")
    with pytest.raises(SpecError, match="cannot write"):
        output.write_all(tmp_path / "out", {"a.py": "a", "b.py/x/c": "c"})
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["b.py", "x"]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real.py").write_text("old")
    (tmp_path / "link.py").symlink_to("real.py")
    output.write(tmp_path / "link.py", "new")
    assert (tmp_path / "link.py").is_symlink()
    assert (tmp_path / "real.py").read_text() == "new"


def test_a_new_file_has_the_rights_that_the_user_gives_to_new_files(tmp_path):
    (tmp_path / "plain").touch()
    output.write(tmp_path / "net.py", "x = 1\n")
    assert (tmp_path / "net.py").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_text_is_written_as_utf_8_and_bytes_as_they_are(tmp_path):
    output.write_all(tmp_path / "out", {"a.tex": "3×3", "figures/b.png": b"\x89PNG"})
    assert (tmp_path / "out" / "a.tex").read_bytes() == b"3\xc3\x973"
    assert (tmp_path / "out" / "figures" / "b.png").read_bytes() == b"\x89PNG"


def test_a_device_is_written_into_and_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    output.write(tmp_path / "pipe", "net")
    assert os.read(reader, 10) == b"net"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"there is no folder '.*/none'"):
        output.write(tmp_path / "none" / "net.py", "x = 1")
