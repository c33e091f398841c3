"""Regression questions of the library's keepers: what must, and what must not, be quoted for a question.

``corpus/questions.jsonl`` holds one JSON object a line:
``{"id": "...", "question": "...", "turns": [], "must": [{"article": "...", "words": "..."}], "must_not": [],
"status": "answered" or "no_evidence" or null, "by": "..."}``. ``words`` are exact words of the article.
"""

import hashlib
import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.corpus import QUESTIONS as FILE
from bot.errors import CorpusError, first_fault
from bot.files import write_whole
from bot.interfaces import Notes
from bot.types import Answer, Article

if TYPE_CHECKING:
    from bot.answer import Answerer

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


FAULT = "could not be answered: a fault of the program, see its log"
Told = tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]  # a result without its question
TOLD = TypeAdapter(Told)


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


def ask_all(answerer: "Answerer", questions: Sequence[Question]) -> tuple[Result, ...]:
    """Ask every question of ``answerer`` and say what came out."""
    return tuple(_ask(answerer, question) for question in questions)


def ask_or_recall(
    opened: Callable[[], "Answerer"], questions: Sequence[Question], about: str, notes: Notes
) -> tuple[Result, ...]:
    """Return what ``ask_all`` does; nothing is opened when the notes hold every result.

    Args:
        opened: opens what is to be asked, which takes seconds for a large library.
        questions: what to ask.
        about: tells the snapshot and the settings; the program itself is told apart here.
        notes: where results are looked up, and noted.

    Raises:
        BotError: it cannot be opened.
    """
    keys = {question.id: _note_key(question, about) for question in questions}
    known = {key: TOLD.validate_json(body) for key, body in notes.facts(list(keys.values())).items()}
    unknown = [question for question in questions if keys[question.id] not in known]
    asked = {r.question.id: r for r in (ask_all(opened(), unknown) if unknown else ())}
    sound = {keys[name]: r for name, r in asked.items() if FAULT not in r.problems}
    notes.keep_facts({key: json.dumps((r.status, r.shown, r.problems)).encode() for key, r in sound.items()})
    return tuple(asked.get(q.id) or Result(q, *known[keys[q.id]]) for q in questions)


def _note_key(question: Question, about: str) -> str:
    return hashlib.sha256("\n".join([program_digest(), about, question.model_dump_json()]).encode()).hexdigest()


@lru_cache(maxsize=1)
def program_digest() -> str:
    """Return a digest of all code, rules and fixed words, and of the digests of the weights."""
    home = Path(__file__).parent
    parts = sorted(path for path in home.rglob("*") if path.suffix in {".py", ".toml", ".json"})
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in parts)).hexdigest()


def _ask(answerer: "Answerer", question: Question) -> Result:
    answer = answerer.answer(question.question, question.turns).answer
    problems = [f"does not quote {m.article}: '{m.words[:80]}'" for m in question.must if not m.quoted_in(answer)]
    problems += [f"quotes {m.article}: '{m.words[:80]}'" for m in question.must_not if m.quoted_in(answer)]
    if answer.message == answerer.words.error:
        problems.append(FAULT)
    if question.status not in (None, answer.status.value):
        problems.append(f"is {answer.status.value}, not {question.status}")
    shown = tuple((quote.span.article, quote.text) for quote in answer.quotes)
    return Result(question, answer.status.value, shown, tuple(problems))


def _parse(line: bytes, where: str) -> Question:
    try:
        return Question.model_validate_json(line)
    except ValidationError as error:
        raise CorpusError(f"{where}: {first_fault(error)}. Correct it; docs/INDEXING.md shows a whole line.") from error
