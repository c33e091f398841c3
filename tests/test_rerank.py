"""The evidence models: sound files, one score a sentence, and a refusal to run on anything else."""

import hashlib
import json
import math
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from patients import library_of

from bot.errors import ModelError, RulesError
from bot.network import LARGE, LEARNT, WEIGHTS
from bot.rerank import Reranker, is_made, learnt, open_large
from bot.retrieve import read_again, rerank, retrieve, understand
from bot.scoring import calibrations, scoring_for
from bot.wording import unnamed


@pytest.fixture(scope="module")
def reranker():
    return Reranker()


def test_a_sentence_that_answers_comes_before_one_of_the_same_subject_that_does_not(reranker):
    question = "how long do i have to stay off work"
    sentences = [
        "The cut is closed with stitches.",
        "Most people go back to work after two weeks.",
        "The operation was first done in 1953.",
    ]
    scores = reranker.scores(question, sentences)
    assert scores.shape == (3,)
    assert scores.argmax() == 1


def test_scores_keep_the_order_of_the_sentences(reranker):
    question, sentences = (
        "does it hurt",
        ["It can hurt for a day.", "Parking is free. " * 8, "The nurse is kind.", "No."],
    )
    one = reranker.scores(question, sentences)
    other = reranker.scores(question, sentences[::-1])[::-1]
    assert one == pytest.approx(other, abs=1e-4)  # whatever is read beside it
    assert reranker.scores(question, sentences[1:2]) == pytest.approx(one[1:2], abs=1e-4)
    assert one.argmax() == other.argmax() == 0


def test_any_number_of_threads_says_the_same(reranker):
    sentences = [f"Sentence {number} says {'very ' * number}little." for number in range(7)]
    one = Reranker(threads=1).scores("does it hurt?", sentences)
    assert np.array_equal(one, Reranker(threads=3).scores("does it hurt?", sentences))
    assert np.array_equal(one, reranker.scores("does it hurt?", sentences))


def test_nothing_to_read_is_no_fault(reranker):
    assert reranker.scores("does it hurt", []).shape == (0,)


def all_read(scoring, reach=math.inf):
    """Return ``scoring`` with another reach, by itself one that leaves nothing unread."""
    return replace(scoring, calibration=scoring.calibration.model_copy(update={"reach": reach}))


KNEES = """Knee replacement

A knee replacement takes two hours. Most people walk the next day. The new knee lasts twenty years."""


@pytest.mark.parametrize(
    ("title", "form", "first"),
    [
        ("Knee replacement", "how long does it last", "lasts twenty years"),
        ("Teeth", "how long does a knee replacement last", "takes two hours"),  # what the name draws, else
    ],
)
def test_a_question_that_names_the_subject_is_read_with_and_without_the_name(answerer, reranker, title, form, first):
    library, scoring = library_of({"a": KNEES}, title, answerer.library.encoder), all_read(scoring_for(reranker.digest))
    (query,) = understand(library, "how long does a knee replacement last")
    assert query.unnamed == form
    found = retrieve(library, query, scoring, top_k=10)
    sentences = [library.in_context(hit.row) for hit in found]
    nameless = [unnamed(sentence, library.subject) for sentence in sentences]
    assert (nameless == sentences) is (title == "Teeth")
    pairs = [(f"{query.corrected}?", sentences), (f"{form}?", nameless)]
    means = np.mean([reranker.scores(*pair) for pair in pairs], axis=0)
    read = rerank(library, query, found, scoring, reranker)
    assert {hit.row: hit.rerank for hit in read} == {hit.row: float(m) for hit, m in zip(found, means, strict=True)}
    assert first in library.text(read[0].row)


def test_a_question_mark_changes_nothing_for_the_evidence_model(answerer, reranker):
    library, scoring = library_of({"a": KNEES}, "Teeth", answerer.library.encoder), scoring_for(reranker.digest)
    logits = []
    for question in ("how long does a knee replacement last", "how long does a knee replacement last?"):
        (query,) = understand(library, question)
        hits = rerank(library, query, retrieve(library, query, scoring, top_k=10), all_read(scoring), reranker)
        logits.append({hit.row: hit.rerank for hit in hits if hit.rerank is not None})
    assert logits[0] == pytest.approx(logits[1], abs=1e-4)


def test_what_lies_far_behind_the_best_of_the_first_stage_is_not_read(answerer, reranker):
    library, scoring = library_of({"a": KNEES}, "Teeth", answerer.library.encoder), scoring_for(reranker.digest)
    (query,) = understand(library, "how long does a knee replacement last")
    hits = retrieve(library, query, scoring, top_k=10)
    distances = [hits[0].fused - hit.fused for hit in hits]
    assert distances[1] < distances[2]
    read = rerank(library, query, hits, all_read(scoring, reach=distances[1] + 1e-6), reranker)
    assert {hit.row for hit in read if hit.rerank is not None} == {hit.row for hit in hits[:2]}
    assert [(hit.row, hit.probability) for hit in read[2:]] == [(hit.row, 0.0) for hit in hits[2:]]


