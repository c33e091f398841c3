"""Re-indexing: what would change, what stands in the way, and that nothing breaks the index in use."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, write_article

from bot.answer import open_answerer
from bot.compose import prove
from bot.errors import SnapshotError
from bot.history import acts, current_id
from bot.live import Live
from bot.lock import indexing
from bot.questions import Question, save_questions
from bot.reindex import Blocked, plan_lines, reindex
from bot.snapshot import activate, amend, current, read_manifest, verify
from bot.types import Status

KNEE = "Healing takes six weeks for most knees. Swelling is a common side effect of knee surgery."
HIP = "Walking helps the hip after an operation. Most people drive again after six weeks."
QUESTION = "how long does healing of the knee take"
UNSOUND = "This treatment has no side effects and cures arthritis."


@pytest.fixture(scope="module")
def made(small_index):
    """A small library with an index, and thresholds that let it answer."""
    made = small_index({"knee": KNEE, "hip": HIP})
    return made.model_copy(update={"answer_threshold": 0.0, "extra_threshold": 0.0})


@pytest.fixture
def clinic(made, tmp_path):
    """A copy that a test may change."""
    return copy_of(made, tmp_path / "clinic")


def copy_of(made, home):
    """Copy a library with its index; the files of snapshots, which nobody writes to, are the same ones."""

    def copy(source, target):
        inside = Path(source).parent not in (made.index, made.corpus)
        return os.link(source, target) if inside else shutil.copyfile(source, target)

    shutil.copytree(made.corpus, home / "corpus", copy_function=shutil.copyfile)
    shutil.copytree(made.index, home / "index", copy_function=copy)
    return made.model_copy(update={"corpus": home / "corpus", "index": home / "index"})


def test_a_plan_without_regression_questions_says_that_nothing_was_compared(clinic):
    write_article(clinic.corpus, "elbow", "An elbow heals in four weeks.", title="Elbow")
    assert "no answer was compared" in "\n".join(plan_lines(reindex(clinic, dry_run=True).plan))


def spoil(path, data=b"[]"):
    """Replace a file; elsewhere it keeps its content."""
    path.unlink()
    path.write_bytes(data)


def call(clinic, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "index", "--corpus", clinic.corpus, "--index", clinic.index, *options],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process):
    """Return the exit code and all that was said."""
    out, told = process.communicate(timeout=120)
    return process.returncode, out + told


def visible(index):
    """All that readers and the next run look at."""
    hidden = {"cache.db", "cache.db-wal", "cache.db-shm"}
    names = [p for p in index.rglob("*") if p.is_file() and p.name not in hidden and not p.name.startswith(".lock")]
    return {p.relative_to(index).as_posix(): p.stat().st_mtime_ns for p in names}


def leftovers(index):
    return [p.name for p in index.glob(".*") if p.name != ".lock"]


class Asking(threading.Thread):
    """Asks one question over and over and keeps what was wrong."""

    def __init__(self, live):
        super().__init__()
        self.live, self.asked, self.faults, self.stop = live, 0, [], threading.Event()

    def run(self):
        while not self.stop.wait(0.05):
            answerer = self.live.answerer
            answer = answerer.answer(QUESTION).answer
            self.asked += 1
            for quote in answer.quotes:
                prove(quote, answerer.library.articles)
            if answer.status is not Status.ANSWERED or answer.snapshot != answerer.library.manifest.id:
                self.faults.append(answer)


def killed(clinic, chance, number, took):
    """Start an indexer over a changed article and kill it: anywhere, or while it writes. Return whether it was done."""
    write_article(clinic.corpus, "hip", f"{HIP} Note {number} says that rest helps as well.", title="Hip")
    process = call(clinic, *(["--force"] if number % 4 == 3 else []))
    late = time.monotonic() + 60
    if number % 2:
        while not list(clinic.index.glob(".tmp-*")) and process.poll() is None and time.monotonic() < late:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.25))
    else:
        time.sleep(chance.uniform(0, took))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == 0


@pytest.mark.timeout(3000)
def test_kills_at_any_moment_never_cost_an_answer(clinic):
    chance, kills = random.Random(20261121), int(os.environ.get("QUOTEWELL_KILLS", "12"))
    live = Live(open_answerer(clinic))
    end, asking = live.watch(0.2), Asking(live)
    asking.start()
    try:
        start = time.monotonic()
        write_article(clinic.corpus, "hip", f"{HIP} Begin slowly.", title="Hip")
        assert finish(call(clinic))[0] == 0
        took, done = time.monotonic() - start, 0
        for number in range(kills):
            done += killed(clinic, chance, number, took)
            verify(current(clinic.index))
        code, told = finish(call(clinic))
        assert code == 0, told
    finally:
        asking.stop.set()
        asking.join(timeout=30)
        end()
    assert not asking.faults
    assert asking.asked > kills
    assert done < kills, "no run was killed"
    assert not leftovers(clinic.index)
    assert [path for path in clinic.index.glob("*") if path.is_dir()]
    assert all(verify(path) for path in clinic.index.glob("*") if path.is_dir())
    assert not live.refresh() or not live.problem
    assert live.answerer.library.manifest.id == current_id(clinic.index)


def test_a_kill_between_the_renames_of_a_forced_build_is_healed(clinic):
    name = current_id(clinic.index)
    (clinic.index / name).rename(clinic.index / f".tmp-old-{name}")
    (clinic.index / ".current-12345").write_text("half")
    outcome = reindex(clinic)
    assert outcome.built.manifest.id == name
    assert not outcome.built.fresh
    assert not leftovers(clinic.index)


def test_a_second_indexer_is_told_who_holds_the_lock_and_waits(clinic):
    with indexing(clinic.index, by="Jane"):
        code, told = finish(call(clinic))
        assert code == 3
        assert f"Jane, process {os.getpid()} on " in told
        assert "--wait" in told
        waiting = call(clinic, "--wait", "60")
        time.sleep(1.5)
        assert waiting.poll() is None
    code, told = finish(waiting)
    assert code == 0, told
    assert "Up to date" in told


def test_two_threads_of_one_program_do_not_index_at_once(clinic):
    refused = pytest.raises(SnapshotError, match="is being built by process")
    with indexing(clinic.index), refused, indexing(clinic.index):
        pytest.fail("both hold the lock")
    with indexing(clinic.index):
        pass


def test_a_killed_holder_does_not_block(clinic):
    code = "import sys, time\nfrom pathlib import Path\nfrom bot.lock import indexing\n"
    code += "with indexing(Path(sys.argv[1]), by='Gone'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    holder = subprocess.Popen([sys.executable, "-c", code, clinic.index], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(SnapshotError, match=f"Gone, process {holder.pid} "), indexing(clinic.index):
        pass
    holder.kill()
    holder.communicate(timeout=60)
    with indexing(clinic.index):
        pass


@pytest.mark.parametrize(("limit", "cached"), [(0, True), (50, True), (3_000, True), (20_000, True), (20_000, False)])
def test_a_full_disk_leaves_the_index_in_use_and_no_rubbish(clinic, limit, cached):
    """No file may grow above ``limit`` bytes, in a process of its own; with and without the encodings in the cache."""
    before = current(clinic.index)
    sentences = " ".join(f"Walk {n} steps on day {n} after the operation of the hip." for n in range(1, 40))
    write_article(clinic.corpus, "hip", sentences, title="Hip")
    if cached:
        assert finish(call(clinic, "--dry-run"))[0] == 0
    code = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
    code += "from bot.cli import main\nmain()\n"
    order = [sys.executable, "-c", code, "index", "--corpus", clinic.corpus, "--index", clinic.index]
    done = subprocess.run(order, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr
    assert "the index in use is unchanged" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert current(clinic.index) == before
    assert not leftovers(clinic.index)
    verify(before)
    assert reindex(clinic).built.fresh


def test_the_plan_names_what_changes(clinic):
    write_article(clinic.corpus, "knee", KNEE + "\n\nKeep the knee warm.", title="Knee")
    write_article(clinic.corpus, "hip", HIP, title="The hip")
    write_article(clinic.corpus, "hand", "Stretch the hand every day.", title="Hand")
    plan = reindex(clinic, dry_run=True).plan
    difference = plan.difference
    assert (difference.added, difference.changed, difference.removed) == (("hand",), ("hip", "knee"), ())
    assert (difference.new_passages, difference.lost_passages) == (2, 0)
    for path in clinic.corpus.glob("hip.*"):
        path.unlink()
    difference = reindex(clinic, dry_run=True).plan.difference
    assert difference.removed == ("hip",)
    assert difference.lost_passages == 1
    assert not difference.empty


def test_the_plan_says_what_it_means_for_patients(clinic):
    write_article(clinic.corpus, "hand", "Stretch the hand every day.", title="Hand")
    sidecar = clinic.corpus / "knee.toml"
    sidecar.write_text(sidecar.read_text().replace('"approved"', '"review"', 1))
    words = HIP.split(". ")[0] + "."
    decision = f'[[override]]\nwords = "{words}"\nkind = "withheld"\nreason = "a test"\nby = "a test"\n'
    write_article(clinic.corpus, "hip", HIP, title="Hip", more=decision)
    told = "\n".join(plan_lines(reindex(clinic, dry_run=True).plan))
    assert "hand: patients are quoted from it, 1 sentences" in told
    assert "knee: approved -> review: patients are not quoted from it" in told
    assert "hip: 2 -> 1 sentences may be quoted" in told


def test_a_dry_run_writes_nothing_that_is_seen(clinic):
    write_article(clinic.corpus, "hand", "Stretch the hand every day.", title="Hand")
    before = visible(clinic.index)
    outcome = reindex(clinic, dry_run=True, by="Jane", why="a look")
    assert outcome.built is None
    assert visible(clinic.index) == before
    assert not leftovers(clinic.index)


def questioned(clinic, **checks):
    save_questions(clinic.corpus, [Question(id="q1", question=QUESTION, **checks)])
    write_article(clinic.corpus, "hand", "Stretch the hand every day.", title="Hand")


def test_a_failing_question_blocks_until_it_is_accepted(clinic):
    before = visible(clinic.index)
    questioned(clinic, must=[{"article": "knee", "words": "ten years"}])
    code, told = finish(call(clinic))
    assert code == 3
    assert "question 'q1' does not quote knee: 'ten years'" in told
    assert visible(clinic.index) == before
    with pytest.raises(Blocked):
        reindex(clinic, accept=True, why="nobody answers for it")
    assert visible(clinic.index) == before
    code, told = finish(call(clinic, "--accept", "known", "--by", "Jane"))
    assert code == 0, told
    manifest = read_manifest(current(clinic.index))
    assert [(a.by, a.why) for a in manifest.accepted] == [("Jane", "known")]
    assert (acts(clinic.index)[0].by, acts(clinic.index)[0].why) == ("Jane", "known")


def test_a_new_question_is_asked_though_no_article_changed(clinic):
    """Nothing is there to be published, so nothing is blocked; the maintainer is told."""
    save_questions(clinic.corpus, [Question(id="new", question=QUESTION, status="urgent")])
    code, told = finish(call(clinic))
    assert code == 0, told
    assert "Look at this: question 'new' is answered, not urgent" in told
    assert "Up to date" in told
    (clinic.corpus / "questions.jsonl").write_text("{\n")
    code, told = finish(call(clinic))
    assert code == 3
    assert "questions.jsonl:1: " in told


def test_a_question_that_holds_does_not_block(clinic):
    questioned(clinic, must=[{"article": "knee", "words": "six weeks"}], status="answered")
    outcome = reindex(clinic)
    assert outcome.built.fresh
    assert not outcome.plan.blocking


@pytest.fixture
def unsound(clinic):
    """A library with a claim that must stop it, and the finding."""
    write_article(clinic.corpus, "claim", UNSOUND, title="Claim")
    with pytest.raises(Blocked) as caught:
        reindex(clinic)
    assert caught.value.plan.blocking
    return clinic


def test_what_was_accepted_does_not_block_again_and_what_is_new_does(unsound):
    first = reindex(unsound, accept=True, by="Jane", why="known").built
    assert first.manifest.accepted
    write_article(unsound.corpus, "hand", "Stretch the hand every day.", title="Hand")
    second = reindex(unsound, by="Joe").built
    assert second.manifest.accepted == first.manifest.accepted
    write_article(unsound.corpus, "other", "This infusion has no side effects and cures diabetes.", title="Other")
    with pytest.raises(Blocked) as caught:
        reindex(unsound)
    assert all("other" in line for line in caught.value.plan.blocking)
    assert current_id(unsound.index) == second.manifest.id


def test_what_was_accepted_is_known_when_the_index_in_use_is_damaged(unsound):
    first = reindex(unsound, accept=True, by="Jane", why="known").built
    spoil(first.folder / "articles" / "knee.json")
    again = reindex(unsound).built
    assert again.fresh
    assert again.manifest.accepted == first.manifest.accepted


def test_accepting_what_lies_on_disk_already_is_written_down(unsound):
    """The same content was published once, and pointed away from; another person answers for it now."""
    before = current_id(unsound.index)
    reindex(unsound, accept=True, by="Jane", why="known")
    activate(unsound.index, before)
    with pytest.raises(Blocked):
        reindex(unsound)
    built = reindex(unsound, accept=True, by="Joe", why="looked at it").built
    assert {(a.by, a.why) for a in built.manifest.accepted} == {("Joe", "looked at it")}
    assert verify(built.folder).by == "Joe"


def test_the_plan_compares_with_an_index_of_another_model(clinic):
    """It cannot be asked, but its articles are known."""
    folder = current(clinic.index)
    amend(folder, replace(read_manifest(folder), model="another"))
    write_article(clinic.corpus, "hand", "Stretch the hand every day.", title="Hand")
    assert reindex(clinic, dry_run=True).plan.difference.added == ("hand",)


def test_an_article_under_review_does_not_block(clinic):
    write_article(clinic.corpus, "claim", UNSOUND, title="Claim")
    sidecar = clinic.corpus / "claim.toml"
    sidecar.write_text(sidecar.read_text().replace('"approved"', '"review"', 1))
    outcome = reindex(clinic)
    assert outcome.built.fresh
    assert not outcome.plan.blocking


def test_a_changed_question_alone_builds_nothing(clinic):
    save_questions(clinic.corpus, [Question(id="q1", question=QUESTION, status="no_evidence")])
    assert reindex(clinic).plan is None


def test_an_index_folder_that_cannot_be_used_is_named(clinic, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code, told = finish(call(clinic.model_copy(update={"index": tmp_path / "file"})))
    assert code == 3, told
    assert "BOT_INDEX" in told
    assert "Traceback" not in told


def test_the_encoder_of_a_damaged_snapshot_is_used_again_if_it_is_whole(clinic):
    """Exporting takes torch and ten seconds."""
    for folder in clinic.index.glob("*/manifest.json"):
        spoil(folder.parent / "library.json")
    stages = []
    outcome = reindex(clinic, progress=lambda stage, done, total: stages.append(stage))
    assert outcome.built.fresh
    assert "Exporting the embedding model" not in stages


def test_a_manifest_is_whole_json_after_all_this(clinic):
    body = json.loads((current(clinic.index) / "manifest.json").read_text())
    assert body["id"] == current_id(clinic.index)
    shutil.rmtree(clinic.index / body["id"])
    assert reindex(clinic).built.fresh
