"""What stands at a path, links to themselves and closed folders included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archdsl.support import paths
from archdsl.support.resources import folder, template


@pytest.fixture
def loop(tmp_path):
    """A link to itself."""
    link = tmp_path / "loop.yaml"
    link.symlink_to(link)
    return link


def test_a_link_to_itself_is_nothing_and_raises_nothing(loop):
    assert not paths.is_file(loop)
    assert not paths.is_folder(loop)
    assert not paths.is_there(loop)
    assert paths.real(loop) == loop
    assert paths.kind(loop) == "it is a link that leads nowhere"


def test_a_name_that_is_too_long_is_nothing(tmp_path):
    name = tmp_path / ("a" * 5000)
    assert not paths.is_there(name)
    assert paths.kind(name) == "it cannot be opened"


def test_what_is_no_file_is_called_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert paths.kind(tmp_path) == "it is a folder"
    assert paths.kind(tmp_path / "pipe") == "it is a pipe or a device"


def test_a_pipe_with_a_name_waits_for_its_writer_and_a_file_does_not(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "net.yaml").touch()
    assert paths.waits(tmp_path / "pipe")
    assert not paths.waits(tmp_path / "net.yaml")
    assert not paths.waits(tmp_path / "none")


def test_a_pipe_that_the_process_was_given_has_its_writer():
    reader, writer = os.pipe()
    assert not paths.waits(Path(f"/dev/fd/{reader}"))
    os.close(reader)
    os.close(writer)


def test_the_folders_of_the_package_hold_what_is_theirs():
    assert (folder("specs") / "peleenet.yaml").is_file()
    assert (folder("codegen_templates") / "prelude").is_dir()


def test_a_template_that_lacks_a_value_is_a_mistake_of_ours():
    from jinja2 import UndefinedError

    (name, *_) = sorted(path.name for path in folder("codegen_templates").glob("*.jinja"))
    with pytest.raises(UndefinedError):
        template(name)
