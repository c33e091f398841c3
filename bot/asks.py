"""What kind of thing a question asks for, and what kinds a sentence holds: a duration, a number, a harm, a person ...

By readable rules. A sentence about the right subject that lacks the kind of thing asked for seldom answers.
"""

from functools import lru_cache

from bot.rulebook import Rule, read_rules

# What can be told by its form: of the sentences that answer 91 to 97 in 100 hold it, of those that only look so 45 to
# 64. Of the other kinds hardly more answers than near misses hold theirs (docs/EVIDENCE.md).
AMOUNTS = frozenset({"duration", "number", "cost"})


def asked(question: str) -> frozenset[str]:
    """Return the kinds of thing that ``question`` asks for; empty when no rule knows."""
    return _said(_rules("asked.toml"), question)


@lru_cache(maxsize=65536)
def holds(sentence: str) -> frozenset[str]:
    """Return the kinds of thing that ``sentence`` holds."""
    return _said(_rules("holds.toml"), sentence)


def match(question_kinds: frozenset[str], sentence: str) -> float:
    """Return how well ``sentence`` holds what is asked for: 1 all of it, -1 none; 0 for nothing in particular."""
    if not question_kinds:
        return 0.0
    return 2.0 * len(question_kinds & holds(sentence)) / len(question_kinds) - 1.0


def lacks_amount(question_kinds: frozenset[str], sentence: str) -> float:
    """Return 1 when an amount is asked for and ``sentence`` holds none of the kind, else 0."""
    wanted = question_kinds & AMOUNTS
    return 1.0 if wanted and not wanted & holds(sentence) else 0.0


def _said(rules: tuple[Rule, ...], text: str) -> frozenset[str]:
    return frozenset(rule.model.says for rule in rules if rule.speaks(text))


@lru_cache(maxsize=2)
def _rules(name: str) -> tuple[Rule, ...]:
    return read_rules(name)
