"""Regression questions of the library's keepers: what must, and what must not, be quoted for a question.

``corpus/questions.jsonl`` holds one JSON object a line:
``{"id": "...", "question": "...", "turns": [], "must": [{"article": "...", "words": "..."}], "must_not": [],
"status": "answered" or "no_evidence" or null, "by": "..."}``. ``words`` are exact words of the article.
"""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.answer import Answerer
from bot.corpus import QUESTIONS as FILE
from bot.errors import CorpusError, first_fault
from bot.files import write_whole
from bot.types import Answer, Article

Short = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]  # blank words would be in every quote


class Mark(BaseModel):
    """Exact words of one article."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    article: Short
    words: Short

    def stands_in(self, articles: Mapping[str, Article]) -> bool:
        """Return True when the article holds these words."""
        return self.article in articles and self.words in articles[self.article].text

    def quoted_in(self, answer: Answer) -> bool:
        """Return True when a quote of ``answer`` shows these words."""
        return any(q.span.article == self.article and self.words in q.text for q in answer.quotes)


class Question(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]{0,79}$")]
    question: Short
    turns: tuple[Short, ...] = ()
    must: tuple[Mark, ...] = ()
    must_not: tuple[Mark, ...] = ()
    status: Literal["answered", "no_evidence", "declined", "urgent"] | None = None
    by: str = ""
    added: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """How one question came out: what was shown and what is wrong with it (nothing: ``problems`` is empty)."""

    question: Question
    status: str
    shown: tuple[tuple[str, str], ...]  # (article, words) of each quote
    problems: tuple[str, ...]


def read_questions(corpus: Path) -> tuple[Question, ...]:
    """Read the questions of ``corpus``; none when there is no file.

    Raises:
        CorpusError: names the line and what is wrong with it.
    """
    path = corpus / FILE
    if not path.exists():
        return ()
    try:
        lines = path.read_bytes().removeprefix(BOM_UTF8).split(b"\n")
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error
    found: dict[str, Question] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        question = _parse(line, f"{path}:{number}")
        if question.id in found:
            raise CorpusError(f"{path}:{number}: the id '{question.id}' is there already. Give it another one.")
        found[question.id] = question
    return tuple(found.values())


def save_questions(corpus: Path, questions: Sequence[Question]) -> None:
    """Write ``questions`` as the file of ``corpus``, whole or not at all.

    Raises:
        CorpusError: the file cannot be written; the old one is unchanged.
    """
    path = corpus / FILE
    twice = [name for name, times in Counter(q.id for q in questions).items() if times > 1]
    if twice:
        raise CorpusError(f"{path}: the id '{twice[0]}' would be there twice. Give each question one of its own.")
    lines = [json.dumps(q.model_dump(exclude_defaults=True), ensure_ascii=False) + "\n" for q in questions]
    try:
        write_whole(path, "".join(lines).encode())
    except OSError as error:
        raise CorpusError(f"{path} cannot be written: {error.strerror}. Check its permissions.") from error


def lost_words(questions: Sequence[Question], articles: Mapping[str, Article]) -> Iterator[str]:
    """Yield a line for each question about words that no article holds (any more): its answer says nothing then."""
    for question in questions:
        for mark in (*question.must, *question.must_not):
            if mark.article not in articles:
                yield f"question '{question.id}': there is no article '{mark.article}'"
            elif not mark.stands_in(articles):
                yield f"question '{question.id}': {mark.article} does not hold '{mark.words[:80]}'"


def ask_all(answerer: Answerer, questions: Sequence[Question]) -> tuple[Result, ...]:
    """Ask every question of ``answerer`` and say what came out."""
    return tuple(_ask(answerer, question) for question in questions)


def _ask(answerer: Answerer, question: Question) -> Result:
    answer = answerer.answer(question.question, question.turns).answer
    problems = [f"does not quote {m.article}: '{m.words[:80]}'" for m in question.must if not m.quoted_in(answer)]
    problems += [f"quotes {m.article}: '{m.words[:80]}'" for m in question.must_not if m.quoted_in(answer)]
    if question.status not in (None, answer.status.value):
        problems.append(f"is {answer.status.value}, not {question.status}")
    shown = tuple((quote.span.article, quote.text) for quote in answer.quotes)
    return Result(question, answer.status.value, shown, tuple(problems))


def _parse(line: bytes, where: str) -> Question:
    try:
        return Question.model_validate_json(line)
    except ValidationError as error:
        raise CorpusError(f"{where}: {first_fault(error)}. Correct it; docs/INDEXING.md shows a whole line.") from error
