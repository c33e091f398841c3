"""What a person should look at before an article is approved: claims, contradictions, copies, gaps in its sidecar.

By readable rules (lint.toml, scan.toml, claims.toml) and by counting; a finding forbids nothing. Two sentences of
different articles are held against each other only when they share enough uncommon words, found by those words.
"""

import re
from collections.abc import Iterator, Sequence, Set
from datetime import date
from functools import lru_cache

from bot.lint.across import Open, contradictions, copies
from bot.lint.facts import Facts, Opened, facts_of
from bot.lint.finding import (
    SHOWN,
    Finding,
    Said,
    Severity,
    excerpt_of,
    finding_of,
    finding_of_whole,
    lower_first,
    said_in,
    withhold_lines,
)
from bot.lint.reading import grade_level
from bot.rulebook import Rule, read_rules
from bot.scan import scan, visible
from bot.types import Article, Kind, Passage, ReviewStatus, Tag

__all__ = ["Finding", "Severity", "lint", "look_over"]
MAX_AGE = 5  # years
MAX_GRADE = 9.0  # school years: Flesch-Kincaid
MIN_WORDS = 100  # a reading level of fewer words says nothing
MIN_SENTENCES = 5  # sentences that may be quoted
MAX_WORDS = 60  # words of a sentence
CRITICAL_SCANS = frozenset({"instruction", "script", "hidden"})
METADATA = ("publisher", "author", "url", "licence", "sells_treatment")
PUBLISHED = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?!\d)")
LABEL = re.compile(r"\b(fig|table|box|chart|diagram|appendix|exhibit)(?:ure|\.)?\s+(\d{1,3}|[A-H])\b", re.I)


def lint(
    articles: Sequence[Article], passages: Sequence[Passage], *, today: date, only: Set[str] | None = None
) -> tuple[Finding, ...]:
    """Return what a person should look at, gravest first, then by article and line.

    A contradiction or a copy is reported once, on the article that is not approved yet (else on the first by id).

    Args:
        articles: the whole library with the new article; a contradiction needs both sides.
        passages: what ``bot.segment`` made of these articles.
        today: the day from which an article's age counts.
        only: ids of the articles that findings are wanted of (None: all); others are held against them.

    Raises:
        CorpusError: a passage belongs to none of the articles.
        RulesError: a rule file of this package is broken.
    """
    opened = {name: Opened(*own) for name, own in said_in(articles, passages).items()}
    facts = [facts_of(opened[name]) for name in sorted(opened)]
    return look_over(facts, opened.keys() if only is None else only, opened.__getitem__, today=today)


def look_over(facts: Sequence[Facts], wanted: Set[str], opened: Open, *, today: date) -> tuple[Finding, ...]:
    """Return what ``lint`` does, opening only the articles ``wanted`` and those that could have to do with them.

    Args:
        facts: those of every article of the library, by article id.
        wanted: ids of the articles that findings are wanted of.
        opened: gives an article by its id.
        today: the day from which an article's age counts.
    """
    found = [*copies(facts, wanted, opened), *contradictions(facts, wanted, opened)]
    for one in (opened(one.article) for one in facts if one.article in wanted):
        found += [*_scanned(one.article), *_about_source(one.article, today), *_about_text(one.article, one.said)]
        for said in one.said:
            found += _about_sentence(said)
    order = list(Severity)
    return tuple(sorted(found, key=lambda f: (order.index(f.severity), f.article, f.line, f.rule, f.says)))


def _about_sentence(one: Said) -> Iterator[Finding]:
    if one.sentence.kind is Kind.WITHHELD:
        return
    for rule in _rules():
        if rule.model.says == "absolute-claim":
            if one.quotable and rule.speaks(one.text):
                yield finding_of(
                    one, Severity.CRITICAL, rule.model.id, rule.model.description, withhold_lines(one, "absolute claim")
                )
        elif rule.speaks(one.text) and (rule.model.says == "dead-reference" or _lacks_part(one)):
            fix = "Nothing: it is never quoted, but the article's page shows it."
            if one.quotable:
                fix = "Nothing, if the words can do without it; else " + lower_first(
                    withhold_lines(one, "dead reference")
                )
            yield finding_of(one, Severity.NOTE, rule.model.id, rule.model.description, fix)
    if one.quotable:
        yield from _about_quotable(one)


def _about_quotable(one: Said) -> Iterator[Finding]:
    if Tag.DOSE in one.sentence.tags:
        fix = "Let a clinician confirm it for every reader; else " + lower_first(withhold_lines(one, "a dose"))
        yield finding_of(one, Severity.WARNING, "dose", "states a dose, which a patient could follow", fix)
    length = len(one.text.split())
    if length > MAX_WORDS:
        says = f"a sentence of {length} words (more than {MAX_WORDS}) is hard to read as a quote"
        yield finding_of(one, Severity.NOTE, "long-sentence", says, "Ask the publisher for shorter sentences.")