@pytest.mark.parametrize("damage", ["weights", "missing", "about"])
def test_damaged_files_are_refused_with_a_way_out(tmp_path, damage):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder, ignore=shutil.ignore_patterns("large*"))
    if damage == "weights":
        with (folder / "reranker.onnx").open("r+b") as stream:
            stream.seek(1000)
            stream.write(b"\x00\x01\x02")
    elif damage == "missing":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "reranker.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="BOT_RERANK=false"):
        Reranker(folder)


def test_the_calibration_is_bound_to_the_shipped_weights(reranker):
    about = json.loads((WEIGHTS / "reranker.json").read_text("utf-8"))
    assert scoring_for(reranker.digest).calibration.reranker == about["sha256"]
    assert scoring_for(None).calibration.reranker == ""
    assert set(calibrations()) == {"none", "reranker", "large"}
    with pytest.raises(RulesError, match="calibrate"):
        scoring_for("another")


def test_the_weights_are_small_enough_for_the_repository():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir() if path.is_file()) < 60_000_000


@pytest.fixture(scope="module")
def large():
    if not LARGE.exists():
        pytest.skip("the large evidence model was not made: python -m bot large")
    return open_large()


def test_the_large_model_puts_the_sentence_that_answers_first(large):
    sentences = ["You can drive again after six weeks.", "Driving lessons are dear.", "A nurse drives the van."]
    scores = large.scores("when am i allowed back behind the wheel", sentences)
    assert scores.argmax() == 0
    assert large.scores("does it hurt", []).shape == (0,)


@pytest.fixture
def knees(answerer, reranker, large):
    """Read by the small model: a library, a query, its hits, the scoring with the large model as second reader."""
    library = library_of(
        {"a": KNEES + " Driving is allowed after six weeks. It costs a lot."}, "Teeth", answerer.library.encoder
    )
    scoring = all_read(scoring_for(reranker.digest, large.digest))
    (query,) = understand(library, "how long does a knee replacement last")
    return (
        library,
        query,
        rerank(library, query, retrieve(library, query, scoring, top_k=10), scoring, reranker),
        scoring,
    )


def reading(scoring, **changes):
    """``scoring`` with other numbers for its second reader."""
    return replace(scoring, second=scoring.second.model_copy(update=changes))


def test_the_large_model_reads_the_first_again_and_nothing_behind_is_likelier(knees, large):
    library, query, hits, scoring = knees
    again = read_again(library, query, hits, reading(scoring, depth=2, doubt=(0.0, 1.0)), large)
    assert [hit.large is not None for hit in again] == [True, True] + [False] * (len(hits) - 2)
    assert {hit.row for hit in again[:2]} == {hit.row for hit in hits[:2]}
    assert max(hit.probability for hit in again[2:]) <= max(hit.probability for hit in again[:2])
    expected = large.scores(f"{query.corrected}?", [library.in_context(hit.row) for hit in hits[:2]])
    assert {hit.row: hit.large for hit in again[:2]} == pytest.approx(
        {hit.row: float(logit) for hit, logit in zip(hits, expected, strict=False)}
    )


@pytest.mark.parametrize("side", ["sure of one", "sure of none"])
def test_the_large_model_is_not_asked_where_the_small_one_is_sure(knees, large, side):
    library, query, hits, scoring = knees
    best = max(hit.probability for hit in hits)
    doubt = (0.0, best - 0.001) if side == "sure of one" else (best + 0.001, 1.0)
    assert read_again(library, query, hits, reading(scoring, doubt=doubt), large) == hits
    assert read_again(library, query, hits, reading(scoring, doubt=(best, best)), large) != hits


def test_nothing_found_is_nothing_to_read_again(knees, large):
    library, query, _, scoring = knees
    assert read_again(library, query, (), reading(scoring, doubt=(0.0, 1.0)), large) == ()


def test_where_the_large_model_was_not_made_there_is_none(tmp_path):
    assert not is_made(tmp_path / "large")
    assert open_large(folder=tmp_path / "large") is None


def test_a_large_model_of_another_version_is_not_used(tmp_path, caplog, large):
    folder = shutil.copytree(LARGE, tmp_path / "large", copy_function=os.link)
    about = json.loads((folder / "large.json").read_text("utf-8"))
    (folder / "large.json").unlink()
    (folder / "large.json").write_text(json.dumps(about | {"learnt": "0" * 64}), encoding="utf-8")
    assert not is_made(folder)
    assert open_large(folder=folder) is None
    assert "another version" in caplog.text


def test_a_damaged_large_model_is_refused_with_a_way_out(tmp_path, large):
    folder = shutil.copytree(LARGE, tmp_path / "large")
    with (folder / "large.onnx").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\x00\x01\x02")
    assert not is_made(folder)  # so that the way out makes it anew
    with pytest.raises(ModelError, match="Run: python -m bot large, or run without it: BOT_LARGE=false"):
        open_large(folder=folder)


def test_the_second_calibration_is_bound_to_what_the_large_model_learnt(reranker):
    scoring = scoring_for(reranker.digest, learnt())
    assert scoring.decision is scoring.second is not None
    assert scoring.second.reranker == scoring.calibration.reranker == reranker.digest
    data = (WEIGHTS / LEARNT).read_bytes()
    assert hashlib.sha256(data).hexdigest() == learnt()
    with pytest.raises(RulesError, match="calibrate"):
        scoring_for(reranker.digest, "another")
