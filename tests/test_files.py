"""A file is written whole or not at all."""

import os

import pytest

from bot.files import write_whole


def test_the_new_content_takes_the_place_of_the_old(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("beside", [True, False])
def test_a_full_disk_leaves_the_old_content_and_nothing_else(tmp_path, beside):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    path, folder = tmp_path / "a.txt", tmp_path if beside else tmp_path / "other"
    folder.mkdir(exist_ok=True)
    write_whole(path, b"one")
    (folder / f".a.txt-{os.getpid()}").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"two", folder=None if beside else folder)
    assert path.read_bytes() == b"one"
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
