"""Public question-answer data -> training examples. Licences: bot/weights/MODEL_CARD.md.

MedQuAD's questions are templates ("What are the symptoms of X ?"); they are put into everyday wordings by question
type, and the other types' answers of the same topic are the wrong answers: right topic, wrong kind of thing.
"""

import gzip
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from syntok import segmenter

from bot.training.wordings import WORDINGS, as_typed

SHORTEST, LONGEST = 25, 350  # characters of a sentence worth learning from
FIRST = 3  # the first sentences of an answer answer it most often
WRONG = 12  # wrong sentences kept for an example


@dataclass(frozen=True, slots=True)
class Example:
    """A question with sentences that answer it, in part, look as if, and are merely from the same text."""

    question: str
    answers: tuple[str, ...]
    partial: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def sentences(text: str) -> list[str]:
    """Return the sentences of ``text`` that could be a quote."""
    found = []
    for paragraph in segmenter.analyze(text):
        for sentence in paragraph:
            words = re.sub(r"\s+", " ", "".join(token.spacing + token.value for token in sentence)).strip()
            if SHORTEST <= len(words) <= LONGEST and not words.endswith("?"):
                found.append(words)
    return found


def medquad(path: Path, skip_topics: frozenset[str], skip_answers: frozenset[str], rng: Random) -> list[Example]:
    """Read MedQuAD (one JSON object a line, gzip), leaving out topics that are measured elsewhere."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = [row for row in map(json.loads, stream) if row["answer"].strip() and row["qtype"] in WORDINGS]
    judged = {row["focus"].lower() for row in rows if row["answer_id"] in skip_answers} | skip_topics
    topics: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if row["focus"].lower() not in judged:
            topics[(row["source"], row["focus"])].append(row)
    names = sorted(topics)
    rng.shuffle(names)
    # The two genetics sources are formulaic and many: under half of them is enough.
    names = [name for name in names if name[0] not in {"GHR", "GARD"} or rng.random() < 0.45]
    return [example for name in names for example in _topic(name[1], topics[name], rng)]


def squad(path: Path, rng: Random, most: int = 8) -> list[Example]:
    """Read a file in SQuAD's format (COVID-QA): the sentence that holds the answer against the rest of its text."""
    found = []
    for entry in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in entry["paragraphs"]:
            every = sentences(paragraph["context"][:20000])
            asked = list(paragraph["qas"])
            rng.shuffle(asked)
            for item in asked[:most]:
                answer = re.sub(r"\s+", " ", item["answers"][0]["text"]).strip()
                right = [s for s in every if answer in s]
                if right and len(answer) > 3:
                    found.append(_example(item["question"], right[:1], [s for s in every if s not in right], rng))
    return found


def selqa(paths: list[Path], rng: Random) -> list[Example]:
    """Read SelQA's answer sentence selection files."""
    found = []
    for path in paths:
        for row in json.loads(path.read_text("utf-8")):
            right = [row["candidates"][number] for number in row["answers"]]
            wrong = [s for n, s in enumerate(row["candidates"]) if n not in row["answers"] and len(s) > SHORTEST]
            if right and len(wrong) > 2:
                found.append(_example(row["question"], right[:1], wrong, rng))
    rng.shuffle(found)
    return found


def _example(question: str, right: list[str], wrong: list[str], rng: Random) -> Example:
    kept = rng.sample(wrong, min(WRONG, len(wrong)))
    return Example(as_typed(question, rng), tuple(right), near=tuple(kept))


def _topic(focus: str, rows: list[dict[str, str]], rng: Random, most: int = 4) -> list[Example]:
    """Return examples of one topic, at most one for each question type."""
    by_type: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_type[row["qtype"]] += sentences(row["answer"])[:25]
    types = sorted(kind for kind in by_type if by_type[kind])
    rng.shuffle(types)
    name = re.sub(r"\s*\(.*?\)", "", focus)
    found = []
    for kind in types[:most]:
        named = kind == "information" or rng.random() < 0.6
        subject = name if named else rng.choice(["it", "this", "this condition", "that", "this disease"])
        right = by_type[kind]
        wrong = [s for other in types if other != kind for s in by_type[other] if s not in right]
        if wrong:
            question = rng.choice(WORDINGS[kind]).format(x=subject)
            found.append(_example(question, right[:FIRST], wrong, rng))
    return found
