"""The snapshots on disk: what is listed, compared, brought back and deleted, and the record of it."""

import json
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, write_article
from speed import measured
from test_reindex import copy_of, spoil

from bot.build import build_index
from bot.errors import SnapshotError
from bot.history import RECORD, acts, current_id, differ, folder_of, prune, record, roll_back, snapshots
from bot.reindex import reindex
from bot.snapshot import activate, current, read_manifest, sweep, verify

KNEE = "Healing takes six weeks for most knees. Swelling is common after knee surgery."


@pytest.fixture(scope="module")
def three(small_index):
    """Three snapshots of one small library, published one after the other, and their ids, oldest first."""
    made = small_index({"knee": KNEE})
    activate(made.index, next(p.name for p in made.index.glob("*") if p.is_dir() and p.name != current_id(made.index)))
    ids = []
    for number in range(3):
        write_article(made.corpus, "hip", f"Walk {number + 1} times a day after an operation of the hip.", title="Hip")
        ids.append(reindex(made, by="Jane", why=f"edition {number}").built.manifest.id)
    return made, ids


@pytest.fixture
def kept(three, tmp_path):
    """A copy that a test may change: settings, ids."""
    return copy_of(three[0], tmp_path), three[1]


def command(settings, *options):
    order = [sys.executable, "-m", "bot", "snapshots", *options, "--index", settings.index]
    return subprocess.run(order, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_list_is_newest_first_and_marks_the_current_one(kept):
    settings, ids = kept
    found = snapshots(settings.index)
    assert [one.id for one in found][:3] == ids[::-1]
    assert [one.id for one in found if one.current] == [ids[-1]]
    assert all(one.fault == "" and one.manifest for one in found)
    assert [one.manifest.why for one in found][:3] == ["edition 2", "edition 1", "edition 0"]


def test_the_commands_show_the_same(kept):
    settings, ids = kept
    listed = command(settings, "list", "--json")
    assert [one["id"] for one in json.loads(listed.stdout)][:3] == ids[::-1]
    shown = command(settings, "show", ids[0][:10])
    assert json.loads(shown.stdout)["why"] == "edition 0"
    assert json.loads(command(settings, "show").stdout)["why"] == "edition 2"  # the one in use
    compared = command(settings, "diff", ids[0], ids[1])
    assert "changed: hip" in compared.stdout
    assert "passages: 1 new, 1 gone" in compared.stdout
    assert "edition 2  " not in command(settings, "log").stdout.splitlines()[-1]


def test_a_difference_names_articles_and_counts_passages(kept):
    settings, ids = kept
    difference = differ(settings.index, ids[0], ids[1])
    assert (difference.added, difference.changed, difference.removed) == ((), ("hip",), ())
    assert (difference.new_passages, difference.lost_passages) == (1, 1)
    assert differ(settings.index, ids[0], ids[0]).empty


def test_a_damaged_snapshot_is_not_compared(kept):
    settings, ids = kept
    spoil(settings.index / ids[0] / "articles" / "hip.json")
    with pytest.raises(SnapshotError, match=r"hip\.json is damaged"):
        differ(settings.index, ids[0], ids[1])


def test_back_to_the_one_before_within_a_second(kept):
    settings, ids = kept
    with measured() as took:
        manifest = roll_back(settings.index, by="Joe", why="a mistake")
    assert took.seconds < 1
    assert manifest.id == ids[1] == current_id(settings.index)
    newest = acts(settings.index)[0]
    assert (newest.act, newest.snapshot, newest.before) == ("rolled back", ids[1], ids[2])
    assert (newest.by, newest.why) == ("Joe", "a mistake")


def test_back_to_one_named_by_how_it_begins(kept):
    settings, ids = kept
    assert roll_back(settings.index, ids[0][:8]).id == ids[0]


@pytest.mark.parametrize("name", ["zzz", "../", "", ".tmp-", "*", "current", "ü" * 300, "0" * 17])
def test_back_to_what_is_not_there_changes_nothing(kept, name):
    settings, ids = kept
    (settings.index / RECORD).unlink()
    shutil.copytree(settings.index / ids[0], settings.index / f".tmp-{ids[0]}-1")
    with pytest.raises(SnapshotError, match="python -m bot snapshots list"):
        roll_back(settings.index, name)
    assert current_id(settings.index) == ids[2]


def test_back_with_a_beginning_of_several_changes_nothing(kept):
    settings, ids = kept
    twin = settings.index / (ids[0][:15] + ("1" if ids[0][15] == "0" else "0"))
    twin.mkdir()
    with pytest.raises(SnapshotError, match="Several snapshots begin with"):
        folder_of(settings.index, ids[0][:15])
    assert folder_of(settings.index, ids[0]).name == ids[0]


@pytest.mark.parametrize("harm", ["file", "manifest", "no manifest"])
def test_a_damaged_snapshot_is_not_brought_back(kept, harm):
    settings, ids = kept
    folder = settings.index / ids[1]
    if harm == "file":
        spoil(folder / "vectors" / "hip.safetensors")
    elif harm == "manifest":
        spoil(folder / "manifest.json", b"{}")
    else:
        (folder / "manifest.json").unlink()
    with pytest.raises(SnapshotError, match="python -m bot index"):
        roll_back(settings.index)
    assert current_id(settings.index) == ids[2]
    one = next(one for one in snapshots(settings.index) if one.id == ids[1])
    assert bool(one.fault) == (harm != "file")
    assert len(acts(settings.index)) == 3


def test_pruning_keeps_the_current_one_however_old(kept):
    settings, ids = kept
    roll_back(settings.index, ids[0])
    gone = prune(settings.index, keep=2)
    assert ids[0] not in gone
    assert {one.id for one in snapshots(settings.index)} == {ids[0], ids[2]}
    assert verify(current(settings.index)).id == ids[0]
    prune(settings.index, keep=1)
    assert [one.id for one in snapshots(settings.index)] == [ids[0]]
    assert not list(settings.index.glob(".tmp-*"))


def test_pruning_takes_what_is_damaged_first_and_leaves_foreign_folders(kept):
    settings, ids = kept
    (settings.index / "lost+found").mkdir()
    (settings.index / ids[1] / "manifest.json").unlink()
    gone = prune(settings.index, keep=2)
    assert ids[1] in gone
    assert {one.id for one in snapshots(settings.index)} == {ids[0], ids[2]}
    assert (settings.index / "lost+found").is_dir()


def test_what_a_stopped_pruning_left_is_swept_away(kept):
    settings, ids = kept
    (settings.index / ids[0]).rename(settings.index / f".tmp-gone-{ids[0]}")
    sweep(settings.index)
    assert not list(settings.index.glob(".tmp-*"))
    assert ids[0] not in {one.id for one in snapshots(settings.index)}


def test_the_record_says_who_did_what_and_why(kept):
    settings, ids = kept
    found = acts(settings.index)
    assert [(a.act, a.snapshot, a.by, a.why) for a in found] == [
        ("published", name, "Jane", f"edition {number}") for number, name in reversed(list(enumerate(ids)))
    ]
    assert [a.before for a in found][:2] == [ids[1], ids[0]]


@pytest.mark.parametrize("tail", [b'{"at": "2026-', b"\xff\xfe", b'{"at": 1}\n', b"[]\n", b'{"act": "published"'])
def test_a_line_cut_short_costs_that_line_alone(kept, tail):
    settings, ids = kept
    with (settings.index / RECORD).open("ab") as stream:
        stream.write(tail)
    assert len(acts(settings.index)) == 3
    record(settings.index, "rolled back", ids[0], ids[2], by="J\u00f6rg\u2028\n", why='"quoted"')
    found = acts(settings.index)
    assert len(found) == 4
    assert (found[0].by, found[0].why) == ("J\u00f6rg\u2028\n", '"quoted"')


def test_a_record_that_cannot_be_written_says_what_is_in_use(kept):
    settings, ids = kept
    (settings.index / RECORD).unlink()
    (settings.index / RECORD).mkdir()
    with pytest.raises(SnapshotError, match=f"The snapshot {ids[0]} is in use, but"):
        record(settings.index, "published", ids[0], "", by="", why="")


def test_publishing_what_was_rolled_back_from_is_recorded(kept):
    settings, ids = kept
    roll_back(settings.index)
    outcome = reindex(settings, by="Joe", why="right after all")
    assert outcome.built.manifest.id == ids[2]
    assert not outcome.built.fresh
    assert acts(settings.index)[0].by == "Joe"
    assert read_manifest(current(settings.index)).by == "Jane"
    assert build_index(settings).manifest.id == ids[2]
