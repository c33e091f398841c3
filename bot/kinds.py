"""What a line or sentence of an article is: by rule, by shape, or by a person's override."""

import re
from functools import lru_cache

from bot.rulebook import Rule, read_rules
from bot.types import Article, Kind, Span

MAX_HEADING_WORDS = 14
BULLET = re.compile(r"\s*(?:[-*\u2022\u2023\u25e6\u2043]|\d{1,2}[.)])\s+")
MARKDOWN_HEADING = re.compile(r"\s*#{1,6}\s")
ENDS = re.compile(r"[.!;:,\u2026][\s\"'\u201d\u2019)\]*_]*$")


def line_kind(article: Article, line: Span, *, followed: bool) -> tuple[Kind, str] | None:
    """Return kind and rule of a whole line that is no running text, or None for a line to be split into sentences.

    ``followed`` is True when text comes after the line: a heading heads something.
    """
    text = article.slice(line).strip("\ufeff \t\r\n")
    if repeats_title(text, article.source.title):
        return Kind.TITLE, "repeats the title"
    if MARKDOWN_HEADING.match(text):
        return Kind.HEADING, "markdown heading"
    if not has_heading_shape(text):
        return None
    found = by_rule(text)
    if found is not None:
        return found
    return (Kind.HEADING, "heading by shape") if followed else (Kind.BOILERPLATE, "heading of nothing")


def by_rule(text: str) -> tuple[Kind, str] | None:
    """Return the kind and id of the first rule that speaks for ``text``."""
    for rule in kind_rules():
        if rule.speaks(text):
            return Kind(rule.model.says), rule.model.id
    return None


def has_heading_shape(text: str) -> bool:
    """Return True for a short line that is not a sentence: no full stop at its end, no bullet at its start."""
    if BULLET.match(text) or not text:
        return False
    words = text.split()
    if text.endswith(":") and len(words) <= 3:
        return True  # "Share now :", "Tags:"
    return len(words) <= MAX_HEADING_WORDS and not ENDS.search(text) and "? " not in text


def repeats_title(text: str, title: str) -> bool:
    """Return True when ``text`` is the title, alone or with a site's name after a dash or bar."""
    line, wanted = _fold(text), _fold(title)
    return line == wanted or re.match(re.escape(wanted) + r"\s*[-|\u2013\u2014:]\s+\S", line) is not None


@lru_cache(maxsize=1)
def kind_rules() -> tuple[Rule, ...]:
    """Return the rules of ``kinds.toml``, proven."""
    return read_rules("kinds.toml")


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", MARKDOWN_HEADING.sub("", text)).strip("\ufeff ").casefold()
