"""Looks over an article before a person approves it: orders to a program, script, hidden characters, telephone numbers.

Nothing in an article can give this program an order (it only quotes); the scan tells people that somebody tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.rulebook import Rule, read_rules
from bot.types import Article

SHOWN = 80  # characters of a line


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspicious line: ``line`` counts from 1, ``excerpt`` has what cannot be seen made visible."""

    article: str
    line: int
    rule: str
    says: str
    excerpt: str


def scan(article: Article) -> Iterator[Finding]:
    """Yield what a person should look at, in reading order."""
    for number, line in enumerate(article.text.split("\n"), 1):
        for rule in _rules():
            # A byte-order mark at the very start is how some editors save a file.
            if rule.speaks(line.removeprefix("\ufeff") if number == 1 else line):
                yield Finding(article.source.id, number, rule.model.id, rule.model.says, visible(line)[:SHOWN])


def visible(text: str) -> str:
    """Return ``text`` with every character that cannot be seen as its code."""
    return "".join(c if c.isprintable() or c == "\t" else f"<U+{ord(c):04X}>" for c in text.strip())


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return read_rules("scan.toml")