def _lacks_part(one: Said) -> bool:
    """Return True when a figure, table or box is named and no line of the article is its caption."""
    for name, number in LABEL.findall(one.text):
        caption = rf"^\W*{name}(?:ure|\.)?\s+{number}\s*(?:[.:|)\u2013\u2014-]|$)"
        if not re.search(caption, one.article.text, re.I | re.M):
            return True
    return False


def _scanned(article: Article) -> Iterator[Finding]:
    lines = article.text.split("\n")
    for found in scan(article):
        severity = Severity.CRITICAL if found.rule in CRITICAL_SCANS else Severity.WARNING
        fix = (
            "Let the publisher's text be cleaned, or refuse the article."
            if severity is Severity.CRITICAL
            else "Make sure that no sentence with it is quoted: python -m bot check --verbose lists what is not."
        )
        excerpt = excerpt_of(lines[found.line - 1], _scan_marks()[found.rule])
        yield Finding(article.source.id, found.line, severity, found.rule, found.says, excerpt, fix)


@lru_cache(maxsize=1)
def _scan_marks() -> dict[str, re.Pattern[str]]:
    return {r.model.id: re.compile("|".join(r.model.patterns), re.I) for r in read_rules("scan.toml")}


def _about_source(article: Article, today: date) -> Iterator[Finding]:
    source = article.source
    missing = [name for name in METADATA if getattr(source, name) is None]
    if missing:
        fix = "Write what is known into the sidecar: " + ", ".join(f"{name} = ..." for name in missing)
        yield finding_of_whole(article, Severity.NOTE, "metadata", f"not given: {', '.join(missing)}", fix)
    if source.review.reviewer is None:
        fix = f'Write under [review]: reviewer = "name, profession" and reviewed_on = {today.isoformat()}'
        yield finding_of_whole(article, Severity.NOTE, "no-reviewer", "no clinician has reviewed it", fix)
    if source.review.status is ReviewStatus.APPROVED and source.review.approved_by is None:
        fix = f'Write under [review]: approved_by = "name" and approved_on = {today.isoformat()}'
        yield finding_of_whole(article, Severity.NOTE, "no-approver", "it is approved, and nobody stands for it", fix)
    if source.ocr:
        fix = "Compare the text with the original, word by word, numbers above all, before it is approved."
        yield finding_of_whole(article, Severity.WARNING, "ocr", "a program read its words off scanned pages", fix)
    wrong = _about_date(source.published, today)
    if wrong:
        fix = 'Write the day of the text into the sidecar (published = "2024-05-02"), or look for a newer text.'
        yield finding_of_whole(article, Severity.NOTE, *wrong, fix)


def _about_date(published: str | None, today: date) -> tuple[str, str] | None:
    """Return rule and words when a date is missing, odd or old; an unknown month or day is taken as the latest."""
    if published is None:
        return "undated", "no date is given, so nobody can see how old it is"
    found = PUBLISHED.match(published)
    if not found:
        return "unreadable-date", f"its date '{visible(published)[:SHOWN]}' does not start with a year"
    year, month, day = int(found[1]), int(found[2] or 12), int(found[3] or 31)
    if year > today.year:
        return "future-date", f"its date {found[0]} is in the future"
    if (year + MAX_AGE, month, day) < (today.year, today.month, today.day):
        return "old", f"it is of {found[0]}, more than {MAX_AGE} years old"
    return None


def _about_text(article: Article, own: Sequence[Said]) -> Iterator[Finding]:
    body = [one.text for one in own if one.quotable]
    if len(body) < MIN_SENTENCES:
        says = f"only {len(body)} sentences may be quoted (fewer than {MIN_SENTENCES})"
        fix = "See why: python -m bot check --verbose; a person may decide otherwise with an [[override]]."
        yield finding_of_whole(article, Severity.NOTE, "short", says, fix)
    grade = grade_level(body)
    if grade > MAX_GRADE and sum(len(text.split()) for text in body) >= MIN_WORDS:
        says = f"reading level about grade {grade:.0f} (above {MAX_GRADE:.0f})"
        yield finding_of_whole(article, Severity.NOTE, "reading-level", says, "Look for a text in plainer words.")
    promotion = [one for one in own if one.sentence.kind is Kind.PROMOTION]
    if promotion:
        says = f"{len(promotion)} sentences of promotion, the first on this line; they are never quoted"
        fix = "Set sells_treatment in the sidecar, and read the rest with that in mind."
        yield finding_of(promotion[0], Severity.NOTE, "promotion", says, fix)


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return read_rules("lint.toml")
