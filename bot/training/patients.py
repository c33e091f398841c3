"""Questions in patients' words (tests/data/patient_questions) -> training examples with hard wrong answers.

The wrong answers are the sentences of the same article that the published embedding model finds most alike, or those
of them that an earlier evidence model takes for answers: what the new one will be shown when it serves.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bot.embed import OnnxEncoder
from bot.interfaces import Matrix
from bot.segment import leans
from bot.training.sources import Example, read_rows

HARD = 8  # most alike sentences that do not answer
OTHERS = 16
Judge = Callable[[str, list[str]], Matrix]  # question and sentences -> how well each answers


def patient_examples(folder: Path, part: str, encoder: OnnxEncoder, judge: Judge | None = None) -> list[Example]:
    """Return the examples of ``part`` ("fit"); every sentence comes with its heading and what it leans on.

    With a ``judge`` the hard wrong answers are those that it finds best among the most alike sentences.
    """
    articles = {item["article"]: item["sentences"] for item in read_rows(folder / "articles.jsonl")}
    questions = read_rows(folder / f"{part}.jsonl")
    vectors: dict[str, Any] = {}
    found = []
    for question in questions:
        name = question["article"]
        if name not in vectors:
            vectors[name] = encoder.documents([s["text"] for s in articles[name]])[0]
        order = np.argsort(-(vectors[name] @ encoder.query(question["question"])[0]), kind="stable")
        wrong = _wrong(question, [int(number) for number in order])
        if judge:
            wrong = _by_judgement(question["question"], articles[name], wrong, judge)
        found.append(_example(question, articles[name], wrong))
    return found


def in_context(sentences: list[dict[str, str]], number: int) -> str:
    """Return a sentence as ``bot.library.Library.in_context`` gives it to the evidence model."""
    sentence = sentences[number]
    text = sentence["text"]
    if number and leans(text) and sentences[number - 1].get("doc") == sentence.get("doc"):
        text = f"{sentences[number - 1]['text']} {text}"
    heading = sentence["heading"].strip(" ?.:#")
    return f"{heading}: {text}" if heading else text


def _wrong(question: dict[str, Any], order: list[int]) -> list[int]:
    labelled = {*question["answers"], *question["partial"], *question["near"]}
    return [number for number in order if number not in labelled]


def _by_judgement(question: str, sentences: list[dict[str, str]], wrong: list[int], judge: Judge) -> list[int]:
    looked_at = wrong[: HARD + OTHERS]
    scores = judge(question, [in_context(sentences, number) for number in looked_at])
    return [looked_at[place] for place in np.argsort(-scores, kind="stable")]


def _example(question: dict[str, Any], sentences: list[dict[str, str]], wrong: list[int]) -> Example:
    def texts(numbers: list[int]) -> tuple[str, ...]:
        return tuple(in_context(sentences, number) for number in numbers)

    return Example(
        question=question["question"],
        answers=texts(question["answers"]),
        partial=texts(question["partial"]),
        near=texts([*question["near"], *wrong[:HARD]]),
        others=texts(wrong[HARD : HARD + OTHERS]),
    )
