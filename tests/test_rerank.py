"""The evidence model: sound files, one score a sentence, and a refusal to run on anything else."""

import json
import shutil

import numpy as np
import pytest
from patients import library_of

from bot.errors import ModelError, RulesError
from bot.network import WEIGHTS
from bot.rerank import Reranker
from bot.retrieve import rerank, retrieve, understand
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
    assert one == pytest.approx(other, abs=0.3)  # eight-bit arithmetic depends a little on the neighbours
    assert one.argmax() == other.argmax() == 0


def test_nothing_to_read_is_no_fault(reranker):
    assert reranker.scores("does it hurt", []).shape == (0,)


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
    library, scoring = library_of({"a": KNEES}, title, answerer.library.encoder), scoring_for(reranker.digest)
    (query,) = understand(library, "how long does a knee replacement last")
    assert query.unnamed == form
    found = retrieve(library, query, scoring, top_k=10)
    sentences = [library.in_context(hit.row) for hit in found]
    nameless = [unnamed(sentence, library.subject) for sentence in sentences]
    assert (nameless == sentences) is (title == "Teeth")
    pairs = [(query.corrected, sentences), (form, nameless)]
    means = np.mean([reranker.scores(*pair) for pair in pairs], axis=0)
    read = rerank(library, query, found, scoring, reranker)
    assert {hit.row: hit.rerank for hit in read} == {hit.row: float(m) for hit, m in zip(found, means, strict=True)}
    assert first in library.text(read[0].row)


@pytest.mark.parametrize("damage", ["weights", "missing", "about"])
def test_damaged_files_are_refused_with_a_way_out(tmp_path, damage):
    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
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
    assert set(calibrations()) == {"none", "reranker"}
    with pytest.raises(RulesError, match="calibrate"):
        scoring_for("another")


def test_the_weights_are_small_enough_for_the_repository():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 60_000_000
