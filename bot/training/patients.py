"""Questions in patients' words (tests/data/patient_questions) -> training examples with hard wrong answers.

The wrong answers are the sentences of the same article that the published embedding model finds most alike: what the
evidence model will be shown when it serves.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from bot.embed import OnnxEncoder
from bot.segment import leans
from bot.training.sources import Example

HARD = 8  # most alike sentences that do not answer
OTHERS = 16


def patient_examples(folder: Path, part: str, encoder: OnnxEncoder) -> list[Example]:
    """Return the examples of ``part`` ("fit"); every sentence comes with its heading and what it leans on."""
    lines = (folder / "articles.jsonl").read_text("utf-8").splitlines()
    articles = {item["article"]: item["sentences"] for item in map(json.loads, lines)}
    questions = [json.loads(line) for line in (folder / f"{part}.jsonl").read_text("utf-8").splitlines()]
    vectors: dict[str, Any] = {}
    found = []
    for question in questions:
        name = question["article"]
        if name not in vectors:
            vectors[name] = encoder.documents([s["text"] for s in articles[name]])[0]
        order = np.argsort(-(vectors[name] @ encoder.query(question["question"])[0]), kind="stable")
        found.append(_example(question, articles[name], [int(number) for number in order]))
    return found


def in_context(sentences: list[dict[str, str]], number: int) -> str:
    """Return a sentence as ``bot.library.Library.in_context`` gives it to the evidence model."""
    sentence = sentences[number]
    text = sentence["text"]
    if number and leans(text) and sentences[number - 1].get("doc") == sentence.get("doc"):
        text = f"{sentences[number - 1]['text']} {text}"
    heading = sentence["heading"].strip(" ?.:#")
    return f"{heading}: {text}" if heading else text


def _example(question: dict[str, Any], sentences: list[dict[str, str]], order: list[int]) -> Example:
    labelled = {*question["answers"], *question["partial"], *question["near"]}
    wrong = [number for number in order if number not in labelled]

    def texts(numbers: list[int]) -> tuple[str, ...]:
        return tuple(in_context(sentences, number) for number in numbers)

    return Example(
        question=question["question"],
        answers=texts(question["answers"]),
        partial=texts(question["partial"]),
        near=texts([*question["near"], *wrong[:HARD]]),
        others=texts(wrong[HARD : HARD + OTHERS]),
    )
