"""One thing to look at, and the sentences that findings are about."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot.errors import CorpusError
from bot.lexical import terms
from bot.scan import visible
from bot.sides import NUMBER
from bot.types import Article, Passage, Sentence

SHOWN = 100  # characters of an excerpt
LINE_BREAK = re.compile("\n")
IS_NUMBER = re.compile(rf"\d\w*|{NUMBER}")
# Words of nearly every health text: that two sentences share them does not make them speak of one thing.
COMMON = frozenset(
    terms(
        """adverse benefit case cause clinic common complication condition danger day doctor dose effect effective event
        experience feel generally harm health help high hour include level long low medical medication medicine minute
        month normal pain patient people physician possible provide reaction reduce relief report risk safe safely
        safety serious session severe show study symptom therapy time tolerate treat treatment usually week well
        year"""
    )
)


class Severity(StrEnum):
    """How much a finding weighs, gravest first."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: ``line`` counts from 1 (0: the whole article), ``excerpt`` is of that line."""

    article: str
    line: int
    severity: Severity
    rule: str
    says: str
    excerpt: str
    fix: str


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence with its words, its line and its uncommon stems."""

    article: Article
    sentence: Sentence
    text: str
    line: int
    stems: frozenset[str]

    @property
    def quotable(self) -> bool:
        """True when it may be quoted."""
        return not self.sentence.unquotable


def said_in(articles: Iterable[Article], passages: Iterable[Passage]) -> dict[str, tuple[Article, tuple[Said, ...]]]:
    """Return each article with its sentences, by its id.

    Raises:
        CorpusError: a passage belongs to none of the articles.
    """
    said: dict[str, tuple[Article, list[Said]]] = {article.source.id: (article, []) for article in articles}
    # Counted once: an article may be as long as a book, and have as many sentences.
    breaks = {name: [found.start() for found in LINE_BREAK.finditer(one.text)] for name, (one, _) in said.items()}
    for sentence in (s for passage in passages for s in passage.sentences):
        if sentence.span.article not in said:
            raise CorpusError(
                f"A passage belongs to '{sentence.span.article}', which is not among the {len(said)} articles "
                "to look at. Give the articles and the passages of the same corpus."
            )
        article, own = said[sentence.span.article]
        text = article.slice(sentence.span)
        line = bisect_left(breaks[sentence.span.article], sentence.span.start) + 1
        own.append(Said(article, sentence, text, line, stems_of(text)))
    return {name: (article, tuple(own)) for name, (article, own) in said.items()}


def stems_of(text: str) -> frozenset[str]:
    """Return the uncommon stems of a text, without numbers."""
    return frozenset(term for term in terms(text) if term not in COMMON and not IS_NUMBER.fullmatch(term))


def withhold_lines(one: Said, reason: str) -> str:
    """Return the sidecar lines that keep the sentence from being quoted."""
    words = json.dumps(one.text, ensure_ascii=False).replace("\x7f", "\\u007F")
    times = one.article.text.count(one.text)
    more = "" if times == 1 else f" (its words occur {times} times: copy more around them until they occur once)"
    lines = ["[[override]]", f"words = {words}", 'kind = "withheld"', f'reason = "{reason}"', 'by = "your name"']
    return "\n".join([f"Write into the sidecar{more}:", *lines])


def finding_of(one: Said, severity: Severity, rule: str, says: str, fix: str) -> Finding:
    """Return a finding about one sentence."""
    return Finding(one.article.source.id, one.line, severity, rule, says, excerpt_of(one.text), fix)


def finding_of_whole(article: Article, severity: Severity, rule: str, says: str, fix: str) -> Finding:
    """Return a finding about a whole article."""
    return Finding(article.source.id, 0, severity, rule, says, "", fix)


def excerpt_of(text: str, mark: re.Pattern[str] | None = None) -> str:
    """Return the first line of ``text`` made visible, from its start or from shortly before what ``mark`` finds."""
    line = text.strip("\ufeff \t\r\n").split("\n")[0]
    found = mark.search(line) if mark else None
    start = max(0, found.start() - SHOWN // 4) if found and found.end() > SHOWN else 0
    return visible(line[start:])[:SHOWN]


def lower_first(text: str) -> str:
    """Return ``text`` with a small first letter, to go on a sentence."""
    return text[0].lower() + text[1:]
