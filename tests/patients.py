"""Patients' questions over other articles (tests/data/patient_questions) as libraries that the program can search."""

import json
import pathlib
from dataclasses import dataclass
from functools import lru_cache

from bot.build import encode
from bot.library import Library, assemble
from bot.segment import segment
from bot.snapshot import Manifest, Record, content_of
from bot.types import Article, LibraryInfo, Review, ReviewStatus, Source

FOLDER = pathlib.Path(__file__).resolve().parent / "data" / "patient_questions"


@dataclass(frozen=True)
class Shelf:
    """One topic's library and, for each of its rows, the numbers of the data set's sentences that it covers."""

    library: Library
    numbers: list[set[int]]

    def grade(self, row, question):
        """3 the row answers, 2 in part, 1 tempts, 0 neither."""
        for grade, key in ((3, "answers"), (2, "partial"), (1, "near")):
            if self.numbers[row] & set(question[key]):
                return grade
        return 0


def questions(part):
    return [json.loads(line) for line in (FOLDER / f"{part}.jsonl").read_text("utf-8").splitlines()]


@lru_cache(maxsize=1)
def articles():
    lines = (FOLDER / "articles.jsonl").read_text("utf-8").splitlines()
    return {item["article"]: item for item in map(json.loads, lines)}


def shelf(item, encoder):
    """Build the library of one line of articles.jsonl; two documents of a topic become two articles."""
    texts, places = {}, []
    for sentence in item["sentences"]:
        doc = sentence.get("doc", "a")
        text, heading = texts.get(doc, ("", None))
        if sentence["heading"] != heading:
            text += f"\n\n{sentence['heading'].strip()}\n\n" if text else f"{sentence['heading'].strip()}\n\n"
        elif text:
            text += " "
        places.append((doc, len(text), len(text) + len(sentence["text"])))
        texts[doc] = (text + sentence["text"], sentence["heading"])
    return _shelf({doc: text for doc, (text, _) in texts.items()}, places, item["topic"], encoder)


def library_of(texts, topic, encoder):
    """Build a library of ``texts`` (article id -> text) in memory."""
    review = Review(ReviewStatus.APPROVED)
    sources = {doc: Source(doc, doc, "", topic, None, None, None, None, None, None, review) for doc in texts}
    found = tuple(Article(sources[doc], text) for doc, text in texts.items())
    records = [Record(article, segment(article)) for article in found]
    vectors = list(encode(records, encoder).values())
    manifest = Manifest("", 1, "", "", "", "", "faiss", {}, {}, "")
    return assemble(manifest, content_of(LibraryInfo(topic), records), encoder, vectors)


def _shelf(texts, places, topic, encoder):
    library = library_of(texts, topic, encoder)
    numbers = []
    for row in library.rows:
        span = row.sentence.span
        at = {n for n, (doc, a, b) in enumerate(places) if doc == span.article and span.start < b and a < span.end}
        numbers.append(at)
    return Shelf(library, numbers)
