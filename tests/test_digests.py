"""What no program touched is not read again, and whatever was touched is."""

import os
import time

import pytest
from conftest import write_article
from watching import opened

from bot import digests
from bot.build import drafting
from bot.corpus import read_changed

TEXT = "Healing takes six weeks for most knees."


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("hip", "knee"):
        write_article(folder, name, TEXT, title=name.title())
    return folder


def test_a_file_nobody_touched_is_read_once(corpus, notes):
    time.sleep(digests.QUIET / 1e9 + 0.1)
    known = read_changed(corpus, {}, notes=notes).seen
    with opened(corpus) as names:
        again = read_changed(corpus, known, notes=notes)
    assert names == set()
    assert (again.seen, again.articles) == (known, ())
    write_article(corpus, "hip", f"{TEXT} Rest helps.", title="Hip")
    with opened(corpus) as names:
        changed = read_changed(corpus, known, notes=notes)
    assert names == {"hip.txt", "hip.toml"}
    assert [article.source.id for article in changed.articles] == ["hip"]


@pytest.mark.parametrize("how", ["in place", "replaced", "older time", "link"])
def test_whatever_a_program_does_to_a_file_is_noticed(corpus, notes, how, monkeypatch):
    monkeypatch.setattr(digests, "QUIET", 0)  # even without the time that lets a disk's clock go on
    time.sleep(0.05)
    known = read_changed(corpus, {}, notes=notes).seen
    path = corpus / "hip.toml"
    before, held = path.stat(), path.read_bytes()
    other = held.replace(b"Hip", b"Hop")
    assert len(other) == len(held)
    time.sleep(0.05)
    if how == "link":
        (corpus.parent / "elsewhere").write_bytes(other)
        path.unlink()
        path.symlink_to(corpus.parent / "elsewhere")
    elif how == "replaced":
        (corpus.parent / "new").write_bytes(other)
        os.replace(corpus.parent / "new", path)
    else:
        path.write_bytes(other)
    if how != "link":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns if how == "older time" else before.st_mtime_ns + 1))
    (article,) = read_changed(corpus, known, notes=notes).articles
    assert article.source.title == "Hop"


def test_a_file_just_written_is_read_again(corpus, notes):
    """Its next change could leave the same times on a disk with a coarse clock."""
    known = read_changed(corpus, {}, notes=notes).seen
    with opened(corpus) as names:
        read_changed(corpus, known, notes=notes)
    assert names == {"hip.txt", "hip.toml", "knee.txt", "knee.toml"}


def test_force_reads_every_file(small_index):
    clinic = small_index({"knee": TEXT})
    time.sleep(digests.QUIET / 1e9 + 0.1)
    for _ in range(2):
        with opened(clinic.corpus) as names, drafting(clinic):
            pass
    assert names == {"library.toml"} & set(os.listdir(clinic.corpus))
    with opened(clinic.corpus) as names, drafting(clinic, force=True):
        pass
    assert {"knee.txt", "knee.toml"} <= names
