"""A small change re-indexes at a small cost: snapshots share the files of unchanged articles, and nothing wrong."""

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import patients
import pytest
from conftest import write_article
from speed import measured
from watching import opened

from bot.answer import open_answerer
from bot.build import build_index, drafting, preparing, read_corpus
from bot.corpus import read_changed
from bot.errors import CorpusError, SnapshotError
from bot.files import write_whole
from bot.history import acts, roll_back
from bot.lint import lint
from bot.pack import read_vectors
from bot.reindex import _findings, _today, reindex
from bot.settings import load_settings
from bot.snapshot import (
    amend,
    current,
    proven_through,
    read_manifest,
    sound_files,
    untouched,
    verify,
    verify_quickly,
)

ARTICLES = {
    "knee": "Healing takes six weeks for most knees.\n\nSwelling is a common side effect of knee surgery.",
    "hip": "Walking helps the hip after an operation. Most people drive again after six weeks.",
    "hand": "Stretch the hand every day. Healing of the hand takes three weeks.",
}


@pytest.fixture(scope="module")
def made(small_index):
    return small_index(ARTICLES)


@pytest.fixture
def clinic(made, tmp_path):
    """A copy that a test may change, with the times of its files."""
    for name in ("corpus", "index"):
        shutil.copytree(getattr(made, name), tmp_path / name)
    return made.model_copy(update={"corpus": tmp_path / "corpus", "index": tmp_path / "index"})


def files_of(article):
    return f"articles/{article}.json", f"vectors/{article}.safetensors"


def inode(folder, name):
    return (folder / name).stat().st_ino


def read(settings):
    """The ids of the articles that a run of the indexer has to read."""
    with drafting(settings) as draft:
        return sorted(draft.fresh)


def test_unchanged_articles_are_shared_and_the_changed_one_is_not(clinic):
    before = current(clinic.index)
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    assert read(clinic) == ["hip"]
    after = reindex(clinic).built.folder
    assert after != before
    for name in (*files_of("knee"), *files_of("hand")):
        assert inode(before, name) == inode(after, name)
    for name in files_of("hip"):
        assert inode(before, name) != inode(after, name)
    verify(before)
    verify(after)


def test_a_snapshot_that_shares_is_the_one_built_from_nothing(clinic, tmp_path):
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    write_article(clinic.corpus, "arm", "Lift the arm five times in the morning.", title="Arm")
    for path in clinic.corpus.glob("hand.*"):
        path.unlink()
    shared = reindex(clinic).built.manifest
    alone = clinic.model_copy(update={"index": tmp_path / "other"})
    (alone.index).mkdir()
    shutil.copytree(current(clinic.index), alone.index / shared.id)  # for its encoder; nothing is current
    whole = build_index(alone, force=True).manifest
    assert shared.id == whole.id
    assert shared.files.keys() == whole.files.keys()
    texts = [name for name in whole.files if not name.startswith("vectors/")]
    assert [shared.files[name] for name in texts] == [whole.files[name] for name in texts]
    for name in set(whole.files) - set(texts):  # sentences that are encoded together differ in the last bits
        one, other = (read_vectors(index / whole.id / name) for index in (clinic.index, alone.index))
        np.testing.assert_allclose(one.sentences, other.sentences, atol=1e-5)
        np.testing.assert_allclose(one.contexts, other.contexts, atol=1e-5)
    assert (shared.articles, shared.sizes, shared.counts) == (whole.articles, whole.sizes, whole.counts)


@pytest.mark.parametrize("what", ["text", "sidecar", "comment"])
def test_any_change_of_an_articles_files_has_it_read_again(clinic, what):
    sidecar = clinic.corpus / "hip.toml"
    if what == "text":
        write_article(clinic.corpus, "hip", "Walk.", title="Hip")
    else:
        more = "# read by nobody\n" if what == "comment" else 'publisher = "Hip House"\n'
        sidecar.write_text(more + sidecar.read_text())
    assert read(clinic) == ["hip"]


