"""What a sentence claims: benefit, safety, risk, reassurance, a dose. By readable rules, never by guessing."""

from functools import lru_cache

from bot.rulebook import Rule, read_rules
from bot.types import Tag


def tags_of(text: str) -> frozenset[Tag]:
    """Return the claims of one sentence."""
    return frozenset(Tag(rule.model.says) for rule in claim_rules() if rule.speaks(text))


@lru_cache(maxsize=1)
def claim_rules() -> tuple[Rule, ...]:
    """Return the rules of ``claims.toml``, proven."""
    return read_rules("claims.toml")