@pytest.fixture
def with_original(clinic):
    """The knee article has an original, which is named like the hip article."""
    data = b"an original"
    (clinic.corpus / "hip.pdf").write_bytes(data)
    more = f'original = "hip.pdf"\noriginal_sha256 = "{hashlib.sha256(data).hexdigest()}"\n'
    write_article(clinic.corpus, "knee", ARTICLES["knee"], title="Knee", more=more)
    reindex(clinic)
    assert read(clinic) == []
    return clinic


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("gone", "hip.pdf is not beside it"),
        ("changed", "not the file"),
        ("link", "leads out"),
        ("dropped", "belongs to"),
    ],
)
def test_an_original_is_watched_whatever_its_name(with_original, what, says, tmp_path):
    path = with_original.corpus / "hip.pdf"
    if what == "gone":
        path.unlink()
    elif what == "changed":
        path.write_bytes(b"another one")
    elif what == "link":
        path.rename(tmp_path / "outside.pdf")
        path.symlink_to(tmp_path / "outside.pdf")
    else:
        write_article(with_original.corpus, "knee", ARTICLES["knee"], title="Knee")
    with pytest.raises(CorpusError, match=says):
        read(with_original)


def test_a_change_elsewhere_leaves_an_original_in_peace(with_original):
    sidecar = with_original.corpus / "hip.toml"
    sidecar.write_text("# a comment\n" + sidecar.read_text())
    assert read(with_original) == ["hip"]


def test_an_article_that_changes_while_it_is_read_has_the_key_of_what_was_read(clinic):
    """Somebody writes all the time: whatever is published must be what the corpus said at one moment."""
    sidecar = clinic.corpus / "hip.toml"
    shown = sidecar.read_text()
    held = shown.replace('"approved"', '"review"', 1)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for text in (held, shown):
                write_whole(sidecar, text.encode())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = []
        for _ in range(60):
            with suppress(CorpusError):
                found.append(read_changed(clinic.corpus, {}))
    finally:
        stop.set()
        writer.join()
    key_of = {}
    for text in (held, shown):
        sidecar.write_text(text)
        (article,) = (a for a in read_changed(clinic.corpus, {}).articles if a.source.id == "hip")
        key_of[article.source.review.status] = read_changed(clinic.corpus, {}).seen["hip"].key
    assert found
    for corpus in found:
        (article,) = (a for a in corpus.articles if a.source.id == "hip")
        assert corpus.seen["hip"].key == key_of[article.source.review.status]


@pytest.mark.parametrize("name", [b"hip.p\xff", b"loop", b"in-a-file"])
def test_odd_names_are_refused_in_words(clinic, name):
    path = os.path.join(os.fsencode(clinic.corpus), name)
    if name == b"loop":
        os.symlink(b"loop", path)
    elif name == b"in-a-file":
        os.symlink(b"hip.txt/x", path)
    else:
        with open(path, "wb") as stream:
            stream.write(b"x")
    with pytest.raises(CorpusError):
        read(clinic)


def test_a_name_too_long_for_an_index_is_refused_in_words(clinic):
    write_article(clinic.corpus, "a" * 220, "Walk a little.", title="Long")
    with pytest.raises(CorpusError, match="a name may have 200 characters"):
        read(clinic)


def test_where_links_are_impossible_files_are_copied_and_proven(clinic, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refused)  # as on a disk without links
    before = current(clinic.index)
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    after = reindex(clinic).built.folder
    for name in files_of("knee"):
        assert inode(before, name) != inode(after, name)
    verify(after)


def test_a_file_named_after_no_article_is_found_however_little_changed(clinic):
    (clinic.corpus / "stray.pdf").write_bytes(b"%PDF")
    with pytest.raises(Exception, match=r"stray\.pdf belongs to no article"):
        read(clinic)


def test_what_a_program_changed_in_the_snapshot_is_made_again(clinic):
    folder = current(clinic.index)
    stamp = (folder / files_of("knee")[0]).stat()
    (folder / files_of("knee")[0]).write_text("{}")
    os.utime(folder / files_of("knee")[0], ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as a restored backup would
    os.utime(folder / files_of("hand")[1])  # touched only: it is read, and found to be whole
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    assert read(clinic) == ["hip", "knee"]
    assert reindex(clinic).built.fresh
    verify(current(clinic.index))


def test_a_shared_file_that_rots_is_refused_when_it_is_opened_and_made_again(clinic):
    """Nobody reads it while indexing: the cost would grow with the library. It never reaches a reader."""
    path = current(clinic.index) / files_of("knee")[1]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    rotten(current(clinic.index))
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    reindex(clinic)
    with pytest.raises(SnapshotError, match=r"knee\.safetensors is damaged.*--force"):
        open_answerer(clinic)
    assert reindex(clinic).built.fresh  # nothing changed: then the index itself is looked at
    open_answerer(clinic)


def rotten(folder):
    """Make what was changed in ``folder`` look as if the disk did it: no time tells of it."""
    amend(folder, replace(read_manifest(folder), sealed=time.time_ns()))


@pytest.fixture
def three(clinic):
    """Three snapshots, each sharing two articles with the one before it; their folders, oldest first."""
    folders = []
    for number in range(3):
        write_article(clinic.corpus, "hip", f"Walk {number + 1} times a day.", title="Hip")
        folders.append(reindex(clinic).built.folder)
    return folders


def test_after_a_rollback_a_small_change_costs_as_little(clinic, three):
    """To share a file touches it in the older snapshot: a newer one, untouched since its seal, vouches for it."""
    roll_back(clinic.index, three[0].name)
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    with opened(three[0]) as names:
        after = reindex(clinic).built
    assert after.fresh
    assert not {files_of("knee")[1], files_of("hand")[1]} & names  # nobody but a check of their digests would open them
    verify(after.folder)


def test_back_to_a_snapshot_that_nobody_touched_reads_nothing_of_it(clinic, three):
    before, now = three[1:]
    manifest = read_manifest(before)
    own, names = set(files_of("hip")), set(manifest.files)
    assert own <= untouched(before, manifest, names) < names  # sharing with the next one touched the rest
    assert untouched(before, manifest, names) | proven_through(before, manifest, now) == names
    assert verify_quickly(before, now) == roll_back(clinic.index) == manifest
    assert verify_quickly(three[0], now) == verify(three[0])


@pytest.mark.parametrize("name", [files_of("hip")[0], files_of("knee")[1], "encoder/encoder.json"])
def test_a_snapshot_changed_by_a_program_is_not_brought_back(clinic, three, name):
    path = three[1] / name
    stamp = path.stat()
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(SnapshotError, match=f"{re.escape(name)} is damaged"):
        roll_back(clinic.index)
    assert current(clinic.index) == three[2]


@pytest.mark.parametrize("harm", ["gone", "foreign"])
def test_back_is_strict_about_names(clinic, three, harm):
    if harm == "gone":
        (three[1] / files_of("hand")[0]).unlink()
    else:
        (three[1] / "articles" / "more.json").write_text("{}")
    with pytest.raises(SnapshotError, match="missing or does not belong there"):
        roll_back(clinic.index)
    assert current(clinic.index) == three[2]


@pytest.mark.parametrize("harm", ["no snapshot in use", "damaged snapshot in use"])
def test_back_needs_no_sound_snapshot_in_use(clinic, three, harm):
    if harm == "no snapshot in use":
        shutil.rmtree(three[2])
    else:
        (three[2] / "manifest.json").write_text("{}")
    assert roll_back(clinic.index, three[1].name).id == current(clinic.index).name == three[1].name


@pytest.mark.parametrize("how", ["copied", "touched", "linked", "moved"])
def test_no_copy_link_or_newer_time_makes_a_damaged_file_look_untouched(clinic, three, how, tmp_path):
    folder, name = three[2], files_of("hip")[0]
    older = three[0] / files_of("hip")[0]
    if how == "linked":
        (folder / name).unlink()
        (folder / name).symlink_to(older)
    elif how == "moved":
        (three[0] / "articles").rename(three[0] / "aside")
        shutil.rmtree(folder / "articles")
        (three[0] / "aside").rename(folder / "articles")
    else:
        (folder / name).write_text("{}")
    if how == "copied":
        shutil.copytree(folder, tmp_path / folder.name, copy_function=shutil.copy)
        folder = tmp_path / folder.name
    os.utime(folder / "manifest.json")
    assert name not in untouched(folder, read_manifest(folder), [name])
    assert name not in sound_files(folder, read_manifest(folder), [name])
    with pytest.raises(SnapshotError, match="is damaged"):
        verify_quickly(folder, None)


def test_a_snapshot_that_rotted_unseen_is_given_up_again(clinic, three):
    path = three[1] / files_of("hip")[1]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    rotten(three[1])
    acts_before = len(acts(clinic.index))
    with pytest.raises(SnapshotError, match="is damaged"):
        roll_back(clinic.index)
    assert current(clinic.index) == three[2]
    assert len(acts(clinic.index)) == acts_before


@pytest.mark.parametrize("harm", ["rules", "encoder", "schema", "junk"])
def test_nothing_is_shared_with_a_snapshot_that_was_made_otherwise(clinic, harm):
    folder = current(clinic.index)
    if harm == "rules":
        amend(folder, replace(read_manifest(folder), rules="0" * 64))
    elif harm == "encoder":
        about = (folder / "encoder" / "encoder.json").read_text()
        (folder / "encoder" / "encoder.json").write_text(about.replace('"export_version": ', '"export_version": 9'))
    elif harm == "schema":
        amend(folder, replace(read_manifest(folder), schema=1))
    else:
        (folder / "manifest.json").write_text("{")
    assert read(clinic) == ["hand", "hip", "knee"]


def test_what_is_remembered_of_the_others_finds_what_a_whole_look_finds(clinic):
    write_article(clinic.corpus, "copy", ARTICLES["hip"] + " Ask the nurse.", title="Hip")
    write_article(clinic.corpus, "wrist", "Healing of the hand takes nine months.", title="Hand")
    wanted = {"copy", "wrist"}
    for _ in range(2):  # the second time from memory
        with drafting(clinic) as draft:
            found = _findings(draft, wanted)
            whole = lint(draft.content.articles, draft.content.passages, today=_today(), only=wanted)
        assert found == whole
        assert {"near-duplicate"} <= {finding.rule for finding in found}
        assert {f.article for f in found} <= {"copy", "wrist", "hip", "hand"}


def test_the_unpublished_library_answers_as_the_published_one(clinic):
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    with drafting(clinic) as draft, preparing(clinic, draft) as prepared:
        words = [prepared.library.text(row) for row in range(len(prepared.library.rows))]
        vector = prepared.library.encoder.query("walk")[0]
        scores = prepared.library.engines.sentences.search(vector, 5)
    reindex(clinic)
    library = open_answerer(clinic).library
    assert words == [library.text(row) for row in range(len(library.rows))]
    published = library.engines.sentences.search(vector, 5)
    assert [part.tolist() for part in scores] == [part.tolist() for part in published]


def opening(sentences, most=4):
    return " ".join(sentence["text"] for sentence in sentences[:most])


def test_one_change_in_a_large_library_costs_little(small_index, tmp_path):
    """Hundreds of public articles: reading, splitting, looking over or hashing them all would take longer.

    Over five thousand: python tests/large.py.
    """
    some = dict(list(patients.articles().items())[:250])
    large = small_index({name: opening(item["sentences"]) for name, item in some.items()})
    reindex(large)  # remembers what a first look finds
    times = []
    for n in range(3):
        write_article(large.corpus, "abdominal-adhesions", f"Walk {n} times round the house.", title="Walking")
        with measured() as took:
            assert reindex(large).built.fresh
        times.append(took.seconds)
    assert min(times) < 1.2
    assert len(read_manifest(current(large.index)).articles) == 250


def test_settings_of_another_library_share_nothing(clinic, tmp_path):
    other = load_settings(corpus=tmp_path / "elsewhere", index=clinic.index)
    write_article(other.corpus, "knee", "Another knee altogether.", title="Knee")
    assert read(other) == ["knee"]


@pytest.mark.parametrize("harm", ["none", "text", "rules", "gone", "no index"])
def test_a_corpus_reads_the_same_with_and_without_the_index_in_use(clinic, harm):
    write_article(clinic.corpus, "hip", "Walk a little every day.", title="Hip")
    folder = current(clinic.index)
    if harm == "text":
        (folder / files_of("knee")[0]).write_text("{}")
    elif harm == "rules":
        amend(folder, replace(read_manifest(folder), rules="0" * 64))
    elif harm == "gone":
        (folder / files_of("knee")[0]).unlink()
    elif harm == "no index":
        shutil.rmtree(clinic.index)
    assert read_corpus(clinic.corpus, clinic.index) == read_corpus(clinic.corpus)
